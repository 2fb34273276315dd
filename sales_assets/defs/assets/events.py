"""The events: as the source holds them, what history knows of the clients, and cleaned."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import pandas as pd

from sales_assets.core import names
from sales_assets.core.days import DailyFrames
from sales_assets.core.metrics.cleaning import clean_events as clean
from sales_assets.core.metrics.cleaning import set_aside
from sales_assets.core.metrics.schemas import CheckOutcome, check_clean
from sales_assets.defs.checks import (
    CLEAN_CHECKS,
    RAW_CHECKS,
    dictionary_results,
    fit_outcome,
    refuse_broken,
    results,
)
from sales_assets.defs.daily import DailyAssets
from sales_assets.defs.lookback import LookbackResource
from sales_assets.defs.partitions import partition_days

GROUP = "events"
_POSTGRES, _PANDAS = {"postgres", "parquet"}, {"pandas", "parquet"}


def assets(daily: DailyAssets) -> list[dg.AssetsDefinition]:
    """Return the assets of this module for one calendar."""
    return [
        daily.asset(raw_events, group=GROUP, kinds=_POSTGRES, check_specs=RAW_CHECKS),
        daily.asset(user_history, group=GROUP, kinds=_POSTGRES, deps=[names.RAW_EVENTS]),
        daily.asset(clean_events, group=GROUP, kinds=_PANDAS, check_specs=CLEAN_CHECKS),
    ]


def raw_events(
    context: dg.AssetExecutionContext, lookback: LookbackResource
) -> Iterator[dg.MaterializeResult[DailyFrames] | dg.AssetCheckResult]:
    """Exactly the rows that the source holds for the day; payments are purchases.

    Read in one bounded query per table for the days of the run and for those of the lookback
    that nobody stored yet. The checks name what is wrong with a day; a blocked day goes no
    further.
    """
    days = partition_days(context)
    read = lookback.raw_events(context)
    outcomes: dict[date, list[CheckOutcome]] = {}

    def checked(day: date) -> pd.DataFrame:
        frame = read.frames[day]
        findings = lookback.findings(read, day, frame)
        outcomes[day] = [*lookback.history.outcomes(frame, day), fit_outcome(findings)]
        return frame

    # A frame is made, checked and written day by day, so the results come after the value.
    yield dg.MaterializeResult(value=DailyFrames(days, checked))
    yield from results(context, names.RAW_EVENTS, outcomes)
    yield from dictionary_results(read, days)


def user_history(context: dg.AssetExecutionContext, lookback: LookbackResource) -> DailyFrames:
    """What the whole history knows of each client of the day, before the day's cut-off.

    The first event, the first experiment event and the first payment: asked of the source for
    these clients, so that no run carries the history.
    """
    return DailyFrames.of(lookback.user_history(context), partition_days(context))


def clean_events(
    context: dg.AssetExecutionContext,
    lookback: LookbackResource,
    raw_events: DailyFrames,
    user_history: DailyFrames,
) -> Iterator[dg.MaterializeResult[DailyFrames] | dg.AssetCheckResult]:
    """The day's valid events of people in no experiment as of the day's cut-off."""
    lookback.clean_missing(context)
    days = partition_days(context)
    outcomes: dict[date, list[CheckOutcome]] = {}

    def cleaned(day: date) -> pd.DataFrame:
        history = user_history[day]
        frame = clean(set_aside(raw_events[day])[0], history)
        outcomes[day] = [check_clean(frame, history, day)]
        refuse_broken(context, names.CLEAN_EVENTS, {day: outcomes[day]})
        return frame

    yield dg.MaterializeResult(value=DailyFrames(days, cleaned))
    yield from results(context, names.CLEAN_EVENTS, outcomes)
