"""Sends what the bot owes: each chat has a line of its own, and no line holds up another."""

import asyncio
import html
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple

from sales_assets.adapters.files.archive import Archive
from sales_assets.adapters.files.frames import MissingDayError
from sales_assets.adapters.state.bot import BotState, Owed
from sales_assets.adapters.state.database import StateError
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.adapters.telegram.pace import Clock
from sales_assets.adapters.telegram.secrecy import hidden
from sales_assets.core.bot import texts
from sales_assets.core.bot.replies import READ_WHEN_SENT, Reply, ReplyKind
from sales_assets.core.delivery import rows
from sales_assets.core.delivery.messages import Message, adapted, text_alone
from sales_assets.core.delivery.rows import Answer, Outcome, Place
from sales_assets.core.report.receipt import figures
from sales_assets.core.report.wording import full_date
from sales_assets.core.russian import bot as ru

LOG = logging.getLogger(__name__)
#: How often one reply is tried; a doubt is repeated once, as a person would ask again.
MOST_TRIES = 6
MOST_DOUBTS = 2
#: A longer pause than this is asked of the whole service: the person has gone by then.
LONGEST_PAUSE = timedelta(minutes=2)
FIRST_BACKOFF = timedelta(seconds=0.5)
#: Replies that may wait in one chat's line; further ones are left out.
LONGEST_LINE = 20
#: Requests under way at once; a reply that waits for its turn takes none of them.
_REQUESTS = 16


class _Queued(NamedTuple):
    """A reply in its chat's line, with all that its update still owes."""

    update_id: int
    reply: Reply
    left: list[Reply]


@dataclass
class Sender:
    """Sends replies through the Bot API and settles them in the state.

    `stopped` says why no request can succeed any more, if so.
    """

    api: BotApi
    state: BotState
    ledger: Ledger
    archive: Archive
    clock: Clock
    migrate: Callable[[int, int], None]
    admins: Collection[int] = ()
    stopped: str | None = None
    _lines: dict[int, deque[_Queued]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _settling: asyncio.Lock = field(default_factory=asyncio.Lock)
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_REQUESTS))
    _files: dict[str, str] = field(default_factory=dict)

    async def start(self, owed: Owed) -> None:
        """Queue what is owed, each reply in its chat's line, without waiting."""
        left = list(owed.replies)
        for reply in owed.replies:
            line = self._lines.get(reply.chat)
            if line is None:
                self._lines[reply.chat] = line = deque()
                self._begin(self._run_line(reply.chat, line))
            queued = _Queued(owed.update_id, reply, left)
            if len(line) < LONGEST_LINE:
                line.append(queued)
            else:
                told = "Update %s gets no %s in chat %s: too many wait"
                LOG.info(told, owed.update_id, reply.kind, reply.chat)
                self._begin(self._settle(queued))

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """Wait for what is under way; what is not done by then is sent after the next start."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run_line(self, chat: int, line: deque[_Queued]) -> None:
        try:
            while line and self.stopped is None:
                await self._send_or_record(line[0].update_id, line[0].reply)
                if self.stopped is None:
                    await self._settle(line[0])
                line.popleft()
        finally:
            del self._lines[chat]

    async def _settle(self, queued: _Queued) -> None:
        """Record that one reply is no longer owed; of one update in the order in which they end."""
        async with self._settling:
            queued.left.remove(queued.reply)
            try:
                await asyncio.to_thread(
                    self.state.settle, queued.update_id, tuple(queued.left), self.clock()
                )
            except StateError as error:
                # It is owed still and comes once more after the next start.
                told = "The answer to update %s is sent but not settled: %s"
                LOG.info(told, queued.update_id, error)

    async def _send_or_record(self, update_id: int, reply: Reply) -> None:
        """Send one reply; an error of ours is tried again, then recorded and passed over."""
        while self.stopped is None:
            try:
                await self._send(reply)
            except Exception as error:  # noqa: BLE001 - one bad reply must not end the bot
                if not await self._is_over(update_id, error):
                    await asyncio.sleep(FIRST_BACKOFF.total_seconds())
                    continue
                if reply.kind in READ_WHEN_SENT:
                    reply = Reply(ReplyKind.TEXT, reply.chat, reply.thread, html=ru.BOT_FAILED)
                    continue
            return

    async def _is_over(self, update_id: int, error: Exception) -> bool:
        LOG.warning("Update %s: a reply failed: %s", update_id, error)
        reason = hidden(f"a reply failed: {type(error).__name__}: {error}")
        try:
            return await asyncio.to_thread(self.state.fail, update_id, reason, self.clock())
        except StateError as trouble:
            LOG.warning("The failure could not be recorded: %s", trouble)
            return True

    # --- One reply ---

    async def _send(self, reply: Reply) -> None:
        message = await asyncio.to_thread(self._message, reply)
        answer = Answer(Outcome.NOT_SENT, "never tried")
        doubts = 0
        for tried in range(MOST_TRIES):
            if not await asyncio.to_thread(self._may_have, reply):
                LOG.info("Chat %s may not read any more: it gets no %s", reply.chat, reply.kind)
                return
            async with self._free:
                answer = await self._request(reply, message)
            doubts += answer.outcome is Outcome.UNKNOWN
            if answer.outcome is Outcome.SENT:
                if message.file is not None and answer.file_id:
                    self._files[_name(message)] = answer.file_id
                return
            if answer.status == HTTPStatus.UNAUTHORIZED:
                self.stopped = answer.reason
                return
            changed = adapted(message, answer.outcome)
            if changed is not None:
                self._files.pop(_name(message), None)
                message = changed
            elif answer.outcome is Outcome.MIGRATED and answer.new_chat is not None:
                await asyncio.to_thread(self.migrate, reply.chat, answer.new_chat)
                reply = replace(reply, chat=answer.new_chat)
            elif doubts == MOST_DOUBTS or not await self._wait(answer, tried):
                break
        await self._give_up(reply, answer)

    def _may_have(self, reply: Reply) -> bool:
        """Whether the chat may still read; its right may be gone since the reply was decided."""
        tells_numbers = reply.day is not None or reply.kind is ReplyKind.CLIENT
        if not tells_numbers or reply.chat in self.admins:
            return True
        return any(reader.place.chat == reply.chat for reader in self.ledger.readers())

    async def _wait(self, answer: Answer, tried: int) -> bool:
        """Wait for the next try; False if trying again is useless."""
        match answer.outcome:
            case Outcome.WAIT:
                pause = answer.retry_after or rows.DEFAULT_PAUSE
            case Outcome.NOT_SENT | Outcome.UNKNOWN | Outcome.STOP:
                pause = FIRST_BACKOFF * 2**tried
            case _:
                return False
        if pause > LONGEST_PAUSE:
            return False
        await asyncio.sleep(pause.total_seconds())
        return True

    async def _request(self, reply: Reply, message: Message) -> Answer:
        place = Place(reply.chat, reply.thread)
        match reply.kind:
            case ReplyKind.ANSWER:
                query, text = reply.query, reply.html
                return await self.api.answer_pressed(query, text, is_alert=reply.is_alert)
            case ReplyKind.EDIT:
                return await self.api.edit(place, reply.message, message)
            case ReplyKind.LEAVE:
                return await self.api.leave(reply.chat)
        return await self.api.send(place, message)

    def _message(self, reply: Reply) -> Message:
        """Return what the reply says; a report, a list or a client is read from the storage."""
        match reply.kind:
            case ReplyKind.REPORT if reply.day is not None:
                return self._report(reply, reply.day)
            case ReplyKind.STUCK if reply.day is not None:
                return self._stuck(reply.day)
            case ReplyKind.RECEIPT if reply.day is not None:
                return self._receipt(reply.day)
            case ReplyKind.EXPIRING if reply.day is not None:
                asked_at = datetime.fromisoformat(reply.asked_at)
                return Message(self.archive.next_expiring(reply.day, asked_at))
            case ReplyKind.CLIENT:
                return Message(self.archive.client(reply.client))
        return Message(reply.html, buttons=reply.buttons)

    def _report(self, reply: Reply, day: date) -> Message:
        """Return the report with its picture; where that is gone, its words alone."""
        text, caption = reply.html, reply.caption
        if caption is None:
            stored = self.archive.report(day)
            if stored is None:
                return Message(ru.BOT_NO_REPORT.format(day=full_date(day)))
            text = caption = stored.content["caption"]
        message = Message(
            text,
            file=self.archive.picture_of(day, caption),
            file_name=f"{day}.png",
            as_document=reply.as_document,
            buttons=reply.buttons,
        )
        file_id = self._files.get(_name(message)) or reply.file_id
        if message.file is None and file_id is None:
            return replace(message, html=text_alone(text), as_document=False)
        return replace(message, file_id=file_id)

    def _stuck(self, day: date) -> Message:
        stuck, expiring = len(self.archive.stuck(day)), self.archive.expiring(day)
        expire = 0 if expiring is None else len(expiring)
        caption = texts.lists_caption(day, stuck, expire)
        if not stuck and not expire:
            return Message(html.escape(caption))
        return self._workbook(caption, self.archive.spreadsheet(day), f"stuck-{day}.xlsx")

    def _receipt(self, day: date) -> Message:
        try:
            sheets = self.archive.receipt(day)
        except MissingDayError:
            return Message(ru.BOT_NO_RECEIPT.format(day=full_date(day)))
        caption = texts.receipt_caption(day, figures(sheets))
        return self._workbook(caption, self.archive.receipt_book(day), f"receipt-{day}.xlsx")

    def _workbook(self, caption: str, content: bytes, name: str) -> Message:
        """Return a file with its caption; one that was sent before goes by its id."""
        message = Message(html.escape(caption), file=content, file_name=name, as_document=True)
        return replace(message, file_id=self._files.get(_name(message)))

    async def _give_up(self, reply: Reply, answer: Answer) -> None:
        """Act on a refusal: a chat or a topic that is gone is put to sleep."""
        LOG.info("A %s to chat %s was given up: %s", reply.kind, reply.chat, answer.reason)
        if reply.kind is ReplyKind.LEAVE:
            return
        thread = reply.thread if answer.outcome is Outcome.THREAD_GONE else None
        if answer.outcome in (Outcome.SLEEP, Outcome.THREAD_GONE):
            sleep, now = self.ledger.put_to_sleep, self.clock()
            await asyncio.to_thread(sleep, reply.chat, answer.reason, now, thread=thread)


def _name(message: Message) -> str:
    """Name the message's file in the form in which it is sent."""
    form = "document" if message.as_document else "photo"
    return f"{form}:{sha256(message.file or b'').hexdigest()}"
