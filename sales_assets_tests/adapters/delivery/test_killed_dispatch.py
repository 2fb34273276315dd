"""SIGKILL at every point of a delivery: nothing lost, at most one extra copy, and that flagged."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sales_assets.adapters.telegram.client import BotApi
from sales_assets.core.delivery.rows import GRACE, LEASE
from sales_assets_tests.adapters.delivery import killed_dispatch
from sales_assets_tests.adapters.delivery.delivery_world import DAY, REPORT, World, subscribe
from sales_assets_tests.fake_telegram.server import FakeTelegram


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.at(tmp_path) as world:
        yield world


def start(fake: FakeTelegram, world: World, folder: Path, point: str) -> "subprocess.Popen[bytes]":
    told = {
        "point": point,
        "state": f"sqlite:///{folder / 'state.db'}",
        "base_url": fake.base_url,
        "token": fake.token,
        "now": world.clock().isoformat(),
    }
    program = [sys.executable, "-m", killed_dispatch.__name__, json.dumps(told)]
    return subprocess.Popen(program)


def deliver_until_settled(fake: FakeTelegram, world: World) -> None:
    """Run as the sensor would: after the lease, and again after the grace time."""
    dispatcher = world.dispatcher(BotApi(fake.token, base_url=fake.base_url))
    # The killed process had a clock of its own, which went on a little.
    for wait in (timedelta(seconds=30), LEASE, GRACE):
        world.clock.move(seconds=wait.total_seconds())
        assert dispatcher.deliver(REPORT).trouble is None


@pytest.mark.parametrize(
    ("point", "copies", "flagged"),
    [
        ("before the claim", 1, False),
        ("after the claim", 1, True),
        ("after acceptance", 2, True),
    ],
)
def test_a_kill_loses_nothing_and_an_extra_copy_is_flagged(
    fake: FakeTelegram, world: World, tmp_path: Path, point: str, copies: int, *, flagged: bool
) -> None:
    chat = fake.add_private_chat()
    subscribe(world.state, chat)

    assert start(fake, world, tmp_path, point).wait(60) == -9
    deliver_until_settled(fake, world)

    row = world.row(chat)
    assert (row.state, row.possible_duplicate) == ("sent", flagged)
    assert len(fake.accepted(chat)) == copies


def test_kills_at_random_moments_never_lose_a_report_nor_hide_a_copy(
    fake: FakeTelegram, world: World, tmp_path: Path
) -> None:
    chats = [fake.add_private_chat() for _ in range(30)]
    subscribe(world.state, *chats)
    process = start(fake, world, tmp_path, "never")
    fake.wait_for(fake.accepted, seconds=60)
    time.sleep(random.Random(4).uniform(0, 0.4))  # noqa: S311 - a moment, not a secret
    process.kill()
    process.wait()

    deliver_until_settled(fake, world)

    for chat in chats:
        row = world.row(chat)
        copies = len(fake.accepted(chat))
        assert row.state == "sent"
        assert copies == 1 or (copies == 2 and row.possible_duplicate)


def test_two_processes_at_once_send_one_copy_each(
    fake: FakeTelegram, world: World, tmp_path: Path
) -> None:
    chats = [fake.add_private_chat() for _ in range(20)]
    subscribe(world.state, *chats)
    running = [start(fake, world, tmp_path, "never") for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    assert [len(fake.accepted(chat)) for chat in chats] == [1] * 20
    assert {row.state.value for row in world.ledger.rows(DAY)} == {"sent"}
