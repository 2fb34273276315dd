"""The benchmark's sources: the demo's journeys, multiplied, in the embedded Postgres; loaded once.

Beside the columns of docs/source.md each row has an `id`. The indexes are a primary key on it and
those that docs/source.md advises: the times and the clients of both tables.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, time, timedelta
from hashlib import sha256
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import numpy as np
import pandas as pd
import psycopg2
import pyarrow as pa

from sales_assets.demo import department, embedded_postgres, journeys
from sales_assets_tests.benchmarks.recipe import DAYS, FIRST_DAY, TODAY, Recipe
from sales_assets_tests.sources import drop_database

#: So many requests a day make 0.1 million rows in those days: the block that is multiplied.
REQUESTS = 41
#: A copy's clients have ids of their own: the demo numbers the clients of a day from 0 to 99,999.
DAY_OF_IDS, COPY_OF_IDS = 100_000, 500
#: Copies of a journey begin some minutes apart.
APART_SECONDS, WITHIN_SECONDS = 97, 3600
ROWS_AT_ONCE = 500_000
NO_USER = -1

CREATE_TABLES = """
CREATE TABLE events (id bigint, _user_id text, event_id int, happened_at timestamp);
CREATE TABLE payments (id bigint, _user_id text, transaction_created_at timestamp);
CREATE TABLE events_dict (id int, _description text);
CREATE TABLE bench_source (version text);
"""
#: After the rows, for the speed of it.
CREATE_INDEXES = """
ALTER TABLE events ADD PRIMARY KEY (id);
ALTER TABLE payments ADD PRIMARY KEY (id);
CREATE INDEX ON events (happened_at);
CREATE INDEX ON events (_user_id);
CREATE INDEX ON payments (transaction_created_at);
CREATE INDEX ON payments (_user_id);
"""
IS_LOADED = "SELECT to_regclass('bench_source') IS NOT NULL"
READ_VERSION = "SELECT version FROM bench_source"


def ensure_source(server: embedded_postgres.EmbeddedServer, recipe: Recipe) -> str:
    """Return the URL of a source, filled unless it is already."""
    url = server.ensure_database(recipe.database)
    if _found_version(url) != _version():
        drop_database(server, recipe.database)
        load(server.ensure_database(recipe.database), recipe)
    return url


def _found_version(url: str) -> str | None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(IS_LOADED)
        if cursor.fetchall() == [(False,)]:
            return None
        cursor.execute(READ_VERSION)
        return cursor.fetchall()[0][0]


def _version() -> str:
    """Return what tells rows of one text of the generator from those of another."""
    modules = (__file__, journeys.__file__, department.__file__)
    return sha256(b"".join(Path(module).read_bytes() for module in modules)).hexdigest()


def load(url: str, recipe: Recipe) -> None:
    """Fill the empty database at `url`; a kill leaves it empty."""
    rows = source_rows(recipe)
    is_payment = rows["event_id"] == journeys.PURCHASE_ID
    dictionary = {
        "id": list(journeys.DICTIONARY.values()),
        "_description": list(journeys.DICTIONARY),
    }
    schema = pa.schema([("id", pa.int32()), ("_description", pa.string())])
    with closing(postgres.connect(url)) as connection, closing(connection.cursor()) as cursor:
        _execute_each(cursor, CREATE_TABLES)
        cursor.adbc_ingest("events_dict", pa.table(dictionary, schema), mode="append")
        for table in _tables(rows[~is_payment], ["event_id", "happened_at"]):
            cursor.adbc_ingest("events", table, mode="append")
        for table in _tables(rows[is_payment], ["transaction_created_at"]):
            cursor.adbc_ingest("payments", table, mode="append")
        _execute_each(cursor, CREATE_INDEXES)
        cursor.adbc_ingest("bench_source", pa.table({"version": [_version()]}), mode="append")
        connection.commit()
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True  # a vacuum is no part of a transaction
        connection.cursor().execute("VACUUM ANALYZE")


def source_rows(recipe: Recipe) -> pd.DataFrame:
    """Return user (int64, `NO_USER` where it is missing), event_id and time, in physical order."""
    block = _block()
    copies = [
        _copy(block, copy, back) for back in range(recipe.longer) for copy in range(recipe.copies)
    ]
    rows = pd.concat(copies, ignore_index=True)
    if recipe.shuffled:
        return rows.take(np.random.default_rng(recipe.copies).permutation(len(rows)))
    return rows.sort_values("time", kind="stable")


def _block() -> pd.DataFrame:
    rows = pd.concat(journeys.demo_rows(journeys.DemoPlan(FIRST_DAY, TODAY, REQUESTS)))
    user = rows["user_id"].astype("Int64").fillna(NO_USER).astype("int64")
    return pd.DataFrame({"user": user, "event_id": rows["event_id"], "time": rows["happened_at"]})


def _copy(block: pd.DataFrame, copy: int, back: int) -> pd.DataFrame:
    """Return the same journeys of other clients, `back` times the block's days earlier."""
    days_back = back * DAYS
    ids = copy * COPY_OF_IDS - days_back * DAY_OF_IDS
    later = timedelta(seconds=copy * APART_SECONDS % WITHIN_SECONDS) - timedelta(days=days_back)
    user = block["user"].to_numpy()
    moved = block.assign(
        user=np.where(user == NO_USER, NO_USER, user + ids), time=block["time"] + later
    )
    return moved[~(moved["time"] >= datetime.combine(TODAY, time()))]


def _tables(rows: pd.DataFrame, columns: list[str]) -> Iterator[pa.Table]:
    """Yield the rows with an id, the user as text and `columns`, the last of which is the time."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows.iloc[start : start + ROWS_AT_ONCE]
        users = pa.array(part["user"], mask=(part["user"] == NO_USER).to_numpy()).cast(pa.string())
        ids = pa.array(np.arange(start, start + len(part)))
        values = [pa.array(part[name]) for name in ("event_id", "time")[-len(columns) :]]
        yield pa.table([ids, users, *values], names=["id", "_user_id", *columns])


def _execute_each(cursor: postgres.Cursor, statements: str) -> None:
    for statement in filter(None, map(str.strip, statements.split(";"))):
        cursor.execute(statement)
