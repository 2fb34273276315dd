"""Simulated desks for the day's judge: eight series in worlds that are known to the last digit."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtr

from sales_assets.core.judgement.history import DailySeries

#: One week of the worked examples, Monday first, as factors of its mean.
WEEK = np.array([12, 11, 11, 10, 10, 8, 8]) / 10
#: So many days before a judged day decide on it; more change nothing.
LOOKBACK = 112
#: What is left of a normal day on a holiday.
HOLIDAY_FACTOR = 0.3
#: A past record of a count, and of a share.
RECORD_COUNT, RECORD_SHARE = 3, 2
NO_FLOW = 1e-9


@dataclass(frozen=True)
class Series:
    """One series of the desk: a count of `mean` a day, or a `share` of `mean` cases a day.

    `sides` are those on which the report tells it.
    """

    name: str
    mean: float
    share: float | None = None
    sides: tuple[int, ...] = (-1, 1)


DESK = (
    Series("new_paying", 10),
    Series("requests", 60),
    Series("open_requests", 60, 0.2, (1,)),
    Series("first_line", 50, 0.3, (1,)),
    Series("second_line", 40, 0.15, (1,)),
    Series("lesson_payment", 12, 0.45, (1,)),
    Series("appointed", 60, 0.45),
    Series("paid", 27, 0.4),
)


@dataclass(frozen=True)
class World:
    """How the desk's ordinary days stray.

    `phi` is the variance over that of a Poisson or binomial number (negative binomial,
    beta-binomial); `rho` ties neighbouring days (a Gaussian copula, AR(1)); `growth` is that of
    counts and of the cases of shares, a week; `holidays` the probability of a marked holiday with
    a third of a day's work; `outage` hides a day of 0 (of a share: of 0 cases) in the history,
    `record` one of three times the level (of a share: twice).
    """

    phi: float = 1.0
    growth: float = 0.0
    rho: float = 0.0
    holidays: float = 0.0
    outage: bool = False
    record: bool = False


@dataclass(frozen=True)
class Change:
    """A planted change of the days from `position` on: of the flow, and of the share."""

    position: int
    flow: float = 1.0
    share: float = 1.0


NOTHING = Change(0)


def simulated(
    rng: np.random.Generator,
    series: Series,
    days: int,
    world: World = World(),
    *,
    change: Change = NOTHING,
    odd_place: int = 0,
) -> DailySeries:
    """Draw one series of the world; it has its mean at `LOOKBACK`, and begins on a Monday.

    A record stands at `odd_place`, an outage the day before.
    """
    positions = np.arange(days)
    is_changed, is_record = positions >= change.position, world.record & (positions == odd_place)
    is_holiday = rng.random(days) < world.holidays
    flow = series.mean * WEEK[positions % 7] * (1 + world.growth) ** ((positions - LOOKBACK) / 7)
    flow *= np.where(is_changed, change.flow, 1.0) * np.where(is_holiday, HOLIDAY_FACTOR, 1.0)
    if world.outage:
        flow[odd_place - 1] = NO_FLOW
    if series.share is None:
        value = _counts(rng, flow * np.where(is_record, RECORD_COUNT, 1), world)
        return DailySeries(0, value, None, ~is_holiday)
    of = _counts(rng, flow, replace(world, rho=0.0))
    p = series.share * np.where(is_changed, change.share, 1.0)
    value = _parts(rng, of, p * np.where(is_record, RECORD_SHARE, 1), world)
    return DailySeries(0, value, of, ~is_holiday & (of > 0))


def steady(rng: np.random.Generator, series: Series, days: int, phi: float = 1.0) -> DailySeries:
    """Draw a series without weekdays, with the same number of cases each day."""
    value = np.asarray(steady_day(series, phi).rvs(days, random_state=rng), dtype=np.float64)
    of = None if series.share is None else np.full(days, series.mean, dtype=np.float64)
    return DailySeries(0, value, of, np.ones(days, dtype=bool))


def steady_day(series: Series, phi: float = 1.0) -> Any:
    """Return the distribution of a day of `steady`."""
    n, p = int(series.mean), series.share
    if p is None:
        return (
            stats.poisson(series.mean)
            if phi == 1
            else stats.nbinom(series.mean / (phi - 1), 1 / phi)
        )
    if phi == 1:
        return stats.binom(n, p)
    both = (n - 1) / (phi - 1) - 1
    return stats.betabinom(n, p * both, (1 - p) * both)


def _ranks(rng: np.random.Generator, days: int, rho: float) -> np.ndarray:
    """Draw a probability a day; neighbours are correlated by `rho` on the normal scale."""
    shocks = rng.standard_normal(days)
    shocks[1:] *= np.sqrt(1 - rho**2)
    for position in range(1, days):
        shocks[position] += rho * shocks[position - 1]
    return ndtr(shocks)


def _counts(rng: np.random.Generator, mean: np.ndarray, world: World) -> np.ndarray:
    ranks = _ranks(rng, len(mean), world.rho)
    if world.phi == 1:
        return stats.poisson.ppf(ranks, mean)
    return stats.nbinom.ppf(ranks, mean / (world.phi - 1), 1 / world.phi)


def _parts(rng: np.random.Generator, of: np.ndarray, p: np.ndarray, world: World) -> np.ndarray:
    outcomes = np.arange(of.max() + 1)[:, np.newaxis]
    if world.phi == 1:
        below = stats.binom.cdf(outcomes, of, p)
    else:
        rho = np.clip((world.phi - 1) / np.maximum(of - 1, 1), 1e-6, 0.9)
        both = 1 / rho - 1
        below = np.cumsum(stats.betabinom.pmf(outcomes, of, p * both, (1 - p) * both), axis=0)
    ranks = _ranks(rng, len(of), world.rho)
    return np.minimum((below < ranks).sum(axis=0), of).astype(np.float64)
