"""A process's number taken apart, and promises that are broken as a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_assets.core.judgement import judge
from sales_assets.core.judgement.handling import (
    FlowAndHandling,
    broken_as_a_rule,
    flow_and_handling,
    usual_due,
)
from sales_assets_tests.core.judgement.daily_values import MONDAY, daily_values, last_day


def test_the_example_of_the_document_comes_out() -> None:
    assert flow_and_handling(51, 162, p=0.216, usual_due=107) == FlowAndHandling(23, 12, 16)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0, 1), st.floats(0, 500))
def test_flow_and_handling_add_up_to_the_difference_and_are_rounded_by_less_than_one(
    breached: int, more: int, p: float, usual: float
) -> None:
    due = breached + more
    parts = flow_and_handling(breached, due, p, usual)
    assert parts.usual_day + parts.flow + parts.handling == breached
    assert abs(parts.flow - p * (due - usual)) <= 1
    assert abs(parts.handling - (breached - p * due)) <= 1


def test_what_usually_falls_due_is_the_judges_level_of_it_as_a_count() -> None:
    due = [100, 110, 105, 95, 90, 60, 50] * 14
    process = daily_values([20] * 99, [*due, 150])
    as_count = daily_values([*due, 150])
    assert usual_due(process, last_day(process)) == judge(as_count, last_day(process)).usual


def test_a_day_that_is_not_whole_teaches_nothing_about_what_falls_due() -> None:
    cut = daily_values([*[20] * 50, None, *[20] * 48], [*[100] * 50, 7, *[100] * 48])
    assert usual_due(cut, last_day(cut)) == pytest.approx(100)


def test_without_a_judgement_nothing_usually_falls_due() -> None:
    young = daily_values([20] * 10, 100)
    assert usual_due(young, last_day(young)) is None
    assert usual_due(young, MONDAY.replace(year=2030)) is None


@pytest.mark.parametrize(("breached", "is_rule"), [(50, False), (51, True), (20, False)])
def test_broken_as_a_rule_is_over_one_half_of_the_training_days(
    breached: int, *, is_rule: bool
) -> None:
    process = daily_values([*[breached] * 92, *[0] * 7], 100)
    assert broken_as_a_rule(process, last_day(process)) is is_rule


def test_a_young_process_and_a_count_are_not_broken_as_a_rule() -> None:
    young, count = daily_values([90] * 14, 100), daily_values([90] * 99)
    assert not broken_as_a_rule(young, last_day(young))
    assert not broken_as_a_rule(count, last_day(count))
    assert not broken_as_a_rule(count, MONDAY.replace(year=2030))
