"""A fake Telegram and a world around a bot, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sales_assets_tests.bot.bot_world import BotWorld
from sales_assets_tests.fake_telegram.server import FakeTelegram


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running
        assert running.violations == []


@pytest.fixture
def world(fake: FakeTelegram, tmp_path: Path) -> BotWorld:
    return BotWorld.at(fake, tmp_path)
