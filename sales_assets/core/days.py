"""Report days: their bounds, their cut-off, and the way between wall clocks and instants."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from sales_assets.core.windows import EVENT_DAYS, days_up_to

INSTANT = "datetime64[us, UTC]"
WALL_CLOCK = "datetime64[us]"
_MINUTE = timedelta(minutes=1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which `day` starts in `zone`, aware, in UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return D0 and D1, the instants that bound the report day `[D0, D1)`; D1 is the cut-off."""
    return midnight(day, zone), midnight(day + timedelta(days=1), zone)


def to_source_clock(instant: datetime, source_zone: ZoneInfo) -> datetime:
    """Return what the source's clock without a zone shows at `instant`."""
    return instant.astimezone(source_zone).replace(tzinfo=None)


def lookback_days(days: Sequence[date], first_day: date, count: int = EVENT_DAYS) -> list[date]:
    """Return the `count` days that end with each of `days`, from `first_day` on, in order."""
    needed = {before for day in days for before in days_up_to(day, count)}
    return sorted(day for day in needed if day >= first_day)


def days_to_compute(
    newest: date, first_day: date, done: Collection[date], reread: int, catch_up: int
) -> list[date]:
    """Return what a morning computes, in order: the `newest` finished day comes first.

    Then the `reread` days before it (rows may have come late) and those of the last `catch_up`
    days that are not `done`, both the newest first; nothing before `first_day`.
    """
    count = min(max(catch_up, reread + 1), (newest - first_day).days + 1)
    recent = [newest - timedelta(days=back) for back in range(count)]
    return [day for back, day in enumerate(recent) if back <= reread or day not in done]


def spans(days: Iterable[date]) -> list[list[date]]:
    """Cut days in order into spans without a gap."""
    found: list[list[date]] = []
    for day in sorted(days):
        if found and day - found[-1][-1] == timedelta(days=1):
            found[-1].append(day)
        else:
            found.append([day])
    return found


@dataclass(frozen=True)
class ReportDays:
    """Report days in one zone, as arrays of int64 microseconds since the epoch (UTC).

    `starts_us[i]` is D0 and `cutoffs_us[i]` is C = D1 of `days[i]`; `days` are sorted and
    distinct. A day may have 23 or 25 hours.
    """

    days: tuple[date, ...]
    zone: ZoneInfo

    @classmethod
    def of(cls, days: Sequence[date], zone: ZoneInfo) -> "ReportDays":
        """Build from days in any order, repeated or not."""
        return cls(tuple(sorted(set(days))), zone)

    @property
    def starts_us(self) -> np.ndarray:
        """D0 of every day."""
        return self._midnights(after=0)

    @property
    def cutoffs_us(self) -> np.ndarray:
        """C = D1 of every day."""
        return self._midnights(after=1)

    def _midnights(self, after: int) -> np.ndarray:
        found = [midnight(day + timedelta(days=after), self.zone) for day in self.days]
        # pd.DatetimeIndex([]) has no zone, hence the explicit one.
        return pd.DatetimeIndex(found, tz="UTC").as_unit("us").asi8


class DailyFrames(Mapping[date, pd.DataFrame]):
    """A frame per day, made when it is asked for and not kept: a year never stands in memory.

    A day that was not promised raises `KeyError`; a promised one is made anew at each access.
    """

    def __init__(self, days: Iterable[date], make: Callable[[date], pd.DataFrame]) -> None:
        self._days = dict.fromkeys(sorted(days))
        self._make = make

    def __contains__(self, day: object) -> bool:
        # The inherited method would make the frame only to see whether it exists.
        return day in self._days

    def __getitem__(self, day: date) -> pd.DataFrame:
        if day not in self._days:
            raise KeyError(day)
        return self._make(day)

    def __iter__(self) -> Iterator[date]:
        return iter(self._days)

    def __len__(self) -> int:
        return len(self._days)


def to_instants(wall: pd.Series, zone: ZoneInfo, fold: pd.Series | None = None) -> pd.Series:
    """Return the instants (UTC) at which a clock in `zone` showed `wall`.

    `fold` (PEP 495) is 1 for the second run of an hour that the clock shows twice; without it, or
    where it is missing, such a time is read as the first. A time that the clock skips is read as
    the end of the gap.
    """
    first_run = np.ones(len(wall), dtype=bool) if fold is None else (fold != 1).to_numpy()
    aware = wall.dt.tz_localize(zone, ambiguous=first_run, nonexistent="shift_forward")
    return aware.dt.tz_convert("UTC").astype(INSTANT)


def to_wall_clock(instants: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Return what a clock in `zone` shows at each instant, without a zone."""
    return instants.dt.tz_convert(zone).dt.tz_localize(None).astype(WALL_CLOCK)


def with_wall_clocks(frame: pd.DataFrame, columns: Sequence[str], zone: ZoneInfo) -> pd.DataFrame:
    """Return `frame` with its instants in `columns` as wall-clock times of `zone`.

    Where the clock of `zone` shows a time for the second time, and only then, a column
    `<column>_fold` (int8, 1 = the second time) keeps what the wall clock alone would lose.
    """
    converted = frame.assign(**{column: to_wall_clock(frame[column], zone) for column in columns})
    folds = {}
    for column in columns:
        first_reading = to_instants(converted[column], zone)
        is_second = first_reading.notna() & (first_reading != frame[column])
        if is_second.any():
            folds[f"{column}_fold"] = is_second.astype("int8")
    return converted.assign(**folds)


def with_instants(frame: pd.DataFrame, columns: Sequence[str], zone: ZoneInfo) -> pd.DataFrame:
    """Return `frame` with its wall-clock `columns` as instants: `with_wall_clocks` undone."""
    folds = {column: f"{column}_fold" for column in columns}
    converted = {
        column: to_instants(frame[column], zone, frame.get(fold)) for column, fold in folds.items()
    }
    return frame.assign(**converted).drop(columns=list(folds.values()), errors="ignore")


def first_reading(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the smallest reading of a clock in `zone` that counts as `instant` or later.

    Readings count as `core.days.to_instants` reads them: one that the clock shows twice as the
    first, one that it skips as the end of the gap. So `reading >= first_reading(instant)` says
    the same as `instant_of(reading) >= instant`, and the bound moves instead of the column.
    """
    reading = instant.astimezone(zone)
    while reading.fold:  # every reading of the repeated hour counts as earlier
        first, second = ((reading + _MINUTE).replace(fold=fold) for fold in (0, 1))
        reading = first if first.utcoffset() == second.utcoffset() else second
    naive = reading.replace(tzinfo=None, fold=0)
    while _is_skipped(naive - _MINUTE, zone):
        naive -= _MINUTE
    return naive


def _is_skipped(naive: datetime, zone: ZoneInfo) -> bool:
    there = naive.replace(tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive
