"""What the source's driver says, as sentences for people, without the password."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import unquote

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as postgres
import pyarrow as pa

from sales_assets.core.errors import SalesAssetsError

_AUTHORITY = re.compile(r"(://[^:@/?]*):(.*)@")
_PARAMETER = re.compile(r"(?i)\b((?:ssl)?password|sslkey|passfile)=('(?:\\.|[^'])*'?|[^&\s]*)")
_SPECIAL = re.compile(r"[@:/?#%\[\]]")
_QUOTED = re.compile('"[^"]*"')

#: By SQLSTATE, or its class: what was expected and what to do.
_POOLER = (
    "A pooler stands before the server and doesn't let this through. Use its session mode "
    "(pgbouncer: pool_mode = session), or the server's own port; settings such as search_path "
    "belong to the role then (ALTER ROLE … SET)."
)
_BUSY_POOLER = (
    "The pooler before the server has no connection left: give it more (pgbouncer: pool_size, "
    "max_client_conn), or use the server's own port; it is tried again."
)
_ESCAPING = (
    "Special signs of the password are written as %XX in SALES_ASSETS_SOURCE_URL (docs/source.md): "
    "@ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25."
)
_LACKING = "The server lacks connections, memory or disk; try again when it has them."
_ADVICE_BY_STATE = {
    "42P01": "The source needs the tables events, events_dict and payments, and a search_path "
    "that finds them.",
    "42501": "The user of the URL needs the right to SELECT from events, events_dict and payments; "
    "where row security refuses, a policy for it (CREATE POLICY … FOR SELECT TO … USING (true)). "
    "docs/source.md has both.",
    "57014": "The server or someone cancelled the query: raise statement_timeout for this user, "
    "ask for fewer days, or see whether the time columns have an index (docs/source.md).",
    "26000": _POOLER,
    "42P05": _POOLER,
    "42704": _POOLER,
    "25006": "The source is only read; this is a fault of the program, please report it.",
    "40001": "A replica cancelled the query to keep up; try again, or raise "
    "max_standby_streaming_delay there.",
    "57P": "The server was stopped while it was read; start it, then run this again.",
    "53": _LACKING,
    "08": "The connection broke; see whether the server runs, then run this again.",
}
#: Words of a server that went while it was read, and of one that nobody can reach.
_GONE = (
    "closed the connection",
    "closed unexpectedly",
    "no connection to the server",
    "unexpected eof",
    "eof detected",
    "reset by peer",
    "could not receive data",
    "could not send data",
)
_OUT_OF_REACH = ("timed out", "timeout expired", "no route to host", "unreachable")
#: A connection that failed and a COPY that broke off give no code: English words are all there is.
_ADVICE_BY_WORDS = {
    "query_wait_timeout": _BUSY_POOLER,
    "no more connections allowed": _BUSY_POOLER,
    "server_login_retry": "The pooler can't log in at the server behind it: see whether that runs, "
    "and what the pooler's own settings say of it; then run this again.",
    "no such database": "The pooler knows no database of that name: correct it in "
    "SALES_ASSETS_SOURCE_URL, or add it to the pooler's list (pgbouncer: [databases]).",
    "transaction blocks not allowed": _POOLER,
    "unsupported startup parameter": _POOLER,
    "prepared statement": _POOLER,
    "pgbouncer": _POOLER,
    "canceling statement due to conflict": _ADVICE_BY_STATE["40001"],
    "canceling statement": _ADVICE_BY_STATE["57014"],
    **dict.fromkeys(_GONE, "See in the server's log why it went; then run this again."),
    "server does not support ssl": "The server speaks no SSL: write ?sslmode=disable (or prefer) "
    "at the end of SALES_ASSETS_SOURCE_URL.",
    "no encryption": "The server wants SSL, or lets this machine in only with it: write "
    "?sslmode=require at the end of SALES_ASSETS_SOURCE_URL; else let this machine and user in "
    "(pg_hba.conf).",
    "pg_hba.conf": "Let this machine and user in on the server (pg_hba.conf).",
    "certificate": "See sslmode and sslrootcert in SALES_ASSETS_SOURCE_URL: verify-full needs the "
    "authority's certificate, require does without.",
    "ssl": "See sslmode at the end of SALES_ASSETS_SOURCE_URL: disable, prefer, require or "
    "verify-full.",
    "invalid integer value": _ESCAPING,
    "invalid port": _ESCAPING,
    "password": f"Correct the user and the password in SALES_ASSETS_SOURCE_URL. {_ESCAPING}",
    "too many clients": _LACKING,
    "too many connections": "The role or the database has a bound (ALTER ROLE … CONNECTION LIMIT), "
    "or is used by others: end what isn't needed; then run this again.",
    "remaining connection slots": _LACKING,
    "not permitted to log in": "Let the role log in: ALTER ROLE … LOGIN.",
    **dict.fromkeys(
        ("starting up", "not yet accepting"), "The server is starting; run this again."
    ),
    "does not exist": "Correct the name in SALES_ASSETS_SOURCE_URL, or create it on the server.",
    "refused": "Start the server, or correct the host and the port in SALES_ASSETS_SOURCE_URL.",
    "no such file": "Start the server, or correct the socket's folder in SALES_ASSETS_SOURCE_URL.",
    "translate host name": f"Correct the host in SALES_ASSETS_SOURCE_URL. {_ESCAPING}",
    **dict.fromkeys(
        (*_OUT_OF_REACH, "timeout"),
        "See whether the host can be reached from here and lets this machine in.",
    ),
    "terminating connection": "The server was stopped while it was read; start it, run this again.",
    "connection info string": "SALES_ASSETS_SOURCE_URL should look like "
    "postgresql://user:password@host:5432/database.",
    "uri": "SALES_ASSETS_SOURCE_URL should look like postgresql://user:password@host:5432/database."
    f" {_ESCAPING}",
    "percent-encoded": _ESCAPING,
}
#: States, or their classes, and words of what passes by itself.
_PASSING_STATES = ("08", "53", "57P", "40001", "40P01", "55P03")
_PASSING_WORDS = (
    *_GONE,
    *_OUT_OF_REACH,
    "refused",
    "terminating connection",
    "starting up",
    "not yet accepting",
    "shutting down",
    "in recovery mode",
    "no such file",
    "translate host name",
    "due to conflict",
    "query_wait_timeout",
    "no more connections",
    "server_login_retry",
    "too many clients",
    "too many connections",
    "remaining connection slots",
)
#: Who holds a table, or a partition of it, or what a view of that name reads; or waits for it.
LOCK_HOLDERS = """
WITH RECURSIVE behind (relation) AS (
    SELECT to_regclass(wanted.name)::oid
    FROM (VALUES ('events'), ('events_dict'), ('payments')) AS wanted (name)
    UNION
    SELECT next.relation FROM behind, LATERAL (
        SELECT inhrelid FROM pg_inherits WHERE inhparent = behind.relation
        UNION ALL
        SELECT d.refobjid FROM pg_rewrite AS r
        JOIN pg_depend AS d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass
            AND d.refclassid = 'pg_class'::regclass
        WHERE r.ev_class = behind.relation
    ) AS next (relation)
)
SELECT c.relname::text, coalesce(l.pid, 0), coalesce(a.usename::text, '?'),
    coalesce(a.application_name, ''), extract(epoch FROM now() - a.xact_start)::int,
    CASE WHEN l.granted THEN '' ELSE pg_blocking_pids(l.pid)::text END
FROM behind
JOIN pg_class AS c ON c.oid = behind.relation
JOIN pg_locks AS l ON l.relation = c.oid AND l.mode = 'AccessExclusiveLock'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
ORDER BY l.granted DESC, c.relname, l.pid
"""


class PassingSourceError(SalesAssetsError):
    """The source can't be read now and probably can later: a lock, a restart, a load under way."""


def is_lock_timeout(error: Exception) -> bool:
    """Tell whether the server gave up waiting for somebody's lock."""
    return getattr(error, "sqlstate", None) == "55P03" or "lock timeout" in str(error)


def locked(address: str, seconds: int) -> PassingSourceError:
    """Return the error about tables that are locked, naming who holds them if that can be seen."""
    holders: list[str] = []
    tables: list[str] = []
    with (
        suppress(adbc_driver_manager.Error),
        closing(postgres.connect(address, autocommit=True)) as connection,
        closing(connection.cursor()) as cursor,
    ):
        cursor.execute(LOCK_HOLDERS)
        for table, pid, user, program, age, waits_for in cursor.fetchall():
            tables.append(table)
            known = (
                f"user {user}",
                program,
                f"for {age} s" if age is not None else "",
                f"which itself waits for process {waits_for.strip('{}')}" if waits_for else "",
            )
            holders.append(f"process {pid or 'unknown'} ({', '.join(filter(None, known))})")
    what = ", ".join(dict.fromkeys(tables)) or "one of events, events_dict, payments"
    who = ", ".join(dict.fromkeys(holders)) or "a session that this user can't see"
    return PassingSourceError(
        f"The source's table {what} is locked by {who}; {seconds} s were waited for it. It is "
        "read as soon as the lock is gone: wait for that session, or end it on the server "
        "(pg_terminate_backend)."
    )


def redacted(url: str) -> str:
    """Return a libpq URL or connection string with `***` in the place of every secret.

    What can't be told from a password for sure goes too.
    """
    return _PARAMETER.sub(r"\1=***", _AUTHORITY.sub(r"\1:***@", url))


@contextmanager
def explained(url: str, action: str) -> Iterator[None]:
    """Turn an error of the driver into a `SalesAssetsError` about `action` on the source `url`."""
    try:
        yield
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        said = _said(error, url)
        state = getattr(error, "sqlstate", None) or ""
        code = f" ({state})" if state else ""
        # What tells one trouble from another: not the names, such as a host's `pgbouncer`.
        words = _QUOTED.sub("", said).lower()
        passes = state.startswith(_PASSING_STATES) or any(one in words for one in _PASSING_WORDS)
        # The driver's own text may hold the URL.
        is_drivers = isinstance(error, adbc_driver_manager.Error)
        raise (PassingSourceError if passes else SalesAssetsError)(
            f"{action[:1].upper()}{action[1:]} failed. "
            f"Source: {redacted(url)}. It said: {said}{code}. {_advice(state, words)}"
        ) from (_Driver(said) if is_drivers else type(error)(said))


def _said(error: Exception, url: str) -> str:
    primary = dict(getattr(error, "details", None) or []).get("PG_DIAG_MESSAGE_PRIMARY")
    text = primary.decode(errors="replace") if primary else str(error)
    text = re.sub(r"^[A-Z_ ]+: (\[libpq\] )?", "", text).split("\nQuery was")[0]
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    parts = [part for secret in _secrets(url) for part in _SPECIAL.split(secret) if part]
    if parts:  # what an unescaped password was taken for: a host, a port
        pattern = "|".join(map(re.escape, sorted(parts, key=len, reverse=True)))
        text = _QUOTED.sub(lambda quoted: re.sub(pattern, "***", quoted[0]), text)
    return " ".join(text.split()).rstrip(".")


def _secrets(url: str) -> list[str]:
    """Return what may be a secret in `url`, as written and decoded, the longest first."""
    written = [match[2] for match in _AUTHORITY.finditer(url)]
    written += [match[2].strip("'") for match in _PARAMETER.finditer(url)]
    return sorted({*written, *map(unquote, written)} - {""}, key=len, reverse=True)


def _advice(state: str, words: str) -> str:
    for length in (5, 3, 2):
        if state[:length] in _ADVICE_BY_STATE:
            return _ADVICE_BY_STATE[state[:length]]
    found = (advice for word, advice in _ADVICE_BY_WORDS.items() if word in words)
    return next(found, "See the server's log, and try the same URL with psql.")


class _Driver(Exception):  # noqa: N818 - stands for the driver's error of any class
    """The driver's message, without secrets."""
