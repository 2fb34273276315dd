"""Who may read, and what becomes of a chat that asks: decisions without any state of their own."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sales_assets.core.delivery.rows import Place

#: Reasons for which a subscription sleeps for good: /init does not wake it.
REFUSED = "refused by an admin"
REVOKED = "revoked"
BARRING = frozenset({REFUSED, REVOKED})
#: Reasons for which it sleeps until the chat wants it back.
STOPPED = "stopped by the chat"
BLOCKED = "blocked by the user"
REMOVED = "the bot was removed from the chat"
#: How often a waiting chat may ask the admins again.
ASK_AGAIN_AFTER = timedelta(days=1)
LONGEST_TITLE = 64
#: Requests a day that the admins get one by one.
MOST_QUESTIONS = 3
_LISTED_AT = frozenset({10, 30, 100, 300, 1000, 3000, 10_000})
#: Answers a day to a stranger.
MOST_ANSWERS_TO_STRANGER = 10


class Standing(StrEnum):
    """What a chat is to the bot."""

    READER = "reader"
    SLEEPING = "sleeping"
    WAITING = "waiting"
    BARRED = "barred"
    STRANGER = "stranger"


@dataclass(frozen=True)
class Known:
    """A subscription as the decisions see it, with what the chat has set for itself."""

    id: int
    place: Place
    state: str
    reason: str | None
    updated_at: datetime
    sound: str = "news"
    holds_doubts: bool = False
    shows_clients: bool = False

    @property
    def standing(self) -> Standing:
        """What it makes of its chat; an admin has shut a barred one out."""
        if self.state == "asleep":
            return Standing.BARRED if self.reason in BARRING else Standing.SLEEPING
        return Standing.READER if self.is_active else Standing.WAITING

    @property
    def is_active(self) -> bool:
        """Whether it gets reports."""
        return self.state == "active"


def standing(subscriptions: Iterable[Known]) -> Standing:
    """Return what a chat is, given its subscriptions: the best of them counts.

    A chat with one active topic may read in every topic: the same people are there.
    """
    order = list(Standing)
    found = [known.standing for known in subscriptions]
    return min(found, key=order.index, default=Standing.STRANGER)


class Admission(StrEnum):
    """What /init leads to."""

    SUBSCRIBE = "subscribe"
    ALREADY = "already"
    ASK = "ask the admins"
    WAIT = "wait for the admins"
    CHAT_ADMINS_ONLY = "chat admins only"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Asker:
    """Who types a command, and where.

    `is_owner`: one of the product's admins; `is_chat_admin`: may speak for this chat, which in a
    private chat everybody may.
    """

    place: Place
    is_owner: bool = False
    is_chat_admin: bool = True

    @property
    def may_decide_here(self) -> bool:
        """Whether the asker may subscribe the chat, or stop it."""
        return self.is_owner or self.is_chat_admin or not self.place.is_group


def answer_to_init(
    asker: Asker, subscriptions: Iterable[Known], now: datetime, *, has_admins: bool
) -> Admission:
    """Decide about /init; a chat that was let in once needs no second approval."""
    known = list(subscriptions)
    if not asker.may_decide_here:
        return Admission.CHAT_ADMINS_ONLY
    if any(one.is_active and one.place == asker.place for one in known):
        return Admission.ALREADY
    stands = standing(known)
    if asker.is_owner or stands in (Standing.READER, Standing.SLEEPING):
        return Admission.SUBSCRIBE
    if stands is Standing.WAITING:
        asked_at = max(one.updated_at for one in known if one.standing is Standing.WAITING)
        return Admission.ASK if now - asked_at >= ASK_AGAIN_AFTER else Admission.WAIT
    return Admission.ASK if stands is Standing.STRANGER and has_admins else Admission.NEUTRAL


def may_read(asker: Asker, subscriptions: Iterable[Known]) -> bool:
    """Whether numbers may appear in the asker's chat; an owner reads alone, too."""
    if standing(subscriptions) is Standing.READER:
        return True
    return asker.is_owner and not asker.place.is_group


def may_see_clients(place: Place, subscriptions: Iterable[Known]) -> bool:
    """Whether lists of clients may appear in a chat that may read; a group has to want them."""
    return not place.is_group or any(one.is_active and one.shows_clients for one in subscriptions)


def is_told_now(requests: int) -> bool:
    """Whether the admins hear of the request that is the `requests`-th of a day at once.

    The first ones are told one by one, later ones as a list each time their number has tripled.
    """
    return requests <= MOST_QUESTIONS or requests in _LISTED_AT


def fair_order(chats: Sequence[int | None], readers: Collection[int]) -> list[int]:
    """Return in which order updates of these chats are handled, as their positions.

    Readers come before strangers, and within each everybody's first update before anybody's
    second: nobody who writes a lot keeps the others waiting. Each chat keeps its own order.
    """
    said: Counter[int | None] = Counter()
    turns: list[tuple[bool, int, int]] = []
    for position, chat in enumerate(chats):
        turns.append((chat not in readers, said[chat], position))
        said[chat] += 1
    return [position for _, _, position in sorted(turns)]


def is_invite_valid(expires_at: datetime, used_at: datetime | None, now: datetime) -> bool:
    """Whether an invite opens the door: unused, and in time."""
    return used_at is None and now < expires_at
