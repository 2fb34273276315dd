"""Faults that a test orders: which call meets which trouble, before or after it is accepted."""

import json
from dataclasses import dataclass, field
from typing import Any

FOR_EVER = 1_000_000_000
SILENCE_SECONDS = 3600.0
NGINX_PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
    "<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True)
class Fault:
    """What happens to a call.

    `accept`: the service carries the call out first; `delay_seconds`: it waits before it answers;
    `status` and `body`: the answer instead of the real one (None: the real one);
    `hang_up`: the connection ends without an answer; `overrides`: what the result says otherwise.
    """

    accept: bool = False
    delay_seconds: float = 0.0
    status: int | None = None
    body: str = ""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)


def refuse(status: int, description: str, **parameters: int) -> Fault:
    """An answer of the service's own form: not carried out."""
    answer: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    answer |= {"parameters": parameters} if parameters else {}
    return Fault(status=status, body=json.dumps(answer))


def flood(retry_after: int | None = None) -> Fault:
    """429: with retry_after in the body and header, or without any hint."""
    if retry_after is None:
        return refuse(429, "Too Many Requests")
    text = f"Too Many Requests: retry after {retry_after}"
    body = refuse(429, text, retry_after=retry_after).body
    return Fault(status=429, body=body, headers={"Retry-After": str(retry_after)})


def bad_gateway(*, accept: bool = False) -> Fault:
    """502 with the front server's HTML page, before (or after) the call is carried out."""
    page = NGINX_PAGE.format("502 Bad Gateway")
    return Fault(accept=accept, status=502, body=page, media_type="text/html")


def accept_then_fail(status: int = 500, description: str = "Internal Server Error") -> Fault:
    """Carried out, then an error is answered."""
    return Fault(accept=True, status=status, body=refuse(status, description).body)


def accept_then_silence(seconds: float = SILENCE_SECONDS) -> Fault:
    """Carried out, but no answer within any read timeout (it would come after `seconds`)."""
    return Fault(accept=True, delay_seconds=seconds)


def silence(seconds: float = SILENCE_SECONDS) -> Fault:
    """Not carried out while the client waits, and no answer."""
    return Fault(delay_seconds=seconds, hang_up=True)


def accept_then_hang_up() -> Fault:
    return Fault(accept=True, hang_up=True)


def hang_up() -> Fault:
    return Fault(hang_up=True)


def accept_then_say(body: str, status: int = 200, media_type: str = "application/json") -> Fault:
    """Carried out, then a body that is not what the client expects."""
    return Fault(accept=True, status=status, body=body, media_type=media_type)


def accept_then_call_it(**overrides: Any) -> Fault:
    """Carried out, but the message that is answered has these fields: a number of 0, another chat.

    The service answers with 0 where it sends the message later (Bot API, `Message.message_id`).
    """
    return Fault(accept=True, overrides=overrides)


@dataclass
class Order:
    """A fault for the calls number `call` to `call + times - 1` of those that match."""

    fault: Fault
    method: str | None = None
    chat_id: int | None = None
    call: int = 1
    times: int = 1
    seen: int = 0

    def takes(self, method: str, chat_id: str) -> bool:
        """Count a call that matches, and say whether it is one to spoil."""
        if self.method is not None and self.method.lower() != method.lower():
            return False
        if self.chat_id is not None and str(self.chat_id) != chat_id:
            return False
        self.seen += 1
        return self.call <= self.seen < self.call + self.times


def first_fault(orders: list[Order], method: str, chat_id: str) -> Fault | None:
    """The fault for this call, by the oldest order that takes it; every order counts the call."""
    taken = [order.fault for order in orders if order.takes(method, chat_id)]
    return taken[0] if taken else None
