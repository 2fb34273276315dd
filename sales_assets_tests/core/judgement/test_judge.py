"""The day's judge: answers known beforehand, edges, and promises that hold for any series."""

import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.judgement import Judgement, judge
from sales_assets.core.judgement.history import history_up_to
from sales_assets.core.judgement.news import LEAST_SHARE, News, news_at
from sales_assets_tests.core.judgement.daily_values import (
    MONDAY,
    WEEK,
    VerdictCase,
    daily_values,
    last_day,
    verdict_cases,
)

NOTHING = Judgement()
FLAT = [10] * 98
#: 77 days that stray more than Poisson numbers: docs/verdict.md, "Example".
NOISY = [13, 14, 8, 11, 15, 4, 16, 9, 7, 9, 5, 10, 11, 11, 10, 12, 6, 25, 3, 9, 6, 9, 14, 11, 11]
NOISY += [12, 6, 7, 7, 10, 12, 5, 2, 11, 10, 5, 9, 9, 7, 11, 7, 8, 11, 14, 2, 9, 9, 15, 20, 8, 15]
NOISY += [
    5,
    16,
    5,
    10,
    13,
    12,
    8,
    5,
    13,
    6,
    7,
    9,
    8,
    13,
    14,
    14,
    7,
    5,
    16,
    11,
    6,
    18,
    12,
    11,
    13,
    8,
]

#: Promises that hold for any series are tried on these many.
some_series = settings(max_examples=12, deadline=None)
levels = st.floats(0.05, 400)
seeds = st.integers(0, 10_000)


def judged(
    values: Sequence[int | None], of: Sequence[int | None] | int | None = None, *holidays: date
) -> Judgement:
    """Judge the last of the values; the first is a Monday's."""
    rows = daily_values(values, of, holidays=holidays)
    return judge(rows, last_day(rows))


def news(values: Sequence[int | None], of: Sequence[int | None] | int | None = None) -> News:
    rows = daily_values(values, of)
    history = history_up_to(rows, last_day(rows))
    assert history is not None
    found = news_at(history, history.last)
    assert found is not None
    return found


def day_of(position: int) -> date:
    return MONDAY + timedelta(days=position)


def drawn(seed: int, level: float, days: int = 99) -> list[int]:
    return np.random.default_rng(seed).poisson(level, days).tolist()


# Answers known beforehand


@pytest.fixture(scope="module")
def answers() -> list[tuple[VerdictCase, Judgement]]:
    return [(case, judge(case.rows, case.day)) for case in verdict_cases()]


def test_all_shared_series_get_the_answers_of_the_definition(
    answers: list[tuple[VerdictCase, Judgement]],
) -> None:
    differing = [case.name for case, ours in answers if not agrees(ours, case.answer)]
    assert sum(case.must for case, _ in answers) == 106
    assert len(answers) == 120
    assert differing == []


def agrees(ours: Judgement, answer: dict[str, float]) -> bool:
    exact = ("change", "is_new", "window", "day_number")
    return (
        all(getattr(ours, name) == answer[name] for name in exact)
        and ours.usual == pytest.approx(answer["usual"], rel=0.01)
        and ours.low == pytest.approx(answer["low"], abs=1)
        and ours.high == pytest.approx(answer["high"], abs=1)
    )


def test_the_alarm_of_the_day_agrees_with_the_witness_in_r(
    answers: list[tuple[VerdictCase, Judgement]],
) -> None:
    differing = [
        (case.value, ours.high, case.witness["farrington"]["upper"])
        for case, ours in answers
        if (case.value > (ours.high or 0)) != case.witness["farrington"]["alarm"]
    ]
    assert len(differing) <= 0.07 * len(answers)
    for value, ours, theirs in differing:
        assert min(ours, theirs) <= value <= max(ours, theirs)


def after_outage() -> list[int]:
    values = WEEK * 11
    values[-20] = 0
    return values


@pytest.mark.parametrize(
    ("values", "of", "usual", "phi", "tail", "span", "change"),
    [
        ([*WEEK * 11, 23], None, 11.77, 1, 0.00341, (4, 23), 0),
        ([*WEEK * 11, 24], None, 11.77, 1, 0.00179, (4, 23), 1),
        ([*after_outage(), 23], None, 11.52, 1, 0.00268, (4, 22), 1),
        ([*WEEK * 11, *[16] * 6], None, 8.02, 1, 0.0098, (2, 17), 1),
        ([*(WEEK * 3)[:20], 23], None, 8.13, 1, 0.00043, (1, 19), 1),
        ([*[0, 1, 0, 0, 1, 0, 0] * 11, 3], None, 0.30, 1, None, (0, 3), 0),
        ([*[0, 1, 0, 0, 1, 0, 0] * 11, 4], None, 0.30, 1, 0.00023, (0, 3), 1),
        ([*NOISY, 22], None, 9.38, 1.465, 0.0068, (1, 23), 0),
        ([*NOISY, 27], None, 9.38, 1.465, 0.00070, (1, 23), 1),
        ([*[12] * 77, 24], 50, 12, 1, 0.00030, (5, 21), 1),
        ([*[12] * 77, 24], [*[50] * 77, 100], 24, 1, None, (12, 37), 0),
        ([*[12] * 77, 12], [*[50] * 77, 25], 6, 1, 0.0063, (1, 12), 0),
        ([*[12] * 77, 13], [*[50] * 77, 25], 6, 1, None, (1, 12), 1),
    ],
)
def test_the_worked_examples_come_out(  # noqa: PLR0917 - a row of the document's table
    values: list[int],
    of: list[int | None] | int | None,
    usual: float,
    phi: float,
    tail: float | None,
    span: tuple[int, int],
    change: int,
) -> None:
    ours, found = judged(values, of), news(values, of)
    assert (ours.low, ours.high, ours.change) == (*span, change)
    assert ours.is_new == bool(change)
    assert ours.usual == pytest.approx(usual, rel=0.01)
    assert found.level.phi == pytest.approx(phi, rel=0.01)
    if tail is not None:
        written = 0.5 * 10 ** np.floor(np.log10(tail) - 1)  # half of the last digit written
        assert found.day.chance.tail(values[-1], 1) == pytest.approx(tail, rel=0.01, abs=written)


def test_the_week_tells_what_no_single_day_does() -> None:
    ours = judged([*WEEK * 11, *[16] * 6])
    assert (ours.window, ours.window_value, ours.day_number) == (7, 104, 1)
    assert ours.window_usual == pytest.approx(69.93, rel=0.01)
    assert ours.over_limit == pytest.approx(0.00104 / 0.005, rel=0.01)


# Whether there is a judgement at all


@pytest.mark.parametrize(
    ("values", "of", "holidays"),
    [
        ((WEEK * 2)[:13] + [23], None, ()),
        ([*WEEK * 11, 23], None, (day_of(77),)),
        ([*WEEK * 11, None], None, ()),
        ([*[12] * 77, 0], [*[50] * 77, 0], ()),
        ([*[12] * 77, 20], [*[50] * 77, None], ()),
        ([*[None] * 58, *[10] * 19, 30], None, ()),
        ([30], None, ()),
    ],
    ids=[
        "13 days",
        "a holiday",
        "no value",
        "a share of none",
        "a share of unknown",
        "13 usable training days",
        "one day",
    ],
)
def test_without_ground_nothing_is_said(
    values: list[int | None], of: list[int | None] | None, holidays: tuple[date, ...]
) -> None:
    assert judged(values, of, *holidays) == NOTHING


def test_a_day_without_a_row_is_not_judged() -> None:
    rows = daily_values([*FLAT, 30])
    assert judge(rows.iloc[:-1], last_day(rows)) == NOTHING
    assert judge(rows.iloc[:0], last_day(rows)) == NOTHING


def test_fourteen_days_are_enough_and_young() -> None:
    ours = judged([*WEEK * 2, 30])
    assert (ours.change, ours.training_days, ours.is_young) == (1, 14, True)


def test_under_four_weeks_only_the_day_itself_is_tested() -> None:
    burst = [16] * 6
    assert judged([*(WEEK * 3)[:21], *burst]).change == 0
    assert judged([*WEEK * 11, *burst]).window == 7


# What a history may hold


def test_a_history_of_zeros_has_a_level_and_four_are_news() -> None:
    assert judged([0] * 99).change == 0
    assert judged([*[0] * 98, 3]).change == 0
    four = judged([*[0] * 98, 4])
    assert (four.change, four.low, four.high) == (1, 0, 3)
    assert four.usual == pytest.approx(0.5 / 70)


def test_a_history_of_all_has_a_level_and_four_missing_are_news() -> None:
    assert judged([20] * 99, 20).change == 0
    less = judged([*[20] * 98, 16], 20)
    assert (less.change, less.low, less.high) == (-1, 17, 20)
    assert less.usual == pytest.approx(20 * (1 - 0.5 / 1400))


def test_seven_percent_on_a_level_of_a_thousand_is_no_news() -> None:
    ours = judged([*[1000] * 98, 1070])
    assert (ours.change, ours.low, ours.high) == (0, 901, 1099)
    assert judged([*[1000] * 98, 1100]).change == 1


def test_a_lasting_seven_percent_on_a_thousand_is_no_news_by_the_week() -> None:
    assert judged([*[1000] * 98, *[1070] * 7]).change == 0


def test_last_weeks_burst_is_not_todays_news() -> None:
    burst = [*FLAT, 30, 30, 30, 30]
    assert judged(burst).change == 1
    over = judged([*burst, 10])
    assert (over.change, over.window, over.window_value) == (0, 1, 10)
    assert judged([*burst, 9]).change == 0


def test_a_burst_long_ago_hardly_moves_the_level() -> None:
    ours = judged([*[10] * 60, *[40] * 3, *[10] * 36])
    assert ours.usual == pytest.approx(10, rel=0.05)
    assert ours.change == 0


def test_two_holidays_in_the_window_are_left_out_of_it() -> None:
    holidays = (day_of(95), day_of(97))
    ours = judged([*[10] * 92, 17, 17, 17, 0, 17, 0, 17], None, *holidays)
    assert (ours.change, ours.window, ours.window_value) == (1, 7, 5 * 17)
    assert ours.window_usual == pytest.approx(50, rel=0.01)


def test_a_holiday_teaches_nothing() -> None:
    holidays = tuple(map(day_of, (40, 41, 42)))
    ordinary = judged([*[10] * 40, *[10] * 3, *[10] * 55, 12], None, *holidays)
    closed = judged([*[10] * 40, 0, 0, 0, *[10] * 55, 12], None, *holidays)
    assert ordinary == closed
    assert closed.training_days == 67


def test_a_missing_row_and_a_null_are_the_same() -> None:
    values: list[int | None] = list(drawn(1, 10))
    values[50] = values[95] = None
    rows = daily_values(values)
    assert judge(rows.dropna(subset="value"), last_day(rows)) == judge(rows, last_day(rows))


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "object", "int32"])
def test_any_dtype_of_numbers_and_days_is_read(dtype: str) -> None:
    rows = daily_values(drawn(2, 10), 40)
    same = rows.astype({"value": dtype, "of": dtype}).assign(day=pd.to_datetime(rows["day"]))
    assert judge(same, last_day(rows)) == judge(rows, last_day(rows))


def test_a_share_of_one_case_a_day_is_never_news_by_itself() -> None:
    ours = judged([*[0, 1] * 49, 1], 1)
    assert (ours.change, ours.low, ours.high) == (0, 0, 1)


def test_huge_counts_are_judged() -> None:
    ours = judged([*[10**9] * 98, 2 * 10**9])
    assert (ours.change, ours.usual) == (1, pytest.approx(10**9))
    assert judged([*[3 * 10**4] * 98, 3 * 10**4], 10**5).change == 0


def test_one_huge_day_in_a_history_of_zeros_is_survived() -> None:
    ours = judged([*[0] * 70, 10**6, *[0] * 27, 1])
    assert ours.change == 0
    assert ours.usual is not None


def test_a_day_with_two_rows_is_refused() -> None:
    rows = daily_values(FLAT)
    with pytest.raises(SalesAssetsError, match="two rows"):
        judge(pd.concat([rows, rows.tail(1)]), last_day(rows))


def test_a_part_larger_than_its_whole_is_refused_with_its_day() -> None:
    with pytest.raises(SalesAssetsError, match="12 of 10 on 2026-04-12"):
        judged([*[5] * 97, 12], 10)


# Memory


def test_an_episode_is_new_once_and_counts_its_days() -> None:
    values = [*FLAT, *[30] * 4]
    told = [judged(values[:end]) for end in range(99, 103)]
    assert [each.is_new for each in told] == [True, False, False, False]
    assert [each.day_number for each in told] == [1, 2, 3, 4]


@pytest.mark.parametrize(("quiet", "is_new", "day_number"), [(13, False, 15), (14, True, 1)])
def test_news_within_fourteen_days_goes_on(quiet: int, is_new: bool, day_number: int) -> None:  # noqa: FBT001 - a row of answers
    ours = judged([*FLAT, 30, *[10] * quiet, 30])
    assert (ours.is_new, ours.day_number) == (is_new, day_number)


def test_news_of_the_other_side_is_an_episode_of_its_own() -> None:
    ours = judged([*FLAT, 30, 10, 0])
    assert (ours.change, ours.is_new, ours.day_number) == (-1, True, 1)


def test_an_episode_is_looked_up_four_weeks_back() -> None:
    ours = judged([*FLAT, 60, *[10] * 11, 60, *[10] * 11, 60, *[10] * 11, 60])
    assert (ours.is_new, ours.day_number) == (False, 25)


@pytest.mark.parametrize(("odd", "side"), [(30, 1), (0, -1)])
def test_back_to_usual_is_said_once_on_the_third_day_after(odd: int, side: int) -> None:
    values = [*FLAT, odd, 10, 10, 10, 10]
    assert [judged(values[:end]).back_from for end in range(99, 104)] == [0, 0, 0, side, 0]


def test_back_to_usual_waits_for_two_days_that_are_no_news() -> None:
    values = [*FLAT, 30, 30, 10, 10, 10]
    assert [judged(values[:end]).back_from for end in range(101, 104)] == [0, 0, 1]


def test_a_day_that_is_news_is_not_back_to_usual() -> None:
    assert judged([*FLAT, 30, 10, 10, 0]).back_from == 0


def test_a_day_without_judgement_is_not_back_and_counts_as_ordinary() -> None:
    assert judged([*FLAT, 30, 10, 10, None]).back_from == 0
    assert judged([*FLAT, 30, None, 10, 10]).back_from == 1


# Promises for any series


@some_series
@given(seeds, levels)
def test_the_order_of_rows_does_not_matter_and_they_stay_as_they_are(
    seed: int, level: float
) -> None:
    rows = daily_values(drawn(seed, level))
    shuffled = rows.sample(frac=1, random_state=seed)
    before = shuffled.copy(deep=True)
    assert judge(shuffled, last_day(rows)) == judge(rows, last_day(rows))
    pd.testing.assert_frame_equal(shuffled, before)


@some_series
@given(seeds, levels, st.integers(1, 20), st.integers(0, 10**6))
def test_rows_after_the_day_are_ignored(seed: int, level: float, later: int, value: int) -> None:
    values = drawn(seed, level)
    rows = daily_values(values)
    longer = daily_values([*values, *[value] * later])
    assert judge(longer, last_day(rows)) == judge(rows, last_day(rows))


@some_series
@given(seeds, levels, st.integers(1, 60), st.integers(0, 10**6))
def test_days_before_the_112_change_nothing(seed: int, level: float, more: int, old: int) -> None:
    values = drawn(seed, level, 113)
    short = daily_values(values, first_day=day_of(more))
    long = daily_values([*[old] * more, *values])
    assert judge(long, last_day(long)) == judge(short, last_day(short))


@some_series
@given(seeds, levels, st.floats(0, 4))
def test_a_value_is_news_by_the_day_where_it_leaves_the_range(
    seed: int, level: float, factor: float
) -> None:
    values = drawn(seed, level)
    values[-1] = round(values[-1] * factor)
    ours, found = judged(values), news(values)
    assert ours.low is not None
    assert ours.high is not None
    is_inside = ours.low <= values[-1] <= ours.high
    assert found.day.is_news(values[-1], found.day.side) != is_inside
    assert is_inside or ours.change != 0


@some_series
@given(seeds, st.integers(5, 60), st.floats(0.1, 0.9))
@example(seed=1254, of=24, share=0.125)
def test_a_share_and_the_share_of_the_rest_are_mirrors(seed: int, of: int, share: float) -> None:
    broken = np.random.default_rng(seed).binomial(of, share, 99)
    one, other = judged(broken.tolist(), of), judged((of - broken).tolist(), of)
    assert one.usual == pytest.approx(of - (other.usual or 0))
    if one.change != -other.change:
        # News differs from its usual by a tenth of it: of the larger share that is more.
        told = one if one.change else other
        rest = told.window * of - (told.window_usual or 0)
        assert abs((told.window_value or 0) - (told.window_usual or 0)) < LEAST_SHARE * rest
    assert (one.low, one.high) == (of - (other.high or 0), of - (other.low or 0))


@some_series
@given(seeds, levels)
def test_shifting_a_series_by_weeks_changes_nothing(seed: int, level: float) -> None:
    values = drawn(seed, level)
    rows, later = daily_values(values), daily_values(values, first_day=day_of(700))
    assert judge(rows, last_day(rows)) == judge(later, last_day(later))


@some_series
@given(seeds, st.lists(st.integers(0, 10**5), min_size=30, max_size=99), st.data())
def test_any_history_gets_an_answer_in_which_all_fits(
    seed: int, wholes: list[int], data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    values = [int(rng.integers(0, whole + 1)) for whole in wholes]
    of = wholes if data.draw(st.booleans()) else None
    ours = judged(values, of)
    if ours == NOTHING:
        return
    assert ours.low is not None
    assert ours.high is not None
    assert ours.usual is not None
    assert 0 <= ours.low <= ours.usual + 1
    assert ours.usual - 1 <= ours.high <= (wholes[-1] if of else np.inf)
    assert ours.is_new == (ours.day_number == 1)
    assert (ours.day_number > 0) == (ours.change != 0)
    assert all(type(each) is not np.float64 for each in dataclasses.astuple(ours))
