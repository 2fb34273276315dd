"""What every daily asset has in common: partitions, range runs, storage, columns."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from sales_assets.defs.metadata import column_schema
from sales_assets.defs.partitions import BACKFILL_POLICY

FRAMES = "frames"


class DailyAssets:
    """Makes the assets of one calendar."""

    def __init__(self, partitions: dg.DailyPartitionsDefinition) -> None:
        self.partitions = partitions

    def asset(
        self,
        body: Callable[..., Any],
        *,
        group: str,
        kinds: set[str],
        deps: Sequence[str] = (),
        check_specs: Sequence[dg.AssetCheckSpec] = (),
    ) -> dg.AssetsDefinition:
        """Return a frame asset: named after its body, described by the body's docstring."""
        name = body.__name__
        return dg.asset(
            name=name,
            group_name=group,
            kinds=kinds,
            deps=deps,
            check_specs=check_specs,
            metadata=column_schema(name),
            io_manager_key=FRAMES,
            partitions_def=self.partitions,
            backfill_policy=BACKFILL_POLICY,
        )(body)
