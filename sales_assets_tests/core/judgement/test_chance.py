"""The tails of counts and shares beside scipy's own distributions, and at their edges."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sales_assets.core.judgement.chance import Chance
from sales_assets.core.judgement.level import LEAST_TRAINING_DAYS, level_at
from sales_assets.core.judgement.news import LIMITS, news_against, ordinary_range
from sales_assets_tests.benchmarks.verdict_worlds import LOOKBACK, Series, steady, steady_day

HISTORIES = 40


def halved(theirs: Any, value: int, side: int) -> float:
    """Return the probability beyond the value and half of its own, by scipy's distribution."""
    own = theirs.pmf(value)
    return theirs.sf(value) + own / 2 if side > 0 else theirs.cdf(value) - own / 2


@given(st.integers(0, 300), st.floats(0.01, 200), st.floats(1.01, 20))
def test_a_count_is_negative_binomial_with_half_of_its_own_probability(
    value: int, mean: float, phi: float
) -> None:
    theirs = stats.nbinom(mean / (phi - 1), 1 / phi)
    chance = Chance(mean, phi * mean)
    for side in (1, -1):
        expected = pytest.approx(halved(theirs, value, side), rel=1e-6, abs=1e-12)
        assert chance.tail(value, side) == expected


@given(st.integers(2, 200), st.floats(0.01, 0.99), st.floats(1.05, 1.9), st.data())
def test_a_share_is_beta_binomial_with_half_of_its_own_probability(
    of: int, p: float, phi: float, data: st.DataObject
) -> None:
    value = data.draw(st.integers(0, of))
    both = (of - 1) / (phi - 1) - 1
    theirs = stats.betabinom(of, p * both, (1 - p) * both)
    chance = Chance(of * p, phi * of * p * (1 - p), of)
    for side in (1, -1):
        expected = pytest.approx(halved(theirs, value, side), rel=1e-6, abs=1e-10)
        assert chance.tail(value, side) == expected


@pytest.mark.parametrize("variance", [7.0, 8.0, 8.0 + 1e-9])
def test_without_more_variance_a_count_is_poisson(variance: float) -> None:
    theirs = stats.poisson(8)
    assert Chance(8.0, variance).tail(20, 1) == pytest.approx(halved(theirs, 20, 1))
    assert Chance(8.0, variance).tail(0, -1) == pytest.approx(halved(theirs, 0, -1))


def test_without_more_variance_a_share_is_binomial() -> None:
    theirs = stats.binom(50, 0.24)
    ours = Chance(12.0, 9.0, 50)
    assert ours.tail(24, 1) == pytest.approx(halved(theirs, 24, 1))


@pytest.mark.parametrize("scale", [1e-9, 1e-7, 1e-5])
def test_the_dispersed_distributions_pass_into_the_plain_ones(scale: float) -> None:
    counts = Chance(100.0, 100.0 * (1 + scale)).tail(130, 1)
    shares = Chance(120.0, 91.2 * (1 + scale), 500).tail(150, 1)
    assert counts == pytest.approx(Chance(100.0, 100.0).tail(130, 1), rel=1e-3)
    assert shares == pytest.approx(Chance(120.0, 91.2, 500).tail(150, 1), rel=1e-3)


def test_one_case_falls_one_way_or_the_other() -> None:
    assert Chance(0.3, 0.9, 1).tail(1, 1) == pytest.approx(0.15)
    assert Chance(0.3, 0.9, 1).tail(0, -1) == pytest.approx(0.35)


def test_more_variance_than_a_share_can_have_is_cut() -> None:
    ours = Chance(5.0, 1e6, 10)
    assert ours.tail(10, 1) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("series", "phi"),
    [
        (Series("few", 3), 1),
        (Series("ten", 10), 1),
        (Series("many", 200), 1),
        (Series("dispersed", 10), 2),
        (Series("share", 50, 0.24), 1),
        (Series("dispersed share", 50, 0.24), 2),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_ordinary_days_leave_the_range_about_as_often_as_the_limit_says(
    series: Series, phi: float
) -> None:
    """Of drawn histories, by the exact probability of a value outside their range."""
    rng, day = np.random.default_rng(7), steady_day(series, phi)
    sides = np.zeros(2)
    for _ in range(HISTORIES):
        history = steady(rng, series, LOOKBACK + 1, phi)
        level = level_at(history, history.last)
        assert level is not None
        assert level.training_days > LEAST_TRAINING_DAYS
        low, high = ordinary_range(news_against(level, history, history.last).day)
        sides += day.cdf(low - 1), day.sf(high)
    assert (sides / HISTORIES <= 1.5 * LIMITS[1]).all()
    assert sides.sum() / HISTORIES >= 0.3 * LIMITS[1]
