"""Sends what the bot owes, each chat's replies in their order, chats beside one another."""

import asyncio
import html
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final
from weakref import WeakValueDictionary

from sales_assets.adapters.bot.api import BotApi, BotStoppedError, Document, weigh
from sales_assets.adapters.bot.archive import Archive
from sales_assets.adapters.state.bot import BotState, Owed
from sales_assets.adapters.state.database import StateError
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.core.bot import texts
from sales_assets.core.bot.replies import Reply, ReplyKind
from sales_assets.core.delivery import rules
from sales_assets.core.delivery.messages import CAPTION_LIMIT, Message, split_html, text_alone
from sales_assets.core.delivery.rules import Answer, Meaning, Outcome, classify
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.report.wording import full_date
from sales_assets.core.russian import bot as ru

LOG = logging.getLogger(__name__)
#: How often one reply is tried; a doubt is repeated once, as a person would ask again.
MOST_TRIES = 6
MOST_DOUBTS = 2
#: A longer pause than this is asked of the whole service: the person has gone by then.
LONGEST_PAUSE = timedelta(minutes=2)
FIRST_BACKOFF = timedelta(seconds=0.5)
_WORKERS = 16

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]


class Sender:
    """Sends replies through the Bot API and settles them in the state."""

    def __init__(  # noqa: PLR0913, PLR0917 - the edges that replies touch
        self,
        api: BotApi,
        state: BotState,
        ledger: Ledger,
        archive: Archive,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._api = api
        self._state = state
        self._ledger = ledger
        self._archive = archive
        self._clock = clock
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(_WORKERS)
        self._chats: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._files: dict[str, str] = {}
        self._preparing: asyncio.Task[None] | None = None
        #: Set where no request can succeed any more.
        self.stopped: BotStoppedError | None = None

    async def start(self, owed: Owed) -> None:
        """Begin to send what is owed; wait only where too much is under way already."""
        if not owed.replies:
            return
        await self._free.acquire()
        lock = self._chats.setdefault(owed.replies[0].chat, asyncio.Lock())
        task = asyncio.create_task(self._send_all(owed, lock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def prepare_newest_list(self) -> None:
        """Build the newest stuck list beside the loop, before somebody asks for it."""
        if self._preparing is None or self._preparing.done():
            self._preparing = asyncio.create_task(asyncio.to_thread(self._prepare))

    def _prepare(self) -> None:
        newest = max(self._archive.stuck_days(), default=None)
        try:
            if newest is not None:
                self._archive.spreadsheet(newest)
        except SalesAssetsError as error:
            LOG.warning("The list of %s cannot be prepared: %s", newest, error)

    async def finish(self, seconds: float) -> None:
        """Wait for what is under way; what is not done by then is sent after the next start."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        if self._preparing is not None:
            await self._preparing
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send_all(self, owed: Owed, lock: asyncio.Lock) -> None:
        try:
            async with lock:
                left = owed.replies
                while left and self.stopped is None:
                    await self._send_or_record(owed.update_id, left[0])
                    left = left[1:]
                    if self.stopped is None:
                        await self._settle(owed.update_id, left)
        finally:
            self._free.release()

    async def _settle(self, update_id: int, left: Sequence[Reply]) -> None:
        try:
            await asyncio.to_thread(self._state.settle, update_id, left, self._clock())
        except StateError as error:
            # It is owed still and comes once more after the next start.
            LOG.warning("The answer to update %s is sent but not settled: %s", update_id, error)

    async def _send_or_record(self, update_id: int, reply: Reply) -> None:
        """Send one reply; an error of ours is tried again, then recorded and passed over."""
        while self.stopped is None:
            try:
                await self._send(reply)
            except BotStoppedError as error:
                self.stopped = error
            except Exception as error:  # noqa: BLE001 - one bad reply must not end the bot
                if not await self._is_over(update_id, error):
                    await self._sleep(FIRST_BACKOFF.total_seconds())
                    continue
                await self._apologise(reply)
            return

    async def _is_over(self, update_id: int, error: Exception) -> bool:
        LOG.warning("Update %s: a reply failed: %s", update_id, error)
        words = f"a reply failed: {type(error).__name__}: {error}"
        reason = self._api.without_token(words)
        try:
            return await asyncio.to_thread(self._state.fail, update_id, reason, self._clock())
        except StateError as trouble:
            LOG.warning("The failure could not be recorded: %s", trouble)
            return True

    async def _apologise(self, reply: Reply) -> None:
        if reply.kind in (ReplyKind.REPORT, ReplyKind.STUCK):
            await self._send(Reply(ReplyKind.TEXT, reply.chat, reply.thread, html=ru.BOT_FAILED))

    # --- One reply ---

    async def _send(self, reply: Reply) -> None:
        message = await self._message(reply)
        verdict = _UNTRIED
        doubts = 0
        for tried in range(MOST_TRIES):
            verdict = weigh(await self._request(reply, message))
            doubts += verdict.outcome is Outcome.UNKNOWN
            if verdict.outcome is Outcome.SENT:
                self._remember(message, verdict)
                return
            changed = _adapted(message, verdict)
            if changed is not None:
                message = changed
            elif verdict.outcome is Outcome.MIGRATED and verdict.new_chat is not None:
                await self._migrate(reply.chat, verdict.new_chat)
                reply = reply.at(verdict.new_chat)
            elif doubts == MOST_DOUBTS or not await self._wait(verdict, tried):
                break
        await self._give_up(reply, verdict)

    async def _wait(self, verdict: Meaning, tried: int) -> bool:
        """Wait for the next try; False if there is no use in one.

        Raises:
            BotStoppedError: no request can succeed.
        """
        match verdict.outcome:
            case Outcome.STOP:
                raise BotStoppedError(verdict.reason)
            case Outcome.WAIT:
                pause = verdict.retry_after or rules.DEFAULT_PAUSE
            case Outcome.NOT_SENT | Outcome.UNKNOWN:
                pause = FIRST_BACKOFF * 2**tried
            case _:
                return False
        if pause > LONGEST_PAUSE:
            return False
        await self._sleep(pause.total_seconds())
        return True

    async def _request(self, reply: Reply, message: Message | None) -> Answer:
        api = self._api
        match reply.kind:
            case ReplyKind.ANSWER:
                return await api.answer_pressed(reply.query, reply.html, is_alert=reply.is_alert)
            case ReplyKind.EDIT:
                return await api.edit_text(reply.chat, reply.message, reply.html)
            case ReplyKind.LEAVE:
                return await api.leave(reply.chat)
            case ReplyKind.STUCK:
                return await self._send_stuck(reply)
        if message is None:
            raise RuntimeError(f"a {reply.kind} without a message")
        return await api.send(reply.chat, reply.thread, message)

    async def _message(self, reply: Reply) -> Message | None:
        if reply.kind is ReplyKind.TEXT:
            return Message(_NO_DAY, "reply", reply.html, buttons=reply.buttons)
        if reply.kind is not ReplyKind.REPORT or reply.day is None:
            return None
        return await asyncio.to_thread(self._report, reply, reply.day)

    def _report(self, reply: Reply, day: date) -> Message:
        """Return the report with its picture; where that is gone, its words alone."""
        text, caption = reply.html, reply.caption
        if caption is None:
            stored = self._archive.report(day)
            if stored is None:
                return Message(day, "reply", ru.BOT_NO_REPORT.format(day=full_date(day)))
            caption = stored.content["caption"]
            text = split_html(caption, CAPTION_LIMIT, CAPTION_LIMIT)[0]
        picture = self._archive.picture_of(day, caption)
        message = Message(
            day,
            "reply",
            text,
            picture=picture,
            as_document=reply.as_document,
            buttons=reply.buttons,
        )
        file_id = self._files.get(_name(message)) or reply.file_id
        if picture is None and file_id is None:
            return replace(message, html=text_alone(text), as_document=False)
        return replace(message, file_id=file_id)

    async def _send_stuck(self, reply: Reply) -> Answer:
        day = reply.day or _NO_DAY
        count, content = await asyncio.to_thread(self._list, day)
        caption = html.escape(texts.stuck_caption(day, count))
        if count == 0:
            return await self._api.send(reply.chat, reply.thread, Message(day, "reply", caption))
        name = sha256(content).hexdigest()
        document = Document(f"stuck-{day}.xlsx", content, caption, self._files.get(name))
        answer = await self._api.send_file(reply.chat, reply.thread, document)
        verdict = classify(answer)
        if verdict.outcome is Outcome.FILE_ID_REFUSED and self._files.pop(name, None):
            fresh = replace(document, file_id=None)
            answer = await self._api.send_file(reply.chat, reply.thread, fresh)
            verdict = classify(answer)
        if verdict.file_id:
            self._files[name] = verdict.file_id
        return answer

    def _list(self, day: date) -> tuple[int, bytes]:
        count = len(self._archive.stuck(day))
        return count, self._archive.spreadsheet(day) if count else b""

    def _remember(self, message: Message | None, verdict: Meaning) -> None:
        if message is not None and message.picture is not None and verdict.file_id:
            self._files[_name(message)] = verdict.file_id

    async def _give_up(self, reply: Reply, verdict: Meaning) -> None:
        """Let a refusal have its effect: a chat that is gone sleeps, and so does a lost topic."""
        LOG.warning("A %s to chat %s was given up: %s", reply.kind, reply.chat, verdict.reason)
        if reply.kind is ReplyKind.LEAVE:
            return
        thread = reply.thread if verdict.outcome is Outcome.THREAD_GONE else None
        if verdict.outcome in (Outcome.SLEEP, Outcome.THREAD_GONE):
            await asyncio.to_thread(
                self._ledger.put_to_sleep,
                reply.chat,
                verdict.reason,
                self._clock(),
                thread=thread,
            )

    async def _migrate(self, old: int, new: int) -> None:
        await asyncio.to_thread(self._ledger.migrate, old, new, self._clock())


_NO_DAY: Final = date.min
_UNTRIED: Final = Meaning(Outcome.NOT_SENT, "never tried")


def _name(message: Message) -> str:
    """Name the message's picture in the form in which it is sent."""
    form = "document" if message.as_document else "photo"
    return f"{form}:{sha256(message.picture or b'').hexdigest()}"


def _adapted(message: Message | None, verdict: Meaning) -> Message | None:
    """Return what to try in place of a refused message; None if nothing is left to try."""
    if message is None:
        return None
    if verdict.outcome is Outcome.MARKUP and not message.is_plain:
        return replace(message, is_plain=True)
    if verdict.outcome not in (Outcome.FILE_ID_REFUSED, Outcome.PICTURE_REFUSED):
        return None
    return _in_another_form(message)


def _in_another_form(message: Message) -> Message | None:
    """Return the refused file uploaded anew, the picture as a document, the words alone."""
    if message.file_id is not None and message.picture is not None:
        return replace(message, file_id=None)
    if message.media == "photo" and message.picture is not None:
        return replace(message, as_document=True)
    if message.media is None:
        return None
    return replace(message, picture=None, file_id=None, html=text_alone(message.html))
