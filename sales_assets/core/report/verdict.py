"""What is said first and what after it: the verdict, the caption's lines, the notes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from sales_assets.core.report.part import DataQuality, News, Part, ReportDay, VerdictKind
from sales_assets.core.report.wording import (
    counted,
    day_and_month,
    enumeration,
    full_date,
    number,
    sentence,
    titled_day,
)
from sales_assets.core.report.workdays import first_compared_day, is_holiday
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import FIRST_DUE

#: A chief reads a verdict and six lines, no more.
MOST_LINES = 6
MOST_DAYS_NAMED = 3

#: The parts in the order of the picture; None for one that is not there.
Parts = Mapping[type[Part], Part | None]


@dataclass(frozen=True)
class Verdict:
    """The first line of the caption, under 60 characters, and its kind."""

    kind: VerdictKind
    text: str


def verdict_of(parts: Parts, about: ReportDay) -> Verdict:
    """Say the most serious thing: alarms, then good news, then what is missing, else calm."""
    news = sorted((one for part in _present(parts) for one in part.news()), key=_order)
    if news:
        return Verdict(news[0].kind, news[0].text)
    return next(_reservations(parts, about), Verdict(VerdictKind.CALM, ru.CALM_VERDICT))


def caption_html(said: Verdict, parts: Parts, about: ReportDay) -> str:
    """Return the verdict in bold and at most six lines after it, with all data escaped."""
    day = sentence(titled_day(about.day))
    headlines = [line for part in _present(parts) if (line := part.headline())]
    lines = [": ".join([day, *headlines])]
    lines += [line for part in _present(parts) for line in part.caption_lines()]
    lines += _fitted(notes_of(parts, about), MOST_LINES - len(lines))
    return "\n".join([f"<b>{escape(said.text)}</b>", *map(escape, lines)])


def notes_of(parts: Parts, about: ReportDay) -> tuple[str, ...]:
    """Return what the reader must know about the data: missing, young, flawed."""
    own = [note for part in _present(parts) for note in part.notes()]
    return (*_absences(parts, about), *own, *footnotes_of(parts, about))


def footnotes_of(parts: Parts, about: ReportDay) -> tuple[str, ...]:
    """Return the notes that no part of the picture says in its own place."""
    of_parts = [note for part in _present(parts) for note in part.footnotes()]
    return (*of_parts, *_data_notes(about))


def set_aside_note(quality: DataQuality | None) -> str | None:
    """Say how many rows were set aside and why, or None where there were none."""
    if quality is None or not any(quality.set_aside.values()):
        return None
    named = {kind: count for kind, count in quality.set_aside.items() if kind in ru.SET_ASIDE_KINDS}
    rest = sum(quality.set_aside.values()) - sum(named.values())
    kinds = [
        ru.SET_ASIDE_KINDS[kind].format(count=number(count))
        for kind, count in named.items()
        if count
    ]
    others = [ru.SET_ASIDE_OTHER.format(count=number(rest))] if rest else []
    return ru.SET_ASIDE_NOTE.format(
        rows=counted(sum(quality.set_aside.values()), ru.ROWS_FORMS),
        total=number(quality.rows),
        kinds=", ".join([*kinds, *others]),
    )


def _present(parts: Parts) -> list[Part]:
    return [part for part in parts.values() if part is not None]


def _missing(parts: Parts, about: ReportDay) -> list[type[Part]]:
    """Return the parts that could not be computed; one that cannot be there yet is not missing."""
    return [kind for kind, part in parts.items() if part is None and not kind.not_yet(about)]


def _order(news: News) -> tuple[bool, int, float]:
    return news.kind is not VerdictKind.ALARM, news.rank, -news.excess


def _reservations(parts: Parts, about: ReportDay) -> Iterator[Verdict]:
    """Yield why the day cannot be called calm."""
    if missing := _missing(parts, about):
        yield Verdict(VerdictKind.INCOMPLETE, _missing_verdict(missing, len(parts)))
    if is_holiday(about.day):
        yield Verdict(VerdictKind.HOLIDAY, ru.HOLIDAY_VERDICT)
    if about.day < _first_compared_day(about):
        since = full_date(about.history_first_day)
        yield Verdict(VerdictKind.YOUNG, ru.YOUNG_VERDICT.format(day=since))
    if not any(part.is_compared for part in _present(parts)):
        yield Verdict(VerdictKind.YOUNG, ru.NO_COMPARISON_VERDICT)


def _missing_verdict(missing: Sequence[type[Part]], of_parts: int) -> str:
    if len(missing) == of_parts:
        return ru.ALL_MISSING_VERDICT
    return ru.MISSING_VERDICT.format(parts=", ".join(part.NAME for part in missing))


def _first_compared_day(about: ReportDay) -> date:
    return first_compared_day(about.history_first_day + FIRST_DUE)


def _fitted(notes: Sequence[str], room: int) -> list[str]:
    """Keep each note on its own line while there is room; the last line takes all the others."""
    if len(notes) <= room:
        return list(notes)
    return [*notes[: room - 1], "; ".join(notes[room - 1 :])]


def _absences(parts: Parts, about: ReportDay) -> Iterator[str]:
    if missing := _missing(parts, about):
        named = ", ".join(part.missing_name(about) for part in missing)
        yield ru.MISSING_NOTE.format(parts=named)
    for kind, part in parts.items():
        if part is None and (reason := kind.not_yet(about)):
            yield reason


def _data_notes(about: ReportDay) -> Iterator[str]:
    if about.flawed_days:
        days = enumeration([day_and_month(day) for day in about.flawed_days], MOST_DAYS_NAMED)
        yield ru.FLAWED_NOTE.format(days=days)
    if about.day < _first_compared_day(about):
        yield ru.YOUNG_NOTE.format(day=day_and_month(_first_compared_day(about)))
