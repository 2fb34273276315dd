"""One message: claimed in the ledger, sent with one request, its answer recorded."""

import asyncio
import os
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sales_assets.adapters.delivery.pace import Clock, Pace
from sales_assets.adapters.delivery.transport import Transport
from sales_assets.adapters.state.database import StateLockedError
from sales_assets.adapters.state.ledger import Ledger, Subscriber
from sales_assets.core.delivery import messages, rules
from sales_assets.core.delivery.messages import Message, Notice
from sales_assets.core.delivery.rules import Answer, Delivery, Kind, Meaning, Outcome, RowState
from sales_assets.core.errors import SalesAssetsError

#: So many vain requests in a row, to any chats, are the service's trouble and not a chat's.
MOST_IN_VAIN = 10
#: So many chats unknown, and none known, are enough to see that the token is another bot's.
MOST_NOT_FOUND = 20
#: How long the others wait for the first upload, whose file they can reuse.
UPLOAD_HEAD_START_SECONDS = 5.0
_ANSWERS_TO_RECORD = 3

#: What no second request can mend: the chat's own refusals, which prove that the bot knows it.
_PROOFS_OF_THE_BOT = frozenset(
    {
        Outcome.SENT,
        Outcome.SLEEP,
        Outcome.REFUSED,
        Outcome.MIGRATED,
        Outcome.THREAD_GONE,
        Outcome.MARKUP,
        Outcome.PICTURE_REFUSED,
        Outcome.FILE_ID_REFUSED,
        Outcome.MESSAGE_GONE,
    }
)
_WRONG_BOT = (
    "Telegram says 'chat not found' for every chat, so SALES_ASSETS_TELEGRAM_BOT_TOKEN belongs to "
    "another bot. No subscription was touched. Set the token of the bot that the chats know."
)


class StoppedError(Exception):
    """The dispatch ends; nobody else is sent anything."""


@dataclass
class PictureForm:
    """What the service took so far: the file it keeps, and the form that it accepts."""

    file_id: str | None = None
    as_document: bool = False
    is_refused: bool = False


def _name_of_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"[:80]


@dataclass
class Sending:
    """The messages of one dispatch; what the answers say about the service is kept for all.

    `stop` is why nobody else is sent anything, if so. `alerts` go to the admins at the end,
    `warnings` into the result; `not_found` are the rows of chats that the service does not know.
    """

    ledger: Ledger
    transport: Transport
    clock: Clock
    pace: Pace
    day: date
    admins: Sequence[Subscriber]
    stop: str | None = None
    alerts: list[Notice] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    not_found: dict[int, Delivery] = field(default_factory=dict)
    form: PictureForm = field(default_factory=PictureForm)
    _owner: str = field(default_factory=_name_of_process)
    _in_vain: int = 0
    _knows_a_chat: bool = False
    _had_trouble: bool = False
    _uploading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(
        self,
        row: Delivery,
        place: Subscriber,
        compose: Callable[[Delivery], Message],
        sha256: str | None,
        edits: int | None = None,
    ) -> Delivery:
        """Claim, send and record `row`, waiting where the service asks for it."""
        while rules.is_due(row, self.clock(), holds_doubts=place.holds_doubts):
            await self._turn(place.chat)
            claim = await beside_loop(self.ledger.claim, row, self._owner, self.clock(), sha256)
            if claim is None:
                return await beside_loop(self.ledger.row, row.id)
            row, verdict = await self._transmit(claim, place, compose(claim), edits)
            place = replace(place, chat=row.chat)
            if verdict.outcome != Outcome.WAIT:
                return row
            await self._pause(verdict)
            row = replace(row, not_before=None)
        return row

    async def _transmit(
        self, claim: Delivery, place: Subscriber, message: Message, edits: int | None
    ) -> tuple[Delivery, Meaning]:
        """Make the request, and those that a refusal of its form leads to."""
        tried: set[tuple[Outcome, Message]] = set()
        verdict = await self._request(claim, place.chat, place.thread, message, edits)
        while True:
            adapted = await self._adapt(place, message, verdict)
            if adapted is None or (verdict.outcome, adapted[1]) in tried:
                break
            tried.add((verdict.outcome, adapted[1]))
            place, message = adapted
            await self.pace.turn(place.chat)
            if not await beside_loop(self.ledger.renew, claim, self.clock()):
                break
            verdict = await self._request(claim, place.chat, place.thread, message, edits)
        return await self._record(claim, verdict, message), verdict

    async def _request(
        self, claim: Delivery, chat: int, thread: int, message: Message, edits: int | None
    ) -> Meaning:
        try:
            if edits is not None:
                answer = await self.transport.edit(chat, edits, message)
            else:
                answer = await self._upload(chat, thread, message)
        except asyncio.CancelledError:
            # No waiting here: the loop is closing, and what was sent must not look unsent.
            cancelled = Meaning(Outcome.UNKNOWN, "the run was cancelled while this was under way")
            self.ledger.finish(claim, cancelled, self.clock(), admins=self.admins)
            raise
        except SalesAssetsError as error:
            self.ledger.finish(claim, Meaning(Outcome.STOP, str(error)), self.clock())
            raise
        return self._weigh(rules.classify(answer))

    async def _upload(self, chat: int, thread: int, message: Message) -> Answer:
        """Send `message`; of several that need the same upload the first goes ahead."""
        if message.picture is None or message.file_id is not None:
            return await self.transport.send(chat, thread, message)
        is_first = await self._is_head_start_ours()
        try:
            if self.form.file_id is not None and message.as_document == self.form.as_document:
                message = replace(message, file_id=self.form.file_id)
            answer = await self.transport.send(chat, thread, message)
            self.form.file_id = rules.classify(answer).file_id or self.form.file_id
            return answer
        finally:
            if is_first:
                self._uploading.release()

    async def _is_head_start_ours(self) -> bool:
        try:
            async with asyncio.timeout(UPLOAD_HEAD_START_SECONDS):
                return await self._uploading.acquire()
        except TimeoutError:
            return False

    async def _adapt(
        self, place: Subscriber, message: Message, verdict: Meaning
    ) -> tuple[Subscriber, Message] | None:
        """Return what to try next in place of a request whose form was refused, if anything."""
        match verdict.outcome:
            case Outcome.MIGRATED if verdict.new_chat is not None:
                new = replace(place, chat=verdict.new_chat)
                await beside_loop(self.ledger.migrate, place.chat, new.chat, self.clock())
                return new, message
            case Outcome.MARKUP if not message.is_plain:
                self.alerts.append(messages.markup_alert(self.day, verdict.reason))
                self.warnings.append(f"the markup was refused: {verdict.reason}")
                return place, replace(message, is_plain=True)
            case Outcome.FILE_ID_REFUSED if message.file_id is not None:
                self.form.file_id = (
                    None if self.form.file_id == message.file_id else self.form.file_id
                )
                return place, replace(message, file_id=None)
            case Outcome.PICTURE_REFUSED | Outcome.FILE_ID_REFUSED if message.media is not None:
                return place, self._in_another_form(message, verdict)
        return None

    def _in_another_form(self, message: Message, verdict: Meaning) -> Message:
        """Return the refused photo as a document, the refused document as words alone."""
        is_this_chat_only = "rights" in verdict.reason or message.kind == Kind.EDIT
        if not message.as_document:
            if not is_this_chat_only:
                self.form.as_document, self.form.file_id = True, None
            return replace(message, as_document=True, file_id=None)
        self.form.is_refused = self.form.is_refused or not is_this_chat_only
        text = messages.text_alone(message.html)
        return replace(message, html=text, picture=None, file_id=None)

    def _weigh(self, verdict: Meaning) -> Meaning:
        """Count what the answers say about the service and the token as a whole."""
        if verdict.outcome in (Outcome.NOT_SENT, Outcome.UNKNOWN):
            self._in_vain += 1
            self._had_trouble = True
        elif verdict.outcome != Outcome.WAIT:
            self._in_vain = 0
        if self._in_vain >= MOST_IN_VAIN:
            self.stop = f"{self._in_vain} requests in a row went wrong, the last: {verdict.reason}"
        self._knows_a_chat |= verdict.outcome in _PROOFS_OF_THE_BOT
        return verdict

    async def _record(self, claim: Delivery, verdict: Meaning, message: Message) -> Delivery:
        if verdict.outcome == Outcome.MESSAGE_GONE and claim.is_idempotent:
            # Nothing is left to correct; the reply still tells what changed.
            verdict = Meaning(Outcome.SENT, f"the message is gone: {verdict.reason}")
        row = await self._finish(claim, verdict, message.media)
        if row.state == RowState.SENT and row.file_id and message.media and row.content_sha256:
            await beside_loop(
                self.ledger.remember_file,
                self.day,
                row.content_sha256,
                row.file_id,
                message.media,
            )
        if not row.kind.startswith(Kind.ALERT):
            self._act_on(row, verdict)
        if verdict.outcome == Outcome.STOP:
            self.stop = verdict.reason
        return row

    async def _finish(self, claim: Delivery, verdict: Meaning, media: str | None) -> Delivery:
        """Record the answer; a lock is waited for, because what is lost here is sent again."""
        for _ in range(_ANSWERS_TO_RECORD - 1):
            try:
                return await self._record_once(claim, verdict, media)
            except StateLockedError:
                self.warnings.append("the state database was locked while an answer came in")
        return await self._record_once(claim, verdict, media)

    async def _record_once(self, claim: Delivery, verdict: Meaning, media: str | None) -> Delivery:
        now = self.clock()
        return await beside_loop(self.ledger.finish, claim, verdict, now, media, self.admins)

    def _act_on(self, row: Delivery, verdict: Meaning) -> None:
        """Note what an answer says beyond the row."""
        match verdict.outcome:
            case Outcome.CHAT_NOT_FOUND:
                self.not_found[row.id] = row
                self._stop_if_nobody_is_known()
            case Outcome.SLEEP | Outcome.THREAD_GONE:
                self.warnings.append(f"chat {row.chat} sleeps: {row.reason}")

    def _stop_if_nobody_is_known(self) -> None:
        if len(self.not_found) >= MOST_NOT_FOUND and not self._knows_a_chat:
            self.stop = _WRONG_BOT

    async def judge_lost_chats(self) -> None:
        """Decide about chats that were not found: they are gone, or the token is another bot's."""
        if not self.not_found:
            return
        rows = await beside_loop(self.ledger.rows, self.day)
        if not self._knows_a_chat and not any(row.state == RowState.SENT for row in rows):
            self.stop = self.stop or (None if self._had_trouble else _WRONG_BOT)
            return
        for row in self.not_found.values():
            await beside_loop(self.ledger.give_up_lost, row, self.clock(), self.admins)
            self.warnings.append(f"chat {row.chat} sleeps: {row.reason}")

    async def _turn(self, chat: int) -> None:
        await self.pace.turn(chat)
        if self.stop is not None:
            raise StoppedError

    async def _pause(self, verdict: Meaning) -> None:
        pause = verdict.retry_after or rules.DEFAULT_PAUSE
        if not self.pace.pause(pause):
            now = self.clock()
            await beside_loop(self.ledger.postpone, self.day, now + pause, now)
            self.stop = f"Telegram asks for a pause of {pause}; the rest is sent after it."
            raise StoppedError


async def beside_loop(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Run a call to the ledger beside the loop: a locked database must not stall the requests."""
    return await asyncio.to_thread(call, *arguments, **named)
