import contextlib
from collections.abc import Iterator
from itertools import product
from typing import get_args

import httpx
import pytest
import telegram

from sales_assets_tests.fake_telegram.conftest import NO_TLS, http_get, http_post, picture, ptb_call
from sales_assets_tests.fake_telegram.server import FakeTelegram
from sales_assets_tests.fake_telegram.wire import After, End, Plan, Wire

SPOILED = list(product(("request", "answer"), get_args(After), get_args(End)))
TROUBLE = (telegram.error.TelegramError, AttributeError)


@pytest.fixture
def wire(fake: FakeTelegram) -> Iterator[Wire]:
    with Wire(fake.port) as running:
        yield running


def post(fake: FakeTelegram, wire: Wire, chat: int) -> httpx.Response:
    address = f"{wire.base_url}{fake.token}/sendPhoto"
    files = {"photo": ("r.png", picture(800, 800))}
    return http_post(address, data={"chat_id": chat}, files=files, timeout=0.3)


def test_without_a_plan_everything_passes(fake: FakeTelegram, wire: Wire) -> None:
    chat = fake.add_private_chat()
    with httpx.Client(verify=NO_TLS, base_url=wire.base_url + fake.token) as client:
        for text in "abc":
            client.post("/sendMessage", data={"chat_id": chat, "text": text})
    assert post(fake, wire, chat).status_code == 200
    assert len(fake.accepted(chat)) == 4
    assert [name for name, _ in wire.exchanges] == ["sendMessage"] * 3 + ["sendPhoto"]


@pytest.mark.parametrize(("side", "after", "end"), SPOILED)
def test_a_spoiled_exchange_is_trouble_and_accepted_only_if_the_request_was_whole(
    fake: FakeTelegram, wire: Wire, side: str, after: str, end: str
) -> None:
    chat = fake.add_private_chat()
    plan = Plan(side, after, end)  # type: ignore[arg-type]
    wire.plan(plan)
    if (side, end) == ("request", "garble"):
        assert_garbled_request_is_no_message(fake, wire, chat)
    else:
        with pytest.raises((httpx.TransportError, ValueError)):
            post(fake, wire, chat).json()
        assert len(fake.accepted(chat)) == int(side == "answer")
    # Of a garbled request the rest may be read as another, which has no name.
    assert [each for each in wire.exchanges if each[0]] == [("sendPhoto", plan)]
    assert wire.plans == []
    assert post(fake, wire, chat).status_code == 200


def assert_garbled_request_is_no_message(fake: FakeTelegram, wire: Wire, chat: int) -> None:
    with contextlib.suppress(httpx.TransportError):
        assert post(fake, wire, chat).status_code >= 400
    assert fake.accepted(chat) == []


@pytest.mark.parametrize("end", ["close", "reset", "stall"])
def test_a_connection_may_end_before_a_byte_is_read(
    fake: FakeTelegram, wire: Wire, end: str
) -> None:
    wire.plan(Plan("connect", end=end))  # type: ignore[arg-type]
    with pytest.raises(httpx.TransportError):
        post(fake, wire, fake.add_private_chat())
    assert fake.requests == []


def test_a_plan_with_a_method_waits_for_it_within_a_kept_connection(
    fake: FakeTelegram, wire: Wire
) -> None:
    chat = fake.add_private_chat()
    wire.plan(Plan("answer", "headers", "reset", method="sendPhoto"))

    async def act(bot: telegram.Bot) -> None:
        await bot.get_me()
        await bot.send_message(chat, "a")
        with pytest.raises(telegram.error.NetworkError):
            await bot.send_photo(chat, picture())
        await bot.send_photo(chat, picture())

    ptb_call(fake, act, wire.url)
    assert len(fake.accepted(chat)) == 3
    assert fake.violations == []


def test_a_refused_connection_comes_back_on_the_same_port(fake: FakeTelegram, wire: Wire) -> None:
    chat = fake.add_private_chat()
    wire.refuse()
    with pytest.raises(httpx.ConnectError):
        post(fake, wire, chat)
    wire.listen()
    assert post(fake, wire, chat).status_code == 200


def test_a_silent_line_to_nowhere_ends_with_the_wire() -> None:
    with Wire(1) as wire, pytest.raises(httpx.TransportError):
        http_get(wire.url, timeout=0.5)
    assert not wire.thread.is_alive()
