"""Drills of the whole product on loopback, as `deploy/` starts it: units, instance, workspace."""

import configparser
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from time import monotonic
from urllib.request import urlopen

import psycopg2

from sales_assets.adapters.files.reports import NUMBERS
from sales_assets.adapters.state.database import open_state
from sales_assets.core import names
from sales_assets.demo import embedded_postgres
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets_tests.adapters.delivery.delivery_world import subscribe
from sales_assets_tests.faults.mornings import (
    PROJECT,
    Morning,
    Told,
    judged,
    kill_server,
    kill_session,
    morning,
    settle,
)
from sales_assets_tests.faults.source_surroundings import object_store
from sales_assets_tests.sources import query

DEPLOY = PROJECT / "deploy"
UNITS = ("webserver", "bot", "daemon", "code")
PASSWORD = "Instance-Passw0rd-Of-The-Tests"  # noqa: S105 - belongs to no database
#: An address of its own on loopback leaves every process the port that `deploy/` names.
HOST = f"127.77.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
#: The clock reads that as the processes start; the morning is so long that they are up by then.
BEGIN, DELIVERY, MINUTES = time(8, 40), time(8, 52), 6
#: A look every ten seconds, a run that starts, on a machine that does more than this.
PUNCTUAL = timedelta(seconds=90)
OUTAGE_SECONDS = 15
#: So many seconds for anything: a run of 20 s took five minutes beside other work.
PATIENCE = 1800


@dataclass
class Site:
    """The processes of the units in `deploy/systemd`, looked after as systemd does."""

    scene: Morning
    instance: EmbeddedServer
    running: dict[str, "subprocess.Popen"] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    # --- As systemd ---

    def start(self, name: str) -> None:
        command, _ = unit(name)
        self.running[name] = self.scene.popen(name, command, self.environment(name))
        self.scene.tell(f"{name} is started")

    def look_after(self) -> None:
        """Start again what has ended, after the unit's pause, until all is over."""
        rest: dict[str, float] = {}
        while not self.over.wait(0.2):
            for name, process in list(self.running.items()):
                if process.poll() is None:
                    continue
                if name not in rest:
                    kill_session(process)  # systemd leaves nobody of the unit behind
                    self.scene.tell(f"{name} has ended with {process.returncode}")
                    rest[name] = monotonic() + unit(name)[1]
                elif monotonic() > rest[name]:
                    del rest[name]
                    self.start(name)

    @contextmanager
    def all_running(self) -> Iterator[None]:
        keeper = threading.Thread(target=self.look_after, daemon=True)
        try:
            for name in ("code", "daemon", "webserver", "bot"):
                self.start(name)
            keeper.start()
            yield
        finally:
            self.over.set()
            keeper.join()
            for process in self.running.values():
                kill_session(process)
                process.wait()

    def stop(self, name: str) -> Iterator[str]:
        """Ask the whole unit to end, as systemd does; having to kill it then is a sentence."""
        process, asked = self.running[name], monotonic()
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(int(section(name)["TimeoutStopSec"]))
            self.scene.tell(f"{name} ended by SIGTERM in {monotonic() - asked:.0f} s")
        except subprocess.TimeoutExpired:
            yield f"wrong: {name} does not end by SIGTERM within its TimeoutStopSec"
            kill_session(process)

    def environment(self, name: str) -> dict[str, str]:
        """Return what the process is told: Dagster's own know neither source, token nor store."""
        told = os.environ | self.scene.environment
        if name in ("code", "bot"):
            return told
        hidden = ("SALES_ASSETS_", "AWS_")
        return {key: value for key, value in told.items() if not key.startswith(hidden)}

    # --- What befalls it ---

    def kill(self, name: str) -> None:
        """Kill a unit and wait until it is started again, or the Postgres and start it later."""
        self.scene.tell(f"{name} is killed")
        if name == "instance":
            kill_server(self.instance)
            self.over.wait(OUTAGE_SECONDS)
            embedded_postgres.start(self.instance.folder).release()
            self.scene.tell("instance is back")
            return
        killed = self.running[name]
        kill_session(killed)
        while self.running[name] is killed:
            self.over.wait(0.2)

    # --- What there is to see ---

    def serves(self) -> bool:
        """Tell whether the UI answers."""
        with suppress(OSError), urlopen(f"http://{HOST}:3000/server_info", timeout=5) as answer:
            return answer.status == 200
        return False

    def at_work(self) -> set[str]:
        """Return the ids of the morning's runs that have begun their work."""
        with suppress(psycopg2.Error):
            return {run_id for run_id, status in self._runs() if status == "STARTED"}
        return set()

    def ended(self) -> list[str]:
        return [status for _, status in self._runs()]

    def _runs(self) -> list[tuple]:
        return query(self.instance.url("dagster"), RUNS)


RUNS = (
    f"SELECT run_id, status FROM runs WHERE pipeline_name = '{names.DAILY_REPORT_JOB}' ORDER BY id"  # noqa: S608 - a name of ours
)


def section(name: str) -> configparser.SectionProxy:
    read = configparser.ConfigParser(interpolation=None, strict=False)
    read.read(DEPLOY / "systemd" / f"sales-assets-{name}.service")
    return read["Service"]


def unit(name: str) -> tuple[list[str], float]:
    """Return the unit's command with our interpreter's programs and address, and its pause."""
    program, *words = shlex.split(section(name)["ExecStart"])
    here = Path(sys.executable).parent / Path(program).name
    words = [HOST if word == "127.0.0.1" else word for word in words]
    return [str(here), *words], float(section(name)["RestartSec"])


@contextmanager
def instance_server(folder: Path) -> Iterator[EmbeddedServer]:
    """Run a Postgres on `HOST` with both databases, made as docs/deployment.md makes them."""
    embedded_postgres.start(folder).release()
    access, settings = folder / "data" / "pg_hba.conf", folder / "data" / "postgresql.conf"
    trusted = f"host    all             all             {'127.0.0.1/32':<24}trust"
    assert trusted in access.read_text(), access
    access.write_text(
        access.read_text().replace(trusted, "host all sales_assets 127.0.0.0/8 scram-sha-256")
    )
    with settings.open("a") as more:
        more.write(f"listen_addresses = '{HOST}'\n")
    with embedded_postgres.start(folder) as server:
        with closing(psycopg2.connect(server.url())) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("CREATE ROLE sales_assets LOGIN CREATEDB PASSWORD %s", [PASSWORD])
            cursor.execute("SET ROLE sales_assets")
            cursor.execute("CREATE DATABASE sales_assets")
            cursor.execute((DEPLOY / "databases.sql").read_text())
        yield server


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Set the scene of a morning with everything that `deploy/` says; nothing runs yet."""
    with ExitStack() as stack:
        instance = stack.enter_context(instance_server(folder.with_name("instance")))
        bucket = stack.enter_context(object_store())
        address = f"sales_assets:{PASSWORD}@{HOST}"
        scene = stack.enter_context(
            morning(
                folder,
                BEGIN,
                delivery_time=f"{DELIVERY:%H:%M}",
                computing_minutes=str(MINUTES),
                storage=bucket,
                state_url=f"postgresql+psycopg2://{address}/sales_assets",
            )
        )
        scene.environment |= {
            "DAGSTER_PG_HOST": HOST,
            "DAGSTER_PG_PASSWORD": PASSWORD,
            "DAGSTER_EVENT_BATCH_SIZE": "500",
            "CODE_SERVER_HOST": HOST,
            # To start a run is one such call; a machine with other work takes more than a minute.
            "DAGSTER_GRPC_TIMEOUT_SECONDS": "300",
        }
        home = folder / "dagster"
        home.mkdir()
        (home / "dagster.yaml").write_bytes((DEPLOY / "dagster.yaml").read_bytes())
        # A shell's background ignores it, and so would all that is started here: SIGTERM, too.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        stack.callback(signal.signal, signal.SIGINT, before)
        yield Site(scene, instance)


# --- The drills -----------------------------------------------------------------------------


def deployed(folder: Path, _outage: float) -> Told:
    """Everything as deployed plays a morning; then each process is killed, a reader waiting.

    A day is asked for again each five minutes: the kills of a wave come before the same delivery.
    """
    with site(folder) as made:
        scene, breaches, readers = made.scene, [], {}
        with made.all_running():
            scene.wait_for("the UI answers", made.serves, PATIENCE)
            scene.wait_for("the report is computed", lambda: is_stored(scene), PATIENCE)
            breaches += unpunctual(scene, scene.clock())
            for wave in (("webserver", "bot", "daemon"), ("code", "instance")):
                for name in wave:
                    readers[name] = new_reader(scene)
                    made.kill(name)
                scene.wait_for(
                    f"the new readers have the report: {', '.join(wave)}",
                    lambda of=wave: all(scene.got(readers[name]) for name in of),
                    PATIENCE,
                )
            scene.wait_for("the UI answers", made.serves, PATIENCE)
            scene.fake.say(readers["bot"], "/report")
            scene.wait_for(
                "the bot shows a reader the report again",
                lambda: len(scene.got(readers["bot"])) > 1,
                PATIENCE,
            )
            settle(scene)
            made.over.set()
            breaches += [words for name in UNITS for words in made.stop(name)]
        told = judged(scene, sentences=0)
        return Told(told.account, [*breaches, *told.breaches, *miscounted(scene, readers)])


def code_server_dies(folder: Path, _outage: float) -> Told:
    """The code server is restarted in the middle of the morning's run; then both are killed."""
    with site(folder) as made:
        scene, breaches = made.scene, []
        with made.all_running():
            first = scene.wait_for("the morning's run is at work", made.at_work, PATIENCE)
            breaches += made.stop("code")
            scene.wait_for("a second run is at work", lambda: made.at_work() - first, PATIENCE)
            made.kill("code")
            settle(scene)
            scene.tell(f"the morning's runs, in order: {', '.join(made.ended())}")
        told = judged(scene, sentences=0)
        return Told(told.account, [*breaches, *told.breaches])


def is_stored(scene: Morning) -> bool:
    return scene.store.holds(names.DAILY_REPORT, scene.day, NUMBERS)


def unpunctual(scene: Morning, computed_at: datetime) -> Iterator[str]:
    """Wait for the report; a minute too late or too early is a breach, of whatever machine."""
    due = datetime.combine(scene.day + timedelta(days=1), DELIVERY, scene.zone)
    scene.wait_for("the report is delivered", scene.reports, PATIENCE)
    arrived = datetime.fromtimestamp(scene.reports()[0]["date"], scene.zone)
    if not due <= arrived < max(due, computed_at) + PUNCTUAL:
        yield f"wrong: the report was due at {due:%H:%M} and came at {arrived:%H:%M:%S}"


def new_reader(scene: Morning) -> int:
    reader = scene.fake.add_private_chat("Reader")
    with closing(open_state(scene.environment["SALES_ASSETS_STATE_URL"])) as state:
        subscribe(state, reader)
    return reader


def miscounted(scene: Morning, readers: dict[str, int]) -> Iterator[str]:
    for name, reader in readers.items():
        count, expected = len(scene.got(reader)), 2 if name == "bot" else 1
        if count != expected:
            yield f"wrong: the reader at the kill of {name} got {count} messages, not {expected}"
