"""Sends a day's report to every chat: what each is owed, in order, and what becomes of doubts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sales_assets.adapters.delivery.owed import may_send
from sales_assets.adapters.delivery.pace import Clock, Pace, Sleep
from sales_assets.adapters.delivery.result import DeliveryResult, DeliveryStoppedError, as_frame
from sales_assets.adapters.delivery.sending import Sending, StoppedError, beside_loop
from sales_assets.adapters.delivery.transport import Transport
from sales_assets.adapters.state.ledger import OUTBOX, Ledger, Subscriber
from sales_assets.core.delivery import messages, rules
from sales_assets.core.delivery.messages import Message, Notice, ReportToSend
from sales_assets.core.delivery.rules import Delivery, Kind, RowState, Timetable

#: Requests under way at once: a chat that stalls holds one of them.
WORKERS = 8
#: A row that is due again so soon is sent by this run, not by the next.
SOON = timedelta(seconds=30)
_ROUNDS = 3


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


class _Dispatch:
    """One run over the chats of one day; used once."""

    def __init__(self, dispatcher: Dispatcher, day: date) -> None:
        ledger, admins = dispatcher.ledger, dispatcher.admins
        self._day = day
        self._ledger = ledger
        self._transport = dispatcher.transport
        self._clock = dispatcher.clock
        self._sleep = dispatcher.sleep
        self._admins = [OUTBOX] if ledger.is_outbox else [Subscriber(chat) for chat in admins]
        pace = Pace(dispatcher.clock, dispatcher.sleep)
        self._sending = Sending(
            ledger, dispatcher.transport, dispatcher.clock, pace, day, self._admins
        )

    # --- The two things a dispatch can do ---

    async def deliver(self, report: ReportToSend, *, is_news: bool) -> DeliveryResult:
        places = await beside_loop(self._ledger.subscribers)
        await beside_loop(self._ledger.expire_leases, self._clock(), self._admins)
        if is_news:
            await beside_loop(self._ledger.settle_missed, self._day, self._clock(), self._admins)
        await self._plan(report, places, is_news=is_news)
        await self._recall_file(report)
        async with self._transport:
            for _ in range(_ROUNDS):
                await self._each(places, lambda place: self._serve(report, place, is_news=is_news))
                if self._sending.stop or not await self._wait_for_more(places, is_news=is_news):
                    break
            await self._sending.judge_lost_chats()
            await self._ask_about_doubts(places)
            if is_news:
                await self._ask_about_yesterday()
            await self._send_alerts()
        return await self._result()

    async def announce(self, notice: Notice, *, to_admins: bool) -> DeliveryResult:
        rows = await beside_loop(self._ledger.rows, self._day)
        served = {(r.chat, r.thread) for r in rows if r.kind == Kind.REPORT and _is_out(r)}
        everyone = self._admins if to_admins else await beside_loop(self._ledger.subscribers)
        places = [place for place in everyone if to_admins or place.place not in served]
        await beside_loop(self._ledger.expire_leases, self._clock(), self._admins)
        await self._plan_notice(notice, places)
        async with self._transport:
            await self._each(places, lambda place: self._serve_notices(place, notice.kind))
            if not to_admins:
                await self._sending.judge_lost_chats()
        return await self._result(notice.kind)

    async def _plan(
        self, report: ReportToSend, places: Sequence[Subscriber], *, is_news: bool
    ) -> None:
        now = self._clock()
        rows = await beside_loop(self._ledger.rows, self._day)
        if is_news or any(row.state == RowState.SENT or row.by_hand for row in rows):
            await beside_loop(self._ledger.remember_content, report, now)
        if is_news:
            for kind in messages.report_kinds(report):
                await beside_loop(self._ledger.plan, self._day, kind, places, now)
        await beside_loop(self._ledger.plan_edits, self._day, report.content_sha256, places, now)

    async def _recall_file(self, report: ReportToSend) -> None:
        content = await beside_loop(self._ledger.content, self._day, report.content_sha256)
        if content is not None and content.file_id is not None:
            self._sending.form.file_id = content.file_id
            self._sending.form.as_document = content.media == "document"

    async def _each(
        self, places: Sequence[Subscriber], serve: Callable[[Subscriber], Awaitable[None]]
    ) -> None:
        """Serve every place; the trouble of one never cancels what is under way for another."""
        queue = list(reversed(places))

        async def work() -> None:
            while queue and self._sending.stop is None:
                try:
                    await serve(queue.pop())
                except StoppedError:
                    return
                except BaseException as error:
                    self._sending.stop = str(error) or type(error).__name__
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
        rows = await beside_loop(self._ledger.rows, self._day)
        soon = [
            row.not_before or now
            for row in rows
            if row.state == RowState.PLANNED
            and (row.chat, row.thread) in mine
            and may_send(row, is_news=is_news)
            and not row.kind.startswith((Kind.ALERT, Kind.LATE))
            and (row.not_before or now) <= now + SOON
            and row.id not in self._sending.not_found
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
        if shown is None or shown.state != RowState.SENT:
            return
        place = replace(place, chat=shown.chat)
        shown = await self._correct(report, place, shown)
        await self._send_rest(report, place, shown, is_news=is_news)

    async def _rows_of(self, place: Subscriber) -> dict[str, Delivery]:
        rows = await beside_loop(self._ledger.rows_of, self._day, place.place)
        return {row.kind: row for row in rows}

    async def _send_report(
        self, report: ReportToSend, place: Subscriber, row: Delivery
    ) -> Delivery:
        def compose(claim: Delivery) -> Message:
            return self._first_message(report, claim)

        return await self._sending.send(row, place, compose, sha256=report.content_sha256)

    async def _send_rest(
        self, report: ReportToSend, place: Subscriber, shown: Delivery, *, is_news: bool
    ) -> None:
        """Send what did not fit into the caption, in order; a doubt stops the row of them."""
        if shown.content_sha256 != report.content_sha256 or not is_news:
            return
        pieces = messages.report_pieces(report)
        for number, text in enumerate(pieces[1:], start=1):
            kind = messages.continuation_kind(number)
            await beside_loop(self._ledger.plan, self._day, kind, [place], self._clock())
            row = (await self._rows_of(place))[kind]
            message = Message(self._day, kind, text, is_silent=True)
            row = await self._sending.send(
                row, place, _always(message), sha256=report.content_sha256
            )
            if row.state != RowState.SENT:
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
        await self._sending.send(edit, place, _always(message), report.content_sha256, edits=target)

    async def _edit_rest(self, report: ReportToSend, place: Subscriber, shown: Delivery) -> None:
        """Bring the further messages of a long report to the new text."""
        rows = await self._rows_of(place)
        number = 1
        while (rest := rows.get(messages.continuation_kind(number))) is not None:
            if rest.state == RowState.SENT and rest.content_sha256 != report.content_sha256:
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
        await beside_loop(self._ledger.plan_edit_of, rest, kind, sha256, self._clock())
        edit = (await self._rows_of(place))[kind]
        await self._edit(report, place, shown, replace(edit, message_id=rest.message_id), number)

    async def _tell_change(
        self, report: ReportToSend, place: Subscriber, shown: Delivery, row: Delivery
    ) -> None:
        before = await beside_loop(self._ledger.content, self._day, row.previous_sha256)
        numbers = dict(before.numbers) if before is not None else {}
        text = messages.changes_text(self._day, numbers, report.numbers)
        if text is None:
            await beside_loop(self._ledger.drop, row)
            return
        message = Message(self._day, Kind.CHANGE, text, is_silent=True, reply_to=shown.message_id)
        await self._sending.send(row, place, _always(message), report.content_sha256)

    # --- Notices ---

    async def _plan_notice(self, notice: Notice, places: Sequence[Subscriber]) -> None:
        payload = messages.notice_to_json(notice)
        await beside_loop(
            self._ledger.plan, notice.day, notice.kind, places, self._clock(), notice=payload
        )

    async def _serve_notices(self, place: Subscriber, kind: str | None) -> None:
        """Send the planned notices of one kind to `place`, or with None all its alerts."""
        for row in (await self._rows_of(place)).values():
            wanted = row.kind == kind if kind else row.kind.startswith(Kind.ALERT)
            if wanted and row.notice is not None:
                notice = messages.notice_from_json(self._day, row.kind, row.notice)
                message = Message(self._day, row.kind, notice.text_html, buttons=notice.buttons)
                await self._sending.send(row, place, _always(message), None)

    async def _ask_about_doubts(self, places: Sequence[Subscriber]) -> None:
        """Ask the owner about every doubt that no rule settles.

        The ledger plans the question with the doubt; a chat may have been told to hold since.
        """
        holds = {place.place: place.holds_doubts for place in places}
        for row in await beside_loop(self._ledger.rows, self._day):
            holds_doubts = holds.get((row.chat, row.thread), False)
            is_alert = row.kind.startswith(Kind.ALERT)
            if not is_alert and rules.is_final_doubt(row, holds_doubts=holds_doubts):
                self._sending.alerts.append(messages.doubt_alert(row, holds_doubts=holds_doubts))

    async def _ask_about_yesterday(self) -> None:
        """Ask about the doubts of the day before, which is no news now: nothing repeats them."""
        rows = await beside_loop(self._ledger.rows, self._day - timedelta(days=1))
        asked = {row.kind for row in rows if row.state == RowState.SENT}
        for row in rows:
            if row.state == RowState.UNKNOWN and not row.kind.startswith(Kind.ALERT):
                alert = messages.doubt_alert(row, holds_doubts=False)
                if alert.kind not in asked:
                    self._sending.alerts.append(replace(alert, day=self._day))

    async def _send_alerts(self) -> None:
        if self._sending.stop is not None:
            return
        for notice in self._sending.alerts:
            await self._plan_notice(notice, self._admins)
        await self._each(self._admins, lambda place: self._serve_notices(place, None))

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
        was_refused = report.picture is not None and self._sending.form.is_refused
        return messages.text_alone(text) if was_refused else text

    def _has_picture(self, report: ReportToSend) -> bool:
        return report.picture is not None and not self._sending.form.is_refused

    def _with_picture(self, report: ReportToSend, message: Message) -> Message:
        if not self._has_picture(report):
            return message
        return replace(
            message,
            picture=report.picture,
            file_id=self._sending.form.file_id,
            as_document=self._sending.form.as_document,
        )

    def _buttons(self) -> messages.Keyboard:
        return messages.report_buttons(self._day)

    # --- The end ---

    async def _result(self, kind: str | None = None) -> DeliveryResult:
        rows = await beside_loop(self._ledger.rows, self._day)
        places = {place.place for place in await beside_loop(self._ledger.subscribers)}
        places |= {place.place for place in self._admins}
        shown = [row for row in rows if _is_shown(row, kind, places)]
        result = DeliveryResult(
            self._day, as_frame(shown), tuple(dict.fromkeys(self._sending.warnings))
        )
        if self._sending.stop is not None:
            raise DeliveryStoppedError(
                f"The delivery of {self._day} stopped: {self._sending.stop} "
                f"{result.sent} messages are sent, {result.waiting} wait for the next run.",
                result,
            )
        return result


def _always(message: Message) -> Callable[[Delivery], Message]:
    """Compose `message` for any claim; a repeat of it comes silently."""

    def compose(claim: Delivery) -> Message:
        is_repeat = claim.doubts > 0 or claim.possible_duplicate
        return replace(message, is_silent=message.is_silent or is_repeat)

    return compose


def _is_out(row: Delivery) -> bool:
    return row.state in (RowState.SENT, RowState.SENDING, RowState.UNKNOWN)


def _is_shown(row: Delivery, kind: str | None, places: set[tuple[int, int]]) -> bool:
    """Whether the result speaks of `row`: a plan for a chat that left is no business of it."""
    if row.state == RowState.PLANNED and (row.chat, row.thread) not in places:
        return False
    return row.kind == kind if kind else not row.kind.startswith((Kind.ALERT, Kind.LATE))
