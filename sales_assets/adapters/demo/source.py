"""The demo source: the demo data in a Postgres, in the tables that a real source has."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import pandas as pd
import pyarrow as pa

from sales_assets.core import demo
from sales_assets.core.errors import SalesAssetsError

CREATE_TABLES = """
CREATE TABLE events (
    _user_id text, event_id int, happened_at timestamp, loaded_at timestamp NOT NULL
);
CREATE TABLE payments (
    _user_id text, transaction_created_at timestamp, loaded_at timestamp NOT NULL
);
CREATE TABLE events_dict (id int, _description text);
CREATE TABLE demo_source_state (
    recipe text NOT NULL, first_day date NOT NULL, known_until date NOT NULL
);
"""
DROP_TABLES = "DROP TABLE events, payments, events_dict, demo_source_state"
CREATE_INDEXES = """
CREATE INDEX ON events (happened_at);
CREATE INDEX ON events (_user_id);
CREATE INDEX ON payments (transaction_created_at);
CREATE INDEX ON payments (_user_id);
"""
ANALYZE_TABLES = "ANALYZE events, payments, events_dict"
FOUND_TABLES = """
SELECT
    coalesce(to_regclass('demo_source_state')::text, ''),
    coalesce(to_regclass('events')::text, '')
"""
READ_STATE = "SELECT recipe, first_day, known_until FROM demo_source_state"
DELETE_STATE = "DELETE FROM demo_source_state"
#: Two processes that fill the same source take turns.
LOCK_LOADING = "SELECT pg_advisory_xact_lock(20220130)"

EVENT_COLUMNS = {
    "user_id": "_user_id",
    "event_id": "event_id",
    "happened_at": "happened_at",
    "loaded_at": "loaded_at",
}
PAYMENT_COLUMNS = {
    "user_id": "_user_id",
    "happened_at": "transaction_created_at",
    "loaded_at": "loaded_at",
}


@dataclass(frozen=True)
class _State:
    recipe: str
    first_day: date
    known_until: date


def load_demo_source(url: str, plan: demo.DemoPlan, *, indexes: bool = True) -> int:
    """Fill the database at `url` with the demo data of `plan`; return how many rows were added.

    A source that this function filled up to an earlier day gets what arrived since: new days
    and late rows of old ones. Another plan's data are replaced. All of it is one transaction:
    a kill leaves what was there before.

    Raises:
        SalesAssetsError: the database has tables of these names that are not demo data.
    """
    wanted = _State(_recipe(plan), plan.first_day, plan.today)
    with closing(postgres.connect(url)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(LOCK_LOADING)
        found = _found_state(cursor)
        if found == wanted:
            return 0
        extends = found is not None and _extends(wanted, found)
        if not extends:
            _create_tables(cursor, replace=found is not None)
        since = _midnight(found.known_until if found and extends else plan.first_day)
        rows = sum(_append(cursor, chunk) for chunk in _rows_since(plan, since))
        if indexes and not extends:
            _execute_each(cursor, CREATE_INDEXES)
        cursor.execute(ANALYZE_TABLES)
        _write_state(cursor, wanted)
        connection.commit()
    return rows


def _recipe(plan: demo.DemoPlan) -> str:
    """Return what tells one kind of demo data from another: the generator's text and its size."""
    text = Path(demo.__file__).read_bytes()
    return f"{sha256(text).hexdigest()}, {plan.requests_per_day} requests a day"


def _found_state(cursor: postgres.Cursor) -> _State | None:
    cursor.execute(FOUND_TABLES)
    state_table, events_table = cursor.fetchone() or ("", "")
    if events_table and not state_table:
        raise SalesAssetsError(
            "The demo data were to be loaded into a database that has a table `events` which the "
            "demo did not make. They never replace real data: use an empty database."
        )
    if not state_table:
        return None
    cursor.execute(READ_STATE)
    row = cursor.fetchone()
    return None if row is None else _State(*row)


def _extends(wanted: _State, found: _State) -> bool:
    same_kind = (wanted.recipe, wanted.first_day) == (found.recipe, found.first_day)
    return same_kind and wanted.known_until > found.known_until


def _create_tables(cursor: postgres.Cursor, *, replace: bool) -> None:
    if replace:
        cursor.execute(DROP_TABLES)
    _execute_each(cursor, CREATE_TABLES)
    dictionary = {"id": list(demo.DICTIONARY.values()), "_description": list(demo.DICTIONARY)}
    schema = pa.schema([("id", pa.int32()), ("_description", pa.string())])
    cursor.adbc_ingest("events_dict", pa.table(dictionary, schema), mode="append")


def _execute_each(cursor: postgres.Cursor, statements: str) -> None:
    for statement in filter(None, map(str.strip, statements.split(";"))):
        cursor.execute(statement)


def _rows_since(plan: demo.DemoPlan, since: datetime) -> Iterator[pd.DataFrame]:
    for chunk in demo.demo_rows(plan):
        yield chunk[chunk["loaded_at"] >= since]


def _append(cursor: postgres.Cursor, rows: pd.DataFrame) -> int:
    is_payment = rows["event_id"] == demo.PURCHASE_ID
    _ingest(cursor, "events", rows[~is_payment], EVENT_COLUMNS)
    _ingest(cursor, "payments", rows[is_payment], PAYMENT_COLUMNS)
    return len(rows)


def _ingest(
    cursor: postgres.Cursor, table: str, rows: pd.DataFrame, columns: dict[str, str]
) -> None:
    frame = rows[list(columns)].rename(columns=columns)
    if len(frame):
        cursor.adbc_ingest(table, pa.Table.from_pandas(frame, preserve_index=False), mode="append")


def _write_state(cursor: postgres.Cursor, state: _State) -> None:
    cursor.execute(DELETE_STATE)
    row = {
        "recipe": [state.recipe],
        "first_day": [state.first_day],
        "known_until": [state.known_until],
    }
    cursor.adbc_ingest("demo_source_state", pa.table(row), mode="append")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
