from datetime import date, timedelta

import pandas as pd

from sales_assets.core import journey
from sales_assets.core.metrics.payments import new_paying_users
from sales_assets_tests.core.metrics.strategies import at, report_days, stored

DAY = date(2022, 1, 30)
FIRST_DAY = date(2022, 1, 1)
P = journey.PURCHASE
ROWS = [
    ("first at midnight", P, at("2022-01-30 00:00")),
    ("first at the last second", P, at("2022-01-30 23:59:59")),
    ("first at the last second", P, at("2022-01-30 23:59:58")),
    ("tomorrow", P, at("2022-01-31 00:00")),
    ("again", P, at("2022-01-30 10:00")),
    ("again", P, at("2022-01-23 10:00")),
    ("in an experiment", journey.WHATSAPP_SENT, at("2022-01-02 10:00")),
    ("in an experiment", P, at("2022-01-30 10:00")),
    ("in an experiment tomorrow", P, at("2022-01-30 10:00")),
    ("in an experiment tomorrow", journey.WHATSAPP_SENT, at("2022-01-31 10:00")),
    ("three days before", P, at("2022-01-27 10:00")),
]


def counts_of(history_first_day: date) -> dict:
    log = stored(ROWS, FIRST_DAY, date(2022, 2, 2)).log()
    return new_paying_users(log, report_days(DAY), history_first_day)[DAY].iloc[0].to_dict()


def test_new_is_who_never_paid_before_and_experiments_count_apart() -> None:
    assert counts_of(FIRST_DAY) == {
        "new_paying": 3,
        "new_paying_experiment": 1,
        "paying": 4,
        "payments": 5,
        "same_weekday_last_week": 1,
        "mean_7d": 2 / 7,
    }


def test_a_comparison_that_reaches_before_the_history_is_missing() -> None:
    counts = counts_of(DAY - timedelta(days=6))
    assert pd.isna(counts["same_weekday_last_week"])
    assert pd.isna(counts["mean_7d"])
    assert counts["new_paying"] == 3
    assert counts_of(DAY - timedelta(days=7))["same_weekday_last_week"] == 1


def test_a_day_without_payments_is_zeros() -> None:
    frame = new_paying_users(stored([], FIRST_DAY, DAY).log(), report_days(DAY), FIRST_DAY)[DAY]
    assert frame.to_numpy().tolist() == [[0, 0, 0, 0, 0, 0.0]]
