"""What the product costs beside the old bot, the bare read and Dagster, against the goals.

A suite is named on the command line; it yields figures.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sales_assets_tests.benchmarks.bench import Bench, World
from sales_assets_tests.benchmarks.dev import dev_times
from sales_assets_tests.benchmarks.processes import cpu_of_server
from sales_assets_tests.benchmarks.recipe import Recipe
from sales_assets_tests.benchmarks.table import MEGABYTES, Figure

TENTH, MILLION, FIVE, TWENTY = Recipe(1), Recipe(10), Recipe(50), Recipe(200)
HALF = Recipe(5)
OLD_BOT_DAYS, QUICK_DAYS = 3, 30
DEMO_ZONE = ZoneInfo("Europe/Moscow")
SMALL_IMPORTS, DEV_RUNS = 5, 3
DAGSTER, LOCATION = "import dagster", "import of the code location"
LIBRARIES = "the libraries alone: their imports, and a run of empty assets"


def steady(bench: Bench) -> Iterator[Figure]:
    """A day after the day before: the lookback is stored."""
    for recipe, goal in _sizes(bench, {TENTH: 1, MILLION: 1 / 2, FIVE: 1 / 10}):
        name, days, world = f"steady day, {recipe}", bench.days(recipe), bench.world(recipe)
        bench.product(f"report {days[0] - timedelta(days=1)}", world)
        old = ""
        for day in days:
            old = bench.old_bot(recipe, day)
            bench.product(f"report {day}", world, name)
        yield Figure(name, bench.seconds(name), goal, bench.seconds(old), "old bot")
        memory_goal = goal if recipe.copies == FIVE.copies else None
        memory = f"{name}: memory"
        yield Figure(memory, bench.peaks(name), memory_goal, bench.peaks(old), "old bot", MEGABYTES)


def first(bench: Bench) -> Iterator[Figure]:
    """A day on an empty storage: the lookback is read, too."""
    for recipe, goal in _sizes(bench, {TENTH: 2, FIVE: 1 / 2}):
        name, of_server, old = f"first day, {recipe}", [], ""
        for day in bench.days(recipe):
            old, world = bench.old_bot(recipe, day), bench.world(recipe)
            before = cpu_of_server(bench.server.folder)
            bench.product(f"report {day}", world, name)
            of_server.append(cpu_of_server(bench.server.folder) - before)
        yield Figure(name, bench.seconds(name), goal, bench.seconds(old), "old bot")
        yield Figure(f"{name}: the server's CPU", of_server, 8)


def days300(bench: Bench) -> Iterator[Figure]:
    """All days of the source through Dagster, with and without the pictures."""
    for recipe, _ in _sizes(bench, {TENTH if bench.quick else FIVE: 0}):
        judged = not bench.quick
        days, span = _span(bench, recipe)
        read = _bare_read(bench, recipe)
        frames = _frames(bench, recipe)
        without = f"{days} days without pictures, {recipe}"
        yield _beside(bench, without, frames, read, 10 if judged else None)
        if recipe.shuffled:
            continue
        name = f"{days} days with pictures, {recipe}"
        bench.product(f"backfill {span}", bench.world(recipe), name)
        yield _beside(bench, name, name, read, 25 if judged else None)
        run = bench.processes[name][0]
        at_work = f"{name}: both cores at work, wall beside its CPU"
        yield Figure(at_work, [run.wall], 2 / 3 if judged else None, [run.cpu], "CPU")
        yield Figure(f"{name}: the largest process", [run.peak_mb], 700, unit=MEGABYTES)
        old = ""
        for number in range(OLD_BOT_DAYS):
            old = bench.old_bot(recipe, recipe.last_day - timedelta(days=number))
        of_days = bench.seconds(old)
        measured = sum(of_days) / len(of_days) * days
        rival = f"old bot ({len(of_days)} measured days, times {days / len(of_days):g})"
        yield Figure(name, bench.seconds(name), None, [measured], rival)


def history(bench: Bench) -> Iterator[Figure]:
    """The same days over a history ten times longer."""
    short = TENTH if bench.quick else HALF
    long = short._replace(longer=10)
    worlds = {recipe: bench.world(recipe) for recipe in (short, long)}
    days = bench.days(short)
    for world in worlds.values():
        bench.product(f"report {days[0] - timedelta(days=1)}", world)
    for day in days:
        for recipe, world in worlds.items():
            bench.product(f"report {day}", world, f"steady day, {recipe}")
            bench.product(f"report {day}", bench.world(recipe), f"first day, {recipe}")
    for what in ("steady day", "first day"):
        ours, beside = (bench.seconds(f"{what}, {recipe}") for recipe in (long, short))
        yield Figure(f"{what}, {long}", ours, 1.1, beside, f"{short}")


def growth(bench: Bench) -> Iterator[Figure]:
    """Four times the rows in the same days; not in a quick run."""
    if not bench.quick:
        small, large = (bench.seconds(_frames(bench, recipe)) for recipe in (FIVE, TWENTY))
        times = TWENTY.copies / FIVE.copies
        linear = [seconds * times for seconds in small]
        what = f"300 days without pictures, {TWENTY}"
        yield Figure(what, large, 1.1, linear, f"{times:g} × {FIVE}")


def imports(bench: Bench) -> Iterator[Figure]:
    """What every start costs."""
    world = bench.world()
    for statement in ("import dagster", "import sales_assets.definitions"):
        bench.run(["-c", statement], world)  # its bytecode is written now
    for _ in range(_runs(bench, SMALL_IMPORTS)):
        _import_dagster(bench, world)
        _import_location(bench, world)
    yield _beside(bench, LOCATION, LOCATION, DAGSTER, 1.5)
    yield Figure(f"{LOCATION}: memory", bench.peaks(LOCATION), 110, unit=MEGABYTES)
    day, runs = str(TENTH.first_day), _runs(bench, SMALL_IMPORTS)
    for name in ("", *(LIBRARIES,) * runs):  # first the instance's files are made
        bench.task("libraries", world, name, day=day)
    old = ""
    for _ in range(runs):
        old = bench.old_bot(TENTH, TENTH.last_day)
    yield Figure(LIBRARIES, bench.seconds(LIBRARIES), None, bench.seconds(old), "old bot")


def doctor(bench: Bench) -> Iterator[Figure]:
    """The doctor on the demo, whose server it has to start."""
    world, name = _demo(bench), "doctor on the demo"
    for _ in range(_runs(bench, SMALL_IMPORTS)):
        _import_location(bench, world)
        bench.product("doctor", world, name)
    yield _beside(bench, name, name, LOCATION, 1.3)


def dev(bench: Bench) -> Iterator[Figure]:
    """The UI until it answers, and a day launched in it; by the clock alone."""
    world = _demo(bench)
    yesterday = datetime.now(UTC).astimezone(DEMO_ZONE).date() - timedelta(days=1)
    times = []
    for _ in range(_runs(bench, DEV_RUNS)):
        _import_dagster(bench, world)
        times.append(dev_times(*world, yesterday))
    dagster = [run.wall for run in bench.processes[DAGSTER]]
    served, delivered, of_run = zip(*times, strict=True)
    yield Figure("`make dev` until the UI answers", served, 10, dagster, DAGSTER)
    launched = "a day launched in it until delivered"
    yield Figure(launched, delivered, 10, dagster, DAGSTER)
    yield Figure(f"{launched}: ours, from its run's start to its end", of_run, 3)


COSTS = {
    suite.__name__: suite
    for suite in (imports, doctor, dev, steady, first, history, days300, growth)
}


def _sizes(bench: Bench, goals: Mapping[Recipe, float]) -> Iterator[tuple[Recipe, float]]:
    """Yield the sources with their goals, in both physical orders; quickly the smallest alone."""
    for recipe, goal in goals.items():
        yield recipe, goal
        if bench.quick:
            return
        yield recipe._replace(shuffled=True), goal


def _runs(bench: Bench, runs: int) -> int:
    return 1 if bench.quick else runs


def _beside(bench: Bench, work: str, name: str, rival: str, goal: float | None) -> Figure:
    label = rival.partition(",")[0]
    return Figure(work, bench.seconds(name), goal, bench.seconds(rival), label)


def _span(bench: Bench, recipe: Recipe) -> tuple[int, str]:
    """Return how many days a range has, and its first and last day as words."""
    days = QUICK_DAYS if bench.quick else (recipe.last_day - recipe.first_day).days + 1
    return days, f"{recipe.last_day - timedelta(days=days - 1)} {recipe.last_day}"


def _bare_read(bench: Bench, recipe: Recipe) -> str:
    name = f"bare read, {recipe}"
    for _ in range(bench.runs(recipe)):
        bench.task("bare_read", bench.world(), name, url=bench.url(recipe))
    return name


def _frames(bench: Bench, recipe: Recipe) -> str:
    """Measure a range without pictures, unless it is already; return its name."""
    days, span = _span(bench, recipe)
    name = f"{days} days without pictures, {recipe}"
    if name not in bench.processes:
        start, end = span.split()
        bench.task("frames", bench.world(recipe), name, first=start, last=end)
    return name


def _import_dagster(bench: Bench, world: World) -> None:
    bench.run(["-c", "import dagster"], world, DAGSTER)


def _import_location(bench: Bench, world: World) -> None:
    bench.run(["-c", "import sales_assets.definitions"], world, LOCATION)


def _demo(bench: Bench) -> World:
    """Return a world of its own with the demo of this hour, kept for the next run."""
    world = bench.world(folder=bench.cache / "demo")
    bench.product("demo", world)
    return world
