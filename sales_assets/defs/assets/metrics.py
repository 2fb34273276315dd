"""The metrics of the day: each a core function over the lookback's events."""

from collections.abc import Iterator

import dagster as dg

from sales_assets.core import names
from sales_assets.core.days import DailyFrames
from sales_assets.core.metrics.activity import daily_activity as count_activity
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.metrics.processes import stuck_cases as list_stuck
from sales_assets.core.metrics.values import daily_values as count_values
from sales_assets.core.report.report import METRICS_OF_PARTS
from sales_assets.defs.checks import checks_of, refuse_broken, results
from sales_assets.defs.daily import DailyAssets
from sales_assets.defs.filled import log_filled
from sales_assets.defs.lookback import LookbackResource
from sales_assets.defs.partitions import partition_days

GROUP = "metrics"
KINDS = {"pandas", "parquet"}
EVENTS = [names.CLEAN_EVENTS, names.USER_HISTORY]


def assets(daily: DailyAssets) -> list[dg.AssetsDefinition]:
    """Return the assets of this module for one calendar.

    Those that a part of the report shows are made from their descriptions.
    """
    plain = (daily_values, stuck_cases, daily_activity)
    return [
        *(daily.asset(body, group=GROUP, kinds=KINDS, deps=EVENTS) for body in plain),
        *(_described(daily, metric) for metric in METRICS_OF_PARTS),
    ]


def _described(daily: DailyAssets, metric: Metric) -> dg.AssetsDefinition:
    def body(
        context: dg.AssetExecutionContext, lookback: LookbackResource
    ) -> Iterator[dg.MaterializeResult[DailyFrames]]:
        counted = lookback.count(context, metric)
        frames = DailyFrames(counted, counted.__getitem__)
        found = metric.check.of(*lookback.events(context), frames) if metric.check else {}
        outcomes = {day: (one,) for day, one in found.items()}
        refuse_broken(context, metric.name, outcomes)
        checked = results(context, metric.name, outcomes)
        yield dg.MaterializeResult(value=frames, check_results=checked)

    body.__name__, body.__doc__ = metric.name, metric.about
    return daily.asset(
        body,
        group=GROUP,
        kinds=KINDS,
        frame=metric.frame,
        counted_by=metric.count,
        deps=[*EVENTS, names.DAILY_VALUES] if metric.rests_on_values else EVENTS,
        check_specs=checks_of(metric),
    )


def stuck_cases(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """Whom the department must call: the open cases older than 24 hours, the oldest first."""
    return list_stuck(*lookback.events(context))


def daily_activity(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """Distinct clients and events of the day by event."""
    frames = lookback.clean_events(context)
    return DailyFrames(frames, lambda day: count_activity(frames[day]))


def daily_values(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """What the day's numbers are judged by: each judged number, a small row a day.

    The values of the 112 days before are filled where they miss, and those of stored later days,
    which rest on this one, are made anew.
    """
    log_filled(context, lookback.history.renew_values(partition_days(context)))
    return count_values(*lookback.events(context))
