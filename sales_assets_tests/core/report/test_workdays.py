"""The production calendar: which days are no measure of an ordinary one."""

from datetime import date

from sales_assets.core.report.workdays import holidays_among
from sales_assets.core.windows import COHORT

NEW_YEAR, MOVED_DAY_OFF, SATURDAY = date(2022, 1, 1), date(2022, 3, 7), date(2022, 2, 12)


def test_the_calendar_knows_holidays_and_moved_days_off_and_no_weekend() -> None:
    days = [NEW_YEAR, MOVED_DAY_OFF, SATURDAY]
    assert holidays_among(days, "RU") == {NEW_YEAR, MOVED_DAY_OFF}


def test_without_a_country_no_day_is_a_holiday() -> None:
    assert holidays_among([NEW_YEAR], None) == frozenset()


def test_a_cohort_over_a_leap_day_has_seven_entry_days() -> None:
    assert COHORT.days(date(2024, 3, 10)) == (date(2024, 2, 26), date(2024, 3, 3))
