"""What the benchmark runs in processes of their own: `tasks NAME ARGUMENTS`, as JSON.

Each imports what it needs itself: a start is part of what is measured.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROWS_OF_TABLES = (
    "SELECT _user_id, event_id, happened_at FROM events",
    "SELECT _user_id, transaction_created_at FROM payments",
)
GROUP_DAYS = 60
ASSETS_OF_A_DAY = 12
#: What the first of those days learns its groups from.
DAYS_BEFORE_GROUPS = 36

Figures = dict[str, float | int | str]


def source(folder: str, recipe: Mapping[str, Any]) -> Figures:
    """Fill a source in the embedded server of `folder`."""
    from sales_assets.demo import embedded_postgres
    from sales_assets_tests.benchmarks.recipe import Recipe
    from sales_assets_tests.benchmarks.sources import ensure_source

    with embedded_postgres.start(Path(folder)) as server:
        ensure_source(server, Recipe(**recipe))
    return {}


def bare_read(url: str) -> Figures:
    """Read the two tables of rows by ADBC, and drop what was read."""
    from contextlib import closing

    import adbc_driver_postgresql.dbapi as postgres

    rows = 0
    with closing(postgres.connect(url)) as connection, closing(connection.cursor()) as cursor:
        for query in ROWS_OF_TABLES:
            cursor.execute(query)
            rows += sum(batch.num_rows for batch in cursor.fetch_record_batch())
    return {"rows": rows}


def libraries(day: str) -> Figures:
    """Import what a day is made with, and let Dagster run as many assets that do nothing."""
    import adbc_driver_postgresql.dbapi  # noqa: F401
    import altair as alt  # noqa: F401
    import dagster as dg
    import pandera.pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import sklearn.cluster  # noqa: F401
    import sqlalchemy.orm  # noqa: F401
    import vl_convert  # noqa: F401

    daily = dg.DailyPartitionsDefinition(day)

    def empty(number: int) -> dg.AssetsDefinition:
        return dg.asset(name=f"empty_{number}", partitions_def=daily)(lambda: None)

    assets = [empty(number) for number in range(ASSETS_OF_A_DAY)]
    home = Path(os.environ["DAGSTER_HOME"])
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.get() as instance:
        dg.materialize(assets, partition_key=day, instance=instance)
    return {"assets": ASSETS_OF_A_DAY}


def frames(first: str, last: str) -> Figures:
    """Compute all that a report rests on through Dagster, in runs as `sales-assets backfill`."""
    import dagster as dg

    from sales_assets.adapters.settings import read_settings
    from sales_assets.cli.instance import failure_messages, prepare_home, run_job
    from sales_assets.core import names
    from sales_assets.definitions import build_definitions
    from sales_assets.defs.partitions import DAYS_PER_RUN

    days = _days(date.fromisoformat(first), date.fromisoformat(last))
    settings = read_settings(os.environ)
    prepare_home(settings)
    job = build_definitions(settings).resolve_job_def(names.DAILY_REPORT_JOB)
    keys = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    with dg.DagsterInstance.get() as instance:
        for start in range(0, len(days), DAYS_PER_RUN):
            span = days[start : start + DAYS_PER_RUN]
            result = run_job(job, instance, span, sorted(keys - {names.DAILY_REPORT}))
            if not result.success:
                raise SystemExit("\n".join(failure_messages(result)))
    return {"assets": len(keys) - 1}


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def groups(url: str, last: str) -> Figures:
    """Tell how steady the groups of the neighbouring days until `last` are."""
    import statistics
    from itertools import pairwise
    from zoneinfo import ZoneInfo

    from sklearn.metrics import adjusted_rand_score

    from sales_assets.adapters.source.postgres import PostgresSource
    from sales_assets.core.days import ReportDays
    from sales_assets.core.metrics.cleaning import clean_events, set_aside
    from sales_assets.core.metrics.event_log import encode
    from sales_assets.core.metrics.groups import client_groups
    from sales_assets_tests.core.metrics.strategies import cohort_members

    zone, newest = ZoneInfo("Europe/Moscow"), date.fromisoformat(last)
    asked = _days(newest - timedelta(days=GROUP_DAYS + DAYS_BEFORE_GROUPS - 1), newest)
    read_from = PostgresSource(url, zone, zone)
    raw, history = read_from.read_days(asked).frames, read_from.read_user_history(asked)
    clean = (clean_events(set_aside(raw[day])[0], history[day]) for day in asked)
    log = encode(clean, (history[day] for day in asked), zone)
    days = ReportDays.of(asked[DAYS_BEFORE_GROUPS:], zone)
    members = cohort_members(log, days)
    scores = []
    for before, after in pairwise(days.days):
        both = members[before].index.intersection(members[after].index)
        scores.append(adjusted_rand_score(members[before][both], members[after][both]))
    found = client_groups(log, days)
    named = [tuple(sorted(found[day].names)) for day in days.days]
    return {
        "ari_median": round(statistics.median(scores), 3),
        "ari_lowest": round(min(scores), 3),
        "days_below_0.9": sum(score < 0.9 for score in scores),
        "name_sets": len(set(named)),
        "name_changes": sum(before != after for before, after in pairwise(named)),
        "count_changes": sum(len(before) != len(after) for before, after in pairwise(named)),
    }


def fairness(var: str) -> Figures:
    """Deliver to a thousand chats, some of them slow."""
    from sales_assets_tests.benchmarks import fairness as telegram

    return telegram.fairness(Path(var))


def flooded(var: str) -> Figures:
    """Ask as the chief while a stranger floods the bot."""
    from sales_assets_tests.benchmarks import fairness as telegram

    return telegram.flooded(Path(var))


TASKS: Mapping[str, Callable[..., Figures]] = {
    task.__name__: task
    for task in (source, bare_read, libraries, frames, groups, fairness, flooded)
}


def main() -> None:
    """Run the task that the command line names, with its arguments as JSON."""
    name, arguments = sys.argv[1:]
    print(json.dumps(TASKS[name](**json.loads(arguments))))  # noqa: T201 - what the parent reads


if __name__ == "__main__":
    main()
