from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sales_assets.core import journey
from sales_assets.core.days import day_bounds, midnight
from sales_assets.core.frames import UNCLOSED_PROCESSES
from sales_assets.core.journey import EXPERIMENTS, PROCESSES, Process
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.processes import (
    check_expiring,
    expired_cases,
    expiring_cases,
    stuck_cases,
)
from sales_assets_tests.core.metrics.strategies import (
    BERLIN,
    MOSCOW,
    Row,
    at,
    journeys,
    report_days,
    stored,
    unclosed,
)

DAY = date(2022, 1, 30)
HISTORY_FIRST_DAY = date(2021, 12, 1)
T, A, WA = journey.FIRST_LINE_TASK, journey.FIRST_LINE_ANSWERED, journey.WHATSAPP_SENT


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
def worked_example() -> EventLog:
    return stored(WORKED_EXAMPLE, HISTORY_FIRST_DAY, date(2022, 2, 6)).log()


def of_process(frame: pd.DataFrame, name: str) -> dict:
    return frame.set_index("process").loc[name].to_dict()


def test_the_worked_example_counts_as_it_is_written(worked_example: EventLog) -> None:
    frame = unclosed(worked_example, report_days(DAY), HISTORY_FIRST_DAY)[DAY]
    first_line = of_process(frame, journey.FIRST_LINE)
    assert list(frame.columns) == UNCLOSED_PROCESSES.names
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


def test_the_worked_example_names_whom_to_call_the_oldest_first(worked_example: EventLog) -> None:
    listed = stuck_cases(worked_example, report_days(DAY))[DAY]
    assert listed.to_dict("list") == {
        "process": [journey.FIRST_LINE] * 4,
        "user_id": ["h", "d", "n", "k"],
        "opened_at": [
            pd.Timestamp(f"2022-01-29 {hour}") for hour in ("08:00", "10:00", "10:00", "11:00")
        ],
        "age_hours": [40.0, 38.0, 38.0, 37.0],
        "starts": [2, 1, 1, 1],
    }


def test_the_worked_example_names_who_can_still_be_saved(worked_example: EventLog) -> None:
    listed = expiring_cases(worked_example, report_days(DAY))[DAY]
    assert listed.to_dict("list") == {
        "process": [journey.FIRST_LINE] * 2,
        "user_id": ["f", "e"],
        "opened_at": [pd.Timestamp("2022-01-30 18:00"), pd.Timestamp("2022-01-30 23:50")],
        "deadline": [pd.Timestamp("2022-01-31 18:00"), pd.Timestamp("2022-01-31 23:50")],
    }


def test_of_the_cases_that_ran_out_those_open_at_midnight_were_met_or_breached(
    worked_example: EventLog,
) -> None:
    days = report_days(DAY)
    told = of_process(expired_cases(worked_example, days)[DAY], journey.FIRST_LINE)
    # b alone was answered on the day and in time; a and the first case of k were before it.
    assert told == {"waiting": 6, "met": 1}
    counted = of_process(unclosed(worked_example, days, HISTORY_FIRST_DAY)[DAY], journey.FIRST_LINE)
    assert told["waiting"] - told["met"] == counted["breached"]


def test_a_list_that_lacks_a_case_fails_its_check(worked_example: EventLog) -> None:
    days = report_days(DAY)
    listed = expiring_cases(worked_example, days)[DAY]
    assert check_expiring(worked_example, days, {DAY: listed})[DAY].passed
    found = check_expiring(worked_example, days, {DAY: listed.iloc[1:]})[DAY]
    assert (found.passed, found.failing) == (False, {journey.FIRST_LINE: 1})


def test_the_usual_level_is_the_median_of_the_same_weekday_at_its_own_cut_off() -> None:
    breached = {7: 1, 14: 3, 21: 0, 28: 2}
    rows = [
        (f"{back}-{number}", T, at("2022-01-30 10:00") - timedelta(days=back + 1))
        for back, count in breached.items()
        for number in range(count)
    ]
    # Joining an experiment later changes nothing about an earlier day.
    rows.append(("7-0", WA, at("2022-01-25 10:00")))
    log = stored(rows, HISTORY_FIRST_DAY, DAY).log()
    frame = unclosed(log, report_days(DAY), HISTORY_FIRST_DAY)[DAY]
    assert of_process(frame, journey.FIRST_LINE)["usual_breached"] == 1.5


def test_a_comparison_before_the_history_is_missing(worked_example: EventLog) -> None:
    young = DAY - timedelta(days=27)
    frame = unclosed(worked_example, report_days(DAY), young)[DAY]
    assert frame["usual_breached"].isna().all()


def test_an_empty_history_counts_zeros() -> None:
    log = stored([], HISTORY_FIRST_DAY, DAY).log()
    frame = unclosed(log, report_days(DAY), HISTORY_FIRST_DAY)[DAY]
    assert list(frame["process"]) == [process.name for process in PROCESSES]
    assert not frame.drop(columns="process").to_numpy().any()
    assert stuck_cases(log, report_days(DAY))[DAY].empty


@pytest.mark.parametrize(
    ("hours", "column"),
    [
        (24, "in_progress"),
        (72, "overdue_1_3d"),
        (7 * 24, "overdue_3_7d"),
        (30 * 24, "overdue_7_30d"),
    ],
)
def test_the_upper_border_of_an_age_belongs_to_its_class(hours: int, column: str) -> None:
    cutoff = midnight(DAY + timedelta(days=1), MOSCOW)
    ages = {"on": timedelta(hours=hours), "over": timedelta(hours=hours, microseconds=1)}
    counts = {}
    for name, age in ages.items():
        log = stored([("a", T, cutoff - age)], HISTORY_FIRST_DAY, DAY).log()
        frame = unclosed(log, report_days(DAY), HISTORY_FIRST_DAY)[DAY]
        counts[name] = of_process(frame, journey.FIRST_LINE)[column]
    assert counts == {"on": 1, "over": 0}


def test_a_start_again_after_the_window_is_a_case_of_its_own() -> None:
    # The client still waits since the first start; after 30 days only the second is seen.
    rows = [("a", T, at("2021-12-15 10:00")), ("a", T, at("2022-01-29 10:00"))]
    log = stored(rows, HISTORY_FIRST_DAY, DAY).log()
    due = {
        day: of_process(
            unclosed(log, report_days(day), HISTORY_FIRST_DAY)[day], journey.FIRST_LINE
        )["due"]
        for day in (date(2021, 12, 16), DAY)
    }
    assert due == {date(2021, 12, 16): 1, DAY: 1}


@dataclass(frozen=True)
class Case:
    user: str
    opened: datetime
    closed: datetime | None
    starts: int

    @property
    def deadline(self) -> datetime:
        return self.opened + timedelta(hours=24)

    def is_open(self, cutoff: datetime) -> bool:
        return self.closed is None or self.closed >= cutoff


def population(rows: list[Row], cutoff: datetime) -> set[str]:
    joined = {user for user, kind, when in rows if kind in EXPERIMENTS and when < cutoff}
    return {str(user) for user, _, _ in rows} - joined


def cases_at(
    rows: list[Row], process: Process, cutoff: datetime, seen_from: datetime
) -> list[Case]:
    """Follow the definition word by word, one user after the other."""
    found = []
    for user in sorted(population(rows, seen_from)):
        of_user = [(kind, when) for name, kind, when in rows if name == user and when < cutoff]
        ends = sorted(when for kind, when in of_user if kind in process.ends)
        by_close = defaultdict(list)
        oldest = cutoff - timedelta(days=30)
        for when in sorted({w for kind, w in of_user if kind == process.start and w >= oldest}):
            by_close[next((end for end in ends if end >= when), None)].append(when)
        found += [Case(user, min(s), closed, len(s)) for closed, s in by_close.items()]
    return found


def expected_counts(rows: list[Row], process: Process, day: date, zone: ZoneInfo) -> dict:
    start, cutoff = day_bounds(day, zone)
    cases = cases_at(rows, process, cutoff, cutoff)
    due = [case for case in cases if start <= case.deadline < cutoff]
    ages = [(cutoff - case.opened) / timedelta(days=1) for case in cases if case.is_open(cutoff)]
    on_day = [row for row in rows if start <= row[2] < cutoff]
    started = {user for user, kind, _ in on_day if kind == process.start}
    ended = {user for user, kind, _ in on_day if kind in process.ends}
    return {
        "process": process.name,
        "due": len(due),
        "breached": sum(case.closed is None or case.closed > case.deadline for case in due),
        "opened": sum(case.opened >= start for case in cases),
        "closed": sum(case.closed is not None and case.closed >= start for case in cases),
        "in_progress": sum(age <= 1 for age in ages),
        "overdue_1_3d": sum(1 < age <= 3 for age in ages),
        "overdue_3_7d": sum(3 < age <= 7 for age in ages),
        "overdue_7_30d": sum(7 < age <= 30 for age in ages),
        "same_day_users": len((started - ended) & population(rows, cutoff)),
    }


ZONES_AND_DAYS = st.sampled_from(
    [
        (MOSCOW, DAY),
        (BERLIN, date(2022, 3, 27)),  # 23 hours
        (BERLIN, date(2022, 10, 30)),  # 25 hours
        (BERLIN, date(2022, 10, 31)),
    ]
)


@settings(max_examples=25, deadline=None)
@given(st.data(), ZONES_AND_DAYS, st.integers(0, 3))
def test_every_count_follows_the_definition(
    data: st.DataObject, zone_and_day: tuple[ZoneInfo, date], back: int
) -> None:
    zone, last = zone_and_day
    rows = data.draw(journeys(last, zone))
    first, day = last - timedelta(days=70), last - timedelta(days=back)
    log = stored(rows, first, last, zone).log()
    frame = unclosed(log, report_days(day, zone=zone), first)[day]
    counted = frame.drop(columns="usual_breached").to_dict("records")
    assert counted == [expected_counts(rows, process, day, zone) for process in PROCESSES]
    overdue = frame.set_index("process").filter(like="overdue").sum(axis=1)
    listed = stuck_cases(log, report_days(day, zone=zone))[day]
    assert listed["process"].value_counts().reindex(overdue.index, fill_value=0).equals(overdue)
    cutoff = midnight(day + timedelta(days=1), zone)
    for process in PROCESSES:
        expected = [
            (case.opened, case.user, case.starts)
            for case in cases_at(rows, process, cutoff, cutoff)
            if case.is_open(cutoff) and case.deadline < cutoff
        ]
        of_process_ = listed[listed["process"] == process.name]
        assert sorted(zip(of_process_["user_id"], of_process_["starts"], strict=True)) == sorted(
            (user, starts) for _, user, starts in expected
        )


def open_cases(frame: pd.DataFrame) -> pd.Series:
    classes = ["in_progress", "overdue_1_3d", "overdue_3_7d", "overdue_7_30d"]
    return frame.set_index("process")[classes].sum(axis=1)


@settings(max_examples=15, deadline=None)
@given(journeys(DAY))
def test_open_cases_balance_from_midnight_to_midnight(rows: list[Row]) -> None:
    first, yesterday = DAY - timedelta(days=70), DAY - timedelta(days=1)
    start, cutoff = day_bounds(DAY, MOSCOW)
    visible = population(rows, cutoff)
    same_people = [row for row in rows if row[0] in visible]
    log = stored(same_people, first, DAY).log()
    frames = unclosed(log, report_days(yesterday, DAY), first)
    today = frames[DAY].set_index("process")
    for process in PROCESSES:
        aged_out = sum(
            all(
                when < cutoff - timedelta(days=30)
                for user, kind, when in same_people
                if user == case.user and kind == process.start and case.opened <= when < start
            )
            for case in cases_at(same_people, process, start, cutoff)
            if case.is_open(start)
        )
        opened, closed = today.loc[process.name, ["opened", "closed"]]
        before, after = (open_cases(frames[day])[process.name] for day in (yesterday, DAY))
        assert after == before + opened - closed - aged_out
