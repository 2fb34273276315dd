"""When a report is due."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from sales_assets.core.delivery.timetable import RETRY_EVERY, Timetable

DAY = date(2026, 2, 12)


@pytest.mark.parametrize(
    ("zone", "due_at"),
    [
        ("Europe/Moscow", datetime(2026, 3, 29, 5, 45, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 29, 6, 45, tzinfo=UTC)),
    ],
)
def test_a_report_is_due_by_the_clock_on_the_wall(zone: str, due_at: datetime) -> None:
    timetable = Timetable(ZoneInfo(zone), time(8, 45))
    assert timetable.due_at(date(2026, 3, 28)) == due_at


def test_the_newest_finished_day_is_yesterday_in_the_zone() -> None:
    timetable = Timetable(ZoneInfo("Europe/Moscow"), time(8, 45))
    late = datetime(2026, 2, 12, 21, 30, tzinfo=UTC)
    assert timetable.newest_finished_day(late) == date(2026, 2, 12)


def test_the_attempt_grows_with_the_clock_alone() -> None:
    timetable = Timetable(ZoneInfo("Europe/Moscow"), time(8, 45))
    due_at = timetable.due_at(DAY)
    attempts = [timetable.attempt(DAY, due_at + RETRY_EVERY * n / 2) for n in range(5)]
    assert [one - attempts[0] for one in attempts] == [0, 0, 1, 1, 2]


def test_a_delivery_time_that_is_put_off_meets_no_attempt_of_before() -> None:
    zone = ZoneInfo("Europe/Moscow")
    before, after = Timetable(zone, time(8, 45)), Timetable(zone, time(12))
    noon = after.due_at(DAY)
    assert before.attempt(DAY, noon - RETRY_EVERY) < after.attempt(DAY, noon)
