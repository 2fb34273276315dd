"""The way out of a blocked network: both kinds of proxy, a clear word for each wrong setting."""

import asyncio
import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sales_assets.adapters.delivery.dispatcher import DeliveryResult
from sales_assets.adapters.settings import InvalidSettingError, Settings
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.bot import program
from sales_assets.core.errors import SalesAssetsError
from sales_assets_tests.adapters.delivery.delivery_world import DAY, REPORT, World, subscribe
from sales_assets_tests.fake_telegram.server import FakeTelegram
from sales_assets_tests.faults.proxies import Proxy

OTHER_TOKEN = "7000000002:AAAnotherTokenThatNobodyKnows_0000001"  # noqa: S105 - belongs to no bot


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, fake: FakeTelegram) -> Iterator[World]:
    with World.at(tmp_path) as world:
        subscribe(world.state, fake.add_private_chat())
        yield world


def deliver(world: World, fake: FakeTelegram, **settings: str | None) -> DeliveryResult:
    """Deliver the report through a client with these settings, the rest as they should be."""
    told = {"token": fake.token, "base_url": fake.base_url, "proxy": None} | settings
    token = told.pop("token") or ""
    return world.dispatcher(BotApi(token, **told)).deliver(REPORT)


def complaint(world: World, fake: FakeTelegram, **settings: str | None) -> str:
    """What a delivery with a wrong setting says; nothing is sent, nobody is put to sleep."""
    trouble = deliver(world, fake, **settings).trouble or ""
    assert fake.accepted() == []
    assert {row.state.value for row in world.ledger.rows(DAY)} == {"planned"}
    assert len(world.ledger.readers()) == 1
    assert fake.token not in trouble
    return trouble


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
def test_the_delivery_goes_through_a_proxy_with_a_password(
    fake: FakeTelegram, world: World, scheme: str
) -> None:
    with Proxy() as proxy:
        deliver(world, fake, proxy=proxy.url(scheme))
    assert len(fake.accepted()) == 1
    assert proxy.passed[0][1] == fake.port


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_the_bot_answers_through_a_proxy_with_a_password(
    fake: FakeTelegram, tmp_path: Path, scheme: str
) -> None:
    chief = fake.add_user("Chief")
    with Proxy() as proxy, bot_running(bot_settings(fake, tmp_path, proxy.url(scheme))):
        fake.start(chief)
        fake.wait_for(lambda: fake.from_bot(chief))
    assert proxy.passed


# httpcore leaves the connection to a SOCKS proxy that refuses to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_wrong_proxy_password_stops_the_delivery_and_names_the_setting(
    fake: FakeTelegram, world: World, scheme: str
) -> None:
    with Proxy() as proxy:
        words = complaint(world, fake, proxy=proxy.url(scheme, "Wrong-Passw0rd"))
    gc.collect()
    assert "SALES_ASSETS_TELEGRAM_PROXY" in words
    assert "Wrong-Passw0rd" not in words
    assert proxy.refused
    assert proxy.passed == []


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_that_is_down_is_waited_for(fake: FakeTelegram, world: World, scheme: str) -> None:
    with Proxy() as proxy:
        url = proxy.url(scheme)
    deliver(world, fake, proxy=url)
    row = world.ledger.rows(DAY)[0]
    assert (row.state.value, fake.accepted()) == ("planned", [])
    assert "nothing was sent" in str(row.reason) or "PROXY" in str(row.reason)
    assert proxy.password not in str(row)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_that_hangs_up_because_it_reaches_nobody_leaves_the_report_planned(
    fake: FakeTelegram, world: World, scheme: str
) -> None:
    fake.stop_serving()
    with Proxy() as proxy:
        deliver(world, fake, proxy=proxy.url(scheme))
    gc.collect()
    assert proxy.passed
    assert {row.state.value for row in world.ledger.rows(DAY)} <= {"planned", "unknown"}


@pytest.mark.parametrize("address", ["socks4://127.0.0.1:1080", "127.0.0.1:3128", "proxy"])
def test_an_address_that_is_no_proxy_is_refused_when_settings_are_read(address: str) -> None:
    with pytest.raises(InvalidSettingError, match="SALES_ASSETS_TELEGRAM_PROXY"):
        Settings.from_environment({"SALES_ASSETS_TELEGRAM_PROXY": address})


def test_a_proxy_without_a_usable_port_is_refused_and_its_password_not_shown() -> None:
    proxy = "http://reports:Hidden-Passw0rd@127.0.0.1:port"
    transport = BotApi(OTHER_TOKEN, proxy=proxy)
    with pytest.raises(SalesAssetsError, match="SALES_ASSETS_TELEGRAM_PROXY") as caught:
        asyncio.run(transport.__aenter__())
    assert "Hidden-Passw0rd" not in str(caught.value)


def test_a_wrong_token_stops_the_delivery_and_names_the_setting(
    fake: FakeTelegram, world: World
) -> None:
    words = complaint(world, fake, token=OTHER_TOKEN)
    assert "SALES_ASSETS_TELEGRAM_BOT_TOKEN" in words
    assert OTHER_TOKEN not in words


def test_a_wrong_path_in_the_base_url_stops_the_delivery_and_names_the_setting(
    fake: FakeTelegram, world: World
) -> None:
    words = complaint(world, fake, base_url=f"{fake.url}/elsewhere/bot")
    assert "SALES_ASSETS_TELEGRAM_BASE_URL" in words


def test_a_base_url_of_another_service_sends_nothing_and_names_the_setting(
    fake: FakeTelegram, world: World
) -> None:
    with other_service() as url:
        deliver(world, fake, base_url=f"{url}/bot")
    row = world.ledger.rows(DAY)[0]
    assert (row.state.value, fake.accepted()) == ("planned", [])
    assert "SALES_ASSETS_TELEGRAM_BASE_URL" in str(row.reason)


def test_a_base_url_where_nobody_listens_leaves_the_report_planned(
    fake: FakeTelegram, world: World
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    deliver(world, fake, base_url=f"http://127.0.0.1:{port}/bot")
    assert {row.state.value for row in world.ledger.rows(DAY)} == {"planned"}


@pytest.mark.parametrize("wrong", ["token", "path", "proxy password"])
def test_the_bot_ends_with_its_own_exit_code_on_a_wrong_setting(
    fake: FakeTelegram, tmp_path: Path, wrong: str
) -> None:
    with Proxy() as proxy:
        settings = Settings(
            telegram_bot_token=OTHER_TOKEN if wrong == "token" else fake.token,
            telegram_base_url=f"{fake.url}/x/bot" if wrong == "path" else fake.base_url,
            telegram_proxy=proxy.url("http", "no") if wrong == "proxy password" else None,
            state_url=f"sqlite:///{tmp_path / 'state.db'}",
            var_dir=tmp_path,
        )
        code = asyncio.run(asyncio.wait_for(program.serve(settings, asyncio.Event()), 20))
    assert code == program.EXIT_STOPPED


# --- What these tests need -----------------------------------------------------------------------


def bot_settings(fake: FakeTelegram, folder: Path, proxy: str) -> Settings:
    return Settings(
        telegram_bot_token=fake.token,
        telegram_base_url=fake.base_url,
        telegram_proxy=proxy,
        state_url=f"sqlite:///{folder / 'state.db'}",
        var_dir=folder,
    )


@contextmanager
def bot_running(settings: Settings) -> Iterator[None]:
    """The bot in a thread of its own, ended cleanly."""
    ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        ready.append((asyncio.get_running_loop(), stop))
        await program.serve(settings, stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        yield
    finally:
        loop, stop = ready[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        assert not thread.is_alive()


class Page(BaseHTTPRequestHandler):
    """A web server that knows nothing of bots and answers everything with its page."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        page = b"<html>It works!</html>"
        self.send_response(405)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """Say nothing."""


@contextmanager
def other_service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
