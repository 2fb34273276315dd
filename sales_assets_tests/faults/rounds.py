"""One round: everything that can go wrong does, then all is made healthy, then the promise."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

import dagster as dg

from sales_assets.adapters.delivery.dispatcher import runs_owed
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import content_hashes
from sales_assets.adapters.state.ledger import Ledger, send_again
from sales_assets.core.delivery.rows import RowState
from sales_assets_tests.faults import processes, promises, trouble
from sales_assets_tests.faults.crowd import Crowd
from sales_assets_tests.faults.leaks import leaks, row_leaks
from sales_assets_tests.faults.processes import CRASHED, DONE, KILLED, POINTS, Told
from sales_assets_tests.faults.promises import Figures, Place
from sales_assets_tests.faults.stage import SOURCE_PASSWORD, STATE_PASSWORD, TOKEN, Stage

PROJECT = Path(__file__).parents[2]
LONGEST_PROCESS_SECONDS = 60.0
#: The daemon loads the code, its sensor looks every ten seconds, each run is a process.
DAEMON_SECONDS = 60.0
#: Later than every lease, grace time, backoff and pause.
LATER_MINUTES = 61
MOST_LOOKS = 12


@dataclass
class Round:
    """A round under way; `play` returns its breaches."""

    stage: Stage
    figures: Figures = field(default_factory=lambda: Figures(rounds=1))
    breaches: list[str] = field(default_factory=list)
    crowd: Crowd | None = None
    bot: BaseProcess | None = None
    was_allowed: bool = False
    bot_kills: int = 0

    @property
    def deliver(self) -> Callable[[Told], int]:
        return processes.deliver

    def play(self) -> list[str]:
        """Make trouble for a while, heal, let everything settle, and look what became of it."""
        rng = self.stage.rng
        if rng.random() < 0.3:
            self.crowd = Crowd(self.stage)
            self.crowd.gather()
        try:
            for _ in range(rng.randint(2, 4)):
                self.make_trouble()
            self.stage.heal()
            self.settle_bot()
            self.settle_delivery()
        finally:
            self.end_bot()
        self.judge()
        return self.breaches

    # --- Trouble ---

    def make_trouble(self) -> None:
        stage, rng = self.stage, self.stage.rng
        trouble.order(rng, stage.fake, stage.wire, [seat.chat for seat in stage.seats])
        if rng.random() < 0.5:
            for seat in rng.sample(stage.seats, 4):
                stage.meet_fate(seat)
        if stage.version and rng.random() < 0.35 and self.is_sent_somewhere():
            stage.store_report()
        if self.crowd is not None:
            self.keep_bot()
        with self.locked_now_and_then(), self.down_now_and_then():
            self.run_dispatchers()
        if self.crowd is not None:
            self.trouble_bot(self.crowd)
        if rng.random() < 0.6:
            stage.age(rng.choice([1, 6, LATER_MINUTES]))

    def is_sent_somewhere(self) -> bool:
        return any(promises.is_report(sent) for sent in self.stage.fake.accepted())

    def run_dispatchers(self) -> None:
        """One or two at once; each ends by itself, by its own hand, or by ours."""
        rng = self.stage.rng
        running = [self.start_dispatcher() for _ in range(rng.choice([1, 1, 2]))]
        kill_at = time.monotonic() + rng.uniform(0, 1.5) if rng.random() < 0.4 else None
        if self.crowd is not None:
            for _ in range(rng.randint(1, 4)):
                self.crowd.act()
        if kill_at is not None:
            time.sleep(max(0.0, kill_at - time.monotonic()))
            running[0].kill()
        for process in running:
            self.wait(process)

    def start_dispatcher(self) -> BaseProcess:
        rng = self.stage.rng
        point = rng.choice(POINTS) if rng.random() < 0.4 else ""
        looks = 0.1 if rng.random() < 0.2 else 0.0
        return processes.start(
            self.deliver,
            self.stage.told(
                "delivery",
                point=point,
                number=rng.randint(1, 8),
                busy_seconds=rng.choice([0.3, 15.0]),
                looks_seconds=looks,
            ),
        )

    def wait(self, process: BaseProcess, seconds: float = 2.5) -> None:
        """Wait for the end; one that looks again and again is killed, as a daemon is."""
        process.join(seconds if self.is_fast else LONGEST_PROCESS_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        self.figures.kills += process.exitcode == KILLED
        if process.exitcode == CRASHED:
            self.breaches.append(f"wrong: a delivering process crashed: {self.tail('delivery')}")

    @property
    def is_fast(self) -> bool:
        return self.deliver is processes.deliver

    def tail(self, name: str) -> str:
        log = self.stage.folder / f"{name}.log"
        return log.read_text(errors="replace")[-1500:] if log.exists() else ""

    @contextmanager
    def locked_now_and_then(self) -> Iterator[None]:
        """Hold the write lock of an SQLite state for a moment, now and then."""
        path = self.stage.state_url.removeprefix("sqlite:///")
        seconds = self.stage.rng.uniform(0.1, 1.5)
        if path == self.stage.state_url or self.stage.rng.random() > 0.25:
            yield
            return
        holder = threading.Thread(target=hold_lock, args=(path, seconds))
        holder.start()
        yield
        holder.join()

    @contextmanager
    def down_now_and_then(self) -> Iterator[None]:
        """Refuse every connection for a moment, now and then."""
        wire, seconds = self.stage.wire, self.stage.rng.uniform(0.2, 1.0)
        if self.stage.rng.random() > 0.2:
            yield
            return
        wire.refuse()
        back = threading.Timer(seconds, wire.listen)
        back.start()
        yield
        back.join()

    # --- The bot ---

    def keep_bot(self) -> None:
        if self.bot is None or not self.bot.is_alive():
            self.bot = processes.start(processes.run_bot, self.stage.told("bot"))

    def trouble_bot(self, crowd: Crowd) -> None:
        """People act; mostly the bot is killed in the middle, now and then a second one polls."""
        rng = self.stage.rng
        self.keep_bot()
        rival = None
        if rng.random() < 0.2:
            rival = processes.start(processes.run_bot, self.stage.told("bot"))
        for _ in range(rng.randint(1, 5)):
            crowd.act()
            time.sleep(rng.uniform(0, 0.2))
        if rival is not None:
            rival.kill()
            rival.join()
            self.bot_kills += 1
            self.figures.kills += 1
        if rng.random() < 0.6 and self.bot is not None:
            self.bot.kill()
            self.bot.join()
            self.bot_kills += 1
            self.figures.kills += 1

    def settle_bot(self) -> None:
        """Let the bot, healthy, take every update and send all that it owes."""
        if self.crowd is None:
            return
        self.crowd.finish()
        self.end_bot()
        self.bot = processes.start(processes.run_bot, self.stage.told("bot", patience_seconds=5.0))
        self.wait_for_bot()
        self.was_allowed = self.crowd.allow()
        self.wait_for_bot()
        self.figures.updates += sum(guest.said for guest in self.crowd.guests)

    def wait_for_bot(self) -> None:
        is_quiet = lambda: not list(promises.update_breaches(self.stage))  # noqa: E731 - a condition of one use
        deadline = time.monotonic() + 20
        while not is_quiet() and time.monotonic() < deadline:
            time.sleep(0.05)

    def end_bot(self) -> None:
        if self.bot is not None:
            if self.bot.is_alive():
                self.bot.terminate()
                self.bot.join(15)
            if self.bot.is_alive():
                self.bot.kill()
                self.breaches.append("wrong: the bot does not end on SIGTERM")
            elif self.bot.exitcode not in (0, KILLED, 4):
                self.breaches.append(
                    f"wrong: the bot ended with {self.bot.exitcode}: {self.tail('bot')}"
                )
            self.bot = None

    # --- The end ---

    def settle_delivery(self) -> None:
        """Deliver, healthy, until nothing is owed however much later it is."""
        code = DONE
        for _ in range(MOST_LOOKS):
            self.stage.age(LATER_MINUTES)
            if not self.owed():
                return
            process = processes.start(
                self.deliver, self.stage.told("delivery", patience_seconds=8.0)
            )
            process.join(LONGEST_PROCESS_SECONDS)
            code = process.exitcode
        self.breaches.append(
            f"lost: still owed after {MOST_LOOKS} healthy runs (exit code {code}): "
            f"{self.tail('delivery')}"
        )

    def owed(self) -> list[object]:
        stage = self.stage
        reports = content_hashes(FrameStore(stage.settings.storage), [stage.day])
        with stage.state() as state:
            ledger, timetable, now = Ledger(state), stage.timetable, stage.clock()
            return [*runs_owed(ledger, reports, timetable, now, [stage.admin])]

    def judge(self) -> None:
        found = promises.places(self.stage)
        self.breaches += promises.delivery_breaches(self.stage, found)
        if self.crowd is not None:
            self.breaches += promises.update_breaches(self.stage)
            given_up = len(re.findall("was given up", (self.stage.folder / "bot.log").read_text()))
            self.breaches += self.crowd.breaches(
                self.bot_kills, given_up, was_allowed=self.was_allowed
            )
        self.count(found)
        if any(place.state == "active" and unanswered(place) for place in found):
            self.ask_the_owner(found)
        self.breaches += self.search_secrets()

    def count(self, found: list[Place]) -> None:
        figures = self.figures
        for place in found:
            row = place.report
            figures.chats += 1
            figures.copies += len(place.copies)
            figures.extra += max(0, len(place.copies) - 1)
            figures.flagged += bool(row and row.possible_duplicate)
            figures.in_doubt += bool(row and row.state == RowState.UNKNOWN)
            figures.asleep += place.state == "asleep"

    def ask_the_owner(self, found: list[Place]) -> None:
        """What stays in doubt and did not arrive comes when the owner presses the button."""
        doubtful = [place for place in found if place.state == "active" and unanswered(place)]
        with self.stage.state() as state:
            for place in doubtful:
                if place.report is not None:
                    with state.writing() as session:
                        send_again(session, place.report.id, datetime.now(UTC))
        self.settle_delivery()
        arrived = {str(place): place for place in promises.places(self.stage)}
        for place in doubtful:
            now = arrived[str(place)]
            is_refused = (
                now.state == "asleep" and now.report and now.report.state == RowState.FAILED
            )
            if len(now.copies) != 1 and not is_refused:
                self.breaches.append(f"lost: {now} got {len(now.copies)} by hand: {now.report}")
            self.figures.recovered += 1

    def search_secrets(self) -> Iterator[str]:
        stage = self.stage
        secrets = [TOKEN, TOKEN.partition(":")[2], SOURCE_PASSWORD, STATE_PASSWORD]
        secrets += [stage.proxy.password] if stage.proxy else []
        secrets += self.crowd.secrets if self.crowd else []
        yield from leaks(stage.folder, secrets)
        yield from row_leaks(stage.state_url, secrets)


class DagsterRound(Round):
    """A round whose deliveries are runs of the real job, asked for by the real sensor."""

    @property
    def deliver(self) -> Callable[[Told], int]:
        return processes.deliver_in_dagster

    def start_dispatcher(self) -> BaseProcess:
        return processes.start(self.deliver, self.stage.told("delivery"))

    def run_dispatchers(self) -> None:
        """Kill the run as soon as the service has accepted so many messages, or never."""
        rng = self.stage.rng
        running = [self.start_dispatcher() for _ in range(rng.choice([1, 2]))]
        known = len(self.stage.fake.accepted())
        number = known + rng.randint(1, 6)
        is_killed = rng.random() < 0.7
        while is_killed and running[0].is_alive():
            if len(self.stage.fake.accepted()) >= number:
                running[0].kill()
            time.sleep(0.002)
        for process in running:
            self.wait(process)

    def judge(self) -> None:
        self.breaches += run_breaches(self.stage.folder / "dagster")
        super().judge()


class DaemonRound(DagsterRound):
    """A round in which Dagster's own daemon lets the sensor look and starts the runs."""

    def run_dispatchers(self) -> None:
        """Kill the daemon with all its runs, or alone, once something was accepted."""
        rng = self.stage.rng
        known = len(self.stage.fake.accepted())
        number = known + rng.randint(1, 8)
        with daemon(self.stage) as process:
            deadline = time.monotonic() + DAEMON_SECONDS
            while len(self.stage.fake.accepted()) < number and time.monotonic() < deadline:
                time.sleep(0.005)
            if rng.random() < 0.5:
                process.kill()
                self.figures.kills += 1
                time.sleep(rng.uniform(0, 2))


@contextmanager
def daemon(stage: Stage) -> Iterator["subprocess.Popen[bytes]"]:
    """The daemon in a session of its own, which is killed at the end: with its servers and runs."""
    home = stage.folder / "dagster"
    home.mkdir(exist_ok=True)
    settings = files("sales_assets.defs") / "dagster.yaml"
    (home / "dagster.yaml").write_text(settings.read_text())
    environment = os.environ | stage.environment | {"SALES_ASSETS_PRODUCTION": "1"}
    command = [sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"]
    with (
        (stage.folder / "daemon.log").open("ab") as log,
        subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def unanswered(place: Place) -> bool:
    return not place.copies and place.report is not None and place.report.state == RowState.UNKNOWN


def hold_lock(path: str, seconds: float) -> None:
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")


def run_breaches(home: Path) -> Iterator[str]:
    """A run is green exactly where every message of its day arrived."""
    home_is_here = patch.dict(os.environ, {"DAGSTER_HOME": str(home)})
    with home_is_here, dg.DagsterInstance.from_config(str(home)) as instance:
        for run in instance.get_runs():
            counts = delivery_counts(instance, run.run_id)
            if counts is None or not run.is_finished:
                continue
            is_complete = not any(counts[name] for name in ("failed", "unknown", "waiting"))
            if run.is_success != is_complete:
                yield f"wrong: run {run.run_id} is {run.status} with {counts}"


def delivery_counts(instance: dg.DagsterInstance, run_id: str) -> dict[str, int] | None:
    for entry in reversed(instance.all_logs(run_id)):
        event = entry.dagster_event
        if event is not None and event.is_step_materialization:
            metadata = event.step_materialization_data.materialization.metadata
            names = ("sent", "failed", "unknown", "waiting")
            if set(names) <= metadata.keys():
                return {name: int(str(metadata[name].value)) for name in names}
    return None
