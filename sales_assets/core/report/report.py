"""The report of one day as a value: its parts, what is said first and after it, its stored form."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from sales_assets.core import names
from sales_assets.core.completeness import as_json
from sales_assets.core.delivery.messages import CAPTION_LIMIT
from sales_assets.core.judgement.level import LEAST_TRAINING_DAYS
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.metrics.values import SERIES
from sales_assets.core.report.inputs import DataQuality, ReportDay, ReportInputs
from sales_assets.core.report.part import Part, Story, VerdictKind
from sales_assets.core.report.parts.crm_bridge import CrmBridge
from sales_assets.core.report.parts.expiring import Expiring
from sales_assets.core.report.parts.funnel import Funnel
from sales_assets.core.report.parts.paying import NewPaying
from sales_assets.core.report.parts.processes import Processes
from sales_assets.core.report.wording import (
    counted,
    cut_sentence,
    day_and_month,
    elided_words,
    enumeration,
    full_date,
    number,
    plural,
    sentence,
    titled_day,
)
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import COHORT, DAY, DRAWN_DAYS, days_up_to

#: In the order of the picture.
PARTS: tuple[type[Part], ...] = (NewPaying, Processes, Expiring, Funnel, CrmBridge)
#: The metrics that the parts show.
METRICS_OF_PARTS: tuple[Metric, ...] = tuple(part.METRIC for part in PARTS if part.METRIC)
#: The assets of all metrics; each may fail without taking the others along.
METRICS = (
    names.DAILY_VALUES,
    names.STUCK_CASES,
    names.DAILY_ACTIVITY,
    *(metric.name for metric in METRICS_OF_PARTS),
)

#: A chief reads a verdict and six lines, no more.
MOST_LINES = 6
MOST_DAYS_NAMED = 3
MOST_QUESTIONS = 3
#: What a push notification shows of a caption.
MOST_CHARACTERS = 60


@dataclass(frozen=True)
class Verdict:
    """The first line of the caption, under 60 characters, and its kind.

    `headline` is the story without the day that it is on, `detail` the banner's second line;
    `is_new` says that it is told for the first time.
    """

    kind: VerdictKind
    text: str
    headline: str = ""
    detail: str = ""
    is_new: bool = False


_CALM = Verdict(VerdictKind.CALM, ru.CALM_VERDICT, ru.CALM_VERDICT)


@dataclass(frozen=True)
class Report:
    """All that the chief sees of one day; a part is None where it could not be computed."""

    about: ReportDay
    parts: Mapping[type[Part], Part | None]
    quality: DataQuality | None

    @cached_property
    def verdict(self) -> Verdict:
        """The most serious thing, in the order of docs/verdict.md; a cut day has no verdict."""
        if self.about.is_cut:
            said = cut_sentence(self.about.completeness, self.about.day)
            return Verdict(VerdictKind.INCOMPLETE, said, said)
        told = self._stories
        return worded(told[0]) if told else next(self._reservations(), _CALM)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know about the data: missing, young, flawed."""
        own = [note for part in self._present for note in part.notes()]
        return (*self._absences(), *own, *self.footnotes)

    @property
    def footnotes(self) -> tuple[str, ...]:
        """Those notes that no part of the picture says in its own place."""
        of_parts = [note for part in self._present for note in part.footnotes()]
        return (*of_parts, *self._data_notes())

    @property
    def caption_html(self) -> str:
        """The verdict in bold, at most six lines after it, and, folded, what to ask.

        At most 1024 characters after parsing, all data escaped. Where it gets too long, questions
        are left out, then the end of the notes.
        """
        said, day = self.verdict, sentence(titled_day(self.about.day))
        headlines = [line for part in self._present if (line := part.headline())]
        lines = [f"{day}: {'; '.join(headlines)}" if headlines else day]
        lines += [line for part in self._present for line in part.caption_lines()]
        lines = [line for line in lines if line not in {said.headline, said.text}][: MOST_LINES - 1]
        lines += _fitted(self.notes, MOST_LINES - len(lines))
        room = CAPTION_LIMIT - _length(said.text, *lines[:-1])
        lines = [*lines[:-1], *(elided_words(line, room) for line in lines[-1:])]
        shown = [f"<b>{escape(said.text)}</b>", *map(escape, lines)]
        asked = [story.question for story in self._stories if story.question][:MOST_QUESTIONS]
        questions = [ru.QUESTIONS_TITLE, *asked] if said.kind is VerdictKind.ALARM else []
        while questions and _length(said.text, *lines, *questions) > CAPTION_LIMIT:
            questions.pop()
        if len(questions) > 1:
            folded = "\n".join(map(escape, questions))
            shown.append(f"<blockquote expandable>{folded}</blockquote>")
        return "\n".join(shown)

    @property
    def numbers(self) -> dict[str, Any]:
        """The numbers shown, by the parts' keys, null for a part that is not there.

        Of a fraction twelve digits are kept: the last ones differ between processors, and a report
        that is made again on another machine would count as corrected.
        """
        absent = {name: None for part in PARTS for name in part.NUMBERS}
        shown = {name: value for part in self._present for name, value in part.numbers().items()}
        known = (one for part in self._present for one in part.judged if one.is_known)
        judged = {one.series: one.numbers() for one in known}
        quality = asdict(self.quality) if self.quality else None
        return _with_twelve_digits({**absent, **shown, **judged, "data_quality": quality})

    @property
    def _present(self) -> list[Part]:
        return [part for part in self.parts.values() if part is not None]

    @property
    def _missing(self) -> list[type[Part]]:
        """The parts that could not be computed: not those that can't be there yet or known."""
        about = self.about
        lacking = [kind for kind, part in self.parts.items() if part is None]
        return [one for one in lacking if not one.not_yet(about) and not one.uncounted(about)]

    @property
    def _uncounted(self) -> list[tuple[str, str]]:
        return [named for kind in self.parts for named in kind.uncounted(self.about)]

    @property
    def _stories(self) -> list[Story]:
        return sorted((story for part in self._present for story in part.stories()), key=_order)

    @property
    def _first_judged_day(self) -> date:
        """The first day that can be judged: two weeks of ordinary days lie before it."""
        left_out = self.about.holidays | self.about.spoiled_days
        day, ordinary = self.about.history_first_day, 0
        while ordinary < LEAST_TRAINING_DAYS:
            ordinary += day not in left_out
            day += DAY
        return day

    def _reservations(self) -> Iterator[Verdict]:
        """Yield why the day cannot be called calm."""
        about = self.about
        lacking = [part.NAME for part in self._missing] + [name for name, _ in self._uncounted]
        if lacking:
            some = ru.MISSING_VERDICT.format(parts=", ".join(lacking))
            said = elided_words(some, MOST_CHARACTERS - 1)
            yield Verdict(VerdictKind.INCOMPLETE, said if self._present else ru.ALL_MISSING_VERDICT)
        if about.day in about.holidays:
            yield Verdict(VerdictKind.HOLIDAY, ru.HOLIDAY_VERDICT)
        if about.day < self._first_judged_day:
            since = full_date(about.history_first_day)
            yield Verdict(VerdictKind.YOUNG, ru.YOUNG_VERDICT.format(day=since))
        if not any(one.is_compared for part in self._present for one in part.judged):
            yield Verdict(VerdictKind.YOUNG, ru.NO_COMPARISON_VERDICT)

    def _absences(self) -> Iterator[str]:
        if missing := self._missing:
            named = ", ".join(part.missing_name(self.about) for part in missing)
            yield ru.MISSING_NOTE.format(parts=named)
        for name, reason in self._uncounted:
            yield ru.NOT_COUNTED.format(part=sentence(name), reason=reason)
        for kind, part in self.parts.items():
            if part is None and (reason := kind.not_yet(self.about)):
                yield reason

    def _data_notes(self) -> Iterator[str]:
        about = self.about
        # Older ones are left out of the comparison, too, but say nothing new for months.
        drawn = days_up_to(about.day - DAY, DRAWN_DAYS - 1)
        left_out = about.spoiled_days.union(*map(about.without_value, SERIES))
        if spoiled := [day for day in drawn if day in left_out]:
            days = enumeration([day_and_month(day) for day in spoiled], MOST_DAYS_NAMED)
            yield ru.SPOILED_NOTE.format(days=days)
        if about.day < self._first_judged_day:
            yield ru.YOUNG_NOTE.format(day=day_and_month(self._first_judged_day))
        young = [one for part in self._present for one in part.judged if one.found.is_young]
        if young:
            days = counted(young[0].found.training_days, ru.DAYS_DATIVE)
            yield sentence(ru.YOUNG_RANGE_NOTE.format(days=days))


def worded(story: Story) -> Verdict:
    """Word a story as a verdict, under 60 characters: the longest form that fits."""
    is_old = story.day_number > 1
    forms = [_with_day(text, story) for text in story.texts] if is_old else story.texts
    fitting = (text for text in forms if len(text) < MOST_CHARACTERS)
    text = next(fitting, elided_words(forms[-1], MOST_CHARACTERS - 1))
    day = ru.STORY_DAY_DETAIL.format(number=story.day_number) if is_old else ""
    detail = ". ".join(filter(None, [day, story.detail]))
    return Verdict(story.kind, text, story.texts[0], detail, story.is_new)


def _with_day(text: str, story: Story) -> str:
    """Say which day of the story it is: before it, or after it where it has a colon itself."""
    if ":" in text:
        return ru.STORY_DAY_LAST.format(number=story.day_number, text=text)
    return ru.STORY_DAY.format(number=story.day_number, text=text[:1].lower() + text[1:])


def _order(story: Story) -> tuple[int, bool, int, float]:
    kinds = (VerdictKind.ALARM, VerdictKind.GOOD, VerdictKind.CALM)
    # A story that goes on comes after the new ones; what is over comes last of what is calm.
    is_later = story.is_over if story.kind is VerdictKind.CALM else not story.is_new
    return kinds.index(story.kind), is_later, story.rank, story.rarity


def _length(*lines: str) -> int:
    """Count the characters of lines and their ends."""
    return sum(len(line) + 1 for line in lines)


def _fitted(notes: Sequence[str], room: int) -> list[str]:
    """Keep each note on its own line while there is room; the last line takes all the others."""
    if len(notes) <= room:
        return list(notes)
    return [*notes[: room - 1], "; ".join(notes[room - 1 :])]


def set_aside_note(quality: DataQuality | None) -> str | None:
    """Say how many rows were set aside and why, or None where there were none."""
    if quality is None or not any(quality.set_aside.values()):
        return None
    counts: Counter[str] = Counter()
    for kind, count in quality.set_aside.items():
        counts[ru.SET_ASIDE_KINDS.get(kind, ru.SET_ASIDE_OTHER)] += count
    kinds = [f"{kind} {number(count)}" for kind, count in counts.items() if count]
    return ru.SET_ASIDE_NOTE.format(
        set_aside=plural(counts.total(), ru.SET_ASIDE_FORMS),
        rows=counted(counts.total(), ru.ROWS_FORMS),
        total=number(quality.rows),
        kinds=", ".join(kinds),
    )


def build_report(inputs: ReportInputs) -> Report:
    """Build the report of one day from its stored metrics; the same inputs give the same value.

    A missing part never raises: it is None, and the verdict, the notes and the picture say so.
    """
    return Report(inputs.about, {part: part.of(inputs) for part in PARTS}, inputs.quality)


def report_json(report: Report, picture_sha256: str) -> dict[str, Any]:
    """Return the report as it is stored beside its picture."""
    about = report.about
    first, last = COHORT.days(about.day)
    data = as_json(about.completeness)
    del data["surprise"]
    return {
        "day": about.day.isoformat(),
        "caption": report.caption_html,
        "verdict": report.verdict.text,
        "verdict_kind": report.verdict.kind.value,
        "is_new": report.verdict.is_new,
        "data": data,
        "not_counted": dict(about.not_counted),
        "compared": {
            "first_day": about.history_first_day.isoformat(),
            "holidays": sorted(day.isoformat() for day in about.holidays),
            "spoiled_days": sorted(day.isoformat() for day in about.spoiled_days),
            "uncounted_days": {
                part: sorted(day.isoformat() for day in of_part)
                for part, of_part in about.uncounted_days.items()
            },
        },
        "numbers": report.numbers,
        "cohort": {"first": first.isoformat(), "last": last.isoformat()},
        "notes": list(report.notes),
        "sha256": picture_sha256,
    }


def _with_twelve_digits(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_twelve_digits(each) for name, each in value.items()}
    return float(f"{value:.12g}") if isinstance(value, float) else value


def about_of(stored: Mapping[str, Any], day: date, zone: ZoneInfo) -> ReportDay:
    """Return what a stored report knew of its day, as far as its receipt needs it."""
    compared = stored.get("compared", {})
    return ReportDay(
        day,
        zone,
        date.fromisoformat(compared.get("first_day", date.min.isoformat())),
        frozenset(map(date.fromisoformat, compared.get("holidays", ()))),
        frozenset(map(date.fromisoformat, compared.get("spoiled_days", ()))),
        {
            part: frozenset(map(date.fromisoformat, of_part))
            for part, of_part in compared.get("uncounted_days", {}).items()
        },
        not_counted=stored.get("not_counted", {}),
    )


def json_bytes(stored: Mapping[str, Any]) -> bytes:
    """Serialise a stored report: UTF-8, sorted keys, the same bytes for the same values."""
    text = json.dumps(stored, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    return f"{text}\n".encode()


def headline_numbers(numbers: Mapping[str, Any]) -> dict[str, str]:
    """Return the headline numbers of a stored report, by their names, as people read them."""
    return {name: said for part in PARTS for name, said in part.headlines(numbers)}
