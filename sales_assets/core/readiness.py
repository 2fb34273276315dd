"""When a day that was refused, or whose run failed, is asked for again, and when no longer."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

MOST_TRIES = 8
#: After the first failed run, the second, and so on; the last one for all others.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 15))


class Ended(Enum):
    """How the newest run of a day stands."""

    WELL = "well"
    CUT = "the source's day is cut"
    PASSING = "failed for a reason that passes"
    BROKEN = "failed"


class NextStep(Enum):
    """What is done about a day now."""

    WAIT = "wait"
    LOOK = "look whether the source's day is whole"
    RUN = "run"


@dataclass(frozen=True)
class RunsOfDay:
    """A day's runs of the morning: how the newest ended and when, and how many there were."""

    day: date
    ended: Ended
    ended_at: datetime
    runs: int


def next_step(standing: RunsOfDay, now: datetime, last_call: datetime) -> NextStep:
    """Return what to do about a day; times are of one clock.

    A run that failed for a passing reason is tried again after a pause that grows, eight times
    at most. A cut day is looked at until its last call, when it is reported as it is.
    """
    pause = PAUSES[min(standing.runs, len(PAUSES)) - 1]
    may_try = standing.runs <= MOST_TRIES and now >= standing.ended_at + pause
    if standing.ended is Ended.PASSING:
        return NextStep.RUN if may_try else NextStep.WAIT
    if standing.ended is not Ended.CUT:
        return NextStep.WAIT
    if now < last_call:
        return NextStep.LOOK
    return NextStep.RUN if standing.ended_at < last_call or may_try else NextStep.WAIT
