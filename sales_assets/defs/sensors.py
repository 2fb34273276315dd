"""What reacts: the delivery, a report without its failed parts, a day that is asked for again."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from sales_assets.adapters.files.day_records import JSON, REFUSAL, Refusal, read_refusal
from sales_assets.adapters.files.frames import FrameStore, StorageError
from sales_assets.adapters.files.reports import content_hashes
from sales_assets.adapters.history import History
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.errors import PassingSourceError
from sales_assets.core import names
from sales_assets.core.completeness import CUT, in_words, last_call
from sales_assets.core.days import days_to_compute
from sales_assets.core.delivery.timetable import Timetable
from sales_assets.core.readiness import NextStep, RunsOfDay, next_step
from sales_assets.defs.good_days import PART_OF_TAG
from sales_assets.defs.jobs import FAILED_METRICS_TAG, daily_report_job, report_delivery_job
from sales_assets.defs.lookback import LookbackResource
from sales_assets.defs.morning import (
    computes_report,
    days_in_progress,
    failed_metrics,
    run_request,
    runs_of_day,
    step_failures,
)
from sales_assets.defs.partitions import DAY_TAGS
from sales_assets.defs.resources import DeliveryResource
from sales_assets.defs.schedules import NEWEST

if TYPE_CHECKING:
    from sales_assets.adapters.state.ledger import Ledger

#: Often enough for 08:45 sharp.
SECONDS_BETWEEN_LOOKS = 10
SECONDS_BETWEEN_RETRIES = 60
#: So long a storage, or a file in it, may be away at the delivery time before somebody is told.
MOST_PATIENCE = timedelta(minutes=5)
#: How far back a rebuilt day is still corrected in the chats.
DAYS_LOOKED_AT = 31
#: Runs of an earlier morning are not tried again.
MORNING = timedelta(hours=30)
#: How many days the cursor remembers.
MOST_DAYS_SEEN = 30

FOLLOW_UP_TAG = "sales_assets/follow_up_of"


def sensors(settings: Settings, first_day: date) -> list[dg.SensorDefinition]:
    """Return the sensors; they run by themselves in production alone."""
    status = (
        dg.DefaultSensorStatus.RUNNING
        if settings.starts_on_its_own
        else dg.DefaultSensorStatus.STOPPED
    )
    return [
        _report_delivery_sensor(first_day, status),
        _partial_report_sensor(status),
        _source_readiness_sensor(settings, first_day, status),
    ]


def _report_delivery_sensor(first_day: date, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    @dg.sensor(
        name=names.REPORT_DELIVERY_SENSOR,
        job=report_delivery_job,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=status,
        description="Holds the rendered reports against the ledger and asks for the delivery of "
        "what is owed: the newest finished day from the delivery time on, and corrections.",
    )
    def sensor(delivery: DeliveryResource) -> Iterator[dg.RunRequest | dg.SkipReason]:
        from sales_assets.adapters.delivery.dispatcher import runs_owed

        now, timetable = datetime.now(UTC), delivery.timetable
        newest = timetable.newest_finished_day(now)
        recent = {newest - timedelta(days=back) for back in range(DAYS_LOOKED_AT)}
        store = FrameStore(delivery.settings.storage)
        with delivery.ledger() as ledger:
            days = (day for day in recent | ledger.days_by_hand() if day >= first_day)
            try:
                reports = content_hashes(store, days)
                kept = kept_days(store, reports)
            except StorageError:  # one file that can't be read holds up no other day
                late_word = _late_word(ledger, timetable, newest, now)
                if late_word is None:
                    raise
                yield late_word
                return
            admins = delivery.settings.telegram_admins
            owed = [
                (f"{day}:{reports.get(day, names.LATE_TOPIC)[:12]}:{attempt}", day)
                for day, attempt in runs_owed(
                    ledger, reports, timetable, now, admins, first_day=first_day
                )
            ]
            lost = ledger.lost
        owed += [(f"kept:{one.day}:{one.check}", one.day) for one in kept]
        if not owed:
            yield dg.SkipReason(lost or f"nothing is owed; the newest finished day is {newest}")
        for run_key, day in owed:
            yield dg.RunRequest(run_key=run_key, partition_key=day.isoformat())

    return sensor


def _late_word(
    ledger: "Ledger", timetable: Timetable, newest: date, now: datetime
) -> dg.RunRequest | None:
    """Ask, while the storage stays unreadable, for a word to whoever lacks the newest report.

    The run sends the report itself where it can be read.
    """
    from sales_assets.adapters.delivery.dispatcher import is_late_word_owed

    if not is_late_word_owed(ledger, timetable, newest, now - MOST_PATIENCE):
        return None
    run_key = f"{newest}:{names.LATE_TOPIC}:{timetable.attempt(newest, now)}"
    return dg.RunRequest(run_key=run_key, partition_key=newest.isoformat())


def kept_days(store: FrameStore, days: Iterable[date]) -> list[Refusal]:
    """Return why days that are read again were refused: the analysts hear of each cause once."""
    refused = store.days(REFUSAL, JSON)
    found = [read_refusal(store, day) for day in days if day in refused]
    return [one for one in found if one and one.stored]


def _partial_report_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name=names.PARTIAL_REPORT_SENSOR,
        monitored_jobs=[daily_report_job],
        request_job=daily_report_job,
        default_status=status,
        description="After a run in which nothing but metrics failed, renders the report with "
        "those parts marked as missing.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        run, instance = context.dagster_run, context.instance
        # No sensor hears of the runs that computed the good days of this one.
        parts = instance.get_runs(dg.RunsFilter(tags={PART_OF_TAG: run.run_id}))
        asked = list(filter(None, (_partial_report(instance, one) for one in [run, *parts])))
        yield from asked
        if not asked:
            yield dg.SkipReason(f"{run.run_id} is no run in which nothing but metrics failed")

    return sensor


def _partial_report(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.RunRequest | None:
    failed = failed_metrics(step_failures(instance, run.run_id)) if computes_report(run) else []
    if not failed:
        return None
    return dg.RunRequest(
        run_key=f"partial:{run.run_id}",
        asset_selection=[dg.AssetKey(names.DAILY_REPORT)],
        tags={
            **{tag: run.tags[tag] for tag in DAY_TAGS if tag in run.tags},
            FOLLOW_UP_TAG: run.run_id,
            FAILED_METRICS_TAG: ",".join(failed),
        },
    )


def _source_readiness_sensor(
    settings: Settings, first_day: date, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Return the sensor; its cursor keeps the newest times that it saw."""

    @dg.sensor(
        name=names.SOURCE_READINESS_SENSOR,
        job=daily_report_job,
        minimum_interval_seconds=SECONDS_BETWEEN_RETRIES,
        default_status=status,
        description="Asks again for a day whose run failed for a passing reason, and for a cut "
        "day once the source has the rest of it, or at its last call.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, lookback: LookbackResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now = datetime.now(UTC)
        asked = 0
        for found in _morning_days(context.instance, settings, first_day, now):
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


def _morning_days(
    instance: dg.DagsterInstance, settings: Settings, first_day: date, now: datetime
) -> list[RunsOfDay]:
    """Return how the morning's days stand, without those that a run computes right now."""
    store, busy = FrameStore(settings.storage), days_in_progress(instance)
    newest = now.astimezone(settings.report_zone).date() - timedelta(days=1)
    days = days_to_compute(newest, first_day, (), settings.reread_days, settings.catch_up_days)
    found = (runs_of_day(instance, store, day, now - MORNING) for day in days if day not in busy)
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
    recent = {key: seen[key] for key in sorted(seen)[-MOST_DAYS_SEEN:]}
    context.update_cursor(json.dumps({**recent, day.isoformat(): newest}))
    context.log.info("%s", in_words(answer, day))
    return answer.state not in CUT
