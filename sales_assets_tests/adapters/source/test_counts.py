"""What groups of rows tell of a day, whoever grouped them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.adapters.source.counts import SourceCounts
from sales_assets.core.completeness import Evidence
from sales_assets.core.frames import HOURLY_COUNTS

MOSCOW = ZoneInfo("Europe/Moscow")
DAY = date(2026, 11, 23)
#: Type, rows, days after the day, and the clock of the first and of the last of them.
GROUPS = (
    ("a", 4, -1, "23:59", "23:59"),
    ("a", 2, 0, "10:00", "10:40"),
    ("a", 1, 0, "10:50", "10:55"),
    (None, 1, 0, "23:10", "23:20"),
    (None, 1, 1, "00:30", "00:30"),
    ("a", 1, 1, "09:00", "09:20"),
    ("a", 1, 2, "08:00", "08:00"),
    ("b", 1, 7, "05:00", "05:00"),
    ("c", 1, 8, "05:00", "05:00"),
)


def at(day: int, clock: str) -> datetime:
    return datetime.fromisoformat(f"{DAY + timedelta(days=day)} {clock}")


def counts(as_of: datetime) -> SourceCounts:
    rows = [(kind, rows, at(day, one), at(day, two)) for kind, rows, day, one, two in GROUPS]
    groups = pd.DataFrame(rows, columns=["type", "rows", "first", "last"])
    for column in ("first", "last"):
        groups[column] = groups[column].dt.tz_localize(MOSCOW).dt.tz_convert("UTC").dt.as_unit("us")
    return SourceCounts(groups, as_of.replace(tzinfo=MOSCOW), MOSCOW)


def test_a_day_s_silences_are_bounded_by_the_rows_of_a_week() -> None:
    assert counts(at(9, "12:00")).evidence(DAY) == Evidence(
        last_at={"a": at(0, "10:55")},
        first_after={"a": at(1, "09:00"), "b": at(7, "05:00")},
        resumes_at=at(1, "00:30"),
        as_of=at(8, "00:00"),
    )


def test_rows_after_the_moment_of_reading_tell_nothing() -> None:
    early = counts(at(1, "00:10"))
    assert early.evidence(DAY) == Evidence({"a": at(0, "10:55")}, {}, None, at(1, "00:10"))
    assert len(early.of_day(DAY + timedelta(days=1))) == 0


def test_a_day_is_counted_by_hour_and_type_and_one_without_rows_has_its_columns() -> None:
    known = counts(at(9, "12:00"))
    of_day = known.of_day(DAY)
    assert of_day.astype({"type": "str"}).fillna("none").to_numpy().tolist() == [
        [pd.Timestamp(at(0, "10:00")), "a", 3],
        [pd.Timestamp(at(0, "23:00")), "none", 1],
    ]
    for frame in (of_day, known.of_day(DAY + timedelta(days=3))):
        assert frame.dtypes.astype("str").to_dict() == {
            name: str(kind) for name, kind in HOURLY_COUNTS.dtypes.items()
        }
