"""When days are computed: every morning, with what an outage missed and what came late."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from sales_assets.adapters.settings import Settings
from sales_assets.core.days import days_to_compute
from sales_assets.defs import names
from sales_assets.defs.jobs import MORNING_TAG

_IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def daily_report_schedule(settings: Settings, first_day: date) -> dg.ScheduleDefinition:
    """Return the schedule that starts the computing minutes before the delivery time."""

    def evaluate(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        moment = context.scheduled_execution_time.astimezone(settings.report_zone)
        days = days_to_compute(
            newest=moment.date() - timedelta(days=1),
            first_day=first_day,
            done=_reported_days(context.instance),
            reread=settings.reread_days,
            catch_up=settings.catch_up_days,
        )
        for day in days:
            if not _is_in_progress(context.instance, day):
                yield _run_request(day, moment)

    return dg.ScheduleDefinition(
        name=names.DAILY_REPORT_SCHEDULE,
        job_name=names.DAILY_REPORT_JOB,
        cron_schedule=_cron(settings),
        execution_timezone=settings.report_zone.key,
        execution_fn=evaluate,
        default_status=dg.DefaultScheduleStatus.RUNNING
        if settings.starts_on_its_own
        else dg.DefaultScheduleStatus.STOPPED,
        description="Computes yesterday, reads the days before it again for late rows, and "
        "catches up the days that an outage missed.",
    )


def _cron(settings: Settings) -> str:
    start = datetime.combine(date.min + timedelta(days=1), settings.delivery_time) - timedelta(
        minutes=settings.computing_minutes
    )
    return f"{start.minute} {start.hour} * * *"


def _run_request(day: date, moment: datetime) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{day.isoformat()}:{moment.isoformat()}",
        partition_key=day.isoformat(),
        tags={MORNING_TAG: "true"},
    )


def _reported_days(instance: dg.DagsterInstance) -> set[date]:
    keys = instance.get_materialized_partitions(dg.AssetKey(names.DAILY_REPORT))
    return {date.fromisoformat(key) for key in keys}


def _is_in_progress(instance: dg.DagsterInstance, day: date) -> bool:
    wanted = dg.RunsFilter(
        job_name=names.DAILY_REPORT_JOB,
        statuses=_IN_PROGRESS,
        tags={"dagster/partition": day.isoformat()},
    )
    return bool(instance.get_run_records(wanted, limit=1))
