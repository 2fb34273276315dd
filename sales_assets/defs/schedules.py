"""When days are computed: every morning, with what an outage missed and what came late."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from sales_assets.adapters.files.frames import FrameStore, StorageError
from sales_assets.adapters.files.reports import NUMBERS
from sales_assets.adapters.settings import Settings
from sales_assets.core import names
from sales_assets.core.days import days_to_compute
from sales_assets.defs.morning import days_in_progress, run_request

#: Yesterday goes first, then the days that are read again, then the catch-up.
NEWEST, REREAD, CATCH_UP = 20, 10, 0


def daily_report_schedule(settings: Settings, first_day: date) -> dg.ScheduleDefinition:
    """Return the schedule that starts the computing minutes before the delivery time."""

    def evaluate(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        busy = days_in_progress(context.instance)
        moment = context.scheduled_execution_time.astimezone(settings.report_zone)
        newest = moment.date() - timedelta(days=1)
        reread, catch_up = settings.reread_days, settings.catch_up_days
        try:
            # The storage knows which days are there; the instance may be another one.
            stored = FrameStore(settings.storage).days(names.DAILY_REPORT, NUMBERS)
        except StorageError as error:
            # No tick comes again; a run that fails for such a reason does.
            context.log.warning("%s Only %s is asked for.", error, newest)
            stored, reread, catch_up = set[date](), 0, 1
        days = days_to_compute(newest, first_day, stored, reread, catch_up)
        again = [day for day in days if day in stored and day != newest]
        for position, day in enumerate(days):
            if day in busy:
                continue
            priority = NEWEST if day == newest else REREAD if day in again else CATCH_UP
            # Of one kind the newest first, whatever the queue thinks of equals.
            yield run_request(
                day,
                f"{day.isoformat()}:{moment.isoformat()}",
                priority * 100 - position,
                again if day == newest else (),
            )

    # Before midnight the day would not be over.
    due = settings.delivery_time.hour * 60 + settings.delivery_time.minute
    hour, minute = divmod(max(0, due - settings.computing_minutes), 60)
    return dg.ScheduleDefinition(
        name=names.DAILY_REPORT_SCHEDULE,
        job_name=names.DAILY_REPORT_JOB,
        cron_schedule=f"{minute} {hour} * * *",
        execution_timezone=settings.report_zone.key,
        execution_fn=evaluate,
        default_status=dg.DefaultScheduleStatus.RUNNING
        if settings.starts_on_its_own
        else dg.DefaultScheduleStatus.STOPPED,
        description="Computes yesterday, then reads the days before it again for late rows, then "
        "catches up the days that an outage missed.",
    )
