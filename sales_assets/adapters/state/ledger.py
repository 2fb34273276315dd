"""The delivery ledger in the state database: every transition is one committed transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, func, insert, select, update
from sqlalchemy.orm import Session

from sales_assets.adapters.state import subscriptions
from sales_assets.adapters.state.database import (
    DeliveryRow,
    SentContent,
    StateDatabase,
    Subscription,
)
from sales_assets.core.delivery import rows
from sales_assets.core.delivery.alerts import barred_alert, missed_alert, notice_of
from sales_assets.core.delivery.messages import Message, ReportToSend, changes_text
from sales_assets.core.delivery.plan import anew
from sales_assets.core.delivery.rows import (
    OUTBOX_CHAT,
    Answer,
    Delivery,
    MessageKind,
    Outcome,
    Place,
    Reader,
    RowState,
)

_COLUMNS = tuple(field.name for field in fields(Delivery))
OUTBOX = Reader(Place(OUTBOX_CHAT))
_OPEN_STATES = (RowState.PLANNED, RowState.SENDING, RowState.UNKNOWN)
#: Of two rows that a migration makes one, the later in this order stays: what is under way cannot
#: be taken back.
_PRECEDENCE = (RowState.PLANNED, RowState.FAILED, RowState.UNKNOWN, RowState.SENDING, RowState.SENT)


class Ledger:
    """What was planned, sent, refused and left in doubt, for every day, kind and place.

    With `is_outbox` the only reader is the folder `var/outbox`: files written there never count
    as messages to the real chats, which get the newest report once there is a token.
    """

    def __init__(self, state: StateDatabase, *, is_outbox: bool = False) -> None:
        self._state = state
        self.is_outbox = is_outbox
        #: What to say where the state is not the one that was used before.
        self.lost = state.lost

    # --- Reading ------------------------------------------------------------------------------

    def readers(self) -> list[Reader]:
        """Return who gets reports now, the oldest subscription first."""
        if self.is_outbox:
            return [OUTBOX]
        wanted = select(Subscription).where(Subscription.state == "active")
        with self._state.reading() as session:
            found = session.scalars(wanted.order_by(Subscription.created_at, Subscription.id))
            return [
                Reader(Place(r.chat, r.thread), r.doubt_policy == "hold", r.sound) for r in found
            ]

    def rows(self, day: date) -> list[Delivery]:
        """Return the rows of `day`, in the order in which they were planned."""
        with self._state.reading() as session:
            return _found(session, DeliveryRow.report_day == day, self._own())

    def unsettled(self) -> list[Delivery]:
        """Return every row that is planned, being sent or in doubt, for any day."""
        with self._state.reading() as session:
            return _found(session, DeliveryRow.state.in_(_OPEN_STATES), self._own())

    def given_up(self, day: date) -> list[Delivery]:
        """Return the alerts of `day` that an admin's chat refused: it gets no more that day."""
        is_alert = (DeliveryRow.report_day == day) & (DeliveryRow.kind == MessageKind.ALERT)
        with self._state.reading() as session:
            return _found(session, is_alert, DeliveryRow.state == RowState.FAILED, self._own())

    def days_to_look_at(self, reports: Mapping[date, str]) -> set[date]:
        """Return the days of `reports` that may need a run: unsettled, or sent with other content.

        It reads no rows of settled days, however many chats they have.
        """
        is_open = DeliveryRow.state.in_(_OPEN_STATES)
        is_shown = (DeliveryRow.kind == MessageKind.REPORT) & (DeliveryRow.state == RowState.SENT)
        in_range = DeliveryRow.report_day.in_(list(reports)) & self._own()
        unsettled = select(DeliveryRow.report_day).where(is_open, in_range).distinct()
        shown = select(DeliveryRow.report_day, DeliveryRow.content_sha256).where(is_shown, in_range)
        with self._state.reading() as session:
            contents = session.execute(shown.distinct())
            changed = {day for day, sha256 in contents if sha256 != reports[day]}
            return changed.union(session.scalars(unsettled))

    def days_by_hand(self) -> set[date]:
        """Return the days of which the owner asked for a message again that is not sent yet."""
        asked = DeliveryRow.by_hand & DeliveryRow.state.in_(_OPEN_STATES)
        with self._state.reading() as session:
            found = select(DeliveryRow.report_day).where(asked, self._own()).distinct()
            return set(session.scalars(found))

    def content(self, day: date, sha256: str | None = None) -> SentContent | None:
        """Return what was sent for `day`: that version, or without `sha256` the latest."""
        with self._state.reading() as session:
            found = sent_content(session, day, sha256)
            session.expunge_all()
            return found

    def _own(self) -> ColumnElement[bool]:
        if self.is_outbox:
            return DeliveryRow.chat == OUTBOX_CHAT
        return DeliveryRow.chat != OUTBOX_CHAT

    # --- Planning -----------------------------------------------------------------------------

    def keep(self, tasks: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Write down what is owed and not in the ledger yet; return the rows with their ids.

        A row that somebody claimed since it was planned stays as it is, and is left out.
        """
        with self._state.writing() as session:
            of_days = DeliveryRow.report_day.in_({row.report_day for row in tasks})
            current = {row.id: row for row in _found(session, of_days)}
            keys = {_key(row): row for row in current.values()}
            new = [row for row in tasks if row.id == rows.NEW and _key(row) not in keys]
            _insert(session, new, now)
            for row in tasks:
                stored = current.get(row.id)
                if stored is not None and stored != row and stored.claims == row.claims:
                    _write(session, row, now, DeliveryRow.state == stored.state)
            wanted = {_key(row): (row.claims, row.state) for row in tasks}
            stored = {_key(row): row for row in _found(session, of_days)}
            return [
                stored[key]
                for key, expected in wanted.items()
                if key in stored and (stored[key].claims, stored[key].state) == expected
            ]

    def expire_leases(self, now: datetime) -> None:
        """Turn the rows of dead senders into doubts."""
        with self._state.writing() as session:
            for row in _found(session, DeliveryRow.state == RowState.SENDING):
                if rows.has_expired(row, now):
                    _write(session, rows.expired(row), now)

    def settle_missed(self, newest: date, now: datetime, admins: Iterable[Reader] = ()) -> None:
        """Fail what was to be news before `newest` and never left; plan an alert for each such day.

        The alert to `admins` counts the chats that still want the report.
        """
        wanted = {reader.place for reader in self.readers()}
        planned = DeliveryRow.state == RowState.PLANNED
        with self._state.writing() as session:
            found = _found(session, planned, DeliveryRow.report_day < newest, self._own())
            missed = [rows.missed(row) for row in found if rows.is_missed(row, newest)]
            for row in missed:
                _write(session, row, now)
            told = [row for row in missed if row.kind is MessageKind.REPORT and row.place in wanted]
            for day in sorted({row.report_day for row in told}):
                alert = missed_alert([row for row in told if row.report_day == day])
                _plan_alert(session, newest, alert, admins, now)

    # --- Sending ------------------------------------------------------------------------------

    def claim(
        self, row: Delivery, owner: str, now: datetime, sha256: str | None = None
    ) -> Delivery | None:
        """Take `row` for `owner` to send `sha256`.

        Returns None if someone else was first, or if the chat may not read any more. Committed
        before it returns: whoever is killed afterwards leaves a trace.
        """
        claim = rows.claimed(row, owner, now)
        claim = replace(claim, content_sha256=sha256 or row.content_sha256)
        untouched = (DeliveryRow.state == row.state) & (DeliveryRow.claims == row.claims)
        with self._state.writing() as session:
            if not self._may_read(session, row):
                return None
            return claim if _write(session, claim, now, untouched) else None

    def renew(self, claim: Delivery, now: datetime) -> Delivery | None:
        """Start the lease of `claim` anew before a further request, and return it.

        None if it was lost, merged into another row, or its chat may not read any more.
        """
        with self._state.writing() as session:
            row = _held(session, claim)
            if row is None or row.state is not RowState.SENDING or not self._may_read(session, row):
                return None
            renewed = replace(row, lease_until=now + rows.LEASE)
            return renewed if _write(session, renewed, now) else None

    def _may_read(self, session: Session, row: Delivery) -> bool:
        if self.is_outbox or row.kind is MessageKind.ALERT:
            return True
        return subscriptions.is_active(session, row.place)

    def finish(
        self, claim: Delivery, answer: Answer, now: datetime, media: str | None = None
    ) -> Delivery:
        """Record the answer that `claim` got and return the row as it stands now.

        An answer that comes after the lease still settles the doubt, unless the row was claimed
        again, or merged into another chat's, by then: nothing is changed. What follows from the
        answer is in the same transaction, so that no kill comes between: an edit that is in
        changes what the chat's report row shows, and plans the reply; a chat that is gone sleeps.
        """
        with self._state.writing() as session:
            row = _held(session, claim)
            if row is None:
                found = _found(session, DeliveryRow.id == claim.id)
                return found[0] if found else replace(claim, state=RowState.FAILED)
            settled = rows.after(replace(claim, chat=row.chat), answer, now)
            if settled.state is RowState.SENT:
                settled = replace(settled, media=media)
                if settled.kind is MessageKind.EDIT:
                    _show_new_content(session, settled, now)
            _write(session, settled, now)
            _let_sleep(session, settled, answer.outcome, now)
            return settled

    def give_up(self, row: Delivery, outcome: Outcome, now: datetime) -> None:
        """Fail a row that no further request can help, unless it has moved on."""
        failed = rows.failed(row)
        with self._state.writing() as session:
            if _write(session, failed, now, DeliveryRow.claims == row.claims):
                _let_sleep(session, failed, outcome, now)

    def postpone(self, until: datetime, now: datetime, *, day: date, chat: int | None) -> None:
        """Keep what waits of `day`, all or of one chat, until then: the service asked for it."""
        is_earlier = DeliveryRow.not_before.is_(None) | (DeliveryRow.not_before < until)
        waits = DeliveryRow.state.in_((RowState.PLANNED, RowState.UNKNOWN))
        waits &= DeliveryRow.report_day == day
        if chat is not None:
            waits &= DeliveryRow.chat == chat
        postponed = update(DeliveryRow).where(waits, is_earlier)
        with self._state.writing() as session:
            session.execute(postponed.values(not_before=until, updated_at=now))

    def drop(self, row: Delivery) -> None:
        """Remove a row that turned out to have nothing to say, unless somebody claimed it."""
        is_same = (DeliveryRow.id == row.id) & (DeliveryRow.claims == row.claims)
        with self._state.writing() as session:
            session.execute(delete(DeliveryRow).where(is_same))

    # --- What was sent ------------------------------------------------------------------------

    def remember_content(self, report: ReportToSend, now: datetime) -> None:
        """Keep what `report` says, before the first chat is sent it."""
        with self._state.writing() as session:
            if session.get(SentContent, (report.day, report.content_sha256)) is None:
                session.add(
                    SentContent(
                        report_day=report.day,
                        content_sha256=report.content_sha256,
                        caption_html=report.caption_html,
                        verdict=report.verdict,
                        # Pairs keep the order in which a correction tells them, unlike an object.
                        numbers=[[name, value] for name, value in report.numbers.items()],
                        notes=list(report.notes),
                        is_neutral=report.is_neutral,
                        created_at=now,
                    )
                )

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
            subscriptions.put_to_sleep(session, chat, reason, now, thread=thread)

    def migrate(  # noqa: PLR0913 - a chat by its two ids, and who is told when
        self,
        old: int,
        new: int,
        now: datetime,
        *,
        day: date,
        admins: Iterable[Reader] = (),
        unsent: Delivery | None = None,
    ) -> None:
        """Rename the chat `old` to `new` everywhere, in one transaction.

        Where `new` has a row already, the two become one: see `migrate_chat`. The answer to
        `unsent` said so: it is certainly not sent. Done twice, the second time changes nothing. An
        alert of `day` asks the admins about a right to read that stays away.
        """
        with self._state.writing() as session:
            barred = migrate_chat(session, old, new, now, unsent.id if unsent else None)
            for one in barred:
                _plan_alert(session, day, barred_alert(old, one.place, one.id), admins, now)


# --- For a caller with a transaction of its own ------------------------------------------------


def send_again(session: Session, delivery_id: int, now: datetime) -> Delivery | None:
    """Make a doubtful or refused row due at once: the owner asked for it.

    So become the other rows of its alert. One that was sent, or is being sent, stays as it is:
    a second press changes nothing. So does one that no run would send: its chat gets no reports
    now, or it says that a report is late which came. Returns the row, or another one of its alert
    that is due; None if there is none with this id.
    """
    asked = DeliveryRow.id == delivery_id
    if not _found(session, asked):
        return None
    alerts = _found(
        session,
        DeliveryRow.kind == MessageKind.ALERT,
        DeliveryRow.subject.like(f"rows:{delivery_id}:%"),
    )
    about = {one[0]: one[1] for alert in alerts if alert.notice for one in alert.notice["about"]}
    due: list[Delivery] = []
    for row in _found(session, DeliveryRow.id.in_([delivery_id, *about])):
        is_meant = row.id == delivery_id or row.claims == about[row.id]
        is_open = row.state in (RowState.UNKNOWN, RowState.FAILED)
        if is_meant and is_open and _is_wanted(session, row):
            due.append(rows.sent_again(row))
            _write(session, due[-1], now)
    return due[0] if due else _found(session, asked)[0]


def _is_wanted(session: Session, row: Delivery) -> bool:
    if row.kind is MessageKind.LATE and row_of(
        session, row.report_day, MessageKind.REPORT, row.place
    ):
        return False
    return row.chat == OUTBOX_CHAT or subscriptions.is_active(session, row.place)


def migrate_chat(
    session: Session, old: int, new: int, now: datetime, unsent: int | None = None
) -> list[subscriptions.Known]:
    """Rename a chat, inside the caller's transaction; return what stays shut though `old` read.

    Of two subscriptions the active one stays, unless an admin took the right away from the other:
    then that one stays as it is. Of two deliveries the one that is further on stays; the other one
    ends there. The row `unsent` is known not to have arrived.
    """
    if old == new:  # a row must not end in favour of itself
        return []
    barred = subscriptions.migrate(session, old, new, now)
    for row in _found(session, DeliveryRow.chat == old):
        renamed = replace(row, chat=new)
        twin = row_of(session, row.report_day, row.kind, renamed.place, row.subject)
        if twin is None:
            _write(session, renamed, now)
            continue
        # Two that are both under way: this one's message may still be held back, that one's not.
        twin_stays = _PRECEDENCE.index(twin.state) >= _PRECEDENCE.index(row.state)
        stays, ends = (twin, renamed) if twin_stays else (renamed, twin)
        session.execute(delete(DeliveryRow).where(DeliveryRow.id == ends.id))
        _write(session, rows.merged(stays, ends, is_unsent=ends.id == unsent), now)
    return barred


def row_of(
    session: Session, day: date, kind: MessageKind, place: Place, subject: str = ""
) -> Delivery | None:
    """Return what the place got, or is to get, of that kind for `day`."""
    found = _found(
        session,
        DeliveryRow.report_day == day,
        DeliveryRow.kind == kind,
        DeliveryRow.subject == subject,
        DeliveryRow.chat == place.chat,
        DeliveryRow.thread == place.thread,
    )
    return found[0] if found else None


def sent_content(session: Session, day: date, sha256: str | None = None) -> SentContent | None:
    """Return what was sent for `day`: that version, or without `sha256` the latest."""
    wanted = select(SentContent).where(SentContent.report_day == day)
    if sha256 is not None:
        wanted = wanted.where(SentContent.content_sha256 == sha256)
    return session.scalars(wanted.order_by(SentContent.created_at.desc())).first()


def newest_sent_day(session: Session) -> date | None:
    """Return the newest day of which anything was sent."""
    return session.scalar(select(func.max(SentContent.report_day)))


# --- Rows ---------------------------------------------------------------------------------------


def _found(session: Session, *conditions: ColumnElement[bool]) -> list[Delivery]:
    columns = [getattr(DeliveryRow, name) for name in _COLUMNS]
    found = session.execute(select(*columns).where(*conditions).order_by(DeliveryRow.id))
    return [
        Delivery(**{**row, "kind": MessageKind(row["kind"]), "state": RowState(row["state"])})
        for row in found.mappings()
    ]


def _key(row: Delivery) -> tuple[date, MessageKind, str, Place]:
    return row.report_day, row.kind, row.subject, row.place


def _values(row: Delivery, now: datetime) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _COLUMNS if name != "id"}
    return values | {"kind": row.kind.value, "state": row.state.value, "updated_at": now}


def _held(session: Session, claim: Delivery) -> Delivery | None:
    """Return the row of `claim` if nobody claimed it since; a lease that ran out is no matter."""
    held = _found(
        session,
        DeliveryRow.id == claim.id,
        DeliveryRow.owner == claim.owner,
        DeliveryRow.claims == claim.claims,
        DeliveryRow.state.in_(_OPEN_STATES),
    )
    return held[0] if held else None


def _write(
    session: Session, row: Delivery, now: datetime, condition: ColumnElement[bool] | None = None
) -> bool:
    """Write every column of `row`; False if `condition` no longer holds."""
    statement = update(DeliveryRow).where(DeliveryRow.id == row.id)
    if condition is not None:
        statement = statement.where(condition)
    result = session.execute(statement.values(**_values(row, now)))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _insert(session: Session, new: Sequence[Delivery], now: datetime) -> None:
    if new:
        values = [_values(row, now) | {"created_at": now} for row in new]
        session.execute(insert(DeliveryRow), values)


def _plan_alert(
    session: Session, day: date, alert: Message, admins: Iterable[Reader], now: datetime
) -> None:
    for admin in admins:
        if row_of(session, day, MessageKind.ALERT, admin.place, alert.label) is None:
            row = Delivery(rows.NEW, day, MessageKind.ALERT, admin.place.chat, admin.place.thread)
            _insert(session, [replace(row, subject=alert.label, notice=notice_of(alert))], now)


def _let_sleep(session: Session, row: Delivery, outcome: Outcome, now: datetime) -> None:
    """Let a chat or topic that is gone sleep; what an alert meets says nothing of readers."""
    if row.state is not RowState.FAILED or row.kind is MessageKind.ALERT:
        return
    if outcome in (Outcome.SLEEP, Outcome.CHAT_NOT_FOUND, Outcome.THREAD_GONE):
        thread = row.thread if outcome is Outcome.THREAD_GONE else None
        reason = row.reason or "refused"
        subscriptions.put_to_sleep(session, row.chat, reason, now, thread=thread)


# --- Corrections --------------------------------------------------------------------------------


def _show_new_content(session: Session, edit: Delivery, now: datetime) -> None:
    """Let the report's row show what the edit brought, and plan the reply that tells of it."""
    shown = row_of(session, edit.report_day, MessageKind.REPORT, edit.place)
    if shown is None or edit.content_sha256 is None:
        return
    if _tells_a_change(session, edit.report_day, shown.content_sha256, edit.content_sha256):
        planned = row_of(session, edit.report_day, MessageKind.CHANGE, edit.place)
        new = Delivery(rows.NEW, edit.report_day, MessageKind.CHANGE, edit.chat, edit.thread)
        change = anew(planned or new, shown, edit.content_sha256)
        if change.id == rows.NEW:
            _insert(session, [change], now)
        else:
            _write(session, change, now)
    media, file_id = edit.media or shown.media, edit.file_id or shown.file_id
    shown = replace(shown, content_sha256=edit.content_sha256, file_id=file_id, media=media)
    _write(session, shown, now)


def _tells_a_change(session: Session, day: date, before: str | None, after: str) -> bool:
    old = session.get(SentContent, (day, before)) if before else None
    new = session.get(SentContent, (day, after))
    if old is None or new is None:
        return False
    is_first_verdict = old.is_neutral and not new.is_neutral
    return is_first_verdict or changes_text(day, dict(old.numbers), dict(new.numbers)) is not None
