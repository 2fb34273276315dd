"""A session of the source: one read-only snapshot, its parameters, its tables' column types."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import adbc_driver_postgresql.dbapi as postgres
import pandas as pd
import pyarrow as pa

from sales_assets.core.errors import SalesAssetsError

SESSION_SETTINGS = (
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    # A column with a zone is compared with bounds in UTC, and comes back in UTC.
    "SET SESSION timezone = 'UTC'",
    # The default is of spinning disks: with it the planner would rather read the whole table
    # than look up one day's clients in an index.
    "SET SESSION random_page_cost = 1.1",
    # Sorting and grouping a year's clients on disk takes three times as long.
    "SET SESSION work_mem = '64MB'",
    # Compiling costs more than these queries save by it.
    "SET SESSION jit = off",
)
#: ADBC streams a query by COPY only if it has no parameters; they come as the session's settings.
SET_PARAMETER = "SELECT set_config($1, $2, false)"
COLUMN_TYPES = """
SELECT
    wanted.name AS table_name,
    a.attname::text AS column_name,
    format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) AS type_name
FROM (VALUES ('events'), ('events_dict'), ('payments')) AS wanted (name)
LEFT JOIN pg_attribute AS a
    ON a.attrelid = to_regclass(wanted.name) AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type AS t ON t.oid = a.atttypid
"""

TEXTS = ("text", "character varying", "character")
INTEGERS = ("integer", "bigint", "smallint")
PLAIN_TIME = "timestamp without time zone"
ZONED_TIME = "timestamp with time zone"
_USERS = (*TEXTS, *INTEGERS, "uuid")
_IDS = (*INTEGERS, *TEXTS)
_TIMES = (PLAIN_TIME, ZONED_TIME)
#: The columns that the source must have, each with the types that will do.
COLUMNS = {
    ("events", "_user_id"): _USERS,
    ("events", "event_id"): _IDS,
    ("events", "happened_at"): _TIMES,
    ("events_dict", "id"): _IDS,
    ("events_dict", "_description"): TEXTS,
    ("payments", "_user_id"): _USERS,
    ("payments", "transaction_created_at"): _TIMES,
}

CONNECT_SECONDS = 10
#: A server that vanished without a word is noticed after two minutes, not after two hours.
KEEPALIVES = "keepalives_idle=60&keepalives_interval=15&keepalives_count=4"

ColumnTypes = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Session:
    """One snapshot of the source; the types of its columns have been found fit."""

    cursor: postgres.Cursor
    types: ColumnTypes

    def set_parameter(self, name: str, value: str) -> None:
        """Bind `value` for queries that read `current_setting('sales_assets.<name>')`."""
        self.cursor.execute(SET_PARAMETER, (f"sales_assets.{name}", value))
        self.cursor.fetchall()

    def set_list(self, name: str, values: Sequence[str]) -> None:
        """Bind `values` as a JSON array."""
        self.set_parameter(name, json.dumps(values, ensure_ascii=False))

    def batches(self, statement: str) -> Iterator[pa.RecordBatch]:
        """Run `statement` and yield its rows as they arrive."""
        self.cursor.execute(statement)
        yield from self.cursor.fetch_record_batch()

    def frame(self, statement: str) -> pd.DataFrame:
        """Run `statement` and return its rows."""
        self.cursor.execute(statement)
        return self.cursor.fetch_arrow_table().to_pandas()

    def clock(self, table: str, column: str, source_zone: ZoneInfo) -> ZoneInfo:
        """Return the zone in which the times of a column are given."""
        has_zone = self.types[table, column] == ZONED_TIME
        return ZoneInfo("UTC") if has_zone else source_zone


@contextmanager
def open_session(url: str) -> Iterator[Session]:
    """Open a session in which all queries see the source as it was at the first.

    Raises:
        SalesAssetsError: a table or a column is missing, or has a type that can't be read.
        adbc_driver_manager.Error: whatever the driver reports.
    """
    with closing(postgres.connect(_with_timeouts(url), autocommit=True)) as connection:
        with closing(connection.cursor()) as cursor:
            for setting in SESSION_SETTINGS:
                cursor.execute(setting)
        connection.adbc_connection.set_autocommit(False)
        with closing(connection.cursor()) as cursor:
            cursor.execute(COLUMN_TYPES)
            yield Session(cursor, _fit_types(cursor.fetchall()))


def _with_timeouts(url: str) -> str:
    if "://" not in url or "connect_timeout" in url:
        return url
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}connect_timeout={CONNECT_SECONDS}&{KEEPALIVES}"


def _fit_types(rows: Sequence[tuple[Any, ...]]) -> ColumnTypes:
    types = {(table, column): kind for table, column, kind in rows if column is not None}
    tables = {table for table, _ in types}
    for (table, column), accepted in COLUMNS.items():
        if table not in tables:
            raise SalesAssetsError(_missing_table(table))
        if (table, column) not in types:
            raise SalesAssetsError(_missing_column(table, column, types))
        if types[table, column] not in accepted:
            raise SalesAssetsError(_wrong_type(table, column, types))
    if (types["events", "event_id"] in TEXTS) != (types["events_dict", "id"] in TEXTS):
        raise SalesAssetsError(_ids_apart(types))
    return types


def _missing_table(table: str) -> str:
    needed = ", ".join(dict.fromkeys(name for name, _ in COLUMNS))
    return (
        f"The source has no table {table!r}. It needs {needed}: see whether "
        "SALES_ASSETS_SOURCE_URL names the right database, and whether the user's search_path "
        "finds the table."
    )


def _missing_column(table: str, column: str, types: ColumnTypes) -> str:
    found = ", ".join(sorted(name for owner, name in types if owner == table))
    return (
        f"The source's table {table!r} has no column {column!r}, only {found}. "
        "Rename it in the source, or put a view of the expected shape before it."
    )


def _wrong_type(table: str, column: str, types: ColumnTypes) -> str:
    return (
        f"The source's column {table}.{column} has the type {types[table, column]!r}; "
        f"expected one of {', '.join(COLUMNS[table, column])}. "
        "Change it in the source, or put a view with a cast before it."
    )


def _ids_apart(types: ColumnTypes) -> str:
    return (
        f"The source's events.event_id is {types['events', 'event_id']!r} and events_dict.id is "
        f"{types['events_dict', 'id']!r}: they can't be compared. Give both the same type."
    )
