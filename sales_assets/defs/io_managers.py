"""How frames travel between assets: one Parquet file a day, both sides lazy over the days."""

import time
from collections.abc import Mapping
from datetime import date

import dagster as dg
import pandas as pd

from sales_assets.adapters.files.frames import FrameStore, MissingDayError
from sales_assets.core.days import DailyFrames
from sales_assets.core.metrics.summaries import summary_of
from sales_assets.defs.metadata import day_metadata

#: How often a long range says how far it is.
PROGRESS_SECONDS = 2.0


class DailyFramesIOManager(dg.IOManager):
    """Stores a mapping of day to frame as `<base>/<asset>/<YYYY-MM-DD>.parquet`.

    Takes and gives `DailyFrames` for one day and for a range alike: a frame is made when its
    file is written and read when its day is asked for. A day of the run that the mapping does
    not hold raises, otherwise Dagster would mark it materialized. Each day's materialization
    gets what is told of its frame.
    """

    def __init__(self, store: FrameStore) -> None:
        self._store = store

    def handle_output(self, context: dg.OutputContext, obj: Mapping[date, pd.DataFrame]) -> None:
        """Write the file of every day of the run."""
        days = [date.fromisoformat(key) for key in context.asset_partition_keys]
        missing = [str(day) for day in days if day not in obj]
        if missing:
            raise MissingDayError(
                f"{context.asset_key.to_user_string()} was to be written for {', '.join(missing)}, "
                "and its frames do not hold that. Nothing was written; this is a defect of the "
                "asset."
            )
        told_at = time.monotonic()
        for done, day in enumerate(days, start=1):
            self._store_day(context, day, obj[day])
            if time.monotonic() - told_at > PROGRESS_SECONDS:
                told_at = time.monotonic()
                context.log.info("%d of %d days written", done, len(days))

    def _store_day(self, context: dg.OutputContext, day: date, frame: pd.DataFrame) -> None:
        asset = context.asset_key.to_user_string()
        self._store.write(asset, day, frame)
        path = dg.MetadataValue.path(str(self._store.path(asset, day)))
        # Dagster's own output metadata speaks for all days of the range.
        context.step_context.add_asset_metadata(
            {"path": path, **day_metadata(summary_of(asset, frame))},
            asset_key=context.asset_key,
            partition_key=day.isoformat(),
        )

    def load_input(self, context: dg.InputContext) -> DailyFrames:
        """Return the days of the input, each read when it is asked for."""
        asset = context.asset_key.to_user_string()
        days = map(date.fromisoformat, context.asset_partition_keys)
        return DailyFrames(days, lambda day: self._store.read(asset, day))
