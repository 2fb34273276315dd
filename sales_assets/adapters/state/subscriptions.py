"""The subscriptions, and the invitations to one, as the bot changes them in its transaction."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from sales_assets.adapters.state.database import Invite, Subscription
from sales_assets.core.bot.access import BARRING, LONGEST_TITLE, REFUSED, Known, is_invite_valid
from sales_assets.core.delivery.rows import Place

_ACTIVE, _ASLEEP, _PENDING = "active", "asleep", "pending"
#: 32 characters of the 64 that a start parameter may have, all of the allowed kind.
_SECRET_BYTES = 24


def of_chat(session: Session, chat: int) -> list[Known]:
    """Return the subscriptions of a chat, one for each topic, the oldest first."""
    return _known(session, Subscription.chat == chat)


def by_id(session: Session, subscription_id: int) -> Known | None:
    """Return one subscription, or None if it is gone."""
    return next(iter(_known(session, Subscription.id == subscription_id)), None)


def all_of(session: Session) -> list[Known]:
    """Return every subscription, the oldest first."""
    return _known(session)


def activate(session: Session, place: Place, user: int | None, now: datetime) -> None:
    """Let the place have the report from now on."""
    _put(session, place, _ACTIVE, user, now)


def request(session: Session, place: Place, user: int | None, now: datetime) -> Known:
    """Note that the place waits for an admin; return the subscription that waits."""
    return _as_known(_put(session, place, _PENDING, user, now))


def allow(session: Session, subscription_id: int, now: datetime) -> None:
    """Let in a place that waits, or whose right was taken away."""
    shut = (_PENDING, _ASLEEP)
    _set_state(session, Subscription.id == subscription_id, shut, _ACTIVE, None, now)


def refuse(session: Session, subscription_id: int, reason: str, now: datetime) -> None:
    """Turn down a place that waits."""
    _set_state(session, Subscription.id == subscription_id, (_PENDING,), _ASLEEP, reason, now)


def put_to_sleep(
    session: Session, chat: int, reason: str, now: datetime, thread: int | None = None
) -> int:
    """Stop sending to a chat, or to one topic of it; return how many subscriptions that were.

    One that waits for an admin goes on waiting: sleep would let it back in without approval.
    """
    return _set_state(session, _there(chat, thread), (_ACTIVE,), _ASLEEP, reason, now)


def bar(session: Session, chat: int, reason: str, now: datetime) -> int:
    """Take the right to read away from every topic of a chat; return how many had it."""
    states = (_ACTIVE, _ASLEEP, _PENDING)
    return _set_state(session, _there(chat, None), states, _ASLEEP, reason, now)


def is_active(session: Session, place: Place) -> bool:
    """Whether the place may have the report now."""
    wanted = _there(place.chat, place.thread) & (Subscription.state == _ACTIVE)
    return session.scalar(select(Subscription.id).where(wanted)) is not None


def change(session: Session, place: Place, now: datetime, **settings: object) -> Known | None:
    """Change what a chat has set for itself: `sound`, `doubt_policy`, `shows_clients`."""
    found = session.scalars(select(Subscription).where(_there(place.chat, place.thread))).first()
    if found is None:
        return None
    for name, value in settings.items():
        setattr(found, name, value)
    found.updated_at = now
    return _as_known(found)


def migrate(session: Session, old: int, new: int, now: datetime) -> list[Known]:
    """Let the subscriptions of the chat `old` become those of `new`, topic by topic.

    Where both have one, the active one stays; but a right that was taken away from `new` stays
    away. Return those that stay so though `old` was reading.
    """
    barred: list[Known] = []
    for row in session.scalars(select(Subscription).where(Subscription.chat == old)).all():
        twin = session.scalars(select(Subscription).where(_there(new, row.thread))).first()
        if twin is None:
            row.chat, row.updated_at = new, now
            continue
        if twin.state != _ACTIVE and twin.reason in BARRING:
            barred += [_as_known(twin)] if row.state == _ACTIVE else []
        elif row.state == _ACTIVE:
            twin.state, twin.reason, twin.updated_at = _ACTIVE, None, now
        session.delete(row)
    session.flush()
    return barred


def waiting(session: Session) -> list[Known]:
    """Return who waits for an admin, the newest request first."""
    pending = _known(session, Subscription.state == _PENDING)
    return sorted(pending, key=lambda one: (one.updated_at, one.id), reverse=True)


def requests_since(session: Session, since: datetime) -> int:
    """Return how many chats asked the admins since then, whatever became of it."""
    asked = (Subscription.state == _PENDING) | (Subscription.reason == REFUSED)
    wanted = select(func.count()).select_from(Subscription)
    return session.scalar(wanted.where(asked, Subscription.updated_at >= since)) or 0


def new_invite(session: Session, now: datetime, expires_at: datetime) -> str:
    """Store the hash of a new single-use invite; return its secret, which is nowhere afterwards."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    session.add(Invite(token_sha256=_hash(secret), created_at=now, expires_at=expires_at))
    return secret


def redeem(session: Session, secret: str, user: int | None, now: datetime) -> bool:
    """Use an invite up; False if there is no such invite, it was used, or it has expired."""
    invite = session.get(Invite, _hash(secret), with_for_update=True)
    if invite is None or not is_invite_valid(invite.expires_at, invite.used_at, now):
        return False
    invite.used_by, invite.used_at = user, now
    return True


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _there(chat: int, thread: int | None) -> ColumnElement[bool]:
    place = Subscription.chat == chat
    return place if thread is None else place & (Subscription.thread == thread)


def _set_state(  # noqa: PLR0913, PLR0917 - a transition: which, from what, to what, why, when
    session: Session,
    which: ColumnElement[bool],
    states: Sequence[str],
    new_state: str,
    reason: str | None,
    now: datetime,
) -> int:
    rows = session.scalars(select(Subscription).where(which, Subscription.state.in_(states))).all()
    for row in rows:
        row.state, row.reason, row.updated_at = new_state, reason, now
    return len(rows)


def _put(
    session: Session, place: Place, state: str, user: int | None, now: datetime
) -> Subscription:
    row = session.scalars(select(Subscription).where(_there(place.chat, place.thread))).first()
    if row is None:
        row = Subscription(chat=place.chat, thread=place.thread, created_at=now)
        session.add(row)
    row.chat_type, row.title = place.kind, (place.title or "")[:LONGEST_TITLE] or None
    row.state, row.reason, row.requested_by, row.updated_at = state, None, user, now
    session.flush()
    return row


def _known(session: Session, *conditions: ColumnElement[bool]) -> list[Known]:
    wanted = select(Subscription).where(*conditions)
    rows = session.scalars(wanted.order_by(Subscription.created_at, Subscription.id))
    return [_as_known(row) for row in rows]


def _as_known(row: Subscription) -> Known:
    return Known(
        id=row.id,
        place=Place(row.chat, row.thread, row.chat_type, row.title),
        state=row.state,
        reason=row.reason,
        updated_at=row.updated_at,
        sound=row.sound,
        holds_doubts=row.doubt_policy == "hold",
        shows_clients=row.shows_clients,
    )
