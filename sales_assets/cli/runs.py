"""Computing days from the command line: whole ranges, around blocked days, without half reports."""

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import get_context

import click
import dagster as dg

from sales_assets.adapters.files.day_records import Refusal, read_refusal
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.stamps import STAMP, accept_same_source, own_stamp
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.choice import source_at
from sales_assets.cli.computing import raise_failures, today_of
from sales_assets.cli.instance import failure_messages, opened_instance, prepare_home, run_job
from sales_assets.core import names
from sales_assets.core.errors import RefusedError, SalesAssetsError
from sales_assets.definitions import build_definitions, first_day
from sales_assets.defs.checks import COMPLETENESS, SHRUNKEN
from sales_assets.defs.good_days import PART_OF_TAG
from sales_assets.defs.jobs import ACCEPT_LOSS_TAG, AS_IT_IS_TAG, FAILED_METRICS_TAG
from sales_assets.defs.morning import failed_metrics, was_interrupted
from sales_assets.defs.partitions import DAYS_PER_RUN, days_of_tags

#: The checks whose refusal waits for the source or for a word of the operator.
WAITING = (COMPLETENESS, SHRUNKEN)
#: Each takes up to 700 MB over five million rows.
MOST_PROCESSES = 4


@dataclass
class _Computed:
    """What came of a range: the days with a report, those refused, and what failed, in words."""

    reported: list[date] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def require_finished(settings: Settings, days: Sequence[date]) -> None:
    """Raise for a day outside the partitions, which run from the first day to yesterday."""
    first, newest = first_day(settings), today_of(settings) - timedelta(days=1)
    for day in (days[0], days[-1]):
        if not first <= day <= newest:
            raise SalesAssetsError(
                f"{day} was asked for, but the days run from {first} to yesterday, {newest} "
                f"({settings.report_zone}). An earlier first day is set by "
                "SALES_ASSETS_START_DATE; today's report comes tomorrow."
            )


def _require_own_storage(settings: Settings, *, same_source: bool, rebuild: bool) -> None:
    """Refuse a storage with days of another source, before anything runs.

    `rebuild` forgets its days instead; `same_source` takes the source for the same after stored
    days were compared.
    """
    store = FrameStore(settings.storage)
    source = source_at(settings.source_url, settings)
    # Of a source that is away nothing is forgotten.
    stamp = replace(source.stamp(), first_day=first_day(settings))
    if rebuild:
        click.echo(f"{store.clear(STAMP)} stored files forgotten", err=True)
    elif same_source:
        days = ", ".join(map(str, accept_same_source(store, source)))
        click.echo(f"the same source: compared {days or 'nothing'}", err=True)
    own_stamp(store, stamp)


def compute(  # noqa: PLR0913 - one word of the operator each
    settings: Settings,
    days: Sequence[date],
    *,
    as_it_is: bool = False,
    accept_loss: bool = False,
    same_source: bool = False,
    rebuild: bool = False,
) -> None:
    """Compute the reports of contiguous `days` under the operator's orders.

    Raises:
        RefusedError: nothing failed, and days were refused that another word would take.
        SalesAssetsError: days are not over or before the history, the storage is of another
            source, or a run failed.
    """
    require_finished(settings, days)
    _require_own_storage(settings, same_source=same_source, rebuild=rebuild)
    told = {AS_IT_IS_TAG: as_it_is, ACCEPT_LOSS_TAG: accept_loss}
    computed = _compute(settings, days, {tag: "true" for tag, is_set in told.items() if is_set})
    missing = sorted(set(days).difference(computed.reported))
    without = [f"No report: {', '.join(map(str, missing))}."] if missing else []
    refused = [f"{one.day} is refused ({one.check}): {one.message}." for one in computed.refused]
    is_waiting = all(one.check in WAITING for one in computed.refused)
    if refused and is_waiting and not computed.failures:
        raise RefusedError("\n".join([*refused, *without]))
    raise_failures([*refused, *computed.failures, *without])


def _compute(settings: Settings, days: Sequence[date], orders: Mapping[str, str]) -> _Computed:
    """Compute `days` in runs of at most a quarter; a refused day stops only itself.

    Several runs are shared among processes, a core each; every run has a lookback of its own, so
    that none waits for another. `orders` are tags of the runs.
    """
    spans = _spans(days)
    one = partial(_compute_span, settings, orders)
    cores = min(len(spans), os.cpu_count() or 1, MOST_PROCESSES)
    if cores == 1:
        return _together(map(one, spans))
    prepare_home(settings)
    # Dagster ends a run at Ctrl-C by itself; a process between two runs has nothing to say.
    silence = (signal.SIGINT, signal.SIG_IGN)
    # A process a span: a second one would find the memory of the first in pieces.
    workers = ProcessPoolExecutor(
        cores, get_context("spawn"), signal.signal, silence, max_tasks_per_child=1
    )
    try:
        with workers as processes:
            return _together(processes.map(one, spans))
    except BrokenProcessPool as error:
        raise SalesAssetsError(
            f"One of the {cores} processes that computed {days[0]} to {days[-1]} was killed, for "
            "want of memory perhaps. What they stored stays: start the command again, with a "
            "shorter range where memory is short."
        ) from error


def _spans(days: Sequence[date]) -> list[Sequence[date]]:
    """Cut `days` into as few spans as runs allow, of equal length but for a day."""
    count = -(-len(days) // DAYS_PER_RUN)
    edges = [len(days) * number // count for number in range(count + 1)]
    return [days[start:end] for start, end in pairwise(edges)]


def _compute_span(settings: Settings, orders: Mapping[str, str], days: Sequence[date]) -> _Computed:
    with opened_instance(settings) as instance:
        computing = _Computing(build_definitions(settings), instance, settings, orders)
        computing.span(days)
        return computing.computed


def _together(parts: Iterable[_Computed]) -> _Computed:
    whole = _Computed()
    for part in parts:
        whole.reported.extend(part.reported)
        whole.refused.extend(part.refused)
        whole.failures.extend(part.failures)
    return whole


@dataclass(frozen=True)
class _Computing:
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    settings: Settings
    orders: Mapping[str, str]
    computed: _Computed = field(default_factory=_Computed)

    def span(self, days: Sequence[date]) -> None:
        """Run a span; its good days go on without the refused ones in runs of their own."""
        result = self._run(days)
        if result.success:
            self.computed.reported.extend(days)
            return
        refused = self._refused(result.run_id, days)
        if not refused:
            self._report_without_failed_parts(result, days)
            return
        self.computed.refused.extend(refused)
        parts = self.instance.get_runs(dg.RunsFilter(tags={PART_OF_TAG: result.run_id}))
        for part in reversed(parts):
            of_part = days_of_tags(part.tags)
            if part.status is dg.DagsterRunStatus.SUCCESS:
                self.computed.reported.extend(of_part)
            else:
                self.span(of_part)

    def _run(
        self,
        days: Sequence[date],
        selection: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        job = self.definitions.resolve_job_def(names.DAILY_REPORT_JOB)
        result = run_job(job, self.instance, days, selection, {**self.orders, **(tags or {})})
        if was_interrupted(event for event in result.all_events if event.is_run_failure):
            raise SalesAssetsError(
                f"The run of {days[0]} to {days[-1]} was asked to end before its reports were "
                "made. What it stored stays: start the command again."
            )
        return result

    def _refused(self, run_id: str, days: Sequence[date]) -> list[Refusal]:
        """Return why days of a run were not taken: its failed checks say which they are."""
        entries = self.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        found = [entry.get_dagster_event().asset_check_evaluation_data for entry in entries]
        failed = {
            date.fromisoformat(one.partition) for one in found if not one.passed and one.partition
        }
        store = FrameStore(self.settings.storage)
        refusals = [read_refusal(store, day) for day in days if day in failed]
        return [one for one in refusals if one]

    def _report_without_failed_parts(
        self, result: dg.ExecuteInProcessResult, days: Sequence[date]
    ) -> None:
        self.computed.failures.extend(failure_messages(result))
        failed = failed_metrics([event for event in result.all_events if event.is_step_failure])
        if not failed:
            return
        tags = {FAILED_METRICS_TAG: ",".join(failed)}
        without = self._run(days, [names.DAILY_REPORT], tags)
        self.computed.failures.extend(failure_messages(without))
        if without.success:
            self.computed.reported.extend(days)


def deliver(settings: Settings) -> list[str]:
    """Let the sensor look once and run the deliveries that it asks for; return what failed."""
    with opened_instance(settings) as instance:
        definitions = build_definitions(settings)
        sensor = definitions.resolve_sensor_def(names.REPORT_DELIVERY_SENSOR)
        resources = {"delivery": (definitions.resources or {})["delivery"]}
        with dg.build_sensor_context(
            instance=instance, definitions=definitions, resources=resources
        ) as context:
            requests = sensor.evaluate_tick(context).run_requests or []
        job = definitions.resolve_job_def(names.REPORT_DELIVERY_JOB)
        results = [
            run_job(job, instance, [date.fromisoformat(str(request.partition_key))])
            for request in requests
        ]
    return [message for result in results for message in failure_messages(result)]
