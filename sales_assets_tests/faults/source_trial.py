"""A fault of the source tried through the command line: what is said and stored, which code."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner

from sales_assets.adapters.files.day_records import read_findings
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.cli.main import main
from sales_assets.core import journey, names
from sales_assets.core.errors import SalesAssetsError
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets_tests.base_source import ZONE, make_base, yesterday
from sales_assets_tests.sources import drop_database, execute

#: The report zone where none is set; a night's trial goes on with the next day's source.
#: No setting of whoever runs the tests comes in.
FOREIGN = ("SALES_ASSETS_", "DAGSTER_", "PG")
PASSWORD = "Reader-Passw0rd-Of-The-Tests"  # noqa: S105 - belongs to no database
#: What BASE's report says of its last day, by part.
FIGURES: Mapping[str, Mapping[str, int]] = {
    "new_paying": {"new paying": 4},
    "open_requests": {"requests due": 20},
    "first_line": {"first line late": 10},
    "funnel": {"entries": 140, "bought": 28},
}


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return f"{self.out}\n{self.err}"


#: Runs `sales-assets` with these arguments and settings in this folder.
Run = Callable[[Sequence[str], Mapping[str, str], Path], Answer]
Surroundings = Callable[["Trial"], AbstractContextManager[Mapping[str, str]]]


def _usual(_: "Trial") -> AbstractContextManager[Mapping[str, str]]:
    return nullcontext({})


@dataclass(frozen=True)
class Fault:
    """One fault of a source: how it is spoiled, and what report and doctor have to say of it.

    `change` is SQL on BASE; in all texts $DAY, $BEFORE and $NEXT stand for the report day and those
    around it, $ZONE for its zone and $LATER_ZONE for one whose clock is two hours ahead, $URL for
    the source's address ($REST: without its scheme), $FOLDER for the folder of the trial. `earlier`
    runs before the change, on BASE; `around` is what surrounds the commands and may change
    settings. Where the report is made, its figures are BASE's but for `figures` and the parts
    `not_counted`. `says` are patterns of what report and doctor both say, unless `doctor` has
    others; the doctor is bad where the report isn't made or lacks parts, unless told. `way_out` has
    to succeed afterwards.
    """

    name: str
    kind: str
    change: str = ""
    says: tuple[str, ...] = ()
    code: int = 0
    not_counted: tuple[str, ...] = ()
    doctor: tuple[str, ...] | None = None
    is_bad: bool | None = None
    figures: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    environment_file: bytes | None = None
    earlier: tuple[str, ...] = ()
    around: Surroundings = _usual
    way_out: tuple[str, ...] = ()
    #: The folder below the trial's in which the commands run.
    below: str = ""
    #: Runs beside the other tests, within one process.
    is_quick: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass
class Trial:
    """One fault on trial in a folder and a database of its own; `breaches` are what was wrong."""

    fault: Fault
    server: EmbeddedServer
    template: str
    folder: Path
    run: Run
    #: So many days are partitions, enough for the cohort and what is usual; each takes its time.
    days: int = 21
    breaches: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.day = yesterday()
        self.database = re.sub(r"\W+", "_", f"fault_{self.fault.name}")[:50].lower()
        drop_database(self.server, self.database)
        self.url = self.server.ensure_database(self.database, self.template)
        self.storage = str(self.folder / "var/storage")
        (self.folder / self.fault.below).mkdir(parents=True, exist_ok=True)

    def tried(self) -> list[str]:
        """Try the fault; return what was not as it has to be."""
        if self.fault.earlier:
            self._command(self.fault.earlier, self._settings({}), expected=0)
        if self.fault.change:
            execute(self.url, self.placed(self.fault.change).replace("%", "%%"))
        if self.fault.environment_file is not None:
            text = self.placed(self.fault.environment_file.decode("latin-1"))
            (self.folder / ".env").write_bytes(text.encode("latin-1"))
        with self.fault.around(self) as around:
            settings = self._settings({**around, **self.fault.settings})
            self.storage = settings.get("SALES_ASSETS_STORAGE", self.storage)
            # What this process saw of an object store must not hide what another one writes.
            before = self._stored()
            report = self._command(("report", "$DAY"), settings, expected=self.fault.code)
            self._examine_report(report, before, self._stored())
            self._examine_doctor(self._command(("doctor",), settings))
            if self.fault.way_out:
                self._command(self.fault.way_out, settings, expected=0)
        return self.breaches

    def drop(self) -> None:
        """Drop the trial's database."""
        drop_database(self.server, self.database)

    def placed(self, text: str, write: Callable[[str], str] = str) -> str:
        """Put the days, the zones, the address and the folder into a text."""
        hours = (datetime.now(ZONE).utcoffset() or timedelta()) // timedelta(hours=1) + 2
        values = {
            "$DAY": str(self.day),
            "$BEFORE": str(self.day - timedelta(days=1)),
            "$NEXT": str(self.day + timedelta(days=1)),
            "$ZONE": ZONE.key,
            "$LATER_ZONE": f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT",
            "$URL": self.url,
            "$REST": self.url.split(":", 1)[1],
            "$FOLDER": str(self.folder),
        }
        for name, value in values.items():
            text = text.replace(name, write(value))
        return text

    def _settings(self, changes: Mapping[str, str]) -> dict[str, str]:
        """The usual settings with changes; an empty value takes a name away."""
        usual = {
            "SALES_ASSETS_SOURCE_URL": self.url,
            "SALES_ASSETS_START_DATE": str(self.day - timedelta(days=self.days - 1)),
            "SALES_ASSETS_VAR": str(self.folder / "var"),
            "SALES_ASSETS_REPORT_TZ": ZONE.key,
            "SALES_ASSETS_LAST_CALL": "23:59",
            "DAGSTER_HOME": str(self.folder / "dagster"),
        }
        placed = {name: self.placed(value) for name, value in {**usual, **changes}.items()}
        return {name: value for name, value in placed.items() if value}

    def _command(
        self, arguments: Sequence[str], settings: Mapping[str, str], expected: int | None = None
    ) -> Answer:
        placed = [self.placed(one) for one in arguments]
        if placed == ["demo"]:
            settings = {name: settings[name] for name in ("SALES_ASSETS_VAR", "DAGSTER_HOME")}
        answer = self.run(placed, settings, self.folder / self.fault.below)
        told = f"{' '.join(placed)} exited with {answer.code}: {answer.all[-3000:]}"
        for word in ("Traceback", PASSWORD):
            if word in answer.all:
                self.breaches.append(f"{word} is there: {told}")
        if expected is not None and answer.code != expected:
            self.breaches.append(f"{expected} was expected: {told}")
        return answer

    def _stored(self) -> bytes | None:
        """The day's stored report; a storage that can't be read holds none."""
        with suppress(SalesAssetsError):
            store = FrameStore(self.storage)
            if self.day in store.days(names.DAILY_REPORT, ".json"):
                return store.path(names.DAILY_REPORT, self.day, ".json").read_bytes()
        return None

    def _examine_report(self, report: Answer, before: bytes | None, stored: bytes | None) -> None:
        if self.fault.code:
            self._expect(self.fault.says, report.all, "report")
            self.breaches += ["a report is stored"] if stored != before else []
        elif before or not stored:
            self.breaches.append(f"a report is there: before {bool(before)}, now {bool(stored)}")
        else:
            found = [one.sentence for one in read_findings(FrameStore(self.storage), self.day)]
            self._expect(self.fault.says, " ".join(found), "the day's findings")
            if found and not self.fault.says:
                self.breaches.append(f"nothing was to be found, but: {found}")
            self._examine_content(json.loads(stored))

    def _examine_content(self, content: dict[str, Any]) -> None:
        gone = tuple(content["not_counted"])
        if set(gone) != set(self.fault.not_counted):
            self.breaches.append(f"not counted is {gone}, not {self.fault.not_counted}")
        shown = figures_of(content)
        for part, figures in FIGURES.items():
            expected = {} if part in gone else {**figures, **self._own_figures(figures)}
            told = {name: shown[name] for name in expected}
            if told != expected:
                self.breaches.append(f"{part} has {told}, not {expected}")

    def _own_figures(self, figures: Mapping[str, int]) -> dict[str, int]:
        return {name: self.fault.figures[name] for name in figures if name in self.fault.figures}

    def _examine_doctor(self, doctor: Answer) -> None:
        fault = self.fault
        is_bad = bool(fault.code or fault.not_counted) if fault.is_bad is None else fault.is_bad
        if doctor.code != int(is_bad):
            self.breaches.append(f"doctor exits with {doctor.code}: {doctor.all}")
        self._expect(fault.says if fault.doctor is None else fault.doctor, doctor.all, "doctor")

    def _expect(self, patterns: Sequence[str], text: str, who: str) -> None:
        for pattern in patterns:
            if not re.search(self.placed(pattern, re.escape), text):
                self.breaches.append(f"{who} doesn't say {pattern!r}: {text[-3000:]}")


def figures_of(content: Mapping[str, Any]) -> dict[str, int | None]:
    """The figures of `FIGURES` in a report; None for what isn't counted."""
    numbers = content["numbers"]
    processes = numbers.get("unclosed_processes") or {}
    funnel = ((numbers.get("conversion_funnel") or {}).get("all") or {}).get("main", {})
    paths: Mapping[str, tuple[Mapping[str, Any], str, str]] = {
        "new paying": (numbers, "new_paying_users", "new_paying"),
        "requests due": (processes, journey.OPEN_REQUESTS, "due"),
        "first line late": (processes, journey.FIRST_LINE, "breached"),
        "entries": (funnel, journey.REQUEST_CREATED, "users"),
        "bought": (funnel, journey.PURCHASE, "users"),
    }
    return {name: (of.get(owner) or {}).get(key) for name, (of, owner, key) in paths.items()}


def base_template(server: EmbeddedServer) -> str:
    """Fill BASE once; return its database's name."""
    name = f"fault_base_{yesterday():%m%d}"
    url = server.ensure_database(name)
    make_base(url, yesterday())
    return name


# --- The two ways to run a command ----------------------------------------------------------


@contextmanager
def _within(settings: Mapping[str, str], folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, settings, clear=False))
        for name in [name for name in os.environ if name.startswith(FOREIGN)]:
            if name not in settings:
                del os.environ[name]
        before = Path.cwd()
        os.chdir(folder)
        stack.callback(os.chdir, before)
        yield


def within_this_process(
    arguments: Sequence[str], settings: Mapping[str, str], folder: Path
) -> Answer:
    """Run the command in this process, which is quick."""
    with _within(settings, folder):
        result = CliRunner().invoke(main, arguments)
    odd = result.exception and not isinstance(result.exception, SystemExit)
    told = f"\nTraceback: {result.exception!r}" if odd else ""
    return Answer(result.exit_code, result.stdout, result.stderr + told)


def as_a_process(arguments: Sequence[str], settings: Mapping[str, str], folder: Path) -> Answer:
    """Run the command as an operator does."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    done = subprocess.run(
        [Path(sys.executable).with_name("sales-assets"), *arguments],
        env={**own, **settings},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return Answer(done.returncode, done.stdout, done.stderr)
