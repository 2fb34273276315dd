"""The processes that a round starts and kills: they deliver, run Dagster, run the bot."""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sales_assets.adapters.delivery.dispatcher import Dispatcher, runs_owed
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import content_hashes, read_report
from sales_assets.adapters.settings import PREFIX, Settings
from sales_assets.adapters.state.database import StateLockedError, open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.adapters.telegram import client
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.bot import program
from sales_assets.core.delivery import rows
from sales_assets.core.delivery.messages import Message
from sales_assets.core.delivery.rows import Answer, Delivery, Place
from sales_assets.core.delivery.timetable import Timetable

#: The delivery's own seconds pass so much faster: a pause of 30 s costs 1.5.
SPEED = 20
DONE, CRASHED, STOPPED, LOCKED = 0, 1, 3, 5
KILLED = -int(signal.SIGKILL)
#: Where a process may be told to kill itself.
POINTS = ("before the claim", "after the claim", "after acceptance", "after the commit")


@dataclass(frozen=True)
class FastClock:
    """The same instant in every process of a round, running `SPEED` times as fast as the wall's."""

    began_at: float

    def __call__(self) -> datetime:
        passed = (time.time() - self.began_at) * SPEED
        return datetime.fromtimestamp(self.began_at, UTC) + timedelta(seconds=passed)

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)


@dataclass(frozen=True)
class Told:
    """What a process is told: its settings, its clock, when to die, how long to wait for answers.

    `point` and `number`: die at the number-th passage of one of `POINTS`.
    """

    environment: Mapping[str, str]
    log: Path
    clock: FastClock
    point: str = ""
    number: int = 1
    patience_seconds: float = 0.6
    busy_seconds: float = 15.0
    looks_seconds: float = 0.0


@dataclass
class Death:
    """Counts the passages of the point where the process kills itself."""

    point: str
    left: int

    def passes(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class MortalLedger(Ledger):
    """The real ledger in a process that may die beside a commit."""

    death = Death("", 0)

    def claim(self, *arguments: Any, **named: Any) -> Delivery | None:
        self.death.passes("before the claim")
        claim = super().claim(*arguments, **named)
        self.death.passes("after the claim")
        return claim

    def finish(self, *arguments: Any, **named: Any) -> Delivery:
        row = super().finish(*arguments, **named)
        self.death.passes("after the commit")
        return row


class MortalTransport(BotApi):
    """The real transport in a process that may die with the answer in its hand."""

    death = Death("", 0)

    async def send(self, place: Place, message: Message) -> Answer:
        answer = await super().send(place, message)
        self.death.passes("after acceptance")
        return answer


# --- Starting -----------------------------------------------------------------------------------

_CONTEXT = multiprocessing.get_context("forkserver")
#: What a process would otherwise import at its first request, each time.
_LATE_IMPORTS = (
    "alembic.command",
    "anyio._backends._asyncio",
    "httpcore",
    "psycopg2",
    "pyarrow.parquet",
    "sales_assets.cli.runs",
    "socksio",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "xlsxwriter",
)
_CONTEXT.set_forkserver_preload([__name__, *_LATE_IMPORTS])


def start(entry: Callable[[Told], int], told: Told) -> BaseProcess:
    """Start a process of its own; it is forked from a server that has imported everything."""
    process = _CONTEXT.Process(target=_run, args=(entry, told), daemon=True)
    process.start()
    return process


def _run(entry: Callable[[Told], int], told: Told) -> None:
    _settle_in(told)
    try:
        code = entry(told)
    except StateLockedError:
        traceback.print_exc()
        code = LOCKED
    except Exception:  # noqa: BLE001 - the log is searched, the code is weighed
        traceback.print_exc()
        code = CRASHED
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _settle_in(told: Told) -> None:
    """Take over log, environment and patience; the log is as talkative as it can be."""
    log = os.open(told.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    for name in [name for name in os.environ if name.startswith((PREFIX, "DAGSTER_"))]:
        del os.environ[name]
    os.environ.update(told.environment)
    logging.basicConfig(level=logging.DEBUG)
    _hurry(told.patience_seconds)


def _hurry(seconds: float) -> None:
    """Shorten what a round would otherwise spend waiting for answers that never come."""
    for name in ("_CONNECT", "_READ", "_WRITE", "_MEDIA_WRITE", "_POOL"):
        setattr(client, name, seconds)
    client.POLL_SECONDS = 1
    client._POLL_READ_SECONDS = client._QUICK_SECONDS = seconds  # noqa: SLF001 - as above
    program.FIRST_BACKOFF_SECONDS, program.LONGEST_BACKOFF_SECONDS = 0.1, 0.5


# --- What they do -------------------------------------------------------------------------------


def deliver(told: Told) -> int:
    """Look once as the sensor does, or again and again, and deliver what is owed."""
    settings = Settings.from_environment(os.environ)
    MortalLedger.death = MortalTransport.death = Death(told.point, told.number)
    code = _look(settings, told)
    while told.looks_seconds:
        time.sleep(told.looks_seconds)
        code = _look(settings, told)
    return code


def _look(settings: Settings, told: Told) -> int:
    timetable = Timetable(settings.report_zone, settings.delivery_time)
    store = FrameStore(settings.storage)
    with closing(open_state(settings.state_url, busy_seconds=told.busy_seconds)) as state:
        ledger = MortalLedger(state)
        now = told.clock()
        newest = timetable.newest_finished_day(now)
        reports = content_hashes(store, [newest])
        owed = runs_owed(ledger, reports, timetable, now, settings.telegram_admins)
        codes = [_deliver(settings, told, ledger, read_report(store, day)) for day, _ in owed]
    return max(codes, default=DONE)


def _deliver(settings: Settings, told: Told, ledger: Ledger, report: Any) -> int:
    transport = MortalTransport(
        settings.telegram_bot_token or "",
        base_url=settings.telegram_base_url,
        proxy=settings.telegram_proxy,
    )
    timetable = Timetable(settings.report_zone, settings.delivery_time)
    admins = settings.telegram_admins
    dispatcher = Dispatcher(ledger, transport, timetable, told.clock, admins, told.clock.sleep)
    result = dispatcher.deliver(report.to_send())
    if result.trouble is not None:
        sys.stderr.write(f"{result.trouble}\n")
        return STOPPED
    sys.stderr.write(f"{result.outcomes.to_string()}\n{result.warnings}\n")
    return DONE


def deliver_in_dagster(_told: Told) -> int:
    """Let the real sensor look once, and run the real job for each of its requests."""
    from sales_assets.cli.runs import deliver as deliver_by_the_sensor

    failures = deliver_by_the_sensor(Settings.from_environment(os.environ))
    sys.stderr.write("\n".join(failures))
    return DONE


def run_bot(_told: Told) -> int:
    """Run the bot's program until a signal ends it."""
    # The bot's own pauses are those of people who wait: too long for a round.
    rows.DEFAULT_PAUSE = timedelta(seconds=0.5)
    return program.run(Settings.from_environment(os.environ))
