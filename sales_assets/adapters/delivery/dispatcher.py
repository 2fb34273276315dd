"""Does what the planner says is owed: claims a row, sends it, records what came of it."""

import asyncio
import html
import os
import socket
import uuid
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from sales_assets.adapters.outbox import Outbox
from sales_assets.adapters.state.database import StateLockedError
from sales_assets.adapters.state.ledger import OUTBOX, Ledger
from sales_assets.adapters.telegram.pace import Clock, Pace, Sleep
from sales_assets.core.delivery import messages, rows
from sales_assets.core.delivery.alerts import late_alert, markup_alert, read_notice, state_alert
from sales_assets.core.delivery.messages import Message, ReportToSend, adapted
from sales_assets.core.delivery.plan import owed
from sales_assets.core.delivery.rows import (
    OUTBOX_CHAT,
    OUTBOX_NAME,
    Answer,
    Delivery,
    MessageKind,
    Outcome,
    Place,
    Reader,
    RowState,
)
from sales_assets.core.delivery.timetable import Timetable
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.frames import REPORT_DELIVERY
from sales_assets.core.judgement import Completeness
from sales_assets.core.report.wording import late_sentence

if TYPE_CHECKING:  # the sensor looks every few seconds and needs no Telegram for it
    from sales_assets.adapters.telegram.client import BotApi

#: Requests under way at once: so many at first, one more with each message that arrives, so that
#: a service in trouble brings few chats into doubt, and few slow chats hold nobody up.
FIRST_WIDTH, WIDEST = 8, 40
#: A row that is due again within this time is sent by this run, not by the next.
SOON = timedelta(seconds=30)
#: Failed requests in a row, to any chats, that prove trouble with the service.
MOST_IN_VAIN = 10
#: Chats unknown, or too narrow for the picture, that prove a wrong setting if none is served.
MOST_SUSPECTS = 20
#: How long the others wait for the first upload, whose file they can reuse.
UPLOAD_HEAD_START_SECONDS = 5.0
_MOST_ROUNDS = 20
_MOST_FORMS = 6
_ANSWERS_TO_RECORD = 3

_WRONG_BOT = (
    "Telegram says 'chat not found' for most chats, so SALES_ASSETS_TELEGRAM_BOT_TOKEN belongs to "
    "another bot. No subscription was touched. Set the token of the bot that the chats know."
)
#: Trouble of one chat or of all: decided once every chat has been tried.
_SUSPECT = frozenset({Outcome.CHAT_NOT_FOUND, Outcome.TOO_LARGE})
#: What doesn't prove that the bot knows a chat, as a message does that is taken or refused.
_UNPROVEN = _SUSPECT | {Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.WAIT, Outcome.STOP}


# --- Called from outside ------------------------------------------------------------------------


@dataclass(frozen=True)
class DeliveryResult:
    """The messages of a day after a dispatch: of every chat, not only those it sent to.

    `outcomes` is the frame of `report_delivery`: a row per message. `trouble` says why the run has
    failed though its messages may be fine: the dispatch ended before it reached every chat,
    or the readers are missing.
    """

    day: date
    outcomes: pd.DataFrame
    warnings: tuple[str, ...] = ()
    trouble: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many messages arrived, failed for good, are in doubt, or wait for a later run.

        Of those `possible_duplicates` may be twice in their chats.
        """
        rows_in = Counter(self.outcomes["state"])
        return {
            "sent": rows_in[RowState.SENT],
            "failed": rows_in[RowState.FAILED],
            "unknown": rows_in[RowState.UNKNOWN],
            "waiting": rows_in[RowState.PLANNED] + rows_in[RowState.SENDING],
            "possible_duplicates": int(self.outcomes["possible_duplicate"].sum()),
        }

    @property
    def is_complete(self) -> bool:
        """Whether every message arrived."""
        return self.trouble is None and self.counts["sent"] == len(self.outcomes)


@dataclass(frozen=True)
class Dispatcher:
    """Sends through `transport` what the `ledger` lacks; doubts and refusals go to `admins`.

    `clock` returns aware instants; `sleep` is awaited where the pace or a pause asks for it.
    """

    ledger: Ledger
    transport: "BotApi | Outbox"
    timetable: Timetable
    clock: Clock
    admins: Sequence[int] = ()
    sleep: Sleep = asyncio.sleep

    def is_late(self, day: date) -> bool:
        """Tell whether `day` is the newest finished one and its delivery time has come."""
        return self.timetable.is_due(day, self.clock())

    def deliver(self, report: ReportToSend) -> DeliveryResult:
        """Send `report` to every chat that lacks it, correct it where a chat has other content.

        A report that is not of the newest finished day is sent to nobody; it only corrects. A
        wrong token, base URL or proxy, another bot's token, or a service in trouble ends the run:
        `trouble` says so, and what was not sent stays planned.

        Raises:
            StateError: the ledger could not be used.
        """
        is_news = report.day >= self.timetable.newest_finished_day(self.clock())
        return asyncio.run(Dispatch(self, report.day, report, is_news=is_news).run())

    def announce_late(
        self,
        day: date,
        cause: str,
        found: Completeness | None = None,
        *,
        is_in_progress: bool = False,
    ) -> DeliveryResult:
        """Tell every reader without a report of `day` that it is late, and the admins the cause.

        `found` says what is missing in the source, where that is why; `is_in_progress`, that a
        run computes the report right now.
        """
        late = late_sentence(day, found, is_in_progress=is_in_progress)
        dispatch = Dispatch(self, day, None, is_news=True, alerts=[late_alert(cause)], late=late)
        return asyncio.run(dispatch.run())

    def alert(self, day: date, alert: Message) -> DeliveryResult:
        """Send `alert` once to the admins."""
        return asyncio.run(Dispatch(self, day, None, is_news=False, alerts=[alert]).run())


def runs_owed(  # noqa: PLR0913 - what a look rests on
    ledger: Ledger,
    reports: Mapping[date, str],
    timetable: Timetable,
    now: datetime,
    admins: Sequence[int] = (),
    *,
    first_day: date | None = None,
) -> list[tuple[date, int]]:
    """Return the days that a delivery run has something to do for now, each with its attempt.

    `reports` maps the days with a finished report to their `content_sha256`. Of these only the
    newest finished day is news, from its delivery time on. With `first_day` that day counts even
    without a report: it is late. A day that a living dispatcher works on waits.
    """
    newest = timetable.newest_finished_day(now)
    days = ledger.days_to_look_at(reports) | (reports.keys() & {newest})
    if first_day is not None and newest >= first_day:
        days.add(newest)
    due = [day for day in sorted(days) if day <= newest and timetable.due_at(day) <= now]
    readers = ledger.readers() if due else []
    attempts: list[tuple[date, int]] = []
    for day in due:
        found, is_news = ledger.rows(day), day == newest
        if any(row.state is RowState.SENDING and not rows.has_expired(row, now) for row in found):
            continue
        if owed(
            day,
            found,
            readers,
            readers_of(ledger, admins),
            now,
            sha256=reports.get(day),
            is_news=is_news,
            before=ledger.rows(day - timedelta(days=1)) if is_news else (),
            alerts=_standing_alerts(ledger) + ([] if day in reports else [late_alert("")]),
        ):
            attempts.append((day, timetable.attempt(day, now)))
    return attempts


def is_late_word_owed(ledger: Ledger, timetable: Timetable, day: date, now: datetime) -> bool:
    """Tell whether a reader has neither the report of `day`, which is due, nor the word of it."""
    if not timetable.is_due(day, now):
        return False
    found, readers = ledger.rows(day), ledger.readers()
    return bool(owed(day, found, readers, (), now, sha256=None, is_news=True))


def readers_of(ledger: Ledger, admins: Sequence[int]) -> list[Reader]:
    """Return the admins as the planner takes them; the outbox is its own."""
    return [OUTBOX] if ledger.is_outbox else [Reader(Place(chat)) for chat in admins]


def _standing_alerts(ledger: Ledger) -> list[Message]:
    return [state_alert(ledger.lost)] if ledger.lost else []


# --- One dispatch -------------------------------------------------------------------------------


@dataclass
class Dispatch:
    """One run over the chats of one day; used once.

    The ledger is called beside the loop: a locked database must not stall the requests.
    """

    dispatcher: Dispatcher
    day: date
    report: ReportToSend | None
    is_news: bool = field(kw_only=True)
    alerts: Sequence[Message] = field(default=(), kw_only=True)
    late: str = field(default="", kw_only=True)
    #: Why the run stops sending, if it does.
    _stop: str | None = None
    #: The picture as the service took it so far: the file it keeps, the form that it accepts.
    _file_id: str | None = None
    _as_document: bool = False
    _is_picture_refused: bool = False
    _uploading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _shown: dict[Place, Delivery] = field(default_factory=dict)
    _sounds: dict[Place, Reader] = field(default_factory=dict)
    _warnings: list[str] = field(default_factory=list)
    _suspects: dict[int, tuple[Delivery, Outcome]] = field(default_factory=dict)
    _known: set[int] = field(default_factory=set)
    _in_vain: int = 0
    _had_trouble: bool = False
    _width: int = FIRST_WIDTH

    def __post_init__(self) -> None:
        dispatcher = self.dispatcher
        self._ledger, self._transport = dispatcher.ledger, dispatcher.transport
        self._clock, self._sleep = dispatcher.clock, dispatcher.sleep
        self._admins = readers_of(self._ledger, dispatcher.admins)
        self._alerts = [*_standing_alerts(self._ledger), *self.alerts]
        self._pace = Pace(self._clock, self._sleep)
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"[:80]

    async def run(self) -> DeliveryResult:
        """Send what is owed until nothing is, or until the service asks to stop."""
        await asyncio.to_thread(self._begin)
        async with self._transport:
            for _ in range(_MOST_ROUNDS):
                if tasks := await asyncio.to_thread(self._owed, self._clock()):
                    readers = [row for row in tasks if row.kind is not MessageKind.ALERT]
                    await self._do(readers or tasks)
                elif self._suspects:
                    await self._judge_suspects()
                elif not await self._wait_for_more():
                    break
                if self._stop is not None:
                    break
        return await asyncio.to_thread(self._result)

    def _begin(self) -> None:
        ledger, now = self._ledger, self._clock()
        ledger.expire_leases(now)
        if self.report is None:
            return
        if self.is_news:
            ledger.settle_missed(self.day, now, self._admins)
        is_known = any(row.state is RowState.SENT or row.by_hand for row in ledger.rows(self.day))
        if self.is_news or is_known:
            ledger.remember_content(self.report, now)
        content = ledger.content(self.day, self.report.content_sha256)
        if content is not None and content.file_id is not None:
            self._file_id = content.file_id
            self._as_document = content.media == "document"

    def _owed(self, now: datetime) -> list[Delivery]:
        """Return what is owed at `now`, as the ledger has it."""
        found, readers = self._ledger.rows(self.day), self._ledger.readers()
        self._shown = {row.place: row for row in found if row.kind is MessageKind.REPORT}
        self._sounds = {reader.place: reader for reader in readers}
        tasks = owed(
            self.day,
            found,
            readers,
            self._admins,
            now,
            sha256=self.report.content_sha256 if self.report else None,
            is_news=self.is_news,
            before=self._ledger.rows(self.day - timedelta(days=1)) if self.is_news else (),
            alerts=self._alerts,
        )
        return self._ledger.keep([row for row in tasks if row.id not in self._suspects], now)

    async def _wait_for_more(self) -> bool:
        """Wait for the readers' rows that are due again in a moment; False if there are none."""
        now = self._clock()
        soon = await asyncio.to_thread(self._owed, now + SOON)
        ends = [row.not_before or now for row in soon if row.kind is not MessageKind.ALERT]
        if ends:
            await self._sleep(max((max(ends) - now).total_seconds(), 0.001))
        return bool(ends)

    async def _do(self, tasks: Sequence[Delivery]) -> None:
        """Send each row; the trouble of one never cancels what is under way for another."""
        queue, running = deque(tasks), set[asyncio.Task[None]]()
        trouble: BaseException | None = None
        try:
            while running or (queue and self._stop is None):
                while queue and self._stop is None and len(running) < self._width:
                    running.add(asyncio.create_task(self._send(queue.popleft())))
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for error in filter(None, (task.exception() for task in done)):
                    self._stop = self._stop or str(error) or type(error).__name__
                    trouble = trouble or error
        except asyncio.CancelledError:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            raise
        if trouble is not None:
            raise trouble

    # --- One row ---

    async def _send(self, row: Delivery) -> None:
        """Claim `row`, send it and record the answer; a chat that is held back waits alone."""
        has_turn = await self._pace.turn(row.chat)
        if until := self._pace.held_until(row.chat):
            await self._postpone(until, row.chat)
            return
        message = await self._compose(row)
        if message is None:
            await asyncio.to_thread(self._ledger.drop, row)
        if message is None or not has_turn or self._stop is not None:
            return
        is_report = row.kind is MessageKind.REPORT
        sha256 = self.report.content_sha256 if self.report and is_report else None
        claim = await asyncio.to_thread(self._ledger.claim, row, self._owner, self._clock(), sha256)
        if claim is not None:
            await self._transmit(claim, message)

    async def _transmit(self, claim: Delivery, message: Message) -> None:
        """Make the request, and those that a refusal of its form leads to."""
        answer, message = await self._request(claim, message)
        for _ in range(_MOST_FORMS):
            again = await self._again(claim, message, answer)
            if again is None:
                break
            await self._pace.turn(claim.chat)
            renewed = await asyncio.to_thread(self._ledger.renew, claim, self._clock())
            if renewed is None:
                # Another row sends it, or the chat may not read any more.
                answer = Answer(Outcome.NOT_SENT, "the chat has moved, or may not read any more")
                break
            claim = renewed
            answer, message = await self._request(claim, again)
        await self._record(claim, answer, message)

    async def _again(self, claim: Delivery, message: Message, answer: Answer) -> Message | None:
        """Return what to send next in place of a request that was refused, if anything."""
        if answer.outcome is Outcome.MIGRATED and answer.new_chat is not None:
            about = {"day": self.day, "admins": self._admins, "unsent": claim}
            ids = (claim.chat, answer.new_chat)
            await asyncio.to_thread(self._ledger.migrate, *ids, self._clock(), **about)
            return message
        if answer.outcome is Outcome.MARKUP:
            self._warnings.append(f"the markup was refused: {answer.reason}")
            self._alerts.append(markup_alert(self.day, answer.reason))
        if answer.outcome is Outcome.FILE_ID_REFUSED and self._file_id == message.file_id:
            self._file_id = None
        other = adapted(message, answer.outcome)
        if other and self.report and claim.kind is MessageKind.EDIT:
            other = self._as_edit(self.report, other, claim.place)
        if answer.outcome is Outcome.PICTURE_REFUSED and other and claim.kind is MessageKind.REPORT:
            # The file itself was refused: the other chats need not try.
            self._file_id = None
            self._as_document, self._is_picture_refused = True, other.media is None
        return other

    async def _request(self, claim: Delivery, message: Message) -> tuple[Answer, Message]:
        """Make one request; return the message in the form in which it left."""
        shown = self._shown.get(claim.place)
        try:
            if claim.kind is not MessageKind.EDIT:
                answer, message = await self._upload(claim.place, message)
            elif shown is None or shown.message_id is None:
                answer = Answer(Outcome.MESSAGE_GONE, "Telegram never said which message it is")
            else:
                answer = await self._transport.edit(claim.place, shown.message_id, message)
        except asyncio.CancelledError:
            # No waiting here: the loop is closing, and what was sent must not look unsent.
            cancelled = Answer(Outcome.UNKNOWN, "the run was cancelled while this was under way")
            self._ledger.finish(claim, cancelled, self._clock())
            raise
        except SalesAssetsError as error:
            self._ledger.finish(claim, Answer(Outcome.STOP, str(error)), self._clock())
            raise
        self._weigh(claim, answer)
        return answer, message

    async def _upload(self, place: Place, message: Message) -> tuple[Answer, Message]:
        """Send `message`; of several that need the same upload the first goes ahead."""
        if message.file is None or message.file_id is not None:
            return await self._transport.send(place, message), message
        is_first = False
        with suppress(TimeoutError):
            async with asyncio.timeout(UPLOAD_HEAD_START_SECONDS):
                is_first = await self._uploading.acquire()
        try:
            if self._file_id is not None and message.as_document == self._as_document:
                message = replace(message, file_id=self._file_id)
            answer = await self._transport.send(place, message)
            if answer.file_id is not None and message.as_document == self._as_document:
                self._file_id = answer.file_id
            return answer, message
        finally:
            if is_first:
                self._uploading.release()

    # --- What an answer means for the whole ---

    def _weigh(self, claim: Delivery, answer: Answer) -> None:
        """Count what the answers say about the service and the token as a whole."""
        outcome = answer.outcome
        if outcome in (Outcome.NOT_SENT, Outcome.UNKNOWN):
            self._in_vain += 1
            self._had_trouble = True
            self._width = FIRST_WIDTH
        elif outcome is not Outcome.WAIT:
            self._in_vain = 0
        if self._in_vain >= MOST_IN_VAIN:
            self._stop = f"{self._in_vain} requests in a row went wrong, the last: {answer.reason}"
        if outcome is Outcome.STOP:
            self._stop = answer.reason
        if outcome is Outcome.SENT:
            self._pace.sent()
            self._width = min(self._width + 1, WIDEST)
        if outcome not in _UNPROVEN:
            self._known.add(claim.chat)

    async def _record(self, claim: Delivery, answer: Answer, message: Message) -> None:
        if answer.outcome is Outcome.MESSAGE_GONE and claim.kind is MessageKind.EDIT:
            # Nothing is left to correct; the reply still tells what changed.
            answer = Answer(Outcome.SENT, f"the message is gone: {answer.reason}")
        row = await self._finish(claim, answer, message.media)
        if row.state is RowState.SENT and row.file_id and message.media and row.content_sha256:
            told = (self.day, row.content_sha256, row.file_id, message.media)
            await asyncio.to_thread(self._ledger.remember_file, *told)
        if answer.outcome is Outcome.WAIT:
            await self._hold(row.chat, answer)
        if row.kind is MessageKind.ALERT:
            return
        if answer.outcome in _SUSPECT:
            self._suspects[row.id] = (row, answer.outcome)
            if len(self._suspects) >= MOST_SUSPECTS and not self._known:
                self._stop = self._words_about(answer.outcome, answer.reason)
        if answer.outcome in (Outcome.SLEEP, Outcome.THREAD_GONE):
            self._warnings.append(f"chat {row.place} sleeps: {row.reason}")

    async def _finish(self, claim: Delivery, answer: Answer, media: str | None) -> Delivery:
        """Record the answer; a lock is waited for, because what is lost here is sent again."""
        finish = self._ledger.finish
        for _ in range(_ANSWERS_TO_RECORD - 1):
            try:
                return await asyncio.to_thread(finish, claim, answer, self._clock(), media)
            except StateLockedError:
                continue
        return await asyncio.to_thread(finish, claim, answer, self._clock(), media)

    async def _hold(self, chat: int, answer: Answer) -> None:
        """Hold the chat, or everybody, back for the pause that was asked for."""
        asked = answer.retry_after or rows.DEFAULT_PAUSE
        pause, now = self._pace.hold(chat, asked, names_chat=answer.names_chat), self._clock()
        if pause is not None and self._pace.is_too_long(pause):
            self._stop = f"Telegram asks for a pause of {pause}; the rest is sent after it."
            await self._postpone(now + pause, None)
        await self._postpone(now + asked, chat)

    async def _postpone(self, until: datetime, chat: int | None) -> None:
        now = self._clock()
        await asyncio.to_thread(self._ledger.postpone, until, now, day=self.day, chat=chat)

    # --- Chats that are unknown, or too narrow for the picture ---

    def _words_about(self, outcome: Outcome, reason: str | None) -> str:
        return _WRONG_BOT if outcome is Outcome.CHAT_NOT_FOUND else reason or outcome.value

    async def _judge_suspects(self) -> None:
        """Decide once every chat has been tried: the suspects are to blame, or a setting is.

        Most chats unknown: the token is another bot's. No chat served, and every one too narrow
        for the picture: a server on the way is. Otherwise each of them is refused for good.
        """
        found = await asyncio.to_thread(self._ledger.rows, self.day)
        suspects, self._suspects = self._suspects, {}
        served = {row.chat for row in found if row.state is RowState.SENT}
        for outcome in _SUSPECT:
            accused = [row for row, about in suspects.values() if about is outcome]
            chats = {row.chat for row in accused}
            others = (self._known if outcome is Outcome.CHAT_NOT_FOUND else set()) | served
            is_everybody = len(chats) > len(others - chats)
            if outcome is Outcome.TOO_LARGE:
                is_everybody = not others - chats
            if not others and self._had_trouble:
                continue  # nothing is sure of a service that does not answer
            if accused and is_everybody:
                self._stop = self._words_about(outcome, accused[0].reason)
                continue
            for row in accused:
                await asyncio.to_thread(self._ledger.give_up, row, outcome, self._clock())
                self._warnings.append(f"chat {row.place} is given up: {row.reason}")

    # --- Composing ---

    async def _compose(self, row: Delivery) -> Message | None:
        """Return the message of `row`; None if it turned out to have nothing to say."""
        message = await self._words_of(row)
        if message is None:
            return None
        report = self.report
        is_news = report is None or report.is_new or report.is_neutral
        reader = self._sounds.get(row.place)
        is_quiet = message.is_silent or row.is_repeat
        if row.kind is not MessageKind.ALERT and reader is not None:
            is_quiet = is_quiet or reader.is_silent(is_news=is_news)
        return replace(message, day=self.day, is_silent=is_quiet)

    async def _words_of(self, row: Delivery) -> Message | None:
        match row.kind:
            case MessageKind.ALERT:
                alert = read_notice(row.subject, row.notice or {})
                return replace(alert, label=f"{row.kind}-{row.subject}")
            case MessageKind.LATE:
                return Message(html.escape(self.late), label=row.kind)
            case _ if self.report is None:
                return None
            case MessageKind.CHANGE:
                return await self._change(self.report, row)
            case MessageKind.EDIT:
                return self._as_edit(self.report, self._report_message(self.report), row.place)
        return self._report_message(self.report, is_repeat=row.is_repeat)

    def _report_message(self, report: ReportToSend, *, is_repeat: bool = False) -> Message:
        has_picture = report.picture is not None and not self._is_picture_refused
        text = report.caption_html if has_picture else messages.text_alone(report.caption_html)
        if is_repeat:
            limit = messages.CAPTION_LIMIT if has_picture else messages.TEXT_LIMIT
            text = messages.with_repeat_note(text, limit)
        buttons = messages.report_buttons(self.day)
        words = Message(text, buttons=buttons, label=MessageKind.REPORT)
        if not has_picture:
            return words
        return replace(
            words,
            file=report.picture,
            file_name=f"{self.day}.png",
            file_id=self._file_id,
            as_document=self._as_document,
        )

    def _as_edit(self, report: ReportToSend, message: Message, place: Place) -> Message:
        """Return `message` in place of the chat's report; words alone leave it its old picture."""
        shown = self._shown.get(place)
        keeps_picture = message.media is None and shown is not None and bool(shown.media)
        fits = not keeps_picture or messages.fits_caption(message.html)
        text = message.html if fits else report.caption_html
        return replace(message, html=text, edits_caption=keeps_picture, is_silent=True)

    async def _change(self, report: ReportToSend, row: Delivery) -> Message | None:
        """Return the silent reply that tells what changed; a first verdict comes with its sound."""
        before = await asyncio.to_thread(self._ledger.content, self.day, row.previous_sha256)
        numbers = dict(before.numbers) if before is not None else {}
        text = messages.changes_text(self.day, numbers, report.numbers)
        is_first_verdict = before is not None and before.is_neutral and not report.is_neutral
        if is_first_verdict:
            text = messages.first_verdict_text(report, text)
        shown = self._shown.get(row.place)
        reply_to = shown.message_id if shown is not None else None
        is_silent = not (is_first_verdict and self.is_news)
        if not text:
            return None
        return Message(text, reply_to=reply_to, is_silent=is_silent, label=row.kind)

    # --- The end ---

    def _result(self) -> DeliveryResult:
        kinds = {MessageKind.LATE}
        if self.report:
            kinds = {MessageKind.REPORT, MessageKind.EDIT, MessageKind.CHANGE}
        places = {reader.place for reader in self._ledger.readers()}
        shown = [
            row
            for row in self._ledger.rows(self.day)
            # A plan for a chat that left is nobody's loss.
            if row.kind in kinds and (row.state is not RowState.PLANNED or row.place in places)
        ]
        result = DeliveryResult(self.day, _as_frame(shown), tuple(dict.fromkeys(self._warnings)))
        trouble, counts = self._ledger.lost, result.counts
        if self._stop is not None:
            trouble = (
                f"The delivery of {self.day} stopped: {self._stop} "
                f"{counts['sent']} messages are sent, {counts['waiting']} wait for the next run."
            )
        return replace(result, trouble=trouble)


def _as_frame(found: Sequence[Delivery]) -> pd.DataFrame:
    columns = REPORT_DELIVERY.names
    values = [
        {name: getattr(row, name) for name in columns}
        | {"chat": OUTBOX_NAME if row.chat == OUTBOX_CHAT else str(row.chat)}
        | {"kind": row.kind.value, "state": row.state.value}
        for row in found
    ]
    return pd.DataFrame(values, columns=columns).astype(REPORT_DELIVERY.dtypes)
