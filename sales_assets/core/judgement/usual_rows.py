"""A stream's rows by the hour: counted, what is usual, and how surprising a silence is."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

HOURS = 24
#: The eight weeks before the judged day, which follows them in every array of days.
HISTORY_DAYS = 56
GRID_DAYS = HISTORY_DAYS + 1
#: The judged day, in hours since the first midnight of the history.
D0, D1 = HOURS * HISTORY_DAYS, HOURS * GRID_DAYS
WEEKDAYS = 7
#: Monday to Friday, Saturday, Sunday.
KIND_OF_WEEKDAY = np.array([0, 0, 0, 0, 0, 1, 2])
KINDS = 3
#: A weekday with fewer days in the history takes the mean of its kind.
ENOUGH_WEEKDAYS = 3
#: Rows added to both sides of a level: a handful of rows early in the day decides little.
LEVEL_PRIOR = 5.0
#: A day without a row has the level of so many days before it.
LEVEL_DAYS = 7
#: An hour that expects fewer rows tells nothing about the dispersion.
TELLING_ROWS = 0.05
#: Odd hours and days count up to here: past outages aren't the stream's own variation.
HOURLY_SQUARE, HOURLY_QUANTILE, DAILY_SQUARE = 9.0, 0.98, 12.0
LEAST_DISPERSION, LARGEST_DISPERSION = 1.0, 20.0
#: A habit is what happened three times; two past outages don't hide a third.
HABIT_RANK = 3


@dataclass(frozen=True)
class HourlyRows:
    """Counts of the 57 days and the first hour with rows after them, per type and together.

    `by_type` is types x days x hours in the order of `types`, `in_all` days x hours; moments are
    hours since the first midnight. `resumes_by_type` and `resumes` are infinite without a row.
    """

    types: tuple[str, ...]
    by_type: np.ndarray
    in_all: np.ndarray
    resumes_by_type: np.ndarray
    resumes: float

    @classmethod
    def of(cls, counts: pd.DataFrame, start: datetime, read_until: float) -> "HourlyRows":
        """Sum counts in any order; after the judged day, hours from `read_until` on aren't read.

        Rows of no type count in all; hours outside, of no time and without rows are left out.
        """
        starts = pd.to_datetime(counts["hour"]).to_numpy("datetime64[us]")
        hours = np.floor((starts - np.datetime64(start, "us")) / np.timedelta64(1, "h"))
        rows = counts["rows"].to_numpy(dtype=float, na_value=0.0)
        # A row of no type has the code -1, the slot after the types.
        codes, types = pd.factorize(counts["type"], sort=True)
        slots = len(types) + 1
        # Not a number is in no range either.
        in_grid = (hours >= 0) & (hours < D1)
        after = (hours >= D1) & (hours < read_until) & (rows > 0)
        flat = (codes[in_grid] % slots) * D1 + hours[in_grid].astype(int)
        grid = np.bincount(flat, rows[in_grid], slots * D1).reshape(slots, GRID_DAYS, HOURS)
        resumes = np.full(slots, np.inf)
        np.minimum.at(resumes, codes[after], hours[after])
        return cls(tuple(types), grid[:-1], grid.sum(axis=0), resumes[:-1], float(resumes.min()))


@dataclass(frozen=True)
class ComparedDays:
    """Which days are expected like which: the weekday of each (0 = Monday), and the holidays."""

    weekdays: np.ndarray
    is_holiday: np.ndarray

    @classmethod
    def of(cls, first_day: date, count: int, holidays: Collection[date]) -> "ComparedDays":
        """Take the days from `first_day` on, eight weeks before the judged day."""
        days = [first_day + timedelta(days=n) for n in range(count)]
        weekdays = np.array([day.weekday() for day in days])
        return cls(weekdays, np.array([day in holidays for day in days]))


@dataclass(frozen=True)
class UsualRows:
    """One stream, the whole source or one type, against its own eight weeks.

    `rows` (days x hours) are its counts of the 56 days and of the judged one; `history` are the
    positions of those of the 56 that count: days with rows of the source and no holidays. Moments
    are wall-clock hours since the first midnight, so every day has 24 of them. The words
    are those of docs/verdict.md, "Is the day whole?".
    """

    rows: np.ndarray
    history: np.ndarray
    calendar: ComparedDays

    @cached_property
    def daily(self) -> np.ndarray:
        """Rows of each day."""
        return self.rows.sum(axis=1)

    @cached_property
    def expected_daily(self) -> np.ndarray:
        """Rows expected of each day of the calendar, a holiday like the quietest weekday."""
        return self._weekday_means[self._expected_like]

    def expected(self, start: np.ndarray | float, end: np.ndarray | float) -> np.ndarray:
        """Return the rows expected between moments; none where the end isn't after the start."""
        return self._expected_until(np.maximum(start, end)) - self._expected_until(start)

    def level(self, until: float, hole: tuple[float, float] | None = None) -> float:
        """Return how busy the judged day was up to `until`, its last row, at most 1.

        A quiet day is quiet to its end; a busy one proves nothing about its evening. What was
        expected in the hole is left out.
        """
        expected = self.expected(D0, until) - (self.expected(*hole) if hole else 0)
        return float(_level(self.daily[HISTORY_DAYS], expected))

    def recent_level(self) -> float:
        """Return the level of the last seven history days with rows of this stream, at most 1.

        Days without a row don't count: an outage mustn't lower its own yardstick.
        """
        recent = self.history[self.daily[self.history] > 0][-LEVEL_DAYS:]
        expected = self.expected_daily[recent].sum()
        return min(1.0, float(self.daily[recent].sum() / expected)) if expected else 1.0

    @cached_property
    def hourly_dispersion(self) -> float:
        """How many times more than by chance the hours vary around their day's shape, 1 to 20.

        The only day of a kind has its own shape and tells nothing.
        """
        kinds = self._kinds
        days = np.bincount(kinds, minlength=KINDS)[kinds][:, None]
        expected = self.daily[self.history, None] * self._shares[kinds]
        telling = (expected > TELLING_ROWS) & (days > 1)
        if not telling.any():
            return LEAST_DISPERSION
        unbiased = np.broadcast_to(days / np.maximum(days - 1, 1), expected.shape)[telling]
        squares = _squares(self.rows[self.history][telling], expected[telling]) * unbiased
        cut = max(HOURLY_SQUARE, float(np.quantile(squares, HOURLY_QUANTILE)))
        return _within_bounds(squares, cut)

    def daily_dispersion(self, source: "UsualRows") -> float:
        """Return the same of the daily rows around this type's share of the source's."""
        rows, of_source = self.daily[self.history], source.daily[self.history]
        days = len(rows)
        expected = of_source * rows.sum() / of_source.sum()
        if days == 1 or not rows.any():
            return LEAST_DISPERSION
        return _within_bounds(_squares(rows, expected) * days / (days - 1), DAILY_SQUARE)

    def habitual_silence(self) -> float:
        """Return level times expected rows of the third largest silence around midnight.

        A silence reaches, in whole hours, from the last hour with rows of a history day to the
        next hour with rows; closed days between belong to it, and the silence before the judged
        day isn't one. Fewer than three are no habit: 0.
        """
        hours = np.flatnonzero(self.rows[:HISTORY_DAYS])
        days = hours // HOURS
        is_last = (days[:-1] != days[1:]) & np.isin(days[:-1], self.history)
        ends, resumes, days = hours[:-1][is_last] + 1, hours[1:][is_last], days[:-1][is_last]
        if len(ends) < HABIT_RANK:
            return 0.0
        until_last = self.expected(HOURS * days, ends)
        silences = _level(self.daily[days], until_last) * self.expected(ends, resumes)
        return float(np.sort(silences)[-HABIT_RANK])

    @cached_property
    def _kinds(self) -> np.ndarray:
        return KIND_OF_WEEKDAY[self.calendar.weekdays[self.history]]

    @cached_property
    def _shares(self) -> np.ndarray:
        """Share of each hour in the rows of its kind of days; zeros for a kind without rows."""
        sums = np.zeros((KINDS, HOURS))
        np.add.at(sums, self._kinds, self.rows[self.history])
        return _per(sums, sums.sum(axis=1, keepdims=True))

    @cached_property
    def _weekday_means(self) -> np.ndarray:
        weekdays, daily = self.calendar.weekdays[self.history], self.daily[self.history]
        days = np.bincount(weekdays, minlength=WEEKDAYS)
        of_weekday = _per(np.bincount(weekdays, daily, WEEKDAYS), days)
        of_kind = _per(
            np.bincount(self._kinds, daily, KINDS), np.bincount(self._kinds, None, KINDS)
        )
        return np.where(days < ENOUGH_WEEKDAYS, of_kind[KIND_OF_WEEKDAY], of_weekday)

    @cached_property
    def _expected_like(self) -> np.ndarray:
        """The weekday like which each day of the calendar is expected."""
        quietest = self._weekday_means.argmin()
        return np.where(self.calendar.is_holiday, quietest, self.calendar.weekdays)

    @cached_property
    def _expected_before(self) -> np.ndarray:
        """Rows expected from the calendar's start to the midnight before each day."""
        return np.concatenate([[0.0], self.expected_daily.cumsum()])

    @cached_property
    def _shares_before(self) -> np.ndarray:
        return self._shares.cumsum(axis=1) - self._shares

    def _expected_until(self, moments: np.ndarray | float) -> np.ndarray:
        whole_hours = np.floor(moments).astype(int)
        days, hours = np.divmod(whole_hours, HOURS)
        kinds = KIND_OF_WEEKDAY[self._expected_like[days]]
        of_hour = self._shares[kinds, hours] * (moments - whole_hours)
        share = self._shares_before[kinds, hours] + of_hour
        return self._expected_before[days] + self.expected_daily[days] * share


def rarity(dispersion: float) -> float:
    """Return the surprise of a silence per expected row.

    Minus the logarithm of the probability of no row among negative binomial ones; 1 at chance.
    """
    excess = dispersion - 1
    return math.log1p(excess) / excess if excess > 0 else 1.0


def _level(rows: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.minimum(1.0, (rows + LEVEL_PRIOR) / (expected + LEVEL_PRIOR))


def _per(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Divide, and take nothing of nothing for zero."""
    return np.divide(sums, counts, out=np.zeros(sums.shape), where=counts > 0)


def _squares(rows: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return (rows - expected) ** 2 / expected


def _within_bounds(squares: np.ndarray, cut: float) -> float:
    mean = float(np.minimum(squares, cut).mean())
    return min(LARGEST_DISPERSION, max(LEAST_DISPERSION, mean))
