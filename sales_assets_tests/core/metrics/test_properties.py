from collections.abc import Callable, Mapping
from datetime import date, timedelta
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sales_assets.core import journey
from sales_assets.core.days import ReportDays, midnight
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.funnel import conversion_funnel, usual_steps
from sales_assets.core.metrics.payments import new_paying_users
from sales_assets.core.metrics.processes import stuck_cases
from sales_assets.core.metrics.values import daily_values
from sales_assets_tests.core.metrics.strategies import (
    MOSCOW,
    USERS,
    Row,
    journeys,
    report_days,
    stored,
    unclosed,
)

DAY = date(2022, 1, 30)
FIRST_DAY = date(2021, 11, 20)
YOUNG_HISTORY = DAY - timedelta(days=20)

Metric = Callable[[EventLog, ReportDays], Mapping[date, pd.DataFrame]]
METRICS: dict[str, Metric] = {
    "unclosed_processes": lambda log, days: unclosed(log, days, FIRST_DAY),
    "stuck_cases": stuck_cases,
    "conversion_funnel": conversion_funnel,
    "usual_steps": usual_steps,
    "new_paying_users": lambda log, days: new_paying_users(log, days, YOUNG_HISTORY),
    "daily_values": daily_values,
}


def assert_same(one: EventLog, other: EventLog, days: ReportDays) -> None:
    for name, metric in METRICS.items():
        ours, theirs = metric(one, days), metric(other, days)
        for day in days.days:
            pd.testing.assert_frame_equal(ours[day], theirs[day], obj=f"{name} of {day}")


@settings(max_examples=6, deadline=None)
@given(journeys(DAY), st.sets(st.integers(0, 12), min_size=2, max_size=4))
def test_a_range_equals_its_days_one_by_one(rows: list[Row], backs: set[int]) -> None:
    log = stored(rows, FIRST_DAY, DAY).log()
    days = [DAY - timedelta(days=back) for back in backs]
    for name, metric in METRICS.items():
        in_range = metric(log, report_days(*days))
        assert list(in_range) == sorted(days)
        for day in days:
            alone = metric(log, report_days(day))[day]
            pd.testing.assert_frame_equal(in_range[day], alone, obj=f"{name} of {day}")


@settings(max_examples=8, deadline=None)
@given(journeys(DAY), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_their_repetition_never_matter(
    rows: list[Row], random: Random
) -> None:
    shuffled = random.sample(rows, len(rows)) + rows[:3]
    assert_same(
        stored(rows, FIRST_DAY, DAY).log(),
        stored(shuffled, FIRST_DAY, DAY).log(),
        report_days(DAY, DAY - timedelta(days=1)),
    )


@settings(max_examples=8, deadline=None)
@given(journeys(DAY), st.integers(1, 12))
def test_rows_after_the_cut_off_change_nothing_about_the_day(rows: list[Row], back: int) -> None:
    day = DAY - timedelta(days=back)
    cutoff = midnight(day + timedelta(days=1), MOSCOW)
    until_then = [row for row in rows if row[2] < cutoff]
    assert_same(
        stored(rows, FIRST_DAY, DAY).log(),
        stored(until_then, FIRST_DAY, day).log(),
        report_days(day),
    )


@settings(max_examples=8, deadline=None)
@given(journeys(DAY), st.sets(USERS), st.sampled_from([0, 1, 10**12]))
def test_joining_an_experiment_after_the_cut_off_changes_nothing_about_the_day(
    rows: list[Row], joining: set[str], later_us: int
) -> None:
    cutoff = midnight(DAY + timedelta(days=1), MOSCOW)
    joined = [
        (user, journey.DEMO_LESSON_STARTED, cutoff + timedelta(microseconds=later_us))
        for user in sorted(joining)
    ]
    last = DAY + timedelta(days=13)
    assert_same(
        stored([*rows, *joined], FIRST_DAY, last).log(),
        stored(rows, FIRST_DAY, last).log(),
        report_days(DAY),
    )


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_day_that_was_not_asked_for_is_not_there(metric: Metric) -> None:
    frames = metric(stored([], FIRST_DAY, DAY).log(), report_days(DAY))
    with pytest.raises(KeyError):
        frames[DAY - timedelta(days=1)]
