"""What an independent service found out about the bot: strangers, odd updates, other numbers."""

import logging
import time
from datetime import timedelta
from typing import Any

import pytest

from sales_assets.adapters.state import subscriptions as subscribing
from sales_assets.bot import invitations, program, sender
from sales_assets.bot.diagnosis import telegram_findings
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.russian import bot as ru
from sales_assets_tests.bot.bot_world import DAY, NEUTRAL, SUBSCRIBED, BotWorld, buttons
from sales_assets_tests.fake_telegram import faults


def answer_seconds(world: BotWorld, chat: int, text: str) -> float:
    """How long a chat waits for its next answer."""
    before = len(world.fake.from_bot(chat))
    began = time.monotonic()
    world.fake.say(chat, text)
    world.fake.wait_for(lambda: len(world.fake.from_bot(chat)) > before, 20)
    return time.monotonic() - began


# --- T2: a line for each chat ---------------------------------------------------------------------


@pytest.fixture
def _short_farewell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the bot end at once, though somebody is held back."""
    monkeypatch.setattr(program, "FAREWELL_SECONDS", 0.2)


@pytest.mark.usefixtures("_short_farewell")
def test_a_chat_that_the_service_holds_back_keeps_nobody_else_waiting(world: BotWorld) -> None:
    chief, talker = world.fake.add_private_chat("Chief"), world.fake.add_private_chat("Talker")
    world.subscribe(chief)
    world.subscribe(talker)
    world.fake.order(faults.flood(20), chat_id=talker, times=None)
    with world.running():
        world.fake.wait_for(lambda: world.fake.calls("getUpdates"))
        for _ in range(40):
            world.fake.say(talker, "/status")
        assert answer_seconds(world, chief, "/status") < 1
        assert world.texts(talker) == []
        world.fake.clear_orders()


@pytest.mark.usefixtures("_short_farewell")
def test_an_admin_whom_the_service_holds_back_keeps_no_asker_waiting(world: BotWorld) -> None:
    asker = world.fake.add_user("Asker")
    world.fake.order(faults.flood(20), chat_id=world.admin, times=None)
    with world.running():
        world.fake.wait_for(lambda: world.fake.calls("getUpdates"))
        assert answer_seconds(world, asker, "/init") < 1
        assert answer_seconds(world, asker, "/init") < 1
        assert world.texts(world.admin) == []
        world.fake.clear_orders()
    assert world.owed() == 1  # the question, which is asked after the next start


def test_the_line_of_one_chat_is_bounded(
    world: BotWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(sender, "LONGEST_LINE", 5)
    talker = world.fake.add_private_chat("Talker")
    world.subscribe(talker)
    world.fake.order(faults.flood(1), chat_id=talker)
    for _ in range(12):
        world.fake.say(talker, "/status")
    world.run_until_idle()
    assert 5 <= len(world.texts(talker)) < 12
    assert "too many wait" in caplog.text
    assert world.owed() == 0


# --- T7, T19: strangers are bounded and shown on one line -----------------------------------------


def test_a_hundred_requests_are_a_handful_of_messages_and_a_list(world: BotWorld) -> None:
    askers = [world.fake.add_user(f"Asker {number}") for number in range(100)]
    with world.running():
        for asker in askers:
            world.fake.say(asker, "/init")
        world.settled(60)
        told = world.texts(world.admin)
        assert len(told) == 6
        assert all(one.startswith("Чат просит отчёт: «Asker ") for one in told[:3])
        newest = told[-1].split("\n")
        assert newest[0] == "Отчёт просят 100\xa0чатов. Последние:"
        assert newest[1].startswith("1. «Asker 9")
        assert len(newest) == 11
        chosen = next(iter(buttons(world.last(world.admin)).values()))
        world.press(world.admin, world.admin, chosen)
        shown = world.texts(world.admin)[-1]
        listed = buttons(world.last(world.admin))
        world.clock.now += timedelta(days=1, seconds=1)
        world.fake.say(world.fake.add_user("Late"), "/init")
        world.settled()
    assert world.texts(world.admin)[-1].startswith("Чат просит отчёт: «Late»")
    assert "теперь получает отчёт" in shown
    assert "Отчёт просят 99\xa0чатов." in shown
    assert len(listed) == 20
    assert world.texts(askers[99])[-1].startswith(SUBSCRIBED)


def test_two_hundred_words_of_a_stranger_get_ten_answers_a_day_and_he_is_asked_for_still(
    world: BotWorld,
) -> None:
    stranger, other = world.fake.add_user("Stranger"), world.fake.add_user("Other")
    for _ in range(200):
        world.fake.say(stranger, "hello")
    with world.running():
        world.settled(60)
        assert world.texts(stranger) == [NEUTRAL] * 10
        world.fake.say(other, "hello")
        world.fake.say(stranger, "/init")
        world.settled()
        assert world.texts(other) == [NEUTRAL]
        world.clock.now += timedelta(days=1)
        world.fake.say(stranger, "hello")
        world.settled()
        assert world.texts(stranger)[10:] == [ru.BOT_STILL_WAITING]
        world.press(world.admin, world.admin, "allow:1")
        world.fake.say(stranger, "/status")
        world.settled()
    assert len(world.texts(stranger)) == 13


def test_a_name_with_line_breaks_and_direction_marks_is_shown_on_one_line(
    world: BotWorld,
) -> None:
    asker = world.fake.add_user("Chief\n\u202eПустить\u2029 всех")
    world.fake.say(asker, "/init")
    world.run_until_idle()
    first, last = world.texts(world.admin)[0].split("\n")
    assert first == f"Чат просит отчёт: «Chief Пустить всех» (личный, {asker})."
    assert last == "Пустить?"


# --- T20: a right that was taken away -------------------------------------------------------------


@pytest.mark.parametrize("is_let_in", [False, True])
def test_a_group_that_becomes_a_revoked_chat_stays_shut_until_an_admin_opens_it(
    world: BotWorld,
    is_let_in: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    fake = world.fake
    group = fake.add_group("Sales", fake.add_user("Owner"))
    world.subscribe(group)
    new = fake.migrate(group)
    world.subscribe(new, "asleep", reason="revoked")
    with world.running():
        world.settled()
        assert world.subscriptions() == [(new, 0, "asleep", "revoked")]
        [question] = world.texts(world.admin)
        assert str(new) in question
        if is_let_in:
            [data] = buttons(world.last(world.admin)).values()
            world.press(world.admin, world.admin, data)
    expected = ("active", None) if is_let_in else ("asleep", "revoked")
    assert world.subscriptions() == [(new, 0, *expected)]


# --- T21, T22, T24: odd updates -------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 413, 302])
def test_one_odd_answer_to_the_request_for_updates_does_not_end_the_bot(
    world: BotWorld, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    world.fake.order(faults.refuse(status, "odd"), "getUpdates")
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    assert world.codes == [program.EXIT_OK]
    assert f"HTTP {status}" in caplog.text
    assert len(world.texts(world.admin)) == 1


@pytest.fixture
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(program, "LONGEST_BACKOFF_SECONDS", 0.02)


@pytest.mark.usefixtures("_short_backoff")
@pytest.mark.parametrize(
    ("answers", "oddness"),
    [
        (program.MOST_ODD_ANSWERS + 2, program.LONGEST_ODDNESS),
        (program.MOST_ODD_ANSWERS - 1, timedelta()),
    ],
)
def test_odd_answers_that_are_few_or_soon_over_do_not_end_the_bot(
    world: BotWorld, monkeypatch: pytest.MonkeyPatch, answers: int, oddness: timedelta
) -> None:
    monkeypatch.setattr(program, "LONGEST_ODDNESS", oddness)
    with world.running():
        for _ in range(2):
            before = len(world.fake.calls("getUpdates"))
            world.fake.order(faults.refuse(404, "odd"), "getUpdates", times=answers)
            world.fake.say(world.admin, "/help")
            world.fake.wait_for(lambda: len(world.fake.calls("getUpdates")) > before + answers)  # noqa: B023
            world.settled()
    assert world.codes == [program.EXIT_OK]
    assert len(world.texts(world.admin)) == 2


@pytest.mark.usefixtures("_short_backoff")
def test_odd_answers_that_go_on_for_minutes_end_the_bot(
    world: BotWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "LONGEST_ODDNESS", program.LONGEST_ODDNESS * 0.001)
    world.fake.order(faults.refuse(404, "Not Found"), "getUpdates", times=None)
    with world.running():
        world.fake.wait_for(lambda: world.codes, 20)
    assert world.codes == [program.EXIT_STOPPED]
    assert len(world.fake.calls("getUpdates")) >= program.MOST_ODD_ANSWERS


def test_an_update_without_a_number_is_told_of_and_those_behind_it_are_handled(
    world: BotWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.fake.say(world.admin, "/init")
    strange = {"ok": True, "result": [{"message": {}}, *world.fake.pending_updates()]}
    world.fake.order(faults.accept_then_say(program.json.dumps(strange)), "getUpdates")
    world.run_until_idle()
    assert "have no number" in caplog.text
    assert len(world.texts(world.admin)) == 1


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("callback_query", {"id": "1", "message": "x"}),
        ("callback_query", {"id": "1", "message": {"chat": {"id": [1]}}}),
        ("message", {"message_id": 1, "date": 1, "chat": {"id": {}, "type": "private"}}),
        ("message", {"message_id": 1, "date": 1, "chat": "x"}),
        ("message", None),
    ],
)
def test_an_update_of_another_shape_is_passed_over_and_those_behind_it_are_handled(
    world: BotWorld, kind: str, content: Any
) -> None:
    world.fake.world.push(world.fake.bot(), kind, content)
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    assert world.codes == [program.EXIT_OK]
    assert len(world.texts(world.admin)) == 1


@pytest.mark.parametrize("number", [-5, 2**63 - 1, 2**70])
def test_a_number_that_no_update_has_moves_no_offset(world: BotWorld, number: int) -> None:
    strange = {"ok": True, "result": [{"update_id": number, "message": {}}]}
    world.fake.order(faults.accept_then_say(program.json.dumps(strange)), "getUpdates")
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    assert world.codes == [program.EXIT_OK]
    assert len(world.texts(world.admin)) == 1


def test_a_group_that_becomes_itself_stays_a_reader(world: BotWorld) -> None:
    world.subscribe(-4242)
    moved = {"message_id": 1, "date": 1, "chat": {"id": -4242, "type": "group", "title": "x"}}
    world.fake.world.push(world.fake.bot(), "message", moved | {"migrate_to_chat_id": -4242})
    world.run_until_idle()
    assert world.subscriptions() == [(-4242, 0, "active", None)]


def test_a_status_that_does_not_exist_yet_changes_nothing(world: BotWorld) -> None:
    chief = world.fake.add_private_chat("Chief")
    world.subscribe(chief)
    world.fake.block(chief)
    world.fake.unblock(chief)
    for update in world.fake.pending_updates():
        update["my_chat_member"]["new_chat_member"]["status"] = "astral"
    world.run_until_idle()
    assert world.subscriptions() == [(chief, 0, "active", None)]


def test_an_update_that_got_a_number_of_before_is_handled(world: BotWorld) -> None:
    world.fake.say(world.admin, "/init")
    first = world.fake.pending_updates()[0]["update_id"]
    world.run_until_idle()
    bot = world.fake.bot()
    world.fake.wake(bot)  # the poll of the bot that has ended, with its old offset
    world.fake.wait_for(lambda: not world.fake.polls)
    bot.updates.clear()
    bot.last_update_id = first - 1
    world.clock.now += program.timedelta(days=8)
    world.fake.say(world.admin, "/status")
    assert world.fake.pending_updates()[0]["update_id"] == first
    world.run_until_idle()
    assert len(world.texts(world.admin)) == 2


# --- T23: channels --------------------------------------------------------------------------------


def test_a_channel_is_subscribed_by_a_post_and_its_readers_see_no_instructions(
    world: BotWorld,
) -> None:
    fake = world.fake
    channel = fake.add_channel("News <1>")
    fake.add_channel_admin(channel, world.admin)
    with world.running():
        fake.add_bot_to(channel, world.admin, "administrator")
        world.settled()
        assert world.texts(channel) == []
        [told] = world.texts(world.admin)
        assert f"/init@{fake.bot_username}" in told
        assert "News <1>" in told
        fake.post_in_channel(channel, "Just news")
        fake.post_in_channel(channel, f"/init@{fake.bot_username}")
        world.settled()
        question = next(iter(buttons(world.last(world.admin)).values()))
        world.press(world.admin, world.admin, question)
    assert world.subscriptions() == [(channel, 0, "active", None)]


# --- What a chat sets for itself ------------------------------------------------------------------


def test_a_reader_sets_sound_and_repeats_by_buttons(world: BotWorld) -> None:
    chief = world.fake.add_private_chat("Chief")
    world.subscribe(chief)
    with world.running():
        world.fake.say(chief, "/settings")
        world.settled()
        assert "Звук: когда есть новости." in world.texts(chief)[0]
        assert set(buttons(world.last(chief))) == {"Звук всегда", "Без звука", "Не повторять"}
        world.press(chief, chief, "sound:never")
        world.press(chief, chief, "doubts:hold")
    [shown] = world.texts(chief)
    assert "Звук: никогда." in shown
    assert "не повторять" in shown
    with world.state() as state, state.reading() as session:
        [known] = subscribing.of_chat(session, chief)
    assert (known.sound, known.holds_doubts) == ("never", True)


def test_in_a_group_its_administrators_set_and_lists_of_clients_are_off_at_first(
    world: BotWorld,
) -> None:
    fake, name = world.fake, f"@{world.fake.bot_username}"
    owner, member = fake.add_user("Owner"), fake.add_user("Member")
    group = fake.add_supergroup("Sales", owner)
    fake.set_member(group, member, "member")
    world.subscribe(group)
    world.store(DAY, 2)
    with world.running():
        for text in (f"/stuck{name}", f"/client{name} client-0", f"/settings{name}"):
            fake.say(member, text, group)
            world.settled()
        off, client, closed = world.texts(group)
        assert off == client
        assert "выключены" in off
        assert closed == "Это может сделать только администратор чата."
        fake.say(owner, f"/settings{name}", group)
        world.settled()
        refused = world.press(member, group, "lists:on")
        assert refused is not None
        assert "администратор" in refused["text"]
        world.press(owner, group, "lists:on")
        fake.say(member, f"/stuck{name}", group)
        world.settled()
    assert world.last(group)["document"]["file_name"] == f"stuck-{DAY}.xlsx"


def test_a_group_that_forbids_files_is_told_instead_of_getting_the_list(world: BotWorld) -> None:
    fake, name = world.fake, f"@{world.fake.bot_username}"
    owner = fake.add_user("Owner")
    group = fake.add_supergroup("Sales", owner)
    fake.forbid(group, "sendDocument", word="CHAT_SEND_DOCS_FORBIDDEN")
    world.subscribe(group)
    world.store(DAY, 2)
    with world.running():
        fake.say(owner, f"/settings{name}", group)
        world.settled()
        world.press(owner, group, "lists:on")
        fake.say(owner, f"/stuck{name}", group)
        world.settled()
    assert world.last(group)["text"].endswith("или Telegram её не принял.")


def test_a_client_is_asked_for_by_an_id(world: BotWorld) -> None:
    chief = world.fake.add_private_chat("Chief")
    world.subscribe(chief)
    for text in ("/client", "/client <b>"):
        world.fake.say(chief, text)
    world.run_until_idle()
    assert world.texts(chief) == [
        "Напишите номер клиента, например, так: /client 12345",
        "Отчётов пока нет.",
    ]


# --- T12: the token in a wrong place --------------------------------------------------------------


def test_a_token_pasted_into_the_base_url_is_hidden_by_every_command(
    world: BotWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for base_url in (
        f"{world.fake.base_url}{world.fake.token}",
        f"http://x/{world.fake.token}/bot",
    ):
        settings = world.settings.model_copy(update={"telegram_base_url": base_url})
        said = [finding.text for finding in telegram_findings(settings)]
        for act in (program.run, invitations.invite):
            with pytest.raises(SalesAssetsError, match="holds a bot token") as told:
                act(settings)
            said.append(str(told.value))
        assert world.fake.token.partition(":")[2] not in "\n".join(said) + caplog.text
        assert any("holds a bot token" in line for line in said)
