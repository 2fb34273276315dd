from datetime import UTC, datetime, timedelta

import pytest

from sales_assets.core.bot import access
from sales_assets.core.bot.access import Admission, Asker, Known, Standing
from sales_assets.core.delivery.rows import Place

NOW = datetime(2026, 2, 13, 6, 0, tzinfo=UTC)
PRIVATE = Place(1)
GROUP = Place(-1, 5, "supergroup")


def known(state: str, reason: str | None = None, thread: int = 0) -> Known:
    return Known(1, Place(1, thread), state, reason, NOW)


def group(state: str, thread: int = 0, *, shows_clients: bool = False) -> Known:
    return Known(1, Place(-1, thread, "supergroup"), state, None, NOW, shows_clients=shows_clients)


@pytest.mark.parametrize(
    ("subscriptions", "standing"),
    [
        ([], Standing.STRANGER),
        ([known("active")], Standing.READER),
        ([known("asleep", access.STOPPED)], Standing.SLEEPING),
        ([known("asleep", "Forbidden: bot was blocked by the user")], Standing.SLEEPING),
        ([known("asleep", access.REFUSED)], Standing.BARRED),
        ([known("asleep", access.REVOKED)], Standing.BARRED),
        ([known("pending")], Standing.WAITING),
        ([known("asleep", access.REFUSED), known("active", thread=3)], Standing.READER),
    ],
)
def test_a_chat_is_the_best_of_what_its_topics_are(
    subscriptions: list[Known], standing: Standing
) -> None:
    assert access.standing(subscriptions) is standing


def test_only_an_active_chat_and_an_owner_alone_may_read() -> None:
    assert access.may_read(Asker(PRIVATE), [known("active")])
    assert access.may_read(Asker(PRIVATE, is_owner=True), [])
    assert not access.may_read(Asker(GROUP, is_owner=True), [])
    for subscription in (known("pending"), known("asleep", access.STOPPED)):
        assert not access.may_read(Asker(PRIVATE), [subscription])


@pytest.mark.parametrize(
    ("asker", "subscriptions", "answer"),
    [
        (Asker(PRIVATE), [], Admission.ASK),
        (Asker(PRIVATE), [known("active")], Admission.ALREADY),
        (Asker(PRIVATE), [known("asleep", access.BLOCKED)], Admission.SUBSCRIBE),
        (Asker(PRIVATE), [known("asleep", access.REFUSED)], Admission.NEUTRAL),
        (Asker(PRIVATE), [known("pending")], Admission.WAIT),
        (Asker(PRIVATE, is_owner=True), [known("pending")], Admission.SUBSCRIBE),
        (Asker(GROUP, is_chat_admin=False), [known("active")], Admission.CHAT_ADMINS_ONLY),
        (Asker(GROUP, is_owner=True, is_chat_admin=False), [], Admission.SUBSCRIBE),
        (Asker(GROUP), [group("active")], Admission.SUBSCRIBE),
        (Asker(GROUP), [group("active", thread=5)], Admission.ALREADY),
    ],
)
def test_init_leads_to(asker: Asker, subscriptions: list[Known], answer: Admission) -> None:
    assert access.answer_to_init(asker, subscriptions, NOW, has_admins=True) is answer


def test_a_stranger_asks_nobody_where_nobody_decides() -> None:
    assert access.answer_to_init(Asker(PRIVATE), [], NOW, has_admins=False) is Admission.NEUTRAL


def test_who_waits_may_ask_again_after_a_day() -> None:
    later = NOW + timedelta(days=1)
    asked = access.answer_to_init(Asker(PRIVATE), [known("pending")], later, has_admins=True)
    assert asked is Admission.ASK


def test_an_invite_is_for_one_use_within_its_time() -> None:
    assert access.is_invite_valid(NOW + timedelta(seconds=1), None, NOW)
    assert not access.is_invite_valid(NOW, None, NOW)
    assert not access.is_invite_valid(NOW + timedelta(days=1), NOW, NOW)


def test_lists_of_clients_appear_in_a_group_that_wants_them_alone() -> None:
    assert access.may_see_clients(PRIVATE, [known("active")])
    assert not access.may_see_clients(GROUP, [group("active")])
    assert access.may_see_clients(GROUP, [group("active", shows_clients=True)])
    assert not access.may_see_clients(GROUP, [group("asleep", shows_clients=True)])


def test_a_hundred_requests_a_day_are_told_a_handful_of_times() -> None:
    told = [number for number in range(1, 101) if access.is_told_now(number)]
    assert told == [1, 2, 3, 10, 30, 100]


def test_readers_come_before_strangers_and_nobodys_second_word_before_anybodys_first() -> None:
    talker, chief, other = 1, 2, 3
    order = access.fair_order([talker, talker, other, talker, chief, chief], {chief})
    assert order == [4, 5, 0, 2, 1, 3]
