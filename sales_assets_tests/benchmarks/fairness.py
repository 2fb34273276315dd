"""Whether slow chats keep others waiting: a delivery to a thousand chats, a bot under a flood."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sales_assets.adapters.delivery.dispatcher import Dispatcher
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state.database import open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.bot import program
from sales_assets.core.delivery.messages import ReportToSend
from sales_assets.core.delivery.timetable import Timetable
from sales_assets_tests.adapters.delivery.delivery_world import png, subscribe
from sales_assets_tests.fake_telegram.faults import Fault, flood, refuse
from sales_assets_tests.fake_telegram.remote import RemoteFake

CHATS, OF_A_KIND = 1000, 10
SLOW_SECONDS, LATE_SECONDS = 3600, 20.0
#: What a stranger says at once, and how often the chief asks meanwhile.
STRANGERS_WORDS, CHIEFS_QUESTIONS = 40, 5
#: Telegram's limit of messages to all chats together.
PER_SECOND = 30

Figures = dict[str, float | int | str]


@contextmanager
def fake_process() -> Iterator[RemoteFake]:
    """The fake in a process of its own, so that it costs the measured one nothing."""
    command = [sys.executable, "-m", "sales_assets_tests.fake_telegram", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield RemoteFake(line.split()[-1].rstrip("/"))
        finally:
            process.terminate()


def fairness(var: Path) -> Figures:
    """Deliver to a thousand chats of which 1 % are in slow mode, 1 % answer late, 1 % refuse.

    `others_seconds`: from the first message to the last of all other chats; `minimum` is what the
    pace of the service allows for as many messages.
    """
    var.mkdir(parents=True, exist_ok=True)
    with fake_process() as fake, closing(open_state(f"sqlite:///{var / 'state.db'}")) as state:
        chats = [fake.add_private_chat(first_name=str(number)) for number in range(CHATS)]
        subscribe(state, *chats)
        odd = chats[:: CHATS // (3 * OF_A_KIND)][: 3 * OF_A_KIND]
        faults = (
            flood(SLOW_SECONDS),
            Fault(delay_seconds=LATE_SECONDS),
            refuse(403, "Forbidden: bot was blocked by the user"),
        )
        for number, chat in enumerate(odd):
            fake.order(fault=faults[number % 3], chat_id=chat, times=None)
        timetable = Timetable(ZoneInfo("UTC"), datetime.min.time())
        day = datetime.now(UTC).date() - timedelta(days=1)
        dispatcher = Dispatcher(
            Ledger(state), BotApi(fake.token(), base_url=fake.base_url), timetable, _now
        )
        result = dispatcher.deliver(_report(day))
        others = set(chats) - set(odd)
        at = sorted(one["at"] for one in fake.accepted() if one["chat_id"] in others)
        seconds, minimum = at[-1] - at[0], (len(at) - 1) / PER_SECOND
        return {
            "others": len(at),
            "others_seconds": round(seconds, 1),
            "minimum": round(minimum, 1),
            "over_minimum": f"{seconds / minimum - 1:+.1%}",
            "sent": result.counts["sent"],
            "waiting": result.counts["waiting"],
            "failed": result.counts["failed"],
        }


def flooded(var: Path) -> Figures:
    """Let a stranger say 40 things that the service holds back; time the chief's answers."""
    with fake_process() as fake:
        chief = fake.add_private_chat(first_name="Chief")
        stranger = fake.add_private_chat(first_name="Stranger")
        settings = Settings(
            telegram_bot_token=fake.token(),
            telegram_base_url=fake.base_url,
            telegram_admins=(chief,),
            state_url=f"sqlite:///{var / 'state.db'}",
            storage=str(var / "storage"),
            var_dir=var,
        )
        var.mkdir(parents=True, exist_ok=True)
        fake.order(fault=flood(20), chat_id=stranger, times=None)
        with _running(settings):
            _answer_seconds(fake, chief)  # the start counts for nobody
            for _ in range(STRANGERS_WORDS):
                fake.say(user_id=stranger, text="/init")
            seconds = [_answer_seconds(fake, chief) for _ in range(CHIEFS_QUESTIONS)]
        return {"first": round(seconds[0], 2), "slowest": round(max(seconds), 2)}


@contextmanager
def _running(settings: Settings) -> Iterator[None]:
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        loops.append((asyncio.get_running_loop(), asyncio.Event()))
        await program.serve(settings, loops[0][1])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)


def _answer_seconds(fake: RemoteFake, chat: int) -> float:
    before = len(fake.from_bot(chat_id=chat))
    began = time.perf_counter()
    fake.say(user_id=chat, text="/status")
    while len(fake.from_bot(chat_id=chat)) == before:
        time.sleep(0.005)
    return time.perf_counter() - began


def _report(day: date) -> ReportToSend:
    return ReportToSend(
        day=day,
        caption_html="<b>Без заметных изменений</b>",
        verdict="Без заметных изменений",
        numbers={},
        content_sha256="a" * 64,
        picture=png(),
    )


def _now() -> datetime:
    return datetime.now(UTC)
