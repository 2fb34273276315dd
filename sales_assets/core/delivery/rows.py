"""The rows of the ledger: what an answer makes of one, and whether it may be sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

#: How long a claimed row belongs to its sender: longer than the longest request can take.
LEASE = timedelta(minutes=4)
#: How long after a doubt the one repeat waits.
GRACE = timedelta(minutes=5)
#: What a 429 without `retry_after` means.
DEFAULT_PAUSE = timedelta(seconds=30)
#: An admin's chat that asks for a longer pause is given up for the day.
LONGEST_PAUSE_OF_ALERT = timedelta(minutes=15)
FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=15)
#: One marked repeat, never two.
MOST_DOUBTS = 2
#: A question to the owner may come several times: better than not at all.
MOST_DOUBTS_OF_ALERT = 12

#: The chat that stands for the folder `var/outbox`; no chat of Telegram has this id.
OUTBOX_CHAT = 0
OUTBOX_NAME = "outbox"
#: The ledger writes 0 where a chat has no topics: a null would escape the unique key.
NO_THREAD = 0
#: The id of a row that the ledger does not hold yet.
NEW = 0
PRIVATE = "private"


@dataclass(frozen=True)
class Place:
    """A chat, or one topic of it; `kind` and `title` tell people which and make no difference."""

    chat: int
    thread: int = NO_THREAD
    kind: str = field(default=PRIVATE, compare=False)
    title: str | None = field(default=None, compare=False)

    @property
    def is_group(self) -> bool:
        """Whether more than one person reads here."""
        return self.kind != PRIVATE

    def __str__(self) -> str:
        return f"{self.chat}/{self.thread}" if self.thread else str(self.chat)


@dataclass(frozen=True)
class Reader:
    """A place that gets the report; `holds_doubts`: a doubtful message is never repeated there.

    `sound`: with which messages the phone makes one: `always`, on `news`, `never`.
    """

    place: Place
    holds_doubts: bool = False
    sound: str = "news"

    def is_silent(self, *, is_news: bool) -> bool:
        """Whether a message comes without a sound."""
        return self.sound == "never" or (self.sound == "news" and not is_news)


class MessageKind(StrEnum):
    """What a row sends."""

    REPORT = "report"
    EDIT = "edit"
    CHANGE = "change"
    LATE = "late"
    ALERT = "alert"


class RowState(StrEnum):
    """Where a row stands."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What an answer proves about one message."""

    SENT = "sent"
    WAIT = "wait"
    NOT_SENT = "not sent"
    REFUSED = "refused"
    SLEEP = "refused, the chat sleeps"
    CHAT_NOT_FOUND = "chat not found"
    MIGRATED = "migrated"
    THREAD_GONE = "thread gone"
    MARKUP = "markup refused"
    PICTURE_REFUSED = "picture refused"
    PICTURE_FORBIDDEN = "pictures forbidden in this chat"
    FILE_ID_REFUSED = "file id refused"
    TOO_LARGE = "too large"
    MESSAGE_GONE = "message gone"
    STOP = "stop"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """What came of one request, with what later steps need of it; `reason` is for people.

    `message_id` is None where the service will send the message later: nothing can be edited then.
    `names_chat`: a pause is that of the chat alone, as far as the answer tells. `result` is what a
    request brings that sends nothing.
    """

    outcome: Outcome
    reason: str = ""
    status: int | None = None
    message_id: int | None = None
    file_id: str | None = None
    retry_after: timedelta | None = None
    new_chat: int | None = None
    names_chat: bool = True
    result: Any = None


@dataclass(frozen=True)
class Delivery:
    """One row of the ledger, as read; every instant is aware.

    `subject` tells the alerts of a day apart. `notice` is an alert's text with its buttons.
    """

    id: int
    report_day: date
    kind: MessageKind
    chat: int
    thread: int = NO_THREAD
    state: RowState = RowState.PLANNED
    subject: str = ""
    attempts: int = 0
    claims: int = 0
    doubts: int = 0
    owner: str | None = None
    lease_until: datetime | None = None
    not_before: datetime | None = None
    message_id: int | None = None
    file_id: str | None = None
    media: str | None = None
    content_sha256: str | None = None
    previous_sha256: str | None = None
    possible_duplicate: bool = False
    by_hand: bool = False
    notice: Mapping[str, Any] | None = None
    reason: str | None = None

    @property
    def place(self) -> Place:
        """The chat and its topic."""
        return Place(self.chat, self.thread)

    @property
    def is_repeat(self) -> bool:
        """Whether a copy may have arrived before."""
        return self.doubts > 0 or self.possible_duplicate

    @property
    def was_refused(self) -> bool:
        """Whether an answer failed it; a row that was missed has no sender."""
        return self.state is RowState.FAILED and self.owner is not None


# --- What a row becomes -----------------------------------------------------------------------


def claimed(row: Delivery, owner: str, now: datetime) -> Delivery:
    """Return `row` as its sender holds it; committed before the first byte leaves."""
    return replace(
        row,
        state=RowState.SENDING,
        owner=owner,
        lease_until=now + LEASE,
        attempts=row.attempts + 1,
        claims=row.claims + 1,
    )


def expired(row: Delivery) -> Delivery:
    """Return a `sending` row whose sender is dead: whether it arrived, nobody knows."""
    return _doubted(row, row.lease_until or datetime.min.replace(tzinfo=UTC), "the sender died")


def is_missed(row: Delivery, newest: date) -> bool:
    """Whether `row` was to be news, never left, and `newest` is the news now."""
    was_news = row.kind in (MessageKind.REPORT, MessageKind.LATE)
    is_waiting = row.state is RowState.PLANNED and not row.by_hand
    return was_news and is_waiting and row.report_day < newest


def missed(row: Delivery) -> Delivery:
    """Return a row that was not sent in time: settled, with the reason of the last attempt."""
    reason = f"not sent while it was news: {row.reason or 'it was not tried'}"
    return replace(row, state=RowState.FAILED, owner=None, not_before=None, reason=reason)


def after(row: Delivery, answer: Answer, now: datetime) -> Delivery:  # noqa: PLR0911 - a table
    """Return what a claimed `row` becomes by `answer`; the lease ends with it.

    A pause costs no attempt. What was certainly not sent is planned again, unless an earlier
    copy is in doubt: then the row stays `unknown` and its repeat stays due. An alert is never
    planned again for a chat that does not exist or that asks for a long pause.
    """
    ended = replace(row, lease_until=None, reason=answer.reason or None)
    is_alert = row.kind is MessageKind.ALERT
    pause = answer.retry_after or DEFAULT_PAUSE
    match answer.outcome:
        case Outcome.SENT:
            return _sent(ended, answer)
        case Outcome.UNKNOWN:
            return _doubted(ended, now, answer.reason)
        case Outcome.WAIT if not (is_alert and pause > LONGEST_PAUSE_OF_ALERT):
            return replace(_back(ended, now + pause), attempts=row.attempts - 1)
        case Outcome.STOP:
            return replace(_back(ended, None), attempts=row.attempts - 1)
        case Outcome.NOT_SENT:
            return _back(ended, now + backoff(row.attempts))
        case Outcome.CHAT_NOT_FOUND | Outcome.TOO_LARGE if not is_alert:
            return _back(ended, now + backoff(row.attempts))
    return failed(ended)


def failed(row: Delivery) -> Delivery:
    """Return a row that is refused for good."""
    return replace(row, state=RowState.FAILED, not_before=None, by_hand=False)


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after the `attempts`-th vain attempt: doubling, up to a bound."""
    return min(FIRST_BACKOFF * 2 ** min(max(attempts - 1, 0), 10), LONGEST_BACKOFF)


def is_due(row: Delivery, now: datetime, *, holds_doubts: bool = False) -> bool:
    """Whether `row` may be claimed now; a chat that holds doubts is never sent a repeat."""
    if row.not_before is not None and row.not_before > now:
        return False
    if row.state is RowState.UNKNOWN:
        return not is_final_doubt(row, holds_doubts=holds_doubts)
    return row.state is RowState.PLANNED


def has_expired(row: Delivery, now: datetime) -> bool:
    """Whether `row` belongs to a dead process."""
    is_sending = row.state is RowState.SENDING
    return is_sending and row.lease_until is not None and row.lease_until <= now


def is_final_doubt(row: Delivery, *, holds_doubts: bool) -> bool:
    """Whether only the owner can settle `row`."""
    most = MOST_DOUBTS_OF_ALERT if row.kind is MessageKind.ALERT else MOST_DOUBTS
    return row.state is RowState.UNKNOWN and (row.doubts >= most or holds_doubts)


def sent_again(row: Delivery) -> Delivery:
    """Return `row` as the owner's button leaves it: due at once, flagged, whatever its day."""
    return replace(
        row,
        state=RowState.PLANNED,
        doubts=0,
        not_before=None,
        possible_duplicate=row.is_repeat,
        by_hand=True,
    )


def merged(stays: Delivery, ends: Delivery, *, is_unsent: bool) -> Delivery:
    """Return the row that stays where a migration makes two one.

    `is_unsent`: no copy of the other can be on its way; else one may stand in the chat beside
    this one's, and the ledger says so.
    """
    may_have_come = ends.doubts > 0 or (ends.state is RowState.SENDING and not is_unsent)
    return replace(stays, possible_duplicate=stays.possible_duplicate or may_have_come)


def _sent(row: Delivery, answer: Answer) -> Delivery:
    return replace(
        row,
        state=RowState.SENT,
        not_before=None,
        by_hand=False,
        message_id=answer.message_id or row.message_id,
        file_id=answer.file_id or row.file_id,
        possible_duplicate=row.is_repeat,
    )


def _doubted(row: Delivery, since: datetime, reason: str) -> Delivery:
    if row.kind is MessageKind.EDIT:  # one that arrives twice is one edit: a repeat can do no harm
        return _back(replace(row, lease_until=None, reason=reason), since + GRACE)
    return replace(
        row,
        state=RowState.UNKNOWN,
        doubts=row.doubts + 1,
        lease_until=None,
        not_before=since + GRACE,
        possible_duplicate=row.is_repeat,
        by_hand=False,
        reason=reason,
    )


def _back(row: Delivery, not_before: datetime | None) -> Delivery:
    state = RowState.UNKNOWN if row.doubts > 0 else RowState.PLANNED
    return replace(row, state=state, not_before=not_before)
