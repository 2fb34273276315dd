"""What the bot owes after an update: written down with its effects, sent afterwards."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import TypeAdapter

from sales_assets.core.delivery.messages import Keyboard
from sales_assets.core.delivery.rows import NO_THREAD


class ReplyKind(StrEnum):
    """What is done in Telegram."""

    TEXT = "text"
    REPORT = "report"
    EXPIRING = "expiring"
    STUCK = "stuck"
    RECEIPT = "receipt"
    ANSWER = "answer"
    EDIT = "edit"
    LEAVE = "leave"
    CLIENT = "client"


_READY = {ReplyKind.TEXT, ReplyKind.ANSWER, ReplyKind.EDIT, ReplyKind.LEAVE}
#: What is read from the storage when it is sent.
READ_WHEN_SENT = frozenset(ReplyKind) - _READY


@dataclass(frozen=True)
class Reply:
    """One thing to do: a text, a report, a list, a client, an answered button, an edit, a farewell.

    `caption` is the whole caption of the report that `html` begins with: it tells whether the
    stored picture is the one that belongs to it. `message` is the message that an edit changes,
    `query` the pressed button that an answer settles, `client` the client who was asked about,
    `asked_at` the moment of the press (ISO) where the answer depends on it.
    """

    kind: ReplyKind
    chat: int = 0
    thread: int = NO_THREAD
    html: str = ""
    buttons: Keyboard = ()
    day: date | None = None
    caption: str | None = None
    file_id: str | None = None
    as_document: bool = False
    message: int = 0
    query: str = ""
    is_alert: bool = False
    client: str = ""
    asked_at: str = ""


#: To plain values and back: what the state keeps until the replies are sent.
REPLIES = TypeAdapter(tuple[Reply, ...])
