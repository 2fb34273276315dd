"""The demo source: the demo data in a Postgres, in the tables that a real source has."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import pandas as pd
import pyarrow as pa

from sales_assets.core.errors import SalesAssetsError
from sales_assets.demo import department, journeys

CREATE_TABLES = """
CREATE TABLE events (
    _user_id text, event_id int, happened_at timestamp, loaded_at timestamp NOT NULL
);
CREATE TABLE payments (
    _user_id text, transaction_created_at timestamp, loaded_at timestamp NOT NULL
);
CREATE TABLE events_dict (id int, _description text);
CREATE TABLE demo_source_state (
    recipe text NOT NULL, first_day date NOT NULL, incidents_before date,
    known_until timestamp NOT NULL
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
FOUND_TABLES = "SELECT to_regclass('demo_source_state')::text, to_regclass('events')::text"
#: A state that an earlier version wrote may lack columns, so none is named.
READ_STATE = "SELECT * FROM demo_source_state"
DELETE_STATE = "DELETE FROM demo_source_state"
WRITE_STATE = "INSERT INTO demo_source_state VALUES ($1, $2, $3, $4)"
#: Two processes that fill the same source take turns.
LOCK_LOADING = "SELECT pg_advisory_xact_lock(20220130)"


@dataclass(frozen=True)
class _State:
    """What a database was filled with, as `demo_source_state` holds it."""

    recipe: str
    first_day: date
    incidents_before: date | None
    known_until: datetime


def load_demo_source(url: str, plan: journeys.DemoPlan, *, indexes: bool = True) -> int:
    """Fill the database at `url` with the demo data of `plan`; return how many rows were added.

    A source that this function filled up to an earlier moment gets what arrived since, late rows
    of old days among it. What it said stays true: its first day is kept, and the day before which
    incidents were planted. Data of another kind or of a later moment are replaced. All of it is
    one transaction: a kill leaves what was there before.

    Raises:
        SalesAssetsError: the database has tables of these names that are not demo data.
    """
    with closing(postgres.connect(url)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(LOCK_LOADING)
        found = _found_state(cursor)
        continued = None if found is None else _continued(found, plan)
        if found is None or continued is None:
            rows = _fill(cursor, plan, replace=found is not None, indexes=indexes)
        elif continued.known_until == found.known_until:
            return 0
        else:
            chunks, since = journeys.demo_rows(continued), found.known_until
            rows = _append(cursor, (chunk[chunk["loaded_at"] >= since] for chunk in chunks))
        cursor.execute(ANALYZE_TABLES)
        known = continued or plan
        state = _recipe(known), known.first_day, known.incidents_before, known.known_until
        cursor.execute(DELETE_STATE)
        cursor.execute(WRITE_STATE, state)
        connection.commit()
    return rows


def _continued(found: _State, plan: journeys.DemoPlan) -> journeys.DemoPlan | None:
    """Return `plan` with the past that was found; nothing where it doesn't go on from there."""
    same_kind = found.recipe == _recipe(plan) and (
        (found.incidents_before is None) == (plan.incidents_before is None)
    )
    if not same_kind or found.first_day > plan.first_day or found.known_until > plan.known_until:
        return None
    return replace(plan, first_day=found.first_day, incidents_before=found.incidents_before)


def _recipe(plan: journeys.DemoPlan) -> str:
    """Return what tells one kind of demo data from another: the generator's text and its size."""
    modules = (journeys.__file__, department.__file__)
    text = b"".join(Path(module).read_bytes() for module in modules)
    return f"{sha256(text).hexdigest()}, {plan.requests_per_day} requests a day"


def _found_state(cursor: postgres.Cursor) -> _State | None:
    cursor.execute(FOUND_TABLES)
    state_table, events_table = cursor.fetchone() or (None, None)
    if events_table and not state_table:
        raise SalesAssetsError(
            "The demo data were to be loaded into a database that has a table `events` which the "
            "demo did not make. They never replace real data: use an empty database."
        )
    if not state_table:
        return None
    cursor.execute(READ_STATE)
    rows = cursor.fetch_arrow_table().to_pylist()
    return _State(*(rows[0].get(each.name) for each in fields(_State))) if rows else None


def _fill(cursor: postgres.Cursor, plan: journeys.DemoPlan, *, replace: bool, indexes: bool) -> int:
    if replace:
        cursor.execute(DROP_TABLES)
    _execute_each(cursor, CREATE_TABLES)
    dictionary = {
        "id": list(journeys.DICTIONARY.values()),
        "_description": list(journeys.DICTIONARY),
    }
    schema = pa.schema([("id", pa.int32()), ("_description", pa.string())])
    cursor.adbc_ingest("events_dict", pa.table(dictionary, schema), mode="append")
    rows = _append(cursor, journeys.demo_rows(plan))
    if indexes:
        _execute_each(cursor, CREATE_INDEXES)
    return rows


def _execute_each(cursor: postgres.Cursor, statements: str) -> None:
    for statement in filter(None, map(str.strip, statements.split(";"))):
        cursor.execute(statement)


def _append(cursor: postgres.Cursor, chunks: Iterator[pd.DataFrame]) -> int:
    count = 0
    for rows in chunks:
        named = rows.rename(columns={"user_id": "_user_id"})
        is_payment = named["event_id"] == journeys.PURCHASE_ID
        paid_at = {"happened_at": "transaction_created_at"}
        payments = named[is_payment].drop(columns="event_id").rename(columns=paid_at)
        for table, frame in (("events", named[~is_payment]), ("payments", payments)):
            if len(frame):
                arrived = pa.Table.from_pandas(frame, preserve_index=False)
                cursor.adbc_ingest(table, arrived, mode="append")
        count += len(rows)
    return count
