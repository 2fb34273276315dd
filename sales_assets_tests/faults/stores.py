"""Drills of the storage: an upload that is killed, and a backfill that processes share."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from upath import UPath

from sales_assets.adapters.files.frames import FrameStore, read_bytes
from sales_assets.core import names
from sales_assets.defs.partitions import DAYS_PER_RUN
from sales_assets.demo import embedded_postgres
from sales_assets_tests.base_source import ZONE, fill_base, yesterday
from sales_assets_tests.faults.mornings import DrillError, Told
from sales_assets_tests.faults.proxies import LOOPBACK, copy
from sales_assets_tests.faults.source_surroundings import object_store
from sales_assets_tests.sources import create_tables

DAY = date(2026, 1, 5)
#: Eight bytes each that no compression makes less: one request, and an upload in three parts.
ROWS = {"an upload in one request": 2_000_000, "an upload in parts": 16_000_000}
WRITER = """
import sys
from datetime import date
import numpy as np
import pandas as pd
from sales_assets.adapters.files.frames import FrameStore
storage, asset, day, rows = sys.argv[1:]
frame = pd.DataFrame({"number": np.random.default_rng(1).random(int(rows))})
FrameStore(storage).write(asset, date.fromisoformat(day), frame)
"""
PATIENCE_SECONDS = 300
BACKFILLED_DAYS = 300
#: What tells when a day was read, and not what was.
OF_THE_MOMENT = ("completeness", "checked")


@dataclass
class Road:
    """A way to a server that passes so many bytes and then holds whatever comes."""

    server: int
    passes: int
    held: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.listener = socket.create_server((LOOPBACK, 0))
        self.url = f"http://{LOOPBACK}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.listener.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            client, _ = self.listener.accept()
            server = socket.create_connection((LOOPBACK, self.server))
            threading.Thread(target=copy, args=[server, client], daemon=True).start()
            threading.Thread(target=self._pass, args=[client, server], daemon=True).start()

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            while data := client.recv(65536):
                server.sendall(data)
                self.passes -= len(data)
                if self.passes < 0:
                    self.held.set()
                    self.over.wait()
                    return


def upload_killed(folder: Path, _outage: float) -> Told:
    """A process is killed in the middle of an upload: the old file stays, and then the new one."""
    account, breaches = [], []
    folder.mkdir(parents=True)
    with object_store() as storage:
        store = FrameStore(storage)
        writing(storage, 1000).wait(PATIENCE_SECONDS)
        old = read_bytes(store.path(names.RAW_EVENTS, DAY))
        for name, rows in ROWS.items():
            kill_in_the_middle(storage, rows)
            account.append(f"{name} of {rows * 8 / 1e6:.0f} MB is killed in its middle")
            kept = read_bytes(store.path(names.RAW_EVENTS, DAY)) == old
            if not kept or store.days(names.RAW_EVENTS) != {DAY}:
                breaches.append(f"lost: {name} was killed, and the old file is not there")
        if writing(storage, max(ROWS.values())).wait(PATIENCE_SECONDS):
            breaches.append("wrong: the upload does not succeed after the kills")
        account.append("the upload that nobody kills")
        if store.rows(names.RAW_EVENTS, DAY) != max(ROWS.values()):
            breaches.append("lost: the new file is not there after the upload")
    return Told(account, breaches)


def kill_in_the_middle(storage: str, rows: int) -> None:
    server = urlsplit(os.environ["AWS_ENDPOINT_URL"]).port or 0
    with Road(server, rows * 8 * 2 // 3) as road:
        writer = writing(storage, rows, AWS_ENDPOINT_URL=road.url)
        if not road.held.wait(PATIENCE_SECONDS):
            raise DrillError(f"the upload of {rows} rows did not come to its middle")
        writer.kill()
        writer.wait()


def writing(storage: str, rows: int, **environment: str) -> "subprocess.Popen":
    words = [storage, names.RAW_EVENTS, str(DAY), str(rows)]
    return subprocess.Popen([sys.executable, "-c", WRITER, *words], env=os.environ | environment)


def backfilled(folder: Path, _outage: float) -> Told:
    """Processes share a backfill into an object store: the same bytes as one after another."""
    folder.mkdir(parents=True)
    alone = str(folder / "storage")
    with source(folder) as (environment, first, last), object_store() as shared:
        commands = folder / "commands.log"
        backfill(environment, shared, first, last, commands)
        for start in range(0, BACKFILLED_DAYS, DAYS_PER_RUN):
            end = min(start + DAYS_PER_RUN, BACKFILLED_DAYS) - 1
            days = first + timedelta(days=start), first + timedelta(days=end)
            backfill(environment, alone, *days, commands)
        one, other = contents(alone), contents(shared)
    account = [
        f"{BACKFILLED_DAYS} days, {first} to {last}: {len(other)} files by processes that share",
        f"{len(one)} files by one after another, in other spans",
    ]
    differing = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
    reports = sum(name.startswith(names.DAILY_REPORT) for name in one)
    breaches = [f"wrong: {name} differs" for name in differing]
    if reports != 2 * BACKFILLED_DAYS:
        breaches.append(f"lost: {reports} files of reports, not {2 * BACKFILLED_DAYS}")
    return Told(account, breaches)


@contextmanager
def source(folder: Path) -> Iterator[tuple[dict[str, str], date, date]]:
    """Serve a source of so many days; yield what a command is told, its first and last day."""
    with embedded_postgres.start(folder / "postgres") as server:
        url = server.ensure_database("crm")
        create_tables(url)
        last = yesterday()
        first = fill_base(url, last, BACKFILLED_DAYS)
        told = {
            "SALES_ASSETS_VAR": str(folder),
            "SALES_ASSETS_SOURCE_URL": url,
            "SALES_ASSETS_REPORT_TZ": ZONE.key,
            "SALES_ASSETS_START_DATE": str(first),
            "DAGSTER_HOME": str(folder / "dagster"),
        }
        yield told, first, last


def backfill(told: dict[str, str], storage: str, first: date, last: date, log: Path) -> None:
    command = [sys.executable, "-m", "sales_assets.cli.main", "backfill", str(first), str(last)]
    with log.open("a") as output:
        done = subprocess.run(
            command,
            env=os.environ | told | {"SALES_ASSETS_STORAGE": storage},
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise DrillError(f"{' '.join(command)} ended with {done.returncode}; see {log}")


def contents(storage: str) -> dict[str, bytes]:
    base = FrameStore(storage).base
    found = {name_below(base, path): path for path in base.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if not name.startswith(OF_THE_MOMENT)
    }


def name_below(base: UPath, path: UPath) -> str:
    return str(path).removeprefix(str(base)).lstrip("/")
