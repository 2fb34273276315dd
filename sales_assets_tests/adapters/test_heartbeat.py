import logging
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from sales_assets.adapters.heartbeat import beat

LOG = logging.getLogger("heartbeat test")
SECRET = "secret-part-of-the-address"  # noqa: S105 - made up


@pytest.fixture
def monitor() -> Iterator[tuple[str, list[str]]]:
    """A monitor's address, and the paths that were called."""
    called: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{SECRET}", called
        server.shutdown()


def test_the_monitor_is_called_once(monitor: tuple[str, list[str]]) -> None:
    url, called = monitor
    beat(url, LOG)
    assert called == [f"/{SECRET}"]


def test_without_an_address_nothing_happens() -> None:
    beat(None, LOG)


def test_what_answers_in_no_http_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        Thread(target=answer, daemon=True).start()
        beat(f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}", LOG)
    beat(f"http://127.0.0.1/{SECRET} with a blank", LOG)
    assert caplog.text.count("could not be called") == 2
    assert SECRET not in caplog.text


def test_a_monitor_that_is_away_is_said_without_its_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    beat(f"http://127.0.0.1:9/{SECRET}", LOG)
    assert "could not be called" in caplog.text
    assert SECRET not in caplog.text
