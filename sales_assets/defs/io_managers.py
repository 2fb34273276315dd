"""How frames travel between assets: one Parquet file a day, both sides lazy over the days."""

import time
from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd
from upath import UPath

from sales_assets.adapters.files.frames import MissingDayError, read_frame, write_frame
from sales_assets.core.days import DailyFrames
from sales_assets.core.metrics.summaries import summary_of
from sales_assets.defs.metadata import day_metadata

#: How often a long range says how far it is.
PROGRESS_SECONDS = 2.0


class DailyFramesIOManager(dg.UPathIOManager):
    """Stores a mapping of day to frame as `<base>/<asset>/<YYYY-MM-DD>.parquet`.

    Takes and gives `DailyFrames` for one day and for a range alike: a frame is made when its
    file is written and read when its day is asked for. A day of the run that the mapping does
    not hold raises, otherwise Dagster would mark it materialized. Each day's materialization
    gets what is told of its frame.
    """

    extension = ".parquet"

    def handle_output(self, context: dg.OutputContext, obj: Mapping[date, pd.DataFrame]) -> None:
        """Write the file of every day of the run."""
        paths = self._get_paths_for_partitions(context)
        missing = [key for key in paths if date.fromisoformat(key) not in obj]
        if missing:
            raise MissingDayError(
                f"{context.asset_key.to_user_string()} was to be written for {', '.join(missing)}, "
                "and its frames do not hold that. Nothing was written; this is a defect of the "
                "asset."
            )
        told_at = time.monotonic()
        for done, (key, path) in enumerate(paths.items(), start=1):
            self._store_day(context, key, obj[date.fromisoformat(key)], path)
            if time.monotonic() - told_at > PROGRESS_SECONDS:
                told_at = time.monotonic()
                context.log.info("%d of %d days written", done, len(paths))

    def _store_day(
        self, context: dg.OutputContext, key: str, frame: pd.DataFrame, path: UPath
    ) -> None:
        self.dump_to_path(context, frame, path)
        summary = summary_of(context.asset_key.to_user_string(), frame)
        metadata = {"path": dg.MetadataValue.path(str(path)), **day_metadata(summary)}
        # Dagster's own output metadata speaks for all days of the range.
        context.step_context.add_asset_metadata(
            metadata, asset_key=context.asset_key, partition_key=key
        )

    def load_input(self, context: dg.InputContext) -> DailyFrames:
        """Return the days of the input, each read when it is asked for."""
        paths = {
            date.fromisoformat(key): path
            for key, path in self._get_paths_for_partitions(context).items()
        }
        return DailyFrames(paths, lambda day: self.load_from_path(context, paths[day]))

    def dump_to_path(self, context: dg.OutputContext, obj: pd.DataFrame, path: UPath) -> None:  # noqa: ARG002 - the base class's signature
        """Write one day's file."""
        write_frame(path, obj)

    def load_from_path(self, context: dg.InputContext, path: UPath) -> Any:  # noqa: ARG002 - the base class's signature
        """Read one day's file."""
        return read_frame(path)
