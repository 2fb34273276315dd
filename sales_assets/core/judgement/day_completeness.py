"""Is the source's day the whole day? The judge that speaks before any number is judged."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property

import numpy as np
import pandas as pd

from sales_assets.core.judgement.usual_rows import (
    D0,
    D1,
    HISTORY_DAYS,
    HOURS,
    LEAST_DISPERSION,
    ComparedDays,
    HourlyRows,
    UsualRows,
    rarity,
)

#: With fewer days of history nothing is known.
LEAST_HISTORY = 14
#: The surprise that a silence needs; few rows come in clumps that no profile knows.
NEED, NEED_OF_FEW_ROWS, FEW_ROWS = 10.0, 16.0, 100.0
NEED_INSIDE = 14.0
NEED_OF_TYPE, LEAST_ROWS_OF_TYPE = 13.0, 13.0
#: What happened after the day is evidence about the day, but no fault of it.
NEED_BEFORE_MIDNIGHT = 3.0
#: How far a silence has to exceed what the stream is used to.
OVER_HABIT = 1.2


class State(StrEnum):
    """What became of the source's day."""

    UNKNOWN = "unknown"
    EMPTY = "empty"
    ENDS_EARLY = "ends_early"
    HOLE = "hole"
    TYPES_MISSING = "types_missing"
    COMPLETE = "complete"


@dataclass(frozen=True)
class Completeness:
    """The answer about one day; times are naive, the wall clock of the report zone.

    `ends_at` is where the silence begins: at the day's last row (told of a whole day, too) or,
    for a hole inside the day, at the start of its first hour; a day without rows has none.
    `resumes_at` is where a hole ends. `missing` are types in alphabetical order. A silence that
    begins an hour after `certain_until` and lasts to the end of what is known would not have
    been noticed; without it none would. `surprise` is minus the logarithm of the probability of
    the silence after the last row, or of the hole. With under 14 days of history there is a
    state and nothing else.
    """

    state: State
    ends_at: datetime | None = None
    resumes_at: datetime | None = None
    missing: tuple[str, ...] = ()
    certain_until: datetime | None = None
    surprise: float | None = None


def completeness(  # noqa: PLR0913, PLR0917 - all that is known of a source's day
    counts: pd.DataFrame,
    day: date,
    last_at: Mapping[str, datetime] | None = None,
    first_after: datetime | None = None,
    as_of: datetime | None = None,
    holidays: Collection[date] = (),
) -> Completeness:
    """Say whether the source's rows of `day` are the whole day, or why that can't be known.

    The definition is docs/verdict.md, "Is the day whole?". `counts` holds `hour` (datetime64, the
    start of an hour), `type` and the number of `rows`, from 56 days before `day` to `as_of`, the
    moment up to which the source claims to be current (without it the end of `day`); after the
    day, counts of later hours aren't read. Their order doesn't matter, an hour that stands twice
    is summed, and rows of no type count for the source alone. `last_at` is each type's last row of
    `day`, believed where it lies in the last hour with rows; `first_after` is the first row after
    the day, and not believed where it lies before its end. Whole hours stand for what isn't known
    of them.
    """
    start = datetime.combine(day, time()) - timedelta(days=HISTORY_DAYS)
    last_rows = {name: _hours(last, start) for name, last in (last_at or {}).items()}
    read_at, resumes = _hours(as_of, start), _hours(first_after, start)
    log = HourlyRows.of(counts, start, np.inf if read_at is None else read_at)
    first = log.resumes if resumes is None or resumes < D1 else resumes
    known_until = D1 if read_at is None else read_at
    return _DayRows(log, start, last_rows, first, known_until, holidays).answer()


@dataclass(frozen=True)
class _Stream:
    """The source or a type on the judged day: silent from its `last` row to the `end`.

    Moments are hours since the first midnight of the history; a day without a row has no `last`.
    """

    usual: UsualRows
    dispersion: float
    last: float | None
    end: float

    @property
    def silent_from(self) -> float:
        return D0 if self.last is None else self.last

    @cached_property
    def level(self) -> float:
        if self.last is None:
            return self.usual.recent_level()
        return self.usual.level(self.last)

    @cached_property
    def surprise(self) -> float:
        return float(self.surprise_of(self.silent_from, self.end))

    def surprise_of(self, start: np.ndarray | float, end: float) -> np.ndarray:
        """Return the surprise of no row between moments, at the level of the day."""
        return self.level * rarity(self.dispersion) * self.usual.expected(start, end)

    def need(self, at_least: float) -> float:
        """Return the surprise that a silence needs to be none of the stream's habits."""
        habit = rarity(self.dispersion) * self.usual.habitual_silence()
        return max(at_least, OVER_HABIT * habit)

    def is_cut(self, need: float) -> bool:
        """Tell whether the silence is too surprising, and enough of it lies within the day."""
        within_day = self.surprise_of(self.silent_from, D1)
        return self.surprise >= need and bool(within_day >= NEED_BEFORE_MIDNIGHT)


@dataclass(frozen=True)
class _DayRows:
    """All that is known of the judged day, its moments in hours since `start`.

    `last_rows` is by type; `resumes` is the first row after the day, infinite without one.
    """

    log: HourlyRows
    start: datetime
    last_rows: Mapping[str, float | None]
    resumes: float
    read_at: float
    holidays: Collection[date]

    def answer(self) -> Completeness:
        """Answer with the first state that fits."""
        if len(self.history) < LEAST_HISTORY:
            return Completeness(State.UNKNOWN)
        last, is_cut = self.source.last, self.source.is_cut(self.need)
        answer = Completeness(
            State.EMPTY if is_cut else State.UNKNOWN,
            certain_until=self.certain_until(),
            surprise=self.source.surprise,
        )
        if last is None:
            return answer
        answer = replace(answer, ends_at=self.moment(last))
        if is_cut and np.isinf(self.resumes):
            return replace(answer, state=State.ENDS_EARLY)
        if hole := max(self.holes(), default=None):
            surprise, start, end = hole
            answer = replace(answer, ends_at=self.moment(start), resumes_at=self.moment(end))
            return replace(answer, state=State.HOLE, surprise=surprise)
        missing = tuple(sorted(self.missing()))
        state = State.TYPES_MISSING if missing else State.COMPLETE
        return replace(answer, state=state, missing=missing)

    @cached_property
    def calendar(self) -> ComparedDays:
        """The days up to the latest end of any stream."""
        latest = max(D1, self.end(self.resumes), *map(self.end, self.log.resumes_by_type))
        return ComparedDays.of(self.start.date(), int(latest // HOURS) + 1, self.holidays)

    @cached_property
    def history(self) -> np.ndarray:
        """The positions of the days before that count: with rows, and no holidays."""
        has_rows = self.log.in_all[:HISTORY_DAYS].any(axis=1)
        return np.flatnonzero(has_rows & ~self.calendar.is_holiday[:HISTORY_DAYS])

    @cached_property
    def source(self) -> _Stream:
        usual = UsualRows(self.log.in_all, self.history, self.calendar)
        last = _last_row(self.log.in_all, self.last_rows.values())
        return _Stream(usual, usual.hourly_dispersion, last, self.end(self.resumes))

    @cached_property
    def need(self) -> float:
        """The surprise that a silence of the source needs."""
        is_small = self.source.usual.expected_daily[HISTORY_DAYS] < FEW_ROWS
        return self.source.need(NEED_OF_FEW_ROWS if is_small else NEED)

    def end(self, resumes: float) -> float:
        """Return where a silence ends: at the first row, else when the source was read."""
        return self.read_at if np.isinf(resumes) else float(resumes)

    def moment(self, hours: float) -> datetime:
        return self.start + timedelta(hours=hours)

    def certain_until(self) -> datetime | None:
        """Return the day's latest full hour from which a silence would have been noticed."""
        hours = np.arange(D0, D1 + 1)
        is_noticed = self.source.surprise_of(hours, self.source.end) >= self.need
        return self.moment(float(hours[is_noticed][-1])) if is_noticed.any() else None

    def holes(self) -> Iterator[tuple[float, float, float]]:
        """Yield the surprise, start and end of each hole of a day with rows."""
        source, need = self.source, max(NEED_INSIDE, self.need)
        if np.isfinite(self.resumes) and source.is_cut(self.need):
            yield source.surprise, source.silent_from, self.resumes
        ends = float(D0) + np.flatnonzero(self.log.in_all[HISTORY_DAYS])
        starts = np.concatenate([[float(D0)], ends[:-1] + 1])
        expected = source.usual.expected(starts, ends)
        # No level and no rarity is above 1: the other silences can't be too surprising.
        for hour in np.flatnonzero(expected >= need).tolist():
            start, end = float(starts[hour]), float(ends[hour])
            level = source.usual.level(source.silent_from, (start, end))
            surprise = level * rarity(source.dispersion) * float(expected[hour])
            if surprise >= need:
                yield surprise, start, end

    def missing(self) -> Iterator[str]:
        """Yield the types whose own silence is too surprising."""
        for name, rows, resumes in zip(
            self.log.types, self.log.by_type, self.log.resumes_by_type, strict=True
        ):
            usual = UsualRows(rows, self.history, self.calendar)
            if usual.expected_daily[HISTORY_DAYS] < LEAST_ROWS_OF_TYPE:
                continue
            last = _last_row(rows, [self.last_rows.get(name)])
            by_chance = _Stream(usual, LEAST_DISPERSION, last, self.end(resumes))
            if by_chance.surprise < NEED_OF_TYPE:
                continue  # rows that vary more make a silence less surprising
            dispersion = max(usual.hourly_dispersion, usual.daily_dispersion(self.source.usual))
            stream = replace(by_chance, dispersion=dispersion)
            if stream.is_cut(stream.need(NEED_OF_TYPE)):
                yield name


def _hours(moment: datetime | None, start: datetime) -> float | None:
    if moment is None or pd.isna(moment):
        return None
    return (moment - start) / timedelta(hours=1)


def _last_row(rows: np.ndarray, known: Iterable[float | None]) -> float | None:
    """Return the latest known row of the day's last hour with rows, without one its end."""
    hours = D0 + np.flatnonzero(rows[HISTORY_DAYS])
    if not len(hours):
        return None
    hour = float(hours[-1])
    within = (last for last in known if last is not None and hour <= last < hour + 1)
    return max(within, default=hour + 1)
