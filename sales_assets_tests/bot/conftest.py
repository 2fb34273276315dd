"""A fake Telegram and a world around a bot, fresh for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sales_assets.adapters.state.database import open_state
from sales_assets_tests.bot.bot_world import BotWorld
from sales_assets_tests.fake_telegram.server import FakeTelegram


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running
        assert running.violations == []


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty state, migrated once: each test copies it."""
    path = tmp_path_factory.mktemp("state") / "state.db"
    open_state(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def world(fake: FakeTelegram, tmp_path: Path, migrated: Path) -> BotWorld:
    shutil.copy(migrated, tmp_path / "state.db")
    return BotWorld.at(fake, tmp_path)
