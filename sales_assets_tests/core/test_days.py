from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from sales_assets.core.days import (
    DailyFrames,
    ReportDays,
    day_bounds,
    days_to_compute,
    lookback_days,
    to_source_clock,
    with_instants,
    with_wall_clocks,
)
from sales_assets.core.windows import EVENT_DAYS

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2025, 3, 30)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (MOSCOW, DAY, 24),
        (BERLIN, DAY, 23),
        (BERLIN, date(2025, 10, 26), 25),
        (BERLIN, date(2024, 2, 29), 24),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight_on_the_clock(
    zone: ZoneInfo, day: date, hours: int
) -> None:
    start, end = day_bounds(day, zone)
    assert end - start == timedelta(hours=hours)
    assert start.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, datetime.min.time())


def test_the_source_clock_shows_its_own_zone() -> None:
    assert to_source_clock(datetime(2025, 1, 6, 21, tzinfo=UTC), MOSCOW) == datetime(2025, 1, 7)


def test_the_lookback_ends_at_the_first_partition_and_has_no_day_twice() -> None:
    first = DAY - timedelta(days=EVENT_DAYS + 5)
    assert len(lookback_days([DAY], first)) == EVENT_DAYS
    assert len(lookback_days([DAY, DAY - timedelta(days=1)], first)) == EVENT_DAYS + 1
    assert lookback_days([DAY], DAY) == [DAY]
    assert lookback_days([DAY], DAY + timedelta(days=1)) == []


def test_a_morning_computes_late_rows_missed_days_and_the_newest_last() -> None:
    done = {DAY - timedelta(days=back) for back in range(1, 20)} - {DAY - timedelta(days=6)}
    computed = days_to_compute(DAY, DAY - timedelta(days=90), done, reread=2, catch_up=10)
    assert computed == [DAY - timedelta(days=back) for back in (0, 1, 2, 6)]
    assert days_to_compute(DAY, DAY, (), reread=2, catch_up=10**7) == [DAY]
    assert days_to_compute(DAY, DAY + timedelta(days=1), (), reread=2, catch_up=10) == []


def test_days_are_sorted_and_distinct_and_none_is_none() -> None:
    assert ReportDays.of([DAY, date(2025, 1, 6), DAY], MOSCOW).days == (date(2025, 1, 6), DAY)
    assert len(ReportDays.of([], MOSCOW).cutoffs_us) == 0


def test_the_repeated_hour_survives_the_way_to_the_wall_clock_and_back() -> None:
    repeated = pd.to_datetime(
        ["2025-10-26 00:30", "2025-10-26 01:30", "2025-10-26 02:30", "NaT"], utc=True
    )
    frame = pd.DataFrame({"at": pd.Series(repeated).astype("datetime64[us, UTC]")})
    walls = with_wall_clocks(frame, ["at"], BERLIN)
    assert list(walls) == ["at", "at_fold"]
    assert list(walls["at_fold"]) == [0, 1, 0, 0]
    pd.testing.assert_frame_equal(with_instants(walls, ["at"], BERLIN), frame)


def test_an_ordinary_day_has_no_column_for_the_repeated_hour() -> None:
    frame = pd.DataFrame({"at": pd.to_datetime(["2025-01-06 10:00"], utc=True).as_unit("us")})
    before = frame.copy(deep=True)
    assert list(with_wall_clocks(frame, ["at"], MOSCOW)) == ["at"]
    pd.testing.assert_frame_equal(frame, before)


def test_daily_frames_make_a_frame_when_it_is_asked_for_and_promise_no_other_day() -> None:
    made: list[date] = []

    def make(day: date) -> pd.DataFrame:
        made.append(day)
        return pd.DataFrame()

    frames: Mapping[date, pd.DataFrame] = DailyFrames([DAY], make)
    assert list(frames) == [DAY]
    assert made == []
    _ = frames[DAY]
    assert made == [DAY]
    with pytest.raises(KeyError):
        _ = frames[DAY + timedelta(days=1)]
