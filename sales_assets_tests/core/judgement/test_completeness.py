from collections.abc import Callable, Collection
from dataclasses import asdict, fields
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sales_assets.core import journey
from sales_assets.core.judgement import Completeness, completeness
from sales_assets_tests.benchmarks.source_worlds import DESK, WEEKDAY_DESK, SourceLog
from sales_assets_tests.shared_cases import shared_cases

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
#: A Wednesday.
TODAY = date(2025, 10, 8)
MIDNIGHT = datetime(2025, 10, 8)
END = MIDNIGHT + DAY
MORNING = END + timedelta(hours=8, minutes=45)
A, B, C = "a", "b", "c"

#: Rows of an hour of a day (0 = the judged one, -1 = the day before), or none.
Rows = Callable[[int, int], int]


def steady(rows: Rows, types: Collection[str] = (A,), history: int = 56) -> pd.DataFrame:
    """Count the rows of each hour from the history's first day to the day after the judged."""
    hours = [(day, hour) for day in range(-history, 2) for hour in range(24)]
    cells = [(MIDNIGHT + day * DAY + hour * HOUR, rows(day, hour)) for day, hour in hours]
    kept = [(at, kind, count) for kind in types for at, count in cells if count]
    frame = pd.DataFrame(kept, columns=["hour", "type", "rows"])
    return frame.astype({"hour": "datetime64[us]", "rows": "int64"})


def until(day: int, hour: int) -> Callable[[int, int], bool]:
    return lambda of_day, of_hour: (of_day, of_hour) < (day, hour)


def ten_until(day: int, hour: int) -> pd.DataFrame:
    """Count ten rows an hour, day and night, until an hour: chance alone, so S is the rows."""
    return steady(lambda *at: 10 if until(day, hour)(*at) else 0)


def open_hours(day: int, hour: int) -> int:
    """Count twenty rows an hour from 9 to 21."""
    del day
    return 20 if 9 <= hour < 21 else 0


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# The shared cases


def hourly(strings: dict[str, list[str]], first_day: date) -> pd.DataFrame:
    """Read a string of 24 numbers per type and day."""
    grids = [np.array(" ".join(days).split(), dtype=int) for days in strings.values()]
    hours = [np.datetime64(first_day, "h") + np.arange(len(grid)) for grid in grids]
    frame = {
        "hour": np.concatenate([np.empty(0, "datetime64[h]"), *hours]).astype("datetime64[s]"),
        "type": np.repeat(list(strings), [len(grid) for grid in grids]).astype(object),
        "rows": np.concatenate([np.empty(0, int), *grids]),
    }
    return pd.DataFrame(frame)


def counts_of_case(case: dict[str, Any], history: dict[str, Any]) -> pd.DataFrame:
    judged = date.fromisoformat(history["judged"])
    parts = [
        hourly(history["rows"], date.fromisoformat(history["first_day"])),
        hourly({kind: [day] for kind, day in case["day_rows"].items()}, judged),
        hourly({kind: [day] for kind, day in case["next_day_rows"].items()}, judged + DAY),
    ]
    return pd.concat(parts)


def answer_to_case(case: dict[str, Any], history: dict[str, Any]) -> Completeness:
    return completeness(
        counts_of_case(case, history),
        date.fromisoformat(history["judged"]),
        last_at={kind: at(last) for kind, last in case["last_at"].items()},
        first_after=case["first_after"] and at(case["first_after"]),
        as_of=at(case["as_of"]),
        holidays=[date.fromisoformat(day) for day in history["holidays"]],
    )


@pytest.fixture(scope="module")
def answers() -> list[tuple[dict[str, Any], Completeness]]:
    shared = shared_cases("completeness_cases.json")
    return [
        (case, answer_to_case(case, shared["histories"][case["history"]]))
        for case in shared["cases"]
    ]


Answers = list[tuple[dict[str, Any], Completeness]]


def test_what_must_be_found_is_found_with_its_types(answers: Answers) -> None:
    must = [(case, answer) for case, answer in answers if case["must_find"]]
    assert len(must) == 47
    for case, answer in must:
        truth = (case["truth"]["state"], case["truth"]["types"])
        assert (answer.state, list(answer.missing)) == truth, case["id"]


def test_all_cases_have_the_state_the_types_and_the_certainty_of_the_definition(
    answers: Answers,
) -> None:
    for case, answer in answers:
        expected = case["prototype"]
        given_ = {
            "state": str(answer.state),
            "missing": list(answer.missing),
            "certain_until": str(answer.certain_until),
        }
        assert given_ == {name: expected[name] for name in given_}, case["id"]


#: Where the case's own `last_at` is right and the stated end lies up to six minutes before it.
STATED_EARLY = ("d00-stop", "d03-hole", "d04-stop")


def test_all_cases_end_at_their_last_row(answers: Answers) -> None:
    for case, answer in answers:
        last = max((at(last) for last in case["last_at"].values()), default=None)
        assert answer.ends_at == last, case["id"]
        if case["id"] not in STATED_EARLY:
            assert str(answer.ends_at) == str(case["prototype"]["ends_at"]), case["id"]


def test_all_cases_are_as_surprising_as_the_definition_says(answers: Answers) -> None:
    for case, answer in answers:
        off = 0.02 if case["id"] in STATED_EARLY else 0
        expected = case["prototype"]["surprise"]
        assert answer.surprise == pytest.approx(expected, rel=off, abs=0.006), case["id"]


def test_a_hole_of_the_cases_lasts_to_the_first_row_after_the_day(answers: Answers) -> None:
    for case, answer in answers:
        resumes_at = at(case["first_after"]) if answer.state == "hole" else None
        assert answer.resumes_at == resumes_at, case["id"]


# The sentence of the chief: the data ends at 14:03


def test_a_day_that_ends_at_fourteen_o_clock_ends_early() -> None:
    answer = completeness(ten_until(0, 15), TODAY, {A: at("2025-10-08 14:03")}, as_of=END)
    # 9 h 57 min of ten rows an hour, by chance alone.
    assert answer.surprise == pytest.approx(99.5)
    assert (answer.state, answer.ends_at) == ("ends_early", at("2025-10-08 14:03"))
    assert answer.certain_until == at("2025-10-08 23:00")


def test_without_the_last_row_the_end_of_its_hour_stands_for_it() -> None:
    answer = completeness(ten_until(0, 15), TODAY)
    assert (answer.state, answer.ends_at) == ("ends_early", at("2025-10-08 15:00"))
    assert answer.surprise == pytest.approx(90)


def test_a_last_row_of_another_hour_is_not_believed() -> None:
    last_at = {A: at("2025-10-08 11:30"), B: at("2025-10-07 14:30")}
    assert completeness(ten_until(0, 15), TODAY, last_at).ends_at == at("2025-10-08 15:00")


def test_the_last_row_is_the_largest_of_all_types() -> None:
    last_at = {A: at("2025-10-08 14:03"), "unheard of": at("2025-10-08 14:59:59")}
    assert completeness(ten_until(0, 15), TODAY, last_at).ends_at == at("2025-10-08 14:59:59")


def test_no_time_is_no_knowledge() -> None:
    known = completeness(ten_until(0, 15), TODAY)
    never: Any = pd.NaT
    assert completeness(ten_until(0, 15), TODAY, {A: never}, never, never) == known


def test_the_answer_tells_standard_times() -> None:
    last_at = {A: pd.Timestamp("2025-10-08 14:03:00.000001")}
    answer = completeness(ten_until(0, 15), TODAY, last_at, as_of=pd.Timestamp(END))
    assert type(answer.ends_at) is type(answer.certain_until) is datetime
    assert answer.ends_at == at("2025-10-08 14:03:00.000001")


# What came after the day


def test_a_first_row_after_midnight_makes_a_hole_of_the_silence() -> None:
    resumes_at = at("2025-10-09 02:30")
    answer = completeness(ten_until(0, 15), TODAY, first_after=resumes_at, as_of=MORNING)
    assert (answer.state, answer.resumes_at) == ("hole", resumes_at)
    assert answer.ends_at == at("2025-10-08 15:00")
    assert answer.surprise == pytest.approx(115)


def test_the_first_hour_with_rows_after_midnight_stands_for_the_first_row() -> None:
    counts = steady(lambda day, hour: 10 if day < 0 or (day, hour) < (0, 15) or day == 1 else 0)
    answer = completeness(counts, TODAY, as_of=MORNING)
    assert (answer.state, answer.resumes_at) == ("hole", END)


def test_a_first_row_before_the_end_of_the_day_is_not_believed() -> None:
    counts = ten_until(0, 12)
    answer = completeness(counts, TODAY, first_after=MIDNIGHT + 15 * HOUR, as_of=MORNING)
    assert answer == completeness(counts, TODAY, as_of=MORNING)
    assert answer.state == "ends_early"


def test_hours_from_the_reading_on_are_not_read() -> None:
    counts = steady(lambda day, hour: 10 if day != 0 or hour < 15 else 0)
    answer = completeness(counts, TODAY, as_of=END)
    assert answer == completeness(ten_until(0, 15), TODAY, as_of=END)


def test_a_whole_day_with_nothing_after_midnight_is_complete_in_the_morning() -> None:
    answer = completeness(ten_until(1, 0), TODAY, as_of=MORNING)
    # The pipe stands, but that's no fault of the day.
    assert answer.surprise == pytest.approx(87.5)
    assert (answer.state, answer.certain_until) == ("complete", END)


def test_a_reading_in_the_middle_of_the_day_expects_nothing_later() -> None:
    noon = MIDNIGHT + 12 * HOUR
    assert completeness(ten_until(0, 12), TODAY, as_of=noon).state == "complete"
    cut = completeness(ten_until(0, 8), TODAY, as_of=noon)
    assert (cut.state, cut.surprise) == ("ends_early", pytest.approx(40))
    assert cut.certain_until == noon - HOUR


@pytest.mark.parametrize("as_of", [MIDNIGHT, MIDNIGHT - 90 * DAY])
def test_a_reading_before_the_day_proves_nothing(as_of: datetime) -> None:
    whole = completeness(ten_until(1, 0), TODAY, as_of=as_of)
    nothing = completeness(ten_until(0, 0), TODAY, as_of=as_of)
    assert (whole.state, whole.surprise) == ("complete", 0)
    assert (nothing.state, nothing.certain_until) == ("unknown", None)


# Holes inside the day


def test_rows_missing_from_midnight_to_fourteen_o_clock_are_a_hole() -> None:
    counts = steady(lambda day, hour: 0 if day == 0 and hour < 14 else 10)
    answer = completeness(counts, TODAY, as_of=MORNING)
    assert (answer.state, answer.ends_at) == ("hole", MIDNIGHT)
    assert answer.resumes_at == at("2025-10-08 14:00")
    assert answer.surprise == pytest.approx(140)


def test_rows_only_from_twenty_three_o_clock_are_a_hole() -> None:
    counts = steady(lambda day, hour: 0 if day == 0 and hour < 23 else 10)
    answer = completeness(counts, TODAY, as_of=MORNING)
    assert (answer.state, answer.ends_at) == ("hole", MIDNIGHT)
    assert answer.resumes_at == at("2025-10-08 23:00")


def test_of_several_holes_the_most_surprising_is_told() -> None:
    lost = {3, 4, 10, 11, 12, 18, 19}
    counts = steady(lambda day, hour: 0 if day == 0 and hour in lost else 10)
    answer = completeness(counts, TODAY, as_of=MORNING)
    assert (answer.ends_at, answer.resumes_at) == (MIDNIGHT + 10 * HOUR, MIDNIGHT + 13 * HOUR)
    # Seven hours miss; without the hole's three the level of the day is 175 of 215 rows.
    assert answer.surprise == pytest.approx(30 * 175 / 215)


def test_the_cut_counts_before_a_hole_as_long_as_nothing_came_after_it() -> None:
    counts = steady(lambda day, hour: 10 if day < 0 or (day == 0 and hour in (13, 20)) else 0)
    assert completeness(counts, TODAY, as_of=MORNING).state == "ends_early"
    resumed = completeness(counts, TODAY, first_after=END, as_of=MORNING)
    assert (resumed.state, resumed.resumes_at) == ("hole", MIDNIGHT + 13 * HOUR)


def test_a_single_silent_hour_needs_more_inside_the_day_than_at_its_end() -> None:
    inside = steady(lambda day, hour: 0 if (day, hour) == (0, 12) else 12)
    at_the_end = steady(lambda day, hour: 0 if day == 0 and hour == 23 else 12)
    assert completeness(inside, TODAY, as_of=END).state == "complete"
    assert completeness(at_the_end, TODAY, as_of=END).state == "ends_early"


# Days without rows


def test_a_day_without_rows_is_empty() -> None:
    answer = completeness(ten_until(0, 0), TODAY, as_of=END)
    assert (answer.state, answer.ends_at) == ("empty", None)
    assert answer.surprise == pytest.approx(240)


def test_a_day_without_rows_is_empty_also_when_the_pipe_has_moved_on() -> None:
    answer = completeness(ten_until(0, 0), TODAY, first_after=END + HOUR, as_of=MORNING)
    assert (answer.state, answer.resumes_at) == ("empty", None)
    assert answer.surprise == pytest.approx(250)


@pytest.mark.parametrize("away", range(1, 9))
def test_each_day_of_an_outage_of_eight_days_is_empty(away: int) -> None:
    counts = steady(lambda day, hour: open_hours(day, hour) if day <= -away else 0)
    answer = completeness(counts, TODAY, as_of=MORNING)
    assert (answer.state, answer.certain_until) == ("empty", MIDNIGHT + 20 * HOUR)
    assert answer.surprise == pytest.approx(240)


def test_the_first_day_after_an_outage_of_eight_days_is_complete() -> None:
    counts = steady(lambda day, hour: 0 if -8 <= day < 0 else open_hours(day, hour))
    assert completeness(counts, TODAY, as_of=MORNING).state == "complete"


def open_on_weekdays(day: int, hour: int) -> int:
    return open_hours(day, hour) if (MIDNIGHT + day * DAY).weekday() < 5 else 0


SUNDAY = date(2025, 10, 5)


@pytest.mark.parametrize("first_after", [None, at("2025-10-06 09:02"), at("2025-10-08 12:00")])
def test_a_closed_sunday_judged_on_thursday_is_unknown(first_after: datetime | None) -> None:
    counts = steady(lambda day, hour: open_on_weekdays(day, hour) if day < -2 else 0)
    answer = completeness(counts, SUNDAY, first_after=first_after, as_of=at("2025-10-09 09:00"))
    assert (answer.state, answer.ends_at) == ("unknown", None)


def test_a_holiday_is_expected_like_the_quietest_weekday() -> None:
    counts = steady(lambda day, hour: open_on_weekdays(day, hour) if day < 0 else 0)
    assert completeness(counts, TODAY, as_of=MORNING).state == "empty"
    answer = completeness(counts, TODAY, as_of=MORNING, holidays={TODAY})
    assert (answer.state, answer.surprise) == ("unknown", pytest.approx(0))


def test_holidays_and_days_without_rows_are_no_history() -> None:
    counts, usual = ten_until(0, 15), ten_until(0, 15)
    holidays = [TODAY - 3 * DAY, TODAY - 20 * DAY]
    on_holidays = counts["hour"].dt.date.isin(holidays)
    busy = counts.assign(rows=counts["rows"] * np.where(on_holidays, 50, 1))
    answer = completeness(busy, TODAY, holidays=holidays)
    assert answer == completeness(usual[~on_holidays], TODAY, holidays=holidays)


# A short history


@pytest.mark.parametrize(("history", "state"), [(0, "unknown"), (13, "unknown"), (14, "empty")])
def test_under_fourteen_days_of_history_nothing_is_known(history: int, state: str) -> None:
    counts = steady(lambda day, hour: 10 if until(0, 0)(day, hour) else 0, history=history)
    answer = completeness(counts, TODAY, as_of=MORNING)
    assert answer.state == state
    if state == "unknown":
        assert answer == Completeness(answer.state)


def test_holidays_do_not_lengthen_the_history() -> None:
    counts = steady(lambda day, _: 10 if day < 0 else 0, history=14)
    assert completeness(counts, TODAY, holidays=[TODAY - DAY]).state == "unknown"


def test_rows_of_more_than_eight_weeks_ago_are_forgotten() -> None:
    counts = ten_until(0, 15)
    old = counts.assign(hour=counts["hour"] - 8 * WEEK, rows=10_000)
    both = pd.concat([old[old["hour"] < MIDNIGHT - 8 * WEEK], counts])
    assert completeness(both, TODAY) == completeness(counts, TODAY)


@pytest.mark.parametrize("columns", [["hour", "type", "rows"], ["hour", "type", "rows", "note"]])
def test_no_counts_at_all_are_unknown(columns: list[str]) -> None:
    nothing = pd.DataFrame(columns=columns)
    assert completeness(nothing, TODAY) == Completeness(completeness(nothing, TODAY).state)
    assert completeness(nothing, TODAY, {}, None, MORNING).state == "unknown"
    typed = ten_until(0, 0).iloc[:0]
    assert completeness(typed, TODAY, {A: END - HOUR}, END, MORNING, [TODAY]).state == "unknown"


# Habits


def test_a_desk_that_always_closes_early_is_not_accused() -> None:
    wednesday = TODAY.weekday()

    def closes_early(day: int, hour: int) -> int:
        is_early = (MIDNIGHT + day * DAY).weekday() == wednesday and hour >= 15
        return 0 if is_early or day > 0 else open_hours(day, hour)

    answer = completeness(steady(closes_early), TODAY, as_of=END)
    assert (answer.state, answer.ends_at) == ("complete", MIDNIGHT + 15 * HOUR)
    assert answer.surprise is not None
    assert answer.surprise > 10
    earlier = steady(lambda day, hour: 0 if (day, hour) >= (0, 11) else closes_early(day, hour))
    assert completeness(earlier, TODAY, as_of=END).state == "ends_early"


@pytest.mark.parametrize(("outages", "state"), [(2, "ends_early"), (3, "complete")])
def test_two_past_outages_do_not_hide_a_third(outages: int, state: str) -> None:
    cut_days = {-5 * n for n in range(1, outages + 1)} | {0}
    counts = steady(lambda day, hour: 0 if day in cut_days and hour >= 15 else 10)
    assert completeness(counts, TODAY, as_of=END).state == state


def test_the_silence_before_the_day_is_no_habit() -> None:
    cut = {-10, -5, -1}
    counts = steady(
        lambda day, hour: (
            0 if (day in cut and hour >= 15) or (day == 0 and not 6 <= hour < 15) else 10
        )
    )
    assert completeness(counts, TODAY, as_of=END).state == "ends_early"


def test_few_rows_need_more_than_many() -> None:
    few = steady(lambda day, hour: 4 if until(0, 20)(day, hour) else 0)
    many = steady(lambda day, hour: 5 if until(0, 21)(day, hour) else 0)
    assert completeness(few, TODAY).surprise == pytest.approx(16)
    assert completeness(few, TODAY).state == "ends_early"
    assert completeness(many, TODAY).surprise == pytest.approx(15)
    assert completeness(many, TODAY).state == "ends_early"
    fewer = steady(lambda day, hour: 4 if until(0, 21)(day, hour) else 0)
    assert completeness(fewer, TODAY).state == "complete"


def test_a_quiet_day_is_quiet_to_its_end() -> None:
    counts = steady(
        lambda day, hour: 10 if day < 0 or day > 0 else (1 if hour < 20 and hour % 2 else 0)
    )
    answer = completeness(counts, TODAY, as_of=END)
    assert answer.surprise == pytest.approx(40 * 15 / 205)
    assert answer.state == "complete"


def test_the_evening_of_a_holiday_is_no_habit() -> None:
    holidays = [TODAY - 5 * n * DAY for n in (1, 2, 3)]
    cut = {0, -5, -10, -15}
    counts = steady(lambda day, hour: 0 if day in cut and hour >= 15 else 10)
    assert completeness(counts, TODAY, as_of=END, holidays=holidays).state == "ends_early"
    assert completeness(counts, TODAY, as_of=END).state == "complete"


@pytest.mark.parametrize(("weeks", "rows"), [(2, 12), (3, 20)])
def test_a_weekday_of_under_three_days_is_expected_like_its_kind(weeks: int, rows: int) -> None:
    wednesdays = range(-7 * weeks, 0, 7)
    counts = steady(
        lambda day, _: 0 if day >= 0 else (20 if day in wednesdays else 10), history=7 * weeks
    )
    assert completeness(counts, TODAY, as_of=END).surprise == pytest.approx(24 * rows)


# Types


def with_type(kind: str, rows: Rows) -> pd.DataFrame:
    """Count ten rows an hour of the others, and those of one type beside them."""
    return pd.concat([steady(lambda *_: 10), steady(rows, [kind])])


def test_an_absent_type_is_missing_and_named() -> None:
    counts = with_type(B, lambda day, _: 1 if day < 0 else 0)
    answer = completeness(counts, TODAY, as_of=MORNING)
    assert (answer.state, answer.missing) == ("types_missing", (B,))
    # The source itself came to its end.
    assert (answer.ends_at, answer.surprise) == (END, pytest.approx(0))


def test_missing_types_stand_in_alphabetical_order() -> None:
    parts = [with_type(kind, lambda day, _: 1 if day < 0 else 0) for kind in (C, B)]
    categories = pd.CategoricalDtype([C, B, A])
    counts = pd.concat(parts).astype({"type": categories})
    assert completeness(counts, TODAY, as_of=MORNING).missing == (B, C)


def test_a_type_of_under_thirteen_rows_a_day_is_not_missed() -> None:
    twelve = with_type(B, lambda day, hour: int(day < 0 and hour % 2))
    assert completeness(twelve, TODAY, as_of=MORNING + DAY).state == "complete"
    thirteen = with_type(B, lambda day, hour: int(day < 0 and (hour % 2 or hour == 0)))
    assert completeness(thirteen, TODAY, as_of=MORNING + DAY).missing == (B,)


def test_a_type_s_silence_ends_with_its_own_first_row_after_the_day() -> None:
    counts = with_type(B, lambda day, hour: int(day < 0 or (day == 0 and hour < 12) or day == 1))
    assert completeness(counts, TODAY, as_of=MORNING).missing == ()
    still_silent = with_type(B, lambda day, hour: int(day < 0 or (day == 0 and hour < 12)))
    assert completeness(still_silent, TODAY, as_of=MORNING).missing == (B,)


def test_a_type_that_only_rests_after_midnight_is_not_missing() -> None:
    counts = with_type(B, lambda day, _: 2 * int(day < 1))
    assert completeness(counts, TODAY, as_of=MORNING + DAY).state == "complete"


def test_a_type_that_often_stays_away_is_not_missed() -> None:
    counts = with_type(B, lambda day, _: 0 if day % 8 == 0 else 1)
    assert completeness(counts, TODAY, as_of=MORNING).missing == ()


def test_a_type_that_varies_by_days_is_not_missed() -> None:
    # 16 or 80 rows a day: 12 times more than by chance, the most that a day counts.
    counts = with_type(B, lambda day, hour: 0 if day >= 0 or hour < 8 else (5 if day % 2 else 1))
    assert completeness(counts, TODAY, as_of=MORNING).missing == ()


def test_two_silences_are_no_habit() -> None:
    counts = with_type(B, lambda day, _: 20 * int(day in {-21, -14, -7}))
    assert completeness(counts, TODAY, as_of=MORNING).missing == (B,)


def test_a_type_that_is_new_on_the_day_is_not_missed() -> None:
    counts = with_type(B, lambda day, hour: 100 if (day, hour) == (0, 0) else 0)
    assert completeness(counts, TODAY, as_of=MORNING).state == "complete"


def test_rows_of_no_type_count_for_the_source_alone() -> None:
    counts = ten_until(0, 15)
    nameless = counts.assign(type=None)
    answer = completeness(nameless, TODAY)
    assert answer == completeness(counts, TODAY)
    absent = pd.concat([steady(lambda *_: 10), nameless[nameless["hour"] < MIDNIGHT]])
    assert completeness(absent, TODAY, as_of=MORNING).state == "complete"


# The clock


def test_a_day_of_twenty_five_hours_sums_the_hour_that_stands_twice() -> None:
    counts = ten_until(0, 15)
    first, again = counts.assign(rows=4), counts.assign(rows=6)
    assert completeness(pd.concat([first, again]), TODAY) == completeness(counts, TODAY)


def test_a_day_of_twenty_three_hours_is_whole_without_the_hour_that_it_skips() -> None:
    skipped = (pd.Timestamp(MIDNIGHT) + 2 * HOUR, pd.Timestamp(MIDNIGHT) + 2 * HOUR - 28 * DAY)
    counts = DESK.log(TODAY - 57 * DAY, 59, 1).reading(TODAY, MORNING).counts
    answer = completeness(counts[~counts["hour"].isin(skipped)], TODAY, as_of=MORNING)
    assert answer.state == "complete"


# Whatever the rows are


WORLDS: dict[str, SourceLog] = {
    "every day": DESK.log(TODAY - 70 * DAY, 75, 5),
    "weekdays": WEEKDAY_DESK.log(TODAY - 70 * DAY, 75, 5, [TODAY - 9 * DAY, TODAY + DAY]),
}
#: Hours into the judged day at which an outage begins, and those that it lasts.
outages = st.tuples(st.floats(-30, 30), st.sampled_from([0, 0.5, 3, 8, 30, 10_000]))


@st.composite
def readings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what is known of a day of a simulated desk, whole or not."""
    log = WORLDS[draw(st.sampled_from(sorted(WORLDS)))]
    begins, lasts = draw(outages)
    start = MIDNIGHT + timedelta(hours=begins)
    kind = draw(st.sampled_from([None, journey.PURCHASE, journey.REQUEST_CREATED]))
    late = draw(st.sampled_from([0, 5, 8.75, 40]))
    day = TODAY - draw(st.integers(0, 4)) * DAY
    as_of = datetime.combine(day + DAY, time()) + timedelta(hours=late)
    cut = log.without(start, start + timedelta(hours=lasts), kind)
    known = vars(cut.reading(day, as_of))
    unknown = draw(st.sets(st.sampled_from(["last_at", "first_after", "as_of"])))
    return known | dict.fromkeys(unknown)


def judged(known: dict[str, Any], **changed: Any) -> Completeness:
    return completeness(**known | changed)


@settings(max_examples=15, deadline=None)
@given(readings(), st.integers(0, 99))
def test_the_order_of_the_counts_and_their_parts_change_nothing(
    known: dict[str, Any], seed: int
) -> None:
    counts = known["counts"]
    answer = judged(known)
    part = np.random.default_rng(seed).integers(0, counts["rows"], endpoint=True)
    halves = [counts.assign(rows=part), counts.assign(rows=counts["rows"] - part, note="rest")]
    shuffled = pd.concat(halves).sample(frac=1, random_state=seed)
    assert judged(known, counts=shuffled) == answer


@settings(max_examples=15, deadline=None)
@given(readings())
def test_the_input_is_left_unchanged(known: dict[str, Any]) -> None:
    before = known["counts"].copy()
    judged(known)
    pd.testing.assert_frame_equal(known["counts"], before)


@settings(max_examples=15, deadline=None)
@given(readings(), st.integers(-60, 60))
def test_whole_weeks_earlier_or_later_everything_is_the_same(
    known: dict[str, Any], weeks: int
) -> None:
    move = weeks * WEEK
    last_at = known["last_at"] and {kind: last + move for kind, last in known["last_at"].items()}
    answer = judged(known)
    then = judged(
        known,
        counts=known["counts"].assign(hour=known["counts"]["hour"] + move),
        day=known["day"] + move,
        last_at=last_at,
        first_after=known["first_after"] and known["first_after"] + move,
        as_of=known["as_of"] and known["as_of"] + move,
        holidays=[day + move for day in known["holidays"]],
    )
    for field in fields(answer):
        value = getattr(answer, field.name)
        expected = value + move if isinstance(value, datetime) else value
        assert getattr(then, field.name) == expected


@settings(max_examples=15, deadline=None)
@given(readings())
def test_each_state_comes_with_what_it_promises(known: dict[str, Any]) -> None:
    start = datetime.combine(known["day"], time())
    answer = judged(known)
    assert answer.surprise is not None
    assert answer.surprise >= 0
    assert (answer.state == "types_missing") == bool(answer.missing)
    assert (answer.state == "hole") == (answer.resumes_at is not None)
    assert (answer.state in {"empty", "unknown"}) == (answer.ends_at is None)
    assert answer.ends_at is None or start <= answer.ends_at <= start + DAY
    assert answer.resumes_at is None or answer.resumes_at > (answer.ends_at or answer.resumes_at)
    hours = [start + hour * HOUR for hour in range(25)]
    assert answer.certain_until in {None, *hours}
    assert asdict(answer)["state"] == str(answer.state)


@settings(max_examples=15, deadline=None)
@given(readings(), st.integers(0, 72))
def test_a_silence_that_lasts_is_no_less_surprising(known: dict[str, Any], hours: int) -> None:
    end = datetime.combine(known["day"] + DAY, time())
    counts = known["counts"][known["counts"]["hour"] < end]
    silent = {**known, "counts": counts, "first_after": None}
    sooner, later = (judged(silent, as_of=at) for at in (end, end + hours * HOUR))
    # A hole inside the day has a surprise of its own.
    if "hole" not in {sooner.state, later.state}:
        assert (sooner.surprise or 0) <= (later.surprise or 0)
    if sooner.state in {"empty", "ends_early"}:
        assert later.state == sooner.state
