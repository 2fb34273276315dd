"""Computing days from the command line: whole ranges, around blocked days, without half reports."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import click
import dagster as dg

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.stamps import accept_same_source, forget_days, own_stamp
from sales_assets.adapters.settings import Settings
from sales_assets.cli.doctor import source_of
from sales_assets.cli.instance import failure_messages, prepare_home, run_job
from sales_assets.core import names
from sales_assets.core.errors import SalesAssetsError
from sales_assets.definitions import build_definitions, first_day
from sales_assets.defs.jobs import FAILED_METRICS_TAG
from sales_assets.defs.partitions import DAYS_PER_RUN


@dataclass
class Computed:
    """What came of a range: the days with a report, and what failed, in words."""

    reported: list[date] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def require_finished(settings: Settings, days: Sequence[date], today: date) -> None:
    """Raise for a day outside the partitions, which run from the first day to yesterday."""
    first, newest = first_day(settings), today - timedelta(days=1)
    for day in (days[0], days[-1]):
        if not first <= day <= newest:
            raise SalesAssetsError(
                f"{day} was asked for, but the days run from {first} to yesterday, {newest} "
                f"({settings.report_zone}). An earlier first day is set by "
                "SALES_ASSETS_START_DATE; today's report comes tomorrow."
            )


def require_own_storage(settings: Settings, *, same_source: bool, rebuild: bool) -> None:
    """Refuse a storage with days of another source, before anything runs.

    `rebuild` forgets its days instead; `same_source` takes the source for the same after stored
    days were compared.

    Raises:
        ForeignSourceError: the days are another source's.
    """
    store = FrameStore(settings.storage)
    source = source_of(settings)
    if rebuild:
        click.echo(f"{forget_days(store)} stored files forgotten", err=True)
    elif same_source:
        days = ", ".join(map(str, accept_same_source(store, source)))
        click.echo(f"the same source: compared {days or 'nothing'}", err=True)
    own_stamp(store, source.stamp())


def compute(settings: Settings, days: Sequence[date]) -> Computed:
    """Compute contiguous `days` in runs of at most half a year; a blocked day stops only itself."""
    outcome = Computed()
    with _instance(settings) as instance:
        definitions = build_definitions(settings)
        for start in range(0, len(days), DAYS_PER_RUN):
            _compute_span(definitions, instance, days[start : start + DAYS_PER_RUN], outcome)
    return outcome


@contextmanager
def _instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    prepare_home(settings)
    with dg.DagsterInstance.get() as instance:
        yield instance


def _compute_span(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    days: Sequence[date],
    outcome: Computed,
) -> None:
    job = definitions.resolve_job_def(names.DAILY_REPORT_JOB)
    result = run_job(job, instance, days)
    if result.success:
        outcome.reported.extend(days)
        return
    blocked = {day: why for day, why in _blocked_days(result, days).items() if day in days}
    if blocked:
        outcome.failures.extend(f"{day} is blocked: {why}" for day, why in blocked.items())
        for span in _spans(day for day in days if day not in blocked):
            _compute_span(definitions, instance, span, outcome)
        return
    outcome.failures.extend(failure_messages(result))
    failed = _failed_steps(result)
    if failed and failed <= set(names.METRICS):
        _report_without_failed_parts(definitions, instance, days, sorted(failed), outcome)


def _report_without_failed_parts(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    days: Sequence[date],
    failed: Sequence[str],
    outcome: Computed,
) -> None:
    job = definitions.resolve_job_def(names.DAILY_REPORT_JOB)
    tags = {FAILED_METRICS_TAG: ",".join(failed)}
    result = run_job(job, instance, days, selection=[names.DAILY_REPORT], tags=tags)
    outcome.failures.extend(failure_messages(result))
    if result.success:
        outcome.reported.extend(days)


def _failed_steps(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.step_key or "" for event in result.all_events if event.is_step_failure}


def _blocked_days(result: dg.ExecuteInProcessResult, days: Sequence[date]) -> dict[date, str]:
    """Return the days that a blocking check stopped, and why; a range names each by partition."""
    return {
        day: f"{evaluation.asset_key.to_user_string()} fails {evaluation.check_name!r}: "
        f"{evaluation.description}"
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR
        for day in _day_of(evaluation, days)
    }


def _day_of(evaluation: dg.AssetCheckEvaluation, days: Sequence[date]) -> Sequence[date]:
    """Return the day that an evaluation is about; that of a whole range is about none."""
    if evaluation.partition:
        return [date.fromisoformat(evaluation.partition)]
    return days if len(days) == 1 else []


def _spans(days: Iterator[date]) -> list[list[date]]:
    """Cut sorted days into runs without a gap."""
    spans: list[list[date]] = []
    for day in days:
        if spans and day - spans[-1][-1] == timedelta(days=1):
            spans[-1].append(day)
        else:
            spans.append([day])
    return spans


def deliver(settings: Settings) -> list[str]:
    """Let the sensor look once and run the deliveries that it asks for; return what failed."""
    with _instance(settings) as instance:
        definitions = build_definitions(settings)
        sensor = definitions.resolve_sensor_def(names.REPORT_DELIVERY_SENSOR)
        resources = {key: (definitions.resources or {})[key] for key in ("delivery", "storage")}
        context = dg.build_sensor_context(
            instance=instance, definitions=definitions, resources=resources
        )
        job = definitions.resolve_job_def(names.REPORT_DELIVERY_JOB)
        results = [
            run_job(job, instance, [date.fromisoformat(str(request.partition_key))])
            for request in sensor.evaluate_tick(context).run_requests or []
        ]
    return [message for result in results for message in failure_messages(result)]
