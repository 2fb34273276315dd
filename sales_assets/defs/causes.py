"""Why a report is missing, for the analyst: the last run of its day, and where to look."""

import re
from datetime import date

import dagster as dg

from sales_assets.adapters.files.day_records import read_refusal
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.core import names

MOST_CHARACTERS = 600
_OUR_ERROR = re.compile(r"^sales_assets\.[\w.]+: ")


def cause_of_lateness(instance: dg.DagsterInstance, store: FrameStore, day: date) -> str:
    """Return a sentence about the newest run of `day`, with the run's id and first failure.

    Where the source's day was refused, that is the cause.
    """
    wanted = dg.RunsFilter(
        job_name=names.DAILY_REPORT_JOB, tags={"dagster/partition": day.isoformat()}
    )
    records = instance.get_run_records(wanted, limit=1)
    if not records:
        return (
            f"{names.DAILY_REPORT} of {day}: no run was started. Is {names.DAILY_REPORT_SCHEDULE} "
            "on, and does the Dagster daemon run?"
        )
    run = records[0].dagster_run
    if run.status is dg.DagsterRunStatus.FAILURE and (refusal := read_refusal(store, day)):
        told = f"{names.DAILY_REPORT} of {day}: {refusal.message}. Run {run.run_id}"
        return told[:MOST_CHARACTERS]
    said = f"{names.DAILY_REPORT} of {day}: run {run.run_id} is {run.status.value}"
    return ". ".join([said, *_failures(instance, run.run_id)])[:MOST_CHARACTERS]


def _failures(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    events = [entry.get_dagster_event() for entry in entries]
    return [f"{event.step_key}: {failure_message(event)}" for event in events]


def failure_message(event: dg.DagsterEvent) -> str:
    """Return what a failed step or run said: our own sentence where there is one.

    Dagster wraps an error in its own, and a driver's error stands behind ours as its cause:
    what counts is the outermost that is not Dagster's.
    """
    data = event.step_failure_data if event.is_step_failure else event.job_failure_data
    error = data.error
    while error and error.cause and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return "unknown error" if error is None else _OUR_ERROR.sub("", error.message.strip())
