"""`make bench`: what the product costs, and how often its judges are right.

Prints what it measures and fails at nothing but a process that does: machines differ.
"""

import signal
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

from sales_assets.core.errors import SalesAssetsError
from sales_assets.demo import embedded_postgres
from sales_assets_tests.benchmarks import table
from sales_assets_tests.benchmarks.bench import Bench
from sales_assets_tests.benchmarks.costs import COSTS, TENTH
from sales_assets_tests.benchmarks.table import Figure

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "benchmarks.md"


def groups(bench: Bench) -> Iterator[str]:
    """How steady the client groups are over 60 days of demo data."""
    last = str(TENTH.last_day)
    yield f"groups: {bench.task('groups', bench.world(), url=bench.url(TENTH), last=last)}"


def telegram(bench: Bench) -> Iterator[str]:
    """Whether slow chats, and a stranger's flood, keep the others waiting."""
    for task, what in (
        ("fairness", "deliver to 1,000 chats, 3 % of them odd"),
        ("flooded", "the chief's answer under a stranger's 40 words"),
    ):
        world = bench.world()
        yield f"{what}: {bench.task(task, world, var=str(world.folder))}"


def verdict(_: Bench) -> Iterator[str]:
    """How right the day's judge is in simulated desks."""
    yield from map(str, import_module("sales_assets_tests.benchmarks.verdict_goals").figures())


def completeness(_: Bench) -> Iterator[str]:
    """How right the judge of completeness is in the demo's journeys."""
    module = import_module("sales_assets_tests.benchmarks.completeness_goals")
    yield from map(str, module.demo_figures())


#: After the costs: the judges are measured in this process, which has to be small until then.
OTHERS = {suite.__name__: suite for suite in (groups, telegram, verdict, completeness)}


@click.command()
@click.argument("suites", nargs=-1, type=click.Choice([*COSTS, *OTHERS]))
@click.option("--quick", is_flag=True, help="The smallest sizes, one run each, costs alone.")
@click.option("--cpu", is_flag=True, help="Judge CPU seconds, on a machine that others use.")
@click.option("--page", is_flag=True, help="Write docs/benchmarks.md, whatever was measured.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=PROJECT / "var" / "bench",
    help="Where the sources are kept.  [default: var/bench]",
)
def main(suites: tuple[str, ...], quick: bool, cpu: bool, page: bool, cache: Path) -> None:  # noqa: FBT001 - click's flags
    """Measure SUITES, or all of them: what the product costs, and how right its judges are.

    A whole run, and no quick one, writes docs/benchmarks.md. Exits with 1 where a process failed;
    a goal that is missed is only told.
    """
    chosen = suites or (*COSTS, *(() if quick else OTHERS))
    # Ended so, it ends what it measures and takes its folder away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    cache.mkdir(parents=True, exist_ok=True)
    with (
        embedded_postgres.start(cache / "postgres") as server,
        tempfile.TemporaryDirectory(prefix="work-", dir=cache) as work,
    ):
        bench = Bench(cache.absolute(), Path(work).absolute(), server, quick, cpu)
        figures, has_failed = _measure(bench, [name for name in COSTS if name in chosen])
        if page or not (suites or quick or cpu or has_failed):
            machine = table.machine(embedded_postgres.MAJOR_VERSION)
            seconds = "the CPU, for the machine had other work" if cpu else "the clock"
            left_out = [name for name in COSTS if name not in chosen]
            PAGE.write_text(table.page(figures, bench.processes, machine, seconds, left_out))
            click.echo(f"written: {PAGE}")
        for name in (name for name in OTHERS if name in chosen):
            for line in OTHERS[name](bench):
                click.echo(line)
    sys.exit(has_failed)


def _measure(bench: Bench, suites: list[str]) -> tuple[list[Figure], bool]:
    """Run suites, each whatever became of the others; return their figures, and if one failed."""
    figures, has_failed = [], False
    for name in suites:
        try:
            figures.extend(COSTS[name](bench))
        except SalesAssetsError as error:
            click.echo(f"The suite {name} broke off: {error}", err=True)
            has_failed = True
    for figure in figures:
        click.echo(str(figure))
    return figures, has_failed


if __name__ == "__main__":
    main()
