"""Sources for the tests: a real Postgres with the tables of the contract, filled by hand."""

from collections.abc import Iterable
from contextlib import closing

import psycopg2
from psycopg2 import sql

from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets.demo.journeys import DICTIONARY

SCHEMA = """
CREATE TABLE events (_user_id text, event_id int, happened_at timestamp);
CREATE TABLE events_dict (id int, _description text);
CREATE TABLE payments (_user_id text, transaction_created_at timestamp);
"""


def execute(url: str, statement: str, parameters: Iterable[tuple] = ((),)) -> None:
    """Run a statement for each row of parameters, and commit."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.executemany(statement, list(parameters))


def query(url: str, statement: str) -> list[tuple]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def drop_database(server: EmbeddedServer, name: str) -> None:
    """Drop a database and whoever is connected to it; a missing one is no error."""
    with closing(psycopg2.connect(server.url())) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            cursor.execute(statement.format(sql.Identifier(name)))


def create_tables(url: str) -> None:
    """Make the three tables with a dictionary; of the others each has one row, long ago.

    An empty table is refused.
    """
    execute(url, SCHEMA)
    rows = [(number, name) for name, number in DICTIONARY.items()]
    execute(url, "INSERT INTO events_dict VALUES (%s, %s)", rows)
    long_ago = ("2000", "2000-01-01")
    execute(url, "INSERT INTO events VALUES (%s, 9001, %s)", [long_ago])
    execute(url, "INSERT INTO payments VALUES (%s, %s)", [long_ago])


def fill(
    url: str,
    events: Iterable[tuple[str | None, str | int | None, str | None]] = (),
    payments: Iterable[tuple[str | None, str | None]] = (),
) -> None:
    """Add events (user, type's name or id, time) and payments (user, time)."""
    rows = [
        (user, DICTIONARY[kind] if isinstance(kind, str) else kind, time)
        for user, kind, time in events
    ]
    execute(url, "INSERT INTO events (_user_id, event_id, happened_at) VALUES (%s, %s, %s)", rows)
    statement = "INSERT INTO payments (_user_id, transaction_created_at) VALUES (%s, %s)"
    execute(url, statement, payments)
