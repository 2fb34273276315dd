"""The Russian production calendar, and which days a report day may be compared with."""

from collections.abc import Callable, Collection
from datetime import date, timedelta
from functools import cache

from sales_assets.core.windows import COHORT, COMPARED_WEEKS, WEEK, same_weekdays_before


def is_holiday(day: date) -> bool:
    """Tell whether `day` is off by the production calendar; an ordinary weekend is not."""
    return day in _holidays(day.year)


def comparable_days(
    day: date,
    first_day: date,
    flawed_days: Collection[date] = (),
    is_off: Callable[[date], bool] = is_holiday,
) -> tuple[date, ...]:
    """Return the days that say what is usual on a day like `day`, the nearest first.

    The same weekday of the four weeks before, without those that are off (holidays) and without
    those whose data are known to be flawed. Empty for a day that is off itself, and until the
    history reaches back all four weeks: half a comparison is none.
    """
    before = same_weekdays_before(day)
    if is_off(day) or before[-1] < first_day:
        return ()
    return tuple(each for each in before if not is_off(each) and each not in flawed_days)


def has_holiday_cohort(day: date) -> bool:
    """Tell whether most entry days of the funnel reported on `day` were holidays."""
    first, last = COHORT.days(day)
    entry_days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return sum(map(is_holiday, entry_days)) > len(entry_days) / 2


def first_compared_day(first_day: date) -> date:
    """Return the first report day of a history that has all its four weeks to compare with."""
    return first_day + COMPARED_WEEKS * WEEK


@cache
def _holidays(year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays("RU", years=year))
