"""The composition root: puts the parts together and does nothing else."""

import os
import warnings
from datetime import UTC, date, datetime

import dagster as dg

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.settings import PREFIX, Settings, base_folder
from sales_assets.defs import checks, jobs, schedules, sensors
from sales_assets.defs.assets import delivery, events, metrics, report
from sales_assets.defs.daily import FRAMES, DailyAssets
from sales_assets.defs.io_managers import DailyFramesIOManager
from sales_assets.defs.loggers import progress_logger
from sales_assets.defs.lookback import LookbackResource
from sales_assets.defs.partitions import daily_partitions
from sales_assets.defs.resources import DeliveryResource


def build_definitions(settings: Settings) -> dg.Definitions:
    """Return the code location for these settings."""
    first = first_day(settings)
    daily = DailyAssets(daily_partitions(first, settings.report_zone))
    with warnings.catch_warnings():
        # Range policies, code references, and checks whose policy is superseded by one that is
        # blind to partitions; what depends on them is in docs/decisions.md.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.SupersessionWarning)
        assets = [one for room in (events, metrics, report, delivery) for one in room.assets(daily)]
        freshness = checks.freshness_checks(settings)
    return dg.Definitions(
        assets=assets,
        asset_checks=freshness,
        jobs=[jobs.daily_report_job, jobs.report_delivery_job],
        schedules=[schedules.daily_report_schedule(settings, first)],
        sensors=sensors.sensors(settings, first),
        resources=_resources(settings, first),
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
    )


def first_day(settings: Settings) -> date:
    """Return the first partition: as set, or the demo data's first day."""
    if settings.start_date is not None:
        return settings.start_date
    from sales_assets.demo.journeys import first_day as demo_first_day

    return demo_first_day(datetime.now(UTC).astimezone(settings.report_zone).date())


def _resources(settings: Settings, first: date) -> dict[str, object]:
    state_url = settings.state_url
    return {
        FRAMES: DailyFramesIOManager(FrameStore(settings.storage)),
        "lookback": LookbackResource(
            source_url=_secret("SOURCE_URL"),
            first_day=first,
            settings=settings,
        ),
        "delivery": DeliveryResource(
            # SQLite's file is no secret and may rest on another folder.
            state_url=state_url if state_url.startswith("sqlite") else _secret("STATE_URL"),
            token=_secret("TELEGRAM_BOT_TOKEN"),
            proxy=_secret("TELEGRAM_PROXY"),
            settings=settings,
        ),
    }


def _secret(name: str) -> str:
    """Return the reference to a secret, so that its value reaches no snapshot and no page."""
    return dg.EnvVar(PREFIX + name) if os.environ.get(PREFIX + name) else ""


defs = build_definitions(Settings.from_environment(os.environ, base_folder()))
