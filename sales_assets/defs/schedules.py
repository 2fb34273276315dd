"""When days are computed: every morning, with what an outage missed and what came late."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from sales_assets.adapters.settings import Settings
from sales_assets.core import names
from sales_assets.core.days import days_to_compute
from sales_assets.defs.jobs import MORNING_TAG
from sales_assets.defs.partitions import days_of_tags

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
        busy = _days_in_progress(context.instance)
        moment = context.scheduled_execution_time.astimezone(settings.report_zone)
        days = days_to_compute(
            newest=moment.date() - timedelta(days=1),
            first_day=first_day,
            done=_reported_days(context.instance),
            reread=settings.reread_days,
            catch_up=settings.catch_up_days,
        )
        for day in days:
            if day not in busy:
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
    """Return the start as a cron line; before midnight the day would not be over."""
    due = settings.delivery_time.hour * 60 + settings.delivery_time.minute
    hour, minute = divmod(max(0, due - settings.computing_minutes), 60)
    return f"{minute} {hour} * * *"


def _run_request(day: date, moment: datetime) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{day.isoformat()}:{moment.isoformat()}",
        partition_key=day.isoformat(),
        tags={MORNING_TAG: "true"},
    )


def _reported_days(instance: dg.DagsterInstance) -> set[date]:
    keys = instance.get_materialized_partitions(dg.AssetKey(names.DAILY_REPORT))
    return {date.fromisoformat(key) for key in keys}


def _days_in_progress(instance: dg.DagsterInstance) -> set[date]:
    """Return the days that a run computes right now, a backfill of the UI included."""
    wanted = dg.RunsFilter(statuses=_IN_PROGRESS)
    runs = [record.dagster_run for record in instance.get_run_records(wanted)]
    return {day for run in runs if _computes_report(run) for day in days_of_tags(run.tags)}


def _computes_report(run: dg.DagsterRun) -> bool:
    if run.asset_selection is not None:
        return dg.AssetKey(names.DAILY_REPORT) in run.asset_selection
    return run.job_name != names.REPORT_DELIVERY_JOB
