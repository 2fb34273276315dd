"""The composition root: puts the parts together and does nothing else."""

import os
from datetime import UTC, date, datetime

import dagster as dg

from sales_assets.adapters.frames import FrameStore
from sales_assets.adapters.settings import PREFIX, Settings
from sales_assets.core.demo import first_day as demo_first_day
from sales_assets.defs import jobs, schedules
from sales_assets.defs.assets import events, metrics, report
from sales_assets.defs.daily import FRAMES, DailyAssets
from sales_assets.defs.io_managers import DailyFramesIOManager
from sales_assets.defs.loggers import progress_logger
from sales_assets.defs.lookback import LookbackResource
from sales_assets.defs.metadata import DESCRIBE
from sales_assets.defs.partitions import daily_partitions
from sales_assets.defs.resources import (
    CalendarResource,
    QualityResource,
    SourceResource,
    StorageResource,
)


def build_definitions(settings: Settings) -> dg.Definitions:
    """Return the code location for these settings."""
    first = first_day(settings)
    partitions = daily_partitions(first, settings.report_zone)
    return dg.Definitions(
        assets=[
            *events.assets(DailyAssets(partitions)),
            *metrics.assets(DailyAssets(partitions)),
            *report.assets(partitions),
        ],
        jobs=[jobs.daily_report_job()],
        schedules=[schedules.daily_report_schedule(settings, first)],
        resources=_resources(settings, first),
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
    )


def first_day(settings: Settings) -> date:
    """Return the first partition: as set, or the demo data's first day."""
    today = datetime.now(UTC).astimezone(settings.report_zone).date()
    return settings.start_date or demo_first_day(today)


def _resources(settings: Settings, first: date) -> dict[str, object]:
    source = SourceResource(
        url=_secret("SOURCE_URL", settings.source_url),
        source_zone=settings.source_zone.key,
        report_zone=settings.report_zone.key,
        var_dir=str(settings.var_dir),
    )
    storage = StorageResource(base=settings.storage)
    calendar = CalendarResource(first_day=first.isoformat(), report_zone=settings.report_zone.key)
    quality = QualityResource(bad_rows_share=settings.bad_rows_share)
    return {
        FRAMES: DailyFramesIOManager(FrameStore(settings.storage).base, DESCRIBE),
        "lookback": LookbackResource(
            source=source, storage=storage, calendar=calendar, quality=quality
        ),
    }


def _secret(name: str, value: str | None) -> str:
    """Return the reference to a secret, so that its value reaches no snapshot and no page."""
    return dg.EnvVar(PREFIX + name) if value else ""


defs = build_definitions(Settings.from_environment(os.environ))
