"""The stored days as a resource: each run has its history, and logs which days it filled."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg
import pandas as pd
from pydantic import PrivateAttr

from sales_assets.adapters.files.findings import write_findings
from sales_assets.adapters.history import History
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.postgres import SourceRead
from sales_assets.core.days import DailyFrames, ReportDays
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.source_findings import Finding
from sales_assets.defs.filled import log_filled
from sales_assets.defs.partitions import partition_days
from sales_assets.defs.resources import (
    Calendar,
    SourceResource,
    StorageResource,
)


class LookbackResource(dg.ConfigurableResource):
    """Raw and clean events and user histories of the 64 days that end with a report day.

    A metric depends on its own day's upstream partitions in the graph (so that a range of days
    runs as one, with its checks between the steps), and reads the days before from here.
    """

    source: SourceResource
    storage: StorageResource
    calendar: dg.ResourceDependency[Calendar]
    settings: dg.ResourceDependency[Settings]

    _history: History | None = PrivateAttr(default=None)

    @property
    def history(self) -> History:
        """The history of the run."""
        if self._history is None:
            self._history = History(
                self.storage.store(),
                self.source.connect,
                self.calendar.first_date,
                self.calendar.zone,
                self.settings.bad_rows_share,
            )
        return self._history

    def raw_events(self, context: dg.AssetExecutionContext) -> SourceRead:
        """Read the run's days, and in the same query the lookback's missing ones; store those."""
        read, filled = self.history.read_days(partition_days(context))
        log_filled(context, filled)
        return read

    def findings(self, read: SourceRead, day: date, frame: pd.DataFrame) -> tuple[Finding, ...]:
        """Return what doesn't fit in the source on `day`, and store it beside the day's rows."""
        found = read.findings(
            day,
            frame,
            self.history.last_names,
            payers_without_events=self.settings.payers_without_events,
        )
        write_findings(self.history.store, day, found)
        return found

    def user_history(self, context: dg.AssetExecutionContext) -> Mapping[date, pd.DataFrame]:
        """Ask what the source knows of the days' clients; store the lookback's missing days."""
        frames, filled = self.history.read_user_history(partition_days(context))
        log_filled(context, filled)
        return frames

    def clean_missing(self, context: dg.AssetExecutionContext) -> None:
        """Fill the days before those of the run, and what the run's own rest on.

        Raises:
            BlockedDayError: the checks block a day of the run itself; nothing is made of it.
        """
        days, history = partition_days(context), self.history
        before = history.days_before(days)
        log_filled(context, history.ensure_read([*before, *days], days))
        history.refuse_blocked(days)
        log_filled(context, history.ensure(before))

    def clean_events(self, context: dg.AssetExecutionContext) -> DailyFrames:
        """Return the clean events of the run's days alone, filled where they miss."""
        days = partition_days(context)
        self._ensure(context, days)
        return self.history.clean_events(days)

    def event_log(self, context: dg.AssetExecutionContext) -> EventLog:
        """Return the events of the run's days and their lookback, filled where days miss.

        The assets of a run share one log.
        """
        days = partition_days(context)
        self._ensure(context, self.history.lookback(days))
        return self.history.event_log(days)

    def renew_values(self, context: dg.AssetExecutionContext) -> None:
        """Fill the daily values before the run's days, and make those anew that rest on them."""
        log_filled(context, self.history.renew_values(partition_days(context)))

    def ensure_values(self, context: dg.AssetExecutionContext) -> None:
        """Fill the daily values that the run's days are judged by, where they miss."""
        log_filled(context, self.history.ensure_values(partition_days(context)))

    def report_days(self, context: dg.AssetExecutionContext) -> ReportDays:
        """Return the days of the run."""
        return ReportDays.of(partition_days(context), self.calendar.zone)

    def _ensure(self, context: dg.AssetExecutionContext, days: Sequence[date]) -> None:
        own = partition_days(context)
        log_filled(context, self.history.ensure(days, own))
        self.history.refuse_blocked(own)
