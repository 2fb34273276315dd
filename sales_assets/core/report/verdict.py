"""What is said first and what after it: the verdict, the caption's lines, the notes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from sales_assets.core.judgement.level import LEAST_TRAINING_DAYS
from sales_assets.core.report.inputs import DataQuality, ReportDay
from sales_assets.core.report.part import Part, Story, VerdictKind
from sales_assets.core.report.wording import (
    counted,
    cut_sentence,
    day_and_month,
    elided_words,
    enumeration,
    full_date,
    number,
    sentence,
    titled_day,
)
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import DAY, DRAWN_DAYS, days_up_to

#: A chief reads a verdict and six lines, no more.
MOST_LINES = 6
MOST_DAYS_NAMED = 3
MOST_QUESTIONS = 3
#: What Telegram takes under a picture, once the tags are read.
LONGEST_CAPTION = 1024
#: What a push notification shows of a caption.
MOST_CHARACTERS = 60


#: The parts in the order of the picture; None for one that is not there.
Parts = Mapping[type[Part], Part | None]


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


def verdict_of(parts: Parts, about: ReportDay) -> Verdict:
    """Say the most serious thing, in the order of docs/verdict.md; a cut day has no verdict."""
    if about.is_cut:
        said = cut_sentence(about.completeness, about.day)
        return Verdict(VerdictKind.INCOMPLETE, said, said)
    told = _stories(parts)
    return worded(told[0]) if told else next(_reservations(parts, about), _CALM)


def caption_html(said: Verdict, parts: Parts, about: ReportDay) -> str:
    """Return the verdict in bold, at most six lines after it, and, folded, what to ask.

    All data is escaped. Where it gets too long, questions are left out, then the end of the notes.
    """
    day = sentence(titled_day(about.day))
    headlines = [line for part in _present(parts) if (line := part.headline())]
    lines = [f"{day}: {'; '.join(headlines)}" if headlines else day]
    lines += [line for part in _present(parts) for line in part.caption_lines()]
    lines = [line for line in lines if line not in {said.headline, said.text}][: MOST_LINES - 1]
    lines += _fitted(notes_of(parts, about), MOST_LINES - len(lines))
    room = LONGEST_CAPTION - _length(said.text, *lines[:-1])
    lines = [*lines[:-1], *(elided_words(line, room) for line in lines[-1:])]
    shown = [f"<b>{escape(said.text)}</b>", *map(escape, lines)]
    asked = [story.question for story in _stories(parts) if story.question][:MOST_QUESTIONS]
    questions = [ru.QUESTIONS_TITLE, *asked] if said.kind is VerdictKind.ALARM else []
    while questions and _length(said.text, *lines, *questions) > LONGEST_CAPTION:
        questions.pop()
    if len(questions) > 1:
        folded = "\n".join(map(escape, questions))
        shown.append(f"<blockquote expandable>{folded}</blockquote>")
    return "\n".join(shown)


def _length(*lines: str) -> int:
    """Count the characters of lines and their ends."""
    return sum(len(line) + 1 for line in lines)


def _stories(parts: Parts) -> list[Story]:
    return sorted((story for part in _present(parts) for story in part.stories()), key=_order)


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


def notes_of(parts: Parts, about: ReportDay) -> tuple[str, ...]:
    """Return what the reader must know about the data: missing, young, flawed."""
    own = [note for part in _present(parts) for note in part.notes()]
    return (*_absences(parts, about), *own, *footnotes_of(parts, about))


def footnotes_of(parts: Parts, about: ReportDay) -> tuple[str, ...]:
    """Return the notes that no part of the picture says in its own place."""
    of_parts = [note for part in _present(parts) for note in part.footnotes()]
    return (*of_parts, *_data_notes(parts, about))


def set_aside_note(quality: DataQuality | None) -> str | None:
    """Say how many rows were set aside and why, or None where there were none."""
    if quality is None or not any(quality.set_aside.values()):
        return None
    rows = rest = sum(quality.set_aside.values())
    kinds = []
    for kind, count in quality.set_aside.items():
        if kind in ru.SET_ASIDE_KINDS and count:
            kinds.append(ru.SET_ASIDE_KINDS[kind].format(count=number(count)))
            rest -= count
    if rest:
        kinds.append(ru.SET_ASIDE_OTHER.format(count=number(rest)))
    return ru.SET_ASIDE_NOTE.format(
        rows=counted(rows, ru.ROWS_FORMS), total=number(quality.rows), kinds=", ".join(kinds)
    )


def _present(parts: Parts) -> list[Part]:
    return [part for part in parts.values() if part is not None]


def _missing(parts: Parts, about: ReportDay) -> list[type[Part]]:
    """Return the parts that could not be computed: not those that can't be there yet or known."""
    return [
        kind
        for kind, part in parts.items()
        if part is None and not kind.not_yet(about) and not kind.uncounted(about)
    ]


def _uncounted(parts: Parts, about: ReportDay) -> list[tuple[str, str]]:
    return [named for kind in parts for named in kind.uncounted(about)]


def _order(story: Story) -> tuple[int, bool, int, float]:
    kinds = (VerdictKind.ALARM, VerdictKind.GOOD, VerdictKind.CALM)
    # A story that goes on comes after the new ones; what is over comes last of what is calm.
    is_later = story.is_over if story.kind is VerdictKind.CALM else not story.is_new
    return kinds.index(story.kind), is_later, story.rank, story.rarity


def _reservations(parts: Parts, about: ReportDay) -> Iterator[Verdict]:
    """Yield why the day cannot be called calm."""
    lacking = [part.NAME for part in _missing(parts, about)]
    lacking += [name for name, _ in _uncounted(parts, about)]
    if lacking:
        some = ru.MISSING_VERDICT.format(parts=", ".join(lacking))
        said = elided_words(some, MOST_CHARACTERS - 1)
        yield Verdict(VerdictKind.INCOMPLETE, said if _present(parts) else ru.ALL_MISSING_VERDICT)
    if about.day in about.holidays:
        yield Verdict(VerdictKind.HOLIDAY, ru.HOLIDAY_VERDICT)
    if about.day < _first_judged_day(about):
        since = full_date(about.history_first_day)
        yield Verdict(VerdictKind.YOUNG, ru.YOUNG_VERDICT.format(day=since))
    if not any(one.is_compared for part in _present(parts) for one in part.judged):
        yield Verdict(VerdictKind.YOUNG, ru.NO_COMPARISON_VERDICT)


def _first_judged_day(about: ReportDay) -> date:
    """Return the day that the first judge can speak of: two weeks of history lie before it."""
    return about.history_first_day + LEAST_TRAINING_DAYS * DAY


def _fitted(notes: Sequence[str], room: int) -> list[str]:
    """Keep each note on its own line while there is room; the last line takes all the others."""
    if len(notes) <= room:
        return list(notes)
    return [*notes[: room - 1], "; ".join(notes[room - 1 :])]


def _absences(parts: Parts, about: ReportDay) -> Iterator[str]:
    if missing := _missing(parts, about):
        named = ", ".join(part.missing_name(about) for part in missing)
        yield ru.MISSING_NOTE.format(parts=named)
    for name, reason in _uncounted(parts, about):
        yield ru.NOT_COUNTED.format(part=sentence(name), reason=reason)
    for kind, part in parts.items():
        if part is None and (reason := kind.not_yet(about)):
            yield reason


def _data_notes(parts: Parts, about: ReportDay) -> Iterator[str]:
    # Older ones are left out of the comparison, too, but say nothing new for months.
    drawn = days_up_to(about.day - DAY, DRAWN_DAYS - 1)
    if spoiled := [day for day in drawn if day in about.spoiled_days]:
        days = enumeration([day_and_month(day) for day in spoiled], MOST_DAYS_NAMED)
        yield ru.SPOILED_NOTE.format(days=days)
    if about.day < _first_judged_day(about):
        yield ru.YOUNG_NOTE.format(day=day_and_month(_first_judged_day(about)))
    young = [one for part in _present(parts) for one in part.judged if one.found.is_young]
    if young:
        days = counted(young[0].found.training_days, ru.DAYS_DATIVE)
        yield sentence(ru.YOUNG_RANGE_NOTE.format(days=days))
