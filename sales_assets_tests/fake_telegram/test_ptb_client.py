import datetime as dt
from typing import Any

import pytest
import telegram
from telegram import error

from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.fake_telegram.conftest import picture, ptb_call
from sales_assets_tests.fake_telegram.server import FakeTelegram

# PTB announces that retry_after becomes a timedelta; both are read here.
SECONDS = "ignore::telegram.warnings.PTBDeprecationWarning"
KEYBOARD = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("b", callback_data="c")]])


def test_ptb_sends_edits_and_reads_without_a_violation(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()

    async def act(bot: telegram.Bot) -> None:
        await bot.set_my_commands([("report", "The newest report")])
        await bot.send_chat_action(chat, "upload_photo")
        photo = await bot.send_photo(
            chat, picture(), caption="<b>a</b>", parse_mode="HTML", reply_markup=KEYBOARD
        )
        assert photo.caption_html == "<b>a</b>"
        await bot.edit_message_caption(chat, photo.message_id, caption="b", reply_markup=KEYBOARD)
        await bot.edit_message_media(
            telegram.InputMediaPhoto(picture(30, 30), caption="c"), chat, photo.message_id
        )
        await bot.edit_message_reply_markup(chat, photo.message_id, reply_markup=KEYBOARD)
        await bot.send_document(chat, b"table", filename="stuck.xlsx", disable_notification=True)
        reply = telegram.ReplyParameters(photo.message_id)
        text = await bot.send_message(chat, "d", reply_parameters=reply)
        assert text.reply_to_message is not None
        await bot.edit_message_text("e", chat, text.message_id)
        query = fake.press(chat, chat, photo.message_id, "c")
        [update] = await bot.get_updates(timeout=5, allowed_updates=["callback_query"])
        assert update.callback_query is not None
        assert update.callback_query.id == query
        await bot.answer_callback_query(query, "Ready")
        await bot.delete_message(chat, text.message_id)

    ptb_call(fake, act)
    assert [one["method"] for one in fake.accepted(chat)] == [
        "sendPhoto",
        "editMessageCaption",
        "editMessageMedia",
        "editMessageReplyMarkup",
        "sendDocument",
        "sendMessage",
        "editMessageText",
        "deleteMessage",
    ]
    assert fake.violations == []


@pytest.mark.filterwarnings(SECONDS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.refuse(400, "Bad Request: chat not found"), error.BadRequest),
        (faults.refuse(401, "Unauthorized"), error.InvalidToken),
        (faults.refuse(403, "Forbidden: bot was blocked by the user"), error.Forbidden),
        (faults.refuse(404, "Not Found"), error.InvalidToken),
        (faults.refuse(409, "Conflict: terminated by other getUpdates request"), error.Conflict),
        (faults.refuse(413, "Request Entity Too Large"), error.NetworkError),
        (faults.refuse(400, "x", migrate_to_chat_id=-100), error.ChatMigrated),
        (faults.flood(3), error.RetryAfter),
        (faults.flood(), error.NetworkError),
        (faults.bad_gateway(), error.NetworkError),
        (faults.accept_then_fail(), error.NetworkError),
        (faults.accept_then_hang_up(), error.NetworkError),
        (faults.accept_then_say("[]"), TypeError),
        (faults.accept_then_say("not json"), error.TelegramError),
    ],
)
def test_ptb_maps_every_fault_to_its_class(
    fake: FakeTelegram, fault: faults.Fault, expected: type[Exception]
) -> None:
    chat = fake.add_private_chat()
    fake.order(fault, "sendMessage")

    async def act(bot: telegram.Bot) -> Any:
        return await bot.send_message(chat, "a")

    with pytest.raises(expected):
        ptb_call(fake, act)
    assert len(fake.accepted(chat)) == int(fault.accept)


@pytest.mark.filterwarnings(SECONDS)
def test_ptb_reads_the_seconds_of_a_flood(fake: FakeTelegram) -> None:
    fake.order(faults.flood(3))
    with pytest.raises(error.RetryAfter) as caught:
        ptb_call(fake, lambda bot: bot.get_me())
    assert caught.value.retry_after in {3, dt.timedelta(seconds=3)}
    [request] = fake.calls("getMe")
    assert request.status == 429


def test_silence_after_accepting_is_a_timeout_with_one_message(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    fake.order(faults.accept_then_silence(), "sendMessage", times=2)

    async def act(bot: telegram.Bot) -> None:
        with pytest.raises(error.TimedOut):
            await bot.send_message(chat, "a", read_timeout=0.1)

    ptb_call(fake, act)
    assert len(fake.accepted(chat)) == 1
    assert [one.status for one in fake.calls("sendMessage")] == [0]


def test_a_fault_for_ever_lasts_until_it_is_cleared(fake: FakeTelegram) -> None:
    chat, other = fake.add_private_chat(), fake.add_private_chat()
    fake.order(faults.refuse(500, "Internal Server Error"), "sendMessage", chat, times=None)

    async def act(bot: telegram.Bot) -> None:
        for _ in range(3):
            with pytest.raises(error.NetworkError):
                await bot.send_message(chat, "a")
        await bot.send_message(other, "a")
        fake.clear_orders()
        await bot.send_message(chat, "a")

    ptb_call(fake, act)
    assert (len(fake.accepted(chat)), len(fake.accepted(other))) == (1, 1)


def test_a_stopped_service_refuses_connections_and_comes_back_as_it_was(
    fake: FakeTelegram,
) -> None:
    chat = fake.add_private_chat()
    fake.stop_serving()
    with pytest.raises(error.NetworkError):
        ptb_call(fake, lambda bot: bot.send_message(chat, "a"))
    fake.start_serving()
    ptb_call(fake, lambda bot: bot.send_message(chat, "a"))
    assert len(fake.accepted(chat)) == 1
