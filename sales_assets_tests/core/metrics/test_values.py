"""The daily values that numbers are judged by, worked out by hand."""

from datetime import date, timedelta

import pandas as pd

from sales_assets.core import journey
from sales_assets.core.frames import DAILY_VALUES
from sales_assets.core.metrics.schemas import frame_schema
from sales_assets.core.metrics.values import SERIES, daily_values, values_before
from sales_assets.core.metrics.values import values_of as under_each_other
from sales_assets.core.windows import VALUE_DAYS
from sales_assets_tests.core.metrics.strategies import Row, at, report_days, stored
from sales_assets_tests.core.metrics.test_processes import WORKED_EXAMPLE

DAY = date(2022, 1, 30)
FIRST_DAY = date(2021, 12, 1)
REQUEST, APPOINTED = journey.REQUEST_CREATED, journey.LESSON_APPOINTED
ATTENDED, SUCCEEDED = journey.LESSON_ATTENDED, journey.LESSON_SUCCEEDED
PAID, WHATSAPP = journey.PURCHASE, journey.WHATSAPP_SENT


def rows_of(user: str, *events: tuple[str, str]) -> list[Row]:
    return [(user, kind, at(f"2022-{when}")) for kind, when in events]


def values_of(rows: list[Row], day: date = DAY) -> dict[str, tuple[int, int | None]]:
    log = stored(rows, FIRST_DAY, date(2022, 2, 6)).log()
    frame = daily_values(log, report_days(day))[day]
    return {
        series: (value, None if pd.isna(of) else of)
        for series, value, of in frame.itertuples(index=False)
    }


def test_a_quiet_day_is_zeros_and_a_count_has_no_whole() -> None:
    counts = {"new_paying", "requests"}
    assert values_of([]) == {name: (0, None if name in counts else 0) for name in SERIES}


def test_the_frame_is_as_its_description_says() -> None:
    frame = daily_values(stored([], FIRST_DAY, DAY).log(), report_days(DAY))[DAY]
    assert list(frame.columns) == DAILY_VALUES.names
    assert frame.dtypes.astype("str").to_dict() == DAILY_VALUES.dtypes
    frame_schema(DAILY_VALUES).validate(frame)


def test_a_client_with_three_requests_on_the_day_is_one_and_its_borders_count() -> None:
    rows = [
        *rows_of("a", *((REQUEST, f"01-30 1{n}:00") for n in range(3))),
        *rows_of("b", (REQUEST, "01-30 00:00")),
        *rows_of("c", (REQUEST, "01-30 23:59:59.999999")),
        *rows_of("yesterday", (REQUEST, "01-29 23:59:59.999999")),
        *rows_of("tomorrow", (REQUEST, "01-31 00:00")),
        *rows_of("in an experiment", (REQUEST, "01-30 10:00"), (WHATSAPP, "01-30 23:59")),
        *rows_of("joins tomorrow", (REQUEST, "01-30 10:00"), (WHATSAPP, "01-31 00:00")),
    ]
    assert values_of(rows)["requests"] == (4, None)


def test_a_process_is_broken_of_due_as_in_the_worked_example() -> None:
    assert values_of(WORKED_EXAMPLE)["first_line"] == (5, 8)


def test_a_first_payment_of_somebody_in_no_experiment_is_a_new_paying_client() -> None:
    rows = [
        *rows_of("new", (PAID, "01-30 12:00"), (PAID, "01-30 13:00")),
        *rows_of("old", (PAID, "01-20 12:00"), (PAID, "01-30 12:00")),
        *rows_of("in an experiment", (WHATSAPP, "01-29 12:00"), (PAID, "01-30 12:00")),
    ]
    assert values_of(rows)["new_paying"] == (1, None)


FUNNEL = [
    *rows_of("entered only", (REQUEST, "01-23 10:00")),
    *rows_of("appointed", (REQUEST, "01-23 10:00"), (APPOINTED, "01-24 10:00")),
    *rows_of("on the last instant", (REQUEST, "01-23 10:00"), (APPOINTED, "01-30 10:00:00")),
    *rows_of("too late", (REQUEST, "01-23 10:00"), (APPOINTED, "01-30 10:00:00.000001")),
    *rows_of(
        "paid",
        (REQUEST, "01-23 10:00"),
        (APPOINTED, "01-24 10:00"),
        (ATTENDED, "01-25 10:00"),
        (SUCCEEDED, "01-26 10:00"),
        (PAID, "01-30 10:00:00"),
    ),
    *rows_of("paid without a lesson", (REQUEST, "01-23 10:00"), (PAID, "01-23 11:00")),
    *rows_of(
        "twice", (REQUEST, "01-23 10:00"), (REQUEST, "01-23 20:00"), (APPOINTED, "01-30 20:00")
    ),
    *rows_of("a day before", (REQUEST, "01-22 10:00"), (APPOINTED, "01-23 10:00")),
    *rows_of("a day after", (REQUEST, "01-24 10:00"), (APPOINTED, "01-25 10:00")),
    *rows_of("joined on the last day", (REQUEST, "01-23 10:00"), (WHATSAPP, "01-30 12:00")),
    *rows_of("joins later", (REQUEST, "01-23 10:00"), (WHATSAPP, "01-31 12:00")),
]


def test_the_funnel_holds_who_entered_a_week_before_and_had_seven_days_their_end_included() -> None:
    found = values_of(FUNNEL)
    assert found["appointed"] == (4, 8)
    assert found["paid"] == (1, 4)


def test_a_range_equals_its_days_one_by_one() -> None:
    log = stored([*FUNNEL, *WORKED_EXAMPLE], FIRST_DAY, date(2022, 2, 6)).log()
    days = [DAY + timedelta(days=n) for n in range(-3, 4)]
    in_range = daily_values(log, report_days(*days))
    for day in days:
        alone = daily_values(log, report_days(day))[day]
        pd.testing.assert_frame_equal(in_range[day], alone)


def test_a_day_is_judged_by_itself_and_the_112_days_before_it() -> None:
    log = stored(WORKED_EXAMPLE, FIRST_DAY, DAY).log()
    days = [DAY - timedelta(days=back) for back in range(-1, VALUE_DAYS + 10)]
    of_days = daily_values(log, report_days(*days))
    window = values_before(under_each_other(of_days), DAY)
    assert list(window.columns) == ["day", "series", "value", "of"]
    assert window["day"].nunique() == VALUE_DAYS + 1
    assert (window["day"].min(), window["day"].max()) == (DAY - timedelta(days=VALUE_DAYS), DAY)
    today = window[window["day"] == DAY].drop(columns="day").reset_index(drop=True)
    pd.testing.assert_frame_equal(today, of_days[DAY])


def test_a_day_that_is_not_stored_has_no_rows() -> None:
    nothing = values_before(under_each_other({}), DAY)
    assert nothing.empty
    assert list(nothing.columns) == ["day", "series", "value", "of"]
