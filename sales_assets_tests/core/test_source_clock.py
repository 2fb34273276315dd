from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_assets.core.days import first_reading, to_instants

NEW_YORK = ZoneInfo("America/New_York")
ZONES = [NEW_YORK, ZoneInfo("Europe/Moscow"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")]


def instant_of(reading: datetime, zone: ZoneInfo) -> datetime:
    return to_instants(pd.Series([reading]), zone).iloc[0].to_pydatetime()


@pytest.mark.parametrize(
    ("instant", "reading"),
    [
        (datetime(2026, 7, 1, 16, tzinfo=UTC), "2026-07-01 12:00:00"),
        # 02:00 to 03:00 is skipped on 8 March: what reads so counts as 03:00.
        (datetime(2026, 3, 8, 7, tzinfo=UTC), "2026-03-08 02:00:00"),
        # 01:00 to 02:00 is shown twice on 1 November and counts as the first time.
        (datetime(2026, 11, 1, 5, tzinfo=UTC), "2026-11-01 01:00:00"),
        (datetime(2026, 11, 1, 6, tzinfo=UTC), "2026-11-01 02:00:00"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "2026-11-01 02:00:00"),
        (datetime(2026, 11, 1, 7, tzinfo=UTC), "2026-11-01 02:00:00"),
    ],
)
def test_the_bound_is_the_first_reading_that_counts(instant: datetime, reading: str) -> None:
    assert str(first_reading(instant, NEW_YORK)) == reading


@given(
    st.sampled_from(ZONES),
    st.integers(0, 365 * 24 * 2).map(lambda n: n * timedelta(minutes=30)),
    st.integers(-200, 200).map(lambda n: n * timedelta(minutes=1)),
)
def test_moving_the_bound_says_the_same_as_converting_the_column(
    zone: ZoneInfo, since_new_year: timedelta, away: timedelta
) -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC) + since_new_year
    bound = first_reading(instant, zone)
    reading = bound + away
    assert (reading >= bound) == (instant_of(reading, zone) >= instant)
