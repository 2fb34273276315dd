"""The rules of delivery: what an answer proves, what a ledger row becomes, what is due when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

#: How long a claimed row belongs to its sender: longer than the longest request can take.
LEASE = timedelta(minutes=4)
#: How long after a doubt the one repeat waits.
GRACE = timedelta(minutes=5)
#: How often the sensor may ask for another run of the same day.
RETRY_EVERY = timedelta(minutes=5)
#: What a 429 without `retry_after` means.
DEFAULT_PAUSE = timedelta(seconds=30)
FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=15)
#: One flagged repeat, never two.
MOST_DOUBTS = 2
#: A question to the owner may come several times: better so than not at all.
MOST_DOUBTS_OF_ALERT = 12

#: The chat that stands for the folder `var/outbox`; no chat of Telegram has this id.
OUTBOX_CHAT = 0
OUTBOX_NAME = "outbox"
#: The ledger writes 0 where a chat has no topics: a null would escape the unique key.
NO_THREAD = 0


class Kind(StrEnum):
    """What a ledger row sends; a continuation and an alert carry a suffix after a colon."""

    REPORT = "report"
    CONTINUATION = "continuation"
    EDIT = "edit"
    CHANGE = "change"
    LATE = "late"
    ALERT = "alert"


class RowState(StrEnum):
    """Where a ledger row stands."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """What went wrong where no answer came back."""

    NOT_CONNECTED = "no connection"
    PROXY_REFUSED = "the proxy refused"
    SETTING = "a setting that no request can be made with"
    LOST = "no answer"


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
    FILE_ID_REFUSED = "file id refused"
    MESSAGE_GONE = "message gone"
    STOP = "stop"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """What came back from one request: a status and a body, or the fault in their place.

    `detail` names the fault for people; it holds no token.
    """

    status: int | None = None
    body: bytes = b""
    fault: Fault | None = None
    detail: str = ""


@dataclass(frozen=True)
class Meaning:
    """An answer's meaning, with what later steps need of it; `reason` is for people."""

    outcome: Outcome
    reason: str = ""
    message_id: int | None = None
    file_id: str | None = None
    retry_after: timedelta | None = None
    new_chat: int | None = None


@dataclass(frozen=True)
class Delivery:
    """One row of the ledger, as read; every instant is aware."""

    id: int
    report_day: date
    kind: str
    chat: int
    thread: int
    state: RowState
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
    def is_idempotent(self) -> bool:
        """Whether a repeat can do no harm: an edit that arrives twice is one edit."""
        return self.kind.partition(":")[0] == Kind.EDIT


@dataclass(frozen=True)
class Timetable:
    """When a report is news: at `delivery_time` of the zone's clock on the day after its day."""

    zone: ZoneInfo
    delivery_time: time

    def due_at(self, day: date) -> datetime:
        """Return the instant from which the report of `day` may be sent."""
        wall = datetime.combine(day + timedelta(days=1), self.delivery_time, tzinfo=self.zone)
        return wall.astimezone(UTC)

    def newest_finished_day(self, now: datetime) -> date:
        """Return the last day that is over at `now`."""
        return now.astimezone(self.zone).date() - timedelta(days=1)

    def attempt(self, day: date, now: datetime) -> int:
        """Return a number that stays for `RETRY_EVERY` and then grows: part of the run key.

        It rests on the clock and not on the ledger, because a run that died before it wrote
        anything has used up its run key all the same.
        """
        return 1 + max(0, (now - self.due_at(day)) // RETRY_EVERY)


# What the server says in a 400, lower case; the first that fits decides.
_REFUSALS: tuple[tuple[str, Outcome], ...] = (
    ("message is not modified", Outcome.SENT),
    ("chat not found", Outcome.CHAT_NOT_FOUND),
    ("message thread not found", Outcome.THREAD_GONE),
    ("topic_deleted", Outcome.THREAD_GONE),
    ("can't parse entities", Outcome.MARKUP),
    ("message to edit not found", Outcome.MESSAGE_GONE),
    ("message can't be edited", Outcome.MESSAGE_GONE),
    ("message_id_invalid", Outcome.MESSAGE_GONE),
    ("no media in the message to edit", Outcome.PICTURE_REFUSED),
    ("file identifier", Outcome.FILE_ID_REFUSED),
    ("wrong file_id", Outcome.FILE_ID_REFUSED),
    ("file_reference", Outcome.FILE_ID_REFUSED),
    ("can't use file of type", Outcome.FILE_ID_REFUSED),
    ("photo_", Outcome.PICTURE_REFUSED),
    ("image_process_failed", Outcome.PICTURE_REFUSED),
    ("file is too big", Outcome.PICTURE_REFUSED),
    ("too big for a photo", Outcome.PICTURE_REFUSED),
    ("file must be non-empty", Outcome.PICTURE_REFUSED),
    ("rights to send photos", Outcome.PICTURE_REFUSED),
    ("rights to send documents", Outcome.PICTURE_REFUSED),
)
_FAULTS = {
    Fault.NOT_CONNECTED: Outcome.NOT_SENT,
    Fault.PROXY_REFUSED: Outcome.STOP,
    Fault.SETTING: Outcome.STOP,
    Fault.LOST: Outcome.UNKNOWN,
}
_STOPS = {
    401: "Telegram does not know the token in SALES_ASSETS_TELEGRAM_BOT_TOKEN",
    404: "no bot answers there: check SALES_ASSETS_TELEGRAM_BASE_URL and the token",
    407: "the proxy asks for a name and a password: check SALES_ASSETS_TELEGRAM_PROXY",
    413: "a server on the way finds the message too large: raise its limit to 50 MB",
}
_NOT_THE_BOT_API = (
    "HTTP {status} in words that are not the Bot API's: if it stays so, check "
    "SALES_ASSETS_TELEGRAM_BASE_URL and SALES_ASSETS_TELEGRAM_PROXY"
)
_OK, _SERVER_ERROR = 200, 500
_BAD_REQUEST, _FORBIDDEN, _TOO_MANY = 400, 403, 429
_REDIRECTS = range(300, 400)
_REFUSING = range(400, 500)


def classify(answer: Answer) -> Meaning:
    """Return what `answer` proves; what proves neither arrival nor its absence is UNKNOWN.

    It rests on the recorded status and body alone. A refusal counts against a chat only in the
    Bot API's own words: a 403 with a web page in it came from a machine on the way.
    """
    if answer.fault is not None:
        return Meaning(_FAULTS[answer.fault], answer.detail or answer.fault)
    status = answer.status or 0
    body = _json_object(answer.body)
    if status == _OK:
        return _accepted(body)
    if status in _REDIRECTS or status in _STOPS:
        why = _STOPS.get(status, "a redirection: check SALES_ASSETS_TELEGRAM_BASE_URL")
        return Meaning(Outcome.STOP, f"HTTP {status}: {why}")
    if status == _TOO_MANY:
        return Meaning(Outcome.WAIT, "HTTP 429: too many messages", retry_after=_pause(body))
    if status in _REFUSING:
        return _refused(status, body)
    return Meaning(Outcome.UNKNOWN, f"HTTP {status}: {_description(body) or 'no words'}")


def _accepted(body: Mapping[str, Any]) -> Meaning:
    result = body.get("result") if body.get("ok") is True else None
    if not isinstance(result, dict) or not isinstance(result.get("message_id"), int):
        return Meaning(Outcome.UNKNOWN, "HTTP 200 with a body that is not a message")
    return Meaning(Outcome.SENT, message_id=result["message_id"], file_id=_file_id(result))


def _refused(status: int, body: Mapping[str, Any]) -> Meaning:
    words = _description(body)
    if body.get("ok") is not False or not words:
        return Meaning(Outcome.NOT_SENT, _NOT_THE_BOT_API.format(status=status))
    if status == _FORBIDDEN:
        return Meaning(Outcome.SLEEP, words)
    new_chat = _parameters(body).get("migrate_to_chat_id")
    if isinstance(new_chat, int):
        return Meaning(Outcome.MIGRATED, words, new_chat=new_chat)
    lowered = words.lower()
    found = (outcome for needle, outcome in _REFUSALS if needle in lowered)
    return Meaning(next(found, Outcome.REFUSED), words)


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _description(body: Mapping[str, Any]) -> str:
    words = body.get("description")
    return words if isinstance(words, str) else ""


def _parameters(body: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = body.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def _pause(body: Mapping[str, Any]) -> timedelta:
    seconds = _parameters(body).get("retry_after")
    if isinstance(seconds, int | float) and seconds > 0:
        return timedelta(seconds=min(seconds, 86_400))
    return DEFAULT_PAUSE


def _file_id(message: Mapping[str, Any]) -> str | None:
    """Return the id of the largest photo, or of the document, if the message carries one."""
    photos = message.get("photo")
    largest = photos[-1] if isinstance(photos, list) and photos else message.get("document")
    found = largest.get("file_id") if isinstance(largest, dict) else None
    return found if isinstance(found, str) else None


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
    was_news = row.kind.partition(":")[0] in (Kind.REPORT, Kind.CONTINUATION, Kind.LATE)
    is_waiting = row.state == RowState.PLANNED and not row.by_hand
    return was_news and is_waiting and row.report_day < newest


def missed(row: Delivery) -> Delivery:
    """Return a row that was not sent in time: settled, with the reason of the last attempt."""
    reason = f"not sent while it was news: {row.reason or 'it was not tried'}"
    return replace(row, state=RowState.FAILED, not_before=None, reason=reason)


def after(row: Delivery, verdict: Meaning, now: datetime) -> Delivery:
    """Return what a claimed `row` becomes by `verdict`; the lease ends with it.

    A pause costs no attempt. What was certainly not sent is planned again, unless an earlier
    copy is in doubt: then the row stays `unknown` and its repeat stays due.
    """
    ended = replace(row, lease_until=None, reason=verdict.reason or None)
    match verdict.outcome:
        case Outcome.SENT:
            return _sent(ended, verdict)
        case Outcome.UNKNOWN:
            return _doubted(ended, now, verdict.reason)
        case Outcome.WAIT:
            pause = verdict.retry_after or DEFAULT_PAUSE
            return replace(_back(ended, now + pause), attempts=row.attempts - 1)
        case Outcome.STOP:
            return replace(_back(ended, None), attempts=row.attempts - 1)
        case Outcome.NOT_SENT | Outcome.CHAT_NOT_FOUND:
            return _back(ended, now + backoff(row.attempts))
        case _:
            return replace(ended, state=RowState.FAILED, not_before=None, by_hand=False)


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after the `attempts`-th vain attempt: doubling, up to a bound."""
    return min(FIRST_BACKOFF * 2 ** min(max(attempts - 1, 0), 10), LONGEST_BACKOFF)


def is_due(row: Delivery, now: datetime, *, holds_doubts: bool) -> bool:
    """Whether `row` may be claimed now; a chat that holds doubts is never sent a repeat."""
    if row.not_before is not None and row.not_before > now:
        return False
    if row.state == RowState.UNKNOWN:
        return not is_final_doubt(row, holds_doubts=holds_doubts)
    return row.state == RowState.PLANNED


def has_expired(row: Delivery, now: datetime) -> bool:
    """Whether `row` belongs to a dead process."""
    return row.state == RowState.SENDING and row.lease_until is not None and row.lease_until <= now


def is_final_doubt(row: Delivery, *, holds_doubts: bool) -> bool:
    """Whether only the owner can settle `row`."""
    most = MOST_DOUBTS_OF_ALERT if row.kind.startswith(Kind.ALERT) else MOST_DOUBTS
    return row.state == RowState.UNKNOWN and (row.doubts >= most or holds_doubts)


def sent_again(row: Delivery) -> Delivery:
    """Return `row` as the owner's button leaves it: due at once, flagged, whatever its day."""
    return replace(
        row,
        state=RowState.PLANNED,
        doubts=0,
        not_before=None,
        possible_duplicate=row.possible_duplicate or row.doubts > 0,
        by_hand=True,
    )


def _sent(row: Delivery, verdict: Meaning) -> Delivery:
    return replace(
        row,
        state=RowState.SENT,
        not_before=None,
        by_hand=False,
        message_id=verdict.message_id or row.message_id,
        file_id=verdict.file_id or row.file_id,
        possible_duplicate=row.possible_duplicate or row.doubts > 0,
    )


def _doubted(row: Delivery, since: datetime, reason: str) -> Delivery:
    if row.is_idempotent:
        return _back(replace(row, lease_until=None, reason=reason), since + GRACE)
    return replace(
        row,
        state=RowState.UNKNOWN,
        doubts=row.doubts + 1,
        lease_until=None,
        not_before=since + GRACE,
        possible_duplicate=row.possible_duplicate or row.doubts > 0,
        by_hand=False,
        reason=reason,
    )


def _back(row: Delivery, not_before: datetime | None) -> Delivery:
    in_doubt = row.doubts > 0
    return replace(
        row, state=RowState.UNKNOWN if in_doubt else RowState.PLANNED, not_before=not_before
    )
