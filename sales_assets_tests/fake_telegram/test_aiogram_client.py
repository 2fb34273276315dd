import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiogram import Bot, exceptions, methods, types
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import TelegramMethod

from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.fake_telegram.conftest import QuickSession, aiogram_call, picture
from sales_assets_tests.fake_telegram.server import FakeTelegram
from sales_assets_tests.fake_telegram.witness import unknown_fields

KEYBOARD = types.InlineKeyboardMarkup(
    inline_keyboard=[[types.InlineKeyboardButton(text="stuck", callback_data="stuck")]]
)


def uploaded(content: bytes | None = None) -> types.BufferedInputFile:
    return types.BufferedInputFile(content or picture(), "report.png")


def called(fake: FakeTelegram, *wanted: TelegramMethod[Any]) -> list[Any]:
    results = aiogram_call(fake.url, fake.token, *wanted)
    assert [unknown_fields(result) for result in results] == [[] for _ in results]
    return results


def failed(fake: FakeTelegram, method: TelegramMethod[Any]) -> exceptions.TelegramAPIError:
    with pytest.raises(exceptions.TelegramAPIError) as caught:
        aiogram_call(fake.url, fake.token, method)
    return caught.value


def test_aiogram_understands_every_kind_of_message(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    text, photo, document = called(
        fake,
        methods.SendMessage(
            chat_id=chat, text="<b>a</b>", parse_mode="HTML", reply_markup=KEYBOARD
        ),
        methods.SendPhoto(chat_id=chat, photo=uploaded(), caption="c", disable_notification=True),
        methods.SendDocument(chat_id=chat, document=uploaded(b"table"), caption="d"),
    )
    assert (text.message_id, photo.message_id, document.message_id) == (1, 2, 3)
    assert text.entities[0].type == "bold"
    assert text.reply_markup.inline_keyboard[0][0].callback_data == "stuck"
    assert photo.photo[-1].width == 60
    assert document.document.file_name == "report.png"
    assert [one["is_silent"] for one in fake.accepted(chat)] == [False, True, False]
    assert fake.violations == []


def test_aiogram_understands_every_kind_of_edit(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    called(
        fake,
        methods.SendMessage(chat_id=chat, text="a"),
        methods.SendPhoto(chat_id=chat, photo=uploaded(), reply_markup=KEYBOARD),
    )
    media = types.InputMediaPhoto(media=uploaded(picture(30, 30)), caption="e")
    text, caption, new_media, keyboard = called(
        fake,
        methods.EditMessageText(chat_id=chat, message_id=1, text="b"),
        methods.EditMessageCaption(chat_id=chat, message_id=2, caption="d"),
        methods.EditMessageMedia(chat_id=chat, message_id=2, media=media),
        methods.EditMessageReplyMarkup(chat_id=chat, message_id=2, reply_markup=KEYBOARD),
    )
    assert text.text == "b"
    assert (caption.caption, caption.reply_markup) == ("d", None)
    assert (new_media.photo[-1].width, new_media.caption) == (30, "e")
    assert (keyboard.caption, keyboard.reply_markup.model_dump()) == ("e", KEYBOARD.model_dump())
    assert all(message.edit_date for message in (text, caption, new_media, keyboard))
    assert fake.violations == []


def test_aiogram_understands_the_bot_its_commands_and_its_webhook(fake: FakeTelegram) -> None:
    command = types.BotCommand(command="report", description="The newest report")
    me, _, commands, _, info, *_ = called(
        fake,
        methods.GetMe(),
        methods.SetMyCommands(commands=[command]),
        methods.GetMyCommands(),
        methods.SetWebhook(url="https://example.org/hook"),
        methods.GetWebhookInfo(),
        methods.DeleteWebhook(drop_pending_updates=True),
        methods.DeleteMyCommands(),
    )
    assert me.username == fake.bot_username
    assert [one.command for one in commands] == ["report"]
    assert info.url == "https://example.org/hook"
    assert fake.violations == []


def test_aiogram_understands_chats_members_and_files(fake: FakeTelegram) -> None:
    owner = fake.add_user("Owner")
    group = fake.add_supergroup(owner_id=owner, topics={7: "Reports"}, bot_status="administrator")
    chat, creator, admins, photo, action = called(
        fake,
        methods.GetChat(chat_id=group),
        methods.GetChatMember(chat_id=group, user_id=owner),
        methods.GetChatAdministrators(chat_id=group),
        methods.SendPhoto(chat_id=group, message_thread_id=7, photo=uploaded()),
        methods.SendChatAction(chat_id=group, action="upload_photo"),
    )
    assert (chat.is_forum, creator.status, len(admins), action) == (True, "creator", 2, True)
    assert (photo.message_thread_id, photo.is_topic_message) == (7, True)
    [file] = called(fake, methods.GetFile(file_id=photo.photo[-1].file_id))
    assert downloaded(fake, file.file_path) == picture()
    assert fake.violations == []


def downloaded(fake: FakeTelegram, path: str) -> bytes:
    async def run() -> bytes:
        session = QuickSession(api=TelegramAPIServer.from_base(fake.url))
        async with Bot(fake.token, session=session) as bot:
            content = await bot.download_file(path)
            assert content is not None
            return content.read()

    return asyncio.run(run())


def test_aiogram_understands_every_update(fake: FakeTelegram) -> None:
    owner = fake.add_user("Owner")
    group = fake.add_group(owner_id=owner, bot_status="left")
    fake.start(owner, "invite-1")
    fake.add_bot_to(group, owner)
    [sent] = called(fake, methods.SendMessage(chat_id=group, text="a", reply_markup=KEYBOARD))
    query = fake.press(owner, group, sent.message_id, "stuck")
    fake.migrate(group)
    fake.block(owner)
    [updates] = called(fake, methods.GetUpdates())
    assert [update.event_type for update in updates] == [
        "message",
        "my_chat_member",
        "message",
        "callback_query",
        "message",
        "message",
        "my_chat_member",
    ]
    assert updates[0].message.text == "/start invite-1"
    assert updates[3].callback_query.data == "stuck"
    called(fake, methods.AnswerCallbackQuery(callback_query_id=query, text="Ready"))
    assert fake.query_answer(query) == {"text": "Ready", "show_alert": False}
    assert fake.violations == []


def blocked(fake: FakeTelegram) -> int:
    chat = fake.add_private_chat()
    fake.block(chat)
    return chat


def deactivated(fake: FakeTelegram) -> int:
    chat = fake.add_private_chat()
    fake.deactivate(chat)
    return chat


def never_started(fake: FakeTelegram) -> int:
    user = fake.add_user("Anna")
    fake.set_member(fake.add_group(), user, "member")
    return user


def deleted(fake: FakeTelegram) -> int:
    chat = fake.add_group()
    fake.delete_group(chat)
    return chat


FORBIDDEN: dict[str, Callable[[FakeTelegram], int]] = {
    "Forbidden: bot was blocked by the user": blocked,
    "Forbidden: user is deactivated": deactivated,
    "Forbidden: bot can't initiate conversation with a user": never_started,
    "Forbidden: the group chat was deleted": deleted,
    "Forbidden: bot was kicked from the group chat": lambda fake: fake.add_group(
        bot_status="kicked"
    ),
    "Forbidden: bot was kicked from the supergroup chat": lambda fake: fake.add_supergroup(
        bot_status="kicked"
    ),
    "Forbidden: bot is not a member of the group chat": lambda fake: fake.add_group(
        bot_status="left"
    ),
    "Forbidden: bot is not a member of the supergroup chat": lambda fake: fake.add_supergroup(
        bot_status="left"
    ),
    "Forbidden: bot can't send messages to bots": lambda fake: fake.bot().user.user_id,
}


@pytest.mark.parametrize("text", FORBIDDEN)
def test_a_chat_closed_to_the_bot_is_forbidden(fake: FakeTelegram, text: str) -> None:
    chat = FORBIDDEN[text](fake)
    error = failed(fake, methods.SendPhoto(chat_id=chat, photo=uploaded()))
    assert isinstance(error, exceptions.TelegramForbiddenError)
    assert error.message == text
    assert fake.accepted() == []


def test_a_migrated_group_tells_its_new_id_until_it_is_used(fake: FakeTelegram) -> None:
    group = fake.add_group()
    new_id = fake.migrate_silently(group)
    error = failed(fake, methods.SendMessage(chat_id=group, text="a"))
    assert isinstance(error, exceptions.TelegramMigrateToChat)
    assert error.migrate_to_chat_id == new_id
    called(fake, methods.SendMessage(chat_id=new_id, text="a"))
    assert fake.pending_updates() == []


BAD_REQUESTS: dict[str, Callable[[int], TelegramMethod[Any]]] = {
    "chat not found": lambda _: methods.SendMessage(chat_id=424242, text="a"),
    "message text is empty": lambda chat: methods.SendMessage(chat_id=chat, text=" "),
    "message is too long": lambda chat: methods.SendMessage(chat_id=chat, text="a" * 4097),
    "message thread not found": lambda chat: methods.SendMessage(
        chat_id=chat, text="a", message_thread_id=9
    ),
    "message to be replied not found": lambda chat: methods.SendMessage(
        chat_id=chat, text="a", reply_parameters=types.ReplyParameters(message_id=99)
    ),
    'can\'t parse entities: Unsupported start tag "p" at byte offset 0': lambda chat: (
        methods.SendMessage(chat_id=chat, text="<p>", parse_mode="HTML")
    ),
    "message caption is too long": lambda chat: methods.SendPhoto(
        chat_id=chat, photo=uploaded(), caption="😀" * 513
    ),
    "PHOTO_INVALID_DIMENSIONS": lambda chat: methods.SendPhoto(
        chat_id=chat, photo=uploaded(picture(210, 10))
    ),
    "IMAGE_PROCESS_FAILED": lambda chat: methods.SendPhoto(
        chat_id=chat, photo=uploaded(b"no picture")
    ),
    "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes": (
        lambda chat: methods.SendPhoto(chat_id=chat, photo=uploaded(bytes(10485761)))
    ),
    "wrong file identifier/HTTP URL specified": lambda chat: methods.SendPhoto(
        chat_id=chat, photo="AgACAgIAAxkBunknown"
    ),
    "wrong remote file identifier specified: Wrong character in the string": lambda chat: (
        methods.SendPhoto(chat_id=chat, photo="not a file id")
    ),
    "message to edit not found": lambda chat: methods.EditMessageText(
        chat_id=chat, message_id=99, text="b"
    ),
    "there is no caption in the message to edit": lambda chat: methods.EditMessageCaption(
        chat_id=chat, message_id=1, caption="b"
    ),
    "message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message": lambda chat: (
        methods.EditMessageText(chat_id=chat, message_id=1, text="a")
    ),
    "message can't be edited": lambda chat: methods.EditMessageText(
        chat_id=chat, message_id=2, text="b"
    ),
    "message to delete not found": lambda chat: methods.DeleteMessage(chat_id=chat, message_id=99),
    "query is too old and response timeout expired or query ID is invalid": lambda _: (
        methods.AnswerCallbackQuery(callback_query_id="1")
    ),
    "wrong parameter action in request": lambda chat: methods.SendChatAction(
        chat_id=chat, action="dance"
    ),
    "BUTTON_DATA_INVALID": lambda chat: methods.SendMessage(
        chat_id=chat,
        text="a",
        reply_markup=types.InlineKeyboardMarkup(
            inline_keyboard=[[types.InlineKeyboardButton(text="b", callback_data="ж" * 33)]]
        ),
    ),
    "BOT_COMMAND_INVALID": lambda _: methods.SetMyCommands(
        commands=[types.BotCommand(command="Отчёт", description="d")]
    ),
    "there are no administrators in the private chat": lambda chat: methods.GetChatAdministrators(
        chat_id=chat
    ),
    "chat member status can't be changed in private chats": lambda chat: methods.LeaveChat(
        chat_id=chat
    ),
    "wrong file_id or the file is temporarily unavailable": lambda _: methods.GetFile(file_id="A"),
    "bad webhook: An HTTPS URL must be provided for webhook": lambda _: methods.SetWebhook(
        url="http://example.org"
    ),
}


@pytest.mark.parametrize("text", BAD_REQUESTS)
def test_a_bad_request_is_refused_in_the_servers_words(fake: FakeTelegram, text: str) -> None:
    chat = fake.add_private_chat()
    called(fake, methods.SendMessage(chat_id=chat, text="a"))
    fake.say(chat, "from the user")
    error = failed(fake, BAD_REQUESTS[text](chat))
    assert isinstance(error, exceptions.TelegramBadRequest)
    assert error.message == f"Bad Request: {text}"
    assert len(fake.accepted()) == 1


def test_a_caption_of_1024_units_passes(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    caption = "<b>" + "😀" * 512 + "</b>"
    [sent] = called(
        fake,
        methods.SendPhoto(chat_id=chat, photo=uploaded(), caption=caption, parse_mode="HTML"),
    )
    assert sent.caption == "😀" * 512


def test_a_file_id_is_used_again_until_it_is_forgotten(fake: FakeTelegram) -> None:
    first, second = fake.add_private_chat(), fake.add_private_chat()
    [sent] = called(fake, methods.SendPhoto(chat_id=first, photo=uploaded()))
    file_id = sent.photo[-1].file_id
    [again] = called(fake, methods.SendPhoto(chat_id=second, photo=file_id))
    assert again.photo == sent.photo
    wrong_kind = failed(fake, methods.SendDocument(chat_id=second, document=file_id))
    assert wrong_kind.message == "Bad Request: can't use file of type Photo as Document"
    fake.forget_file(file_id)
    refused = failed(fake, methods.SendPhoto(chat_id=second, photo=file_id))
    assert refused.message == "Bad Request: wrong file identifier/HTTP URL specified"


def test_a_photo_has_its_sizes_with_file_ids_of_their_own(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    content = picture(1600, 2000)
    [sent] = called(fake, methods.SendPhoto(chat_id=chat, photo=uploaded(content)))
    assert [size.height for size in sent.photo] == [90, 320, 800, 1280]
    assert len({size.file_unique_id for size in sent.photo}) == 4
    assert fake.download(sent.photo[-1].file_id) == content


def test_a_closed_or_deleted_topic_takes_nothing(fake: FakeTelegram) -> None:
    chat = fake.add_supergroup(topics={3: "Open", 4: "Closed"})
    fake.close_topic(chat, 4)
    closed = failed(fake, methods.SendMessage(chat_id=chat, message_thread_id=4, text="a"))
    assert closed.message == "Bad Request: TOPIC_CLOSED"
    fake.delete_topic(chat, 3)
    gone = failed(fake, methods.SendMessage(chat_id=chat, message_thread_id=3, text="a"))
    assert gone.message == "Bad Request: message thread not found"


def test_a_pressed_button_is_answered_once_and_not_too_late(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    called(fake, methods.SendMessage(chat_id=chat, text="a", reply_markup=KEYBOARD))
    first, second = (fake.press(chat, chat, 1, "stuck") for _ in range(2))
    called(fake, methods.AnswerCallbackQuery(callback_query_id=first))
    fake.expire_queries()
    for query in (first, second):
        error = failed(fake, methods.AnswerCallbackQuery(callback_query_id=query))
        assert error.message.startswith("Bad Request: query is too old")


def test_a_bot_that_left_a_group_is_told_and_kept_out(fake: FakeTelegram) -> None:
    chat = fake.add_group()
    _, updates = called(fake, methods.LeaveChat(chat_id=chat), methods.GetUpdates())
    assert updates[0].my_chat_member.new_chat_member.status == "left"
    error = failed(fake, methods.SendMessage(chat_id=chat, text="a"))
    assert error.message == "Forbidden: bot is not a member of the group chat"


def test_a_revoked_or_wrong_token_is_unauthorized(fake: FakeTelegram) -> None:
    fake.revoke_token()
    error = failed(fake, methods.GetMe())
    assert isinstance(error, exceptions.TelegramUnauthorizedError)
    assert error.message == "Unauthorized"


def test_a_wrong_base_url_and_an_unknown_method_are_not_found(fake: FakeTelegram) -> None:
    with pytest.raises(exceptions.TelegramNotFound):
        aiogram_call(f"{fake.url}/elsewhere", fake.token, methods.GetMe())
    error = failed(fake, methods.GetStarTransactions())
    assert isinstance(error, exceptions.TelegramNotFound)
    assert error.message == "Not Found: method not found"


def test_an_upload_over_the_limit_is_too_large(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    large = uploaded(bytes(50 * 1024 * 1024 + 1))
    error = failed(fake, methods.SendDocument(chat_id=chat, document=large))
    assert isinstance(error, exceptions.TelegramEntityTooLarge)
    assert error.message == "Request Entity Too Large"


def test_a_newer_poller_ends_the_older_one_with_a_conflict(fake: FakeTelegram) -> None:
    async def run() -> tuple[Any, Any]:
        session = QuickSession(api=TelegramAPIServer.from_base(fake.url))
        async with Bot(fake.token, session=session) as bot:
            older = asyncio.create_task(bot.get_updates(timeout=30))
            await asyncio.to_thread(fake.wait_for, lambda: fake.polls)
            newer = asyncio.create_task(bot.get_updates(timeout=30))
            error = (await asyncio.gather(older, return_exceptions=True))[0]
            fake.start(fake.add_user("Anna"))
            return error, await newer

    error, updates = asyncio.run(run())
    assert isinstance(error, exceptions.TelegramConflictError)
    assert error.message.startswith("Conflict: terminated by other getUpdates request")
    assert len(updates) == 1


def test_a_webhook_and_polling_exclude_each_other(fake: FakeTelegram) -> None:
    called(fake, methods.SetWebhook(url="https://example.org"))
    error = failed(fake, methods.GetUpdates())
    assert isinstance(error, exceptions.TelegramConflictError)
    assert error.message.startswith("Conflict: can't use getUpdates method while webhook is active")
    called(fake, methods.DeleteWebhook(), methods.GetUpdates())


def test_an_ordered_flood_is_a_retry_after_and_ends_when_told(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    fake.order(faults.flood(7), "sendMessage", chat, call=2)
    message = methods.SendMessage(chat_id=chat, text="a")
    called(fake, message)
    error = failed(fake, message)
    assert isinstance(error, exceptions.TelegramRetryAfter)
    assert error.retry_after == 7
    called(fake, message)
    assert len(fake.accepted(chat)) == 2


def test_a_server_error_may_come_before_or_after_the_message(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    fake.order(faults.refuse(502, "Bad Gateway"))
    fake.order(faults.accept_then_fail(500), call=2)
    message = methods.SendMessage(chat_id=chat, text="a")
    assert isinstance(failed(fake, message), exceptions.TelegramServerError)
    assert fake.accepted(chat) == []
    assert isinstance(failed(fake, message), exceptions.TelegramServerError)
    assert len(fake.accepted(chat)) == 1


def test_a_page_instead_of_json_can_not_be_decoded(fake: FakeTelegram) -> None:
    fake.order(faults.bad_gateway())
    with pytest.raises(exceptions.ClientDecodeError):
        aiogram_call(fake.url, fake.token, methods.GetMe())


def test_silence_and_hanging_up_are_network_errors(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    message = methods.SendMessage(chat_id=chat, text="a")
    for order, count in ((faults.accept_then_silence(), 1), (faults.hang_up(), 1)):
        fake.order(order)
        with pytest.raises(exceptions.TelegramNetworkError):
            aiogram_call(fake.url, fake.token, message, seconds=0.2)
        assert len(fake.accepted(chat)) == count


def test_the_fake_ends_at_once_though_clients_wait(fake: FakeTelegram) -> None:
    fake.order(faults.silence())
    with pytest.raises(exceptions.TelegramNetworkError):
        aiogram_call(fake.url, fake.token, methods.GetMe(), seconds=0.1)
    began = time.monotonic()
    fake.stop_serving()
    assert fake.thread is not None
    assert not fake.thread.is_alive()
    assert time.monotonic() - began < 2


def test_a_restricted_bot_may_look_but_not_send(fake: FakeTelegram) -> None:
    chat = fake.add_supergroup(bot_status="restricted")
    [member] = called(fake, methods.GetChatMember(chat_id=chat, user_id=fake.bot().user.user_id))
    assert member.status == "restricted"
    error = failed(fake, methods.SendPhoto(chat_id=chat, photo=uploaded()))
    assert error.message == "Bad Request: not enough rights to send photos to the chat"


def test_sending_faster_than_the_pace_is_a_flood(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    fake.limit_rate(2, retry_after=3)
    message = methods.SendMessage(chat_id=chat, text="a")
    called(fake, message, methods.GetMe(), message)
    error = failed(fake, message)
    assert isinstance(error, exceptions.TelegramRetryAfter)
    assert error.retry_after == 3
    assert fake.pace is not None
    fake.pace.passed_at[0] -= 1
    called(fake, message)


def test_a_deleted_message_can_not_be_edited(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    called(fake, methods.SendMessage(chat_id=chat, text="a"))
    fake.remove_message(chat, 1)
    error = failed(fake, methods.EditMessageText(chat_id=chat, message_id=1, text="b"))
    assert error.message == "Bad Request: message to edit not found"
