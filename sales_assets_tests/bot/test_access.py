"""Who may read: invites, approval, strangers, groups, topics, those who left and came back."""

from datetime import timedelta

import pytest

from sales_assets.adapters.state.database import Subscription
from sales_assets.bot import invitations
from sales_assets.core.errors import SalesAssetsError
from sales_assets_tests.bot.bot_world import (
    DAY,
    MORNING,
    NEUTRAL,
    SUBSCRIBED,
    BotWorld,
    buttons,
)
from sales_assets_tests.fake_telegram import faults

ADMINS_ONLY = "Это может сделать только администратор чата."
INVALID = "Приглашение не действует: оно одноразовое и на время. Попросите новое."


def secret_of(link: str) -> str:
    return link.partition("?start=")[2]


@pytest.fixture
def secret(world: BotWorld) -> str:
    link = invitations.invite(world.settings)
    world.clock.now = MORNING.now(MORNING.tzinfo)
    return secret_of(link)


# --- Strangers ---


def test_a_stranger_gets_one_neutral_line_whatever_he_tries(world: BotWorld) -> None:
    world.store(DAY)
    stranger = world.fake.add_user("Stranger")
    for text in ("/start", "/report", "/status", "/stuck", "/help", "/stop", "hi", "/x"):
        world.fake.say(stranger, text)
    world.run_until_idle()
    assert world.texts(stranger) == [NEUTRAL] * 8
    assert world.subscriptions() == []


def test_without_admins_a_strangers_init_gets_the_neutral_line(world: BotWorld) -> None:
    stranger = world.fake.add_user("Stranger")
    world.fake.say(stranger, "/init")
    world.with_admins().run_until_idle()
    assert world.texts(stranger) == [NEUTRAL]
    assert world.subscriptions() == []


def test_a_strangers_button_is_answered_and_shows_nothing(world: BotWorld) -> None:
    world.store(DAY)
    reader = world.fake.add_private_chat()
    row = world.subscribe(reader)
    waiting = world.subscribe(world.fake.add_private_chat(), "pending")
    with world.running():
        world.fake.say(reader, "/report")
        world.settled()
        with world.state() as state, state.writing() as session:
            session.get_one(Subscription, row).state = "asleep"
        message = world.last(reader)["message_id"]
        before = world.texts(reader)
        for data in ("stuck:2026-02-12", "now:2026-02-12", f"allow:{waiting}", "again:1"):
            answered = world.press_on(reader, reader, message, data)
            assert answered == {"text": "Нет доступа.", "show_alert": True}
        assert world.press_on(reader, reader, message, "nonsense")
    assert world.texts(reader) == before
    assert world.subscriptions()[1][2] == "pending"


# --- Invites ---


def test_an_invite_lets_one_chat_in_once(world: BotWorld, secret: str) -> None:
    first, second = world.fake.add_user("Chief"), world.fake.add_user("Other")
    for user in (first, first, second):
        world.fake.start(user, secret)
    world.run_until_idle()
    welcome, again = world.texts(first)
    assert welcome.startswith(SUBSCRIBED)
    assert "Подписка здесь включена." in again
    assert world.texts(second) == [INVALID]
    assert [row[0] for row in world.subscriptions()] == [first]


def test_an_invite_ends_with_its_time(world: BotWorld, secret: str) -> None:
    world.clock.now += timedelta(days=3, minutes=1)
    user = world.fake.add_user("Chief")
    world.fake.start(user, secret)
    world.fake.start(user, "never-was-one")
    world.run_until_idle()
    assert world.texts(user) == [INVALID, INVALID]
    assert world.subscriptions() == []


def test_the_state_holds_the_invites_hash_alone(world: BotWorld) -> None:
    link = invitations.invite(world.settings)
    assert link.startswith(f"https://t.me/{world.fake.bot_username}?start=")
    assert secret_of(link).encode() not in world.state_bytes()


def test_an_invite_without_time_is_refused(world: BotWorld) -> None:
    with pytest.raises(SalesAssetsError, match="needs some time"):
        invitations.invite(world.settings, timedelta())


def test_a_revoked_chat_is_a_stranger_until_it_is_invited_again(
    world: BotWorld, secret: str
) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    assert invitations.revoke(world.settings, chat) == 1
    world.fake.say(chat, "/init")
    world.fake.start(chat, secret)
    world.run_until_idle()
    refused, welcome = world.texts(chat)
    assert refused == NEUTRAL
    assert welcome.startswith(SUBSCRIBED)
    with pytest.raises(SalesAssetsError, match="Chat 1 has no subscription"):
        invitations.revoke(world.settings, 1)


# --- Approval ---


def test_an_admin_lets_an_unknown_chat_in_by_a_button(world: BotWorld) -> None:
    user = world.fake.add_user("A <b>Chief</b>")
    with world.running():
        world.fake.say(user, "/init")
        world.fake.say(user, "/init")
        world.settled()
        [question] = world.texts(world.admin)
        assert question.startswith(f"Чат просит отчёт: «A <b>Chief</b>» (личный, {user}).")
        assert list(buttons(world.last(world.admin))) == ["Пустить", "Отказать"]
        message, data = world.last(world.admin), "allow:1"
        assert world.press(world.admin, world.admin, data) == {"text": "", "show_alert": False}
        late = world.press_on(world.admin, world.admin, message["message_id"], "refuse:1")
    assert late == {"text": "Это уже решено.", "show_alert": True}
    asked, waits, welcome = world.texts(user)
    assert asked == "Просьба передана. Напишу сюда, когда её рассмотрят."
    assert waits.startswith("Просьба уже передана")
    assert welcome.startswith(SUBSCRIBED)
    assert world.texts(world.admin) == [f"Чат «A <b>Chief</b>» ({user}) теперь получает отчёт."]
    assert buttons(world.last(world.admin)) == {}
    assert world.subscriptions() == [(user, 0, "active", None)]


def test_a_chat_that_a_group_of_admins_refused_is_told_and_asks_nobody_again(
    world: BotWorld,
) -> None:
    user, analyst = world.fake.add_user("Chief"), world.fake.add_user("Analyst")
    group = world.fake.add_group("Analysts", analyst)
    world = world.with_admins(group)
    with world.running():
        world.fake.say(user, "/init")
        world.settled()
        world.press(analyst, group, "refuse:1")
        world.fake.say(user, "/init")
        world.settled()
    assert world.texts(user)[1:] == ["Просьбу отклонили.", NEUTRAL]
    assert world.texts(group) == [f"Чату «Chief» ({user}) отказано."]
    assert world.subscriptions() == [(user, 0, "asleep", "refused by an admin")]


def test_a_chat_that_waits_a_day_may_ask_again_and_reads_nothing_meanwhile(
    world: BotWorld,
) -> None:
    world.store(DAY)
    user = world.fake.add_private_chat()
    world.subscribe(user, "pending")
    world.fake.say(user, "/report")
    world.run_until_idle()
    world.clock.now += timedelta(days=1)
    world.fake.say(user, "/init")
    world.run_until_idle()
    assert world.texts(user)[0].startswith("Просьба уже передана")
    assert len(world.texts(world.admin)) == 1


# --- Groups ---


def test_an_admin_who_writes_in_the_groups_name_may_decide_for_it(world: BotWorld) -> None:
    fake, name = world.fake, f"@{world.fake.bot_username}"
    group = fake.add_supergroup("Sales")
    with world.running():
        fake.say_as_chat(group, f"/init{name}", group)
        world.settled()
        world.press(world.admin, world.admin, "allow:1")
        fake.say_as_chat(group, f"/stop{name}", group)
        world.settled()
    assert world.subscriptions() == [(group, 0, "asleep", "stopped by the chat")]


def test_a_member_and_whoever_writes_in_the_name_of_a_channel_decide_nothing(
    world: BotWorld,
) -> None:
    fake, name = world.fake, f"@{world.fake.bot_username}"
    reading, strange = fake.add_supergroup("Sales"), fake.add_supergroup("Others")
    channel, member = fake.add_channel(), fake.add_user("Member")
    fake.set_member(strange, member, "member")
    world.subscribe(reading)
    secret = secret_of(invitations.invite(world.settings))
    fake.order(faults.refuse(400, "Bad Request: user not found"), "getChatMember", times=None)
    with world.running():
        fake.say_as_chat(channel, f"/stop{name}", reading)
        fake.say_as_chat(channel, f"/init{name}", strange)
        fake.say_as_chat(channel, f"/start{name} {secret}", strange)
        fake.say(member, f"/start{name} {secret}", strange)
        world.settled()
    assert world.texts(reading) == [ADMINS_ONLY]
    assert world.texts(strange) == [ADMINS_ONLY] * 3
    assert world.texts(world.admin) == []
    assert world.subscriptions() == [(reading, 0, "active", None)]


def test_a_group_is_subscribed_by_its_admin_after_approval(world: BotWorld) -> None:
    fake = world.fake
    owner, member = fake.add_user("Owner"), fake.add_user("Member")
    group = fake.add_group("Sales", owner)
    fake.set_member(group, member, "member")
    name = f"@{fake.bot_username}"
    with world.running():
        fake.say(member, f"/init{name}", group)
        fake.say(owner, "/init", group)
        fake.say(owner, "/init@another_bot", group)
        fake.say(owner, f"/INIT{name}", group)
        world.settled()
        world.press(world.admin, world.admin, "allow:1")
        fake.say(member, f"/stop{name}", group)
        fake.say(member, f"/status{name}", group)
        world.settled()
    told = world.texts(group)
    assert told[0] == ADMINS_ONLY
    assert told[1].startswith("Просьба передана")
    assert told[2].startswith(SUBSCRIBED)
    assert told[3] == ADMINS_ONLY
    assert "Подписка здесь включена." in told[4]
    assert world.subscriptions() == [(group, 0, "active", None)]


def test_an_admin_of_the_product_needs_nobodys_approval_in_a_group(world: BotWorld) -> None:
    fake = world.fake
    group = fake.add_supergroup("Sales")
    fake.set_member(group, world.admin, "member")
    for command in ("start", "init"):
        fake.say(world.admin, f"/{command}@{fake.bot_username}", group)
    world.run_until_idle()
    greeting, welcome = world.texts(group)
    assert f"/init@{fake.bot_username}" in greeting
    assert welcome.startswith(SUBSCRIBED)
    assert f"/init@{fake.bot_username}" not in welcome


def test_the_bot_leaves_a_group_to_which_a_stranger_added_it(world: BotWorld) -> None:
    fake = world.fake
    stranger, reader = fake.add_user("Stranger"), fake.add_private_chat("Chief")
    world.subscribe(reader)
    bad = fake.add_group("Bad", stranger, bot_status="left")
    good = fake.add_group("Good", reader, bot_status="left")
    with world.running():
        fake.add_bot_to(bad, stranger)
        fake.add_bot_to(good, reader)
        world.settled()
        fake.add_bot_to(good, reader, "administrator")  # no second word
        world.settled()
    assert fake.chat(bad).members[int(fake.token.partition(":")[0])] == "left"
    assert world.texts(bad) == []
    assert world.texts(good) == [
        f"Чтобы отчёт приходил в этот чат, администратор чата пишет /init@{fake.bot_username}"
    ]


def test_a_topic_is_remembered_and_answered_in(world: BotWorld) -> None:
    fake = world.fake
    group = fake.add_supergroup("Sales", topics={7: "Reports", 9: "Talk"})
    fake.set_member(group, world.admin, "administrator")
    name = f"@{fake.bot_username}"
    fake.say(world.admin, f"/init{name}", group, thread_id=7)
    fake.say(world.admin, f"/status{name}", group, thread_id=9)
    world.run_until_idle()
    welcome, status = fake.from_bot(group)
    assert welcome["message_thread_id"] == 7
    assert status["message_thread_id"] == 9
    assert f"Подписки здесь нет: /init{name}" in status["text"]
    world.subscribe(group, thread=9)
    owner = fake.add_user("Owner")
    fake.set_member(group, owner, "administrator")
    for _ in range(2):
        fake.say(owner, f"/stop{name}", group, thread_id=7)
    world.run_until_idle()
    assert world.subscriptions() == [
        (group, 7, "asleep", "stopped by the chat"),
        (group, 9, "active", None),
    ]
    assert world.texts(group)[-1] == f"Подписки здесь нет. Получать отчёт: /init{name}"


def test_a_lost_topic_sleeps_and_nothing_goes_to_general(world: BotWorld) -> None:
    fake = world.fake
    group = fake.add_supergroup("Sales", topics={7: "Reports"})
    world.subscribe(group, thread=7)
    fake.set_member(group, world.admin, "member")
    fake.say(world.admin, f"/status@{fake.bot_username}", group, thread_id=7)
    fake.delete_topic(group, 7)
    world.run_until_idle()
    assert fake.from_bot(group) == []
    assert world.subscriptions()[0][2:] == ("asleep", "Bad Request: message thread not found")


def test_a_group_that_becomes_a_supergroup_keeps_its_subscription(world: BotWorld) -> None:
    fake = world.fake
    group = fake.add_group("Sales", world.admin)
    world.subscribe(group)
    fake.say(world.admin, f"/status@{fake.bot_username}", group)
    new = fake.migrate(group)
    world.run_until_idle()
    assert world.subscriptions() == [(new, 0, "active", None)]
    [told] = world.texts(new)
    assert "Подписка здесь включена." in told


def test_kicked_then_returned_the_group_sleeps_until_it_wants_the_report_back(
    world: BotWorld,
) -> None:
    fake = world.fake
    chief = fake.add_private_chat("Chief")
    group = fake.add_group("Sales", chief)
    world.subscribe(chief)
    world.subscribe(group)
    name = f"@{fake.bot_username}"
    with world.running():
        fake.remove_bot_from(group, chief)
        world.settled()
        assert world.subscriptions()[1][2:] == ("asleep", "the bot was removed from the chat")
        fake.add_bot_to(group, chief)
        fake.say(chief, f"/report{name}", group)
        fake.say(chief, f"/init{name}", group)
        world.settled()
    _, closed, welcome = world.texts(group)
    assert closed == f"Подписка выключена. Вернуть отчёт: /init{name}"
    assert welcome.startswith(SUBSCRIBED)
    assert world.texts(world.admin) == []


def test_who_blocks_the_bot_sleeps_and_comes_back_by_init(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    with world.running():
        world.fake.block(chat)
        world.settled()
        assert world.subscriptions() == [(chat, 0, "asleep", "blocked by the user")]
        world.fake.unblock(chat)
        world.fake.start(chat)
        world.fake.say(chat, "/init")
        world.settled()
    asleep, welcome = world.texts(chat)
    assert asleep == "Подписка выключена. Вернуть отчёт: /init"
    assert welcome.startswith(SUBSCRIBED)
    assert world.fake.calls("leaveChat") == []


def test_a_command_from_before_the_group_moved_is_answered_where_it_is_now(world: BotWorld) -> None:
    owner = world.fake.add_user("Owner")
    group = world.fake.add_group("Sales", owner)
    world.fake.say(owner, f"/init@{world.fake.bot_username}", group)
    new = world.fake.migrate(group)
    world.run_until_idle()
    assert world.subscriptions() == [(new, 0, "pending", None)]
    assert len(world.texts(new)) == len(world.texts(world.admin)) == 1
