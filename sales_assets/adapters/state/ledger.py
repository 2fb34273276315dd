"""The delivery ledger in the state database: every transition is one committed transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, RowMapping, delete, select, update
from sqlalchemy.orm import Session

from sales_assets.adapters.state.database import DeliveryRow, SentContent, State, Subscription
from sales_assets.core.delivery import rules
from sales_assets.core.delivery.messages import (
    Number,
    ReportToSend,
    asleep_alert,
    changes_text,
    doubt_alert,
    missed_alert,
    notice_to_json,
    refusal_alert,
)
from sales_assets.core.delivery.rules import Delivery, Kind, Meaning, Outcome
from sales_assets.core.errors import SalesAssetsError

_COLUMNS = tuple(field.name for field in fields(Delivery))
#: The policy of a chat that is never sent a repeat of what is in doubt.
HOLD = "hold"
_OPEN_STATES = (rules.RowState.PLANNED, rules.RowState.SENDING, rules.RowState.UNKNOWN)
#: Of two rows that a migration makes one, the later in this order stays.
_PRECEDENCE = (
    rules.RowState.PLANNED,
    rules.RowState.FAILED,
    rules.RowState.SENDING,
    rules.RowState.UNKNOWN,
    rules.RowState.SENT,
)


class UnknownDeliveryError(SalesAssetsError):
    """The ledger has no row with this id."""


@dataclass(frozen=True)
class Subscriber:
    """A chat that gets messages; `holds_doubts`: a doubtful one is never repeated there."""

    chat: int
    thread: int = rules.NO_THREAD
    holds_doubts: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """The chat and its topic."""
        return self.chat, self.thread


OUTBOX = Subscriber(rules.OUTBOX_CHAT)


class Ledger:
    """What was planned, sent, refused and left in doubt, for every day, kind, chat and topic.

    With `is_outbox` the only subscriber is the folder `var/outbox`: files written there never
    count as messages to the real chats, which get the newest report once there is a token.
    """

    def __init__(self, state: State, *, is_outbox: bool = False) -> None:
        self._state = state
        self.is_outbox = is_outbox

    # --- Reading ------------------------------------------------------------------------------

    def subscribers(self) -> list[Subscriber]:
        """Return who gets reports now, the oldest subscription first."""
        if self.is_outbox:
            return [OUTBOX]
        wanted = select(Subscription).where(Subscription.state == "active")
        with self._state.reading() as session:
            rows = session.scalars(wanted.order_by(Subscription.created_at, Subscription.id))
            return [Subscriber(r.chat, r.thread, r.doubt_policy == HOLD) for r in rows]

    def rows(self, day: date) -> list[Delivery]:
        """Return the rows of `day`, in the order in which they were planned."""
        with self._state.reading() as session:
            return _found(session, DeliveryRow.report_day == day, self._own())

    def rows_of(self, day: date, place: tuple[int, int]) -> list[Delivery]:
        """Return the rows of `day` for one chat and topic."""
        is_there = (DeliveryRow.chat == place[0]) & (DeliveryRow.thread == place[1])
        with self._state.reading() as session:
            return _found(session, DeliveryRow.report_day == day, is_there)

    def row(self, delivery_id: int) -> Delivery:
        """Return one row.

        Raises:
            UnknownDeliveryError: the ledger has none with this id.
        """
        with self._state.reading() as session:
            return _row(session, delivery_id)

    def unsettled(self) -> list[Delivery]:
        """Return every row that is planned, being sent or in doubt, for any day."""
        with self._state.reading() as session:
            return _found(session, DeliveryRow.state.in_(_OPEN_STATES), self._own())

    def days_to_look_at(self, reports: Mapping[date, str]) -> set[date]:
        """Return the days of `reports` that may need a run: unsettled, or sent with other content.

        It reads no rows of settled days, however many chats they have.
        """
        is_open = DeliveryRow.state.in_(_OPEN_STATES)
        is_shown = (DeliveryRow.kind == Kind.REPORT) & (DeliveryRow.state == rules.RowState.SENT)
        in_range = DeliveryRow.report_day.in_(list(reports))
        with self._state.reading() as session:
            unsettled = session.scalars(
                select(DeliveryRow.report_day).where(is_open, in_range, self._own()).distinct()
            )
            shown = session.execute(
                select(DeliveryRow.report_day, DeliveryRow.content_sha256)
                .where(is_shown, in_range, self._own())
                .distinct()
            )
            return {*unsettled, *(day for day, sha256 in shown if sha256 != reports[day])}

    def content(self, day: date, sha256: str | None = None) -> SentContent | None:
        """Return what was sent for `day`: that version, or without `sha256` the latest."""
        wanted = select(SentContent).where(SentContent.report_day == day)
        if sha256 is not None:
            wanted = wanted.where(SentContent.content_sha256 == sha256)
        with self._state.reading() as session:
            found = session.scalars(wanted.order_by(SentContent.created_at.desc())).first()
            session.expunge_all()
            return found

    def _own(self) -> ColumnElement[bool]:
        if self.is_outbox:
            return DeliveryRow.chat == rules.OUTBOX_CHAT
        return DeliveryRow.chat != rules.OUTBOX_CHAT

    # --- Planning -----------------------------------------------------------------------------

    def plan(
        self,
        day: date,
        kind: str,
        places: Iterable[Subscriber],
        now: datetime,
        *,
        notice: dict[str, Any] | None = None,
    ) -> None:
        """Make sure that a row stands for each of `places`; one that does stays as it is."""
        with self._state.writing() as session:
            _plan(session, day, kind, places, now, notice)

    def plan_edits(
        self, day: date, sha256: str, places: Sequence[Subscriber], now: datetime
    ) -> None:
        """Plan an edit for each of `places` that was sent other content than `sha256`."""
        wanted = {place.place for place in places}
        with self._state.writing() as session:
            rows = _found(session, DeliveryRow.report_day == day)
            for row in rows:
                shows_other = row.state == rules.RowState.SENT and row.content_sha256 != sha256
                if row.kind == Kind.REPORT and shows_other and (row.chat, row.thread) in wanted:
                    _plan_anew(session, row, Kind.EDIT, sha256, now)

    def plan_edit_of(self, shown: Delivery, kind: str, sha256: str, now: datetime) -> None:
        """Plan the edit `kind` of one further message of the report that is `shown`."""
        with self._state.writing() as session:
            _plan_anew(session, shown, kind, sha256, now)

    def expire_leases(self, now: datetime, admins: Iterable[Subscriber] = ()) -> None:
        """Turn the rows of dead senders into doubts; `admins` get the question of a final one."""
        with self._state.writing() as session:
            for row in _found(session, DeliveryRow.state == rules.RowState.SENDING):
                if rules.has_expired(row, now):
                    expired = rules.expired(row)
                    _write(session, expired, now)
                    _follow_doubt(session, expired, admins, now)

    def send_again(self, delivery_id: int, now: datetime) -> Delivery:
        """Make a doubtful or refused row due at once: the owner asked for it.

        A row that was sent, or is being sent, stays as it is: a second press changes nothing.

        Raises:
            UnknownDeliveryError: the ledger has no row with this id.
        """
        with self._state.writing() as session:
            return send_again(session, delivery_id, now)

    # --- Sending ------------------------------------------------------------------------------

    def claim(
        self, row: Delivery, owner: str, now: datetime, sha256: str | None = None
    ) -> Delivery | None:
        """Take `row` for `owner` to send `sha256`; None if someone else was first.

        Committed before it returns: whoever is killed afterwards leaves a trace.
        """
        claim = rules.claimed(row, owner, now)
        claim = replace(claim, content_sha256=sha256 or row.content_sha256)
        untouched = (DeliveryRow.state == row.state) & (DeliveryRow.claims == row.claims)
        with self._state.writing() as session:
            return claim if _write(session, claim, now, untouched) else None

    def settle_missed(self, newest: date, now: datetime, admins: Iterable[Subscriber] = ()) -> None:
        """Fail what was to be news before `newest` and never left; plan an alert for each such day.

        The alert to `admins` counts the chats that still want the report.
        """
        wanted = {place.place for place in self.subscribers()}
        planned = DeliveryRow.state == rules.RowState.PLANNED
        with self._state.writing() as session:
            rows = _found(session, planned, DeliveryRow.report_day < newest, self._own())
            missed = [rules.missed(row) for row in rows if rules.is_missed(row, newest)]
            for row in missed:
                _write(session, row, now)
            told = [r for r in missed if r.kind == Kind.REPORT and (r.chat, r.thread) in wanted]
            for day in sorted({row.report_day for row in told}):
                alert = missed_alert(newest, [row for row in told if row.report_day == day])
                _plan(session, newest, alert.kind, admins, now, notice_to_json(alert))

    def renew(self, claim: Delivery, now: datetime) -> bool:
        """Start the lease of `claim` anew before a further request; False if it was lost."""
        with self._state.writing() as session:
            row = _held(session, claim)
            if row is None or row.state != rules.RowState.SENDING:
                return False
            return _write(session, replace(row, lease_until=now + rules.LEASE), now)

    def finish(
        self,
        claim: Delivery,
        verdict: Meaning,
        now: datetime,
        media: str | None = None,
        admins: Iterable[Subscriber] = (),
    ) -> Delivery:
        """Record the answer that `claim` got and return the row as it stands now.

        An answer that comes after the lease still settles the doubt, unless the row was claimed
        again, or merged into another chat's, by then: nothing is changed. What follows from the
        answer is in the same transaction, so that no kill comes between: an edit that is in
        changes what the chat's report row shows, and plans the reply; after a refusal for good a
        chat that is gone sleeps, and the alert to `admins` is planned, as is the question about a
        doubt that no repeat will settle.
        """
        with self._state.writing() as session:
            row = _held(session, claim)
            if row is None:
                found = _found(session, DeliveryRow.id == claim.id)
                return found[0] if found else replace(claim, state=rules.RowState.FAILED)
            settled = rules.after(replace(claim, chat=row.chat), verdict, now)
            if settled.state == rules.RowState.SENT:
                settled = replace(settled, media=media)
                if settled.kind == Kind.EDIT:
                    _show_new_content(session, settled, now)
            _write(session, settled, now)
            _follow_refusal(session, settled, verdict.outcome, admins, now)
            _follow_doubt(session, settled, admins, now)
            return settled

    def give_up_lost(self, row: Delivery, now: datetime, admins: Iterable[Subscriber] = ()) -> None:
        """Fail a row whose chat does not exist, unless it has moved on, and what `finish` does."""
        failed = replace(row, state=rules.RowState.FAILED, not_before=None)
        with self._state.writing() as session:
            if _write(session, failed, now, DeliveryRow.claims == row.claims):
                _follow_refusal(session, failed, Outcome.SLEEP, admins, now)

    def postpone(self, day: date, until: datetime, now: datetime) -> None:
        """Keep every planned row of `day` until then: the service asked for a pause."""
        is_earlier = DeliveryRow.not_before.is_(None) | (DeliveryRow.not_before < until)
        planned = (DeliveryRow.report_day == day) & (DeliveryRow.state == rules.RowState.PLANNED)
        with self._state.writing() as session:
            session.execute(
                update(DeliveryRow)
                .where(planned, is_earlier)
                .values(not_before=until, updated_at=now)
            )

    def drop(self, claim: Delivery) -> None:
        """Remove a claimed row that turned out to have nothing to say."""
        with self._state.writing() as session:
            session.execute(delete(DeliveryRow).where(DeliveryRow.id == claim.id))

    # --- What was sent ------------------------------------------------------------------------

    def remember_content(self, report: ReportToSend, now: datetime) -> None:
        """Keep what `report` says, before the first chat is sent it."""
        with self._state.writing() as session:
            if session.get(SentContent, (report.day, report.content_sha256)) is None:
                session.add(_content_row(report, now))

    def remember_file(self, day: date, sha256: str, file_id: str, media: str) -> None:
        """Keep the service's id of the picture that was uploaded."""
        with self._state.writing() as session:
            found = session.get(SentContent, (day, sha256))
            if found is not None:
                found.file_id, found.media = file_id, media

    # --- Chats --------------------------------------------------------------------------------

    def put_to_sleep(
        self, chat: int, reason: str, now: datetime, *, thread: int | None = None
    ) -> None:
        """Stop sending to a chat, or to one topic of it, and keep the reason."""
        with self._state.writing() as session:
            _put_to_sleep(session, chat, thread, reason, now)

    def migrate(self, old: int, new: int, now: datetime) -> None:
        """Rename the chat `old` to `new` everywhere, in one transaction.

        Where `new` has a row already, the two become one: the subscription that is active, the
        delivery that is further on. Done twice, the second time changes nothing.
        """
        with self._state.writing() as session:
            migrate_chat(session, old, new, now)


# --- For a caller with a transaction of its own ------------------------------------------------


def send_again(session: Session, delivery_id: int, now: datetime) -> Delivery:
    """Do what `Ledger.send_again` does, inside the caller's transaction."""
    row = _row(session, delivery_id)
    if row.state not in (rules.RowState.UNKNOWN, rules.RowState.FAILED):
        return row
    again = rules.sent_again(row)
    _write(session, again, now)
    return again


def migrate_chat(session: Session, old: int, new: int, now: datetime) -> None:
    """Do what `Ledger.migrate` does, inside the caller's transaction."""
    _migrate_subscriptions(session, old, new, now)
    _migrate_deliveries(session, old, new, now)


# --- Rows ---------------------------------------------------------------------------------------


def _found(session: Session, *conditions: ColumnElement[bool]) -> list[Delivery]:
    columns = [getattr(DeliveryRow, name) for name in _COLUMNS]
    rows = session.execute(select(*columns).where(*conditions).order_by(DeliveryRow.id))
    return [_delivery(row) for row in rows.mappings()]


def _row(session: Session, delivery_id: int) -> Delivery:
    found = _found(session, DeliveryRow.id == delivery_id)
    if not found:
        raise UnknownDeliveryError(
            f"The ledger has no delivery {delivery_id}. `sales-assets doctor` lists those it has."
        )
    return found[0]


def _delivery(values: RowMapping) -> Delivery:
    return Delivery(**{**values, "state": rules.RowState(values["state"])})


def _held(session: Session, claim: Delivery) -> Delivery | None:
    """Return the row of `claim` if nobody claimed it since; a lease that ran out is no matter."""
    held = _found(
        session,
        DeliveryRow.id == claim.id,
        DeliveryRow.owner == claim.owner,
        DeliveryRow.claims == claim.claims,
        DeliveryRow.state.in_(
            (rules.RowState.SENDING, rules.RowState.UNKNOWN, rules.RowState.PLANNED)
        ),
    )
    return held[0] if held else None


def _write(
    session: Session, row: Delivery, now: datetime, condition: ColumnElement[bool] | None = None
) -> bool:
    """Write every column of `row`; False if `condition` no longer holds."""
    statement = update(DeliveryRow).where(DeliveryRow.id == row.id)
    if condition is not None:
        statement = statement.where(condition)
    values = {name: getattr(row, name) for name in _COLUMNS if name != "id"}
    result = session.execute(statement.values(**values, updated_at=now))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _new_row(
    day: date, kind: str, place: tuple[int, int], now: datetime, **values: Any
) -> DeliveryRow:
    return DeliveryRow(
        report_day=day,
        kind=str(kind),
        chat=place[0],
        thread=place[1],
        state=rules.RowState.PLANNED.value,
        created_at=now,
        updated_at=now,
        **values,
    )


def _plan(  # noqa: PLR0913, PLR0917 - a row's key and what it says
    session: Session,
    day: date,
    kind: str,
    places: Iterable[Subscriber],
    now: datetime,
    notice: dict[str, Any] | None,
) -> None:
    rows = _found(session, DeliveryRow.report_day == day, DeliveryRow.kind == kind)
    known = {(row.chat, row.thread) for row in rows}
    session.add_all(
        _new_row(day, kind, place.place, now, notice=notice)
        for place in dict.fromkeys(places)
        if place.place not in known
    )


def _plan_anew(session: Session, shown: Delivery, kind: str, sha256: str, now: datetime) -> None:
    """Plan `kind` for the chat of `shown`, once for each new content.

    `previous_sha256` is what the chat knows: a plan that was never carried out keeps it.
    """
    place = (shown.chat, shown.thread)
    existing = _of(session, shown.report_day, kind, place)
    if existing is None:
        previous = shown.content_sha256
        row = _new_row(shown.report_day, kind, place, now, content_sha256=sha256)
        row.previous_sha256 = previous
        session.add(row)
    elif existing.content_sha256 != sha256 and existing.state != rules.RowState.SENDING:
        _write(session, _anew(existing, shown, sha256), now)


def _anew(existing: Delivery, shown: Delivery, sha256: str) -> Delivery:
    if existing.state in _OPEN_STATES:
        return replace(existing, content_sha256=sha256)
    was_told = existing.state == rules.RowState.SENT
    return replace(
        existing,
        state=rules.RowState.PLANNED,
        attempts=0,
        doubts=0,
        not_before=None,
        reason=None,
        possible_duplicate=False,
        content_sha256=sha256,
        previous_sha256=shown.content_sha256 if was_told else existing.previous_sha256,
    )


def _of(session: Session, day: date, kind: str, place: tuple[int, int]) -> Delivery | None:
    found = _found(
        session,
        DeliveryRow.report_day == day,
        DeliveryRow.kind == str(kind),
        DeliveryRow.chat == place[0],
        DeliveryRow.thread == place[1],
    )
    return found[0] if found else None


# --- Refusals -----------------------------------------------------------------------------------


def _follow_refusal(
    session: Session,
    row: Delivery,
    outcome: Outcome,
    admins: Iterable[Subscriber],
    now: datetime,
) -> None:
    """Let a chat or topic that is gone sleep, and plan the alert; a refused alert has none."""
    if row.state != rules.RowState.FAILED or row.kind.startswith(Kind.ALERT):
        return
    alert = refusal_alert(row)
    if outcome in (Outcome.SLEEP, Outcome.THREAD_GONE):
        thread = row.thread if outcome == Outcome.THREAD_GONE else None
        _put_to_sleep(session, row.chat, thread, row.reason or "refused", now)
        alert = asleep_alert(row)
    _plan(session, alert.day, alert.kind, admins, now, notice_to_json(alert))


def _follow_doubt(
    session: Session, row: Delivery, admins: Iterable[Subscriber], now: datetime
) -> None:
    """Plan the question about a doubt that only the owner can settle; an alert's has none."""
    held = select(Subscription.id).where(
        Subscription.chat == row.chat,
        Subscription.thread == row.thread,
        Subscription.doubt_policy == HOLD,
    )
    holds_doubts = session.scalar(held) is not None
    if rules.is_final_doubt(row, holds_doubts=holds_doubts) and not row.kind.startswith(Kind.ALERT):
        alert = doubt_alert(row, holds_doubts=holds_doubts)
        _plan(session, alert.day, alert.kind, admins, now, notice_to_json(alert))


def _put_to_sleep(
    session: Session, chat: int, thread: int | None, reason: str, now: datetime
) -> None:
    place = Subscription.chat == chat
    if thread is not None:
        place &= Subscription.thread == thread
    session.execute(
        update(Subscription)
        .where(place, Subscription.state == "active")
        .values(state="asleep", reason=reason, updated_at=now)
    )


# --- Corrections --------------------------------------------------------------------------------


def _show_new_content(session: Session, edit: Delivery, now: datetime) -> None:
    shown = _of(session, edit.report_day, Kind.REPORT, (edit.chat, edit.thread))
    if shown is None or edit.content_sha256 is None:
        return
    if _tells_a_change(session, edit.report_day, shown.content_sha256, edit.content_sha256):
        _plan_anew(session, shown, Kind.CHANGE, edit.content_sha256, now)
    file_id = edit.file_id or shown.file_id
    new = replace(
        shown, content_sha256=edit.content_sha256, file_id=file_id, media=edit.media or shown.media
    )
    _write(session, new, now)


def _tells_a_change(session: Session, day: date, before: str | None, after: str) -> bool:
    old = _numbers(session, day, before)
    new = _numbers(session, day, after)
    return old is not None and new is not None and changes_text(day, old, new) is not None


def _numbers(session: Session, day: date, sha256: str | None) -> dict[str, Number] | None:
    content = session.get(SentContent, (day, sha256)) if sha256 else None
    return dict(content.numbers) if content else None


def _content_row(report: ReportToSend, now: datetime) -> SentContent:
    return SentContent(
        report_day=report.day,
        content_sha256=report.content_sha256,
        caption_html=report.caption_html,
        verdict=report.verdict,
        # Pairs keep the order in which a correction tells them; an object might not.
        numbers=[[name, value] for name, value in report.numbers.items()],
        notes=list(report.notes),
        created_at=now,
    )


# --- Migration of a chat ------------------------------------------------------------------------


def _migrate_subscriptions(session: Session, old: int, new: int, now: datetime) -> None:
    for row in session.scalars(select(Subscription).where(Subscription.chat == old)).all():
        twin = session.scalars(
            select(Subscription).where(Subscription.chat == new, Subscription.thread == row.thread)
        ).first()
        if twin is None:
            row.chat, row.updated_at = new, now
            continue
        if row.state == "active":
            twin.state, twin.reason, twin.updated_at = "active", None, now
        session.delete(row)


def _migrate_deliveries(session: Session, old: int, new: int, now: datetime) -> None:
    for row in _found(session, DeliveryRow.chat == old):
        twin = _of(session, row.report_day, row.kind, (new, row.thread))
        renamed = replace(row, chat=new)
        if twin is None:
            _write(session, renamed, now)
            continue
        twin_stays = _PRECEDENCE.index(twin.state) > _PRECEDENCE.index(row.state)
        loser = row if twin_stays else twin
        session.execute(delete(DeliveryRow).where(DeliveryRow.id == loser.id))
        if not twin_stays:
            _write(session, renamed, now)
