"""Drills of what befalls a morning, played with real processes: who got what, and what was lost.

`python -m sales_assets_tests.faults.drills [NAME …]` plays them one after another, some seven
minutes each; every drill is told as a list of moments. Exit code 1 if one breaks its promise.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time as clock
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import time, timedelta
from pathlib import Path

import click
import dagster as dg
import psycopg2

from sales_assets.demo import embedded_postgres
from sales_assets_tests.base_source import delete_rows
from sales_assets_tests.faults.mornings import (
    DrillError,
    Morning,
    Told,
    judged,
    kill_server,
    kill_session,
    morning,
    settle,
)
from sales_assets_tests.faults.stores import backfilled, upload_killed
from sales_assets_tests.faults.topology import code_server_dies, deployed
from sales_assets_tests.faults.zones import Leap
from sales_assets_tests.ports import free_port
from sales_assets_tests.sources import execute, query

#: The daemon has so long to come up before the run of the morning, on a busy machine.
BEGIN = time(8, 40)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
CODE_SERVER_SECONDS = 12
#: What the storage of the drill holds in all; a day's report with its lookback takes about half.
DISK_SIZE = "4m"


class Skipped(Exception):  # noqa: N818 - no error: the machine can't do it
    """The drill can't be played here."""


# --- The drills -----------------------------------------------------------------------------


def postgres_killed(folder: Path, outage: float) -> Told:
    """The source dies in a query of the morning's run and is back after the outage."""
    with morning(folder, BEGIN, delivery_time="08:50", computing_minutes="7") as scene:
        with scene.daemon(), closing(psycopg2.connect(scene.url)) as other:
            other.cursor().execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
            scene.wait_for(
                "a query of the morning's run waits", lambda: query(scene.url, WAITING)[0][0]
            )
            kill_server(scene.server)
            scene.tell(f"the source is killed, for {outage:.0f} s")
            with suppress(psycopg2.Error):
                other.close()
            clock.sleep(outage)
            embedded_postgres.start(scene.server.folder).release()
            scene.tell("the source is back")
            settle(scene)
        return judged(scene, sentences=0)


def whole_at_0940(folder: Path, _outage: float) -> Told:
    """The source's day is cut at 10:00; the rest of it comes at 09:40 of the next morning."""
    leap = Leap(time(8, 47), time(9, 39))
    with morning(folder, BEGIN, leap, computing_minutes="2") as scene:
        since = f"{scene.day} 10:00"
        execute(scene.url, "CREATE TABLE late AS TABLE events; CREATE TABLE paid AS TABLE payments")
        delete_rows(scene.url, since, str(scene.day + timedelta(days=1)))
        with scene.daemon():
            scene.until(time(9, 40))
            execute(
                scene.url,
                "INSERT INTO events SELECT * FROM late WHERE happened_at >= %s",
                [(since,)],
            )
            execute(
                scene.url,
                "INSERT INTO payments SELECT * FROM paid WHERE transaction_created_at >= %s",
                [(since,)],
            )
            scene.tell("the rest of the day is in the source")
            settle(scene)
        return judged(scene, sentences=1, words="Данные до 09:58: дальше не загружено")


def code_server_killed(folder: Path, _outage: float) -> Told:
    """The code server is killed while the morning's run is being started, and is back later."""
    with morning(folder, BEGIN, delivery_time="08:50", computing_minutes="7") as scene:
        port = free_port()
        workspace = scene.folder / "workspace.yaml"
        workspace.write_text(
            "load_from:\n  - grpc_server:\n      host: 127.0.0.1\n"
            f"      port: {port}\n      location_name: sales_assets\n"
        )
        with code_server(scene, port) as server, scene.daemon(workspace):
            scene.wait_for("the morning's run is in the queue", lambda: runs(scene), 400)
            kill_session(server)
            scene.tell(f"the code server is killed, for {CODE_SERVER_SECONDS} s")
            clock.sleep(CODE_SERVER_SECONDS)
            with code_server(scene, port):
                scene.tell("the code server is started again")
                settle(scene)
        ended = [run.status.value for run in runs(scene)]
        scene.tell(f"the runs of the morning, the newest first: {', '.join(ended)}")
        return judged(scene, sentences=0)


def disk_full(folder: Path, _outage: float) -> Told:
    """The storage's disk is full in the morning; somebody makes room after the delivery time."""
    with morning(folder, BEGIN, computing_minutes="2") as scene, small_disk(scene.storage):
        ballast = scene.storage / "ballast"
        fill_up(ballast)
        with scene.daemon():
            scene.wait_for("the chief is told", scene.sentences, 400)
            ballast.unlink()
            scene.tell("somebody makes room on the disk")
            settle(scene)
        return judged(scene, sentences=1, words="не удалось посчитать, разбираемся")


def midnight(folder: Path, _outage: float) -> Told:
    """Midnight passes while a report is computed anew; the next day's is due at 00:05."""
    with morning(
        folder, time(23, 55), evening=True, delivery_time="00:05", computing_minutes="4"
    ) as scene:
        yesterday = scene.day - timedelta(days=1)
        code = scene.command("report", str(yesterday))
        scene.tell(f"the report of {yesterday} is computed, exit code {code}")
        with scene.daemon():
            scene.wait_for(f"the report of {yesterday} is delivered", scene.reports)
            scene.until(time(23, 59, 52), days=0)
            code = scene.command("report", str(yesterday))
            scene.tell(
                f"the report of {yesterday} is computed anew over midnight, exit code {code}"
            )
            settle(scene, reports=2)
        return judged(scene, sentences=0, days=[yesterday, scene.day])


DRILLS = {
    "postgres": postgres_killed,
    "whole-at-0940": whole_at_0940,
    "code-server": code_server_killed,
    "disk-full": disk_full,
    "midnight": midnight,
    "topology": deployed,
    "topology-code": code_server_dies,
    "upload": upload_killed,
    "backfill": backfilled,
}


# --- What they share ------------------------------------------------------------------------


def runs(scene: Morning) -> list[dg.DagsterRun]:
    """The runs of the morning's day, the newest first."""
    with scene.instance() as instance:
        return list(instance.get_runs(dg.RunsFilter(job_name="daily_report_job")))


@contextmanager
def code_server(scene: Morning, port: int) -> Iterator["subprocess.Popen"]:
    arguments = ["--module-name", "sales_assets.definitions", "--location-name", "sales_assets"]
    address = ["--host", "127.0.0.1", "--port", str(port)]
    with scene.process("code", "dagster", "api", "grpc", *arguments, *address) as process:
        yield process


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of a few megabytes; only root may.

    Raises:
        Skipped: it can't be done here.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skipped(f"no small disk can be mounted here: {error}") from error
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S607 - wherever it is


def fill_up(ballast: Path) -> None:
    """Fill the disk but for a few kilobytes."""
    stats = os.statvfs(ballast.parent)
    free = stats.f_bavail * stats.f_frsize
    ballast.write_bytes(bytes(free - 64 * 1024))


# --- The command ----------------------------------------------------------------------------


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(DRILLS)))
@click.option(
    "--outage", default=60.0, show_default=True, help="How many seconds Postgres is away."
)
@click.option("--keep", is_flag=True, help="Keep the folders, with all logs.")
def main(names: tuple[str, ...], outage: float, *, keep: bool) -> None:
    """Play the drills NAMES, or all of them; exit code 1 if one breaks its promise."""
    failed = [name for name in names or DRILLS if not play(name, outage, keep=keep)]
    click.echo(f"drills failed: {', '.join(failed) or 'none'}")
    sys.exit(1 if failed else 0)


def play(name: str, outage: float = 60.0, *, keep: bool = False) -> bool:
    """Play one drill and tell it; whether it kept its promise."""
    place = Path(tempfile.mkdtemp(prefix=f"drill-{name}-"))
    drill: Callable[[Path, float], Told] = DRILLS[name]
    click.echo(f"drill {name}: {(drill.__doc__ or '').splitlines()[0]}")
    try:
        told = drill(place / "morning", outage)
    except Skipped as why:
        click.echo(f"  skipped: {why}")
        return True
    except DrillError as why:
        click.echo(f"  wrong: {why}")
        return False
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
    for line in told.account:
        click.echo(f"  {line}")
    for breach in told.breaches or ["lost: nothing"]:
        click.echo(f"  {breach}")
    return not told.breaches


if __name__ == "__main__":
    main()
