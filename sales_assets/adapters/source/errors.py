"""What the source's driver says, as sentences for people, without the password."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

import adbc_driver_manager
import pyarrow as pa

from sales_assets.core.errors import SalesAssetsError


class SourceAwayError(SalesAssetsError):
    """The source could not be read for a reason that passes: asked again later, it may answer."""


_AUTHORITY = re.compile(r"(://[^:@/?]*):(.*)@")
_PARAMETER = re.compile(r"(?i)\b((?:ssl)?password|sslkey|passfile)=('(?:\\.|[^'])*'?|[^&\s]*)")

#: By SQLSTATE, or its class: what was expected and what to do.
_ADVICE_BY_STATE = {
    "42P01": "The source needs the tables events, events_dict and payments, and a search_path "
    "that finds them.",
    "42501": "The user of the URL needs the right to SELECT from events, events_dict and payments.",
    "57014": "The server or someone cancelled the query: raise statement_timeout for this user, "
    "ask for fewer days, or see whether the time columns have an index.",
    "25006": "The source is only read; this is a fault of the program, please report it.",
    "40001": "A replica cancelled the query to keep up; try again, or raise "
    "max_standby_streaming_delay there.",
    "57P": "The server was stopped while it was read; start it, then run this again.",
    "53": "The server lacks connections, memory or disk; try again when it has them.",
    "08": "The connection broke; see whether the server runs, then run this again.",
}
#: A connection that failed and a COPY that broke off give no code: English words are all there is.
_ADVICE_BY_WORDS = {
    "canceling statement due to conflict": _ADVICE_BY_STATE["40001"],
    "canceling statement": _ADVICE_BY_STATE["57014"],
    "password": "Correct the user and the password in SALES_ASSETS_SOURCE_URL.",
    "does not exist": "Correct the name in SALES_ASSETS_SOURCE_URL, or create it on the server.",
    "refused": "Start the server, or correct the host and the port in SALES_ASSETS_SOURCE_URL.",
    "no such file": "Start the server, or correct the socket's folder in SALES_ASSETS_SOURCE_URL.",
    "translate host name": "Correct the host in SALES_ASSETS_SOURCE_URL.",
    "timeout": "See whether the host can be reached from here and lets this machine in.",
    "pg_hba.conf": "Let this machine and user in on the server (pg_hba.conf).",
    "closed the connection": "See in the server's log why it went; then run this again.",
    "terminating connection": "The server was stopped while it was read; start it, run this again.",
    "connection info string": "SALES_ASSETS_SOURCE_URL should look like "
    "postgresql://user:password@host:5432/database.",
    "uri": "SALES_ASSETS_SOURCE_URL should look like postgresql://user:password@host:5432/database;"
    " special signs in the password are written as %XX.",
    "percent-encoded": "Write special signs of the password as %XX (@ as %40, % as %25).",
}
#: What passes by itself: connection, resources, operator's intervention, recovery, locks.
_PASSING_STATES = ("08", "53", "57P", "57014", "40001", "40P01", "55P03")
_PASSING_WORDS = (
    "refused",
    "no such file",
    "timeout",
    "closed the connection",
    "terminating connection",
    "starting up",
    "shutting down",
    "in recovery mode",
    "conflict with recovery",
    "reset by peer",
    "translate host name",
    "too many",
)
_NO_ADVICE = "See the server's log, and try the same URL with psql."


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
        kind = SourceAwayError if _passes(state, said) else SalesAssetsError
        raise kind(
            f"{action[:1].upper()}{action[1:]} failed. "
            f"Source: {redacted(url)}. It said: {said}{code}. {_advice(state, said)}"
        ) from _without_traces(error, said)


def _said(error: Exception, url: str) -> str:
    primary = dict(getattr(error, "details", None) or []).get("PG_DIAG_MESSAGE_PRIMARY")
    text = primary.decode(errors="replace") if primary else str(error)
    text = re.sub(r"^[A-Z_ ]+: (\[libpq\] )?", "", text).split("\n\nQuery was")[0]
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    return " ".join(text.split()).rstrip(".")


def _secrets(url: str) -> list[str]:
    """Return what may be a secret in `url`, as written and decoded, the longest first."""
    written = [match[2] for match in _AUTHORITY.finditer(url)]
    written += [match[2].strip("'") for match in _PARAMETER.finditer(url)]
    return sorted({*written, *map(unquote, written)} - {""}, key=len, reverse=True)


def _advice(state: str, said: str) -> str:
    for length in (5, 3, 2):
        if state[:length] in _ADVICE_BY_STATE:
            return _ADVICE_BY_STATE[state[:length]]
    words = (advice for word, advice in _ADVICE_BY_WORDS.items() if word in said.lower())
    return next(words, _NO_ADVICE)


def _passes(state: str, said: str) -> bool:
    if state:
        return state.startswith(_PASSING_STATES)
    return any(word in said.lower() for word in _PASSING_WORDS)


def _without_traces(error: Exception, said: str) -> Exception:
    """Return the cause to show in a log: the driver's own text may hold the URL."""
    return type(error)(said) if isinstance(error, OSError | pa.ArrowException) else _Driver(said)


class _Driver(Exception):  # noqa: N818 - stands for the driver's error of any class
    """The driver's message, without secrets."""
