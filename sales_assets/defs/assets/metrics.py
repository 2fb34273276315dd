"""The metrics of the day: each a core function over the lookback's events."""

from collections.abc import Iterator

import dagster as dg

from sales_assets.core import names
from sales_assets.core.days import DailyFrames
from sales_assets.core.metrics.activity import daily_activity as count_activity
from sales_assets.core.metrics.funnel import conversion_funnel as count_funnel
from sales_assets.core.metrics.payments import new_paying_users as count_new_paying
from sales_assets.core.metrics.processes import stuck_cases as list_stuck
from sales_assets.core.metrics.processes import unclosed_processes as count_unclosed
from sales_assets.core.metrics.schemas import check_groups
from sales_assets.core.metrics.values import daily_values as count_values
from sales_assets.defs.checks import FUNNEL_CHECKS, promised
from sales_assets.defs.daily import DailyAssets
from sales_assets.defs.lookback import LookbackResource

GROUP = "metrics"
KINDS = {"pandas", "parquet"}
EVENTS = [names.CLEAN_EVENTS, names.USER_HISTORY]


def assets(daily: DailyAssets) -> list[dg.AssetsDefinition]:
    """Return the assets of this module for one calendar."""
    plain = (daily_values, stuck_cases, daily_activity, new_paying_users)
    return [
        daily.asset(
            unclosed_processes, group=GROUP, kinds=KINDS, deps=[*EVENTS, names.DAILY_VALUES]
        ),
        *(daily.asset(body, group=GROUP, kinds=KINDS, deps=EVENTS) for body in plain),
        daily.asset(
            conversion_funnel, group=GROUP, kinds=KINDS, deps=EVENTS, check_specs=FUNNEL_CHECKS
        ),
    ]


def unclosed_processes(
    context: dg.AssetExecutionContext, lookback: LookbackResource
) -> DailyFrames:
    """How many of the promises of 24 hours that fell due on the day were broken, by process."""
    log, days = lookback.event_log(context), lookback.report_days(context)
    return DailyFrames.of(count_unclosed(log, days, lookback.values(context)))


def stuck_cases(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """Whom the department must call: the open cases older than 24 hours, the oldest first."""
    log, days = lookback.event_log(context), lookback.report_days(context)
    return DailyFrames.of(list_stuck(log, days))


def conversion_funnel(
    context: dg.AssetExecutionContext, lookback: LookbackResource
) -> Iterator[dg.MaterializeResult[DailyFrames]]:
    """How far the clients of a week of requests came within 7 days, by group of clients."""
    log, days = lookback.event_log(context), lookback.report_days(context)
    frames = DailyFrames.of(count_funnel(log, days))
    outcomes = {day: [check_groups(frames[day])] for day in frames}
    yield dg.MaterializeResult(
        value=frames, check_results=promised(context, names.CONVERSION_FUNNEL, outcomes)
    )


def daily_activity(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """Distinct clients and events of the day by event."""
    frames = lookback.clean_events(context)
    return DailyFrames(frames, lambda day: count_activity(frames[day]))


def daily_values(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """What the day's numbers are judged by: each judged number, a small row a day.

    The values of the 112 days before are filled where they miss, and those of stored later days,
    which rest on this one, are made anew.
    """
    lookback.renew_values(context)
    log, days = lookback.event_log(context), lookback.report_days(context)
    return DailyFrames.of(count_values(log, days))


def new_paying_users(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """Clients who paid for the first time ever, beside last week and the mean of seven days."""
    log, days = lookback.event_log(context), lookback.report_days(context)
    return DailyFrames.of(count_new_paying(log, days, lookback.history.source_first_day))
