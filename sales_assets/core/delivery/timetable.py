"""When a report is due, and how often a run may be asked for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: How often the sensor may ask for another run of the same day.
RETRY_EVERY = timedelta(minutes=5)


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

    def attempt(self, day: date, now: datetime) -> int:
        """Return a number that stays for `RETRY_EVERY` and then grows: part of the run key.

        It goes by the clock alone: a run that died before it wrote anything has used up its run
        key all the same, and so have those of a delivery time that was changed since.
        """
        return (now - datetime.combine(day, time(), self.zone)) // RETRY_EVERY
