"""How fast messages may leave, and what the service's pauses mean."""

import asyncio
from datetime import timedelta

import pytest

from sales_assets.adapters.telegram.pace import LONGEST_PAUSE, LONGEST_PAUSES, MOST_HELD, Pace
from sales_assets_tests.adapters.delivery.delivery_world import MORNING, Clock

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock, clock.sleep)


def left_at(pace: Pace, clock: Clock, *chats: int) -> list[float]:
    """When each message left, in seconds."""
    times = []
    for chat in chats:
        assert asyncio.run(pace.turn(chat))
        times.append((clock() - MORNING).total_seconds())
    return times


def test_a_second_holds_at_most_thirty_messages_even_after_a_rest(pace: Pace, clock: Clock) -> None:
    clock.move(minutes=5)
    times = left_at(pace, clock, *range(1, 61))
    assert all(late - early >= 0.8 for early, late in zip(times, times[29:], strict=False))
    assert times[-1] - times[0] >= 1.7


def test_a_chat_gets_one_message_a_second_and_a_group_twenty_a_minute(
    pace: Pace, clock: Clock
) -> None:
    assert left_at(pace, clock, *[7] * 22)[-1] == 21
    times = left_at(pace, clock, *[-7] * 21)
    assert times[19] - times[0] == 19
    assert times[20] - times[0] == 60


def test_nobody_gets_a_turn_while_everyone_has_to_wait_for_longer_than_a_run_does(
    pace: Pace, clock: Clock
) -> None:
    pace.hold(1, LONGEST_PAUSE + SECOND, names_chat=False)
    assert not asyncio.run(pace.turn(2))
    assert clock.slept == []
    clock.move(seconds=1)
    assert left_at(pace, clock, 2) == [121]


def test_a_pause_of_one_chat_is_its_own_and_ends(pace: Pace, clock: Clock) -> None:
    assert pace.hold(1, 5 * SECOND) is None
    assert pace.held_until(1) == MORNING + 5 * SECOND
    assert pace.held_until(2) is None
    assert left_at(pace, clock, 2) == [0]
    clock.move(seconds=5)
    assert pace.held_until(1) is None


def test_short_pauses_of_two_chats_mean_everyone_at_one_moment_alone(
    pace: Pace, clock: Clock
) -> None:
    assert pace.hold(1, 9 * SECOND) is None
    clock.move(seconds=5)
    assert pace.hold(2, 3 * SECOND) is None
    assert pace.hold(3, 2 * MINUTE) is None
    assert pace.hold(4, 7 * SECOND) == 7 * SECOND


def test_long_pauses_of_many_chats_mean_everyone_unless_one_is_served(pace: Pace) -> None:
    def held(*chats: int) -> list[timedelta]:
        return [pause for chat in chats if (pause := pace.hold(chat, chat * MINUTE))]

    assert held(*range(2, MOST_HELD + 1)) == []
    pace.sent()
    assert held(*range(12, 12 + MOST_HELD)) == [12 * MINUTE]
    assert held(*range(32, 31 + MOST_HELD)) == [], "those who were counted are counted no more"


def test_pauses_are_too_long_by_themselves_or_together(pace: Pace, clock: Clock) -> None:
    assert not pace.is_too_long(LONGEST_PAUSE)
    assert pace.is_too_long(LONGEST_PAUSE + SECOND)
    for chat in range(1, 4):
        pace.hold(chat, LONGEST_PAUSE, names_chat=False)
    assert not pace.is_too_long(SECOND), "pauses at one time are one pause"
    clock.move(seconds=LONGEST_PAUSE.total_seconds())
    pace.hold(1, LONGEST_PAUSES - LONGEST_PAUSE, names_chat=False)
    assert not pace.is_too_long(SECOND)
    pace.hold(1, LONGEST_PAUSES - LONGEST_PAUSE + SECOND, names_chat=False)
    assert pace.is_too_long(SECOND)
