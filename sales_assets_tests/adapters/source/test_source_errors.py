from collections.abc import Callable

import adbc_driver_manager
import pytest

from sales_assets.adapters.source.errors import PassingSourceError, explained, redacted
from sales_assets.core.errors import SalesAssetsError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql://u:se@c/r:et@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:se?cret@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u@h/db?password=secret&x=1", "postgresql://u@h/db?password=***&x=1"),
        (
            "postgresql:///db?host=/tmp&sslpassword=secret",
            "postgresql:///db?host=/tmp&sslpassword=***",
        ),
        (
            "postgresql+psycopg2://u:secret@/db?host=/tmp/x",
            "postgresql+psycopg2://u:***@/db?host=/tmp/x",
        ),
        ("host=h password='my \\' secret' user=u", "host=h password=*** user=u"),
        ("host=h PASSWORD=secret", "host=h PASSWORD=***"),
    ],
)
def test_no_secret_of_a_url_is_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize(
    "url", ["postgresql://h:5432/db", "postgresql://u@h/db", "postgresql://u@/db?host=/tmp/a-b"]
)
def test_a_url_without_secrets_is_shown_as_it_is(url: str) -> None:
    assert redacted(url) == url


def raised(error: Exception, url: str) -> SalesAssetsError:
    with pytest.raises(SalesAssetsError) as caught, explained(url, "reading days"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("postgresql://u:p%40ss@h/db", "p%40ss"),
        ("postgresql://u:p%40ss@h/db", "p@ss"),
        ("postgresql://u@h/db?password=p%40ss", "p@ss"),
        ("postgresql://u:am@ber/x@h/db", '"ber"'),  # taken for a host, for want of a %40
    ],
)
def test_a_driver_that_quotes_the_password_is_not_repeated(url: str, written: str) -> None:
    error = adbc_driver_manager.OperationalError(
        f"IO: [libpq] Failed to connect: bad {written}",
        status_code=adbc_driver_manager.AdbcStatusCode.IO,
    )
    told = raised(error, url)
    assert written not in str(told)
    assert written not in str(told.__cause__)


def test_other_errors_and_our_own_pass_unchanged() -> None:
    for error in (ValueError("a bug"), SalesAssetsError("said already")):
        with pytest.raises(type(error)) as caught, explained("postgresql://h/d", "reading"):
            raise error
        assert caught.value is error


FORMS: list[Callable[[str], str]] = [
    lambda said: f"INTERNAL: [libpq] {said}",
    lambda said: f"IO: {said}\n\nQuery was: SELECT 1",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_message_says_what_was_tried_where_and_what_to_do(form: Callable[[str], str]) -> None:
    error = adbc_driver_manager.OperationalError(
        form("canceling statement due to user request"),
        status_code=adbc_driver_manager.AdbcStatusCode.CANCELLED,
        sqlstate="57014",
    )
    assert str(raised(error, "postgresql://u:x@h/d")) == (
        "Reading days failed. Source: postgresql://u:***@h/d. It said: canceling statement due to "
        "user request (57014). The server or someone cancelled the query: raise statement_timeout "
        "for this user, ask for fewer days, or see whether the time columns have an index "
        "(docs/source.md)."
    )


def driver_error(said: str, sqlstate: str | None = None) -> adbc_driver_manager.Error:
    status = adbc_driver_manager.AdbcStatusCode.IO
    return adbc_driver_manager.OperationalError(
        f"IO: [libpq] {said}", status_code=status, sqlstate=sqlstate
    )


AT = 'connection to server at "10.0.0.1", port 5432 failed:'


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("could not begin COPY: SSL error: unexpected eof while reading", "server's log"),
        ("SSL SYSCALL error: EOF detected", "server's log"),
        ("SSL connection has been closed unexpectedly", "server's log"),
        ("could not receive data from server: Connection timed out", "server's log"),
        (f"{AT} Connection timed out", "reached"),
        (f"{AT} No route to host", "reached"),
        (f"{AT} Network is unreachable", "reached"),
        ('connection to server at "pgbouncer", port 6432 failed: Connection refused', "Start the"),
        (f"{AT} FATAL:  the database system is not yet accepting connections", "is starting"),
        (f"{AT} FATAL:  the database system is shutting down", ""),
        (f"{AT} FATAL:  the database system is in recovery mode", ""),
    ],
)
def test_a_server_that_goes_or_cannot_be_reached_is_tried_again(said: str, advice: str) -> None:
    told = raised(driver_error(said), "postgresql://u@h/d?sslmode=require")
    assert isinstance(told, PassingSourceError)
    assert advice in str(told)


@pytest.mark.parametrize(
    ("state", "passes", "advice"),
    [
        ("08006", True, "The connection broke"),
        ("53300", True, "The server lacks connections"),
        ("57P01", True, "The server was stopped"),
        ("40001", True, "A replica cancelled the query"),
        ("40P01", True, "See the server's log"),
        ("55P03", True, "See the server's log"),
        ("42501", False, "needs the right to SELECT"),
        ("57014", False, "raise statement_timeout"),
        ("25006", False, "a fault of the program"),
        ("XX000", False, "See the server's log"),
    ],
)
def test_the_code_of_an_error_tells_whether_it_passes_and_what_to_do(
    state: str, *, passes: bool, advice: str
) -> None:
    told = raised(driver_error("whatever its language says", state), "postgresql://u@h/d")
    assert isinstance(told, PassingSourceError) == passes
    assert advice in str(told)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.5", user "u", SSL encryption', "Let this"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.5", user "u", no encryption', "sslmode=r"),
        ('FATAL:  database "ssl_pgbouncer" does not exist', "Correct the name"),
    ],
)
def test_the_advice_is_for_the_trouble_and_not_for_a_name_in_it(said: str, advice: str) -> None:
    told = raised(driver_error(f"{AT} {said}"), "postgresql://u@h/d")
    assert not isinstance(told, PassingSourceError)
    assert advice in str(told)
