"""How often the judge of completeness is right, against the goals of docs/verdict.md.

    python -m sales_assets_tests.benchmarks.completeness_goals [--data FOLDER]

prints a line per goal for the simulated desks and the demo data and, with the folder of a
stranger's log, for that too. It takes some minutes.
"""

import time as clock
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click
import numpy as np

from sales_assets.core import journey
from sales_assets.core.judgement.day_completeness import State
from sales_assets_tests.benchmarks.source_worlds import (
    DAY,
    DESK,
    NIGHT_DESK,
    SMALL_DESK,
    WEEKDAY_DESK,
    Desk,
    SourceLog,
    demo_log,
    stranger_log,
)

CUT = (State.EMPTY, State.ENDS_EARLY, State.HOLE)
HISTORY_DAYS, SHORTEST_HISTORY = 56, 14
CUTS = 200
#: A year of each simulated desk.
SEEDS, FIRST_DAY, YEAR = (1, 2, 3, 4), date(2023, 1, 2), 365
#: Every 29th day, so on any weekday.
HOLIDAYS = tuple(FIRST_DAY + timedelta(days=29 * n) for n in range(20))
#: Before its first day the demo has no clients, so its first weeks are quieter.
DEMO_FIRST_DAY, DEMO_JUDGED_FROM = date(2023, 10, 1), date(2024, 1, 15)
DEMO_TODAY = date(2025, 10, 1)
REQUESTS, FEW_REQUESTS = 60, 3
STRANGER_FIRST_DAY, STRANGER_LAST_DAY = date(2011, 10, 1), date(2012, 2, 29)
STRANGER_HOLIDAYS = (date(2011, 12, 25), date(2011, 12, 26), date(2012, 1, 1))
SATURDAY = 5


@dataclass(frozen=True)
class Mode:
    """When the source is read after a day, and whether rows after the day are there."""

    words: str
    lateness: timedelta
    rows_after: bool = False


AT_MIDNIGHT = Mode("read at midnight", timedelta(0))
IN_THE_MORNING = Mode("read at 08:45", timedelta(hours=8, minutes=45))
ROWS_AFTER = Mode("the next day's rows there", IN_THE_MORNING.lateness, rows_after=True)
MODES = (AT_MIDNIGHT, IN_THE_MORNING, ROWS_AFTER)


@dataclass(frozen=True)
class Figure:
    """How many `of` days got the answer that is counted, beside the goal in words."""

    what: str
    goal: str
    counted: int
    of: int
    note: str = ""

    def __str__(self) -> str:
        share = 100 * self.counted / max(self.of, 1)
        return (
            f"{self.what:<60} {self.goal:>13} {self.counted:>5} of {self.of:<5} {share:6.2f} %"
            f"  {self.note}"
        )


@dataclass(frozen=True)
class World:
    """A log and those of its days that are judged."""

    name: str
    log: SourceLog
    days: Sequence[date]

    def false_words(self, goal: str) -> Iterator[Figure]:
        """Judge every whole day: words about the source, and about types."""
        for mode in (AT_MIDNIGHT, IN_THE_MORNING):
            judged = {day: self.log.reading(day, _end(day) + mode.lateness) for day in self.days}
            answers = {day: reading.judged() for day, reading in judged.items()}
            cut = [day for day, answer in answers.items() if answer.state in CUT]
            lacking = [day for day, answer in answers.items() if answer.missing]
            for what, found in (("empty, ends_early, hole", cut), ("types_missing", lacking)):
                words = f"{self.name}: false {what}, {mode.words}"
                note = ", ".join(f"{day} {answers[day].missing}" for day in found[:3])
                yield Figure(words, goal, len(found), len(self.days), note)

    def cuts(
        self, goal: str, hours: tuple[float, float], modes: Sequence[Mode]
    ) -> Iterator[Figure]:
        """Cut days at any time between two hours and read them."""
        random = np.random.default_rng(7)
        for mode in modes:
            days = random.choice(np.array(self.days, dtype=object), CUTS)
            found = [self._finds_cut(day, random.uniform(*hours), mode) for day in days]
            what = f"{self.name}: cut between {hours[0]:g} and {hours[1]:g} h, {mode.words}"
            yield Figure(what, goal, sum(found), CUTS)

    def absences(self, goal: str, kind: str, hour: int) -> Figure:
        """Lose a type from an hour of the day on."""
        found = 0
        for day in self.days:
            log = self.log.without(datetime.combine(day, time(hour)), kind=kind)
            found += kind in log.reading(day, _end(day) + IN_THE_MORNING.lateness).judged().missing
        what = f"{self.name}: {kind} absent from {hour}:00"
        return Figure(what, goal, found, len(self.days))

    def _finds_cut(self, day: date, hour: float, mode: Mode) -> bool:
        start = datetime.combine(day, time()) + timedelta(seconds=int(3600 * hour))
        log = self.log.without(start, _end(day) if mode.rows_after else None)
        answer = log.reading(day, _end(day) + mode.lateness).judged()
        return answer.state in CUT and (answer.ends_at or start) <= start


def desk_world(name: str, desk: Desk, seed: int, days: int = YEAR) -> World:
    """Simulate a desk and judge all days with eight weeks before them."""
    log = desk.log(FIRST_DAY, HISTORY_DAYS + days + 1, seed, HOLIDAYS)
    first = FIRST_DAY + timedelta(days=HISTORY_DAYS)
    return World(name, log, [first + n * DAY for n in range(days)])


def desk_figures() -> Iterator[Figure]:
    """The simulated desks."""
    desks = [desk_world("400 rows", DESK, seed) for seed in SEEDS]
    small = [desk_world("20 rows", SMALL_DESK, seed) for seed in SEEDS]
    shut = [desk_world("weekdays only", WEEKDAY_DESK, seed) for seed in SEEDS]
    nights = [desk_world("weekdays and nights", NIGHT_DESK, seed) for seed in SEEDS]
    yield from _summed(world.false_words("<= 1 in 1000") for world in desks)
    yield from _summed(world.false_words("<= 1 in 300") for world in small)
    yield from _summed(world.false_words("0 of 1260") for world in shut)
    yield from _summed(world.false_words("<= 1 in 1000") for world in nights)
    yield from _found(desks[0])


def demo_figures() -> Iterator[Figure]:
    """The demo data, as in the shared cases."""
    for name, requests, goal in (
        ("demo 400", REQUESTS, "<= 1 in 1000"),
        ("demo 20", FEW_REQUESTS, "<= 1 in 300"),
    ):
        days = [DEMO_JUDGED_FROM + n * DAY for n in range((DEMO_TODAY - DEMO_JUDGED_FROM).days - 1)]
        world = World(name, demo_log(DEMO_FIRST_DAY, DEMO_TODAY, requests), days)
        yield from world.false_words(goal)
        if requests == REQUESTS:
            yield from _found(world)


def stranger_figures(folder: Path) -> Iterator[Figure]:
    """A stranger's log: a bank's desk."""
    log = stranger_log(folder, STRANGER_HOLIDAYS)
    first = STRANGER_FIRST_DAY + timedelta(days=SHORTEST_HISTORY)
    days = [first + n * DAY for n in range((STRANGER_LAST_DAY - first).days + 1)]
    yield from World("stranger", log, days).false_words("<= 1 in 1000")
    old = [day for day in days if day >= STRANGER_FIRST_DAY + timedelta(days=HISTORY_DAYS)]
    ordinary = [day for day in old if day not in STRANGER_HOLIDAYS]
    weekdays = World("stranger, Mon-Fri", log, [d for d in ordinary if d.weekday() < SATURDAY])
    weekends = World("stranger, weekend", log, [d for d in ordinary if d.weekday() >= SATURDAY])
    yield from weekdays.cuts(">= 99 %", (0, 21), MODES)
    yield from weekends.cuts(">= 99 %", (0, 18), MODES)
    yield from weekends.cuts("none", (18, 21), MODES)


def _found(world: World) -> Iterator[Figure]:
    yield from world.cuts(">= 99 %", (0, 21), MODES)
    yield from world.cuts(">= 99 %", (18, 21), MODES)
    yield from world.cuts(">= 99 %", (21, 21), MODES[:1])
    yield world.absences(">= 95 %", journey.PURCHASE, 0)
    yield world.absences("none", journey.PURCHASE, 14)


def _summed(worlds: Iterator[Iterator[Figure]]) -> Iterator[Figure]:
    """Add the figures of the same words over worlds."""
    for figures in zip(*worlds, strict=True):
        counted, of = sum(one.counted for one in figures), sum(one.of for one in figures)
        note = " ".join(one.note for one in figures if one.note)
        yield Figure(figures[0].what, figures[0].goal, counted, of, note)


def speed() -> str:
    """Return the CPU time of one answer: 11 types, 57 days, a mean over 100 days."""
    world = desk_world("speed", DESK, 1, days=100)
    readings = [world.log.reading(day, _end(day) + IN_THE_MORNING.lateness) for day in world.days]
    start = clock.process_time()
    for reading in readings:
        reading.judged()
    mean_ms = 1000 * (clock.process_time() - start) / len(readings)
    return f"one day of 11 types: {mean_ms:.1f} ms of CPU (goal <= 50)"


def _end(day: date) -> datetime:
    return datetime.combine(day + DAY, time())


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="A stranger's log.")
def main(data: Path | None) -> None:
    """Print a line per goal."""
    click.echo(speed())
    for figures in (desk_figures(), demo_figures(), stranger_figures(data) if data else ()):
        for figure in figures:
            click.echo(str(figure))


if __name__ == "__main__":
    main()
