"""What the bot asks of the Bot API beyond sending a report: updates, answers, members, files."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from telegram import BotCommand, InputFile
from telegram.constants import ChatMemberStatus, ParseMode

from sales_assets.adapters.bot.updates import ALLOWED
from sales_assets.adapters.delivery.telegram import TelegramTransport, keyboard
from sales_assets.core.delivery.messages import Keyboard
from sales_assets.core.delivery.rules import Answer, Meaning, Outcome, classify
from sales_assets.core.errors import SalesAssetsError

#: How long Telegram holds a request for updates open; a dead connection is noticed soon after.
POLL_SECONDS = 25
_POLL_READ_SECONDS = 10.0
#: What a person waits for behind; nothing big travels with it.
_QUICK_SECONDS = 10.0
#: What every answer other than a refusal comes to; a result is no message, so SENT is not told.
_NO_WORD_OF_REFUSAL = (Outcome.SENT, Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.WAIT)


class BotApiError(SalesAssetsError):
    """A request brought no result; `retry_after` if the service named a time."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BotStoppedError(BotApiError):
    """No request can succeed: a wrong token, a wrong address, a refusing proxy."""


class OtherPollerError(BotApiError):
    """Somebody else takes the updates of this bot: a second process, or a webhook."""


class RefusedError(BotApiError):
    """The service understood the request and said no."""


@dataclass(frozen=True)
class Document:
    """A file with a name, for one chat."""

    name: str
    content: bytes
    caption: str
    file_id: str | None = None


class BotApi(TelegramTransport):
    """The Bot API for the bot; entered once, inside its event loop."""

    def without_token(self, words: str) -> str:
        """Return words that are to be kept, without the token that they may hold."""
        return words.replace(self._token, "<bot token>")

    async def updates(self, offset: int | None) -> list[dict[str, Any]]:
        """Wait for updates and return them as they came.

        Raises:
            BotStoppedError, OtherPollerError, BotApiError: no updates, and why.
        """
        call = self._the_bot.get_updates(
            offset=offset,
            timeout=POLL_SECONDS,
            allowed_updates=list(ALLOWED),
            read_timeout=_POLL_READ_SECONDS,
        )
        result = await self._result(call)
        return [one for one in result if isinstance(one, dict)] if isinstance(result, list) else []

    async def identity(self) -> tuple[int, str]:
        """Return the bot's id and its username."""
        result = await self._result(self._the_bot.get_me(read_timeout=_QUICK_SECONDS))
        return int(result["id"]), str(result["username"])

    async def webhook(self) -> str:
        """Return the address to which Telegram pushes updates; empty where it does not."""
        result = await self._result(self._the_bot.get_webhook_info(read_timeout=_QUICK_SECONDS))
        return str(result.get("url", ""))

    async def register(self, commands: Mapping[str, str]) -> None:
        """Tell Telegram the commands, so that its apps offer them."""
        listed = [BotCommand(name, words) for name, words in commands.items()]
        await self._result(self._the_bot.set_my_commands(listed, read_timeout=_QUICK_SECONDS))

    async def is_chat_admin(self, chat: int, user: int) -> bool:
        """Whether the user rules the group; one that the service does not show does not."""
        try:
            member = await self._result(
                self._the_bot.get_chat_member(chat, user, read_timeout=_QUICK_SECONDS)
            )
        except RefusedError:
            return False
        return member.get("status") in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)

    async def answer_pressed(self, query: str, text: str, *, is_alert: bool) -> Answer:
        """Settle a pressed button, with a word if there is one."""
        return await self._answer(
            self._the_bot.answer_callback_query(query, text or None, show_alert=is_alert)
        )

    async def edit_text(self, chat: int, message: int, html: str) -> Answer:
        """Replace a text and take its buttons away."""
        return await self._answer(
            self._the_bot.edit_message_text(
                text=html, chat_id=chat, message_id=message, parse_mode=ParseMode.HTML
            )
        )

    async def leave(self, chat: int) -> Answer:
        """Leave a group."""
        return await self._answer(self._the_bot.leave_chat(chat))

    async def send_file(
        self, chat: int, thread: int, document: Document, buttons: Keyboard = ()
    ) -> Answer:
        """Send a file that is no picture; uploaded unless it has a `file_id`."""
        upload = InputFile(document.content, filename=document.name, attach=True)
        return await self._answer(
            self._the_bot.send_document(
                chat_id=chat,
                message_thread_id=thread or None,
                document=document.file_id or upload,
                caption=document.caption,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard(buttons),
            )
        )

    async def _result(self, call: Awaitable[Any]) -> Any:
        answer = await self._answer(call)
        verdict = classify(answer)
        if answer.status == HTTPStatus.CONFLICT:
            raise OtherPollerError(verdict.reason)
        if verdict.outcome is Outcome.STOP:
            raise BotStoppedError(verdict.reason)
        if verdict.outcome not in _NO_WORD_OF_REFUSAL:
            raise RefusedError(verdict.reason)
        result = _result_of(answer)
        if result is None:
            raise BotApiError(verdict.reason, verdict.retry_after)
        return result


def weigh(answer: Answer) -> Meaning:
    """Return what an answer proves: as for a message, and a bare "true" is success, too.

    Settling a button and leaving a chat are answered so.
    """
    is_done = answer.status == HTTPStatus.OK and _result_of(answer) is True
    return Meaning(Outcome.SENT) if is_done else classify(answer)


def _result_of(answer: Answer) -> Any:
    """Return what an answer with `ok` brings, else None."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return None
    return body.get("result") if isinstance(body, dict) and body.get("ok") is True else None
