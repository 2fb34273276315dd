"""The stored days as a resource: each run has its history, and logs which days it filled."""

import gc
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import dagster as dg
import pandas as pd
from pydantic import PrivateAttr

from sales_assets.adapters.history import History, Orders
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.choice import source_at
from sales_assets.core import names
from sales_assets.core.days import DailyFrames, ReportDays
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.metric import Metric, MetricContext
from sales_assets.defs.filled import log_filled
from sales_assets.defs.jobs import ACCEPT_LOSS_TAG, AS_IT_IS_TAG, REREAD_TAG
from sales_assets.defs.partitions import name_of_range, partition_days


class LookbackResource(dg.ConfigurableResource):
    """Raw and clean events and user histories of the 36 days that end with a report day.

    A metric depends on its own day's upstream partitions in the graph (so that a range of days
    runs as one, with its checks between the steps), and reads the days before from here. Without
    a source's URL the embedded demo server is the source.
    """

    source_url: str
    first_day: dg.ResourceDependency[date]
    settings: dg.ResourceDependency[Settings]

    _history: History | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Start the run's history, under the run's orders; name the run by its days."""
        if context.run:
            # What is imported lives as long as the run's process: to look for garbage in it takes
            # 7 % of its time. A sensor's process lives for months and would keep all its garbage.
            gc.freeze()
        tags = context.run.tags if context.run else {}
        if context.run and context.instance and (name := name_of_range(tags)):
            context.instance.add_run_tags(context.run.run_id, name)
        orders = Orders(
            tags.get(AS_IT_IS_TAG, "").lower() == "true",
            tags.get(ACCEPT_LOSS_TAG, "").lower() == "true",
            _days_to_read_again(tags.get(REREAD_TAG, "")),
        )
        connect = partial(source_at, self.source_url, self.settings)
        self._history = History(self.settings, connect, self.first_day, orders)

    @property
    def history(self) -> History:
        """The history of the run."""
        assert self._history, "Dagster sets a resource up before a run"  # noqa: S101
        return self._history

    def clean_events(self, context: dg.AssetExecutionContext) -> DailyFrames:
        """Return the clean events of the run's days alone, filled where they miss."""
        days, store = partition_days(context), self.history.store
        self._ensure(context, days)
        return DailyFrames(days, lambda day: store.read(names.CLEAN_EVENTS, day))

    def events(self, context: dg.AssetExecutionContext) -> tuple[EventLog, ReportDays]:
        """Return the run's one log of its days and their lookback, filled where days miss."""
        days = partition_days(context)
        self._ensure(context, self.history.lookback(days))
        return self.history.event_log(days), ReportDays.of(days, self.settings.report_zone)

    def count(
        self, context: dg.AssetExecutionContext, metric: Metric
    ) -> Mapping[date, pd.DataFrame]:
        """Count a metric for the run's days."""
        known = MetricContext(self.history.source_first_day, lambda: self.values(context))
        return metric.count(*self.events(context), known)

    def values(self, context: dg.AssetExecutionContext) -> pd.DataFrame:
        """Return the values of the run's days and of those that judge them, filled if missing."""
        days = partition_days(context)
        log_filled(context, self.history.ensure_values(days))
        return self.history.values(days)

    def _ensure(self, context: dg.AssetExecutionContext, days: Sequence[date]) -> None:
        own = partition_days(context)
        log_filled(context, self.history.ensure(days, own))
        self.history.refuse_blocked(own)


def _days_to_read_again(told: str) -> tuple[date, ...]:
    try:
        return tuple(date.fromisoformat(day.strip()) for day in told.split(",") if day.strip())
    except ValueError as error:
        raise SalesAssetsError(
            f"The tag {REREAD_TAG} is {told!r}; days like 2026-01-30, by commas, were expected."
        ) from error
