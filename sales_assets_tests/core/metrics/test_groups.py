import random
from datetime import date, timedelta

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from sales_assets.core import journey
from sales_assets.core.days import midnight
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.funnel import conversion_funnel
from sales_assets.core.metrics.groups import (
    client_groups,
    profile_features,
    request_profiles,
    weighted_silhouette,
)
from sales_assets_tests.core.metrics.strategies import (
    MOSCOW,
    Row,
    at,
    cohort_members,
    report_days,
    stored,
)

DAY = date(2022, 1, 30)
FIRST_DAY = date(2021, 11, 20)


def features_of(*events: tuple[str, timedelta], entered: str = "2022-01-20 12:00") -> list[float]:
    """Return the features of one request with these events at a distance from it."""
    entry = at(entered)
    rows: list[Row] = [("a", journey.REQUEST_CREATED, entry)]
    rows += [("a", kind, entry + distance) for kind, distance in events]
    log = stored(rows, FIRST_DAY, DAY).log()
    profiles = request_profiles(log, report_days(DAY))
    return profile_features()[profiles[-1]].tolist()


QUIET = [1.0, 0, 0, 0, 0, 0, 0]


def test_a_request_without_anything_else_has_no_reaction() -> None:
    assert features_of() == QUIET


@pytest.mark.parametrize(
    ("lag", "reaction"),
    [
        (timedelta(0), 0.0),
        (timedelta(minutes=5), 0.0),
        (timedelta(minutes=5, microseconds=1), 0.2),
        (timedelta(minutes=15), 0.2),
        (timedelta(hours=1), 0.4),
        (timedelta(hours=4), 0.6),
        (timedelta(hours=24), 0.8),
        (timedelta(hours=24, microseconds=1), 1.0),
    ],
)
def test_the_reaction_is_the_level_of_the_first_sales_events_lag(
    lag: timedelta, reaction: float
) -> None:
    assert features_of((journey.SECOND_LINE_TASK, lag)) == [reaction, *QUIET[1:]]


def test_calls_count_up_to_three_within_the_day() -> None:
    tasks = [(journey.FIRST_LINE_TASK, timedelta(hours=hours)) for hours in (1, 24, 25)]
    assert features_of(*tasks[:1])[1] == pytest.approx(1 / 3, abs=1e-6)
    assert features_of(*tasks)[1] == pytest.approx(2 / 3, abs=1e-6)
    many = [(journey.FIRST_LINE_TASK, timedelta(hours=hours)) for hours in range(5)]
    assert features_of(*many)[1] == 1.0


def test_reached_is_an_answer_to_the_first_line() -> None:
    assert features_of((journey.FIRST_LINE_ANSWERED, timedelta(hours=24)))[2] == 1.0
    assert features_of((journey.SECOND_LINE_REACHED, timedelta(hours=24)))[2] == 0.0


def test_who_books_before_any_call_booked_himself() -> None:
    booked = (journey.LESSON_APPOINTED, timedelta(hours=2))
    assert features_of(booked)[3] == 1.0
    assert features_of(booked, (journey.FIRST_LINE_TASK, timedelta(hours=3)))[3] == 1.0
    assert features_of(booked, (journey.FIRST_LINE_TASK, timedelta(hours=2)))[3] == 0.0
    assert features_of((journey.LESSON_APPOINTED, timedelta(hours=25)))[3] == 0.0


@pytest.mark.parametrize(
    ("clock", "night"), [("08:59:59", 0.5), ("09:00", 0.0), ("20:59:59", 0.0), ("21:00", 0.5)]
)
def test_night_is_before_nine_or_from_twenty_one(clock: str, night: float) -> None:
    assert features_of(entered=f"2022-01-20 {clock}")[4] == night


def test_what_was_before_the_request_counts_and_its_own_instant_does_not() -> None:
    assert features_of((journey.SECOND_LINE_TASK, -timedelta(days=40)))[5:] == [0.5, 0.0]
    assert features_of((journey.PURCHASE, -timedelta(days=40)))[5:] == [0.5, 0.5]
    assert features_of((journey.PURCHASE, timedelta(0)))[5:] == [0.0, 0.0]


def crowd(seed: int, *, people: int) -> list[Row]:
    """Draw people who book themselves at once, are reached, or are left alone."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, no secret
    rows: list[Row] = []
    for number in range(people):
        entry = midnight(DAY, MOSCOW) - timedelta(
            days=chance.randint(6, 33), hours=-chance.randint(10, 19), minutes=chance.randint(0, 59)
        )
        fate = chance.choice(
            [
                [(journey.LESSON_APPOINTED, 3)],
                [(journey.FIRST_LINE_TASK, 10), (journey.FIRST_LINE_ANSWERED, 20)],
                [(journey.FIRST_LINE_TASK, 10), (journey.FIRST_LINE_TASK, 200)],
                [],
            ]
        )
        rows.append((f"user {number}", journey.REQUEST_CREATED, entry))
        rows += [
            (f"user {number}", kind, entry + timedelta(minutes=minutes)) for kind, minutes in fate
        ]
    return rows


@pytest.fixture(scope="module")
def crowd_log() -> EventLog:
    return stored(crowd(1, people=240), FIRST_DAY, DAY).log()


def test_groups_are_named_after_what_happened_in_a_fixed_order(crowd_log: EventLog) -> None:
    groups = client_groups(crowd_log, report_days(DAY))[DAY]
    assert groups.names == (
        journey.GROUP_BOOKED_THEMSELVES,
        journey.GROUP_REACHED,
        journey.GROUP_CALLED_IN_VAIN,
        journey.GROUP_NO_REACTION,
    )


def test_groups_divide_the_cohort_and_sum_to_the_funnel(crowd_log: EventLog) -> None:
    members = cohort_members(crowd_log, report_days(DAY))[DAY]
    frame = conversion_funnel(crowd_log, report_days(DAY))[DAY]
    first_steps = frame[(frame["path"] == "main") & (frame["step"] == journey.REQUEST_CREATED)]
    users = dict(zip(first_steps["group"], first_steps["users"], strict=True))
    assert members.index.is_unique
    assert users.pop("all") == len(members)
    assert users == members.value_counts().reindex(list(users), fill_value=0).to_dict()


def test_neither_order_nor_ids_of_people_make_a_difference(crowd_log: EventLog) -> None:
    rows = [(f"{user}"[::-1], kind, when) for user, kind, when in crowd(1, people=240)]
    frames = [
        conversion_funnel(log, report_days(DAY))[DAY]
        for log in (crowd_log, stored(rows[::-1], FIRST_DAY, DAY).log())
    ]
    assert frames[0].equals(frames[1])


def test_fewer_than_fifty_entrants_are_one_group() -> None:
    names = [
        client_groups(stored(crowd(2, people=people), FIRST_DAY, DAY).log(), report_days(DAY))[
            DAY
        ].names
        for people in (0, 1, 2, 49)
    ]
    assert names == [(journey.GROUP_ALL_REQUESTS,)] * 4


def test_equal_people_are_one_group() -> None:
    entry = at("2022-01-20 12:00")
    rows: list[Row] = [(f"user {number}", journey.REQUEST_CREATED, entry) for number in range(60)]
    groups = client_groups(stored(rows, FIRST_DAY, DAY).log(), report_days(DAY))[DAY]
    assert groups.names == (journey.GROUP_ALL_REQUESTS,)
    assert len(groups.users) == 60


def test_two_kinds_of_people_are_two_groups() -> None:
    entry = at("2022-01-20 12:00")
    rows: list[Row] = [(f"user {number}", journey.REQUEST_CREATED, entry) for number in range(60)]
    rows += [(f"user {n}", journey.LESSON_APPOINTED, entry) for n in range(0, 60, 2)]
    groups = client_groups(stored(rows, FIRST_DAY, DAY).log(), report_days(DAY))[DAY]
    assert groups.names == (journey.GROUP_BOOKED_THEMSELVES, journey.GROUP_NO_REACTION)
    assert np.bincount(groups.group).tolist() == [30, 30]


def test_groups_of_one_name_are_numbered() -> None:
    entry = at("2022-01-20 12:00")
    rows: list[Row] = [(f"user {number}", journey.REQUEST_CREATED, entry) for number in range(60)]
    rows += [(f"user {n}", journey.SECOND_LINE_TASK, entry) for n in range(0, 60, 2)]
    groups = client_groups(stored(rows, FIRST_DAY, DAY).log(), report_days(DAY))[DAY]
    assert groups.names == (f"{journey.GROUP_NO_REACTION} · 1", f"{journey.GROUP_NO_REACTION} · 2")


def test_the_weighted_silhouette_is_scikit_learns_of_the_expanded_rows() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        points = profile_features()[generator.choice(768, 12, replace=False)]
        weights = generator.integers(1, 6, len(points))
        labels = np.concatenate([np.arange(3), generator.integers(0, 3, len(points) - 3)])
        expanded = np.repeat(points, weights, axis=0)
        distances = np.linalg.norm(points[:, None] - points[None], axis=2)
        ours = weighted_silhouette(distances, labels, weights.astype(float))
        theirs = silhouette_score(expanded, np.repeat(labels, weights))
        assert ours == pytest.approx(theirs, abs=1e-6)
