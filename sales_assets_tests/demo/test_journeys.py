from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from sales_assets.core import journey
from sales_assets.core.journey import EVENT_TYPES, EXPERIMENTS
from sales_assets.core.judgement import Completeness, Judgement, completeness, judge
from sales_assets.core.metrics.processes import unclosed_processes
from sales_assets.demo import journeys
from sales_assets.demo.department import Incidents, conditions
from sales_assets.demo.department import incidents as planted_before
from sales_assets.demo.journeys import DemoPlan
from sales_assets_tests.demo.series import (
    Straying,
    days_of,
    event_log,
    is_holiday,
    rows_of,
    straying,
    values_by_day,
)

DAY = timedelta(days=1)
TODAY = date(2026, 7, 2)
#: What `sales-assets demo` shows at nine in the morning.
PLAN = journeys.plan_at(datetime(2026, 7, 2, 9, 30))
NEWEST = TODAY - DAY
MIDNIGHT = pd.Timestamp(TODAY)
#: The sides on which the report tells a series: more is no news of a process that is at its best.
SIDES = {process.key: (1,) for process in journey.PROCESSES}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return rows_of(PLAN)


@pytest.fixture(scope="module")
def values(rows: pd.DataFrame) -> pd.DataFrame:
    return values_by_day(event_log(rows), days_of(PLAN))


@pytest.fixture(scope="module")
def incidents() -> Incidents:
    found = PLAN.incidents
    assert found is not None
    return found


def clients_with(rows: pd.DataFrame, *types: str) -> set[str]:
    ids = [
        journeys.PURCHASE_ID if each == journey.PURCHASE else journeys.DICTIONARY[each]
        for each in types
    ]
    return set(rows.loc[rows["event_id"].isin(ids), "user_id"].dropna())


def test_the_history_is_at_least_180_days_and_begins_with_a_year() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(800)]
    assert all((day - journeys.first_day(day)).days > 180 for day in days)
    assert {(journeys.first_day(day).month, journeys.first_day(day).day) for day in days} == {
        (1, 1)
    }


def test_nothing_is_known_of_the_present_hour_or_later(rows: pd.DataFrame) -> None:
    assert rows["loaded_at"].max() < pd.Timestamp(PLAN.known_until)
    assert rows["happened_at"].max() < pd.Timestamp(PLAN.known_until)
    assert rows["happened_at"].min() >= pd.Timestamp(PLAN.first_day)


def test_the_newest_day_has_rows_until_midnight_and_the_morning_after_it(
    rows: pd.DataFrame,
) -> None:
    times = rows["happened_at"]
    assert times[times < MIDNIGHT].max() > MIDNIGHT - pd.Timedelta(hours=1)
    assert MIDNIGHT <= times[times >= MIDNIGHT].min() < MIDNIGHT + pd.Timedelta(hours=6)


def test_a_later_hour_or_day_only_adds_rows_some_of_them_late() -> None:
    first = TODAY - 50 * DAY
    earlier = rows_of(replace(PLAN, first_day=first))
    later = rows_of(replace(PLAN, first_day=first, today=TODAY + 3 * DAY, hour=17))
    is_new = later["loaded_at"] >= pd.Timestamp(PLAN.known_until)
    columns = list(earlier.columns)
    before = later[~is_new].sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(before, earlier.sort_values(columns, ignore_index=True))
    late = later[is_new & (later["happened_at"] < MIDNIGHT)]
    assert 0 < len(late) < 0.05 * len(later[is_new])


def test_the_chunks_do_not_change_the_rows() -> None:
    short = replace(PLAN, first_day=TODAY - 20 * DAY)
    chunks = pd.concat(journeys.demo_rows(short, days_per_chunk=3), ignore_index=True)
    pd.testing.assert_frame_equal(chunks, rows_of(short))


def test_a_year_is_about_130_000_rows_at_most(rows: pd.DataFrame) -> None:
    days = (TODAY - PLAN.first_day).days
    assert 300 < len(rows) / days < 430


def test_every_type_occurs_and_payments_are_no_events(rows: pd.DataFrame) -> None:
    named = set(journeys.DICTIONARY) | {journey.PURCHASE}
    assert set(EVENT_TYPES) <= named
    assert journey.PURCHASE not in journeys.DICTIONARY
    assert set(rows["event_id"]) == {
        *journeys.DICTIONARY.values(),
        journeys.PURCHASE_ID,
        journeys.UNKNOWN_ID,
    }


def test_bad_rows_of_every_kind_are_there_and_few(rows: pd.DataFrame) -> None:
    is_event = rows["event_id"] != journeys.PURCHASE_ID
    shares = {
        "no user": rows["user_id"].isna().mean(),
        "no time": rows["happened_at"].isna().mean(),
        "unknown": (rows["event_id"] == journeys.UNKNOWN_ID).mean(),
        "repeated": rows.duplicated(["user_id", "event_id", "happened_at"])[is_event].mean(),
    }
    assert all(0 < share < 0.02 for share in shares.values()), shares


def test_about_a_tenth_of_the_clients_are_in_experiments(rows: pd.DataFrame) -> None:
    share = len(clients_with(rows, *EXPERIMENTS)) / rows["user_id"].nunique()
    assert 0.07 < share < 0.12


def test_the_four_kinds_of_clients_are_each_a_visible_share(rows: pd.DataFrame) -> None:
    valid = rows.dropna()
    times = valid.pivot_table("happened_at", "user_id", "event_id", aggfunc="min")
    entry = times[journeys.DICTIONARY[journey.REQUEST_CREATED]]
    known = times[entry < MIDNIGHT - DAY]

    def within_a_day(name: str) -> pd.Series:
        return known[journeys.DICTIONARY[name]] <= entry[known.index] + pd.Timedelta(days=1)

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


# --- A department like others ---------------------------------------------------------------


@pytest.fixture(scope="module")
def year() -> pd.DataFrame:
    """The daily values of a year in which nothing was planted."""
    plan = DemoPlan(date(2025, 1, 1), date(2026, 1, 1))
    return values_by_day(event_log(rows_of(plan)), days_of(plan))


def strays(year: pd.DataFrame, name: str, column: str = "value") -> Straying:
    """Tell how a series strays, but for holidays, the days after them and the first weeks."""
    counts = series(year, name, column)
    days = [day for day in counts.index[35:] if not is_holiday(day) and not is_holiday(day - DAY)]
    return straying(days, counts.loc[days].to_numpy(dtype=float))


def series(values: pd.DataFrame, name: str, column: str = "value") -> pd.Series:
    return values[values["series"] == name].set_index("day")[column]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("new_paying", "value"),
        ("requests", "value"),
        *((process.key, "of") for process in journey.PROCESSES),
    ],
)
def test_daily_counts_stray_more_than_chance_and_stay_a_while_where_they_went(
    year: pd.DataFrame, name: str, column: str
) -> None:
    found = strays(year, name, column)
    assert 1.2 < found.dispersion < 3
    assert 0.05 < found.memory < 0.4


def test_the_week_begins_strong_and_ends_weak_and_requests_grow_slowly(
    year: pd.DataFrame,
) -> None:
    requests, paying = strays(year, "requests"), strays(year, "new_paying")
    assert requests.weekdays[:2].min() > 1.1
    assert requests.weekdays[6] == requests.weekdays.min() < 0.8
    assert paying.weekdays[6] == paying.weekdays.min() < 0.85
    assert 1.05 < requests.growth < 1.5


def test_public_holidays_are_quieter(year: pd.DataFrame) -> None:
    requests = series(year, "requests")
    is_off = np.array([is_holiday(day) for day in requests.index])
    assert 0.3 < requests[is_off].mean() / requests[~is_off].mean() < 0.75


def test_the_night_is_quiet(rows: pd.DataFrame) -> None:
    requests = rows.loc[
        rows["event_id"] == journeys.DICTIONARY[journey.REQUEST_CREATED], "happened_at"
    ]
    assert 0 < (requests.dt.hour < 6).mean() < 0.05


def test_the_backlog_is_one_that_a_living_department_has(
    rows: pd.DataFrame, values: pd.DataFrame
) -> None:
    days = replace(days_of(PLAN), days=(NEWEST,))
    frame = unclosed_processes(event_log(rows), days, values)[NEWEST]
    due, recent, older, oldest = (
        frame[column].sum() for column in ("due", "overdue_1_3d", "overdue_3_7d", "overdue_7_30d")
    )
    assert 0.2 * due < recent + older + oldest < due
    assert 0 < oldest < 0.3 * due


# --- What was planted -----------------------------------------------------------------------


def test_the_source_lost_one_afternoon(rows: pd.DataFrame, incidents: Incidents) -> None:
    starts, ends = incidents.outage
    assert 35 <= (TODAY - starts.date()).days < 42
    times = rows["happened_at"].dropna()
    assert not times.between(starts, ends, inclusive="left").any()
    assert starts - times[times < starts].max() < timedelta(minutes=30)
    per_day = times.dt.date.value_counts()
    assert per_day.loc[starts.date()] < 0.6 * per_day.loc[starts.date() - 7 * DAY]


def test_hardly_anybody_was_reached_by_the_second_line_for_three_days(
    values: pd.DataFrame, incidents: Incidents
) -> None:
    share = series(values, "second_line") / series(values, "second_line", "of")
    overdue = [day + DAY for day in incidents.second_line]
    assert [(TODAY - day).days in range(13, 22) for day in incidents.second_line] == [True] * 3
    assert share.reindex(overdue).mean() > 2 * share.mean()


def test_a_campaign_brought_requests_and_spoiled_no_promise(
    values: pd.DataFrame, incidents: Incidents
) -> None:
    requests, first = series(values, "requests"), incidents.campaign[0]
    before = requests.reindex([first - weeks * 7 * DAY for weeks in range(1, 5)]).mean()
    assert requests[first] > 1.5 * before
    share = series(values, "first_line") / series(values, "first_line", "of")
    assert share[first + DAY] < 1.5 * share.mean()


def test_incidents_lie_on_working_days_apart_from_each_other_whatever_day_it_is() -> None:
    for back in range(500):
        found = planted_before(TODAY + back * DAY)
        days = [found.outage[0].date(), *found.campaign, *found.second_line]
        assert not any(is_holiday(day) for day in days)
        assert days == sorted(set(days))
        assert days[-1] < TODAY + (back - 9) * DAY


def test_without_a_day_before_which_they_lie_there_are_none() -> None:
    plain = DemoPlan(TODAY - 60 * DAY, TODAY)
    assert plain.incidents is None
    per_day = rows_of(plain)["happened_at"].dt.date.value_counts()
    assert per_day.reindex([TODAY - back * DAY for back in range(1, 50)]).min() > 150


# --- What the judges say of it ----------------------------------------------------------------


def wholeness(rows: pd.DataFrame, day: date, as_of: datetime) -> Completeness:
    """Judge a day by what the source held at `as_of`."""
    known = rows[rows["loaded_at"] < as_of].dropna(subset=["happened_at"])
    times, types = known["happened_at"], known["event_id"].astype("str")
    counts = known.groupby([times.dt.floor("h").rename("hour"), types.rename("type")]).size()
    last_at = times[times.dt.date == day].groupby(types).max()
    after = times[times >= pd.Timestamp(day + DAY)].min()
    return completeness(
        counts.rename("rows").reset_index(),
        day,
        {str(name): last.to_pydatetime() for name, last in last_at.items()},
        None if pd.isna(after) else after.to_pydatetime(),
        as_of,
        [each for each in days_of(PLAN).days if is_holiday(each)],
    )


@pytest.mark.parametrize(("hour", "minute"), [(0, 10), (0, 59), (3, 59), (6, 0), (8, 45)])
def test_the_newest_day_is_whole_at_whatever_hour_the_demo_is_shown(
    rows: pd.DataFrame, hour: int, minute: int
) -> None:
    # The demo loads full hours, and the source is read some minutes later.
    loaded = rows[rows["loaded_at"] < MIDNIGHT + pd.Timedelta(hours=hour)]
    read_at = datetime(TODAY.year, TODAY.month, TODAY.day, hour, minute)
    assert wholeness(loaded, NEWEST, read_at).state == "complete"


def test_the_outage_is_found_and_no_other_of_the_last_weeks(
    rows: pd.DataFrame, incidents: Incidents
) -> None:
    cut = incidents.outage[0].date()
    found = {
        day: wholeness(rows, day, PLAN.known_until)
        for day in (cut + back * DAY for back in range(-20, 30))
    }
    assert {day for day, each in found.items() if each.state != "complete"} == {cut}
    assert found[cut].state == "hole"
    ends_at = found[cut].ends_at
    assert ends_at is not None
    assert timedelta() <= incidents.outage[0] - ends_at < timedelta(minutes=30)


def judgements(values: pd.DataFrame, name: str, days: Collection[date]) -> dict[date, Judgement]:
    """Judge one series; a day cut by the outage spoils what rests on it."""
    outage = planted_before(TODAY).outage[0].date()
    rests_on = {"appointed": range(8), "paid": range(8), **dict.fromkeys(SIDES, (0, 1))}
    decided_by = {"appointed": (7,), "paid": (7,), **dict.fromkeys(SIDES, (0, 1))}
    spoiled = {outage + back * DAY for back in rests_on.get(name, (0,))}
    history = values[(values["series"] == name) & ~values["day"].isin(spoiled)]
    holidays = [
        any(is_holiday(day - back * DAY) for back in decided_by.get(name, (0,)))
        for day in history["day"]
    ]
    history = history.assign(is_holiday=holidays)
    return {day: judge(history[history["day"] <= day].tail(113), day) for day in days}


@pytest.fixture(scope="module")
def judged(values: pd.DataFrame) -> dict[str, dict[date, Judgement]]:
    days = [TODAY - back * DAY for back in range(60, 0, -1)]
    return {name: judgements(values, name, days) for name in values["series"].unique()}


def test_two_months_have_a_handful_of_new_stories(
    judged: dict[str, dict[date, Judgement]], incidents: Incidents
) -> None:
    told = {
        (day, name)
        for name, by_day in judged.items()
        for day, found in by_day.items()
        if found.is_new and found.change in SIDES.get(name, (-1, 1))
    }
    assert 2 <= len({day for day, _ in told}) <= 5
    assert judged["requests"][incidents.campaign[0]].change == 1
    overdue = [judged["second_line"][day + DAY] for day in incidents.second_line]
    assert 1 in {found.change for found in overdue}


def test_the_newest_day_is_calm_but_for_many_requests_that_are_handled_as_usual(
    judged: dict[str, dict[date, Judgement]],
) -> None:
    newest = {name: by_day[NEWEST] for name, by_day in judged.items()}
    told = {name for name, found in newest.items() if found.change or found.back_from}
    assert told == {"requests"}
    assert (newest["requests"].change, newest["requests"].day_number) == (1, 1)
    as_newest, seen_later = (conditions(NEWEST, TODAY + days * DAY) for days in (0, 3))
    assert as_newest.answered < 0.9 * seen_later.answered


# --- Size -------------------------------------------------------------------------------------


def test_the_size_is_free_and_no_days_are_no_rows() -> None:
    large = sum(map(len, journeys.demo_rows(DemoPlan(TODAY, TODAY + 5 * DAY, 600))))
    assert large > 5 * 600
    assert list(journeys.demo_rows(DemoPlan(TODAY, TODAY))) == []
