"""Days that a run filled on its way show as materialized: logged by the batch, not one by one."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple
from uuid import uuid4

import dagster as dg
import pandas as pd

from sales_assets.adapters.history import FilledDay
from sales_assets.defs.checks import log_evaluation
from sales_assets.defs.metadata import day_metadata


class _Batch(NamedTuple):
    """What Dagster asks of a batch; it is stored with its last event."""

    id: str
    is_end: bool


def log_filled(context: dg.AssetExecutionContext, filled: Sequence[FilledDay]) -> None:
    """Log a materialization a day, and the checks that a day fails, each with its partition.

    `context.log_event` stores each event by itself: two connections and 10 ms or more for each
    of the 192 that a first day fills. Batches come if DAGSTER_EVENT_BATCH_SIZE is above 0.
    """
    stored = [day for day in filled if day.refusal is None]
    for asset, of_asset in groupby(stored, key=lambda day: day.asset):
        _log_together(context, asset, list(of_asset))
    for day in filled:
        for outcome in day.outcomes:
            if not outcome.passed:
                log_evaluation(context, day.asset, day.day, outcome)


def _log_together(
    context: dg.AssetExecutionContext, asset: str, filled: Sequence[FilledDay]
) -> None:
    step, batch = context.get_step_execution_context(), uuid4().hex
    for position, day in enumerate(filled, start=1):
        # Nobody reads the tables of a lookback, and they cost most of its time.
        told = day.summary.items()
        numbers = {name: value for name, value in told if not isinstance(value, pd.DataFrame)}
        materialization = dg.AssetMaterialization(
            asset,
            partition=day.day.isoformat(),
            metadata={**day_metadata(numbers), "filled_for": context.run.run_id},
        )
        member: Any = _Batch(batch, is_end=position == len(filled))
        dg.DagsterEvent.asset_materialization(step, materialization, member)
