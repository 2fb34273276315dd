"""The events: as the source holds them, what history knows of the clients, and cleaned."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import pandas as pd

from sales_assets.core import names
from sales_assets.core.days import DailyFrames
from sales_assets.core.metrics.schemas import CheckOutcome, check_clean
from sales_assets.defs.checks import (
    CLEAN_CHECKS,
    RAW_CHECKS,
    refuse_broken,
    results,
)
from sales_assets.defs.daily import DailyAssets
from sales_assets.defs.filled import log_filled
from sales_assets.defs.good_days import go_on_without_refused
from sales_assets.defs.lookback import LookbackResource
from sales_assets.defs.metadata import day_metadata
from sales_assets.defs.partitions import partition_days

GROUP = "events"
_POSTGRES, _PANDAS = {"postgres", "parquet"}, {"pandas", "parquet"}


def assets(daily: DailyAssets) -> list[dg.AssetsDefinition]:
    """Return the assets of this module for one calendar."""
    return [
        daily.asset(raw_events, group=GROUP, kinds=_POSTGRES, check_specs=RAW_CHECKS),
        daily.asset(hourly_counts, group=GROUP, kinds=_POSTGRES, deps=[names.RAW_EVENTS]),
        daily.asset(user_history, group=GROUP, kinds=_POSTGRES, deps=[names.RAW_EVENTS]),
        daily.asset(
            clean_events,
            group=GROUP,
            kinds=_PANDAS,
            deps=[names.RAW_EVENTS, names.USER_HISTORY],
            check_specs=CLEAN_CHECKS,
        ),
    ]


def raw_events(
    context: dg.AssetExecutionContext, lookback: LookbackResource
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Exactly the rows that the source holds for the day; payments are purchases.

    Read in one bounded query per table for the days of the run and for those of the lookback
    that nobody stored yet. A day that is cut, shrunken or bad is refused before it is stored;
    the other days of the run go on without it, and the run fails at its end.
    """
    reading = lookback.history.read_days(partition_days(context))
    log_filled(context, reading.filled)
    if reading.refused:
        go_on_without_refused(context, reading)
    for day in reading.own:
        path = lookback.history.store.path(names.RAW_EVENTS, day.day)
        told = {"path": dg.MetadataValue.path(str(path)), **day_metadata(day.summary)}
        context.add_asset_metadata(told, partition_key=day.day.isoformat())
    outcomes = {day.day: day.outcomes for day in reading.own}
    yield dg.MaterializeResult()
    yield from results(context, names.RAW_EVENTS, outcomes)


def hourly_counts(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """How many rows of each type the source holds by hour: whether a day is whole is told by it.

    Counted while the rows are read; those of the 168 days before by one grouped query.
    """
    days, history = partition_days(context), lookback.history
    log_filled(context, history.ensure_rows(days, days))
    history.refuse_blocked(days)
    filled = history.ensure_counts(days)
    log_filled(context, [day for day in filled if day.day not in days])
    return DailyFrames(days, history.whole_days.counts)


def user_history(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """What the whole history knows of each client of the day, before the day's cut-off.

    The first event, the first experiment event and the first payment: asked of the source for
    these clients, so that no run carries the history.
    """
    days = partition_days(context)
    frames, filled = lookback.history.read_user_history(days)
    log_filled(context, filled)
    return DailyFrames(days, frames.__getitem__)


def clean_events(
    context: dg.AssetExecutionContext, lookback: LookbackResource
) -> Iterator[dg.MaterializeResult[DailyFrames] | dg.AssetCheckResult]:
    """The day's valid events of people in no experiment as of the day's cut-off."""
    days, history = partition_days(context), lookback.history
    before = history.days_before(days)
    log_filled(context, history.ensure_read([*before, *days], days))
    history.refuse_blocked(days)
    log_filled(context, history.ensure(before))
    outcomes: dict[date, list[CheckOutcome]] = {}

    def cleaned(day: date) -> pd.DataFrame:
        frame = history.clean(day)
        known = history.store.read(names.USER_HISTORY, day)
        outcomes[day] = [check_clean(frame, known, day)]
        refuse_broken(context, names.CLEAN_EVENTS, {day: outcomes[day]})
        return frame

    yield dg.MaterializeResult(value=DailyFrames(days, cleaned))
    yield from results(context, names.CLEAN_EVENTS, outcomes)
