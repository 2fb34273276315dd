from datetime import date

from sales_assets.core import journey
from sales_assets.core.journey import EVENT_TYPES
from sales_assets.core.metrics.activity import Population, daily_activity, population
from sales_assets_tests.core.metrics.strategies import at, stored

DAY = date(2022, 1, 30)
ROWS = [
    ("a", journey.REQUEST_CREATED, at("2022-01-30 10:00")),
    ("a", journey.REQUEST_CREATED, at("2022-01-30 11:00")),
    ("b", journey.REQUEST_CREATED, at("2022-01-30 10:00")),
    ("b", "Якорь", at("2022-01-30 10:00")),
    ("b", "Брак", at("2022-01-30 10:00")),
    ("c", journey.WHATSAPP_SENT, at("2022-01-29 10:00")),
    ("c", journey.REQUEST_CREATED, at("2022-01-30 10:00")),
]


def test_every_named_type_has_its_row_and_others_follow() -> None:
    clean = stored(ROWS, DAY, DAY).clean[DAY]
    before = clean.copy(deep=True)
    frame = daily_activity(clean)
    assert list(frame.columns) == ["event_type", "users", "events"]
    assert list(frame["event_type"]) == [*EVENT_TYPES, "Брак", "Якорь"]
    assert frame.iloc[0].tolist() == [journey.REQUEST_CREATED, 2, 3]
    assert frame["events"].sum() == 5
    assert clean.equals(before)


def test_a_quiet_day_is_all_zeros() -> None:
    frame = daily_activity(stored([], DAY, DAY).clean[DAY])
    assert list(frame["event_type"]) == list(EVENT_TYPES)
    assert not frame[["users", "events"]].to_numpy().any()


def test_the_bridge_counts_clients_and_those_in_experiments() -> None:
    history = stored(ROWS, DAY, DAY).history[DAY]
    assert population(history) == Population(active=3, in_experiments=1)
    assert population(history.iloc[:0]) == Population(active=0, in_experiments=0)
