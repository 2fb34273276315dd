"""How things stand when somebody asks: the newest report, the next one, is it late."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sales_assets.core.delivery.timetable import Timetable


@dataclass(frozen=True)
class Outlook:
    """How things stand: `newest` is the last stored day, `next_day` what comes next and when.

    `is_late`: the finished day's hour has come and its report is not there.
    """

    newest: date | None
    finished: date
    next_day: date
    next_at: datetime
    is_late: bool
    is_ready: bool


def outlook(timetable: Timetable, stored: Collection[date], now: datetime) -> Outlook:
    """Return how things stand at `now`, given the days with a `stored` report."""
    finished = timetable.newest_finished_day(now)
    is_due = timetable.due_at(finished) <= now
    is_stored = finished in stored
    next_day = finished + timedelta(days=1) if is_due else finished
    return Outlook(
        newest=max((day for day in stored if day <= finished), default=None),
        finished=finished,
        next_day=next_day,
        next_at=timetable.due_at(next_day).astimezone(timetable.zone),
        is_late=is_due and not is_stored,
        is_ready=is_due and is_stored,
    )
