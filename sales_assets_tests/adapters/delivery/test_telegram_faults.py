"""What an independent service found out about the delivery: each finding, and what holds now."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from sales_assets.adapters.delivery.dispatcher import DeliveryResult, Dispatcher, runs_owed
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import read_report, write_report
from sales_assets.adapters.state import subscriptions as subscribing
from sales_assets.adapters.state.database import Subscription
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.core.delivery.messages import ReportToSend
from sales_assets.core.delivery.rows import GRACE, Answer, MessageKind, Outcome, RowState
from sales_assets.core.report.inputs import ReportInputs
from sales_assets.core.report.report import build_report, json_bytes, report_json
from sales_assets_tests.adapters.delivery.delivery_world import (
    CORRECTED,
    DAY,
    REPORT,
    TIMETABLE,
    Clock,
    World,
    subscribe,
    subscriptions,
)
from sales_assets_tests.core.report import report_days
from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.fake_telegram.server import FakeTelegram

OTHER_TOKEN = "7000000009:AAAnotherBotThatKnowsOneChat_00000001"  # noqa: S105 - belongs to no bot


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running
        assert running.violations == []


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.at(tmp_path) as world:
        yield world


def to(fake: FakeTelegram, world: World, token: str | None = None) -> Dispatcher:
    return world.dispatcher(BotApi(token or fake.token, base_url=fake.base_url))


def send(fake: FakeTelegram, world: World, report: ReportToSend = REPORT) -> DeliveryResult:
    return to(fake, world).deliver(report)


def chats(fake: FakeTelegram, world: World, count: int = 1) -> list[int]:
    made = [fake.add_private_chat() for _ in range(count)]
    subscribe(world.state, *made)
    return made


def methods(fake: FakeTelegram, chat: int) -> list[str]:
    return [one["method"] for one in fake.accepted(chat)]


def asked_for(world: World, sha256: str = "a" * 64) -> list[object]:
    """What the sensor would ask for now."""
    now = world.clock()
    return [*runs_owed(world.ledger, {DAY: sha256}, TIMETABLE, now, world.admins)]


# --- Corrections of a picture that the chat takes no more -----------------------------------------


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("word", ["CHAT_SEND_PHOTOS_FORBIDDEN", "PHOTO_INVALID_DIMENSIONS"])
def test_a_correction_without_its_picture_goes_under_the_old_one(
    fake: FakeTelegram,
    world: World,
    word: str,
    is_long: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    [chat] = chats(fake, world)
    send(fake, world)
    fake.order(faults.refuse(400, f"Bad Request: {word}"), "editMessageMedia", times=None)
    caption = f"<b>24 заявки не обработаны</b>\n{'я' * 1000 if is_long else ''}"
    assert send(fake, world, replace(CORRECTED, caption_html=caption)).is_complete
    report, change = fake.from_bot(chat)
    assert report["caption"].startswith("24 заявки не обработаны")
    assert "photo" in report
    assert "было 12, стало 14" in change["text"]


# --- T1, T20: migrations --------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1])
def test_of_two_rows_under_way_that_become_one_chat_the_other_ends_without_a_copy(
    world: World, order: int
) -> None:
    subscribe(world.state, -5, -100)
    world.plan_report()
    old, new = world.row(-5), world.row(-100)
    claims = [world.ledger.claim(row, "a", world.clock(), "a" * 64) for row in (old, new)]
    mine, other = claims
    assert mine is not None
    assert other is not None
    if order:
        sent = Answer(Outcome.SENT, message_id=3)
        assert world.ledger.finish(other, sent, world.clock()).state is RowState.SENT

    world.ledger.migrate(-5, -100, world.clock(), day=DAY, unsent=mine)

    assert world.ledger.renew(mine, world.clock()) is None
    sent = Answer(Outcome.SENT, message_id=3)
    row = world.ledger.finish(other, sent, world.clock())
    assert (row.state, row.possible_duplicate) == (RowState.SENT, False)
    assert [row.id for row in world.ledger.rows(DAY)] == [other.id]


def test_a_group_whose_new_chat_is_subscribed_too_gets_one_copy(tmp_path: Path) -> None:
    for attempt in range(10):
        with FakeTelegram() as fake, World.at(tmp_path / str(attempt)) as world:
            group = fake.add_group("Sales", fake.add_user("Owner"))
            new = fake.migrate_silently(group)
            pair = (group, new) if attempt % 2 else (new, group)
            subscribe(world.state, *pair)
            send(fake, world)
            send(fake, world)
            assert methods(fake, new) == ["sendPhoto"]
            assert list(subscriptions(world.state)) == [new]


def test_a_migration_does_not_wake_a_chat_whose_right_was_taken_away_and_asks_the_admins(
    fake: FakeTelegram, world: World
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    group = fake.add_group("Sales", fake.add_user("Owner"))
    new = fake.migrate_silently(group)
    subscribe(world.state, group, new)
    with world.state.writing() as session:
        subscribing.bar(session, new, "revoked", world.clock())
    send(fake, world)
    assert subscriptions(world.state) == {new: ("asleep", "revoked")}
    assert fake.accepted(new) == []
    [question] = fake.from_bot(world.admins[0])
    assert "право читать было отозвано" in question["text"]
    [[button]] = question["reply_markup"]["inline_keyboard"]
    assert button["callback_data"].startswith("let_in:")


# --- T3: one slow chat holds up nobody else -------------------------------------------------------


def test_slow_chats_at_the_head_of_the_line_hold_up_nobody_else(
    fake: FakeTelegram, world: World
) -> None:
    slow = fake.add_supergroup("Slow", fake.add_user("Owner"))
    fake.slow_mode(slow, 3600, left=1800)
    never = fake.add_private_chat()
    fake.order(faults.flood(3600), chat_id=never, times=None)
    subscribe(world.state, slow, never)
    others = chats(fake, world, 20)
    began = world.clock()

    result = send(fake, world)

    assert (result.counts["sent"], result.counts["waiting"], result.trouble) == (20, 2, None)
    assert (world.clock() - began).total_seconds() < 60
    assert all(methods(fake, chat) == ["sendPhoto"] for chat in others)
    assert asked_for(world) == []
    world.clock.move(seconds=1801)
    fake.slow_mode(slow, 3600)
    assert send(fake, world).counts["sent"] == 21
    assert world.row(slow).attempts == 1


# --- T4: the claim looks at the right -------------------------------------------------------------


@dataclass
class TurningClock(Clock):
    """A clock on which somebody takes a right away while the delivery waits."""

    world: World | None = None
    chat: int = 0

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.world is not None and seconds > 1:
            with self.world.state.writing() as session:
                subscribing.bar(session, self.chat, "revoked", self())


def test_who_lost_the_right_while_the_delivery_waited_gets_nothing(
    fake: FakeTelegram, world: World
) -> None:
    first, second = chats(fake, world, 2)
    fake.order(faults.flood(20), chat_id=first)
    world.clock = TurningClock(world=world, chat=first)
    send(fake, world)
    assert methods(fake, first) == []
    assert methods(fake, second) == ["sendPhoto"]


def test_a_claim_is_refused_to_whom_the_right_was_taken_away(world: World) -> None:
    subscribe(world.state, 5)
    world.plan_report()
    row = world.row(5)
    world.ledger.put_to_sleep(5, "stopped by the chat", world.clock())
    assert world.ledger.claim(row, "a", world.clock()) is None


# --- T6: what the service took and gave no number -------------------------------------------------


def test_a_message_that_comes_later_is_accepted_told_once_and_never_edited(
    fake: FakeTelegram, world: World
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    [chat] = chats(fake, world)
    fake.order(faults.accept_then_call_it(message_id=0), "sendPhoto")
    assert send(fake, world).counts["sent"] == 1
    assert world.row(chat).message_id is None
    assert asked_for(world) == []
    for _ in range(3):
        send(fake, world, CORRECTED)
        world.clock.move(minutes=5)
    [told] = fake.from_bot(world.admins[0])
    assert "отправит позже сам" in told["text"]
    assert methods(fake, chat) == ["sendPhoto", "sendMessage"]
    assert "было 12, стало 14" in fake.from_bot(chat)[-1]["text"]
    assert asked_for(world, CORRECTED.content_sha256) == []


@pytest.mark.parametrize(
    "overrides", [{"message_id": -5}, {"message_id": True}, {"chat": {"id": 1, "type": "private"}}]
)
def test_an_answer_about_no_message_of_this_chat_is_a_doubt(
    fake: FakeTelegram, world: World, overrides: dict[str, object]
) -> None:
    [chat] = chats(fake, world)
    fake.order(faults.accept_then_call_it(**overrides), "sendPhoto")
    assert send(fake, world).counts["unknown"] == 1
    world.clock.move(seconds=GRACE.total_seconds())
    assert send(fake, world).counts["possible_duplicates"] == 1
    assert world.row(chat).state is RowState.SENT


# --- T8, T18: alerts are bounded ------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["unknown", "slow"])
def test_an_admin_who_cannot_be_reached_is_given_up_for_the_day_and_makes_no_run_red(
    fake: FakeTelegram, world: World, trouble: str
) -> None:
    world.admins = (123 if trouble == "unknown" else fake.add_private_chat("Analyst"),)
    fake.order(faults.flood(3600), chat_id=world.admins[0], times=None)
    if trouble == "unknown":
        fake.clear_orders()
    reader, gone = chats(fake, world, 2)
    fake.block(gone)
    result = send(fake, world)
    assert (result.counts["sent"], result.counts["failed"], result.trouble) == (1, 1, None)
    assert [row.chat for row in world.ledger.given_up(DAY)] == [world.admins[0]]
    asked = len(fake.requests)
    for _ in range(20):
        world.clock.move(minutes=59)
        assert asked_for(world) == []
        send(fake, world)
    assert len(fake.requests) == asked
    assert methods(fake, reader) == ["sendPhoto"]


def test_readers_hear_that_a_report_is_late_before_an_admin_hears_why(
    fake: FakeTelegram, world: World
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    reader, other = chats(fake, world, 2)
    fake.order(faults.flood(1), chat_id=world.admins[0], times=2)
    assert to(fake, world).announce_late(DAY, "no data").counts["sent"] == 2
    told = [one.chat_id for one in fake.calls("sendMessage")]
    assert set(told[:2]) == {str(reader), str(other)}


def test_forty_chats_that_refuse_for_one_reason_are_one_alert_with_their_number(
    fake: FakeTelegram, world: World
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    many = chats(fake, world, 40)
    fake.order(faults.refuse(400, "Bad Request: something new"), "sendPhoto", times=40)
    assert send(fake, world).counts["failed"] == 40
    send(fake, world)
    [alert] = fake.from_bot(world.admins[0])
    assert "40\u00a0чатов" in alert["text"]
    [[button]] = alert["reply_markup"]["inline_keyboard"]
    world.send_again(int(button["callback_data"].partition(":")[2]))
    assert send(fake, world).counts["sent"] == 40
    assert all(methods(fake, chat) == ["sendPhoto"] for chat in many)


# --- T10, T11: pictures ---------------------------------------------------------------------------


def test_a_file_id_that_is_refused_during_the_upload_means_one_new_upload_and_pictures(
    fake: FakeTelegram, world: World
) -> None:
    chats(fake, world)
    send(fake, world)
    content = world.ledger.content(DAY)
    assert content is not None
    fake.forget_file(content.file_id or "")
    more = chats(fake, world, 12)
    fake.order(faults.Fault(delay_seconds=0.1), "sendPhoto", times=None)
    assert send(fake, world).counts["sent"] == 13
    assert all(methods(fake, chat) == ["sendPhoto"] for chat in more)
    assert sum(bool(one.files) for one in fake.calls("sendPhoto")) == 2


@pytest.mark.parametrize(
    ("word", "forbidden", "expected"),
    [
        ("CHAT_SEND_PHOTOS_FORBIDDEN", ["sendPhoto"], "sendDocument"),
        ("CHAT_SEND_MEDIA_FORBIDDEN", ["sendPhoto", "sendDocument"], "sendMessage"),
    ],
)
def test_a_group_that_forbids_pictures_gets_the_file_or_the_words_and_others_the_picture(
    fake: FakeTelegram, world: World, word: str, forbidden: list[str], expected: str
) -> None:
    group = fake.add_supergroup("Sales", fake.add_user("Owner"))
    fake.forbid(group, *forbidden, word=word)
    subscribe(world.state, group)
    others = chats(fake, world, 3)
    assert send(fake, world).counts["sent"] == 4
    assert methods(fake, group) == [expected]
    assert all(methods(fake, chat) == ["sendPhoto"] for chat in others)


# --- T16, T17: one chat's matter, or that of all --------------------------------------------------


def test_one_chat_that_finds_the_picture_too_large_is_told_and_the_others_have_it(
    fake: FakeTelegram, world: World
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    narrow, *others = chats(fake, world, 5)
    page = faults.Fault(status=413, body="<html>Too large</html>", media_type="text/html")
    fake.order(page, chat_id=narrow, times=None)
    result = send(fake, world)
    assert (result.counts["sent"], result.counts["failed"], result.trouble) == (4, 1, None)
    tried = [one.method for one in fake.requests if one.chat_id == str(narrow)]
    assert tried == ["sendPhoto", "sendDocument"]
    assert all(methods(fake, chat) == ["sendPhoto"] for chat in others)
    [alert] = fake.from_bot(world.admins[0])
    assert str(narrow) in alert["text"]
    assert subscriptions(world.state)[narrow] == ("active", None)


def test_a_way_that_is_too_narrow_for_all_fails_the_run_and_nobody_is_given_up(
    fake: FakeTelegram, world: World
) -> None:
    chats(fake, world, 30)
    page = faults.Fault(status=413, body="<html>Too large</html>", media_type="text/html")
    fake.order(page, times=None)
    stopped = send(fake, world)
    assert "413" in (stopped.trouble or "")
    assert (stopped.counts["waiting"], stopped.counts["failed"]) == (30, 0)
    fake.clear_orders()
    world.clock.move(minutes=1)
    assert send(fake, world).counts["sent"] == 30


def test_the_token_of_a_bot_that_knows_one_chat_of_thirty_touches_no_subscription(
    fake: FakeTelegram, world: World
) -> None:
    world.admins = (fake.add_private_chat("Analyst"),)
    many = chats(fake, world, 30)
    send(fake, world)
    fake.add_bot(OTHER_TOKEN, "other_bot")
    fake.world.private_chat(fake.bot(OTHER_TOKEN), fake.world.users[many[3]])
    world.clock.move(days=1)
    tomorrow = replace(REPORT, day=DAY + timedelta(days=1))
    stopped = to(fake, world, OTHER_TOKEN).deliver(tomorrow)
    assert "another bot" in (stopped.trouble or "")
    assert {state for state, _ in subscriptions(world.state).values()} == {"active"}
    rows = world.ledger.rows(tomorrow.day)
    assert sum(row.state is RowState.PLANNED for row in rows) == 29
    assert not [row for row in rows if row.kind is MessageKind.ALERT]


# --- T15: the state is another one ----------------------------------------------------------------


def test_a_state_that_was_lost_fails_the_run_and_is_told(
    fake: FakeTelegram, tmp_path: Path
) -> None:
    witness = tmp_path / "state.id"
    with World.at(tmp_path, witness=witness) as world:
        chats(fake, world)
        assert send(fake, world).is_complete
    for path in tmp_path.glob("state.db*"):
        path.unlink()
    with World.at(tmp_path, witness=witness) as world:
        world.admins = (fake.add_private_chat("Analyst"),)
        assert asked_for(world) != []
        result = send(fake, world)
        assert "not the one that was used before" in (result.trouble or "")
        assert not result.is_complete
        [alert] = fake.from_bot(world.admins[0])
        assert "Подписчики пропали" in alert["text"]
        send(fake, world)
        assert len(fake.from_bot(world.admins[0])) == 1
        assert asked_for(world) == []


# --- The sound ------------------------------------------------------------------------------------


def sound(world: World, setting: str) -> None:
    with world.state.writing() as session:
        session.query(Subscription).update({"sound": setting})


@pytest.mark.parametrize(
    ("setting", "is_new", "is_silent"),
    [
        ("always", False, False),
        ("news", True, False),
        ("news", False, True),
        ("never", True, True),
    ],
)
def test_a_chat_sets_with_which_reports_the_phone_makes_a_sound(
    fake: FakeTelegram,
    world: World,
    setting: str,
    *,
    is_new: bool,
    is_silent: bool,
) -> None:
    [chat] = chats(fake, world)
    sound(world, setting)
    send(fake, world, replace(REPORT, is_new=is_new))
    assert fake.accepted(chat)[0]["is_silent"] is is_silent


def stored(day: ReportInputs, folder: Path) -> ReportToSend:
    """Build and store the report of a day, and read it as the delivery does."""
    report, store = build_report(day), FrameStore(str(folder))
    picture = REPORT.picture or b""
    content = json_bytes(report_json(report, hashlib.sha256(picture).hexdigest()))
    write_report(store, day.about.day, picture, content)
    return replace(read_report(store, day.about.day).to_send(), day=DAY)


@pytest.mark.parametrize(
    ("day", "is_silent"),
    [
        (report_days.ordinary, True),
        (report_days.alarming, False),
        (report_days.record, False),
        (report_days.continuing, True),
        (report_days.back, True),
        (report_days.flow, True),
        (report_days.ends_early, False),  # a neutral banner
        (report_days.alarming_after_a_cut_day, False),
        (report_days.continuing_after_a_cut_day, True),
    ],
)
def test_where_only_news_sounds_a_phone_sounds_at_a_banner_and_at_a_story_told_for_the_first_time(
    fake: FakeTelegram,
    world: World,
    tmp_path: Path,
    day: Callable[[], ReportInputs],
    *,
    is_silent: bool,
) -> None:
    [chat] = chats(fake, world)
    sound(world, "news")
    send(fake, world, stored(day(), tmp_path / "storage"))
    assert fake.accepted(chat)[0]["is_silent"] is is_silent
