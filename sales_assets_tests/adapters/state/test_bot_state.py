"""What the bot keeps, on both databases."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sales_assets.adapters.state import subscriptions
from sales_assets.adapters.state.bot import KEPT_FOR, OFFSET_LIFETIME, BotState
from sales_assets.adapters.state.database import StateDatabase, open_state
from sales_assets.core.bot.access import BLOCKED, REFUSED, REVOKED, Standing
from sales_assets.core.bot.replies import Reply, ReplyKind
from sales_assets.core.delivery.rows import Place
from sales_assets.demo.embedded_postgres import EmbeddedServer

NOW = datetime(2026, 2, 13, 6, 0, tzinfo=UTC)
HELLO = Reply(ReplyKind.TEXT, 1, html="hello")
_databases = itertools.count()


@pytest.fixture(params=["sqlite", "postgres"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateDatabase]:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    if request.param == "postgres":
        server: EmbeddedServer = request.getfixturevalue("embedded_server")
        url = server.ensure_database(f"bot_state_{next(_databases)}")
    opened = open_state(url)
    yield opened
    opened.close()


def test_an_updates_effect_its_replies_and_the_offset_are_one(state: StateDatabase) -> None:
    bot = BotState(state, 7)

    def decide_and_fail(session: object) -> list[Reply]:
        subscriptions.activate(session, Place(1), 1, NOW)  # type: ignore[arg-type]
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        bot.process(10, decide_and_fail, NOW)
    assert bot.next_update_id(NOW) is None
    with state.reading() as session:
        assert subscriptions.all_of(session) == []

    owed = bot.process(10, lambda _: [HELLO], NOW)
    assert owed is not None
    assert bot.owed() == [owed]
    assert bot.next_update_id(NOW) == 11
    assert bot.process(10, decide_and_fail, NOW) is None
    bot.settle(10, [], NOW)
    assert bot.owed() == []


def test_another_update_with_a_number_that_was_there_before_is_handled(
    state: StateDatabase,
) -> None:
    bot = BotState(state, 7)
    bot.process(10, lambda _: [HELLO], NOW, "first")
    assert bot.process(10, lambda _: [HELLO], NOW, "first") is None
    assert bot.process(10, lambda _: [HELLO], NOW, "second") is not None
    assert bot.process(10, lambda _: [HELLO], NOW, "second") is None


def test_an_offset_of_long_ago_is_not_trusted(state: StateDatabase) -> None:
    bot = BotState(state, 7)
    bot.process(10, lambda _: [], NOW)
    assert bot.next_update_id(NOW + OFFSET_LIFETIME - timedelta(seconds=1)) == 11
    assert bot.next_update_id(NOW + OFFSET_LIFETIME) is None
    assert timedelta(days=1) < OFFSET_LIFETIME < timedelta(days=7), "an update's, a number's life"
    assert BotState(state, 8).next_update_id(NOW) is None


def test_the_third_failure_passes_an_update_over(state: StateDatabase) -> None:
    bot = BotState(state, 7)
    assert [bot.fail(10, "x" * 1000, NOW) for _ in range(3)] == [False, False, True]
    assert bot.next_update_id(NOW) == 11
    assert bot.process(10, lambda _: [HELLO], NOW) is None
    [(number, reason)] = bot.passed_over()
    assert (number, len(reason)) == (10, 500)


def test_a_failed_update_can_succeed_later(state: StateDatabase) -> None:
    bot = BotState(state, 7)
    bot.fail(10, "once", NOW)
    assert bot.process(10, lambda _: [], NOW) is not None
    assert bot.passed_over() == []


def test_what_was_done_is_known_for_two_weeks_and_what_is_owed_for_longer(
    state: StateDatabase,
) -> None:
    bot, other = BotState(state, 7), BotState(state, 8)
    bot.process(12, lambda _: [HELLO], NOW)
    bot.process(10, lambda _: [HELLO], NOW)
    other.process(10, lambda _: [HELLO], NOW)
    bot.process(11, lambda _: [], NOW)
    other.process(11, lambda _: [], NOW)
    later = NOW + KEPT_FOR
    bot.settle(13, [], later)
    assert bot.process(11, lambda _: [], later) is None
    bot.settle(13, [], later + timedelta(seconds=1))
    assert bot.process(11, lambda _: [], later) is not None
    assert other.process(11, lambda _: [], later) is None
    assert [one.update_id for one in bot.owed()] == [10, 12]


def test_a_reply_that_is_passed_over_is_owed_no_more_and_moves_the_offset_as_told(
    state: StateDatabase,
) -> None:
    bot = BotState(state, 7)
    bot.process(10, lambda _: [HELLO], NOW, offset=9)
    for _ in range(2):
        bot.fail(10, "x", NOW, offset=9)
        assert bot.process(10, lambda _: [HELLO], NOW) is None
    assert bot.fail(10, "x", NOW, offset=9)
    assert bot.owed() == []
    assert bot.next_update_id(NOW) == 9


def test_an_invite_is_used_up_by_the_first(state: StateDatabase) -> None:
    with state.writing() as session:
        secret = subscriptions.new_invite(session, NOW, NOW + timedelta(hours=1))
    with state.writing() as session:
        assert not subscriptions.redeem(session, "another", 1, NOW)
        assert not subscriptions.redeem(session, secret, 1, NOW + timedelta(hours=1))
        assert subscriptions.redeem(session, secret, 1, NOW)
        assert not subscriptions.redeem(session, secret, 2, NOW)


def test_sleep_does_not_let_a_waiting_chat_in(state: StateDatabase) -> None:
    with state.writing() as session:
        waiting = subscriptions.request(session, Place(1, title="x" * 100), 1, NOW)
        subscriptions.activate(session, Place(2, 5), 1, NOW)
        assert subscriptions.put_to_sleep(session, 1, "kicked", NOW) == 0
        assert subscriptions.put_to_sleep(session, 2, "topic gone", NOW, thread=4) == 0
        assert subscriptions.put_to_sleep(session, 2, "left General", NOW, thread=0) == 0
        assert subscriptions.put_to_sleep(session, 2, "kicked", NOW) == 1
        assert waiting.place.title == "x" * 64
        subscriptions.allow(session, waiting.id, NOW)
        found = subscriptions.by_id(session, waiting.id)
        assert found is not None
        assert found.is_active
        states = [one.state for one in subscriptions.all_of(session)]
        assert sorted(states) == ["active", "asleep"]


def test_whoever_is_revoked_is_shut_out_whatever_he_was_and_who_was_refused_has_asked(
    state: StateDatabase,
) -> None:
    with state.writing() as session:
        for chat in (1, 2):
            subscriptions.activate(session, Place(chat), chat, NOW)
        subscriptions.put_to_sleep(session, 2, BLOCKED, NOW)
        asking = [subscriptions.request(session, Place(chat), chat, NOW) for chat in (3, 4)]
        subscriptions.refuse(session, asking[1].id, REFUSED, NOW)
        assert subscriptions.requests_since(session, NOW) == 2
        assert subscriptions.requests_since(session, NOW + timedelta(seconds=1)) == 0
        assert [subscriptions.bar(session, chat, REVOKED, NOW) for chat in range(1, 5)] == [1] * 4
        assert {one.standing for one in subscriptions.all_of(session)} == {Standing.BARRED}
