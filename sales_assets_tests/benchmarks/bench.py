"""Runs the processes of the benchmark, one at a time, and keeps what they took by name."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import click

from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets_tests.benchmarks.processes import Measured, measured
from sales_assets_tests.benchmarks.recipe import Recipe
from sales_assets_tests.benchmarks.table import process_cells

MODULES = "sales_assets_tests.benchmarks"


class World(NamedTuple):
    """A folder of its own for the product, over one source, and the settings that say so."""

    folder: Path
    environment: Mapping[str, str]


@dataclass
class Bench:
    """One run of the benchmark: `cache` keeps the sources, `work` is thrown away.

    With `by_cpu` seconds are those of the CPU, for a machine that others use.
    """

    cache: Path
    work: Path
    server: EmbeddedServer
    quick: bool = False
    by_cpu: bool = False
    processes: dict[str, list[Measured]] = field(default_factory=dict)
    _worlds: count = field(default_factory=count)
    _loaded: set[Recipe] = field(default_factory=set)

    def url(self, recipe: Recipe) -> str:
        """Return the URL of a source: filled if it wasn't, and read once, so that it is warm."""
        if recipe not in self._loaded:
            click.echo(f"The source {recipe.database} is loaded, where it isn't yet.", err=True)
            folder = str(self.server.folder)
            self.task("source", self.world(), folder=folder, recipe=recipe._asdict())
            self._loaded.add(recipe)
            self.task("bare_read", self.world(), url=self.url(recipe))
        return self.server.url(recipe.database)

    def world(self, recipe: Recipe | None = None, folder: Path | None = None) -> World:
        """Return a new, empty folder of the product over a source, without one the demo's."""
        folder = folder or self.work / f"world-{next(self._worlds)}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".env").touch()  # the nearest one: no settings of the project reach the product
        others = {
            name: text for name, text in os.environ.items() if not name.startswith("SALES_ASSETS_")
        }
        settings = {"SALES_ASSETS_VAR": str(folder), "DAGSTER_HOME": str(folder / "dagster")}
        if recipe:
            settings["SALES_ASSETS_SOURCE_URL"] = self.url(recipe)
            settings["SALES_ASSETS_START_DATE"] = str(recipe.first_day)
        return World(folder, {**others, "PYTHONWARNINGS": "ignore", **settings})

    def run(self, arguments: list[str], world: World, name: str = "") -> Measured:
        """Run Python with `arguments` in a world; with a `name` it is measured."""
        took = measured([sys.executable, *arguments], world.folder, world.environment)
        if name:
            self.processes.setdefault(name, []).append(took)
            click.echo(" | ".join(process_cells(name, [took])))
        return took

    def task(self, task: str, world: World, name: str = "", **arguments: Any) -> dict[str, Any]:
        """Run a task of `tasks.py`, and return its figures."""
        command = ["-m", f"{MODULES}.tasks", task, json.dumps(arguments)]
        said = self.run(command, world, name).output
        return json.loads(said.splitlines()[-1])

    def product(self, command: str, world: World, name: str = "") -> Measured:
        """Run `sales-assets` with the words of `command`."""
        return self.run(["-m", "sales_assets.cli.main", *command.split()], world, name)

    def old_bot(self, recipe: Recipe, day: date) -> str:
        """Measure the old bot over a day, until it has as many runs as were asked; its name."""
        name, world = f"old bot, {recipe}", self.world(recipe)
        if len(self.processes.get(name, [])) < self.runs(recipe):
            module = f"{MODULES}.old_bot"
            self.run(["-m", module, self.url(recipe), str(day), str(world.folder)], world, name)
        return name

    def runs(self, recipe: Recipe) -> int:
        """Return how often each process over a source runs: few times where it takes long."""
        return 1 if self.quick else 3 if recipe.copies >= 50 else 5

    def days(self, recipe: Recipe) -> list[date]:
        """Return the last days of a source, one for each run."""
        count = self.runs(recipe)
        return [recipe.last_day - timedelta(days=n) for n in reversed(range(count))]

    def seconds(self, name: str) -> list[float]:
        """Return the seconds of each run of a process."""
        return [run.cpu if self.by_cpu else run.wall for run in self.processes[name]]

    def peaks(self, name: str) -> list[float]:
        """Return the peak of each run of a process, in MB."""
        return [run.peak_mb for run in self.processes[name]]
