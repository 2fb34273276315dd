from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from sales_assets.core import journey
from sales_assets.core.journey import EVENT_TYPES
from sales_assets.core.metrics.event_log import NEVER, EventLog, encode, position_of_day
from sales_assets_tests.core.metrics.strategies import (
    BERLIN,
    MOSCOW,
    Row,
    at,
    journeys,
    report_days,
    stored,
)

DAY = date(2022, 1, 30)
FIRST_DAY = date(2021, 11, 20)
ODD_IDS = ("7", "007", "1e5", " ", "ж" * 5000, "نعم", "a\u0000b", "😀")


def same(one: EventLog, other: EventLog) -> bool:
    names = ("user", "type", "at_us", "first_event", "first_experiment", "first_payment")
    return one.users.equals(other.users) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


@settings(max_examples=10, deadline=None)
@given(journeys(DAY), st.integers(0, 1000), st.integers(1, 7))
def test_order_chunks_and_repetitions_of_rows_make_no_difference(
    rows: list[Row], seed: int, chunks: int
) -> None:
    frames = stored(rows, FIRST_DAY, DAY)
    clean = pd.concat([*frames.clean.values()] * 2).sample(frac=1, random_state=seed)
    history = pd.concat([*frames.history.values()] * 2).sample(frac=1, random_state=seed)
    events_anew, history_anew = (
        [frame.iloc[position::chunks] for position in range(chunks)] for frame in (clean, history)
    )
    assert same(encode(events_anew, history_anew, MOSCOW), frames.log())


def test_rows_stand_by_user_instant_and_type_with_each_users_facts() -> None:
    rows = [
        ("b", journey.PURCHASE, at("2022-01-29 10:00")),
        ("b", journey.REQUEST_CREATED, at("2022-01-29 10:00")),
        ("a", journey.REQUEST_CREATED, at("2022-01-30 10:00")),
        ("x", journey.WHATSAPP_SENT, at("2022-01-30 10:00")),
    ]
    log = stored(rows, FIRST_DAY, DAY).log()
    assert list(log.users) == ["a", "b", "x"]
    assert [
        (log.users[user], EVENT_TYPES[kind]) for user, kind in zip(log.user, log.type, strict=True)
    ] == [
        ("a", journey.REQUEST_CREATED),
        ("b", journey.REQUEST_CREATED),
        ("b", journey.PURCHASE),
    ]
    assert list(log.first_experiment == NEVER) == [True, True, False]
    assert list(log.first_payment == NEVER) == [True, False, True]
    assert list(log.moment) == [0, 1, 1]


def test_ids_of_any_shape_stay_apart() -> None:
    rows = [(user, journey.REQUEST_CREATED, at("2022-01-30 10:00")) for user in ODD_IDS]
    log = stored(rows, FIRST_DAY, DAY).log()
    assert set(log.users) == set(ODD_IDS)
    assert len(log.user) == len(ODD_IDS)


def test_text_and_category_types_read_alike_and_strange_types_are_left_out() -> None:
    rows = [
        ("a", journey.REQUEST_CREATED, at("2022-01-30 10:00")),
        ("a", "something else", at("2022-01-30 11:00")),
    ]
    frames = stored(rows, FIRST_DAY, DAY)
    text = [frame.astype({"event_type": "str"}) for frame in frames.clean.values()]
    assert same(encode(text, frames.history.values(), MOSCOW), frames.log())
    assert len(frames.log().at_us) == 1


def test_no_frames_make_an_empty_log() -> None:
    log = encode([], [], MOSCOW)
    assert len(log.users) == len(log.at_us) == len(log.moment) == 0


def test_the_hour_that_a_clock_repeats_keeps_its_order() -> None:
    day = date(2022, 10, 30)
    rows = [
        ("a", journey.REQUEST_CREATED, at("2022-10-30 00:30", MOSCOW)),
        ("a", journey.FIRST_LINE_TASK, at("2022-10-30 04:30", MOSCOW)),  # 02:30 in Berlin, twice
        ("a", journey.PURCHASE, at("2022-10-30 03:30", MOSCOW)),
    ]
    log = stored(rows, day, day, BERLIN).log()
    assert [EVENT_TYPES[kind] for kind in log.type] == [
        journey.PURCHASE,
        journey.FIRST_LINE_TASK,
    ]
    assert np.diff(log.at_us) == [3600 * 10**6]


def test_a_day_holds_its_midnight_and_not_the_next_one() -> None:
    days = report_days(DAY, date(2022, 1, 28))
    instants = ["2022-01-30 00:00", "2022-01-30 23:59:59", "2022-01-31 00:00", "2022-01-29 12:00"]
    at_us = pd.DatetimeIndex([at(text) for text in instants]).as_unit("us").asi8
    assert list(position_of_day(at_us, days)) == [1, 1, -1, -1]
