from datetime import date

from sales_assets.core import journey
from sales_assets.core.metrics.cleaning import clean_events, set_aside
from sales_assets_tests.core.metrics.strategies import BERLIN, MOSCOW, at, history_frame, raw_frame

DAY = date(2022, 1, 30)
NOON = at("2022-01-30 12:00")


def test_bad_rows_are_set_aside_each_under_its_first_kind() -> None:
    raw = raw_frame(
        [
            ("b", journey.PURCHASE, NOON),
            ("a", journey.PURCHASE, NOON),
            ("a", journey.PURCHASE, NOON),
            ("a", journey.REQUEST_CREATED, NOON),
            (None, None, NOON),
            (None, None, NOON),
            ("", journey.PURCHASE, NOON),
            ("a", None, NOON),
        ],
        MOSCOW,
    )
    before = raw.copy(deep=True)
    valid, counts = set_aside(raw)
    assert list(valid["user_id"]) == ["b", "a", "a"]
    assert counts == {"without_user": 3, "without_time": 0, "unknown_type": 1, "duplicates": 1}
    assert raw.equals(before)


def test_a_row_without_a_time_is_set_aside() -> None:
    timed = raw_frame([("a", journey.PURCHASE, NOON)], MOSCOW)
    raw = timed.assign(event_time=timed["event_time"].where(timed["user_id"] == "nobody"))
    valid, counts = set_aside(raw)
    assert valid.empty
    assert counts["without_time"] == 1


def test_the_two_runs_of_a_repeated_hour_are_no_duplicates() -> None:
    rows = [
        ("a", journey.PURCHASE, at("2022-10-30 03:30", MOSCOW)),
        ("a", journey.PURCHASE, at("2022-10-30 04:30", MOSCOW)),
    ]
    valid, counts = set_aside(raw_frame(rows, BERLIN))
    assert len(valid) == 2
    assert counts["duplicates"] == 0


def test_who_is_in_an_experiment_by_the_cut_off_is_left_out() -> None:
    rows = [
        ("before", journey.WHATSAPP_SENT, at("2022-01-01 10:00")),
        ("before", journey.PURCHASE, NOON),
        ("on the day", journey.PURCHASE, NOON),
        ("on the day", journey.WHATSAPP_SENT, at("2022-01-30 23:59:59")),
        ("at the cut-off", journey.PURCHASE, NOON),
        ("at the cut-off", journey.WHATSAPP_SENT, at("2022-01-31 00:00")),
        ("never", journey.PURCHASE, NOON),
    ]
    valid = raw_frame([row for row in rows if row[2].date() == DAY and row[2].hour < 21], MOSCOW)
    clean = clean_events(valid, history_frame(rows, DAY, MOSCOW))
    assert list(clean["user_id"]) == ["at the cut-off", "never"]


def test_an_empty_day_stays_empty() -> None:
    raw = raw_frame([], MOSCOW)
    valid, counts = set_aside(raw)
    assert valid.empty
    assert set(counts.values()) == {0}
    assert clean_events(valid, history_frame([], DAY, MOSCOW)).empty
