"""The connection to Telegram: faults as they are, proxies, settings, and the token nowhere."""

import asyncio
import base64
import gc
import logging
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sales_assets.adapters.telegram import client
from sales_assets.adapters.telegram.client import BotApi, check_telegram_settings
from sales_assets.adapters.telegram.secrecy import hide_from_logs
from sales_assets.core.delivery.messages import Message
from sales_assets.core.delivery.rows import Answer, Outcome, Place
from sales_assets.core.errors import SalesAssetsError
from sales_assets_tests.adapters.delivery.delivery_world import REPORT
from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.fake_telegram.server import FakeTelegram
from sales_assets_tests.fake_telegram.wire import Plan, Wire

WORDS = Message("<b>23</b> заявки")
PICTURE = Message("<b>23</b> заявки", file=REPORT.picture)


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running


def send(transport: BotApi, chat: int, message: Message = WORDS) -> Answer:
    async def run() -> Answer:
        async with transport:
            return await transport.send(Place(chat), message)

    return asyncio.run(run())


# --- Bytes that go wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        (Plan("connect", end="close"), {Outcome.UNKNOWN, Outcome.NOT_SENT}),
        (Plan("connect", end="reset"), {Outcome.UNKNOWN, Outcome.NOT_SENT}),
        (Plan("request", after="headers", end="reset"), {Outcome.UNKNOWN, Outcome.NOT_SENT}),
        (Plan("answer", after="nothing", end="close"), {Outcome.UNKNOWN}),
        (Plan("answer", after="nothing", end="reset"), {Outcome.UNKNOWN}),
        (Plan("answer", after="nothing", end="garble"), {Outcome.UNKNOWN}),
        (Plan("answer", after="headers", end="reset"), {Outcome.UNKNOWN}),
        (Plan("answer", after="headers", end="garble"), {Outcome.UNKNOWN}),
        (Plan("answer", after="body", end="close"), {Outcome.UNKNOWN}),
    ],
)
def test_bytes_that_go_wrong_are_never_taken_for_an_answer(
    fake: FakeTelegram, plan: Plan, outcome: set[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_READ", 0.5)
    chat = fake.add_private_chat()
    with Wire(fake.port) as wire:
        wire.plan(plan)
        answer = send(BotApi(fake.token, base_url=wire.base_url), chat, PICTURE)
    assert answer.outcome in outcome


def test_a_reset_in_mid_upload_is_certainly_not_sent(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    big = Message("<b>23</b> заявки", file=b"x" * 3_000_000)
    with Wire(fake.port) as wire:
        for end in ("reset", "close"):
            wire.plan(Plan("request", "body", end, 200_000, "sendPhoto"))
            answer = send(BotApi(fake.token, base_url=wire.base_url), chat, big)
            assert answer.outcome is Outcome.NOT_SENT
            assert "before the whole request had left" in answer.reason
    assert fake.accepted(chat) == []


def test_a_request_that_is_out_whole_is_a_doubt_however_it_ends(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    fake.order(faults.accept_then_hang_up())
    answer = send(BotApi(fake.token, base_url=fake.base_url), chat, PICTURE)
    assert answer.outcome is Outcome.UNKNOWN
    assert len(fake.accepted(chat)) == 1


def test_a_refused_connection_is_certainly_not_sent(fake: FakeTelegram) -> None:
    fake.stop_serving()
    answer = send(BotApi(fake.token, base_url=fake.base_url), 5)
    assert answer.outcome == Outcome.NOT_SENT


def test_a_name_that_does_not_exist_is_certainly_not_sent() -> None:
    answer = send(BotApi("1:a", base_url="http://no.invalid/bot"), 5)
    assert answer.outcome == Outcome.NOT_SENT


def test_a_request_that_never_ends_is_in_doubt(
    fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "REQUEST_SECONDS", 0.3)
    chat = fake.add_private_chat()
    with Wire(fake.port) as wire:
        wire.plan(Plan("answer", after="headers", end="stall"))
        answer = send(BotApi(fake.token, base_url=wire.base_url), chat)
    assert answer.outcome == Outcome.UNKNOWN
    assert len(fake.accepted(chat)) == 1


def test_the_timeouts_are_those_that_the_lease_allows_for() -> None:
    timeout = client._new_request(None)._client.timeout  # noqa: SLF001 - PTB shows only one of them
    assert (timeout.connect, timeout.read, timeout.write, timeout.pool) == (10, 60, 30, 10)


# --- Proxies --------------------------------------------------------------------------------------


class Forward(socketserver.BaseRequestHandler):
    """A proxy of one connection: HTTP by absolute address, or SOCKS5 with name and password."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Proxy)
        first = self.request.recv(65536)
        if first[:1] == b"\x05":
            self.greet(server, first)
            return
        server.seen.append("http")
        if server.password and server.credentials not in first:
            self.request.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
            )
            return
        head = re.sub(rb"^POST http://[^/]+", b"POST ", first, count=1)
        self.pass_on(server.target, head)

    def greet(self, server: "Proxy", _first: bytes) -> None:
        server.seen.append("socks5")
        self.request.sendall(b"\x05\x02")
        login = self.request.recv(1024)
        name_length = login[1]
        password = login[3 + name_length :].decode()
        is_known = password == server.password
        self.request.sendall(b"\x01\x00" if is_known else b"\x01\x01")
        if is_known:
            self.request.recv(1024)
            self.request.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            self.pass_on(server.target, b"")

    def pass_on(self, port: int, head: bytes) -> None:
        with socket.create_connection(("127.0.0.1", port)) as target:
            target.sendall(head)
            back = threading.Thread(target=pump, args=(target, self.request))
            back.start()
            pump(self.request, target)
            back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, target: int, password: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Forward)
        self.target = target
        self.password = password
        self.seen: list[str] = []

    @property
    def port(self) -> int:
        return self.socket.getsockname()[1]

    @property
    def credentials(self) -> bytes:
        return base64.b64encode(f"chief:{self.password}".encode())


@contextmanager
def proxy(target: int, password: str = "") -> Iterator[Proxy]:
    with Proxy(target, password) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_message_goes_through_a_proxy_with_a_password(fake: FakeTelegram, scheme: str) -> None:
    chat = fake.add_private_chat()
    with proxy(fake.port, "secret") as server:
        address = f"{scheme}://chief:secret@127.0.0.1:{server.port}"
        transport = BotApi(fake.token, base_url=fake.base_url, proxy=address)
        assert send(transport, chat).outcome == Outcome.SENT
    assert server.seen == [scheme]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_wrong_proxy_password_stops_the_dispatch_and_is_not_shown(
    fake: FakeTelegram, scheme: str
) -> None:
    with proxy(fake.port, "secret") as server:
        address = f"{scheme}://chief:wrong-password@127.0.0.1:{server.port}"
        answer = send(BotApi(fake.token, base_url=fake.base_url, proxy=address), 5)
    assert answer.outcome == Outcome.STOP
    assert "wrong-password" not in answer.reason
    gc.collect()  # httpcore leaves the socket of a refused SOCKS login to the collector


def test_a_proxy_that_is_down_is_certainly_not_sent(fake: FakeTelegram) -> None:
    with proxy(fake.port) as server:
        address = f"http://127.0.0.1:{server.port}"
    answer = send(BotApi(fake.token, base_url=fake.base_url, proxy=address), 5)
    assert answer.outcome == Outcome.NOT_SENT


def test_a_proxy_of_the_environment_is_not_used(
    fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    chat = fake.add_private_chat()
    answer = send(BotApi(fake.token, base_url=fake.base_url), chat)
    assert answer.outcome == Outcome.SENT


# --- Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "no token", "123:abc def", "'123:abc'", "123:abc\n"])
def test_a_token_that_no_bot_can_have_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(SalesAssetsError, match="TELEGRAM_BOT_TOKEN") as told:
        check_telegram_settings(token, None)
    assert not token.strip() or token not in str(told.value)


@pytest.mark.parametrize("url", ["127.0.0.1:8081", "http://127.0.0.1:8081", "ftp://x/bot"])
def test_a_base_url_that_is_no_bot_api_address_is_refused(url: str) -> None:
    with pytest.raises(SalesAssetsError, match="ends in /bot"):
        BotApi("1:a", base_url=url)


@pytest.mark.parametrize("address", ["ftp://chief:secret@x", "chief:secret"])
def test_a_proxy_address_that_cannot_be_used_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(SalesAssetsError, match="TELEGRAM_PROXY") as told:
        send(BotApi("1:a", proxy=address), 5)
    assert "secret" not in str(told.value)


# --- The token ------------------------------------------------------------------------------------


def test_the_token_is_in_no_log_record_and_no_traceback(
    fake: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    transport = BotApi(fake.token, base_url=fake.base_url)
    send(transport, fake.add_private_chat())
    fake.revoke_token()
    send(transport_again(fake), 5)
    logging.getLogger("telegram.deep.below").error("a request to %s", fake.base_url + fake.token)
    try:
        int(fake.token)
    except ValueError:
        logging.getLogger("anywhere").exception("failed")

    told = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "<bot token>" in told
    assert fake.token not in told


def transport_again(fake: FakeTelegram) -> BotApi:
    return BotApi(fake.token, base_url=fake.base_url)


def test_httpx_logs_no_addresses() -> None:
    hide_from_logs("1:a")
    assert logging.getLogger("httpx").level == logging.WARNING
    assert logging.getLogger("httpcore").level == logging.WARNING


@pytest.mark.parametrize("encoding", ["plain", "percent", "json", "base64"])
def test_a_server_that_repeats_the_token_does_not_bring_it_into_the_answer(
    fake: FakeTelegram, encoding: str
) -> None:
    echoed = {
        "plain": fake.token,
        "percent": "".join(f"%{ord(sign):02x}" for sign in fake.token),
        "json": "".join(f"\\u{ord(sign):04x}" for sign in fake.token),
        "base64": base64.b64encode(fake.token.encode()).decode(),
    }[encoding]
    chat = fake.add_private_chat()
    fake.order(faults.refuse(400, f"Bad Request: you asked for {echoed}"))
    answer = send(BotApi(fake.token, base_url=fake.base_url), chat)
    assert answer.outcome is Outcome.REFUSED
    assert fake.token.partition(":")[2] not in answer.reason
    assert echoed not in answer.reason
