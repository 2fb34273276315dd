"""The windows that the definitions look through, each said once: docs/metrics.md."""

from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Window:
    """The instants `[cut-off − since, cut-off − until)`, both whole days."""

    since: timedelta
    until: timedelta

    def days(self, day: date) -> tuple[date, date]:
        """Return the first and the last day that the window holds at the cut-off of `day`."""
        return day + DAY - self.since, day - self.until


#: A start counts for this long; an older one is forgotten.
CASES = timedelta(days=30)
#: A conversion counts up to this long after the entry, the border included.
CONVERSION = WEEK
#: The entries that the funnel follows: seven days, each with a full week to convert.
COHORT = Window(timedelta(days=14), CONVERSION)
#: The entries that the groups of clients are learnt from.
TRAINING = Window(timedelta(days=35), CONVERSION)
#: How long after an entry the facts count that decide its group.
FIRST_FACTS = DAY

#: The events that one day's own numbers rest on, the day itself included: those of `TRAINING`,
#: and the day before them, whose appointments the features look at.
EVENT_DAYS = 36
#: How many weeks back the same weekday is compared.
COMPARED_WEEKS = 4
#: The drawn days of new paying clients, the day itself included.
DRAWN_DAYS = 28
#: The daily values that a number is judged by, the day itself not included: docs/verdict.md.
VALUE_DAYS = 112
#: The hourly counts that tell whether a day is whole, the day itself not included.
COMPLETENESS_DAYS = 56
#: Those that the values need, so that each compared day's own wholeness is known.
COUNT_DAYS = VALUE_DAYS + COMPLETENESS_DAYS
#: A later row says nothing about the day.
AFTER_DAYS = 7
#: How long after the start of a source everybody looks new.
NEW_SOURCE = timedelta(days=60)


def same_weekdays_before(day: date) -> tuple[date, ...]:
    """Return the same weekday of the four weeks before, the latest first."""
    return tuple(day - weeks * WEEK for weeks in range(1, COMPARED_WEEKS + 1))


def days_up_to(day: date, count: int) -> list[date]:
    """Return the `count` days that end with `day`, in order."""
    return [day - timedelta(days=back) for back in reversed(range(count))]


def microseconds(duration: timedelta) -> int:
    """Return a duration as the event log counts it."""
    return duration // timedelta(microseconds=1)
