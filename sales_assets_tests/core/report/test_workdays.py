"""The production calendar and the days that may be compared."""

from datetime import date

from sales_assets.core.report.workdays import (
    comparable_days,
    first_compared_day,
    has_holiday_cohort,
    is_holiday,
)
from sales_assets.core.windows import COHORT

LONG_AGO = date(2020, 1, 1)


def test_the_calendar_knows_holidays_and_moved_days_off() -> None:
    assert is_holiday(date(2022, 1, 1))
    assert is_holiday(date(2022, 3, 7))
    assert not is_holiday(date(2022, 2, 12))


def test_a_day_is_compared_with_its_weekday_of_four_weeks() -> None:
    days = comparable_days(date(2022, 2, 12), LONG_AGO)
    expected = date(2022, 2, 5), date(2022, 1, 29), date(2022, 1, 22), date(2022, 1, 15)
    assert days == expected


def test_holidays_and_flawed_days_are_not_compared_with() -> None:
    assert comparable_days(date(2022, 1, 22), LONG_AGO) == (
        date(2022, 1, 15),
        date(2021, 12, 25),
    )
    assert date(2022, 2, 5) not in comparable_days(date(2022, 2, 12), LONG_AGO, (date(2022, 2, 5),))


def test_a_holiday_is_compared_with_nothing() -> None:
    assert comparable_days(date(2022, 1, 1), LONG_AGO) == ()


def test_nothing_is_compared_until_four_weeks_are_known() -> None:
    first = date(2022, 1, 15)
    assert first_compared_day(first) == date(2022, 2, 12)
    assert comparable_days(date(2022, 2, 11), first) == ()
    assert len(comparable_days(date(2022, 2, 12), first)) == 4


def test_a_funnel_of_the_holiday_week_is_known_as_such() -> None:
    assert COHORT.days(date(2022, 1, 15)) == (date(2022, 1, 2), date(2022, 1, 8))
    assert has_holiday_cohort(date(2022, 1, 15))
    assert not has_holiday_cohort(date(2022, 2, 12))
    assert comparable_days(date(2022, 1, 15), LONG_AGO, (), has_holiday_cohort) == ()


def test_a_cohort_over_a_leap_day_has_seven_entry_days() -> None:
    assert COHORT.days(date(2024, 3, 10)) == (date(2024, 2, 26), date(2024, 3, 3))
