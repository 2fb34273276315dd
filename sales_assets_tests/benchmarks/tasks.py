"""What is measured: each task runs in a process of its own and prints its figures as JSON."""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.adapters.demo.server import demo_source_url
from sales_assets.adapters.demo.source import load_demo_source
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.rendering import render_png
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.postgres import PostgresSource
from sales_assets.core import names
from sales_assets.core.days import ReportDays
from sales_assets.core.demo import DemoPlan
from sales_assets.core.metrics.activity import daily_activity
from sales_assets.core.metrics.cleaning import clean_events, set_aside
from sales_assets.core.metrics.event_log import EventLog, encode
from sales_assets.core.metrics.funnel import conversion_funnel
from sales_assets.core.metrics.groups import client_groups, cohort_members
from sales_assets.core.metrics.payments import new_paying_users
from sales_assets.core.metrics.processes import stuck_cases, unclosed_processes
from sales_assets.core.metrics.values import daily_values, values_of
from sales_assets.core.report.picture import picture_spec
from sales_assets.core.report.report import build_report
from sales_assets_tests.core.report.report_days import ordinary

MOSCOW = ZoneInfo("Europe/Moscow")
#: A fixed day: the same data on every machine and in every year.
TODAY = date(2025, 12, 1)
FRAMES = [names.RAW_EVENTS, names.USER_HISTORY, names.CLEAN_EVENTS, *names.METRICS]
GROUP_DAYS = 60
#: What the first of those days learns its groups from.
DAYS_BEFORE_GROUPS = 36
PICTURES = 7

Figures = dict[str, float | int | str]


def last_days(count: int) -> list[date]:
    """Return the last finished days, in order."""
    return [TODAY - timedelta(days=back) for back in range(count, 0, -1)]


def load(var: Path, days: int, requests: int) -> Figures:
    """Fill the demo source."""
    plan = DemoPlan(TODAY - timedelta(days=days), TODAY, requests)
    return {"rows": load_demo_source(demo_source_url(var), plan)}


def core(var: Path, days: int, storage: str) -> Figures:
    """Go from the source to all frames on the disk by the core's functions alone."""
    asked, store = last_days(days), FrameStore(storage)
    _store_events(PostgresSource(demo_source_url(var), MOSCOW, MOSCOW), asked, store)
    log = encode(
        (store.read(names.CLEAN_EVENTS, day) for day in asked),
        (store.read(names.USER_HISTORY, day) for day in asked),
        MOSCOW,
    )
    for asset, frames in _metrics(log, asked).items():
        _write(store, asset, frames)
    for day in asked:
        frame = daily_activity(store.read(names.CLEAN_EVENTS, day))
        store.write(names.DAILY_ACTIVITY, day, frame)
    return {}


def _store_events(source: PostgresSource, asked: Sequence[date], store: FrameStore) -> None:
    _write(store, names.RAW_EVENTS, source.read_days(asked).frames)
    _write(store, names.USER_HISTORY, source.read_user_history(asked))
    for day in asked:
        valid, _ = set_aside(store.read(names.RAW_EVENTS, day))
        frame = clean_events(valid, store.read(names.USER_HISTORY, day))
        store.write(names.CLEAN_EVENTS, day, frame)


def _metrics(log: EventLog, asked: Sequence[date]) -> Mapping[str, Mapping[date, pd.DataFrame]]:
    days, first = ReportDays.of(asked, MOSCOW), asked[0]
    return {
        names.UNCLOSED_PROCESSES: unclosed_processes(log, days, values_of(daily_values(log, days))),
        names.STUCK_CASES: stuck_cases(log, days),
        names.CONVERSION_FUNNEL: conversion_funnel(log, days),
        names.NEW_PAYING_USERS: new_paying_users(log, days, first),
    }


def _write(store: FrameStore, asset: str, frames: Mapping[date, pd.DataFrame]) -> None:
    for day in frames:
        store.write(asset, day, frames[day])


def dagster(var: Path, days: int, storage: str, warm_days: int = 0) -> Figures:
    """Compute all frames in as few runs as they take, after `warm_days` that are not measured."""
    import dagster as dg

    from sales_assets.cli.instance import prepare_home, run_job
    from sales_assets.definitions import build_definitions
    from sales_assets.defs.partitions import DAYS_PER_RUN

    asked = last_days(days + warm_days)
    # A day's lookback is filled by the first run that needs it: the warm days have done that.
    first = asked[0] - timedelta(days=64 if warm_days else 0)
    os.environ["SALES_ASSETS_START_DATE"] = first.isoformat()
    os.environ["SALES_ASSETS_VAR"] = str(var)
    os.environ["SALES_ASSETS_STORAGE"] = storage
    os.environ["DAGSTER_HOME"] = f"{storage}-home"
    settings = Settings.from_environment(os.environ)
    prepare_home(settings)
    job = build_definitions(settings).resolve_job_def(names.DAILY_REPORT_JOB)
    with dg.DagsterInstance.get() as instance:
        if warm_days and not run_job(job, instance, asked[:warm_days], FRAMES).success:
            raise SystemExit("the run before the measured one failed")
        started = time.perf_counter()
        for start in range(warm_days, len(asked), DAYS_PER_RUN):
            if not run_job(job, instance, asked[start : start + DAYS_PER_RUN], FRAMES).success:
                raise SystemExit("the measured run failed")
        return {"run_seconds": round(time.perf_counter() - started, 2)}


def groups(var: Path) -> Figures:
    """Tell how steady the groups of neighbouring days are."""
    from sklearn.metrics import adjusted_rand_score

    asked = last_days(GROUP_DAYS + DAYS_BEFORE_GROUPS)
    source = PostgresSource(demo_source_url(var), MOSCOW, MOSCOW)
    raw, history = source.read_days(asked).frames, source.read_user_history(asked)
    clean = (clean_events(set_aside(raw[day])[0], history[day]) for day in asked)
    log = encode(clean, (history[day] for day in asked), MOSCOW)
    days = ReportDays.of(asked[DAYS_BEFORE_GROUPS:], MOSCOW)
    members = cohort_members(log, days)
    same = [_shared(members[before], members[after]) for before, after in pairwise(days.days)]
    scores = [adjusted_rand_score(*pair) for pair in same]
    found = client_groups(log, days)
    named = [tuple(sorted(found[day].names)) for day in days.days]
    changes = sum(before != after for before, after in pairwise(named))
    sizes = sum(len(before) != len(after) for before, after in pairwise(named))
    return {
        "ari_median": round(statistics.median(scores), 3),
        "ari_lowest": round(min(scores), 3),
        "days_below_0.9": sum(score < 0.9 for score in scores),
        "name_sets": len(set(named)),
        "name_changes": changes,
        "count_changes": sizes,
    }


def _shared(before: pd.Series, after: pd.Series) -> tuple[pd.Series, pd.Series]:
    both = before.index.intersection(after.index)
    return before[both], after[both]


def picture(var: Path) -> Figures:  # noqa: ARG001 - every task is called alike
    """Build and render an ordinary day's picture several times."""
    seconds = []
    for _ in range(PICTURES):
        started = time.perf_counter()
        render_png(picture_spec(build_report(ordinary())))
        seconds.append(time.perf_counter() - started)
    return {"first": round(seconds[0], 2), "median": round(statistics.median(seconds), 2)}


TASKS: Mapping[str, Callable[..., Figures]] = {
    task.__name__: task for task in (load, core, dagster, groups, picture)
}


def main() -> None:
    """Run the task that the command line names, with its arguments as JSON."""
    name, var, arguments = sys.argv[1:]
    started = time.perf_counter()
    figures = TASKS[name](Path(var), **json.loads(arguments))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    measured: Figures = {
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mb": usage.ru_maxrss // 1024,
    }
    print(json.dumps(measured | figures))  # noqa: T201 - what the parent process reads


if __name__ == "__main__":
    main()
