"""The stored days that a run's numbers rest on, and what fills those that nobody stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.stamps import own_stamp, remember_dictionary
from sales_assets.adapters.source.postgres import PostgresSource, SourceRead
from sales_assets.core import names
from sales_assets.core.days import DailyFrames, ReportDays, lookback_days
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.metrics import cleaning
from sales_assets.core.metrics.event_log import EventLog, encode
from sales_assets.core.metrics.schemas import CheckOutcome, check_bad_rows, check_structure
from sales_assets.core.metrics.summaries import Summary, summary_of
from sales_assets.core.metrics.values import daily_values, values_before
from sales_assets.core.stamp import Stamp
from sales_assets.core.windows import EVENT_DAYS, VALUE_DAYS, days_up_to


class BlockedDayError(SalesAssetsError):
    """A day's metrics were asked for, and the checks of its rows block it."""


@dataclass(frozen=True)
class FilledDay:
    """A day of an asset that nobody had stored; `failed` is what its checks found wrong."""

    asset: str
    day: date
    summary: Summary
    failed: tuple[CheckOutcome, ...] = ()


@dataclass
class History:
    """Raw and clean events and user histories of the days that a run is about or looks back on.

    One object serves one run: it remembers the event log, what the checks found, and the first
    day of the source. `connect` is called when the source is needed first.
    """

    store: FrameStore
    connect: Callable[[], PostgresSource]
    first_date: date
    zone: ZoneInfo
    bad_rows_share: float
    _stamp: Stamp | None = field(default=None, repr=False)
    _logs: dict[tuple[date, ...], EventLog] = field(default_factory=dict, repr=False)
    _failures: dict[date, CheckOutcome | None] = field(default_factory=dict, repr=False)

    @cached_property
    def source(self) -> PostgresSource:
        """The source of the rows, which is the one of the stored days.

        Raises:
            ForeignSourceError: it is another, or nobody knows.
        """
        source = self.connect()
        self._stamp = own_stamp(self.store, source.stamp())
        return source

    @property
    def last_names(self) -> Mapping[str, str]:
        """The dictionary that the last run saw; empty before the first."""
        return self._stamp.dictionary if self._stamp else {}

    @cached_property
    def source_first_day(self) -> date:
        """The first day of the history: before it a comparison is null."""
        return max(self.first_date, self.source.first_day() or self.first_date)

    def lookback(self, days: Sequence[date]) -> list[date]:
        """Return the days that the numbers of `days` rest on, those included, in order."""
        return lookback_days(days, self.first_date)

    def days_before(self, days: Sequence[date]) -> list[date]:
        """Return the lookback of `days` without these days."""
        return sorted(set(self.lookback(days)).difference(days))

    # --- Filling ---

    def read_days(self, days: Sequence[date]) -> tuple[SourceRead, list[FilledDay]]:
        """Read `days`, and in the same query the missing ones before them; store only those."""
        missing = self._missing(names.RAW_EVENTS, self.days_before(days))
        read = self.source.read_days([*missing, *days])
        if self._stamp:
            remember_dictionary(self.store, self._stamp, read.dictionary)
        return read, self._store_raw(missing, read)

    def read_user_history(
        self, days: Sequence[date]
    ) -> tuple[Mapping[date, pd.DataFrame], list[FilledDay]]:
        """Ask what the source knows of the clients of `days`; store the missing days before."""
        missing = self._missing(names.USER_HISTORY, self.days_before(days))
        frames = self.source.read_user_history([*missing, *days])
        return frames, self._store(names.USER_HISTORY, DailyFrames.of(frames, missing))

    def ensure(self, days: Sequence[date], own: Sequence[date] = ()) -> list[FilledDay]:
        """Store whatever of `days` is missing, up to the clean events; return what that was.

        Of nothing more is made than of raw events where the checks block one of the run's `own`
        days: `refuse_blocked` says so.
        """
        filled = self.ensure_read(days, own)
        if self._are_blocked(own):
            return filled
        missing = self._missing(names.CLEAN_EVENTS, days)
        return filled + self._store(names.CLEAN_EVENTS, DailyFrames(missing, self.clean))

    def ensure_read(self, days: Sequence[date], own: Sequence[date] = ()) -> list[FilledDay]:
        """Do so up to the user histories."""
        filled = []
        if raw := self._missing(names.RAW_EVENTS, days):
            filled += self._store_raw(raw, self.source.read_days(raw))
        missing = [] if self._are_blocked(own) else self._missing(names.USER_HISTORY, days)
        if missing:
            filled += self._store(names.USER_HISTORY, self.source.read_user_history(missing))
        return filled

    def _missing(self, asset: str, days: Sequence[date]) -> list[date]:
        stored = self.store.days(asset)
        return [day for day in days if day not in stored]

    def _store_raw(self, days: Sequence[date], read: SourceRead) -> list[FilledDay]:
        return self._store(names.RAW_EVENTS, DailyFrames.of(read.frames, days), self.outcomes)

    def _store(
        self,
        asset: str,
        frames: Mapping[date, pd.DataFrame],
        check: Callable[[pd.DataFrame, date], list[CheckOutcome]] | None = None,
    ) -> list[FilledDay]:
        filled = []
        for day in frames:
            frame = frames[day]
            self.store.write(asset, day, frame)
            failed = [found for found in check(frame, day) if not found.passed] if check else []
            filled.append(FilledDay(asset, day, summary_of(asset, frame), tuple(failed)))
        return filled

    def ensure_values(self, days: Sequence[date]) -> list[FilledDay]:
        """Store the daily values that `days` are judged by, and their own, where they miss."""
        return self._store_values(self._missing(names.DAILY_VALUES, self.values_window(days)))

    def renew_values(self, days: Sequence[date]) -> list[FilledDay]:
        """Store the missing values before `days`, and anew the stored ones that rest on `days`.

        The events of `days` may have changed. Their own values are left to the caller.
        """
        stored = self.store.days(names.DAILY_VALUES)
        before = set(self.values_window(days)).difference(stored)
        after = self._resting_on(days).intersection(stored)
        return self._store_values(sorted((before | after).difference(days)))

    def _store_values(self, days: Sequence[date]) -> list[FilledDay]:
        if not days:
            return []
        frames = daily_values(self._log_of(days), ReportDays.of(days, self.zone))
        return self._store(names.DAILY_VALUES, frames)

    def _resting_on(self, days: Sequence[date]) -> set[date]:
        after = range(1, EVENT_DAYS)
        return {day + timedelta(days=later) for day in days for later in after}

    def _log_of(self, days: Sequence[date]) -> EventLog:
        """Return the events that the values of `days` rest on; what misses is read, not stored."""
        window = sorted({one for day in days for one in days_up_to(day, EVENT_DAYS)})
        window = [day for day in window if day >= self.first_date]
        stored = self.store.days(names.CLEAN_EVENTS)
        missing = [day for day in window if day not in stored]
        raw = self.source.read_days(missing).frames if missing else {}
        facts = self.source.read_user_history(missing) if missing else {}

        def clean(day: date) -> pd.DataFrame:
            if day in stored:
                return self.store.read(names.CLEAN_EVENTS, day)
            return cleaning.clean_events(cleaning.set_aside(raw[day])[0], facts[day])

        histories = (
            self.store.read(names.USER_HISTORY, day) if day in stored else facts[day]
            for day in window
        )
        return encode((clean(day) for day in window), histories, self.zone)

    # --- Reading what is stored ---

    def values_window(self, days: Sequence[date]) -> list[date]:
        """Return the days whose values `days` are judged by, those included, in order."""
        wanted = {one for day in days for one in days_up_to(day, VALUE_DAYS + 1)}
        return sorted(day for day in wanted if day >= self.source_first_day)

    def daily_values(self, day: date) -> pd.DataFrame:
        """Return the stored values that `day` is judged by: `values_before`."""
        window = self.values_window([day])
        stored = self.store.days(names.DAILY_VALUES)
        frames = DailyFrames(
            [each for each in window if each in stored],
            lambda each: self.store.read(names.DAILY_VALUES, each),
        )
        return values_before(frames, day, self.source_first_day)

    def clean(self, day: date) -> pd.DataFrame:
        """Return the day's clean events, made of its stored rows and histories."""
        valid, _ = cleaning.set_aside(self.store.read(names.RAW_EVENTS, day))
        return cleaning.clean_events(valid, self.store.read(names.USER_HISTORY, day))

    def clean_events(self, days: Sequence[date]) -> DailyFrames:
        """Return the stored clean events of `days`."""
        return DailyFrames(days, lambda day: self.store.read(names.CLEAN_EVENTS, day))

    def event_log(self, days: Sequence[date]) -> EventLog:
        """Return the stored events of `days` and their lookback; the last one made is kept."""
        window = tuple(self.lookback(days))
        if window not in self._logs:
            self._logs.clear()
            self._logs[window] = encode(
                (self.store.read(names.CLEAN_EVENTS, day) for day in window),
                (self.store.read(names.USER_HISTORY, day) for day in window),
                self.zone,
            )
        return self._logs[window]

    # --- What blocks a day ---

    def outcomes(self, raw: pd.DataFrame, day: date) -> list[CheckOutcome]:
        """Return what the checks find in one day's rows; whether they block it is remembered."""
        found = [check_structure(raw, day), check_bad_rows(raw, self.bad_rows_share)]
        self._failures[day] = next((one for one in found if not one.passed), None)
        return found

    def flawed_days(self, day: date) -> tuple[date, ...]:
        """Return the days of the lookback of `day` that their checks would block."""
        return tuple(before for before in self.lookback([day]) if self._failure(before))

    def refuse_blocked(self, days: Sequence[date]) -> None:
        """Raise for a day whose checks block it: a metric alone must not pass them by.

        Raises:
            BlockedDayError: names the day, the check and the way out.
        """
        for day in days:
            if failure := self._failure(day):
                raise BlockedDayError(
                    f"{names.RAW_EVENTS} of {day} is blocked by its check {failure.name!r}: "
                    f"{failure.message} Mend the source and materialize the day from "
                    f"{names.RAW_EVENTS} on, or raise SALES_ASSETS_BAD_ROWS_SHARE."
                )

    def _are_blocked(self, days: Sequence[date]) -> bool:
        return any(self._failure(day) for day in days)

    def _failure(self, day: date) -> CheckOutcome | None:
        if day not in self._failures:
            self.outcomes(self.store.read(names.RAW_EVENTS, day), day)
        return self._failures[day]
