from datetime import date

import pandas as pd
import pytest

from sales_assets.core import journey
from sales_assets.core.metrics.cleaning import clean_events, set_aside
from sales_assets.core.metrics.funnel import conversion_funnel
from sales_assets.core.metrics.schemas import (
    check_bad_rows,
    check_clean,
    check_groups,
    check_loss,
    check_structure,
)
from sales_assets_tests.core.metrics.strategies import (
    MOSCOW,
    at,
    history_frame,
    raw_frame,
    report_days,
    stored,
)

DAY = date(2022, 1, 30)
ROWS = [
    ("a", journey.REQUEST_CREATED, at("2022-01-30 00:00")),
    ("a", journey.FIRST_LINE_TASK, at("2022-01-30 23:59:59.999999")),
    ("b", journey.WHATSAPP_SENT, at("2022-01-30 12:00")),
]
FLAWED = [
    *ROWS,
    ROWS[0],
    (None, journey.PURCHASE, at("2022-01-30 12:00")),
    ("", journey.PURCHASE, at("2022-01-30 12:00")),
    ("c", None, at("2022-01-30 12:00")),
]


@pytest.fixture
def raw() -> pd.DataFrame:
    return raw_frame(ROWS, MOSCOW)


@pytest.fixture
def flawed() -> pd.DataFrame:
    return raw_frame(FLAWED, MOSCOW)


@pytest.fixture
def history() -> pd.DataFrame:
    return history_frame(ROWS, DAY, MOSCOW)


def test_a_sound_raw_frame_passes(raw: pd.DataFrame) -> None:
    outcome = check_structure(raw, DAY)
    assert outcome.passed
    assert outcome.message == "3 rows as promised"


def test_an_empty_day_passes_and_says_so(raw: pd.DataFrame, history: pd.DataFrame) -> None:
    empty = raw.iloc[:0]
    for outcome in (
        check_structure(empty, DAY),
        check_bad_rows(empty, 0.05),
        check_clean(empty, history, DAY),
    ):
        assert outcome.passed
        assert outcome.message == "the day is empty: no rows"


def test_a_missing_column_fails_and_is_named(raw: pd.DataFrame) -> None:
    outcome = check_structure(raw.drop(columns="event_type"), DAY)
    assert not outcome.passed
    assert outcome.failing == {"column missing: event_type": 1}


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("user_id", [1, 2, 3], "not text"),
        ("event_type", [1, 2, 3], "not text"),
        (
            "event_time",
            ["2022-01-30 10:00"] * 3,
            "not a wall-clock time in microseconds",
        ),
    ],
)
def test_a_wrong_type_fails(raw: pd.DataFrame, column: str, values: list, kind: str) -> None:
    outcome = check_structure(raw.assign(**{column: values}), DAY)
    assert not outcome.passed
    assert kind in outcome.failing


def test_times_outside_the_day_fail_and_are_sampled(raw: pd.DataFrame) -> None:
    outcome = check_structure(raw, date(2022, 1, 29))
    assert not outcome.passed
    assert outcome.failing == {"outside 2022-01-29": 3}
    assert len(outcome.sample) == 3


def test_a_sample_holds_ten_rows_at_most(raw: pd.DataFrame) -> None:
    outcome = check_structure(pd.concat([raw] * 5), date(2022, 1, 29))
    assert outcome.failing == {"outside 2022-01-29": 15}
    assert len(outcome.sample) == 10


def test_bad_rows_are_counted_by_kind_and_fail_above_the_share(flawed: pd.DataFrame) -> None:
    before = flawed.copy(deep=True)
    outcome = check_bad_rows(flawed, max_share=3 / 7 - 0.01)
    assert not outcome.passed
    assert outcome.failing == {"duplicates": 1, "without_user": 2, "unknown_type": 1}
    assert set(outcome.sample["kind"]) == set(outcome.failing)
    assert check_bad_rows(flawed, max_share=3 / 7).passed
    pd.testing.assert_frame_equal(flawed, before)


@pytest.mark.parametrize(
    ("stored", "rows", "is_kept"),
    [(20, 16, True), (20, 15, False), (100, 95, True), (100, 94, False), (100, 105, True)],
)
def test_a_day_shrinks_by_more_than_four_rows_and_more_than_the_share(
    stored: int, rows: int, *, is_kept: bool
) -> None:
    assert check_loss(stored, rows, DAY, 0.05).passed is is_kept


def test_clean_events_keep_their_promises(flawed: pd.DataFrame, history: pd.DataFrame) -> None:
    clean = clean_events(set_aside(flawed)[0], history)
    assert check_clean(clean, history, DAY).passed


def test_raw_events_break_the_promises_of_clean_ones(
    flawed: pd.DataFrame, history: pd.DataFrame
) -> None:
    outcome = check_clean(flawed, history, DAY)
    assert not outcome.passed
    assert outcome.failing == {
        "user in an experiment": 1,
        "experiment event": 1,
        "not_nullable": 2,
        "duplicate": 1,
    }


def test_groups_that_sum_to_the_funnel_pass() -> None:
    rows = [("a", journey.REQUEST_CREATED, at("2022-01-20 10:00"))]
    log = stored(rows, date(2022, 1, 1), DAY).log()
    funnel = conversion_funnel(log, report_days(DAY))[DAY]
    assert check_groups(funnel).passed


def test_groups_that_do_not_sum_or_exceed_the_entries_fail() -> None:
    funnel = pd.DataFrame(
        {
            "group": ["all", "all", "g", "g"],
            "path": ["main"] * 4,
            "step": ["1", "2", "1", "2"],
            "users": [2, 3, 2, 2],
            "share": [1.0, 1.5, 1.0, 1.0],
        }
    )
    outcome = check_groups(funnel)
    assert not outcome.passed
    assert outcome.failing == {
        "share outside 0..100 %": 1,
        "groups do not sum to all": 2,
        "more than the step before": 1,
    }


def test_a_day_without_a_single_bad_row_sets_nothing_aside() -> None:
    raw = pd.DataFrame(
        {
            "user_id": pd.Series(["a", "b"], dtype="str"),
            "event_time": pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00"]).as_unit("us"),
            "event_type": pd.Categorical(["x", "y"]),
        }
    )
    outcome = check_bad_rows(raw, 0.0)
    assert outcome.passed
    assert outcome.failing == {}
    assert outcome.sample.empty
    assert outcome.message.startswith("0 of 2 rows")
