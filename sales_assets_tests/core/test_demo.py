from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from sales_assets.core import demo, journey
from sales_assets.core.demo import DemoPlan
from sales_assets.core.journey import EVENT_TYPES, EXPERIMENTS

FIRST = date(2026, 1, 1)
TODAY = date(2026, 3, 15)


def rows_of(plan: DemoPlan) -> pd.DataFrame:
    return pd.concat(demo.demo_rows(plan), ignore_index=True)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return rows_of(DemoPlan(FIRST, TODAY))


def clients_with(rows: pd.DataFrame, *types: str) -> set[str]:
    ids = [
        demo.PURCHASE_ID if each == journey.PURCHASE else demo.DICTIONARY[each] for each in types
    ]
    return set(rows.loc[rows["event_id"].isin(ids), "user_id"].dropna())


def test_the_history_is_at_least_180_days_and_begins_with_a_year() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(800)]
    assert all((day - demo.first_day(day)).days > 180 for day in days)
    assert {(demo.first_day(day).month, demo.first_day(day).day) for day in days} == {(1, 1)}


def test_nothing_is_known_of_today_or_later(rows: pd.DataFrame) -> None:
    assert rows["loaded_at"].max() < pd.Timestamp(TODAY)
    assert rows["happened_at"].max() < pd.Timestamp(TODAY)
    assert rows["happened_at"].min() >= pd.Timestamp(FIRST)
    assert rows["happened_at"].max() >= pd.Timestamp(TODAY) - pd.Timedelta(days=1)


def test_a_later_day_only_adds_rows_some_of_them_late(rows: pd.DataFrame) -> None:
    later = rows_of(DemoPlan(FIRST, TODAY + timedelta(days=3)))
    is_new = later["loaded_at"] >= pd.Timestamp(TODAY)
    columns = list(rows.columns)
    before = later[~is_new].sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(before, rows.sort_values(columns, ignore_index=True))
    late = later[is_new & (later["happened_at"] < pd.Timestamp(TODAY))]
    assert 0 < len(late) < 0.05 * len(later[is_new])


def test_the_chunks_do_not_change_the_rows(rows: pd.DataFrame) -> None:
    chunks = pd.concat(demo.demo_rows(DemoPlan(FIRST, TODAY), days_per_chunk=3), ignore_index=True)
    pd.testing.assert_frame_equal(chunks, rows)


def test_every_type_occurs_and_payments_are_no_events(rows: pd.DataFrame) -> None:
    named = set(demo.DICTIONARY) | {journey.PURCHASE}
    assert set(EVENT_TYPES) <= named
    assert journey.PURCHASE not in demo.DICTIONARY
    assert set(rows["event_id"]) == {*demo.DICTIONARY.values(), demo.PURCHASE_ID, demo.UNKNOWN_ID}


def test_bad_rows_of_every_kind_are_there_and_few(rows: pd.DataFrame) -> None:
    is_event = rows["event_id"] != demo.PURCHASE_ID
    shares = {
        "no user": rows["user_id"].isna().mean(),
        "no time": rows["happened_at"].isna().mean(),
        "unknown": (rows["event_id"] == demo.UNKNOWN_ID).mean(),
        "repeated": rows.duplicated(["user_id", "event_id", "happened_at"])[is_event].mean(),
    }
    assert all(0 < share < 0.02 for share in shares.values()), shares


def test_about_a_tenth_of_the_clients_are_in_experiments(rows: pd.DataFrame) -> None:
    share = len(clients_with(rows, *EXPERIMENTS)) / rows["user_id"].nunique()
    assert 0.07 < share < 0.12


def test_the_four_kinds_of_clients_are_each_a_visible_share(rows: pd.DataFrame) -> None:
    valid = rows.dropna()
    times = valid.pivot_table("happened_at", "user_id", "event_id", aggfunc="min")
    entry = times[demo.DICTIONARY[journey.REQUEST_CREATED]]
    known = times[entry < pd.Timestamp(TODAY) - pd.Timedelta(days=1)]

    def within_a_day(name: str) -> pd.Series:
        return known[demo.DICTIONARY[name]] <= entry[known.index] + pd.Timedelta(days=1)

    called, reached = (
        within_a_day(journey.FIRST_LINE_TASK),
        within_a_day(journey.FIRST_LINE_ANSWERED),
    )
    booked = within_a_day(journey.LESSON_APPOINTED) & ~called
    shares = {
        "booked": booked.mean(),
        "reached": reached.mean(),
        "in vain": (called & ~reached).mean(),
        "nothing": (~called & ~booked).mean(),
    }
    assert min(shares.values()) > 0.055, shares


def test_the_department_has_visible_incidents_on_a_few_days() -> None:
    days = [FIRST + timedelta(days=n) for n in range(1000)]
    share = np.mean([demo.conditions(day) != demo.ORDINARY for day in days])
    assert 1 / 25 < share < 1 / 10


def test_weekends_are_quieter_and_the_night_is_quietest(rows: pd.DataFrame) -> None:
    requests = rows.loc[rows["event_id"] == demo.DICTIONARY[journey.REQUEST_CREATED], "happened_at"]
    per_day = requests.groupby(requests.dt.date).size()
    is_weekend = np.array([day.weekday() >= 5 for day in per_day.index])
    assert per_day[is_weekend].mean() < 0.9 * per_day[~is_weekend].mean()
    assert 0 < (requests.dt.hour < 6).mean() < 0.05


def test_the_size_is_free_and_no_days_are_no_rows() -> None:
    large = sum(map(len, demo.demo_rows(DemoPlan(FIRST, FIRST + timedelta(days=5), 600))))
    assert large > 5 * 600
    assert list(demo.demo_rows(DemoPlan(FIRST, FIRST))) == []
