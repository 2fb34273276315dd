"""The one way to hide a secret, whatever it is written in."""

import base64
import json
from urllib.parse import quote

import pytest

from sales_assets.adapters.telegram.secrecy import hidden, secrets_of, shown_url

TOKEN = "7000000001:AAFakeToken_For-TheTestsOnly_0000000"  # noqa: S105 - belongs to no bot
CORE = TOKEN.partition(":")[2]


@pytest.mark.parametrize(
    "written",
    [
        TOKEN,
        CORE,
        quote(TOKEN, safe=""),
        quote(quote(TOKEN, safe=""), safe=""),
        "".join(f"%{ord(sign):02X}" for sign in TOKEN),
        "".join(f"\\u{ord(sign):04x}" for sign in TOKEN),
        json.dumps("".join(f"\\x{ord(sign):02x}" for sign in TOKEN)),
        "".join(f"&#{ord(sign)};" for sign in TOKEN),
        "".join(f"&#x{ord(sign):x};" for sign in TOKEN),
        TOKEN.encode().hex(),
        base64.b64encode(TOKEN.encode()).decode(),
        base64.b64encode(b"x" + TOKEN.encode()).decode(),
        base64.urlsafe_b64encode(b"xy" + TOKEN.encode()).decode(),
    ],
)
def test_a_token_is_hidden_in_any_encoding(written: str) -> None:
    shown = hidden(f"before {written} after", [TOKEN])
    assert written not in shown
    assert CORE not in shown
    assert shown.startswith("before ")
    assert shown.endswith("after") or "base64" not in shown


def test_a_token_of_whichever_bot_is_hidden() -> None:
    assert hidden(f"http://host/bot{TOKEN}/getMe") == "http://host/bot<bot token>/getMe"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://chief:pass@host:5432/db", "postgresql://chief:***@host:5432/db"),
        ("postgresql://chief:p@ss@host/db", "postgresql://chief:***@host/db"),
        (
            "postgresql://host/db?user=chief&password=p%40ss&sslmode=require",
            "postgresql://host/db?user=***&password=***&sslmode=require",
        ),
        ("sqlite:////var/lib/state.db", "sqlite:////var/lib/state.db"),
        ("http://127.0.0.1:8081/bot", "http://127.0.0.1:8081/bot"),
        ("s3://bucket/folder?secret=x", "s3://bucket/folder?secret=***"),
    ],
)
def test_a_url_is_shown_without_its_passwords(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_the_passwords_of_a_url_are_hidden_as_they_are_and_as_it_writes_them() -> None:
    secrets = secrets_of("postgresql://chief:p%40ss%2Fword@host/db?sslpassword=other")
    assert {"p@ss/word", "p%40ss%2Fword", "other"} <= set(secrets)
    assert hidden('connection to "p@ss/word" failed: other', secrets) == (
        'connection to "***" failed: ***'
    )


def test_what_holds_no_secret_stays_as_it_is() -> None:
    text = "2026-02-12 08:45:00 sent 12345:67890 to -1002000000001"
    assert hidden(text, [TOKEN]) == text
