"""What an answer of the Bot API means: its status and body read, once for everybody."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeGuard

from sales_assets.core.bot.incoming import one_line
from sales_assets.core.delivery.rows import DEFAULT_PAUSE, Answer, Outcome

# What the server says in a 400, lower case, as patterns; the first that fits decides.
_REFUSALS = {
    Outcome.SENT: "message is not modified|message_not_modified",
    Outcome.CHAT_NOT_FOUND: "chat not found|chat_not_found|peer_id_invalid",
    Outcome.THREAD_GONE: "message thread not found|message_thread_not_found|topic_deleted",
    Outcome.MARKUP: "can't parse entities",
    Outcome.MESSAGE_GONE: "message to edit not found|message can't be edited|message_id_invalid"
    "|message_edit_time_expired",
    Outcome.FILE_ID_REFUSED: "file identifier|wrong file_id|file_id_invalid|file_reference"
    "|can't use file of type",
    Outcome.PICTURE_FORBIDDEN: "rights to send (photos|documents)|chat_send_(photos|media|docs)",
}
#: Any other words about these are a refusal of the picture, whatever it is.
_PICTURE_WORDS = ("photo", "image", "picture", "media", "document", "file")
_STOPS = {
    401: "Telegram does not know the token in SALES_ASSETS_TELEGRAM_BOT_TOKEN",
    404: "no bot answers there: check SALES_ASSETS_TELEGRAM_BASE_URL and the token",
    407: "the proxy asks for a name and a password: check SALES_ASSETS_TELEGRAM_PROXY",
}
_TOO_LARGE = "a server on the way finds the message too large: raise its limit to 50 MB"
_NOT_THE_BOT_API = (
    "HTTP {status} in words that are not the Bot API's: if it stays so, check "
    "SALES_ASSETS_TELEGRAM_BASE_URL and SALES_ASSETS_TELEGRAM_PROXY"
)
_LONGEST_PAUSE = 86_400
_LONGEST_REASON = 500
#: Telegram's ids have 52 significant bits at most.
_IDS = range(1 - 2**52, 2**52)
_OK, _FORBIDDEN, _REQUEST_TOO_LARGE, _TOO_MANY = 200, 403, 413, 429
_REDIRECTS = range(300, 400)
_REFUSING = range(400, 500)


def read_answer(status: int, body: bytes, chat: int | None = None) -> Answer:
    """Return what `status` and `body` prove; what proves neither arrival nor absence is UNKNOWN.

    `chat`: where the message was to go; None for a request that sends none, whose success is SENT
    with a `result`. A refusal counts against a chat only in the Bot API's own words: a 403 with a
    web page in it came from a machine on the way.
    """
    found = _json_object(body)
    if status == _OK:
        return _accepted(found, chat)
    if status in _REDIRECTS or status in _STOPS:
        why = _STOPS.get(status, "a redirection: check SALES_ASSETS_TELEGRAM_BASE_URL")
        return Answer(Outcome.STOP, f"HTTP {status}: {why}", status)
    if status == _REQUEST_TOO_LARGE:
        return Answer(Outcome.TOO_LARGE, f"HTTP {status}: {_TOO_LARGE}", status)
    if status == _TOO_MANY:
        return Answer(
            Outcome.WAIT,
            "HTTP 429: too many messages",
            status,
            retry_after=_pause(found),
            names_chat=found.get("ok") is False,
        )
    if status in _REFUSING:
        return _refused(status, found, chat)
    return Answer(Outcome.UNKNOWN, f"HTTP {status}: {_description(found) or 'no words'}", status)


def _accepted(body: Mapping[str, Any], chat: int | None) -> Answer:
    if body.get("ok") is not True or "result" not in body:
        return Answer(Outcome.UNKNOWN, "HTTP 200 with a body that is not a result", _OK)
    result = body["result"]
    if chat is None:
        return Answer(Outcome.SENT, status=_OK, result=result)
    number = result.get("message_id") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not is_id(number) or number < 0:
        return Answer(Outcome.UNKNOWN, "HTTP 200 with a body that is not a message", _OK)
    where = result.get("chat")
    if not isinstance(where, dict) or where.get("id") != chat:
        return Answer(Outcome.UNKNOWN, "HTTP 200 with a message of another chat", _OK)
    reason = "" if number else "Telegram sends the message later and gave it no number"
    return Answer(Outcome.SENT, reason, _OK, message_id=number or None, file_id=_file_id(result))


def _refused(status: int, body: Mapping[str, Any], chat: int | None) -> Answer:
    words = _description(body)
    if body.get("ok") is not False or not words:
        return Answer(Outcome.NOT_SENT, _NOT_THE_BOT_API.format(status=status), status)
    if status == _FORBIDDEN:
        return Answer(Outcome.SLEEP, words, status)
    match body:
        case {"parameters": {"migrate_to_chat_id": new_chat}} if (
            is_id(new_chat) and new_chat < 0 and new_chat != chat
        ):
            return Answer(Outcome.MIGRATED, words, status, new_chat=new_chat)
    said = words.lower()
    is_picture = any(word in said for word in _PICTURE_WORDS)
    unlisted = Outcome.PICTURE_REFUSED if is_picture else Outcome.REFUSED
    known = (outcome for outcome, pattern in _REFUSALS.items() if re.search(pattern, said))
    return Answer(next(known, unlisted), words, status)


def is_id(value: object) -> TypeGuard[int]:
    """Whether this can be an id of Telegram's; `True` and what no database holds cannot."""
    return type(value) is int and value in _IDS


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _description(body: Mapping[str, Any]) -> str:
    words = body.get("description")
    return one_line(words)[:_LONGEST_REASON] if isinstance(words, str) else ""


def _pause(body: Mapping[str, Any]) -> timedelta:
    match body:
        case {"parameters": {"retry_after": int() | float() as seconds}} if seconds > 0:
            return timedelta(seconds=min(seconds, _LONGEST_PAUSE))
    return DEFAULT_PAUSE


def _file_id(message: Mapping[str, Any]) -> str | None:
    """Return the id of the largest photo, or of the document, if the message carries one."""
    match message:
        case {"photo": [*_, {"file_id": str(found)}]} | {"document": {"file_id": str(found)}}:
            return found
    return None
