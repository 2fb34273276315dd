"""The ways in which the Bot API says no: codes and texts of the real server.

Texts follow tdlib/telegram-bot-api (Client.cpp, ClientManager.cpp) and tdlib/td; where those pass
on an error of Telegram's core, the text is one that bots have met in public.
"""

from typing import Any

MAX_TEXT_UNITS = 4096
MAX_CAPTION_UNITS = 1024
MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_UPLOAD_BYTES = 50 * 1024 * 1024
MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
OTHER_POLLER = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
WEBHOOK_SET = "Conflict: terminated by setWebhook request"


class Refusal(Exception):  # noqa: N818 - the service's answer, not a fault of the fake
    """An answer with `ok: false`; `parameters` carries retry_after or migrate_to_chat_id."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "ok": False,
            "error_code": self.status,
            "description": self.description,
        }
        return answer | ({"parameters": self.parameters} if self.parameters else {})


def bad_request(text: str, **parameters: int) -> Refusal:
    return Refusal(400, f"Bad Request: {text}", **parameters)


def forbidden(text: str) -> Refusal:
    return Refusal(403, f"Forbidden: {text}")


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized")


def not_found(text: str = "Not Found") -> Refusal:
    return Refusal(404, text)


def conflict(text: str) -> Refusal:
    return Refusal(409, text)


def too_large() -> Refusal:
    return Refusal(413, "Request Entity Too Large")


def photo_too_big(size: int) -> Refusal:
    return bad_request(
        f"file of size {size} bytes is too big for a photo; "
        f"the maximum size is {MAX_PHOTO_BYTES} bytes"
    )


def flood(retry_after: int) -> Refusal:
    return Refusal(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)
