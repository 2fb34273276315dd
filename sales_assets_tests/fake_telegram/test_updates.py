import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Timer
from typing import Any

from aiogram.types import Update

from sales_assets_tests.fake_telegram.conftest import http_get
from sales_assets_tests.fake_telegram.server import FakeTelegram
from sales_assets_tests.fake_telegram.witness import unknown_fields


def updates(fake: FakeTelegram, **params: Any) -> list[dict[str, Any]]:
    answer = http_get(f"{fake.base_url}{fake.token}/getUpdates", params=params).json()
    return answer["result"]


def test_an_update_comes_again_until_the_offset_confirms_it(fake: FakeTelegram) -> None:
    user = fake.add_user("Anna")
    for text in "abc":
        fake.say(user, text)
    first, second, third = updates(fake)
    assert updates(fake, limit=1) == [first]
    assert updates(fake, offset=second["update_id"]) == [second, third]
    assert updates(fake) == [second, third]
    assert updates(fake, offset=third["update_id"] + 1) == []
    assert fake.pending_updates() == []


def test_a_negative_offset_keeps_the_newest_only(fake: FakeTelegram) -> None:
    user = fake.add_user("Anna")
    for text in "abc":
        fake.say(user, text)
    [newest] = updates(fake, offset=-1)
    assert newest["message"]["text"] == "c"
    assert fake.pending_updates() == [newest]


def test_a_long_poll_waits_for_an_update_and_not_longer(fake: FakeTelegram) -> None:
    user = fake.add_user("Anna")
    timer = Timer(0.1, fake.say, [user, "a"])
    timer.start()
    began = time.monotonic()
    assert len(updates(fake, timeout=20)) == 1
    assert time.monotonic() - began < 5
    timer.join()


def test_a_long_poll_without_an_update_ends_empty(fake: FakeTelegram) -> None:
    began = time.monotonic()
    assert updates(fake, timeout=1) == []
    assert 0.9 < time.monotonic() - began < 3


def test_only_the_wanted_kinds_are_kept_from_then_on(fake: FakeTelegram) -> None:
    user = fake.add_user("Anna")
    updates(fake, allowed_updates='["my_chat_member"]')
    fake.say(user, "a")
    fake.block(user)
    assert [list(update)[1] for update in updates(fake)] == ["my_chat_member"]


def test_in_a_group_the_bot_reads_its_commands_and_replies_to_it_only(fake: FakeTelegram) -> None:
    user = fake.add_user("Anna")
    group = fake.add_group(owner_id=user)
    sent = http_get(
        f"{fake.base_url}{fake.token}/sendMessage", params={"chat_id": group, "text": "report"}
    ).json()["result"]
    fake.say(user, "hello", group)
    fake.say(user, "/init@another_bot", group)
    fake.say(user, f"/init@{fake.bot_username}", group)
    fake.say(user, "thanks", group, reply_to=sent["message_id"])
    texts = [update["message"]["text"] for update in updates(fake)]
    assert texts == [f"/init@{fake.bot_username}", "thanks"]


def test_a_command_is_marked_as_the_service_marks_it(fake: FakeTelegram) -> None:
    fake.say(fake.add_user("Anna"), "😀 /report@bot 2026-01-01")
    [update] = updates(fake)
    expected = {"type": "bot_command", "offset": 3, "length": 11}
    assert update["message"]["entities"] == [expected]


def test_the_bot_is_told_of_every_change_of_its_place(fake: FakeTelegram) -> None:
    user = fake.add_user("Anna")
    group = fake.add_group(owner_id=user, bot_status="left")
    fake.add_bot_to(group, user)
    fake.remove_bot_from(group, user)
    fake.block(user)
    fake.unblock(user)
    changes = [
        (one["old_chat_member"]["status"], one["new_chat_member"]["status"])
        for one in (update.get("my_chat_member") for update in updates(fake))
        if one
    ]
    expected = [
        ("left", "member"),
        ("member", "kicked"),
        ("member", "kicked"),
        ("kicked", "member"),
    ]
    assert changes == expected


def test_two_bots_have_chats_and_updates_of_their_own(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    other = fake.add_bot("8000000002:AAOther", "other_bot")
    answer = http_get(f"{fake.base_url}{other}/sendMessage", params={"chat_id": chat, "text": "a"})
    assert answer.json()["description"] == "Bad Request: chat not found"
    fake.say(chat, "a")
    assert http_get(f"{fake.base_url}{other}/getUpdates").json()["result"] == []


def answer_to_a_waiting_poll(fake: FakeTelegram, end: Callable[[], Any]) -> dict[str, Any]:
    address = f"{fake.base_url}{fake.token}/getUpdates"
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(http_get, address, params={"timeout": 30}, timeout=5)
        fake.wait_for(lambda: fake.polls)
        end()
        return poll.result().json()


def test_a_waiting_poll_ends_when_the_token_is_revoked(fake: FakeTelegram) -> None:
    assert answer_to_a_waiting_poll(fake, fake.revoke_token)["description"] == "Unauthorized"


def test_a_waiting_poll_ends_when_a_webhook_is_set(fake: FakeTelegram) -> None:
    address = f"{fake.base_url}{fake.token}/setWebhook"

    def set_webhook() -> None:
        http_get(address, params={"url": "https://example.org"})

    answer = answer_to_a_waiting_poll(fake, set_webhook)
    assert answer["description"] == "Conflict: terminated by setWebhook request"
    assert answer["error_code"] == 409


def test_who_writes_in_a_chats_name_is_not_told(fake: FakeTelegram) -> None:
    group, channel = fake.add_supergroup(), fake.add_channel("News")
    command = f"/stop@{fake.bot_username}"
    for speaker in (group, channel):
        fake.say_as_chat(speaker, command, group)
    told = [update["message"] for update in updates(fake)]
    assert [(one["from"]["username"], one["sender_chat"]["id"]) for one in told] == [
        ("GroupAnonymousBot", group),
        ("Channel_Bot", channel),
    ]
    assert [unknown_fields(Update.model_validate(update)) for update in updates(fake)] == [[], []]
