"""A morning of the real product: a source in Postgres, Dagster's daemon, a chief and an analyst."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as TimeOfDay  # noqa: N812 - `time` is the module's
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import psutil
import pytest

from sales_assets.adapters.files.frames import FrameStore, read_bytes
from sales_assets.adapters.files.reports import NUMBERS
from sales_assets.adapters.state.database import DeliveryRow, open_state
from sales_assets.core import names
from sales_assets.core.delivery.messages import plain_text
from sales_assets.demo import embedded_postgres
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets_tests.adapters.delivery.delivery_world import subscribe
from sales_assets_tests.base_source import ROWS_A_DAY, fill_base
from sales_assets_tests.fake_telegram.server import FakeTelegram
from sales_assets_tests.faults.zones import KEY, Leap, make_zone, tz_path
from sales_assets_tests.sources import create_tables

PROJECT = Path(__file__).parents[2]
#: The chief's words where there is no report.
LATE_WORDS = "задерживается"
#: What the source's day comes to, whatever befell it in the morning.
FIGURES = {"requests": 20, "new_paying": 4}


class DrillError(AssertionError):
    """What the drill waited for did not come."""


@dataclass
class Told:
    """What a drill came to."""

    account: list[str]
    breaches: list[str]


@dataclass
class Morning:
    """The scene of one drill; made by `morning`. The clock is that of `zone`."""

    folder: Path
    fake: FakeTelegram
    server: EmbeddedServer
    zone: ZoneInfo
    url: str
    environment: dict[str, str]
    first_day: date
    chief: int
    analyst: int
    told: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def day(self) -> date:
        """The day whose report the morning is about."""
        return self.first_day + timedelta(days=83)

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def store(self) -> FrameStore:
        return FrameStore(self.environment["SALES_ASSETS_STORAGE"])

    # --- Time ---

    def clock(self) -> datetime:
        return datetime.now(self.zone)

    def until(self, at: TimeOfDay, *, days: int = 1) -> None:
        """Wait for that time of the morning; of the evening before with `days` 0."""
        moment = datetime.combine(self.day + timedelta(days=days), at, self.zone)
        while self.clock() < moment:
            time.sleep(0.2)

    def wait_for(self, what: str, condition: Callable[[], Any], seconds: float = 300) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise DrillError(f"{what}: not in {seconds:.0f} s; see the logs in {self.folder}")
            time.sleep(0.1)
        self.tell(what)
        return value

    def tell(self, what: str) -> None:
        self.told.append((self.clock(), what))

    # --- Processes ---

    @contextmanager
    def daemon(self, workspace: Path = PROJECT / "workspace.yaml") -> Iterator[None]:
        """Run Dagster's daemon, with all that it starts, until the end."""
        home = self.folder / "dagster"
        home.mkdir(exist_ok=True)
        settings = files("sales_assets.defs") / "dagster.yaml"
        (home / "dagster.yaml").write_text(settings.read_text())
        with self.instance():
            pass  # its databases are made: two processes that make them at once spoil them
        with self.process("daemon", "dagster._daemon", "run", "-w", str(workspace)):
            yield

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Open the daemon's instance."""
        home = self.folder / "dagster"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", str(home))
            with dg.DagsterInstance.from_config(str(home)) as instance:
                yield instance

    @contextmanager
    def process(self, name: str, module: str, *arguments: str) -> Iterator["subprocess.Popen"]:
        """Run a module of Python in a session of its own, which is killed at the end."""
        with self.popen(name, [sys.executable, "-m", module, *arguments]) as process:
            try:
                yield process
            finally:
                kill_session(process)

    def popen(
        self, name: str, command: Sequence[str], environment: dict[str, str] | None = None
    ) -> "subprocess.Popen":
        """Start a command in a session of its own, in the scene's environment or another."""
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=PROJECT,
                env=environment or os.environ | self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def command(self, *arguments: str) -> int:
        """Run one of the product's own commands; return its exit code."""
        with self.process("command", "sales_assets.cli.main", *arguments) as process:
            return process.wait(300)

    # --- What there is to see ---

    def got(self, chat: int) -> list[dict[str, Any]]:
        """What a chat was sent, in order."""
        return [one["message"] for one in self.fake.accepted(chat) if one["message"]]

    def reports(self) -> list[dict[str, Any]]:
        return [one for one in self.got(self.chief) if "photo" in one]

    def sentences(self) -> list[str]:
        found = [one.get("text", "") for one in self.got(self.chief)]
        return [words for words in found if LATE_WORDS in words]

    def rows(self) -> list[DeliveryRow]:
        url = self.environment["SALES_ASSETS_STATE_URL"]
        with closing(open_state(url)) as state, state.reading() as session:
            return session.query(DeliveryRow).order_by(DeliveryRow.id).all()

    def lost(self, days: Sequence[date] = ()) -> Iterator[str]:
        """What is not there in the end and should be; every loss is a sentence."""
        for day in days or [self.day]:
            yield from self._lost_of(day)
        for row in self.rows():
            if row.state != "sent":
                yield f"{row.kind} of {row.report_day} for {row.chat} is {row.state}: {row.reason}"
        for path in self.store.base.rglob("*.tmp"):
            yield f"{path} was left half written"
        yield from (f"aiogram's models object: {words}" for words in self.fake.violations)

    def _lost_of(self, day: date) -> Iterator[str]:
        store = self.store
        if not store.holds(names.DAILY_REPORT, day, NUMBERS):
            yield f"there is no report of {day}"
            return
        rows = len(store.read(names.RAW_EVENTS, day))
        if rows != ROWS_A_DAY:
            yield f"{rows} of {ROWS_A_DAY} rows of {day} are stored"
        numbers = json.loads(read_bytes(store.path(names.DAILY_REPORT, day, NUMBERS)))["numbers"]
        found = {
            "requests": numbers["appointed"]["of"],
            "new_paying": numbers["new_paying_users"]["new_paying"],
        }
        if found != FIGURES:
            yield f"the report of {day} says {found}, the source {FIGURES}"

    def account(self) -> Iterator[str]:
        """Tell in order what happened, and who got what."""
        got = [
            (datetime.fromtimestamp(one["date"], self.zone), f"the {name} got: {said(one)}")
            for name, chat in (("chief", self.chief), ("analyst", self.analyst))
            for one in self.got(chat)
        ]
        for at, what in sorted([*self.told, *got], key=lambda one: one[0].timestamp()):
            yield f"{at:%H:%M:%S} {what}"
        for name, chat in (("chief", self.chief), ("analyst", self.analyst)):
            yield f"the {name} got {len(self.got(chat))} messages in all"


def said(message: dict[str, Any]) -> str:
    """The message in a line."""
    is_report = "photo" in message or "document" in message
    words = plain_text(message.get("caption") or message.get("text", "")).split("\n")[0]
    return f"the report: {words}" if is_report else words


def kill_server(server: EmbeddedServer) -> None:
    """Kill a Postgres as a machine does that loses its power."""
    pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    parent = psutil.Process(pid)
    for process in [parent, *parent.children()]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def kill_session(process: "subprocess.Popen") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def morning(
    folder: Path,
    reads: TimeOfDay,
    leap: Leap | None = None,
    *,
    evening: bool = False,
    **settings: str,
) -> Iterator[Morning]:
    """Set the scene: the source is whole up to yesterday, or up to today in the `evening`.

    The clock reads that time now; `settings` are told to every process.
    """
    folder.mkdir(parents=True)
    zone = make_zone(folder / "zones", reads, leap)
    newest = datetime.now(zone).date() - timedelta(days=0 if evening else 1)
    with ExitStack() as stack:
        fake = stack.enter_context(FakeTelegram())
        server = stack.enter_context(embedded_postgres.start(folder / "postgres"))
        url = server.ensure_database("crm")
        create_tables(url)
        first_day = fill_base(url, newest)
        chief, analyst = fake.add_private_chat("Chief"), fake.add_private_chat("Analyst")
        environment = {
            "PYTHONTZPATH": tz_path(folder / "zones"),
            "DAGSTER_HOME": str(folder / "dagster"),
            "SALES_ASSETS_VAR": str(folder),
            "SALES_ASSETS_STATE_URL": f"sqlite:///{folder / 'state.db'}",
            "SALES_ASSETS_STORAGE": str(folder / "storage"),
            "SALES_ASSETS_SOURCE_URL": url,
            "SALES_ASSETS_REPORT_TZ": KEY,
            "SALES_ASSETS_START_DATE": str(first_day),
            "SALES_ASSETS_REREAD_DAYS": "0",
            "SALES_ASSETS_CATCH_UP_DAYS": "1",
            "SALES_ASSETS_PRODUCTION": "1",
            "SALES_ASSETS_TELEGRAM_BOT_TOKEN": fake.token,
            "SALES_ASSETS_TELEGRAM_BASE_URL": fake.base_url,
            "SALES_ASSETS_TELEGRAM_ADMINS": str(analyst),
            **{f"SALES_ASSETS_{name.upper()}": value for name, value in settings.items()},
        }
        made = Morning(folder, fake, server, zone, url, environment, first_day, chief, analyst)
        with closing(open_state(environment["SALES_ASSETS_STATE_URL"])) as state:
            subscribe(state, chief)
        yield made


# --- What became of it ----------------------------------------------------------------------


def settle(scene: Morning, *, reports: int = 1) -> None:
    """Wait for the report, and then for two looks of every sensor, in case more is sent."""
    with suppress(DrillError):
        scene.wait_for("the report is delivered", lambda: len(scene.reports()) >= reports, 600)
        time.sleep(130)


def judged(
    scene: Morning, *, sentences: int, words: str = "", days: list[date] | None = None
) -> Told:
    """Hold what everybody got against the promise."""
    days = days or [scene.day]
    breaches = [f"lost: {one}" for one in scene.lost(days)]
    found, reports = scene.sentences(), scene.reports()
    if len(found) != sentences or any(words not in one for one in found):
        breaches.append(
            f"wrong: the chief should get {sentences} sentences with {words!r}: {found}"
        )
    if len(reports) != len(days):
        breaches.append(f"wrong: the chief got {len(reports)} reports, {len(days)} were to come")
    if len(scene.got(scene.chief)) != len(found) + len(reports):
        breaches.append("wrong: the chief got something else, too")
    alerts = [one["text"] for one in scene.got(scene.analyst)]
    if len(set(alerts)) != len(alerts) or len(alerts) > 1 + sentences:
        breaches.append(f"wrong: the analyst got {len(alerts)} messages about one cause: {alerts}")
    return Told(list(scene.account()), breaches)
