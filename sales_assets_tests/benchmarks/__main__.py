"""`make bench`: what the product costs, and how often its judges are right.

Prints tables and fails at nothing: machines differ, and small samples do.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sales_assets.core.errors import SalesAssetsError
from sales_assets_tests.benchmarks import completeness_goals, verdict_goals

FULL_DAYS, FULL_REQUESTS = 300, 2510
SMALL_DAYS, SMALL_REQUESTS = 60, 200
SHORT_HISTORY, LONG_HISTORY, FEW_REQUESTS = 80, 800, 25
GROUP_HISTORY = 100


class Bench:
    """Runs tasks in processes of their own, over demo sources under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, task: str, var: str, **arguments: Any) -> dict[str, Any]:
        """Run one task over the source called `var` and return its figures."""
        module = "sales_assets_tests.benchmarks.tasks"
        command = [sys.executable, "-m", module, task, str(self.folder / var)]
        done = subprocess.run(
            [*command, json.dumps(arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        if done.returncode:
            raise SalesAssetsError(f"The benchmark {task} {arguments} failed:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def storage(self, name: str) -> str:
        """Return a folder of its own for a task's frames."""
        return str(self.folder / "frames" / name)


def pipeline(bench: Bench, *, full: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """All frames of many days, by the core alone and through Dagster."""
    days, requests = (FULL_DAYS, FULL_REQUESTS) if full else (SMALL_DAYS, SMALL_REQUESTS)
    source = f"{days} days, {requests} requests a day"
    loaded = bench.run("load", "source", days=days, requests=requests)
    yield f"load the demo source: {source}", loaded
    yield (
        f"{days} days, core alone",
        bench.run("core", "source", days=days, storage=bench.storage("core")),
    )
    yield (
        f"{days} days, through Dagster",
        bench.run("dagster", "source", days=days, storage=bench.storage("dagster")),
    )


def one_day(bench: Bench, *, full: bool) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ARG001 - called like the others
    """One day's run over a history, and over one ten times as long."""
    for history in (SHORT_HISTORY, LONG_HISTORY):
        var = f"history-{history}"
        bench.run("load", var, days=history, requests=FEW_REQUESTS)
        figures = bench.run("dagster", var, days=1, warm_days=1, storage=bench.storage(var))
        yield f"one day after {history} days of history", figures


def groups(bench: Bench, *, full: bool) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ARG001 - called like the others
    """How steady the client groups are over 60 days of demo data."""
    bench.run("load", "groups", days=GROUP_HISTORY, requests=60)
    yield "groups of 60 neighbouring days", bench.run("groups", "groups")


def picture(bench: Bench, *, full: bool) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ARG001 - called like the others
    """How long a picture takes."""
    yield "picture, built and rendered", bench.run("picture", "none")


def telegram(bench: Bench, *, full: bool) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ARG001 - called like the others
    """Whether slow chats, and a stranger's flood, keep the others waiting."""
    yield "deliver to 1,000 chats, 3 % of them odd", bench.run("fairness", "fairness")
    yield "the chief's answer under a stranger's 40 words", bench.run("flooded", "flooded")


COSTS = {suite.__name__: suite for suite in (pipeline, one_day, groups, picture, telegram)}
#: How right the judges are: the day's in simulated desks, completeness in the demo's journeys.
GOALS = {"verdict": verdict_goals.figures, "completeness": completeness_goals.demo_figures}


@click.command()
@click.argument("suites", nargs=-1, type=click.Choice(sorted([*COSTS, *GOALS])))
@click.option("--full", is_flag=True, help="The big one: 300 days of 5 million rows.")
def main(suites: tuple[str, ...], full: bool) -> None:  # noqa: FBT001 - click's flag
    """Measure SUITES (all of them if none is named) and print the figures.

    Of costs each figure is one process's wall clock, its own CPU time and its peak memory; of the
    judges it stands beside the goal of docs/verdict.md. The defaults end within ten minutes.
    """
    chosen = suites or (*COSTS, *GOALS)
    with tempfile.TemporaryDirectory(prefix="sales-assets-bench-") as folder:
        bench = Bench(Path(folder))
        for name in (name for name in chosen if name in COSTS):
            click.echo(f"{name:<52} {'seconds':>8} {'CPU s':>7} {'peak MB':>8}")
            for what, figures in COSTS[name](bench, full=full):
                click.echo(_line(what, figures))
    for name in (name for name in chosen if name in GOALS):
        click.echo(f"{name}: what, the goal, what was found, over how much")
        for figure in GOALS[name]():
            click.echo(str(figure))


def _line(what: str, figures: dict[str, Any]) -> str:
    seconds, cpu, peak = (figures.pop(key) for key in ("seconds", "cpu_seconds", "peak_mb"))
    others = ", ".join(f"{name} {value}" for name, value in figures.items())
    return f"{what:<52} {seconds:>8.1f} {cpu:>7.1f} {peak:>8}  {others}".rstrip()


if __name__ == "__main__":
    main()
