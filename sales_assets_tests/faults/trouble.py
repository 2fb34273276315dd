"""What goes wrong in a round: faults of the service and of the bytes, drawn from a seed."""

import random
from collections.abc import Callable

from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.fake_telegram.faults import Fault
from sales_assets_tests.fake_telegram.server import FakeTelegram
from sales_assets_tests.fake_telegram.wire import After, End, Plan, Wire

GARBAGE = (
    "",
    "<html>",
    "{",
    "null",
    "[]",
    '{"ok":true}',
    '{"ok":true,"result":true}',
    "\ufffd" * 9,
)
SENDING = ("sendPhoto", "sendMessage", "editMessageMedia", None)
#: A page of a machine on the way, in front of the service.
FORBIDDEN_PAGE = Fault(status=403, body="<html>no</html>", media_type="text/html")


def service_fault(rng: random.Random) -> Fault:
    """One way in which the service answers badly, before or after it carried the call out."""
    kinds: list[Callable[[], Fault]] = [
        lambda: faults.flood(rng.randint(1, 40)),
        lambda: faults.flood(3600),
        faults.flood,
        lambda: faults.accept_then_call_it(message_id=0),
        faults.bad_gateway,
        lambda: faults.bad_gateway(accept=True),
        faults.accept_then_fail,
        lambda: faults.refuse(500, "Internal Server Error"),
        faults.accept_then_silence,
        faults.silence,
        faults.accept_then_hang_up,
        faults.hang_up,
        lambda: faults.accept_then_say(rng.choice(GARBAGE)),
        lambda: faults.refuse(401, "Unauthorized"),
        lambda: FORBIDDEN_PAGE,
        lambda: Fault(accept=True, delay_seconds=rng.uniform(0.05, 0.5)),
    ]
    return rng.choice(kinds)()


def byte_fault(rng: random.Random) -> Plan:
    """One way in which bytes are cut, held back or garbled; a request is never forged."""
    method = rng.choice(SENDING)
    afters: list[After] = ["nothing", "headers", "body"]
    ends: list[End] = ["close", "reset", "stall"]
    after, size = rng.choice(afters), rng.randint(1, 200)
    match rng.choice(["connect", "request", "answer"]):
        case "connect":
            return Plan("connect", end=rng.choice(ends[:2]))
        case "request":
            return Plan("request", after, rng.choice(ends), size, method)
    garbling: list[End] = [*ends, "garble"]
    return Plan("answer", after, rng.choice(garbling), size, method)


def order(rng: random.Random, fake: FakeTelegram, wire: Wire, chats: list[int]) -> None:
    """Order one to four troubles, for some chat or any, now or a few calls later."""
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.4:
            wire.plan(byte_fault(rng))
            continue
        fake.order(
            service_fault(rng),
            method=rng.choice(SENDING),
            chat_id=rng.choice([None, *chats]),
            call=rng.randint(1, 4),
            times=rng.choice([1, 1, 1, 2, 6]),
        )
