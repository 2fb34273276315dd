from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sales_assets.core import journey
from sales_assets.core.journey import PROCESSES
from sales_assets.core.metrics.event_log import encode
from sales_assets.core.metrics.funnel import conversion_funnel
from sales_assets.core.metrics.payments import new_paying_users
from sales_assets.old_bot import words as ru
from sales_assets.old_bot.page import comparison_page
from sales_assets.old_bot.rules import (
    LOG_DAYS,
    OLD_FUNNEL,
    Bridge,
    Comparison,
    Step,
    Stored,
    compare,
    days_around,
    late_users,
)
from sales_assets_tests.core.metrics.strategies import (
    BERLIN,
    MOSCOW,
    Row,
    at,
    history_frame,
    journeys,
    raw_frame,
    report_days,
    stored,
    unclosed,
)
from sales_assets_tests.core.metrics.test_processes import WORKED_EXAMPLE

DAY = date(2022, 1, 30)
UTC = ZoneInfo("UTC")
T, A, WA, BUY = (
    journey.FIRST_LINE_TASK,
    journey.FIRST_LINE_ANSWERED,
    journey.WHATSAPP_SENT,
    journey.PURCHASE,
)
HISTORY, LATER = 4, 7


def compared(rows: Sequence[Row], source_zone: ZoneInfo = MOSCOW, day: date = DAY) -> Comparison:
    first = day - timedelta(days=HISTORY)
    around = days_around(day, MOSCOW, source_zone)
    log, days = stored(rows, first, day).log(), report_days(day)
    short_log = stored(rows, day - timedelta(days=LOG_DAYS - 1), day).log()
    known = [around[0] + timedelta(days=n) for n in range((day - around[0]).days + LATER + 1)]
    return compare(
        day,
        MOSCOW,
        source_zone,
        Stored(
            around=[
                raw_frame([row for row in rows if row[2].astimezone(MOSCOW).date() == near], MOSCOW)
                for near in around
            ],
            histories=(history_frame(rows, near, MOSCOW) for near in known),
            log=short_log,
            unclosed=unclosed(log, days, first)[day],
            funnel=conversion_funnel(log, days)[day],
            paying=new_paying_users(log, days, first)[day],
        ),
    )


def bridge(comparison: Comparison, name: str) -> Bridge:
    return next(found for found in comparison.processes if found.name == name)


def first_line(*rows: Row, source_zone: ZoneInfo = MOSCOW) -> dict[Step, int]:
    return dict(bridge(compared(list(rows), source_zone), journey.FIRST_LINE).after)


def changed_steps(values: dict[Step, int]) -> list[Step]:
    return [step for step, _, change in Bridge("", values).rows if change]


def test_the_worked_example_is_bridged_from_one_to_five() -> None:
    rows = bridge(compared(WORKED_EXAMPLE), journey.FIRST_LINE).rows
    assert rows == [
        (Step.OLD, 1, 0),
        (Step.DAY_BORDERS, 1, 0),
        (Step.CLOCK, 1, 0),
        (Step.EXPERIMENTS, 1, 0),
        (Step.PROMISE, 4, 3),
        (Step.NEW, 5, 1),
    ]


@pytest.mark.parametrize("lost", ["2022-01-30 00:00:00", "2022-01-30 23:59:59"])
def test_a_start_on_a_border_of_the_day_is_what_the_day_borders_change(lost: str) -> None:
    values = first_line(("a", T, at(lost)))
    assert (values[Step.OLD], values[Step.DAY_BORDERS]) == (0, 1)


def test_a_start_after_midnight_of_the_report_is_what_the_clock_changes() -> None:
    # 01:00 in Moscow is 22:00 of the day before in the source.
    values = first_line(("a", T, at("2022-01-30 01:00")), source_zone=UTC)
    assert (values[Step.DAY_BORDERS], values[Step.CLOCK]) == (0, 1)


def test_the_source_s_day_reaches_into_the_report_s_next_day() -> None:
    values = first_line(("a", T, at("2022-01-31 01:00")), source_zone=UTC)
    assert (values[Step.DAY_BORDERS], values[Step.CLOCK]) == (1, 0)
    assert days_around(DAY, MOSCOW, UTC) == [DAY, DAY + timedelta(days=1)]
    assert days_around(DAY, MOSCOW, MOSCOW) == [DAY]


def test_who_joins_an_experiment_later_is_what_the_hindsight_loses() -> None:
    joined_later = ("a", WA, at("2022-02-05 11:00"))
    values = first_line(("a", T, at("2022-01-30 10:00")), joined_later)
    assert (values[Step.CLOCK], values[Step.EXPERIMENTS]) == (0, 1)


def test_who_was_in_an_experiment_that_day_counts_on_neither_side() -> None:
    values = first_line(("a", T, at("2022-01-29 10:00")), ("a", WA, at("2022-01-30 11:00")))
    assert set(values.values()) == {0}


def test_a_start_answered_the_next_morning_is_what_the_24_hours_change() -> None:
    rows = [("a", T, at("2022-01-30 20:00")), ("a", A, at("2022-01-31 09:00"))]
    assert first_line(*rows)[Step.EXPERIMENTS] == 1
    assert first_line(*rows)[Step.PROMISE] == 0
    next_day = bridge(compared(rows, day=DAY + timedelta(days=1)), journey.FIRST_LINE)
    assert set(next_day.after.values()) == {0}


def test_a_start_after_an_answer_is_what_counting_cases_adds() -> None:
    times = (T, "2022-01-29 09:00"), (A, "2022-01-29 09:30"), (T, "2022-01-29 11:00")
    values = first_line(*(("k", kind, at(when)) for kind, when in times))
    assert (values[Step.PROMISE], values[Step.NEW]) == (0, 1)


def test_a_repeated_start_is_what_counting_cases_takes_away() -> None:
    values = first_line(*(("g", T, at(f"2022-01-{when} 15:00")) for when in (28, 29)))
    assert (values[Step.PROMISE], values[Step.NEW]) == (1, 0)


def test_an_end_before_its_start_closes_it_only_for_the_old_bot() -> None:
    rows = [("a", A, at("2022-01-30 09:00")), ("a", T, at("2022-01-30 18:00"))]
    assert first_line(*rows)[Step.OLD] == 0
    next_day = compared(rows, day=DAY + timedelta(days=1))
    assert bridge(next_day, journey.FIRST_LINE).after[Step.NEW] == 1


def test_the_old_funnel_exceeds_a_hundred_percent_and_ours_does_not() -> None:
    rows = [
        ("a", journey.REQUEST_CREATED, at("2022-01-30 10:00")),
        *((user, T, at("2022-01-30 11:00")) for user in "abc"),
    ]
    funnel = compared(rows).funnel.set_index("step")
    assert tuple(funnel.index) == OLD_FUNNEL
    assert funnel.loc[T, "old_share"] == 3.0
    assert funnel["old_share"].isna()[journey.REQUEST_CREATED]
    assert (funnel["new_share"] <= 1).all()


def test_a_first_payment_in_the_last_second_is_new_to_the_report_alone() -> None:
    comparison = compared([("a", BUY, at("2022-01-30 23:59:59"))])
    assert list(comparison.paying.after.values()) == [0, 1, 1, 1, 1]


def test_a_day_without_events_is_zeros() -> None:
    comparison = compared([])
    assert all(set(of.after.values()) == {0} for of in comparison.processes)
    assert comparison.funnel["old_users"].sum() == 0


@settings(max_examples=10, deadline=None)
@given(journeys(DAY + timedelta(days=3)), st.sampled_from([MOSCOW, UTC, BERLIN]))
def test_every_bridge_leads_from_the_old_number_to_the_report_s(
    rows: list[Row], source_zone: ZoneInfo
) -> None:
    comparison = compared(rows, source_zone)
    first = DAY - timedelta(days=HISTORY)
    log = stored(rows, first, DAY).log()
    table = unclosed(log, report_days(DAY), first)[DAY].set_index("process")
    for process in PROCESSES:
        found = bridge(comparison, process.name)
        old, new = found.after[Step.OLD], found.after[Step.NEW]
        assert old + sum(change for _, _, change in found.rows) == new
        assert found.after[Step.EXPERIMENTS] == table.loc[process.name, "same_day_users"]
        assert found.after[Step.PROMISE] == late_users(log, process, DAY, MOSCOW)
        assert new == table.loc[process.name, "breached"]
    paying = comparison.paying.after
    assert paying[Step.EXPERIMENTS] == paying[Step.NEW]


def test_the_report_s_own_bars_are_the_old_bot_s_with_our_rules_where_nothing_differs() -> None:
    noon: list[Row] = [("a", T, at("2022-01-30 12:00")), ("b", T, at("2022-01-30 13:00"))]
    assert changed_steps(first_line(*noon)) == [Step.PROMISE]


def test_the_page_says_every_step_in_russian_and_needs_no_other_file() -> None:
    notes = [ru.COMPARISON_KNOWN_UNTIL.format(day=DAY)]
    page = comparison_page(compared(WORKED_EXAMPLE), MOSCOW, UTC, notes)
    assert page == comparison_page(compared(WORKED_EXAMPLE), MOSCOW, UTC, notes)
    assert notes[0] in page
    assert page.count("<table") == len(PROCESSES) + 2
    assert "<td>+3</td>" in page
    assert ru.COMPARISON_TITLE in page
    assert "Europe/Moscow" in page
    assert "http" not in page


def test_comparing_leaves_its_frames_unchanged() -> None:
    raw = raw_frame(WORKED_EXAMPLE, MOSCOW)
    history = history_frame(WORKED_EXAMPLE, DAY, MOSCOW)
    before = raw.copy(), history.copy()
    empty = encode([], [], MOSCOW)
    metrics = compared(WORKED_EXAMPLE)
    days = report_days(DAY)
    compare(
        DAY,
        MOSCOW,
        UTC,
        Stored(
            [raw],
            [history],
            empty,
            unclosed(empty, days, DAY)[DAY],
            conversion_funnel(empty, days)[DAY],
            new_paying_users(empty, days, DAY)[DAY],
        ),
    )
    assert metrics.day == DAY
    pd.testing.assert_frame_equal(raw, before[0])
    pd.testing.assert_frame_equal(history, before[1])
