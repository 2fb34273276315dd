"""The rule that says what stands out: planted anomalies are found, ordinary noise is not."""

import re
from pathlib import Path

import numpy as np
import pytest

from sales_assets.core.report.levels import Change, judged, tolerance

ORDINARY_DAYS = 60


@pytest.mark.parametrize(
    ("value", "before"),
    [
        (23, (11, 9, 12, 11)),
        (14, (5, 4, 6, 5)),
        (60, (30, 28, 33, 31)),
        (7, (0, 0, 1, 0)),
        (900, (600, 580, 640, 610)),
    ],
)
def test_a_planted_rise_is_found(value: int, before: tuple[int, ...]) -> None:
    assert judged(value, before).change is Change.MORE


@pytest.mark.parametrize(
    ("value", "before"),
    [(0, (15, 17, 13, 14)), (0, (6, 5, 7, 6)), (4, (17, 15, 14, 16)), (40, (80, 75, 83, 79))],
)
def test_a_planted_fall_is_found(value: int, before: tuple[int, ...]) -> None:
    assert judged(value, before).change is Change.LESS


@pytest.mark.parametrize(
    ("value", "before"),
    [
        (2, (1, 1, 1, 1)),
        (5, (1, 1, 1, 1)),
        (22, (11, 9, 12, 11)),
        (0, (4, 4, 3, 5)),
        (120, (100, 100, 100, 100)),
        (0, (0, 0, 0, 0)),
    ],
)
def test_a_small_difference_is_no_news(value: int, before: tuple[int, ...]) -> None:
    assert judged(value, before).change is Change.USUAL


def test_one_odd_day_among_the_four_does_not_hide_a_rise() -> None:
    assert judged(40, (131, 11, 12, 10)).change is Change.MORE


def test_a_level_that_two_of_the_four_days_had_is_no_news() -> None:
    assert judged(24, (4, 24, 4, 24)).change is Change.USUAL


def test_of_three_days_all_have_to_be_passed() -> None:
    assert judged(30, (10, 11, 12)).change is Change.MORE
    assert judged(30, (10, 11, 31)).change is Change.USUAL


def test_fewer_than_two_comparable_days_say_nothing() -> None:
    level = judged(100, (1,))
    assert (level.usual, level.change) == (None, Change.USUAL)


def test_the_usual_level_is_the_median() -> None:
    assert judged(10, (9, 12, 11, 10)).usual == 10.5


def test_the_floor_holds_for_small_counts_and_the_roots_for_large_ones() -> None:
    assert tolerance(0, 0) == 5
    assert tolerance(23, 11) == pytest.approx(2 * 34**0.5)
    assert tolerance(500, 400) == 100


def _false_alarms(seed: int) -> int:
    """Count what is called news on 60 ordinary days of a department of the usual size."""
    random = np.random.default_rng(seed)
    found = 0
    for _ in range(ORDINARY_DAYS):
        for mean in (11, 5, 7, 3):
            today, *before = random.poisson(mean, 5).tolist()
            found += judged(today, before).change is Change.MORE
        today, *before = random.poisson(15, 5).tolist()
        found += judged(today, before).change is not Change.USUAL
        entries = random.poisson(456, 5)
        for share in (0.44, 0.3, 0.215, 0.07):
            today, *before = random.binomial(entries, share)
            expected = [each / n * entries[0] for each, n in zip(before, entries[1:], strict=True)]
            found += judged(today, expected).change is not Change.USUAL
    return found


def test_sixty_ordinary_days_raise_at_most_a_handful_of_false_alarms() -> None:
    counts = [_false_alarms(seed) for seed in range(20)]
    assert np.mean(counts) < 5
    assert max(counts) <= 10


def test_the_table_for_the_chief_follows_the_rule() -> None:
    page = Path(__file__).parents[3] / "docs" / "отчёт.md"
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+|—) \|$", page.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == 5
    for usual, high, low in rows:
        before = (int(usual),) * 4
        assert judged(int(high), before).change is Change.MORE
        assert judged(int(high) - 1, before).change is Change.USUAL
        assert judged(0, before).change is (Change.USUAL if low == "—" else Change.LESS)
        if low != "—":
            assert judged(int(low), before).change is Change.LESS
            assert judged(int(low) + 1, before).change is Change.USUAL
