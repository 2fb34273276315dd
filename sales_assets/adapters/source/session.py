"""A session of the source: one read-only snapshot, its parameters, its tables' column types."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from string import Template
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as postgres
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2.extensions import parse_dsn

from sales_assets.adapters.source.errors import PassingSourceError, is_lock_timeout, locked
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.stamp import SourceIdentity

LOCK_SECONDS = 15
STATEMENT_MINUTES = 15
#: All within one transaction: a pooler hands the next one to another server.
SESSION_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    # A column with a zone is compared with bounds in UTC, and comes back in UTC.
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL client_encoding = 'UTF8'",
    f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'",
    # Between two reads the program computes.
    f"SET LOCAL idle_in_transaction_session_timeout = '{STATEMENT_MINUTES}min'",
    # The default is of spinning disks: with it the planner would rather read the whole table
    # than look up one day's clients in an index.
    "SET LOCAL random_page_cost = 1.1",
    # Sorting and grouping a year's clients on disk takes three times as long.
    "SET LOCAL work_mem = '64MB'",
    # Compiling costs more than these queries save by it.
    "SET LOCAL jit = off",
)
#: Before a query takes the snapshot: to an older one, a table that is truncated and filled anew in
#: one transaction would be empty.
HOLD_TABLES = "LOCK TABLE events, events_dict, payments IN ACCESS SHARE MODE"
#: A bound of the server's own is left as it is.
STATEMENT_TIMEOUT = f"""
SELECT set_config('statement_timeout', '{STATEMENT_MINUTES}min', true)
WHERE current_setting('statement_timeout') = '0'
"""
#: By the default of 4 GB the planner thinks that a page is read once, follows the index through a
#: shuffled table, and reads each page dozens of times.
CACHE_SIZE = "SELECT set_config('effective_cache_size', current_setting('shared_buffers'), true)"
SERVER = """
SELECT current_setting('server_encoding'), current_setting('server_version_num')::int / 10000
"""
COLUMN_TYPES = """
WITH RECURSIVE base (oid, base, depth) AS (
    SELECT oid, oid, 0 FROM pg_type
    UNION ALL
    SELECT base.oid, t.typbasetype, base.depth + 1
    FROM base JOIN pg_type AS t ON t.oid = base.base WHERE t.typbasetype <> 0
),
deepest AS (SELECT DISTINCT ON (oid) oid, base FROM base ORDER BY oid, depth DESC)
SELECT
    wanted.name AS table_name,
    a.attname::text AS column_name,
    CASE WHEN t.typcategory IN ('S', 'E') THEN 'text' ELSE format_type(t.oid, NULL) END
        AS type_name
FROM (VALUES ('events'), ('events_dict'), ('payments')) AS wanted (name)
LEFT JOIN pg_attribute AS a
    ON a.attrelid = to_regclass(wanted.name) AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN deepest ON deepest.oid = a.atttypid
LEFT JOIN pg_type AS t ON t.oid = deepest.base
"""
VISIBLE_ROWS = """
SELECT
    NOT EXISTS (SELECT FROM events) AS events,
    NOT EXISTS (SELECT FROM events_dict) AS events_dict,
    NOT EXISTS (SELECT FROM payments) AS payments
"""
ROW_SECURITY = """
SELECT wanted.name FROM (VALUES ('events'), ('events_dict'), ('payments')) AS wanted (name)
WHERE row_security_active(to_regclass(wanted.name))
"""

ZONED_TIME = "timestamp with time zone"
IDENTITY = """
SELECT
    current_database()::text AS database,
    has_function_privilege('pg_control_system()', 'EXECUTE') AS may_ask,
    n.nspname::text AS schema, c.relname::text AS table_name
FROM (VALUES ('events'), ('events_dict'), ('payments')) AS wanted (name)
JOIN pg_class AS c ON c.oid = to_regclass(wanted.name)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
"""
SYSTEM = "SELECT system_identifier::text AS system FROM pg_control_system()"
#: Ids are compared as text, so any of these will do. Text stands for its whole family.
_IDS = ("text", "integer", "bigint", "smallint", "numeric", "uuid")
#: Dates are read as their midnights, and found to be without hours.
_TIMES = ("timestamp without time zone", ZONED_TIME, "date")
#: The columns that the source must have, each with the types that will do.
COLUMNS = {
    ("events", "_user_id"): _IDS,
    ("events", "event_id"): _IDS,
    ("events", "happened_at"): _TIMES,
    ("events_dict", "id"): _IDS,
    ("events_dict", "_description"): ("text",),
    ("payments", "_user_id"): _IDS,
    ("payments", "transaction_created_at"): _TIMES,
}

CONNECT_SECONDS = 10
#: A server that vanished without a word is noticed after two minutes, not after two hours.
KEEPALIVES = "keepalives_idle=60&keepalives_interval=15&keepalives_count=4"
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")
#: Until the query; a question mark before the @ is one of the password.
_ADDRESS = re.compile(r"(\w+://(?:[^/@]*@)?[^?]*)(?:\?(.*))?", re.DOTALL)
#: What Arrow trims.
BLANKS = (
    " \t\n\v\f\r\x1c\x1d\x1e\x1f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
BLANKS_OF_ASCII = "".join(filter(str.isascii, BLANKS))
#: A database without an encoding sends whatever bytes it was given.
NO_ENCODING = "SQL_ASCII"
#: COPY gives no code, so the words of server and Arrow are all there is.
_BAD_BYTES = re.compile("invalid byte sequence|has no equivalent in encoding|Invalid UTF8")


@dataclass(frozen=True)
class Session:
    """One snapshot of the source; the types of its columns have been found fit."""

    cursor: postgres.Cursor
    #: By table and column.
    types: Mapping[tuple[str, str], str]
    encoding: str
    #: The server's major version.
    version: int
    #: ADBC streams a query by COPY only if it has no parameters: ours are written into its text.
    _parameters: dict[str, str] = field(default_factory=dict, repr=False)

    def set_parameter(self, name: str, value: str) -> None:
        """Bind `value` for queries that say `$name`; it is quoted there."""
        self._parameters[name] = _literal(value)

    def set_condition(self, name: str, condition: str) -> None:
        """Bind a condition of ours, in which what is bound already has its value."""
        self._parameters[name] = self._bound(condition)

    def set_texts(self, name: str, values: pa.Array) -> None:
        """Bind `values` (large_string) as an array of texts: one literal, which is soon parsed.

        It is put together by Arrow: as texts of Python a million ids take a hundred megabytes.
        """
        quote, comma, nothing = (pa.scalar(text, values.type) for text in ('"', ",", ""))
        for sign in ("\\", '"'):
            escaping = pc.ReplaceSubstringOptions(sign, f"\\{sign}")
            values = pc.call_function("replace_substring", [values], escaping)
        quoted = pc.call_function("binary_join_element_wise", [quote, values, quote, nothing])
        whole = pa.ListArray.from_arrays(pa.array([0, len(quoted)], pa.int32()), quoted)
        array = pc.call_function("binary_join", [whole, comma])[0].as_py()
        self._parameters[name] = _literal(f"{{{array}}}") + "::text[]"

    def batches(self, statement: str, texts: str) -> Iterator[pa.RecordBatch]:
        """Run `statement` and yield its rows as they arrive; `texts` names the columns of text.

        Raises:
            SalesAssetsError: a text isn't UTF-8 where the server sent it as such.
        """
        try:
            self.cursor.execute(self._bound(statement))
            for batch in self.cursor.fetch_record_batch():
                if self.encoding == NO_ENCODING:
                    batch.validate(full=True)
                yield batch
        except (pa.ArrowException, adbc_driver_manager.Error, OSError) as error:
            if not _BAD_BYTES.search(str(error)):
                raise
            raise SalesAssetsError(
                f"The source's {texts} holds bytes that are no text in the database's encoding "
                "and can't be read as UTF-8. Correct the rows, or put a view before the table that "
                "converts them: convert_from(column::bytea, 'WIN1251')."
            ) from None

    def frame(self, statement: str) -> pd.DataFrame:
        """Run `statement` and return its rows, which hold no text of the tables."""
        self.cursor.execute(self._bound(statement))
        return self.cursor.fetch_arrow_table().to_pandas()

    def _bound(self, statement: str) -> str:
        return Template(statement).substitute(self._parameters)

    def identity(self, url: str) -> SourceIdentity:
        """Return which source this is; of `url` only host and port are taken.

        A session is asked for it last: a refusal ends its transaction.
        """
        tables, system = self.frame(IDENTITY), None
        if tables["may_ask"].all():
            with suppress(adbc_driver_manager.Error):  # the server can't read its own file
                system = str(self.frame(SYSTEM)["system"].iloc[0])
        told = parse_dsn(connection_string(url))
        host = told.get("hostaddr") or told.get("host") or "localhost"
        schemas = zip(tables["table_name"], tables["schema"], strict=True)
        return SourceIdentity(
            system,
            f"{host}:{told.get('port') or 5432}",
            str(tables["database"].iloc[0]),
            {str(table): str(schema) for table, schema in schemas},
        )

    def require_rows(self) -> None:
        """Refuse tables without a row: nothing true can be said of them.

        Raises:
            SalesAssetsError: names the empty tables, and the row security that may hide rows;
                without it a load may be under way, which passes.
        """
        is_empty = self.frame(VISIBLE_ROWS).iloc[0]
        empty = [str(table) for table in is_empty.index if is_empty[table]]
        if not empty:
            return
        guarded = sorted(set(self.frame(ROW_SECURITY)["name"]).intersection(empty))
        listed = ", ".join(empty)
        if guarded:
            raise SalesAssetsError(
                f"The source's {listed} shows no row to this user, and row security is on for "
                f"{', '.join(guarded)}: its policies hide everything. Add a policy for this user "
                "(CREATE POLICY … FOR SELECT TO … USING (true)), or give it BYPASSRLS "
                "(docs/source.md)."
            )
        raise PassingSourceError(
            f"The source's {listed} has no row at all: nothing is reported of an empty table. See "
            "whether SALES_ASSETS_SOURCE_URL names the right database and schema, and whether the "
            "load has run."
        )


@contextmanager
def open_session(url: str) -> Iterator[Session]:
    """Open a session in which all queries see the source as it was at the first.

    Raises:
        SalesAssetsError: a table or a column is missing, or has a type that can't be read; a
            table is locked by somebody for too long.
        adbc_driver_manager.Error: whatever else the driver reports.
    """
    address = connection_string(url)
    try:
        with closing(postgres.connect(address, autocommit=True)) as connection:
            connection.adbc_connection.set_autocommit(False)
            with closing(connection.cursor()) as cursor:
                _begin(connection, cursor)
                for computed in (STATEMENT_TIMEOUT, CACHE_SIZE):
                    cursor.execute(computed)
                    cursor.fetchall()
                cursor.execute(COLUMN_TYPES)
                types = _fit_types(cursor.fetchall())
                cursor.execute(SERVER)
                [(encoding, version)] = cursor.fetchall()
                session = Session(cursor, types, encoding, version)
                has_all = encoding == "UTF8"
                session.set_parameter("blanks", BLANKS if has_all else BLANKS_OF_ASCII)
                yield session
    except adbc_driver_manager.Error as error:
        if not is_lock_timeout(error):
            raise
        raise locked(address, LOCK_SECONDS) from None


def _begin(connection: postgres.Connection, cursor: postgres.Cursor) -> None:
    """Begin a transaction, which holds the tables where that is possible.

    A foreign table can't be held, nor one of which only some columns may be read.
    """
    try:
        for statement in (*SESSION_SETTINGS, HOLD_TABLES):
            cursor.execute(statement)
    except adbc_driver_manager.Error as error:
        if is_lock_timeout(error):
            raise
        try:
            connection.adbc_connection.rollback()
        except adbc_driver_manager.Error:
            raise error from None  # the server went, and says why only once
        for statement in SESSION_SETTINGS:
            cursor.execute(statement)


def _literal(text: str) -> str:
    """Return a text as SQL writes it, whatever the server makes of a backslash."""
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"


def connection_string(url: str) -> str:
    """Return what libpq is given: without SQLAlchemy's driver, with bounds, in UTF-8.

    What `url` asks for itself stays, except for the encoding; a `=` within a value is escaped.
    """
    address = _DRIVER.sub(r"\1://", url.strip())
    if "://" not in address:
        return f"{address} client_encoding=UTF8"
    wanted = ["client_encoding=UTF8"]
    if "connect_timeout" not in address:
        wanted += [f"connect_timeout={CONNECT_SECONDS}", KEEPALIVES]
    found = _ADDRESS.fullmatch(address)
    start, query = found.groups(default="") if found else (address, "")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    # libpq takes `options=-csearch_path=sales` only with the second sign written as %3D.
    told = [f"{name}={value.replace('=', '%3D')}" if sign else name for name, sign, value in pairs]
    return f"{start}?{'&'.join([*told, *wanted])}"


def _fit_types(rows: Sequence[tuple[Any, ...]]) -> Mapping[tuple[str, str], str]:
    types = {(table, column): kind for table, column, kind in rows if column is not None}
    tables = {table for table, _ in types}
    for (table, column), accepted in COLUMNS.items():
        if table not in tables:
            needed = ", ".join(dict.fromkeys(name for name, _ in COLUMNS))
            raise SalesAssetsError(
                f"The source has no table {table!r}. It needs {needed}: see whether "
                "SALES_ASSETS_SOURCE_URL names the right database, and whether the user's "
                "search_path finds the table (?options=-csearch_path=NAME at the end of the URL "
                "sets it) in a schema of which the user has the right of USAGE (docs/source.md)."
            )
        if (table, column) not in types:
            found = ", ".join(sorted(name for owner, name in types if owner == table))
            raise SalesAssetsError(
                f"The source's table {table!r} has no column {column!r}, only {found}. Rename it "
                "in the source, or put a view of the expected shape before it (docs/source.md)."
            )
        if types[table, column] not in accepted:
            raise SalesAssetsError(
                f"The source's column {table}.{column} has the type {types[table, column]!r}; "
                f"expected one of {', '.join(accepted)}. Change it in the source, or put a view "
                "with a cast before it (docs/source.md)."
            )
    return types
