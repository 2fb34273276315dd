"""What reacts: a report without its failed parts, and the delivery."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from sales_assets.adapters.files.day_records import JSON, REFUSAL, Refusal, read_refusal
from sales_assets.adapters.files.reports import content_hashes
from sales_assets.adapters.settings import Settings
from sales_assets.core import names
from sales_assets.core.report.report import METRICS
from sales_assets.defs.good_days import PART_OF_TAG
from sales_assets.defs.jobs import FAILED_METRICS_TAG, daily_report_job, report_delivery_job
from sales_assets.defs.partitions import DAY_TAGS
from sales_assets.defs.readiness import source_readiness_sensor
from sales_assets.defs.resources import DeliveryResource, StorageResource

#: Often enough for 08:45 sharp.
SECONDS_BETWEEN_LOOKS = 10
#: How far back a rebuilt day is still corrected in the chats.
DAYS_LOOKED_AT = 31

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
        source_readiness_sensor(settings, first_day, status),
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
    def sensor(
        delivery: DeliveryResource, storage: StorageResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        from sales_assets.adapters.delivery.dispatcher import runs_owed

        now, timetable = datetime.now(UTC), delivery.timetable
        newest = timetable.newest_finished_day(now)
        recent = (newest - timedelta(days=back) for back in range(DAYS_LOOKED_AT))
        reports = content_hashes(storage.store(), (day for day in recent if day >= first_day))
        with delivery.ledger() as ledger:
            admins = delivery.settings.telegram_admins
            owed = [
                (f"{day}:{reports.get(day, names.LATE_TOPIC)[:12]}:{attempt}", day)
                for day, attempt in runs_owed(
                    ledger, reports, timetable, now, admins, first_day=first_day
                )
            ]
            lost = ledger.lost
        owed += [(f"kept:{one.day}:{one.check}", one.day) for one in kept_days(storage, reports)]
        if not owed:
            yield dg.SkipReason(lost or f"nothing is owed; the newest finished day is {newest}")
        for run_key, day in owed:
            yield dg.RunRequest(run_key=run_key, partition_key=day.isoformat())

    return sensor


def kept_days(storage: StorageResource, days: Iterable[date]) -> list[Refusal]:
    """Return why days that are read again were refused: the analysts hear of each cause once."""
    store = storage.store()
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
    entries = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    failed = {str(entry.step_key) for entry in entries}
    if FOLLOW_UP_TAG in run.tags or not failed or not failed <= set(METRICS):
        return None
    return dg.RunRequest(
        run_key=f"partial:{run.run_id}",
        asset_selection=[dg.AssetKey(names.DAILY_REPORT)],
        tags={
            **{tag: run.tags[tag] for tag in DAY_TAGS if tag in run.tags},
            FOLLOW_UP_TAG: run.run_id,
            FAILED_METRICS_TAG: ",".join(sorted(failed)),
        },
    )
