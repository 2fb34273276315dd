"""A report on its way to the fake service: what arrives, what the ledger says, who sleeps."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sales_assets.adapters.delivery.dispatcher import (
    FIRST_WIDTH,
    MOST_IN_VAIN,
    DeliveryResult,
    Dispatch,
    Dispatcher,
    runs_owed,
)
from sales_assets.adapters.state.database import StateLockedError
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.core.delivery.alerts import plain_alert
from sales_assets.core.delivery.messages import Message, ReportToSend
from sales_assets.core.delivery.rows import GRACE, LEASE, MOST_DOUBTS, Answer, Outcome, Place
from sales_assets_tests.adapters.delivery.delivery_world import (
    CORRECTED,
    DAY,
    REPORT,
    TIMETABLE,
    World,
    png,
    subscribe,
    subscriptions,
)
from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.fake_telegram.server import FakeTelegram


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running
        assert running.violations == []


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.at(tmp_path) as world:
        yield world


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[World]:
    """A world whose state is hardly waited for."""
    with World.at(tmp_path, busy_seconds=0.1) as world:
        yield world


def to(fake: FakeTelegram, world: World, token: str | None = None) -> Dispatcher:
    return world.dispatcher(BotApi(token or fake.token, base_url=fake.base_url))


def chats(fake: FakeTelegram, world: World, count: int = 1) -> list[int]:
    made = [fake.add_private_chat() for _ in range(count)]
    subscribe(world.state, *made)
    return made


def send(fake: FakeTelegram, world: World, report: ReportToSend = REPORT) -> DeliveryResult:
    return to(fake, world).deliver(report)


def methods(fake: FakeTelegram, chat: int) -> list[str]:
    return [one["method"] for one in fake.accepted(chat)]


# --- What arrives -------------------------------------------------------------------------------


def test_a_report_arrives_as_one_photo_with_caption_and_buttons(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)

    result = send(fake, world)

    [message] = fake.from_bot(chat)
    assert message["caption"] == "23 заявки не обработаны\nНовые оплаты: 12 <обычно 11>"
    assert message["photo"]
    keyboard = message["reply_markup"]["inline_keyboard"]
    assert [[b["callback_data"] for b in row] for row in keyboard] == [
        ["expiring:2026-02-12", "stuck:2026-02-12"],
        ["receipt:2026-02-12"],
        ["day:2026-02-11", "day:2026-02-05"],
    ]
    nothing_else = {"failed": 0, "unknown": 0, "waiting": 0, "possible_duplicates": 0}
    assert result.counts == {"sent": 1, **nothing_else}
    assert result.outcomes.iloc[0].to_dict() == {
        "chat": str(chat),
        "thread": 0,
        "kind": "report",
        "state": "sent",
        "attempts": 1,
        "message_id": message["message_id"],
        "possible_duplicate": False,
        "reason": result.outcomes["reason"].iloc[0],
    }


def test_the_same_day_twice_arrives_once(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    send(fake, world)
    assert send(fake, world).is_complete
    assert methods(fake, chat) == ["sendPhoto"]


def test_the_picture_is_uploaded_once_for_all_chats(fake: FakeTelegram, world: World) -> None:
    many = chats(fake, world, 12)
    assert send(fake, world).counts["sent"] == 12
    assert sum(bool(one.files) for one in fake.calls("sendPhoto")) == 1
    assert all(methods(fake, chat) == ["sendPhoto"] for chat in many)


def test_a_later_run_reuses_the_uploaded_picture(fake: FakeTelegram, world: World) -> None:
    chats(fake, world)
    send(fake, world)
    chats(fake, world)
    send(fake, world)
    assert [bool(one.files) for one in fake.calls("sendPhoto")] == [True, False]


def test_a_forgotten_file_id_means_one_new_upload(fake: FakeTelegram, world: World) -> None:
    chats(fake, world)
    send(fake, world)
    content = world.ledger.content(DAY)
    assert content is not None
    assert content.file_id is not None
    fake.forget_file(content.file_id)
    chats(fake, world, 3)

    assert send(fake, world).counts["sent"] == 4
    assert sum(bool(one.files) for one in fake.calls("sendPhoto")) == 2


def test_a_caption_of_the_greatest_length_arrives_whole(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    text = f"{'слово ' * 200}"[:1023] + "."
    assert send(fake, world, replace(REPORT, caption_html=f"<b>{text}</b>")).is_complete
    [message] = fake.from_bot(chat)
    assert message["caption"] == text


def test_a_picture_that_is_refused_as_a_photo_goes_as_a_document(
    fake: FakeTelegram, world: World
) -> None:
    two = chats(fake, world, 2)
    report = replace(REPORT, picture=png(width=9000, height=1200))
    assert send(fake, world, report).counts["sent"] == 2
    assert [methods(fake, chat) for chat in two] == [["sendDocument"], ["sendDocument"]]


def test_a_picture_that_is_refused_in_every_form_leaves_the_words(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    assert send(fake, world, replace(REPORT, picture=b"")).is_complete
    [message] = fake.from_bot(chat)
    assert "Картинки в этот раз нет" in message["text"]


def test_a_report_without_a_picture_says_so(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    assert send(fake, world, replace(REPORT, picture=None)).is_complete
    assert "Картинки в этот раз нет" in fake.from_bot(chat)[0]["text"]


def test_markup_that_is_refused_goes_as_plain_text_with_a_warning(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    result = send(fake, world, replace(REPORT, caption_html="<b>23 заявки"))
    assert fake.from_bot(chat)[0]["caption"] == "23 заявки"
    assert result.warnings


# --- What an answer does ------------------------------------------------------------------------


def test_a_pause_costs_no_attempt_and_holds_back_that_chat_alone(
    fake: FakeTelegram, world: World
) -> None:
    first, second = chats(fake, world, 2)
    fake.order(faults.flood(7), chat_id=first)
    assert send(fake, world).counts["sent"] == 2
    assert world.row(first).attempts == 1
    assert sum(world.clock.slept) >= 7
    at = {chat: fake.accepted(chat)[0]["at"] for chat in (first, second)}
    assert at[second] < at[first]


def test_a_pause_of_a_group_holds_back_all_its_topics(fake: FakeTelegram, world: World) -> None:
    group = fake.add_supergroup("Sales", fake.add_user("Owner"), topics={7: "A", 8: "B"})
    for thread in (7, 8):
        subscribe(world.state, group, thread=thread)
    fake.order(faults.flood(7), chat_id=group)
    began, dispatcher = world.clock(), to(fake, world)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0.2)  # the answer to the first is there before the turn of the second
        await world.clock.sleep(seconds)

    assert replace(dispatcher, sleep=sleep).deliver(REPORT).counts["sent"] == 2
    assert (world.clock() - began).total_seconds() >= 8, "one after the pause, one a second later"


def test_a_short_pause_of_two_chats_at_once_holds_back_everyone(
    fake: FakeTelegram, world: World
) -> None:
    first, second, *others = chats(fake, world, 12)
    for chat in (first, second):
        fake.order(faults.flood(7), chat_id=chat)
    began = world.clock()
    assert send(fake, world).counts["sent"] == 12
    assert (world.clock() - began).total_seconds() >= 7
    assert fake.accepted(others[-1])[0]["at"] > fake.calls("sendPhoto")[1].at


def test_a_pause_that_no_bot_api_asked_for_holds_back_everyone(
    fake: FakeTelegram, world: World
) -> None:
    chats(fake, world, 2)
    page = faults.Fault(status=429, body="<html>Too many</html>", media_type="text/html")
    fake.order(page)
    assert send(fake, world).counts["sent"] == 2
    assert sum(world.clock.slept) >= 30


def test_a_pause_without_a_length_is_a_default_one(fake: FakeTelegram, world: World) -> None:
    chats(fake, world)
    fake.order(faults.flood())
    assert send(fake, world).is_complete
    assert sum(world.clock.slept) >= 30


def test_a_pause_for_ever_ends_the_run_and_the_report_waits(
    fake: FakeTelegram, world: World
) -> None:
    chats(fake, world, 30)
    fake.order(faults.flood(3600), times=None)
    stopped = send(fake, world)
    assert "pause" in (stopped.trouble or "")
    assert stopped.counts["waiting"] == 30
    assert len(fake.requests) < 20
    fake.clear_orders()
    assert runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock()) == []
    world.clock.move(seconds=3600)
    assert send(fake, world).counts["sent"] == 30


def test_a_report_that_never_left_is_told_once_when_the_next_is_the_news(
    fake: FakeTelegram, world: World
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    first, second, gone = chats(fake, world, 3)
    fake.order(faults.flood(100_000), times=None)
    assert send(fake, world).counts["waiting"] == 3
    world.ledger.put_to_sleep(gone, "stopped by the chat", world.clock())
    fake.clear_orders()
    world.clock.move(days=1)
    tomorrow = replace(REPORT, day=DAY + timedelta(days=1))
    send(fake, world, tomorrow)
    send(fake, world, tomorrow)
    [alert] = fake.from_bot(world.admins[0])
    assert "Отчёт за 12\u00a0февраля не ушёл до следующего утра: 2\u00a0чата без" in alert["text"]
    assert "/report 2026-02-12" in alert["text"]
    for chat in (first, second, gone):
        row = world.row(chat)
        assert row.state == "failed"
        assert (row.reason or "").startswith("not sent while it was news: ")
    assert [len(fake.from_bot(chat)) for chat in (first, second, gone)] == [1, 1, 0]
    assert world.ledger.unsettled() == []


def test_a_repeat_that_the_owner_asked_for_is_not_missed(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    fake.order(faults.refuse(400, "Bad Request: not enough rights to send text messages"))
    send(fake, world)
    world.send_again(world.row(chat).id)
    world.clock.move(days=1)
    send(fake, world, replace(REPORT, day=DAY + timedelta(days=1)))
    assert world.row(chat).state == "planned"
    assert send(fake, world).counts["sent"] == 1


def test_a_chat_that_blocked_the_bot_sleeps_and_the_others_get_theirs(
    fake: FakeTelegram, world: World
) -> None:
    blocked, other = chats(fake, world, 2)
    fake.world.private[7000000001, blocked].is_blocked = True
    result = send(fake, world)
    assert (result.counts["sent"], result.counts["failed"]) == (1, 1)
    assert subscriptions(world.state)[blocked] == (
        "asleep",
        "Forbidden: bot was blocked by the user",
    )
    assert subscriptions(world.state)[other] == ("active", None)


@pytest.mark.parametrize("ending", ["deactivated", "kicked"])
def test_a_chat_that_is_gone_sleeps(fake: FakeTelegram, world: World, ending: str) -> None:
    [person] = chats(fake, world)
    owner = fake.add_user("Owner")
    group = fake.add_group("Sales", owner)
    subscribe(world.state, group)
    if ending == "kicked":
        fake.remove_bot_from(group, owner)
    else:
        fake.deactivate(person)
    gone = group if ending == "kicked" else person
    assert send(fake, world).counts["failed"] == 1
    assert subscriptions(world.state)[gone][0] == "asleep"


def test_a_forbidden_from_a_machine_on_the_way_puts_nobody_to_sleep(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    page = faults.Fault(status=403, body="<html>Access denied</html>", media_type="text/html")
    fake.order(page, times=None)
    assert send(fake, world).counts["waiting"] == 1
    assert subscriptions(world.state)[chat][0] == "active"


def test_a_chat_that_is_not_found_sleeps_while_others_are_known(
    fake: FakeTelegram, world: World
) -> None:
    [known] = chats(fake, world)
    subscribe(world.state, 123)
    result = send(fake, world)
    assert (result.counts["sent"], result.counts["failed"]) == (1, 1)
    assert subscriptions(world.state)[123][0] == "asleep"
    assert subscriptions(world.state)[known][0] == "active"


def test_another_bots_token_fails_the_run_and_touches_no_subscription(
    fake: FakeTelegram, world: World
) -> None:
    several = chats(fake, world, 3)
    stranger = fake.add_bot("7000000009:AAOther", "other_bot")
    assert "another bot" in (to(fake, world, stranger).deliver(REPORT).trouble or "")
    assert {subscriptions(world.state)[chat][0] for chat in several} == {"active"}
    world.clock.move(minutes=1)
    assert send(fake, world).counts["sent"] == 3


@pytest.mark.parametrize("status", [401, 404, 407, 302])
def test_a_wrong_setting_stops_at_once_and_touches_nothing(
    fake: FakeTelegram, world: World, status: int
) -> None:
    several = chats(fake, world, 20)
    fake.order(faults.refuse(status, "no"), times=None)
    stopped = send(fake, world)
    assert str(status) in (stopped.trouble or "")
    assert stopped.counts["waiting"] == 20
    assert len(fake.requests) <= FIRST_WIDTH
    assert {subscriptions(world.state)[chat][0] for chat in several} == {"active"}
    fake.clear_orders()
    assert send(fake, world).counts["sent"] == 20


def test_a_migrated_group_is_renamed_and_gets_its_report_once(
    fake: FakeTelegram, world: World
) -> None:
    group = fake.add_group("Sales", fake.add_user("Owner"))
    subscribe(world.state, group)
    new = fake.migrate_silently(group)
    assert send(fake, world).is_complete
    assert methods(fake, new) == ["sendPhoto"]
    assert set(subscriptions(world.state)) == {new}
    assert world.row(new).state == "sent"
    assert send(fake, world).counts["sent"] == 1


def test_a_migrated_group_whose_new_chat_has_the_report_gets_no_second_one(
    fake: FakeTelegram, world: World
) -> None:
    group = fake.add_group("Sales", fake.add_user("Owner"))
    new = fake.migrate_silently(group)
    subscribe(world.state, new)
    send(fake, world)
    subscribe(world.state, group)
    send(fake, world)
    assert methods(fake, new) == ["sendPhoto"]
    assert list(subscriptions(world.state)) == [new]


def test_a_topic_that_is_gone_never_falls_into_general(fake: FakeTelegram, world: World) -> None:
    forum = fake.add_supergroup("Sales", fake.add_user("Owner"), topics={7: "Reports"})
    thread = 7
    subscribe(world.state, forum, thread=thread)
    fake.delete_topic(forum, thread)
    assert send(fake, world).counts["failed"] == 1
    assert methods(fake, forum) == []
    assert subscriptions(world.state)[forum][0] == "asleep"


def test_a_topic_gets_the_report_in_its_own_thread(fake: FakeTelegram, world: World) -> None:
    forum = fake.add_supergroup("Sales", fake.add_user("Owner"), topics={7: "Reports"})
    thread = 7
    subscribe(world.state, forum, thread=thread)
    assert send(fake, world).is_complete
    assert fake.accepted(forum)[0]["thread_id"] == thread


# --- Doubt --------------------------------------------------------------------------------------

DOUBTS = [
    faults.accept_then_fail(500),
    faults.bad_gateway(),
    faults.accept_then_hang_up(),
    faults.hang_up(),
    faults.accept_then_say("[]"),
    faults.accept_then_say("{}"),
    faults.accept_then_say("not json"),
    faults.accept_then_say('{"ok": true, "result": {}}'),
    faults.accept_then_say('{"ok": true, "result": [1]}', status=201),
]


@pytest.mark.parametrize("fault", DOUBTS)
def test_a_doubt_is_repeated_once_silently_and_flagged(
    fake: FakeTelegram, world: World, fault: faults.Fault
) -> None:
    [chat] = chats(fake, world)
    fake.order(fault)
    assert send(fake, world).counts["unknown"] == 1
    assert send(fake, world).counts["unknown"] == 1
    world.clock.move(seconds=GRACE.total_seconds())

    result = send(fake, world)

    assert (result.counts["sent"], result.counts["possible_duplicates"]) == (1, 1)
    copies = fake.accepted(chat)
    assert len(copies) == 1 + fault.accept
    assert copies[-1]["is_silent"]
    assert "Возможен повтор" in copies[-1]["message"]["caption"]


def test_a_question_that_is_itself_in_doubt_is_repeated_until_it_arrives(
    fake: FakeTelegram, world: World
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    chat = fake.add_private_chat()
    subscribe(world.state, chat, doubt_policy="hold")
    fake.order(faults.hang_up(), "sendPhoto")
    fake.order(faults.hang_up(), "sendMessage", times=MOST_DOUBTS + 1)
    for _ in range(MOST_DOUBTS + 2):
        send(fake, world)
        world.clock.move(seconds=GRACE.total_seconds())
    [question] = fake.from_bot(world.admins[0])
    assert "неизвестно, дошло ли сообщение" in question["text"]
    assert runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock()) == []


@pytest.mark.parametrize("policy", ["hold", "repeat"])
@pytest.mark.parametrize("is_killed_before_the_answer", [False, True])
def test_a_final_doubt_is_asked_about_though_its_recorder_was_killed_right_after(
    fake: FakeTelegram, world: World, policy: str, *, is_killed_before_the_answer: bool
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    chat = fake.add_private_chat()
    subscribe(world.state, chat, doubt_policy=policy)
    world.plan_report()
    for _ in range(1 if policy == "hold" else MOST_DOUBTS):
        claim = world.ledger.claim(world.row(chat), "mortal", world.clock(), "a" * 64)
        assert claim is not None
        if is_killed_before_the_answer:
            world.clock.move(seconds=LEASE.total_seconds())
            world.ledger.expire_leases(world.clock())
        else:
            world.ledger.finish(claim, Answer(Outcome.UNKNOWN, "cut"), world.clock())
        world.clock.move(seconds=GRACE.total_seconds())

    owed = runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock(), world.admins)
    assert len(owed) == 1
    for _ in range(2):
        send(fake, world)

    [question] = fake.from_bot(world.admins[0])
    assert "неизвестно, дошло ли сообщение" in question["text"]
    assert fake.accepted(chat) == []
    assert runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock()) == []


def test_a_second_doubt_stays_and_asks_the_owner_with_a_button(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    world.admins = (fake.add_private_chat("Analyst"),)
    fake.order(faults.accept_then_fail(500), "sendPhoto", times=2)
    send(fake, world)
    world.clock.move(minutes=5)
    assert send(fake, world).counts["unknown"] == 1
    world.clock.move(minutes=500)
    assert send(fake, world).counts["unknown"] == 1

    assert len(fake.accepted(chat)) == 2
    [question] = fake.from_bot(world.admins[0])
    [[button]] = question["reply_markup"]["inline_keyboard"]
    delivery_id = int(button["callback_data"].removeprefix("again:"))
    world.send_again(delivery_id)
    assert send(fake, world).counts["sent"] == 1
    assert len(fake.accepted(chat)) == 3
    assert world.row(chat).possible_duplicate


def test_a_chat_that_holds_doubts_is_never_sent_a_repeat(fake: FakeTelegram, world: World) -> None:
    chat = fake.add_private_chat()
    subscribe(world.state, chat, doubt_policy="hold")
    world.admins = (fake.add_private_chat("Analyst"),)
    fake.order(faults.accept_then_fail(500), "sendPhoto")
    send(fake, world)
    world.clock.move(minutes=30)
    assert send(fake, world).counts["unknown"] == 1
    assert len(fake.accepted(chat)) == 1
    assert len(fake.from_bot(world.admins[0])) == 1


def test_a_service_in_trouble_puts_few_chats_in_doubt_and_ends_the_run(
    fake: FakeTelegram, world: World
) -> None:
    chats(fake, world, 60)
    fake.order(faults.bad_gateway(), times=None)
    stopped = send(fake, world)
    assert "502" in (stopped.trouble or "")
    assert stopped.counts["unknown"] < MOST_IN_VAIN + FIRST_WIDTH
    fake.clear_orders()
    world.clock.move(seconds=GRACE.total_seconds())
    assert send(fake, world).counts["sent"] == 60


def test_a_refused_connection_costs_nobody_a_doubt(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    fake.stop_serving()
    result = send(fake, world)
    assert (result.counts["waiting"], result.counts["unknown"]) == (1, 0)
    fake.start_serving()
    world.clock.move(minutes=15)
    assert send(fake, world).is_complete
    assert methods(fake, chat) == ["sendPhoto"]
    assert not world.row(chat).possible_duplicate


def test_a_sender_that_died_leaves_a_doubt_after_its_lease(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    world.plan_report()
    world.ledger.claim(world.row(chat), "dead", world.clock())
    assert runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock()) == []
    world.clock.move(seconds=LEASE.total_seconds())
    assert send(fake, world).counts["unknown"] == 1
    world.clock.move(seconds=GRACE.total_seconds())
    assert send(fake, world).counts["possible_duplicates"] == 1
    assert methods(fake, chat) == ["sendPhoto"]


def test_an_answer_after_the_lease_settles_the_doubt(world: World) -> None:
    subscribe(world.state, 5)
    world.plan_report()
    claim = world.ledger.claim(world.row(5), "slow", world.clock())
    assert claim is not None
    world.clock.move(hours=1)
    world.ledger.expire_leases(world.clock())
    world.ledger.finish(claim, Answer(Outcome.SENT, message_id=9), world.clock())
    assert (world.row(5).state, world.row(5).possible_duplicate) == ("sent", False)


def test_a_run_that_is_cancelled_leaves_a_doubt_and_no_loss(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    fake.order(faults.accept_then_silence(), "sendPhoto")

    async def cancelled() -> None:
        dispatch = Dispatch(to(fake, world), DAY, REPORT, is_news=True)
        task = asyncio.create_task(dispatch.run())
        await asyncio.to_thread(fake.wait_for, lambda: fake.accepted(chat))
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert world.row(chat).state == "unknown"


def test_a_doubt_that_is_a_day_old_is_put_to_the_owner(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    world.admins = (fake.add_private_chat("Analyst"),)
    fake.order(faults.accept_then_fail(500), "sendPhoto")
    send(fake, world)
    world.clock.move(days=1)
    tomorrow = replace(REPORT, day=DAY + timedelta(days=1))
    assert send(fake, world, tomorrow).is_complete
    assert len(fake.accepted(chat)) == 2
    [question] = fake.from_bot(world.admins[0])
    assert "12\u00a0февраля" in question["text"]


class LockingTransport(BotApi):
    """The real transport; another process locks the state while the service answers."""

    def lock(self, path: Path) -> None:
        self.other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    async def send(self, place: Place, message: Message) -> Answer:
        answer = await super().send(place, message)
        self.other.execute("BEGIN IMMEDIATE")
        return answer


def test_an_answer_that_a_lock_kept_out_of_the_ledger_is_a_flagged_doubt(
    fake: FakeTelegram, impatient: World, tmp_path: Path
) -> None:
    [chat] = chats(fake, impatient)
    transport = LockingTransport(fake.token, base_url=fake.base_url)
    transport.lock(tmp_path / "state.db")
    with pytest.raises(StateLockedError):
        impatient.dispatcher(transport).deliver(REPORT)
    transport.other.close()
    for wait in (LEASE, GRACE):
        impatient.clock.move(seconds=wait.total_seconds())
        result = send(fake, impatient)
    assert (result.counts["sent"], result.counts["possible_duplicates"]) == (1, 1)
    assert len(fake.accepted(chat)) == 2


def test_a_locked_state_sends_nothing(fake: FakeTelegram, impatient: World, tmp_path: Path) -> None:
    [chat] = chats(fake, impatient)
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateLockedError):
            send(fake, impatient)
    assert fake.accepted(chat) == []


def test_the_token_is_nowhere_in_the_state(
    fake: FakeTelegram, world: World, tmp_path: Path
) -> None:
    chats(fake, world, 2)
    fake.order(faults.refuse(400, f"Bad Request: odd {fake.token}"))
    result = send(fake, world)
    assert result.counts["failed"] == 1
    assert "odd <bot token>" in str(result.outcomes["reason"].tolist())
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        assert fake.token not in "\n".join(connection.iterdump())


# --- What is news -------------------------------------------------------------------------------


def test_nothing_is_due_before_the_delivery_time(world: World) -> None:
    subscribe(world.state, 5)
    early = world.clock() - timedelta(seconds=1)
    assert runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, early) == []
    due = runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock())
    assert due == [(DAY, TIMETABLE.attempt(DAY, world.clock()))]


def test_a_run_that_failed_gets_another_run_key(world: World) -> None:
    subscribe(world.state, 5)
    [(_, first)] = runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock())
    later = world.clock() + timedelta(minutes=11)
    assert runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, later) == [(DAY, first + 2)]


def test_a_backfill_of_past_days_sends_nothing(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    past = replace(REPORT, day=DAY - timedelta(days=3))
    reports = {past.day: past.content_sha256}
    assert runs_owed(world.ledger, reports, TIMETABLE, world.clock()) == []
    assert len(send(fake, world, past).outcomes) == 0
    assert methods(fake, chat) == []
    assert world.ledger.content(past.day) is None


def test_nobody_subscribed_is_nothing_to_do(fake: FakeTelegram, world: World) -> None:
    assert runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock()) == []
    assert len(send(fake, world).outcomes) == 0


# --- Corrections --------------------------------------------------------------------------------


def test_a_rebuilt_day_is_edited_silently_and_one_reply_says_what_changed(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    send(fake, world)
    world.clock.move(days=2)
    reports = {DAY: CORRECTED.content_sha256}
    [(day, _)] = runs_owed(world.ledger, reports, TIMETABLE, world.clock())
    assert day == DAY

    result = send(fake, world, CORRECTED)

    report, reply = fake.from_bot(chat)
    assert report["caption"] == "24 заявки не обработаны\nНовые оплаты: 14"
    assert report["reply_markup"]
    assert reply["text"] == "Отчёт за 12\u00a0февраля уточнён. Новые оплаты: было 12, стало 14."
    assert reply["reply_to_message"]["message_id"] == report["message_id"]
    assert fake.accepted(chat)[-1]["is_silent"]
    assert result.is_complete
    assert runs_owed(world.ledger, reports, TIMETABLE, world.clock()) == []
    send(fake, world, CORRECTED)
    assert methods(fake, chat) == ["sendPhoto", "editMessageMedia", "sendMessage"]


def test_a_rebuilt_day_with_the_same_content_sends_nothing(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    send(fake, world)
    world.clock.move(days=2)
    assert runs_owed(world.ledger, {DAY: "a" * 64}, TIMETABLE, world.clock()) == []
    send(fake, world)
    assert methods(fake, chat) == ["sendPhoto"]


def test_a_correction_without_a_new_headline_number_is_edited_without_a_word(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    send(fake, world)
    send(fake, world, replace(CORRECTED, numbers=REPORT.numbers))
    assert methods(fake, chat) == ["sendPhoto", "editMessageMedia"]


@pytest.mark.parametrize("numbers", [REPORT.numbers, CORRECTED.numbers])
def test_the_first_verdict_after_a_neutral_banner_is_a_reply_to_it_and_sounds(
    fake: FakeTelegram, world: World, numbers: dict[str, int]
) -> None:
    [chat] = chats(fake, world)
    send(fake, world, replace(REPORT, verdict="Данные до 14:03", is_neutral=True))
    whole = replace(CORRECTED, numbers=numbers, verdict="24 заявки не <обработаны>")
    for _ in range(2):
        send(fake, world, whole)
    assert methods(fake, chat) == ["sendPhoto", "editMessageMedia", "sendMessage"]
    shown, reply = fake.from_bot(chat)
    assert shown["caption"].startswith("24 заявки не обработаны")
    assert reply["text"].startswith("24 заявки не <обработаны>\nОтчёт за 12\xa0февраля ")
    assert reply["reply_to_message"]["message_id"] == shown["message_id"]
    assert fake.accepted(chat)[-1]["is_silent"] is False


def test_it_makes_the_sound_that_it_would_have_had(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    send(fake, world, replace(REPORT, is_neutral=True))
    send(fake, world, replace(CORRECTED, is_new=False))
    assert fake.accepted(chat)[-1]["method"] == "sendMessage"
    assert fake.accepted(chat)[-1]["is_silent"] is True


def test_a_neutral_banner_sounds_where_news_does(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    send(fake, world, replace(REPORT, is_neutral=True, is_new=False))
    assert fake.accepted(chat)[-1]["is_silent"] is False


def test_what_follows_the_first_verdict_is_an_ordinary_correction(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    send(fake, world, replace(REPORT, is_neutral=True))
    send(fake, world, CORRECTED)
    third = replace(CORRECTED, numbers={"Новые оплаты": 15}, content_sha256="c" * 64)
    send(fake, world, third)
    assert fake.from_bot(chat)[-1]["text"].startswith("Отчёт за 12\xa0февраля уточнён")
    assert fake.accepted(chat)[-1]["is_silent"] is True


def test_two_corrections_are_told_one_after_the_other(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    send(fake, world)
    send(fake, world, CORRECTED)
    third = replace(
        CORRECTED, numbers={"Новые оплаты": 15}, content_sha256="c" * 64, caption_html="три"
    )
    send(fake, world, third)
    assert fake.from_bot(chat)[0]["caption"] == "три"
    assert "было 14, стало 15" in fake.from_bot(chat)[-1]["text"]


def test_a_reply_that_waited_tells_the_way_from_what_the_chat_knows(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    third = replace(CORRECTED, numbers={"Новые оплаты": 15}, content_sha256="c" * 64)
    correct_twice_before_the_reply(fake, world, third)
    assert "было 12, стало 15" in fake.from_bot(chat)[-1]["text"]
    assert methods(fake, chat)[-1] == "sendMessage"


def test_a_reply_that_waited_until_the_numbers_were_as_before_has_nothing_to_say(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    result = correct_twice_before_the_reply(fake, world, REPORT)
    assert methods(fake, chat) == ["sendPhoto", "editMessageMedia", "editMessageMedia"]
    assert [row.kind for row in world.ledger.rows(DAY)] == ["report", "edit"]
    assert result.is_complete


def correct_twice_before_the_reply(
    fake: FakeTelegram, world: World, last: ReportToSend
) -> DeliveryResult:
    """Correct a report, hold its reply back, correct it again and let the reply go."""
    send(fake, world)
    fake.order(faults.flood(3600), method="sendMessage")
    send(fake, world, CORRECTED)
    send(fake, world, last)
    assert len(fake.calls("sendMessage")) == 1
    world.clock.move(seconds=3600)
    return send(fake, world, last)


def test_a_doubtful_edit_is_repeated_because_it_can_do_no_harm(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    send(fake, world)
    fake.order(faults.accept_then_fail(500), "editMessageMedia", times=3)
    for _ in range(4):
        send(fake, world, CORRECTED)
        world.clock.move(minutes=5)
    assert fake.from_bot(chat)[0]["caption"].startswith("24")
    assert len(fake.from_bot(chat)) == 2
    assert not world.row(chat, "edit").possible_duplicate


def test_a_deleted_message_is_not_edited_but_the_change_is_told(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    send(fake, world)
    fake.chat(chat).messages.clear()
    assert send(fake, world, CORRECTED).is_complete
    [reply] = fake.from_bot(chat)
    assert "было 12, стало 14" in reply["text"]


# --- Notices ------------------------------------------------------------------------------------


def test_a_late_report_is_announced_once_and_never_after_the_report(
    fake: FakeTelegram, world: World
) -> None:
    [chat] = chats(fake, world)
    dispatcher = to(fake, world)
    assert dispatcher.announce_late(DAY, "no data").counts["sent"] == 1
    dispatcher.announce_late(DAY, "no data")
    [notice] = fake.from_bot(chat)
    assert notice["text"].startswith("Отчёт за 12\u00a0февраля задерживается")
    assert not fake.accepted(chat)[0]["is_silent"]
    send(fake, world)
    [late_comer] = chats(fake, world)
    send(fake, world)
    dispatcher.announce_late(DAY, "no data")
    assert methods(fake, chat) == ["sendMessage", "sendPhoto"]
    assert methods(fake, late_comer) == ["sendPhoto"]


def test_a_technical_cause_goes_to_the_admins_alone(fake: FakeTelegram, world: World) -> None:
    [chat] = chats(fake, world)
    world.admins = (fake.add_private_chat("Analyst"),)
    cause = plain_alert("run", "raw_events <failed>: http://localhost/runs/1")
    to(fake, world).alert(DAY, cause)
    to(fake, world).alert(DAY, cause)
    [alert] = fake.from_bot(world.admins[0])
    assert alert["text"] == "raw_events <failed>: http://localhost/runs/1"
    assert fake.from_bot(chat) == []


# --- Many ---------------------------------------------------------------------------------------


def test_the_pace_stays_within_what_the_service_allows(fake: FakeTelegram, world: World) -> None:
    chats(fake, world, 60)
    start = world.clock()
    assert send(fake, world).counts["sent"] == 60
    assert (world.clock() - start).total_seconds() >= 59 / 30


def test_two_dispatchers_at_once_send_each_chat_one_report(
    fake: FakeTelegram, world: World
) -> None:
    many = chats(fake, world, 20)

    async def both() -> None:
        runs = [Dispatch(to(fake, world), DAY, REPORT, is_news=True) for _ in range(2)]
        await asyncio.gather(*(run.run() for run in runs))

    asyncio.run(both())
    assert [methods(fake, chat) for chat in many] == [["sendPhoto"]] * 20
