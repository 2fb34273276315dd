"""The sensor that asks for a day again: one that was refused, or whose run failed in passing."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.history import History
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.errors import PassingSourceError
from sales_assets.core import names
from sales_assets.core.completeness import CUT, explained, last_call
from sales_assets.core.days import days_to_compute
from sales_assets.core.readiness import NextStep, RunsOfDay, next_step
from sales_assets.defs.jobs import daily_report_job
from sales_assets.defs.lookback import LookbackResource
from sales_assets.defs.morning import days_in_progress, run_request, standing
from sales_assets.defs.schedules import NEWEST

SECONDS_BETWEEN_LOOKS = 60
#: Runs of an earlier morning do not count.
MORNING = timedelta(hours=30)
#: How many days the cursor remembers.
MOST_DAYS = 30


def source_readiness_sensor(
    settings: Settings, first_day: date, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Return the sensor; its cursor keeps the newest times that it saw."""

    @dg.sensor(
        name=names.SOURCE_READINESS_SENSOR,
        job=daily_report_job,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=status,
        description="Asks again for a day whose run failed for a passing reason, and for a cut "
        "day once the source has the rest of it, or at its last call.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, lookback: LookbackResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now = datetime.now(UTC)
        asked = 0
        for found in _standings(context.instance, settings, first_day, now):
            call = last_call(found.day, settings.last_call).replace(tzinfo=settings.report_zone)
            step = next_step(found, now, call)
            if step is NextStep.LOOK and not _is_whole(context, lookback.history, found.day):
                continue
            if step is not NextStep.WAIT:
                asked += 1
                yield run_request(
                    found.day, f"{found.day}:again:{found.runs}:{now:%Y-%m-%dT%H}", NEWEST * 100
                )
        if not asked:
            yield dg.SkipReason("no day is to be asked for again")

    return sensor


def _standings(
    instance: dg.DagsterInstance, settings: Settings, first_day: date, now: datetime
) -> list[RunsOfDay]:
    """Return how the morning's days stand, without those that a run computes right now."""
    store, busy = FrameStore(settings.storage), days_in_progress(instance)
    newest = now.astimezone(settings.report_zone).date() - timedelta(days=1)
    days = days_to_compute(newest, first_day, (), settings.reread_days, settings.catch_up_days)
    found = (standing(instance, store, day, now - MORNING) for day in days if day not in busy)
    return [one for one in found if one]


def _is_whole(context: dg.SensorEvaluationContext, history: History, day: date) -> bool:
    """Look at the newest times, and if they moved at the day's counts; the source may be away."""
    try:
        newest = {name: str(time) for name, time in history.source.newest().items()}
        seen = json.loads(context.cursor or "{}")
        if seen.get(day.isoformat()) == newest:
            return False
        answer = history.look(day)
    except PassingSourceError as away:
        context.log.info("%s", away)
        return False
    recent = {key: seen[key] for key in sorted(seen)[-MOST_DAYS:]}
    context.update_cursor(json.dumps({**recent, day.isoformat(): newest}))
    context.log.info("%s", explained(answer, day))
    return answer.state not in CUT
