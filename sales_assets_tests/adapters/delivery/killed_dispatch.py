"""A delivering process that kills itself with SIGKILL at the point that its argument names."""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from sales_assets.adapters.delivery.dispatcher import Dispatcher
from sales_assets.adapters.state.database import open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.core.delivery.messages import Message
from sales_assets.core.delivery.rows import Answer, Delivery, Place
from sales_assets_tests.adapters.delivery.delivery_world import REPORT, TIMETABLE


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class LedgerThatDies(Ledger):
    """The real ledger; it kills the process before or after the claim is committed."""

    point = ""

    def claim(self, *arguments: Any, **named: Any) -> Delivery | None:
        if self.point == "before the claim":
            die()
        claim = super().claim(*arguments, **named)
        if self.point == "after the claim":
            die()
        return claim


class TransportThatDies(BotApi):
    """The real transport; it kills the process once the service has accepted the message."""

    point = ""

    async def send(self, place: Place, message: Message) -> Answer:
        answer = await super().send(place, message)
        if self.point == "after acceptance":
            die()
        return answer


def main(arguments: str) -> None:
    told = json.loads(arguments)
    LedgerThatDies.point = TransportThatDies.point = told["point"]
    began_at, began = datetime.fromisoformat(told["now"]), time.monotonic()

    def clock() -> datetime:
        return began_at + timedelta(seconds=time.monotonic() - began)

    transport = TransportThatDies(told["token"], base_url=told["base_url"])
    with closing(open_state(told["state"])) as state:
        ledger = LedgerThatDies(state)
        Dispatcher(ledger, transport, TIMETABLE, clock, (), asyncio.sleep).deliver(REPORT)


if __name__ == "__main__":
    main(sys.argv[1])
