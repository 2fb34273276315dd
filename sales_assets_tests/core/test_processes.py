from datetime import date

import pandas as pd
import pytest

from sales_assets.core import russian as ru
from sales_assets.core.processes import (
    UNCLOSED_COLUMNS,
    unclosed_processes,
)
from sales_assets_tests.core.strategies import Row, at, report_days, stored

DAY = date(2022, 1, 30)
HISTORY_FIRST_DAY = date(2021, 12, 1)
T, A, WA = ru.FIRST_LINE_TASK, ru.FIRST_LINE_ANSWERED, ru.WHATSAPP_SENT


def rows_of(user: str, *events: tuple[str, str]) -> list[Row]:
    return [(user, kind, at(f"2022-{when}")) for kind, when in events]


WORKED_EXAMPLE = [
    *rows_of("a", (T, "01-29 10:00"), (A, "01-29 12:00")),
    *rows_of("b", (T, "01-29 10:00"), (A, "01-30 10:00:00")),
    *rows_of("c", (T, "01-29 10:00"), (A, "01-30 10:00:01")),
    *rows_of("d", (T, "01-29 10:00")),
    *rows_of("e", (T, "01-30 23:50")),
    *rows_of("f", (T, "01-28 20:00"), (A, "01-30 09:00"), (T, "01-30 18:00")),
    *rows_of("g", (T, "01-28 15:00"), (T, "01-29 09:00"), (T, "01-29 16:00"), (A, "01-29 17:00")),
    *rows_of("h", (T, "01-29 08:00"), (T, "01-29 20:00")),
    *rows_of("i", (T, "01-30 00:00:00"), (A, "01-30 00:30")),
    *rows_of("j", (T, "01-30 12:00:00"), (A, "01-30 12:00:00")),
    *rows_of("k", (T, "01-29 09:00"), (A, "01-29 09:30"), (T, "01-29 11:00")),
    ("l", T, at("2021-12-31 10:00")),
    *rows_of("m", (T, "01-29 10:00"), (WA, "01-30 11:00")),
    *rows_of("n", (T, "01-29 10:00"), (WA, "02-05 11:00")),
]


@pytest.fixture(scope="module")
def worked_example():
    return stored(WORKED_EXAMPLE, HISTORY_FIRST_DAY, date(2022, 2, 6)).log()


def of_process(frame: pd.DataFrame, name: str) -> dict:
    return frame.set_index("process").loc[name].to_dict()


def test_the_worked_example_counts_as_it_is_written(worked_example):
    frame = unclosed_processes(worked_example, report_days(DAY), HISTORY_FIRST_DAY)[DAY]
    first_line = of_process(frame, ru.FIRST_LINE)
    assert list(frame.columns) == list(UNCLOSED_COLUMNS)
    assert first_line == {
        "due": 8,
        "breached": 5,
        "opened": 4,
        "closed": 5,
        "in_progress": 2,
        "overdue_1_3d": 4,
        "overdue_3_7d": 0,
        "overdue_7_30d": 0,
        "usual_breached": 0.0,
        "same_day_users": 1,
    }
