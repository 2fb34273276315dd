"""What every daily asset has in common: partitions, range runs, storage, columns."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from sales_assets.core.frames import FRAMES as DESCRIBED
from sales_assets.core.frames import Frame
from sales_assets.defs.metadata import column_schema
from sales_assets.defs.partitions import BACKFILL_POLICY

FRAMES = "frames"


class DailyAssets:
    """Makes the assets of one calendar."""

    def __init__(self, partitions: dg.DailyPartitionsDefinition) -> None:
        self.partitions = partitions

    def asset(  # noqa: PLR0913 - what an asset is made of
        self,
        body: Callable[..., Any],
        *,
        group: str,
        kinds: set[str],
        frame: Frame | None = None,
        deps: Sequence[str] = (),
        check_specs: Sequence[dg.AssetCheckSpec] = (),
    ) -> dg.AssetsDefinition:
        """Return a frame asset: named after its body, described by the body's docstring.

        Without a `frame` of its own it is the one that `core.frames` has by its name.
        """
        name = body.__name__
        return dg.asset(
            name=name,
            group_name=group,
            kinds=kinds,
            deps=deps,
            check_specs=check_specs,
            metadata=column_schema(frame or DESCRIBED[name]),
            io_manager_key=FRAMES,
            partitions_def=self.partitions,
            backfill_policy=BACKFILL_POLICY,
        )(body)
