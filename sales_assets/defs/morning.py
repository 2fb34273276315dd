"""The morning's runs: which days are in progress, how each stands and why, requests for them."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg

from sales_assets.adapters.files.day_records import Refusal, read_refusal
from sales_assets.adapters.files.frames import FrameStore, PassingStorageError
from sales_assets.adapters.source.errors import PassingSourceError
from sales_assets.core import names
from sales_assets.core.readiness import Ended, RunsOfDay
from sales_assets.core.report.report import METRICS
from sales_assets.defs.checks import COMPLETENESS, SHRUNKEN
from sales_assets.defs.jobs import MORNING_TAG, REREAD_TAG
from sales_assets.defs.partitions import PARTITION_TAG, days_of_tags

#: What a cause may take of an alert.
MOST_CHARACTERS = 600
_OUR_ERROR = re.compile(r"^sales_assets\.[\w.]+: ")
_PRIORITY_TAG = "dagster/priority"
#: What Dagster calls the job behind *Materialize all*.
_ALL_ASSETS_JOB = "__ASSET_JOB"
_IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
#: Errors of ours, by name, as a run's log keeps them.
_PASSING = {PassingSourceError.__name__, PassingStorageError.__name__}
_REFUSED = {"RefusedDaysError", "BlockedDayError"}
_INTERRUPTED = dg.DagsterExecutionInterruptedError.__name__
#: Bad rows may be mended; a loss waits for a word of the operator.
_BY_CHECK = {COMPLETENESS: Ended.CUT, SHRUNKEN: Ended.BROKEN}


def run_request(
    day: date, run_key: str, priority: int = 0, reread: Iterable[date] = ()
) -> dg.RunRequest:
    """Return the request for a day; of those that wait the highest priority goes first."""
    again = ",".join(day.isoformat() for day in reread)
    return dg.RunRequest(
        run_key=run_key,
        partition_key=day.isoformat(),
        tags={
            MORNING_TAG: "true",
            _PRIORITY_TAG: str(priority),
            **({REREAD_TAG: again} if again else {}),
        },
    )


def days_in_progress(instance: dg.DagsterInstance) -> set[date]:
    """Return the days that a run computes right now, a backfill of the UI included.

    Runs of other code locations may share the instance: their days are none of ours.
    """
    wanted = dg.RunsFilter(statuses=_IN_PROGRESS)
    runs = [record.dagster_run for record in instance.get_run_records(wanted)]
    return {day for run in runs if computes_report(run) for day in days_of_tags(run.tags)}


def computes_report(run: dg.DagsterRun) -> bool:
    """Tell whether a run was to make reports: not one of single assets, or of a delivery."""
    if run.asset_selection:
        return dg.AssetKey(names.DAILY_REPORT) in run.asset_selection
    return run.job_name in {names.DAILY_REPORT_JOB, _ALL_ASSETS_JOB}


def runs_of_day(
    instance: dg.DagsterInstance, store: FrameStore, day: date, since: datetime
) -> RunsOfDay | None:
    """Return how a day stands by its runs since a moment; None where there was none."""
    wanted = dg.RunsFilter(
        job_name=names.DAILY_REPORT_JOB,
        tags={PARTITION_TAG: day.isoformat(), MORNING_TAG: "true"},
        created_after=since,
    )
    records = instance.get_run_records(wanted)
    if not records:
        return None
    newest = records[0]
    ended = _ended(instance, newest.dagster_run, read_refusal(store, day))
    return RunsOfDay(day, ended, newest.update_timestamp, runs=len(records))


def _ended(instance: dg.DagsterInstance, run: dg.DagsterRun, refusal: Refusal | None) -> Ended:
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return Ended.WELL  # a cancelled run is not started again, nor one that goes on
    failed = step_failures(instance, run.run_id)
    if not failed or was_interrupted(failed):
        return Ended.PASSING  # it never reached a step, or its process is gone
    told = [_error_names(event) for event in failed]
    if refusal and any(said & _REFUSED for said in told):
        return _BY_CHECK.get(refusal.check, Ended.PASSING)
    return Ended.PASSING if all(said & _PASSING for said in told) else Ended.BROKEN


def was_interrupted(failures: Iterable[dg.DagsterEvent]) -> bool:
    """Tell whether a run's process was asked to end: by Ctrl-C, or by a restart of its machine.

    Of a run that somebody cancels Dagster keeps that it was cancelled.
    """
    return any(_INTERRUPTED in _error_names(event) for event in failures)


def failed_metrics(failures: Sequence[dg.DagsterEvent]) -> list[str]:
    """Return the metrics that failed, if nothing else did: a report can be made without them."""
    failed = {str(event.step_key) for event in failures}
    is_partial = failed <= set(METRICS) and not was_interrupted(failures)
    return sorted(failed) if is_partial else []


def _error_names(event: dg.DagsterEvent) -> set[str]:
    error, found = _failure_of(event), set()
    while error is not None:
        found.add(error.cls_name or "")
        error = error.cause
    return found


def cause_of_lateness(instance: dg.DagsterInstance, store: FrameStore, day: date) -> str:
    """Return a sentence about the newest run of `day`, with the run's id and first failure.

    Where the source's day was refused, that is the cause.
    """
    wanted = dg.RunsFilter(job_name=names.DAILY_REPORT_JOB, tags={PARTITION_TAG: day.isoformat()})
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
    failed = step_failures(instance, run.run_id)
    told = [f"{event.step_key}: {failure_message(event)}" for event in failed]
    return ". ".join([said, *told])[:MOST_CHARACTERS]


def step_failures(instance: dg.DagsterInstance, run_id: str) -> list[dg.DagsterEvent]:
    """Return the events of a run's failed steps."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return [entry.get_dagster_event() for entry in entries]


def _failure_of(event: dg.DagsterEvent) -> Any:  # of a type that Dagster keeps to itself
    data = event.step_failure_data if event.is_step_failure else event.job_failure_data
    return data.error


def failure_message(event: dg.DagsterEvent) -> str:
    """Return what a failed step or run said: our own sentence where there is one.

    Dagster wraps an error in its own, and a driver's error stands behind ours as its cause:
    what counts is the outermost that is not Dagster's.
    """
    error = _failure_of(event)
    while error and error.cause and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return "unknown error" if error is None else _OUR_ERROR.sub("", error.message.strip())
