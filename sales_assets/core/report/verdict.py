"""What is said first and what after it: the verdict, the caption's lines, the notes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from html import escape

from sales_assets.core.report.inputs import DataQuality
from sales_assets.core.report.levels import Change
from sales_assets.core.report.parts import (
    FIRST_DUE_DAY,
    Funnel,
    FunnelMove,
    NewPaying,
    ProcessDay,
)
from sales_assets.core.report.wording import (
    counted,
    day_and_month,
    day_range,
    enumeration,
    full_date,
    number,
    percent,
    sentence,
    titled_day,
)
from sales_assets.core.report.workdays import first_compared_day, is_holiday
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import COHORT, NEW_SOURCE

#: A chief reads a verdict and six lines, no more.
MOST_LINES = 6
#: So long do all clients of a new source look new.
MOST_DAYS_NAMED = 3
#: New paying clients, processes, the funnel, the bridge to the CRM.
PARTS = 4


class VerdictKind(StrEnum):
    """How the day is to be taken; the picture colours ALARM alone."""

    ALARM = "alarm"
    GOOD = "good"
    INCOMPLETE = "incomplete"
    HOLIDAY = "holiday"
    YOUNG = "young"
    CALM = "calm"


@dataclass(frozen=True)
class Facts:
    """The computed parts of one day, None where a part could not be computed."""

    day: date
    history_first_day: date
    paying: NewPaying | None
    processes: tuple[ProcessDay, ...] | None
    funnel: Funnel | None
    has_population: bool
    flawed_days: tuple[date, ...]


@dataclass(frozen=True)
class Verdict:
    """The first line of the caption, under 60 characters, and its kind."""

    kind: VerdictKind
    text: str


def verdict(facts: Facts) -> Verdict:
    """Say the most serious thing: alarms, then good news, then what is missing, else calm.

    Alarms in order: breached processes (most cases above the usual level first), new paying
    clients, the funnel.
    """
    alarms = [*_process_alarms(facts), *_paying_news(facts), *_funnel_news(facts)]
    by_kind = sorted(alarms, key=lambda each: each.kind is not VerdictKind.ALARM)
    return next(iter([*by_kind, *_reservations(facts)]), Verdict(VerdictKind.CALM, ru.CALM_VERDICT))


def caption_html(said: Verdict, facts: Facts, notes: Sequence[str]) -> str:
    """Return the verdict in bold and at most six lines after it, with all data escaped."""
    lines = [_paying_line(facts)]
    lines += _process_lines(facts.processes or ())
    lines += (
        [_funnel_line(facts.day, facts.funnel.move)] if facts.funnel and facts.funnel.move else []
    )
    room = MOST_LINES - len(lines)
    lines += _fitted(notes, room)
    return "\n".join([f"<b>{escape(said.text)}</b>", *map(escape, lines)])


def _fitted(notes: Sequence[str], room: int) -> list[str]:
    """Keep each note on its own line while there is room; the last line takes all the others."""
    if len(notes) <= room:
        return list(notes)
    return [*notes[: room - 1], "; ".join(notes[room - 1 :])]


def notes_of(facts: Facts) -> tuple[str, ...]:
    """Return what the reader must know about the data: missing, flawed, young."""
    return (*_part_notes(facts), *footnotes_of(facts))


def footnotes_of(facts: Facts) -> tuple[str, ...]:
    """Return the notes that no part of the picture says in its own place."""
    return tuple(_data_notes(facts))


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


def young_note(facts: Facts) -> str | None:
    """Say that everyone looks new in the first 60 days of a source, or None later."""
    until = facts.history_first_day + NEW_SOURCE
    if facts.day >= until:
        return None
    since = day_and_month(facts.history_first_day)
    return ru.NEW_SOURCE_NOTE.format(day=since, until=day_and_month(until))


def missing_parts(facts: Facts) -> list[str]:
    """Name the parts that could not be computed, in the order of the picture.

    A funnel whose cohort is older than the history is not missing: it cannot be there yet.
    """
    parts = {
        ru.PART_NEW_PAYING: facts.paying is not None,
        ru.PART_PROCESSES: facts.processes is not None,
        ru.PART_FUNNEL: facts.funnel is not None or _is_cohort_before_history(facts),
        ru.PART_POPULATION: facts.has_population,
    }
    return [part for part, is_there in parts.items() if not is_there]


def _process_alarms(facts: Facts) -> list[Verdict]:
    return [
        Verdict(VerdictKind.ALARM, _breached_verdict(process))
        for process in _worst_first(facts.processes or ())
    ]


def _breached_verdict(process: ProcessDay) -> str:
    said = counted(process.breached, ru.BREACHED_VERDICTS[process.name])
    return ru.BREACHED_VERDICT.format(counted=said, usual=number(process.level.usual or 0))


def _worst_first(processes: Iterable[ProcessDay]) -> list[ProcessDay]:
    alarming = [process for process in processes if process.is_alarming]
    return sorted(alarming, key=lambda each: (each.level.usual or 0) - each.level.value)


def _paying_news(facts: Facts) -> Iterator[Verdict]:
    if facts.paying is None or facts.paying.level.usual is None:
        return
    level = facts.paying.level
    words = {
        "counted": counted(int(level.value), ru.NEW_PAYING_FORMS),
        "usual": number(facts.paying.level.usual),
    }
    if level.change is Change.MORE:
        yield Verdict(VerdictKind.GOOD, ru.MANY_NEW_PAYING_VERDICT.format(**words))
    if level.change is Change.LESS:
        said = ru.FEW_NEW_PAYING_VERDICT if level.value else ru.NO_NEW_PAYING_VERDICT
        yield Verdict(VerdictKind.ALARM, said.format(**words))


def _funnel_news(facts: Facts) -> Iterator[Verdict]:
    if facts.funnel is None or facts.funnel.move is None:
        return
    move = facts.funnel.move
    text = ru.FUNNEL_VERDICT.format(
        step=ru.STEP_LABELS[move.step], share=percent(move.share), usual=percent(move.usual)
    )
    kind = VerdictKind.GOOD if move.change is Change.MORE else VerdictKind.ALARM
    yield Verdict(kind, text)


def _reservations(facts: Facts) -> Iterator[Verdict]:
    """Yield why the day cannot be called calm."""
    if missing := missing_parts(facts):
        yield Verdict(VerdictKind.INCOMPLETE, _missing_verdict(missing))
    if is_holiday(facts.day):
        yield Verdict(VerdictKind.HOLIDAY, ru.HOLIDAY_VERDICT)
    if facts.day < _first_compared_day(facts):
        since = full_date(facts.history_first_day)
        yield Verdict(VerdictKind.YOUNG, ru.YOUNG_VERDICT.format(day=since))
    if not _has_comparison(facts):
        yield Verdict(VerdictKind.YOUNG, ru.NO_COMPARISON_VERDICT)


def _missing_verdict(missing: Sequence[str]) -> str:
    if len(missing) == PARTS:
        return ru.ALL_MISSING_VERDICT
    return ru.MISSING_VERDICT.format(parts=", ".join(missing))


def _first_compared_day(facts: Facts) -> date:
    return first_compared_day(facts.history_first_day + FIRST_DUE_DAY)


def _has_comparison(facts: Facts) -> bool:
    levels = [process.level for process in facts.processes or ()]
    levels += [facts.paying.level] if facts.paying else []
    return any(level.usual is not None for level in levels)


def _paying_line(facts: Facts) -> str:
    day = sentence(titled_day(facts.day))
    if facts.paying is None:
        return ru.NO_NEW_PAYING_LINE.format(day=day)
    comparisons = paying_comparisons(facts.day, facts.paying)
    compared = ru.COMPARED_WITH.format(comparisons=", ".join(comparisons)) if comparisons else ""
    new = number(facts.paying.level.value)
    return ru.NEW_PAYING_LINE.format(day=day, new=new, compared=compared)


def paying_comparisons(day: date, paying: NewPaying) -> list[str]:
    """Return the values beside the new paying clients, without those that are not known."""
    when = ru.ON_LAST_WEEKDAY[day.weekday()]
    comparisons = []
    if paying.last_week is not None:
        comparisons.append(ru.LAST_WEEK.format(when=when, value=number(paying.last_week)))
    if paying.mean_7d is not None:
        comparisons.append(ru.MEAN_7D.format(mean=number(paying.mean_7d)))
    return comparisons


def _process_lines(processes: Sequence[ProcessDay]) -> list[str]:
    """Say what stands out in at most three lines: the worst first, the rest in one."""
    worst = _worst_first(processes)
    named = worst if len(worst) <= 3 else worst[:2]  # noqa: PLR2004 - three lines are the room
    lines = [
        ru.BREACHED_LINE.format(
            process=process.name,
            breached=number(process.breached),
            due=number(process.due),
            usual=number(process.level.usual or 0),
        )
        for process in named
    ]
    others = [
        ru.ALSO_BREACHED.format(
            process=process.name, breached=number(process.breached), due=number(process.due)
        )
        for process in worst[len(named) :]
    ]
    return lines + ([ru.ALSO_BREACHED_LINE.format(processes=", ".join(others))] if others else [])


def _funnel_line(day: date, move: FunnelMove) -> str:
    return ru.FUNNEL_LINE.format(
        cohort=day_range(*COHORT.days(day)),
        step=ru.STEP_LABELS[move.step],
        share=percent(move.share),
        usual=percent(move.usual),
    )


def _part_notes(facts: Facts) -> Iterator[str]:
    if missing := _missing_with_dates(facts):
        yield ru.MISSING_NOTE.format(parts=", ".join(missing))
    if _is_cohort_before_history(facts):
        yield ru.BEFORE_HISTORY_NOTE.format(cohort=day_range(*COHORT.days(facts.day)))
    if (note := young_note(facts)) is not None:
        yield note


def _data_notes(facts: Facts) -> Iterator[str]:
    if _is_cohort_cut(facts):
        since = day_and_month(facts.history_first_day)
        cohort = day_range(*COHORT.days(facts.day))
        yield ru.CUT_COHORT_NOTE.format(cohort=cohort, day=since)
    if facts.flawed_days:
        days = enumeration([day_and_month(day) for day in facts.flawed_days], MOST_DAYS_NAMED)
        yield ru.FLAWED_NOTE.format(days=days)
    if facts.day < _first_compared_day(facts):
        yield ru.YOUNG_NOTE.format(day=day_and_month(_first_compared_day(facts)))


def _is_cohort_before_history(facts: Facts) -> bool:
    _, last = COHORT.days(facts.day)
    return last < facts.history_first_day


def _is_cohort_cut(facts: Facts) -> bool:
    first, _ = COHORT.days(facts.day)
    return facts.funnel is not None and first < facts.history_first_day


def _missing_with_dates(facts: Facts) -> list[str]:
    dated = ru.MISSING_FUNNEL.format(cohort=day_range(*COHORT.days(facts.day)))
    return [dated if part == ru.PART_FUNNEL else part for part in missing_parts(facts)]
