"""Public holidays: what a day off brings is no measure of an ordinary day."""

from collections.abc import Iterable
from datetime import date
from functools import cache


def holidays_among(days: Iterable[date], country: str | None) -> frozenset[date]:
    """Return those of `days` that are off in a country (ISO 3166 code); None for no holidays.

    An ordinary weekend is none; moved days off count, as the production calendar has them.
    """
    if country is None:
        return frozenset()
    return frozenset(day for day in days if day in _holidays(country, day.year))


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))
