"""A whole product for a test: a source, a storage, a Dagster instance, and runs in this process."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from sales_assets.adapters.files.day_records import CHECKED
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.settings import PREFIX, Settings
from sales_assets.core import names
from sales_assets.core.report.report import METRICS
from sales_assets.definitions import build_definitions
from sales_assets.defs.morning import failure_message
from sales_assets.demo.journeys import DemoPlan

#: 84 days of a small department: the last ones have their whole lookback.
PLAN = DemoPlan(first_day=date(2025, 1, 6), today=date(2025, 3, 31), requests_per_day=10)
FIRST = PLAN.first_day
LAST = PLAN.today - timedelta(days=1)
FRAME_ASSETS = (*names.EVENTS, *METRICS)


def span(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass(frozen=True)
class Product:
    """One code location with its own storage and instance; the environment names its source."""

    settings: Settings
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    @classmethod
    def at(
        cls,
        folder: Path,
        first_day: date = FIRST,
        *,
        instance: dg.DagsterInstance | None = None,
        **changes: Any,
    ) -> "Product":
        settings = Settings(
            start_date=first_day,
            storage=str(folder / "storage"),
            state_url=f"sqlite:///{folder / 'state.db'}",
            var_dir=folder,
            bad_rows_share=0.3,  # of a small day a few bad rows are many
        )
        settings = settings.model_copy(update=changes)
        home = folder / "dagster"
        home.mkdir(exist_ok=True)
        instance = instance or dg.DagsterInstance.ephemeral(tempdir=str(home))
        return cls(settings, instance, build_definitions(settings))

    @property
    def store(self) -> FrameStore:
        return FrameStore(self.settings.storage)

    def with_definitions(self, definitions: dg.Definitions) -> "Product":
        return replace(self, definitions=definitions)

    def run(
        self,
        *days: date,
        only: Sequence[str] = (),
        job: str = names.DAILY_REPORT_JOB,
        tags: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Run the job for a day, or for the range from the first to the last of `days`."""
        chosen = self.definitions.resolve_job_def(job)
        return chosen.execute_in_process(
            instance=self.instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
            asset_selection=[dg.AssetKey(name) for name in only] or None,
            **_partitions(days, tags or {}),
        )

    def materialized(self, asset: str) -> set[date]:
        keys = self.instance.get_materialized_partitions(dg.AssetKey(asset))
        return {date.fromisoformat(key) for key in keys}

    def metadata(self, asset: str, day: date) -> dict[str, Any]:
        """What the UI shows of one day: the newest materialization's metadata."""
        wanted = dg.AssetRecordsFilter(
            asset_key=dg.AssetKey(asset), asset_partitions=[day.isoformat()]
        )
        records = self.instance.fetch_materializations(wanted, limit=1).records
        materialization = records[0].asset_materialization
        assert materialization is not None
        return {name: value.value for name, value in materialization.metadata.items()}

    def files(self, days: Iterable[date], *assets: str) -> dict[str, bytes]:
        """The stored files of `days` by their name under the storage.

        Without what is only remembered: which files' checks were run already.
        """
        base = Path(self.settings.storage)
        wanted = {day.isoformat() for day in days}
        return {
            str(path.relative_to(base)): path.read_bytes()
            for asset in assets or ("*",)
            for path in base.glob(f"{asset}/*")
            if path.stem in wanted and path.parent.name != CHECKED
        }


def _partitions(days: Sequence[date], tags: Mapping[str, str]) -> dict[str, Any]:
    if len(days) == 1:
        return {"partition_key": days[0].isoformat(), "tags": dict(tags)}
    return {
        "tags": {
            "dagster/asset_partition_range_start": days[0].isoformat(),
            "dagster/asset_partition_range_end": days[-1].isoformat(),
            **tags,
        }
    }


def environment(**settings: object) -> dict[str, str]:
    """The environment's names for these settings."""
    return {PREFIX + name.upper(): str(value) for name, value in settings.items()}


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What failed, by step: the innermost message; a fault outside of the steps is `run`."""
    steps = {
        event.step_key or "": failure_message(event)
        for event in result.all_events
        if event.is_step_failure
    }
    fault = next((event for event in result.all_events if event.is_run_failure), None)
    outside = {"run": str(fault.job_failure_data.error)} if fault else {}
    checks = {
        evaluation.check_name: str(evaluation.description)
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR
    }
    return steps | checks or outside
