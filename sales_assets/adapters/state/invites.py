"""Single-use invitations; the state knows their hashes alone."""

import secrets
from datetime import datetime
from hashlib import sha256

from sqlalchemy.orm import Session

from sales_assets.adapters.state.database import Invite
from sales_assets.core.bot.access import is_invite_valid

#: 32 characters of the 64 that a start parameter may have, all of the allowed kind.
_BYTES = 24


def create(session: Session, now: datetime, expires_at: datetime) -> str:
    """Store a new invite; return its secret, which is nowhere afterwards."""
    secret = secrets.token_urlsafe(_BYTES)
    session.add(Invite(token_sha256=_hash(secret), created_at=now, expires_at=expires_at))
    return secret


def redeem(session: Session, secret: str, user: int | None, now: datetime) -> bool:
    """Use the invite up; False if there is no such invite, it was used, or it has expired."""
    invite = session.get(Invite, _hash(secret), with_for_update=True)
    if invite is None or not is_invite_valid(invite.expires_at, invite.used_at, now):
        return False
    invite.used_by, invite.used_at = user, now
    return True


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
