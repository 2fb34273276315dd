"""What every daily asset has in common: partitions, range runs, storage, columns, owner."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import dagster as dg

from sales_assets.core.frames import CLIENT, Frame
from sales_assets.core.frames import FRAMES as DESCRIBED
from sales_assets.defs.metadata import code_reference, column_lineage, column_schema
from sales_assets.defs.partitions import BACKFILL_POLICY

FRAMES = "frames"
OWNERS = ["team:analysts"]
#: Says of an asset that its days hold ids of clients.
PERSONAL = {"personal_data": "client_ids"}


class DailyAssets:
    """Makes the assets of one calendar."""

    def __init__(self, partitions: dg.DailyPartitionsDefinition) -> None:
        self.partitions = partitions
        self._version = version("sales-assets")

    def asset(  # noqa: PLR0913 - what an asset is made of
        self,
        body: Callable[..., Any],
        *,
        group: str,
        kinds: set[str],
        frame: Frame | None = None,
        counted_by: Callable[..., Any] | None = None,
        deps: Sequence[str] = (),
        check_specs: Sequence[dg.AssetCheckSpec] = (),
    ) -> dg.AssetsDefinition:
        """Return an asset: named after its body, described by the body's docstring.

        Without a `frame` of its own it is the one that `core.frames` has by its name, if any; the
        first of `deps` is what its rows are made from. The UI opens `counted_by`, or the body.
        """
        name = body.__name__
        columns = frame or DESCRIBED.get(name)
        made_from = DESCRIBED.get(deps[0]) if deps else None
        return dg.asset(
            name=name,
            group_name=group,
            kinds=kinds,
            deps=deps,
            check_specs=check_specs,
            owners=OWNERS,
            tags=PERSONAL if columns and CLIENT in columns.names else None,
            code_version=self._version,
            metadata={
                **code_reference(counted_by or body),
                **(column_schema(columns) if columns else {}),
                **(column_lineage(columns, made_from) if columns and made_from else {}),
            },
            io_manager_key=FRAMES,
            partitions_def=self.partitions,
            backfill_policy=BACKFILL_POLICY,
        )(body)
