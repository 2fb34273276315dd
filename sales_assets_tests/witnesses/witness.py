"""Runs the SQL definitions on DuckDB over many random logs at a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import duckdb
import pandas as pd

from sales_assets_tests.witnesses import definitions_sql
from sales_assets_tests.witnesses.journeys import SourceLog, instant_of
from sales_assets_tests.witnesses.vocabulary import EXPERIMENTS, PATHS, PROCESS_KEYS, PROCESSES

#: A day is compared with each of the seven before it and the same weekday of four weeks.
COMPARED_DAYS = (*range(1, 8), 14, 21, 28)
LOADED_DAYS = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

QUERIES = definitions_sql.ASSETS | {
    "user_history": definitions_sql.USER_HISTORY,
    "depths": definitions_sql.DEPTHS,
    "visible": definitions_sql.VISIBLE,
    "backlog": definitions_sql.BACKLOG,
    "history": definitions_sql.HISTORY,
}


def witnessed(
    logs: Sequence[SourceLog], other_views: Mapping[str, str] | None = None
) -> dict[str, pd.DataFrame]:
    """Return every asset's frame, with `seed` and `day` (ISO text) before its own columns.

    Beside the assets: `user_history` of every day that may be loaded (times are microseconds
    since the epoch, UTC), `depths` (each single user's depth on each path), `visible` (the rows
    that the report of each asked day may use), `backlog` (a day's way from open to open) and
    `history` (every valid row).
    `other_views` replaces definitions, to see what difference that makes.
    """
    views = definitions_sql.VIEWS | dict(other_views or {})
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, table in tables_of(logs).items():
            connection.register(name, table)
        for name, query in views.items():
            connection.execute(f"CREATE TEMP TABLE {name} AS {query}")
        return {name: connection.sql(query).df() for name, query in QUERIES.items()}


def tables_of(logs: Sequence[SourceLog]) -> dict[str, pd.DataFrame]:
    """Return the tables that the SQL definitions stand on."""
    day_columns = {"seed": "int64", "day": "str", "d0": "int64", "c": "int64"}
    return {
        "logs": _table(
            ((log.seed, bounds_us(log, log.first_partition)[0]) for log in logs),
            {"seed": "int64", "first_partition_us": "int64"},
        ),
        "raw_events": pd.concat([_events_of(log) for log in logs]),
        "raw_payments": pd.concat([_payments_of(log) for log in logs]),
        "events_dict": pd.concat([_dictionary_of(log) for log in logs]),
        "days": _table(
            (row for log in logs for row in _report_days(log)), day_columns | {"asked": "bool"}
        ),
        "entry_days": _table((row for log in logs for row in _entry_days(log)), day_columns),
        "loaded_days": _table((row for log in logs for row in _loaded_days(log)), day_columns),
        "compared": _table(
            (row for log in logs for row in _comparisons(log)),
            {
                "seed": "int64",
                "day": "str",
                "earlier": "str",
                "days_before": "int64",
                "in_history": "bool",
            },
        ),
        **_vocabulary_tables(),
    }


def loaded_days(log: SourceLog) -> list[date]:
    """Return the asked days and the 63 days before each, from the first partition on."""
    reach = {day - DAY * back for day in log.days for back in range(LOADED_DAYS)}
    return sorted(day for day in reach if day >= log.first_partition)


def _vocabulary_tables() -> dict[str, pd.DataFrame]:
    starts = [(name, start) for name, start, _ in PROCESSES]
    ends = [(name, end) for name, _, process_ends in PROCESSES for end in process_ends]
    keys = [(name, key) for key, (name, _, _) in zip(PROCESS_KEYS, PROCESSES, strict=True)]
    steps = [(path, k, step) for path, names in PATHS.items() for k, step in enumerate(names, 1)]
    return {
        "processes": _table(starts, {"process": "str", "start_type": "str"}),
        "process_ends": _table(ends, {"process": "str", "end_type": "str"}),
        "process_keys": _table(keys, {"process": "str", "series": "str"}),
        "steps": _table(steps, {"path": "str", "k": "int64", "step": "str"}),
        "experiment_types": _table([(name,) for name in EXPERIMENTS], {"type": "str"}),
    }


def _table(rows: Iterable[tuple], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns)).astype(columns)


def _events_of(log: SourceLog) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "seed": log.seed,
            "user_id": log.events["_user_id"],
            "event_id": log.events["event_id"],
            "at_us": _instants_us(log.events["happened_at"], log),
        }
    )


def _payments_of(log: SourceLog) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "seed": log.seed,
            "user_id": log.payments["_user_id"],
            "at_us": _instants_us(log.payments["transaction_created_at"], log),
        }
    )


def _dictionary_of(log: SourceLog) -> pd.DataFrame:
    return log.events_dict.rename(columns={"_description": "description"}).assign(seed=log.seed)


def _instants_us(times: pd.Series, log: SourceLog) -> pd.Series:
    """Return source times as instants, one value at a time, by the standard library alone."""
    zone = log.source_zone
    values = [
        None if pd.isna(at) else _microseconds(instant_of(at.to_pydatetime(), zone)) for at in times
    ]
    return pd.Series(values, index=times.index, dtype="Int64")


def _microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def bounds_us(log: SourceLog, day: date) -> tuple[int, int]:
    """Return D0 and D1 of a report day."""
    midnights = (datetime.combine(d, time(), tzinfo=log.report_zone) for d in (day, day + DAY))
    start, end = (_microseconds(midnight.astimezone(UTC)) for midnight in midnights)
    return start, end


def _report_days(log: SourceLog) -> Iterable[tuple]:
    compared = {day - DAY * back for day in log.days for back in COMPARED_DAYS}
    for day in sorted(compared | set(log.days)):
        yield (log.seed, day.isoformat(), *bounds_us(log, day), day in log.days)


def _entry_days(log: SourceLog) -> Iterable[tuple]:
    """Give each report day the bounds of the day seven days before."""
    for _, day, *_ in _report_days(log):
        yield (log.seed, day, *bounds_us(log, date.fromisoformat(day) - 7 * DAY))


def _loaded_days(log: SourceLog) -> Iterable[tuple]:
    for day in loaded_days(log):
        yield (log.seed, day.isoformat(), *bounds_us(log, day))


def _comparisons(log: SourceLog) -> Iterable[tuple]:
    """Pair each asked day with earlier ones; `in_history` tells whether the history reaches."""
    for day in log.days:
        for back in COMPARED_DAYS:
            earlier = day - DAY * back
            in_history = earlier >= log.history_first_day
            yield (log.seed, day.isoformat(), earlier.isoformat(), back, in_history)
