import json
from datetime import date, datetime, timedelta
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from sales_assets.core import journey
from sales_assets.core.days import midnight
from sales_assets.core.journey import ALL_GROUPS, EXPERIMENTS, MAIN_PATH, PATHS
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.funnel import conversion_funnel, funnel_depths, usual_steps
from sales_assets_tests.core.metrics.strategies import (
    MOSCOW,
    Row,
    at,
    journeys,
    report_days,
    stored,
)

DAY = date(2022, 1, 30)
FIRST_DAY = date(2021, 11, 20)
WEEK = timedelta(days=7)
CASES = json.loads(
    resources.files("sales_assets_tests.core.metrics")
    .joinpath("data/funnel_cases.json")
    .read_text(encoding="utf-8")
)
ENTRY, SECOND, *_ = PATHS[MAIN_PATH]


def case_log(case: dict) -> tuple[EventLog, list[str]]:
    """Tell the case, whose times are UTC, in our own event types: only their order matters."""
    zone, steps = ZoneInfo("UTC"), case["steps"]
    names = dict(zip(steps, PATHS[MAIN_PATH], strict=False))
    rows: list[Row] = [
        (user, names.get(kind, journey.SECOND_LINE_TASK), at(when, zone))
        for user, events in case["events"].items()
        for kind, when in events
    ]
    days = [row[2].astimezone(zone).date() for row in rows]
    log = stored(rows, min(days), max(days), zone).log()
    return log, [names[step] for step in steps]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["kind"] == "counts"], ids=lambda case: case["id"]
)
def test_published_counts_come_out(case: dict) -> None:
    log, steps = case_log(case)
    depths = funnel_depths(log, steps, case["window_s"] * 10**6)
    deepest = pd.Series(depths).groupby(log.user[log.rows_of(steps[0])]).max()
    assert [int((deepest >= step + 1).sum()) for step in range(len(steps))] == case["expect"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["kind"] == "daily_cohort"], ids=lambda case: case["id"]
)
def test_published_daily_cohorts_come_out(case: dict) -> None:
    zone = ZoneInfo(case["tz"])
    log, steps = case_log(case)
    entries = log.rows_of(steps[0])
    frame = pd.DataFrame(
        {
            "user": log.user[entries],
            "depth": funnel_depths(log, steps, case["window_s"] * 10**6),
            "day": pd.to_datetime(log.at_us[entries], unit="us", utc=True).tz_convert(zone).date,
        }
    )
    deepest = frame.groupby(["day", "user"])["depth"].max()
    for expected in case["expect"]:
        of_day = deepest[
            deepest.index.get_level_values("day") == date.fromisoformat(expected["day"])
        ]
        entered, reached = of_day >= case.get("from_step", 1), of_day == len(steps)
        assert (entered.sum(), reached.sum()) == (expected["entered"], expected["reached"])


def expected_depths(rows: list[Row], path: tuple[str, ...], cutoff: datetime) -> dict[str, int]:
    """Try every chain of steps from every entry of the cohort."""
    joined = {user for user, kind, when in rows if kind in EXPERIMENTS and when < cutoff}
    depths: dict[str, int] = {}
    for user, kind, entry in rows:
        if kind != path[0] or user in joined or not cutoff - 2 * WEEK <= entry < cutoff - WEEK:
            continue
        reachable = {entry}
        for depth in range(1, len(path) + 1):
            depths[str(user)] = max(depths.get(str(user), 0), depth if reachable else 0)
            following = path[depth] if depth < len(path) else None
            reachable = {
                when
                for name, later, when in rows
                if name == user and later == following and when <= entry + WEEK
                if any(when >= before for before in reachable)
            }
    return depths


@settings(max_examples=15, deadline=None)
@given(journeys(DAY, types=(*PATHS[MAIN_PATH], *PATHS["first_line"], journey.WHATSAPP_SENT)))
def test_every_user_counts_as_deep_as_any_chain_reaches(rows: list[Row]) -> None:
    log = stored(rows, FIRST_DAY, DAY).log()
    frame = conversion_funnel(log, report_days(DAY))[DAY]
    whole = frame[frame["group"] == ALL_GROUPS]
    cutoff = midnight(DAY + timedelta(days=1), MOSCOW)
    for path, steps in PATHS.items():
        depths = np.array(list(expected_depths(rows, steps, cutoff).values()))
        counted = whole.loc[whole["path"] == path, "users"]
        assert list(counted) == [int((depths >= step + 1).sum()) for step in range(len(steps))]
        assert all(before >= after for before, after in pairwise(counted))
    assert frame["share"].between(0, 1).all()
    summed = frame[frame["group"] != ALL_GROUPS].groupby(["path", "step"])["users"].sum()
    assert summed.eq(whole.set_index(["path", "step"])["users"]).all()


@pytest.mark.parametrize(
    ("entered", "counts"),
    [
        ("2022-01-17 00:00", True),
        ("2022-01-16 23:59:59", False),
        ("2022-01-23 23:59:59", True),
        ("2022-01-24 00:00", False),
    ],
)
def test_the_cohort_is_seven_whole_days(entered: str, counts: bool) -> None:  # noqa: FBT001
    log = stored([("a", ENTRY, at(entered))], FIRST_DAY, DAY).log()
    frame = conversion_funnel(log, report_days(DAY))[DAY]
    assert frame["users"].iloc[0] == int(counts)


@pytest.mark.parametrize(("late", "users"), [(timedelta(), 1), (timedelta(microseconds=1), 0)])
def test_the_window_ends_with_its_last_instant(late: timedelta, users: int) -> None:
    entered = at("2022-01-20 10:00")
    rows = [("a", ENTRY, entered), ("a", SECOND, entered + WEEK + late)]
    frame = conversion_funnel(stored(rows, FIRST_DAY, DAY).log(), report_days(DAY))[DAY]
    assert frame["users"].iloc[1] == users


def test_without_requests_every_step_is_a_zero() -> None:
    frame = conversion_funnel(stored([], FIRST_DAY, DAY).log(), report_days(DAY))[DAY]
    assert list(frame.columns) == ["group", "path", "step", "users", "share"]
    assert list(frame["group"].unique()) == [ALL_GROUPS, journey.GROUP_ALL_REQUESTS]
    assert len(frame) == 2 * sum(len(path) for path in PATHS.values())
    assert not frame[["users", "share"]].to_numpy().any()


def test_the_usual_steps_are_those_of_the_four_weeks_of_entries_that_end_with_the_cohort() -> None:
    entered = ["2021-12-27 00:00", "2022-01-23 23:59:59"]  # 35 and just over 7 days before the end
    outside = ["2021-12-26 23:59:59", "2022-01-24 00:00"]
    rows: list[Row] = [
        (f"{i}", ENTRY, at(when)) for i, when in enumerate([*entered, *outside, entered[0]])
    ]
    rows.append(("0", SECOND, at("2021-12-28 10:00")))
    steps = usual_steps(stored(rows, FIRST_DAY, DAY).log(), report_days(DAY))[DAY]
    main = steps[steps["path"] == MAIN_PATH]
    assert list(steps.columns) == ["path", "step", "users", "share"]
    assert list(main["users"]) == [3, 1, 0, 0, 0]
    assert list(main["share"]) == [1.0, 1 / 3, 0.0, 0.0, 0.0]


def test_without_requests_the_usual_steps_are_zeros() -> None:
    steps = usual_steps(stored([], FIRST_DAY, DAY).log(), report_days(DAY))[DAY]
    assert len(steps) == sum(len(path) for path in PATHS.values())
    assert not steps[["users", "share"]].to_numpy().any()
