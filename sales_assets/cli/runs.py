"""Computing days from the command line: whole ranges, around blocked days, without half reports."""

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import get_context

import click
import dagster as dg

from sales_assets.adapters.files.day_records import Refusal, read_refusal
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.stamps import accept_same_source, forget_days, own_stamp
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.choice import source_at
from sales_assets.cli.instance import failure_messages, opened_instance, prepare_home, run_job
from sales_assets.core import names
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.report.report import METRICS
from sales_assets.definitions import build_definitions, first_day
from sales_assets.defs.checks import COMPLETENESS, SHRUNKEN
from sales_assets.defs.good_days import PART_OF_TAG
from sales_assets.defs.jobs import FAILED_METRICS_TAG
from sales_assets.defs.partitions import DAYS_PER_RUN, days_of_tags

#: The checks whose refusal waits for the source or for a word of the operator.
WAITING = (COMPLETENESS, SHRUNKEN)
#: Each takes up to 700 MB over five million rows.
MOST_PROCESSES = 4


@dataclass
class Computed:
    """What came of a range: the days with a report, those refused, and what failed, in words."""

    reported: list[date] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def is_waiting(self) -> bool:
        """Whether all that is missing are days that may still be taken."""
        refused = [one.check in WAITING for one in self.refused]
        return bool(refused) and all(refused) and not self.failures


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
    source = source_at(settings.source_url, settings)
    if rebuild:
        click.echo(f"{forget_days(store)} stored files forgotten", err=True)
    elif same_source:
        days = ", ".join(map(str, accept_same_source(store, source)))
        click.echo(f"the same source: compared {days or 'nothing'}", err=True)
    own_stamp(store, source.stamp())


def compute(
    settings: Settings, days: Sequence[date], orders: Mapping[str, str] | None = None
) -> Computed:
    """Compute contiguous `days` in runs of at most a quarter; a refused day stops only itself.

    Several runs are shared among processes, a core each; every run has a lookback of its own, so
    that none waits for another. `orders` are tags of the runs: what is done with a cut or a
    shrunken day.
    """
    spans = _spans(days)
    one = partial(_compute_span, settings, orders or {})
    cores = min(len(spans), os.cpu_count() or 1, MOST_PROCESSES)
    if cores == 1:
        return _together(map(one, spans))
    prepare_home(settings)
    # A process a span: a second one would find the memory of the first in pieces.
    workers = ProcessPoolExecutor(cores, get_context("spawn"), _be_a_worker, max_tasks_per_child=1)
    with workers as processes:
        return _together(processes.map(one, spans))


def _be_a_worker() -> None:
    # Dagster ends a run at Ctrl-C by itself; a process between two runs has nothing to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _spans(days: Sequence[date]) -> list[Sequence[date]]:
    """Cut `days` into as few spans as runs allow, of equal length but for a day."""
    count = -(-len(days) // DAYS_PER_RUN)
    edges = [len(days) * number // count for number in range(count + 1)]
    return [days[start:end] for start, end in pairwise(edges)]


def _compute_span(settings: Settings, orders: Mapping[str, str], days: Sequence[date]) -> Computed:
    computed = Computed()
    with opened_instance(settings) as instance:
        _Computing(build_definitions(settings), instance, settings, orders).span(days, computed)
    return computed


def _together(parts: Iterable[Computed]) -> Computed:
    whole = Computed()
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

    def span(self, days: Sequence[date], computed: Computed) -> None:
        """Run a span; its good days go on without the refused ones in runs of their own."""
        result = self._run(days)
        if result.success:
            computed.reported.extend(days)
            return
        refused = self._refused(result.run_id, days)
        if not refused:
            self._report_without_failed_parts(result, days, computed)
            return
        computed.refused.extend(refused)
        parts = self.instance.get_runs(dg.RunsFilter(tags={PART_OF_TAG: result.run_id}))
        for part in reversed(parts):
            of_part = days_of_tags(part.tags)
            if part.status is dg.DagsterRunStatus.SUCCESS:
                computed.reported.extend(of_part)
            else:
                self.span(of_part, computed)

    def _run(
        self,
        days: Sequence[date],
        selection: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        job = self.definitions.resolve_job_def(names.DAILY_REPORT_JOB)
        return run_job(job, self.instance, days, selection, {**self.orders, **(tags or {})})

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
        self, result: dg.ExecuteInProcessResult, days: Sequence[date], computed: Computed
    ) -> None:
        computed.failures.extend(failure_messages(result))
        failed = {event.step_key or "" for event in result.all_events if event.is_step_failure}
        if not failed or not failed <= set(METRICS):
            return
        tags = {FAILED_METRICS_TAG: ",".join(sorted(failed))}
        without = self._run(days, [names.DAILY_REPORT], tags)
        computed.failures.extend(failure_messages(without))
        if without.success:
            computed.reported.extend(days)


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
