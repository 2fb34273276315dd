"""A range with refused days: its other days go on without them, and the range says which."""

from collections.abc import Sequence
from datetime import date
from typing import NoReturn

import dagster as dg

from sales_assets.adapters.files.day_records import Refusal
from sales_assets.adapters.history import Reading
from sales_assets.core import names
from sales_assets.core.days import spans
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.report.report import METRICS
from sales_assets.defs.filled import log_filled
from sales_assets.defs.partitions import DAYS_TAG, partition_tags

#: The run whose other days a run computes.
PART_OF_TAG = "sales_assets/part_of"
#: The tags that such a run takes over: ours, and what makes it count for a backfill of the UI.
_BACKFILL_TAG = "dagster/backfill"
_OURS = "sales_assets/"


class RefusedDaysError(SalesAssetsError):
    """Days of the source were not taken; nothing of them was stored."""

    def __init__(self, refused: Sequence[Refusal], done: Sequence[date]) -> None:
        told = "; ".join(f"{one.day} ({one.check}): {one.message}" for one in refused)
        others = f" The other {len(done)} days of the range went on." if done else ""
        super().__init__(f"{names.RAW_EVENTS} refuses {told}.{others}")


def go_on_without_refused(context: dg.AssetExecutionContext, reading: Reading) -> NoReturn:
    """Log each day as it is, compute the good ones in runs of their own, and fail.

    An output speaks for all days of a run, and what is downstream would see the refused ones as
    materialized. So the good days go on as runs of their own, here and now.

    Raises:
        RefusedDaysError: always; it names the refused days.
    """
    log_filled(context, reading.own)
    days = [day.day for day in reading.own if day.refusal is None]
    for span in spans(days):
        _run_rest(context, span)
    raise RefusedDaysError(reading.refused, days)


def _run_rest(context: dg.AssetExecutionContext, days: Sequence[date]) -> None:
    computed = map(dg.AssetKey, (*names.EVENTS, *METRICS, names.DAILY_REPORT))
    rest = set(context.run.asset_selection or computed) - {dg.AssetKey(names.RAW_EVENTS)}
    if not rest:
        return
    taken_over = {
        name: value
        for name, value in context.run.tags.items()
        if name == _BACKFILL_TAG or (name.startswith(_OURS) and name != DAYS_TAG)
    }
    result = context.job_def.execute_in_process(
        instance=context.instance,
        run_config={"loggers": context.run.run_config.get("loggers", {})},
        asset_selection=sorted(rest),
        raise_on_error=False,
        tags={**taken_over, **partition_tags(days), PART_OF_TAG: context.run.run_id},
    )
    became = "succeeded" if result.success else "failed"
    context.log.info("%s to %s: run %s %s", days[0], days[-1], result.run_id, became)
