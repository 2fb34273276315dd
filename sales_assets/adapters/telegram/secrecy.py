"""The one way to hide a secret: in what came in, in what is said, in what is logged."""

import base64
import logging
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl, quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

HIDDEN = "<bot token>"
_SECRET = "***"  # noqa: S105 - what stands in place of one
#: What every bot token looks like, whoever's it is.
_ANY_TOKEN = re.compile(r"\d{5,}(?::|%(?:25)*3[Aa]|&#0*58;|&colon;|\\u003[Aa])[A-Za-z0-9_-]{20,}")
#: A shorter one would be hidden in the middle of words.
_SHORTEST = 3
_PASSWORD_KEYS = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)
_IN_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<who>[^/?#\s]*@)?(?P<rest>[^\s'\"<>]*)", re.IGNORECASE
)

_known: set[str] = set()


def hide_from_logs(secret: str) -> None:
    """Keep `secret` out of every log record of this process, tracebacks included.

    A filter on a logger misses the records of the loggers below it, one on a handler those of
    handlers added later; the factory of records misses none.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    is_first = not _known
    _known.add(secret)
    if is_first:
        make = logging.getLogRecordFactory()
        logging.setLogRecordFactory(lambda *args, **named: _redacted(make(*args, **named)))


def hidden(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without any bot token and without `secrets`, in whatever encoding they stand.

    Those are: as it is, percent-encoded once or more, as JSON, HTML or Python escape signs, in
    hexadecimal digits and in both alphabets of base64.
    """
    for secret in {*_known, *secrets}:
        if len(secret) >= _SHORTEST:
            text = _forms(secret).sub(HIDDEN if _ANY_TOKEN.fullmatch(secret) else _SECRET, text)
    return _ANY_TOKEN.sub(HIDDEN, text)


def shown_url(url: str | URL) -> str:
    """Return an address as it may be shown: no password, neither before the host nor in the query.

    Whoever is named in a query goes, too. An address that cannot be read is shown as its scheme.
    """
    text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    return hidden(_IN_URL.sub(_without_password, text), secrets_of(url))


def secrets_of(url: str | URL) -> list[str]:
    """Return the passwords that an address holds, as they are and as the address writes them."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return []
    query = {name: value for name, value in parsed.query.items() if _PASSWORD_KEYS.search(name)}
    values = [value for value in query.values() if isinstance(value, str)]
    found = [*([str(parsed.password)] if parsed.password else []), *values]
    return list(dict.fromkeys(one for plain in found for one in (plain, quote(plain, safe=""))))


def _without_password(found: re.Match[str]) -> str:
    who = found["who"] or ""
    user, colon, _ = who.removesuffix("@").partition(":")
    shown = f"{user}:{_SECRET}@" if colon else who
    address, mark, query = found["rest"].partition("?")
    if not mark:
        return f"{found['scheme']}{shown}{address}"
    pairs = (
        (name, _SECRET if _PASSWORD_KEYS.search(name) or name == "user" else value)
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    return f"{found['scheme']}{shown}{address}?" + "&".join(f"{name}={one}" for name, one in pairs)


@lru_cache(maxsize=64)
def _forms(secret: str) -> re.Pattern[str]:
    """Return what finds `secret` in any of its encodings; of a token its secret half is enough."""
    core = secret.partition(":")[2] if _ANY_TOKEN.fullmatch(secret) else secret
    whole = "(?:" + re.escape(secret[: -len(core)]) + ")?" if core != secret else ""
    escaped = whole + "".join(map(_sign, core))
    data = core.encode()
    encoded = [re.escape(data.hex()), *map(re.escape, _base64_forms(data))]
    return re.compile("|".join([escaped, *encoded]), re.IGNORECASE if len(core) > 15 else 0)  # noqa: PLR2004 - short ones may be words


def _sign(sign: str) -> str:
    code = ord(sign)
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in sign.encode())
    forms = (
        re.escape(sign),
        percent,
        rf"\\+u{code:04x}",
        rf"\\+x{code:02x}",
        f"&#0*{code};",
        f"&#x0*{code:x};",
    )
    return f"(?:{'|'.join(forms)})"


def _base64_forms(data: bytes) -> set[str]:
    """Return how base64 writes `data` at each of its three offsets, without the blurred edges."""
    found: set[str] = set()
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        inner = text[(0, 2, 3)[offset] : len(text) - 1]
        if len(inner) > 7:  # noqa: PLR2004 - less is no proof
            found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found


def _redacted(record: logging.LogRecord) -> logging.LogRecord:
    if record.exc_info and record.exc_info[0] is not None:
        trace = logging.Formatter().formatException(record.exc_info)
        if hidden(trace) != trace:
            record.exc_text, record.exc_info = hidden(trace), None
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # the caller's mistake, which a handler reports
        message = f"{record.msg} {record.args}"
    if hidden(message) != message:
        record.msg, record.args = hidden(message), None
    return record
