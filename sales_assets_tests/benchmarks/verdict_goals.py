"""What the day's judge sees and how often it errs, in worlds that are known.

`make bench` prints the small run; `python -m sales_assets_tests.benchmarks.verdict_goals` takes
single suites and an `--effort`: one of 30 takes about half an hour and knows the rates to a tenth.
The goals are those of `docs/verdict.md`, the worlds those of `verdict_worlds`, all of them seeded.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import click
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sales_assets.core.judgement import judge
from sales_assets.core.judgement.history import DailySeries, history_up_to
from sales_assets.core.judgement.level import level_at
from sales_assets.core.judgement.news import News, news_against, news_at, ordinary_range
from sales_assets_tests.benchmarks.verdict_worlds import (
    DESK,
    LOOKBACK,
    Change,
    Series,
    World,
    simulated,
    steady,
    steady_day,
)
from sales_assets_tests.core.judgement.daily_values import VerdictCase, verdict_cases

SEED = 20260105
EPISODE_GAP = 14
#: A stretch of report days that are counted, and the days before it whose news they remember.
COUNTED = 35
JUDGED = EPISODE_GAP + COUNTED
#: An odd day lies 22 to 60 days before the counted ones, and in no window of a remembered one.
ODD_PLACES = range(100, 105)

ORDINARY = {
    "phi 1": World(),
    "phi 1.5": World(phi=1.5),
    "phi 2": World(phi=2),
    "phi 3": World(phi=3),
    "growth 5 % a week": World(phi=1.5, growth=0.05),
    "neighbours 0.3": World(phi=1.5, rho=0.3),
    "holidays": World(phi=1.5, holidays=0.03),
    "past outage": World(phi=1.5, outage=True),
    "past record": World(phi=1.5, record=True),
    "all together": World(1.5, 0.05, 0.3, 0.03, outage=True, record=True),
}
TEN, FIFTEEN, TWENTY = (Series(f"level {mean}", mean) for mean in (10, 15, 20))
SHARE = Series("12 of 50", 50, 0.24)


class Figure(NamedTuple):
    """One line of the table: what is measured, the goal, what was found and over how much."""

    what: str
    goal: str
    found: str
    over: str

    def __str__(self) -> str:
        return f"{self.what:<52} {self.goal:<14} {self.found:<22} {self.over}"


def change_at(history: DailySeries, position: int) -> int:
    """Return on which side a day is news."""
    news = news_at(history, position)
    return 0 if news is None else news.change


def new_days(changes: np.ndarray, side: int) -> np.ndarray:
    """Mark the news days of a side without news on that side in the 14 days before."""
    positions = np.flatnonzero(changes == side)
    first = np.diff(positions, prepend=-EPISODE_GAP - 1) > EPISODE_GAP
    marked = np.zeros(len(changes), dtype=bool)
    marked[positions[first]] = True
    return marked


def says_something_new(rng: np.random.Generator, world: World) -> np.ndarray:
    """Tell of each of 35 ordinary report days whether one of the eight series is told as new."""
    told = np.zeros(JUDGED, dtype=bool)
    for series in DESK:
        odd = int(rng.choice(ODD_PLACES))
        days = LOOKBACK + JUDGED
        history = simulated(rng, series, days, world, odd_place=odd)
        changes = np.array([change_at(history, position) for position in range(LOOKBACK, days)])
        for side in series.sides:
            told |= new_days(changes, side)
    return told[EPISODE_GAP:]


def false_alarms(effort: int) -> Iterator[Figure]:
    """How often the report says something new on an ordinary day, by world."""
    for number, (name, world) in enumerate(ORDINARY.items()):
        rng = np.random.default_rng([SEED, number])
        told = np.concatenate([says_something_new(rng, world) for _ in range(2 * effort)])
        count = int(told.sum())
        found = f"1 in {len(told) / count:.1f}" if count else "none"
        yield Figure(f"new on an ordinary day: {name}", "1 in 15 … 30", found, f"{len(told)} days")


def changed_days(effort: int) -> Iterator[Figure]:
    """How many changed days are found, by exact probabilities over drawn histories.

    The ideal detector sees the day alone, so it is compared with the one-day window at that
    window's own rate of false alarms; the longer windows pay for what lasts.
    """
    histories = 100 * effort
    for what, series, day in [
        ("+100 % on 10, of the ideal at the same rate", TEN, stats.poisson(20)),
        ("+100 % on 12 of 50, of the same", SHARE, stats.binom(50, 0.48)),
    ]:
        (found, rate), (in_all, rate_of_all) = news_probabilities(
            series, [day, steady_day(series)], histories
        )
        ideal = best_power(day, steady_day(series), rate)
        text = f"{found / ideal:.0%} ({found:.2f} of {ideal:.2f})"
        over = (
            f"{histories} histories, 1 false in {1 / rate:.0f}; "
            f"by any window {in_all:.2f}, 1 false in {1 / rate_of_all:.0f}"
        )
        yield Figure(what, ">= 88 %", text, over)
    for what, cases, share, goal in [
        ("requests x2, share the same: handling", 100, 0.24, "<= 1 %"),
        ("requests x 1/2, share x2: handling", 25, 0.48, ">= 30 %"),
    ]:
        _, (found,) = news_probabilities(SHARE, [stats.binom(cases, share)], histories, cases)
        yield Figure(what, goal, f"{found:.1%}", f"{histories} histories")


def news_probabilities(
    series: Series, days: Sequence[Any], histories: int, cases: int | None = None
) -> tuple[list[float], list[float]]:
    """Return how probably a day of each of those distributions is news upwards.

    By the one-day window, and by any window. The history is drawn; of the day every outcome
    counts with its exact probability.
    """
    rng, found = np.random.default_rng([SEED, 100]), np.zeros((2, len(days)))
    for number in range(histories):
        borders = first_news(steady(rng, series, LOOKBACK + number % 7 + 1), cases)
        found += [[day.sf(border - 1) for day in days] for border in borders]
    by_day, by_any = (found / histories).tolist()
    return by_day, by_any


def first_news(history: DailySeries, cases: int | None) -> tuple[int, int]:
    """Return the lowest value of the last day that would be news upwards.

    By the one-day window, and by any window.
    """
    if history.of is not None and cases is not None:
        history.of[-1] = cases
    level = level_at(history, history.last)
    assert level is not None
    most = 1000 if history.of is None else int(history.of[-1])

    def news_of(value: int) -> News:
        history.value[-1] = value
        return news_against(level, history, history.last)

    def lowest(is_news: Callable[[int], bool]) -> int:
        return bisect_left(range(most + 1), x=True, key=is_news)

    by_day = lowest(lambda value: news_of(value).day.is_news(value, 1))
    return by_day, lowest(lambda value: news_of(value).change > 0)


def best_power(changed: Any, ordinary: Any, rate: float) -> float:
    """Return how often the best detector that knows both days finds the changed one.

    It calls the highest values news, and tosses a coin at its border to have exactly that rate.
    """
    border = int(ordinary.isf(rate))
    tossed = (rate - ordinary.sf(border)) / ordinary.pmf(border)
    return float(changed.sf(border) + tossed * changed.pmf(border))


def lasting_changes(effort: int) -> Iterator[Figure]:
    """How many lasting changes of +50 % are found within seven days."""
    rows = [(SHARE, 90), (TWENTY, 90), (FIFTEEN, 85), (TEN, 70)]
    for series, goal in rows:
        rng, trials = np.random.default_rng([SEED, 200]), 60 * effort
        found = sum(is_found_within_a_week(rng, series, trial) for trial in range(trials))
        what = f"lasting +50 % within 7 days: {series.name}"
        yield Figure(what, f">= {goal} %", f"{found / trials:.1%}", f"{trials} changes")


def lasting(series: Series, position: int, factor: float) -> Change:
    """Return the change of the series by that factor from `position` on."""
    return Change(position, flow=factor) if series.share is None else Change(position, share=factor)


def is_found_within_a_week(rng: np.random.Generator, series: Series, trial: int) -> bool:
    begins = LOOKBACK + trial % 7
    history = simulated(rng, series, begins + 7, change=lasting(series, begins, 1.5))
    return any(change_at(history, position) > 0 for position in range(begins, begins + 7))


def told_twice(effort: int) -> Iterator[Figure]:
    """How many lasting changes are told as new a second time within 35 days."""
    for series, factor in [(TWENTY, 1.5), (TEN, 2.0), (SHARE, 1.5), (SHARE, 2.0)]:
        rng, trials = np.random.default_rng([SEED, 300]), 15 * effort
        twice = sum(_is_told_twice(rng, series, factor) for _ in range(trials))
        what = f"told as new twice in 35 days: {series.name} x {factor:g}"
        yield Figure(what, "<= 2 %", f"{twice / trials:.1%}", f"{trials} changes")


def _is_told_twice(rng: np.random.Generator, series: Series, factor: float) -> bool:
    change = lasting(series, LOOKBACK + EPISODE_GAP, factor)
    history = simulated(rng, series, LOOKBACK + EPISODE_GAP + 35, change=change)
    positions = range(LOOKBACK, history.last + 1)
    changes = np.array([change_at(history, position) for position in positions])
    return bool(new_days(changes, 1)[EPISODE_GAP:].sum() > 1)


def shared_series(effort: int) -> Iterator[Figure]:  # noqa: ARG001 - called like the others
    """How often the day's alarm is that of R's Farrington flexible, and what a day costs."""
    try:
        cases = verdict_cases()
    except pytest.skip.Exception as missing:
        yield Figure("agreement with R, times", "", "not measured", str(missing))
        return
    over = f"{len(cases)} series"
    same = sum(_alarms(case) == case.witness["farrington"]["alarm"] for case in cases)
    yield Figure("agreement with R", ">= 93 %", f"{same / len(cases):.1%}", over)
    for what, goal, judged in [
        ("mean CPU time of one day of one series", "<= 5 ms", _without_memory),
        ("the same with memory", "<= 25 ms", judge),
    ]:
        yield Figure(what, goal, f"{_milliseconds(judged, cases):.1f} ms", over)


def _alarms(case: VerdictCase) -> bool:
    return case.value > (judge(case.rows, case.day).high or 0)


def _without_memory(rows: pd.DataFrame, day: date) -> None:
    history = history_up_to(rows, day)
    if history and (news := news_at(history, history.last)):
        ordinary_range(news.day)


def _milliseconds(judged: Callable[..., Any], cases: Sequence[VerdictCase]) -> float:
    started = time.process_time()
    for case in cases:
        judged(case.rows, case.day)
    return (time.process_time() - started) / len(cases) * 1000


SUITES = {
    suite.__name__: suite
    for suite in (shared_series, changed_days, lasting_changes, told_twice, false_alarms)
}


def figures(suites: Sequence[str] = (), effort: int = 1) -> Iterator[Figure]:
    """Measure those suites, or all of them."""
    for name in suites or SUITES:
        yield from SUITES[name](effort)


@click.command()
@click.argument("suites", nargs=-1, type=click.Choice(sorted(SUITES)))
@click.option("--effort", default=1, show_default=True, help="How many times the small run.")
def main(suites: tuple[str, ...], effort: int) -> None:
    """Measure SUITES (all of them if none is named) and print each figure beside its goal."""
    for figure in figures(suites, effort):
        click.echo(str(figure))


if __name__ == "__main__":
    main()
