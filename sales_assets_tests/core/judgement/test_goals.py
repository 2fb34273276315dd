"""A quick sample of the goals that `make bench` measures: seeded, and exact where it can be."""

import numpy as np
import pytest
from scipy import stats

from sales_assets.core import journey
from sales_assets.core.judgement.level import level_at
from sales_assets.core.judgement.news import LIMITS, news_against, ordinary_range
from sales_assets_tests.benchmarks import completeness_goals
from sales_assets_tests.benchmarks.source_worlds import DESK as DESK_OF_SOURCE
from sales_assets_tests.benchmarks.verdict_goals import (
    SHARE,
    TEN,
    best_power,
    is_found_within_a_week,
    news_probabilities,
)
from sales_assets_tests.benchmarks.verdict_worlds import (
    DESK,
    LOOKBACK,
    Series,
    steady,
    steady_day,
)

HISTORIES = 30


@pytest.mark.parametrize(
    ("series", "doubled"),
    [(TEN, stats.poisson(20)), (SHARE, stats.binom(50, 0.48))],
    ids=["10", "12 of 50"],
)
def test_a_doubled_day_is_found_three_fourths_as_often_as_by_who_knows_the_level(
    series: Series, doubled: stats.distributions.rv_frozen
) -> None:
    """Against the ideal at the limit itself: so few histories don't tell the judge's own rate."""
    (found,), _ = news_probabilities(series, [doubled], HISTORIES)
    assert found >= 0.75 * best_power(doubled, steady_day(series), LIMITS[1])


def test_twice_the_requests_with_the_same_share_is_no_news_of_the_handling() -> None:
    _, (found,) = news_probabilities(SHARE, [stats.binom(100, 0.24)], HISTORIES, cases=100)
    assert found <= 0.01


def test_half_the_requests_do_not_hide_twice_the_share() -> None:
    _, (found,) = news_probabilities(SHARE, [stats.binom(25, 0.48)], HISTORIES, cases=25)
    assert found >= 0.3


def test_a_share_that_stays_half_as_high_again_is_found_within_a_week() -> None:
    random = np.random.default_rng(1)
    assert sum(is_found_within_a_week(random, SHARE, trial) for trial in range(20)) >= 16


@pytest.mark.parametrize("phi", [1, 2])
def test_the_numbers_of_an_ordinary_day_leave_their_ranges_once_in_weeks(phi: float) -> None:
    """Over the eight series and twelve sides, by the exact probability of values outside."""
    random, expected = np.random.default_rng(11), 0.0
    for series in DESK:
        day = steady_day(series, phi)
        for _ in range(HISTORIES // 3):
            history = steady(random, series, LOOKBACK + 1, phi)
            level = level_at(history, history.last)
            assert level is not None
            low, high = ordinary_range(news_against(level, history, history.last).day)
            outside = {-1: day.cdf(low - 1), 1: day.sf(high)}
            expected += sum(outside[side] for side in series.sides) / (HISTORIES // 3)
    assert 1 / 70 < expected < 1 / 20


def test_whole_days_are_called_whole_and_cut_ones_cut() -> None:
    world = completeness_goals.desk_world("400 rows", DESK_OF_SOURCE, seed=1, days=12)
    assert [figure.counted for figure in world.false_words("")] == [0, 0, 0, 0]
    assert world.absences("", journey.PURCHASE, 0).counted == len(world.days)
