"""Sends a day's report to every chat: claims from the ledger, one request, the answer recorded."""

import asyncio
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from sales_assets.adapters.delivery.owed import may_send
from sales_assets.adapters.delivery.pace import Clock, Pace, Sleep
from sales_assets.adapters.delivery.transport import Transport
from sales_assets.adapters.state.database import StateLockedError
from sales_assets.adapters.state.ledger import OUTBOX, Ledger, Subscriber
from sales_assets.core.delivery import messages, rules
from sales_assets.core.delivery.messages import Message, Notice, ReportToSend
from sales_assets.core.delivery.rules import (
    Answer,
    Delivery,
    Kind,
    Outcome,
    State,
    Timetable,
    Verdict,
)
from sales_assets.core.errors import SalesAssetsError

#: Requests under way at once: a chat that stalls holds one of them.
WORKERS = 8
#: So many vain requests in a row, to any chats, are the service's trouble and not a chat's.
MOST_IN_VAIN = 10
#: So many chats unknown, and none known, are enough to see that the token is another bot's.
MOST_NOT_FOUND = 20
#: How long the others wait for the first upload, whose file they can reuse.
UPLOAD_HEAD_START_SECONDS = 5.0
#: A row that is due again so soon is sent by this run, not by the next.
SOON = timedelta(seconds=30)
_ROUNDS = 3
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
_COLUMNS = {
    "chat": "str",
    "thread": "int64",
    "kind": "str",
    "state": "str",
    "attempts": "int64",
    "message_id": "Int64",
    "possible_duplicate": "bool",
    "reason": "str",
}


@dataclass(frozen=True)
class DeliveryResult:
    """How a day's messages stand after a dispatch: every chat, not only those it sent to.

    `outcomes` has a row per message: chat, thread, kind, state, attempts, message_id,
    possible_duplicate, reason (message_id and reason may be null).
    """

    day: date
    outcomes: pd.DataFrame
    warnings: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        """Messages that arrived."""
        return self._count(State.SENT)

    @property
    def failed(self) -> int:
        """Messages refused for good."""
        return self._count(State.FAILED)

    @property
    def unknown(self) -> int:
        """Messages of which nobody knows whether they arrived."""
        return self._count(State.UNKNOWN)

    @property
    def waiting(self) -> int:
        """Messages that a later run sends."""
        return self._count(State.PLANNED) + self._count(State.SENDING)

    @property
    def possible_duplicates(self) -> int:
        """Messages that a chat may have twice."""
        return int(self.outcomes["possible_duplicate"].sum())

    @property
    def is_complete(self) -> bool:
        """Whether every message arrived."""
        return self.sent == len(self.outcomes)

    def _count(self, state: State) -> int:
        return int((self.outcomes["state"] == state.value).sum())


class DeliveryStoppedError(SalesAssetsError):
    """The dispatch ended before every chat had its turn; `result` holds how far it came."""

    def __init__(self, message: str, result: DeliveryResult) -> None:
        super().__init__(message)
        self.result = result


# --- Called from outside ------------------------------------------------------------------------


@dataclass(frozen=True)
class Dispatcher:
    """Sends through `transport` what the `ledger` lacks; doubts and refusals go to `admins`.

    `clock` returns aware instants; `sleep` is awaited where the pace or a pause asks for it.
    """

    ledger: Ledger
    transport: Transport
    timetable: Timetable
    clock: Clock
    admins: Sequence[int] = ()
    sleep: Sleep = asyncio.sleep

    def is_late(self, day: date) -> bool:
        """Tell whether `day` is the newest finished one and its delivery time has come."""
        now = self.clock()
        is_newest = day == self.timetable.newest_finished_day(now)
        return is_newest and now >= self.timetable.due_at(day)

    def deliver(self, report: ReportToSend) -> DeliveryResult:
        """Send `report` to every chat that lacks it, correct it where a chat has other content.

        A report that is not of the newest finished day is sent to nobody; it only corrects.

        Raises:
            DeliveryStoppedError: a wrong token, base URL or proxy, another bot's token, or the
                service in trouble; what was not sent stays planned.
            StateError: the ledger could not be used.
        """
        is_news = report.day >= self.timetable.newest_finished_day(self.clock())
        return asyncio.run(_Dispatch(self, report.day).deliver(report, is_news=is_news))

    def announce(self, notice: Notice) -> DeliveryResult:
        """Send `notice` once to every subscriber that has no report of that day yet.

        Raises:
            DeliveryStoppedError: as `deliver`.
        """
        return asyncio.run(_Dispatch(self, notice.day).announce(notice, to_admins=False))

    def alert(self, notice: Notice) -> DeliveryResult:
        """Send `notice` once to the admins.

        Raises:
            DeliveryStoppedError: as `deliver`.
        """
        return asyncio.run(_Dispatch(self, notice.day).announce(notice, to_admins=True))


# --- One dispatch -------------------------------------------------------------------------------


class _Stopped(Exception):  # noqa: N818 - a signal inside this module, not an error of its own
    """The dispatch ends; nobody else is sent anything."""


class _Dispatch:
    """One run over the chats of one day; used once."""

    def __init__(self, dispatcher: Dispatcher, day: date) -> None:
        ledger = dispatcher.ledger
        admins = [Subscriber(chat) for chat in dispatcher.admins]
        self._day = day
        self._ledger = ledger
        self._transport = dispatcher.transport
        self._clock = dispatcher.clock
        self._sleep = dispatcher.sleep
        self._admins = [OUTBOX] if ledger.is_outbox else admins
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"[:80]
        self._pace = Pace(dispatcher.clock, dispatcher.sleep)
        self._stop: str | None = None
        self._in_vain = 0
        self._knows_a_chat = False
        self._had_trouble = False
        self._not_found: dict[int, Delivery] = {}
        self._alerts: list[Notice] = []
        self._warnings: list[str] = []
        self._file: str | None = None
        self._as_document = False
        self._without_picture = False
        self._uploading = asyncio.Lock()

    # --- The two things a dispatch can do ---

    async def deliver(self, report: ReportToSend, *, is_news: bool) -> DeliveryResult:
        places = await _do(self._ledger.subscribers)
        await _do(self._ledger.expire_leases, self._clock())
        await self._plan(report, places, is_news=is_news)
        await self._recall_file(report)
        async with self._transport:
            for _ in range(_ROUNDS):
                await self._each(places, lambda place: self._serve(report, place, is_news=is_news))
                if self._stop or not await self._wait_for_more(places, is_news=is_news):
                    break
            await self._judge_lost_chats()
            await self._ask_about_doubts(places)
            if is_news:
                await self._ask_about_yesterday()
            await self._send_alerts()
        return await self._result()

    async def announce(self, notice: Notice, *, to_admins: bool) -> DeliveryResult:
        rows = await _do(self._ledger.rows, self._day)
        served = {(r.chat, r.thread) for r in rows if r.kind == Kind.REPORT and _is_out(r)}
        everyone = self._admins if to_admins else await _do(self._ledger.subscribers)
        places = [place for place in everyone if to_admins or place.place not in served]
        await _do(self._ledger.expire_leases, self._clock())
        await self._plan_notice(notice, places)
        async with self._transport:
            await self._each(places, lambda place: self._serve_notices(place, notice.kind))
            if not to_admins:
                await self._judge_lost_chats()
        return await self._result(notice.kind)

    async def _plan(
        self, report: ReportToSend, places: Sequence[Subscriber], *, is_news: bool
    ) -> None:
        now = self._clock()
        rows = await _do(self._ledger.rows, self._day)
        if is_news or any(row.state == State.SENT or row.by_hand for row in rows):
            await _do(self._ledger.remember_content, report, now)
        if is_news:
            for kind in messages.report_kinds(report):
                await _do(self._ledger.plan, self._day, kind, places, now)
        await _do(self._ledger.plan_edits, self._day, report.content_sha256, places, now)

    async def _recall_file(self, report: ReportToSend) -> None:
        content = await _do(self._ledger.content, self._day, report.content_sha256)
        if content is not None and content.file_id is not None:
            self._file = content.file_id
            self._as_document = content.media == "document"

    async def _each(
        self, places: Sequence[Subscriber], serve: Callable[[Subscriber], Awaitable[None]]
    ) -> None:
        """Serve every place; the trouble of one never cancels what is under way for another."""
        queue = list(reversed(places))

        async def work() -> None:
            while queue and self._stop is None:
                try:
                    await serve(queue.pop())
                except _Stopped:
                    return
                except BaseException as error:
                    self._stop = str(error) or type(error).__name__
                    raise

        workers = (work() for _ in range(min(WORKERS, len(queue))))
        ends = await asyncio.gather(*workers, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _wait_for_more(self, places: Sequence[Subscriber], *, is_news: bool) -> bool:
        """Wait for the rows that are due again in a moment; False if there are none."""
        now = self._clock()
        mine = {place.place: place for place in places}
        rows = await _do(self._ledger.rows, self._day)
        soon = [
            row.not_before or now
            for row in rows
            if row.state == State.PLANNED
            and (row.chat, row.thread) in mine
            and may_send(row, is_news=is_news)
            and not row.kind.startswith((Kind.ALERT, Kind.LATE))
            and (row.not_before or now) <= now + SOON
            and row.id not in self._not_found
        ]
        if soon:
            await self._sleep(max((max(soon) - now).total_seconds(), 0.0))
        return bool(soon)

    # --- One chat ---

    async def _serve(self, report: ReportToSend, place: Subscriber, *, is_news: bool) -> None:
        rows = await self._rows_of(place)
        shown = rows.get(Kind.REPORT)
        if shown is not None and may_send(shown, is_news=is_news):
            shown = await self._send_report(report, place, shown)
        if shown is None or shown.state != State.SENT:
            return
        place = replace(place, chat=shown.chat)
        shown = await self._correct(report, place, shown)
        await self._send_rest(report, place, shown, is_news=is_news)

    async def _rows_of(self, place: Subscriber) -> dict[str, Delivery]:
        rows = await _do(self._ledger.rows_of, self._day, place.place)
        return {row.kind: row for row in rows}

    async def _send_report(
        self, report: ReportToSend, place: Subscriber, row: Delivery
    ) -> Delivery:
        def compose(claim: Delivery) -> Message:
            return self._first_message(report, claim)

        return await self._send(row, place, compose, sha256=report.content_sha256)

    async def _send_rest(
        self, report: ReportToSend, place: Subscriber, shown: Delivery, *, is_news: bool
    ) -> None:
        """Send what did not fit into the caption, in order; a doubt stops the row of them."""
        if shown.content_sha256 != report.content_sha256 or not is_news:
            return
        pieces = messages.report_pieces(report)
        for number, text in enumerate(pieces[1:], start=1):
            kind = messages.continuation_kind(number)
            await _do(self._ledger.plan, self._day, kind, [place], self._clock())
            row = (await self._rows_of(place))[kind]
            message = Message(self._day, kind, text, is_silent=True)
            row = await self._send(row, place, _always(message), sha256=report.content_sha256)
            if row.state != State.SENT:
                return

    # --- Corrections ---

    async def _correct(self, report: ReportToSend, place: Subscriber, shown: Delivery) -> Delivery:
        rows = await self._rows_of(place)
        edit = rows.get(Kind.EDIT)
        if edit is not None and edit.content_sha256 == report.content_sha256:
            await self._edit(report, place, shown, edit, 0)
            shown = (await self._rows_of(place)).get(Kind.REPORT, shown)
            if shown.content_sha256 == report.content_sha256:
                await self._edit_rest(report, place, shown)
        change = (await self._rows_of(place)).get(Kind.CHANGE)
        if change is not None and change.content_sha256 == report.content_sha256:
            await self._tell_change(report, place, shown, change)
        return shown

    async def _edit(
        self,
        report: ReportToSend,
        place: Subscriber,
        shown: Delivery,
        edit: Delivery,
        number: int,
    ) -> None:
        if shown.message_id is None:
            return
        pieces = messages.report_pieces(report)
        # A message that the new text no longer needs cannot keep its old numbers.
        text = pieces[number] if number < len(pieces) else messages.NOTHING_MORE
        message = Message(self._day, edit.kind, text, is_silent=True)
        if number == 0:
            message = replace(message, html=self._first_words(report))
            message = self._with_picture(report, replace(message, buttons=self._buttons()))
            keeps_picture = message.media is None and shown.media is not None
            message = replace(message, edits_caption=keeps_picture)
        target = shown.message_id if number == 0 else edit.message_id
        await self._send(edit, place, _always(message), report.content_sha256, edits=target)

    async def _edit_rest(self, report: ReportToSend, place: Subscriber, shown: Delivery) -> None:
        """Bring the further messages of a long report to the new text."""
        rows = await self._rows_of(place)
        number = 1
        while (rest := rows.get(messages.continuation_kind(number))) is not None:
            if rest.state == State.SENT and rest.content_sha256 != report.content_sha256:
                await self._edit_continuation(report, place, shown, rest, number)
            number += 1

    async def _edit_continuation(
        self,
        report: ReportToSend,
        place: Subscriber,
        shown: Delivery,
        rest: Delivery,
        number: int,
    ) -> None:
        kind = messages.edit_kind(number)
        sha256 = report.content_sha256
        await _do(self._ledger.plan_edit_of, rest, kind, sha256, self._clock())
        edit = (await self._rows_of(place))[kind]
        await self._edit(report, place, shown, replace(edit, message_id=rest.message_id), number)

    async def _tell_change(
        self, report: ReportToSend, place: Subscriber, shown: Delivery, row: Delivery
    ) -> None:
        before = await _do(self._ledger.content, self._day, row.previous_sha256)
        numbers = dict(before.numbers) if before is not None else {}
        text = messages.changes_text(self._day, numbers, report.numbers)
        if text is None:
            await _do(self._ledger.drop, row)
            return
        message = Message(self._day, Kind.CHANGE, text, is_silent=True, reply_to=shown.message_id)
        await self._send(row, place, _always(message), report.content_sha256)

    # --- Notices ---

    async def _plan_notice(self, notice: Notice, places: Sequence[Subscriber]) -> None:
        payload = messages.notice_to_json(notice)
        await _do(self._ledger.plan, notice.day, notice.kind, places, self._clock(), notice=payload)

    async def _serve_notices(self, place: Subscriber, kind: str | None) -> None:
        """Send the planned notices of one kind to `place`, or with None all its alerts."""
        for row in (await self._rows_of(place)).values():
            wanted = row.kind == kind if kind else row.kind.startswith(Kind.ALERT)
            if wanted and row.notice is not None:
                notice = messages.notice_from_json(self._day, row.kind, row.notice)
                message = Message(self._day, row.kind, notice.text_html, buttons=notice.buttons)
                await self._send(row, place, _always(message), None)

    async def _ask_about_doubts(self, places: Sequence[Subscriber]) -> None:
        """Turn every doubt that no rule settles into a question to the owner."""
        holds = {place.place: place.holds_doubts for place in places}
        for row in await _do(self._ledger.rows, self._day):
            holds_doubts = holds.get((row.chat, row.thread), False)
            is_alert = row.kind.startswith(Kind.ALERT)
            if not is_alert and rules.is_final_doubt(row, holds_doubts=holds_doubts):
                self._alerts.append(messages.doubt_alert(row, holds_doubts=holds_doubts))

    async def _ask_about_yesterday(self) -> None:
        """Ask about the doubts of the day before, which is no news now: nothing repeats them."""
        rows = await _do(self._ledger.rows, self._day - timedelta(days=1))
        for row in rows:
            is_question = row.state == State.UNKNOWN and not row.kind.startswith(Kind.ALERT)
            if is_question and not rules.is_final_doubt(row, holds_doubts=False):
                alert = messages.doubt_alert(row, holds_doubts=False)
                self._alerts.append(replace(alert, day=self._day))

    async def _send_alerts(self) -> None:
        if self._stop is not None:
            return
        for notice in self._alerts:
            await self._plan_notice(notice, self._admins)
        await self._each(self._admins, lambda place: self._serve_notices(place, None))

    # --- One message ---

    async def _send(
        self,
        row: Delivery,
        place: Subscriber,
        compose: Callable[[Delivery], Message],
        sha256: str | None,
        edits: int | None = None,
    ) -> Delivery:
        """Claim, send and record `row`, waiting where the service asks for it."""
        while rules.is_due(row, self._clock(), holds_doubts=place.holds_doubts):
            await self._turn(place.chat)
            claim = await _do(self._ledger.claim, row, self._owner, self._clock(), sha256)
            if claim is None:
                return await _do(self._ledger.row, row.id)
            row, verdict = await self._transmit(claim, place, compose(claim), edits)
            place = replace(place, chat=row.chat)
            if verdict.outcome != Outcome.WAIT:
                return row
            await self._pause(verdict)
            row = replace(row, not_before=None)
        return row

    async def _transmit(
        self, claim: Delivery, place: Subscriber, message: Message, edits: int | None
    ) -> tuple[Delivery, Verdict]:
        """Make the request, and those that a refusal of its form leads to."""
        tried: set[tuple[Outcome, Message]] = set()
        verdict = await self._request(claim, place.chat, place.thread, message, edits)
        while True:
            adapted = await self._adapt(place, message, verdict)
            if adapted is None or (verdict.outcome, adapted[1]) in tried:
                break
            tried.add((verdict.outcome, adapted[1]))
            place, message = adapted
            await self._pace.turn(place.chat)
            if not await _do(self._ledger.renew, claim, self._clock()):
                break
            verdict = await self._request(claim, place.chat, place.thread, message, edits)
        return await self._record(claim, verdict, message), verdict

    async def _request(
        self, claim: Delivery, chat: int, thread: int, message: Message, edits: int | None
    ) -> Verdict:
        try:
            if edits is not None:
                answer = await self._transport.edit(chat, edits, message)
            else:
                answer = await self._upload(chat, thread, message)
        except asyncio.CancelledError:
            # No waiting here: the loop is closing, and what was sent must not look unsent.
            cancelled = Verdict(Outcome.UNKNOWN, "the run was cancelled while this was under way")
            self._ledger.finish(claim, cancelled, self._clock())
            raise
        except SalesAssetsError as error:
            self._ledger.finish(claim, Verdict(Outcome.STOP, str(error)), self._clock())
            raise
        return self._weigh(rules.classify(answer))

    async def _upload(self, chat: int, thread: int, message: Message) -> Answer:
        """Send `message`; of several that need the same upload the first goes ahead."""
        if message.picture is None or message.file_id is not None:
            return await self._transport.send(chat, thread, message)
        is_first = await self._is_head_start_ours()
        try:
            if self._file is not None and message.as_document == self._as_document:
                message = replace(message, file_id=self._file)
            answer = await self._transport.send(chat, thread, message)
            self._file = rules.classify(answer).file_id or self._file
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
        self, place: Subscriber, message: Message, verdict: Verdict
    ) -> tuple[Subscriber, Message] | None:
        """Return what to try next in place of a request whose form was refused, if anything."""
        match verdict.outcome:
            case Outcome.MIGRATED if verdict.new_chat is not None:
                new = replace(place, chat=verdict.new_chat)
                await _do(self._ledger.migrate, place.chat, new.chat, self._clock())
                return new, message
            case Outcome.MARKUP if not message.is_plain:
                self._alerts.append(messages.markup_alert(self._day, verdict.reason))
                self._warnings.append(f"the markup was refused: {verdict.reason}")
                return place, replace(message, is_plain=True)
            case Outcome.FILE_ID_REFUSED if message.file_id is not None:
                self._file = None if self._file == message.file_id else self._file
                return place, replace(message, file_id=None)
            case Outcome.PICTURE_REFUSED | Outcome.FILE_ID_REFUSED if message.media is not None:
                return place, self._in_another_form(message, verdict)
        return None

    def _in_another_form(self, message: Message, verdict: Verdict) -> Message:
        """Return the refused photo as a document, the refused document as words alone."""
        is_this_chat_only = "rights" in verdict.reason or message.kind == Kind.EDIT
        if not message.as_document:
            if not is_this_chat_only:
                self._as_document, self._file = True, None
            return replace(message, as_document=True, file_id=None)
        self._without_picture = self._without_picture or not is_this_chat_only
        text = messages.text_alone(message.html)
        return replace(message, html=text, picture=None, file_id=None)

    def _weigh(self, verdict: Verdict) -> Verdict:
        """Count what the answers say about the service and the token as a whole."""
        if verdict.outcome in (Outcome.NOT_SENT, Outcome.UNKNOWN):
            self._in_vain += 1
            self._had_trouble = True
        elif verdict.outcome != Outcome.WAIT:
            self._in_vain = 0
        if self._in_vain >= MOST_IN_VAIN:
            self._stop = f"{self._in_vain} requests in a row went wrong, the last: {verdict.reason}"
        self._knows_a_chat |= verdict.outcome in _PROOFS_OF_THE_BOT
        return verdict

    async def _record(self, claim: Delivery, verdict: Verdict, message: Message) -> Delivery:
        if verdict.outcome == Outcome.MESSAGE_GONE and claim.is_idempotent:
            # Nothing is left to correct; the reply still tells what changed.
            verdict = Verdict(Outcome.SENT, f"the message is gone: {verdict.reason}")
        row = await self._finish(claim, verdict, message.media)
        if row.state == State.SENT and row.file_id and message.media and row.content_sha256:
            await _do(
                self._ledger.remember_file,
                self._day,
                row.content_sha256,
                row.file_id,
                message.media,
            )
        if not row.kind.startswith(Kind.ALERT):
            self._act_on(row, verdict)
        if verdict.outcome == Outcome.STOP:
            self._stop = verdict.reason
        return row

    async def _finish(self, claim: Delivery, verdict: Verdict, media: str | None) -> Delivery:
        """Record the answer; a lock is waited for, because what is lost here is sent again."""
        for _ in range(_ANSWERS_TO_RECORD - 1):
            try:
                return await self._record_once(claim, verdict, media)
            except StateLockedError:
                self._warnings.append("the state database was locked while an answer came in")
        return await self._record_once(claim, verdict, media)

    async def _record_once(self, claim: Delivery, verdict: Verdict, media: str | None) -> Delivery:
        now = self._clock()
        return await _do(self._ledger.finish, claim, verdict, now, media, self._admins)

    def _act_on(self, row: Delivery, verdict: Verdict) -> None:
        """Note what an answer says beyond the row."""
        match verdict.outcome:
            case Outcome.CHAT_NOT_FOUND:
                self._not_found[row.id] = row
                self._stop_if_nobody_is_known()
            case Outcome.SLEEP | Outcome.THREAD_GONE:
                self._warnings.append(f"chat {row.chat} sleeps: {row.reason}")

    def _stop_if_nobody_is_known(self) -> None:
        if len(self._not_found) >= MOST_NOT_FOUND and not self._knows_a_chat:
            self._stop = _WRONG_BOT

    async def _judge_lost_chats(self) -> None:
        """Decide about chats that were not found: they are gone, or the token is another bot's."""
        if not self._not_found:
            return
        rows = await _do(self._ledger.rows, self._day)
        if not self._knows_a_chat and not any(row.state == State.SENT for row in rows):
            self._stop = self._stop or (None if self._had_trouble else _WRONG_BOT)
            return
        for row in self._not_found.values():
            await _do(self._ledger.give_up_lost, row, self._clock(), self._admins)
            self._warnings.append(f"chat {row.chat} sleeps: {row.reason}")

    async def _turn(self, chat: int) -> None:
        await self._pace.turn(chat)
        if self._stop is not None:
            raise _Stopped

    async def _pause(self, verdict: Verdict) -> None:
        pause = verdict.retry_after or rules.DEFAULT_PAUSE
        if not self._pace.pause(pause):
            now = self._clock()
            await _do(self._ledger.postpone, self._day, now + pause, now)
            self._stop = f"Telegram asks for a pause of {pause}; the rest is sent after it."
            raise _Stopped

    # --- Composing ---

    def _first_message(self, report: ReportToSend, claim: Delivery) -> Message:
        text = self._first_words(report)
        is_repeat = claim.doubts > 0 or claim.possible_duplicate
        if is_repeat:
            limit = messages.CAPTION_LIMIT if self._has_picture(report) else messages.TEXT_LIMIT
            text = messages.with_repeat_note(text, limit)
        message = Message(
            self._day, Kind.REPORT, text, is_silent=is_repeat, buttons=self._buttons()
        )
        return self._with_picture(report, message)

    def _first_words(self, report: ReportToSend) -> str:
        text = messages.report_pieces(report)[0]
        was_refused = report.picture is not None and self._without_picture
        return messages.text_alone(text) if was_refused else text

    def _has_picture(self, report: ReportToSend) -> bool:
        return report.picture is not None and not self._without_picture

    def _with_picture(self, report: ReportToSend, message: Message) -> Message:
        if not self._has_picture(report):
            return message
        return replace(
            message, picture=report.picture, file_id=self._file, as_document=self._as_document
        )

    def _buttons(self) -> messages.Keyboard:
        return messages.report_buttons(self._day)

    # --- The end ---

    async def _result(self, kind: str | None = None) -> DeliveryResult:
        rows = await _do(self._ledger.rows, self._day)
        places = {place.place for place in await _do(self._ledger.subscribers)}
        places |= {place.place for place in self._admins}
        shown = [row for row in rows if _is_shown(row, kind, places)]
        result = DeliveryResult(self._day, _as_frame(shown), tuple(dict.fromkeys(self._warnings)))
        if self._stop is not None:
            raise DeliveryStoppedError(
                f"The delivery of {self._day} stopped: {self._stop} "
                f"{result.sent} messages are sent, {result.waiting} wait for the next run.",
                result,
            )
        return result


_WRONG_BOT = (
    "Telegram says 'chat not found' for every chat, so SALES_ASSETS_TELEGRAM_BOT_TOKEN belongs to "
    "another bot. No subscription was touched. Set the token of the bot that the chats know."
)


async def _do(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Run a call to the ledger beside the loop: a locked database must not stall the requests."""
    return await asyncio.to_thread(call, *arguments, **named)


def _always(message: Message) -> Callable[[Delivery], Message]:
    """Compose `message` for any claim; a repeat of it comes silently."""

    def compose(claim: Delivery) -> Message:
        is_repeat = claim.doubts > 0 or claim.possible_duplicate
        return replace(message, is_silent=message.is_silent or is_repeat)

    return compose


def _is_out(row: Delivery) -> bool:
    return row.state in (State.SENT, State.SENDING, State.UNKNOWN)


def _is_shown(row: Delivery, kind: str | None, places: set[tuple[int, int]]) -> bool:
    """Whether the result speaks of `row`: a plan for a chat that left is no business of it."""
    if row.state == State.PLANNED and (row.chat, row.thread) not in places:
        return False
    return row.kind == kind if kind else not row.kind.startswith((Kind.ALERT, Kind.LATE))


def _as_frame(rows: Sequence[Delivery]) -> pd.DataFrame:
    values = [{name: getattr(row, name) for name in _COLUMNS} | _readable(row) for row in rows]
    return pd.DataFrame(values, columns=list(_COLUMNS)).astype(_COLUMNS)


def _readable(row: Delivery) -> dict[str, str]:
    name = rules.OUTBOX_NAME if row.chat == rules.OUTBOX_CHAT else str(row.chat)
    return {"chat": name, "kind": str(row.kind), "state": row.state.value}
