"""How the demo's department is doing on a day: its week, its ups and downs, what goes wrong."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache

import numpy as np

from sales_assets.core.report.workdays import holidays_among

#: Part of what makes the data the same everywhere; another number is another department.
SEED = 20220131

#: Whose public holidays the department keeps.
COUNTRY = "RU"
#: The requests of each weekday, Monday first, and of a public holiday, against the mean day.
WEEKDAY_REQUESTS = (1.20, 1.16, 1.06, 1.02, 0.99, 0.86, 0.66)
HOLIDAY_REQUESTS = 0.6
SUNDAY = 6
#: On Sundays and holidays so many lessons find their teacher; the others wait for a day.
FREE_DAY_LESSONS = 0.55
YEARLY_GROWTH = 0.2

#: How far a day's level drifts from the mean: a factor's logarithm, a share's log-odds.
DRIFTS = {
    "requests": 0.145,
    "buying": 0.2,
    "handled": 0.4,
    "answered": 0.36,
    "attended": 0.55,
    "reached": 0.5,
    "followed_up": 0.45,
}
#: What a day keeps of the drift of the day before, and how many days are remembered.
MEMORY = 0.55
MEMORY_DAYS = 8
#: No single day's own part of the drift is larger, in standard deviations.
LARGEST_TURN = 1.5

#: How many days ago, at least, the planted incidents begin.
SECOND_LINE_BACK, CAMPAIGN_BACK, OUTAGE_BACK = 15, 24, 35
#: What begins earlier lies so far before the next incident.
QUIET_DAYS_BETWEEN = 5
TUESDAY, WEDNESDAY = 1, 2
SECOND_LINE_DAYS, SECOND_LINE_REACHED = 3, 0.3
CAMPAIGN_REQUESTS = (1.9, 1.3)
OUTAGE_AT = time(14, 7)
#: So many of the newest days are steadier than usual; the last has a mailing's requests.
STEADY_DAYS, STEADY_DRIFT = 21, 0.35
NEWEST_REQUESTS = 2.2
NEWEST_ANSWERED = 0.5


@dataclass(frozen=True)
class Conditions:
    """How the department works on one day; the default is the mean day.

    Attributes:
        requests: the day's requests against the usual number.
        handled: the share of the requests that somebody deals with in time.
        answered: the share of the first calls that are answered.
        attended: the share of the lessons to which the client comes.
        reached: the share of the second line's clients who are reached in time.
        followed_up: the share of the undecided whom the second line gets in time.
        buying: how many buy, against the usual number.
        lessons: the share of the lessons that take place on the day they were meant for.
    """

    requests: float = 1.0
    handled: float = 0.89
    answered: float = 0.62
    attended: float = 0.79
    reached: float = 0.82
    followed_up: float = 0.73
    buying: float = 1.0
    lessons: float = 1.0


MEAN = Conditions()


@dataclass(frozen=True)
class Incidents:
    """What went wrong, or well, before a day; no two at once, and none on a public holiday.

    Attributes:
        second_line: three days, two to three weeks ago, on which hardly anybody was reached.
        campaign: two days, about four weeks ago, with more requests than usual.
        outage: an afternoon, about five weeks ago, whose rows the source does not have.
    """

    second_line: tuple[date, ...]
    campaign: tuple[date, ...]
    outage: tuple[datetime, datetime]


def random_of(day: date, purpose: str) -> np.random.Generator:
    """Return the random numbers of a day and a purpose, always the same."""
    return np.random.default_rng([SEED, day.toordinal(), *purpose.encode()])


@cache
def conditions(day: date, incidents_before: date | None = None) -> Conditions:
    """Return the conditions of `day`, the same at each call and on each machine.

    With `incidents_before` the department had `Incidents` before that day. The last days before it
    are then calm, the very last with many requests, which is told in neutral words, and with a few
    more unanswered calls. Without it nothing is planted and no day is special.
    """
    days_left = (incidents_before - day).days if incidents_before else 0
    steadiness = STEADY_DRIFT if 0 < days_left <= STEADY_DAYS else 1.0
    drifts = {name: steadiness * size * _drift(day, name) for name, size in DRIFTS.items()}
    usual = Conditions(**{name: _shifted(getattr(MEAN, name), by) for name, by in drifts.items()})
    of_week = replace(
        usual,
        requests=usual.requests * _usual_requests(day),
        lessons=FREE_DAY_LESSONS if day.weekday() == SUNDAY or _is_holiday(day) else 1.0,
    )
    if incidents_before is None:
        return of_week
    return _newest(_with_incidents(of_week, day, incidents(incidents_before)), day, days_left)


def _shifted(mean: float, drift: float) -> float:
    """Return a factor times e^drift, or a share below one whose odds are."""
    odds = mean if mean == 1 else mean / (1 - mean)
    moved = odds * np.exp(drift)
    return float(moved if mean == 1 else moved / (1 + moved))


def _usual_requests(day: date) -> float:
    of_weekday = WEEKDAY_REQUESTS[day.weekday()]
    return min(of_weekday, HOLIDAY_REQUESTS) if _is_holiday(day) else of_weekday


def _with_incidents(usual: Conditions, day: date, planted: Incidents) -> Conditions:
    if day in planted.second_line:
        return replace(usual, reached=SECOND_LINE_REACHED)
    if day in planted.campaign:
        factor = CAMPAIGN_REQUESTS[planted.campaign.index(day)]
        return replace(usual, requests=factor * _usual_requests(day))
    return usual


def _newest(usual: Conditions, day: date, days_left: int) -> Conditions:
    """Return the conditions with what is visible on the last day, and is no alarm."""
    # Calls that are not answered on one day are overdue on the next.
    if days_left in {1, 2}:
        usual = replace(usual, answered=NEWEST_ANSWERED)
    if days_left == 1:
        return replace(usual, requests=NEWEST_REQUESTS * _usual_requests(day))
    return usual


def _drift(day: date, purpose: str) -> float:
    """Return the drift of a day in standard deviations: its own turn and what is left of others."""
    weights = MEMORY ** np.arange(MEMORY_DAYS)
    turns = [_turn(day - timedelta(days=back), purpose) for back in range(MEMORY_DAYS)]
    return float(weights @ turns / np.sqrt(weights @ weights))


@cache
def _turn(day: date, purpose: str) -> float:
    turn = random_of(day, purpose).standard_normal()
    return float(np.clip(turn, -LARGEST_TURN, LARGEST_TURN))


@cache
def incidents(before: date) -> Incidents:
    """Return what was planted before a day."""
    second_line = _working_days(before, SECOND_LINE_BACK, TUESDAY, SECOND_LINE_DAYS)
    campaign_back = max(CAMPAIGN_BACK, (before - second_line[0]).days + QUIET_DAYS_BETWEEN)
    campaign = _working_days(before, campaign_back, WEDNESDAY, len(CAMPAIGN_REQUESTS))
    outage_back = max(OUTAGE_BACK, (before - campaign[0]).days + QUIET_DAYS_BETWEEN)
    [day] = _working_days(before, outage_back, WEDNESDAY, 1)
    midnight = datetime.combine(day + timedelta(days=1), time())
    return Incidents(second_line, campaign, (datetime.combine(day, OUTAGE_AT), midnight))


def _working_days(before: date, back: int, weekday: int, count: int) -> tuple[date, ...]:
    """Return `count` days from a `weekday` on, at least `back` days ago, none of them a holiday."""
    first = before - timedelta(days=back)
    first -= timedelta(days=(first.weekday() - weekday) % 7)
    days = tuple(first + timedelta(days=n) for n in range(count))
    if any(map(_is_holiday, days)):
        return _working_days(before, back + 7, weekday, count)
    return days


def _is_holiday(day: date) -> bool:
    return bool(holidays_among([day], COUNTRY))
