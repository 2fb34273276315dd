"""The table: what was measured beside what, the goals, and `docs/benchmarks.md`."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from sales_assets_tests.benchmarks.processes import Measured

SECONDS, MEGABYTES = "s", "MB"


@dataclass(frozen=True)
class Figure:
    """One row: what some work took, what stands beside it, and the goal.

    `goal` is the most that the median may be: times that of `beside`, or in `unit` where nothing
    stands beside; None where the row is there to be looked at.
    """

    work: str
    ours: Sequence[float]
    goal: float | None = None
    beside: Sequence[float] = ()
    rival: str = ""
    unit: str = SECONDS

    @property
    def ratio(self) -> float | None:
        """How many times what stands beside it."""
        return (
            statistics.median(self.ours) / statistics.median(self.beside) if self.beside else None
        )

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        found = statistics.median(self.ours) if self.ratio is None else self.ratio
        return None if self.goal is None else found <= self.goal

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        factor = "×" if self.beside else self.unit
        return (
            self.work,
            _spread(self.ours, self.unit),
            f"{self.rival} {_spread(self.beside, self.unit)}" if self.beside else "",
            "" if self.ratio is None else f"{self.ratio:.3g}",
            "" if self.goal is None else f"≤ {self.goal:.3g} {factor}",
            {None: "", True: "met", False: "MISSED"}[self.is_met],
        )

    def __str__(self) -> str:
        """Return the row as a line for the terminal."""
        work, *others = self.cells
        return f"{work}: {' | '.join(filter(None, others))}"


def process_cells(name: str, runs: Sequence[Measured]) -> tuple[str, ...]:
    """Return what the runs of one process took, as text."""
    return (
        name,
        str(len(runs)),
        _spread([run.wall for run in runs]),
        _spread([run.cpu for run in runs]),
        f"{max(run.peak_mb for run in runs):.0f}",
    )


def _spread(values: Sequence[float], unit: str = "") -> str:
    """Return the median, and of several values the lowest and the highest."""
    text = f"{statistics.median(values):.3g} {unit}".rstrip()
    return f"{text} ({min(values):.3g}–{max(values):.3g})" if len(values) > 1 else text


def machine(postgres: str) -> str:
    """Return what was measured on, without its name."""
    models = [line for line in _cpu_info() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.processor()
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GB of memory, {platform.system()}; Python "
        f"{platform.python_version()}, Dagster {version('dagster')}, Postgres {postgres}."
    )


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def page(
    figures: Sequence[Figure],
    processes: Mapping[str, Sequence[Measured]],
    machine: str,
    seconds: str = "the clock",
    left_out: Sequence[str] = (),
) -> str:
    """Return the text of docs/benchmarks.md; `seconds` says whose they are.

    Suites `left_out` of the run are named.
    """
    missing = f"\nLeft out of this run: {', '.join(left_out)}." if left_out else ""
    goals = _table(
        ("work", "ours", "beside", "ratio", "goal", ""), [figure.cells for figure in figures]
    )
    every = _table(
        ("process", "runs", "wall, s", "CPU, s", "peak, MB"),
        [process_cells(name, runs) for name, runs in processes.items()],
    )
    return INTRODUCTION.format(
        machine=machine, seconds=seconds, missing=missing, goals=goals, processes=every
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


INTRODUCTION = """\
# Benchmarks

`make bench` wrote this page (`make bench QUICK=1` measures the smallest sizes in minutes and only
prints). {machine}

Whole processes, from their start to their end, all of one run of `make bench`; medians, with the
lowest and the highest in brackets. A ratio is ours to what stands beside it. Seconds under
"Goals" are those of {seconds}.{missing}

- **Source**: the demo's journeys of 300 days, 0.1 million rows, copied for other clients (and, for
  a longer history, into earlier days) in the embedded Postgres with its settings
  (`demo/embedded_postgres.py`: no parallel workers, default buffers). Indexes: a primary
  key on an `id`, and those of [source.md](source.md). Rows lie in the order of their times, or
  shuffled where that is said.
- **Old bot**: its work in our words, `benchmarks/old_bot.py`: the whole events, dictionary and
  payments through `pandas.read_sql`, three metrics of one day, two plots. Its 300 days are three
  measured days times 100.
- **Bare read**: a process that reads the three columns of events and the two of payments by ADBC
  and drops them.
- **The libraries alone**: a process that imports what a day is made with, and lets Dagster run as
  many assets that do nothing. Nothing that keeps its days in Dagster is faster than that.
- **Steady day**: `sales-assets report DAY` after the day before was reported. **First day**: the
  same on an empty storage, which reads the lookback, too.

## Goals

{goals}

## Every process

CPU and peak are those of a process and of all that it waits for; the peak is that of the largest.
Postgres stands apart: it runs anyway.

{processes}
"""
