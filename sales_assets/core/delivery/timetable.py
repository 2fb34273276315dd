"""When a report is due, how things stand until then, and how often a run may be asked for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: How often the sensor may ask for another run of the same day.
RETRY_EVERY = timedelta(minutes=5)


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


@dataclass(frozen=True)
class Timetable:
    """When a report is news: at `delivery_time` of the zone's clock on the day after its day."""

    zone: ZoneInfo
    delivery_time: time

    def due_at(self, day: date) -> datetime:
        """Return the instant from which the report of `day` may be sent."""
        wall = datetime.combine(day + timedelta(days=1), self.delivery_time, tzinfo=self.zone)
        return wall.astimezone(UTC)

    def newest_finished_day(self, now: datetime) -> date:
        """Return the last day that is over at `now`."""
        return now.astimezone(self.zone).date() - timedelta(days=1)

    def is_due(self, day: date, now: datetime) -> bool:
        """Tell whether `day` is the newest finished one and its delivery time has come."""
        return day == self.newest_finished_day(now) and now >= self.due_at(day)

    def outlook(self, stored: Collection[date], now: datetime) -> Outlook:
        """Return how things stand at `now`, given the days with a `stored` report."""
        finished = self.newest_finished_day(now)
        is_due, is_stored = self.is_due(finished, now), finished in stored
        next_day = finished + timedelta(days=1) if is_due else finished
        return Outlook(
            newest=max((day for day in stored if day <= finished), default=None),
            finished=finished,
            next_day=next_day,
            next_at=self.due_at(next_day).astimezone(self.zone),
            is_late=is_due and not is_stored,
            is_ready=is_due and is_stored,
        )

    def attempt(self, day: date, now: datetime) -> int:
        """Return a number that stays for `RETRY_EVERY` and then grows: part of the run key.

        It goes by the clock alone: a run that died before it wrote anything has used up its run
        key all the same, and so have those of a delivery time that was changed since.
        """
        return (now - datetime.combine(day, time(), self.zone)) // RETRY_EVERY
