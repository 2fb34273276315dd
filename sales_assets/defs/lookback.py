"""The stored days that a run's numbers rest on; days that nobody stored yet are filled here."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg
import pandas as pd
from pydantic import PrivateAttr

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.postgres import SourceRead
from sales_assets.core import names
from sales_assets.core.days import DailyFrames, ReportDays, lookback_days
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.metrics import cleaning
from sales_assets.core.metrics.event_log import EventLog, encode
from sales_assets.core.metrics.schemas import CheckOutcome, check_bad_rows, check_structure
from sales_assets.core.metrics.summaries import summary_of
from sales_assets.defs.checks import first_failure, log_evaluation
from sales_assets.defs.metadata import day_metadata
from sales_assets.defs.partitions import partition_days
from sales_assets.defs.resources import (
    Calendar,
    SourceResource,
    StorageResource,
)


class BlockedDayError(SalesAssetsError):
    """A day's metrics were asked for, and the checks of its rows block it."""


class LookbackResource(dg.ConfigurableResource):
    """Raw and clean events and user histories of the 64 days that end with a report day.

    A metric depends on its own day's upstream partitions in the graph (so that a range of days
    runs as one, with its checks between the steps), and reads the days before from here.
    """

    source: SourceResource
    storage: StorageResource
    calendar: dg.ResourceDependency[Calendar]
    settings: dg.ResourceDependency[Settings]

    _logs: dict[tuple[date, ...], EventLog] = PrivateAttr(default_factory=dict)
    _failures: dict[date, CheckOutcome | None] = PrivateAttr(default_factory=dict)
    _first_day: date | None = PrivateAttr(default=None)

    @property
    def store(self) -> FrameStore:
        """The stored frames."""
        return self.storage.store()

    def raw_events(self, context: dg.AssetExecutionContext) -> SourceRead:
        """Read the run's days, and in the same query the lookback's missing ones; store those."""
        days = partition_days(context)
        missing = self._missing(names.RAW_EVENTS, self._days_before(days))
        read = self.source.connect().read_days([*missing, *days])
        self._store_raw(context, missing, read)
        return read

    def user_history(self, context: dg.AssetExecutionContext) -> Mapping[date, pd.DataFrame]:
        """Ask what the source knows of the days' clients; store the lookback's missing days."""
        days = partition_days(context)
        missing = self._missing(names.USER_HISTORY, self._days_before(days))
        frames = self.source.connect().read_user_history([*missing, *days])
        self._store(context, names.USER_HISTORY, DailyFrames.of(frames, missing))
        return frames

    def clean_missing(self, context: dg.AssetExecutionContext) -> None:
        """Clean and store the lookback's days that never were cleaned.

        What the run's own days rest on is filled, too: they may be asked for alone.
        """
        days = partition_days(context)
        before = self._days_before(days)
        self._fill_read(context, [*before, *days])
        self._fill_clean(context, before)

    def clean(self, day: date) -> pd.DataFrame:
        """Return the day's clean events, from its stored rows and histories."""
        valid, _ = cleaning.set_aside(self.store.read(names.RAW_EVENTS, day))
        return cleaning.clean_events(valid, self.store.read(names.USER_HISTORY, day))

    def clean_events(self, context: dg.AssetExecutionContext) -> DailyFrames:
        """Return the clean events of the run's days alone, filled where they miss."""
        days = partition_days(context)
        self._fill(context, days)
        return DailyFrames(days, lambda day: self.store.read(names.CLEAN_EVENTS, day))

    def outcomes(self, raw: pd.DataFrame, day: date) -> list[CheckOutcome]:
        """Return what the checks find in one day's rows; whether they block it is remembered."""
        found = [check_structure(raw, day), check_bad_rows(raw, self.settings.bad_rows_share)]
        self._failures[day] = first_failure(found)
        return found

    def event_log(self, context: dg.AssetExecutionContext) -> EventLog:
        """Return the events of the run's days and their lookback, filled where days miss.

        The assets of a run share one log.
        """
        days = tuple(lookback_days(partition_days(context), self.calendar.first_date))
        if days not in self._logs:
            self._fill(context, days)
            self._logs.clear()
            self._logs[days] = self._encode(days)
        return self._logs[days]

    def flawed_days(self, day: date) -> tuple[date, ...]:
        """Return the days of the lookback whose set aside rows are above the accepted share."""
        window = lookback_days([day], self.calendar.first_date)
        return tuple(of_window for of_window in window if self._failure(of_window))

    def report_days(self, context: dg.AssetExecutionContext) -> ReportDays:
        """Return the days of the run."""
        return ReportDays.of(partition_days(context), self.calendar.zone)

    def history_first_day(self) -> date:
        """Return the first day of the history: before it a comparison is null.

        The source is asked once a run.
        """
        if self._first_day is None:
            first_row = self.source.connect().first_day()
            self._first_day = max(self.calendar.first_date, first_row or self.calendar.first_date)
        return self._first_day

    def _refuse_blocked(self, days: Sequence[date]) -> None:
        """Raise for a day whose checks block it: a metric alone must not pass them by."""
        for day in days:
            failure = self._failure(day)
            if failure:
                raise BlockedDayError(
                    f"{names.RAW_EVENTS} of {day} is blocked by its check {failure.name!r}: "
                    f"{failure.message} Mend the source and materialize the day from "
                    f"{names.RAW_EVENTS} on, or raise SALES_ASSETS_BAD_ROWS_SHARE."
                )

    def _failure(self, day: date) -> CheckOutcome | None:
        if day not in self._failures:
            self.outcomes(self.store.read(names.RAW_EVENTS, day), day)
        return self._failures[day]

    def _days_before(self, days: Sequence[date]) -> list[date]:
        return sorted(set(lookback_days(days, self.calendar.first_date)).difference(days))

    def _missing(self, asset: str, days: Sequence[date]) -> list[date]:
        stored = self.store.days(asset)
        return [day for day in days if day not in stored]

    def _fill(self, context: dg.AssetExecutionContext, days: Sequence[date]) -> None:
        """Store whatever of `days` is missing: for a run that starts below the raw events."""
        self._fill_read(context, days)
        self._fill_clean(context, days)

    def _fill_read(self, context: dg.AssetExecutionContext, days: Sequence[date]) -> None:
        """Store what the source holds for those of `days` that nobody stored.

        Raises:
            BlockedDayError: the checks block a day of the run itself; nothing is made of it.
        """
        raw = self._missing(names.RAW_EVENTS, days)
        if raw:
            self._store_raw(context, raw, self.source.connect().read_days(raw))
        self._refuse_blocked(partition_days(context))
        history = self._missing(names.USER_HISTORY, days)
        if history:
            frames = self.source.connect().read_user_history(history)
            self._store(context, names.USER_HISTORY, frames)

    def _fill_clean(self, context: dg.AssetExecutionContext, days: Sequence[date]) -> None:
        missing = self._missing(names.CLEAN_EVENTS, days)
        self._store(context, names.CLEAN_EVENTS, DailyFrames(missing, self.clean))

    def _encode(self, days: Sequence[date]) -> EventLog:
        store = self.store
        return encode(
            (store.read(names.CLEAN_EVENTS, day) for day in days),
            (store.read(names.USER_HISTORY, day) for day in days),
            self.calendar.zone,
        )

    def _store_raw(
        self, context: dg.AssetExecutionContext, days: Sequence[date], read: SourceRead
    ) -> None:
        self._store(context, names.RAW_EVENTS, DailyFrames.of(read.frames, days))
        for day in days:
            for outcome in self.outcomes(read.frames[day], day):
                if not outcome.passed:
                    log_evaluation(context, names.RAW_EVENTS, day, outcome)

    def _store(
        self, context: dg.AssetExecutionContext, asset: str, frames: Mapping[date, pd.DataFrame]
    ) -> None:
        """Write days that the run was not started for, and let them show as materialized."""
        for day in frames:
            frame = frames[day]
            self.store.write(asset, day, frame)
            context.log_event(
                dg.AssetMaterialization(
                    asset,
                    partition=day.isoformat(),
                    metadata={
                        **day_metadata(summary_of(asset, frame)),
                        "filled_for": context.run.run_id,
                    },
                )
            )
