from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from sales_assets.core import journey
from sales_assets.core.source_checks import (
    odd_times,
    one_id,
    paid_before_lesson,
    payers_without_event,
    times_without_hours,
    unknown_ids,
)
from sales_assets.core.source_findings import (
    PARTS_OF_KEYS,
    FindingKind,
    Reason,
    fit_outcome,
    not_counted,
)

DAY = date(2026, 11, 23)


def payers(*rows: tuple[str, int, int | None, int | None]) -> pd.DataFrame:
    """User, and how many days before the report day's noon they paid, came, had a lesson."""
    noon = pd.Timestamp(DAY) + pd.Timedelta(hours=12)

    def at(days: int | None) -> pd.Timestamp | None:
        return None if days is None else noon - timedelta(days=days)

    columns = ["user_id", "paid_at", "first_event_at", "first_lesson_at"]
    values = [(user, *map(at, days)) for user, *days in rows]
    frame = pd.DataFrame(values, columns=columns)
    return frame.astype(dict.fromkeys(columns[1:], "datetime64[us]"))


def foreign(number: int, days: int = 1, start: int = 0) -> list[tuple]:
    return [(f"{start + n}.0", days, None, None) for n in range(number)]


def known(number: int, days: int = 1, start: int = 1000) -> list[tuple]:
    return [(str(start + n), days, days + 3, days + 1) for n in range(number)]


@pytest.mark.parametrize(
    ("rows", "is_found"),
    [
        ([], False),
        (foreign(2), False),
        (foreign(1) * 3, False),  # one who paid three times
        (foreign(3), True),
        (foreign(3) + known(3), False),  # exactly half, and no past
        (foreign(2) + known(8) + known(10, 40, 2000), True),  # 20 % after 0 %
        (
            foreign(5) + known(15) + foreign(1, 40, 500) + known(9, 40, 2000),
            False,
        ),  # not three times
        (foreign(1) + known(9) + known(10, 40, 2000), False),  # a tenth
        (foreign(3, 28), False),  # before the four weeks
    ],
)
def test_payers_whose_id_no_event_has(rows: list[tuple], is_found: bool) -> None:  # noqa: FBT001
    found = payers_without_event(payers(*rows), DAY, are_normal=False)
    assert (found is not None) == is_found
    assert payers_without_event(payers(*rows), DAY, are_normal=True) is None


def test_foreign_payers_take_all_parts_but_the_bridge_and_are_shown() -> None:
    found = payers_without_event(payers(*foreign(12)), DAY, are_normal=False)
    assert found is not None
    assert found.parts == PARTS_OF_KEYS
    assert len(found.sample) == 10
    assert "'0.0'" in found.sentence
    assert "SALES_ASSETS_PAYERS_WITHOUT_EVENTS=1" in found.sentence


def test_an_event_later_on_the_payments_day_is_early_enough_and_one_of_the_next_is_not() -> None:
    rows = payers(*known(3)).assign(first_event_at=pd.Timestamp(DAY - timedelta(days=1)))
    assert payers_without_event(rows, DAY, are_normal=False) is None
    later = rows.assign(first_event_at=pd.Timestamp(DAY))
    assert payers_without_event(later, DAY, are_normal=False) is not None


def test_a_payment_at_the_midnight_that_ends_the_day_is_the_next_days() -> None:
    rows = payers(*foreign(3)).assign(paid_at=pd.Timestamp(DAY + timedelta(days=1)))
    assert payers_without_event(rows, DAY, are_normal=False) is None
    assert payers_without_event(rows, DAY + timedelta(days=28), are_normal=False) is not None
    assert payers_without_event(rows, DAY + timedelta(days=29), are_normal=False) is None
    assert payers_without_event(rows, DAY + timedelta(days=1), are_normal=False) is not None


def clock(*times: str) -> pd.Series:
    return pd.Series([f"{DAY} {time}" for time in times]).astype("datetime64[us]")


@pytest.mark.parametrize(
    ("times", "recent", "is_found"),
    [
        (clock("00:00", "00:00", "00:00"), None, True),
        (clock("03:00", "03:00", "03:00"), None, True),  # midnight of the table's clock
        (clock("20:00", "20:00", "20:00"), None, False),
        (clock("00:00", "00:00", "00:01"), None, False),
        (clock("00:00", "00:00"), None, False),
        (clock("00:00"), clock("00:00", "00:00", "00:00"), True),
        (clock("00:00"), clock("00:00", "12:00", "00:00"), False),
        (clock(), clock("00:00", "00:00", "00:00"), False),
    ],
)
def test_dates_without_hours(
    times: pd.Series,
    recent: pd.Series | None,
    is_found: bool,  # noqa: FBT001
) -> None:
    clocks = ZoneInfo("Europe/Moscow"), ZoneInfo("UTC")
    found = times_without_hours("payments", DAY, times, clocks, recent)
    assert (found is not None) == is_found
    if found:
        assert found.parts == (
            "open_requests",
            "first_line",
            "second_line",
            "lesson_payment",
            "funnel",
        )
        assert not_counted([found])["expiring"] is Reason.NO_HOURS
        assert "payments.transaction_created_at" in found.sentence
        of_events = times_without_hours("events", DAY, times, clocks, recent)
        assert of_events
        assert "events.happened_at" in of_events.sentence


def test_payments_before_their_own_lesson_more_often_than_ever_are_a_warning() -> None:
    usual = [row for week in range(1, 6) for row in known(10, 7 * week, 100 * week)]
    early = [(f"e{n}", 6, 9, 5) for n in range(3)]
    found = paid_before_lesson(payers(*usual, *early, *known(4)), DAY)
    assert found is not None
    assert found.kind is FindingKind.PAID_BEFORE_LESSON
    assert found.parts == ()
    assert found.sample == ("e0", "e1", "e2")
    # A client's first payment counts, in whatever order the rows come.
    again = [*usual, *early, ("e0", 0, 9, 5), *known(4)]
    for rows in (again, again[::-1]):
        assert paid_before_lesson(payers(*rows), DAY) == found
    assert paid_before_lesson(payers(*usual, *known(4)), DAY) is None
    assert paid_before_lesson(payers(*usual, *early, *known(27)), DAY) is None  # a tenth
    often = [(f"o{n}", 12, 19, 11) for n in range(10)]
    assert paid_before_lesson(payers(*usual, *often, *early, *known(4)), DAY) is None
    thrice = [("e0", days, 9, 1) for days in (4, 3, 2)]
    assert paid_before_lesson(payers(*usual, *thrice, *known(4)), DAY) is None
    assert paid_before_lesson(payers(*early), DAY) is None
    assert paid_before_lesson(payers(), DAY) is None
    # What is read with a range of days says nothing of this one.
    old, coming = known(10, 60, 5000), [(f"l{n}", 2, 9, -2) for n in range(30)]
    assert paid_before_lesson(payers(*early, *old), DAY) is None
    assert paid_before_lesson(payers(*usual, *early, *known(4), *coming), DAY) == found


def day_rows(users: list[str]) -> pd.DataFrame:
    types = pd.Categorical([journey.REQUEST_CREATED] * len(users), [journey.REQUEST_CREATED])
    return pd.DataFrame({"user_id": pd.Series(users, dtype="str"), "event_type": types})


def test_one_id_with_an_impossible_share_of_a_days_rows() -> None:
    plain = [str(number) for number in range(1, 300)]
    assert one_id(day_rows(plain), DAY) is None
    assert one_id(day_rows([]), DAY) is None
    assert one_id(day_rows([*plain, "NULL"]), DAY) is None
    assert one_id(day_rows(plain + ["NULL"] * 15), DAY) is None
    assert one_id(day_rows(plain + ["42"] * 73), DAY) is None
    assert one_id(day_rows(["busy"] * 199), DAY) is None
    for many in (["NULL"] * 20, ["0"] * 20, ["42"] * 100, ["NULL"] * 30 + ["42"] * 40):
        found = one_id(day_rows(plain + many), DAY)
        assert found is not None
        assert found.sample == (many[0],)
    assert one_id(day_rows(["busy"] * 5 + ["quiet"]), DAY) is None
    assert one_id(day_rows(plain + [""] * 200), DAY) is None


def test_unknown_ids_are_a_warning_until_they_are_most_events() -> None:
    rows = day_rows(["a"] * 10)
    few, most = unknown_ids(rows, {"9": 5}, DAY), unknown_ids(rows, {"9": 6}, DAY)
    assert unknown_ids(rows, {}, DAY) is None
    assert few is not None
    assert few.parts == ()
    assert most is not None
    paid = rows.assign(event_type=pd.Categorical([journey.PURCHASE] * 10))
    assert unknown_ids(pd.concat([rows, paid]), {"9": 6}, DAY) == most
    assert "funnel" in most.parts
    assert "new_paying" not in most.parts


def test_rows_without_a_usable_time_and_in_the_future_are_counted_by_table() -> None:
    assert odd_times({"events": 0, "payments": 0}, {"events": 0, "payments": 0}) == []
    odd, future = odd_times({"events": 4, "payments": 0}, {"events": 0, "payments": 2})
    assert odd.sample == ("events: 4 rows",)
    assert future.sample == ("payments: 2 rows",)


def test_the_check_says_all_that_was_found_and_passes_with_odd_times_alone() -> None:
    assert fit_outcome([]).passed
    assert fit_outcome([]).message == "names, keys and times fit"
    odd, future = odd_times({"events": 4}, {"payments": 2})
    assert fit_outcome([odd]).passed
    told = fit_outcome([odd, future, odd])
    assert not told.passed
    assert told.is_warning
    assert told.sample["sample"].tolist() == [*odd.sample, *future.sample, *odd.sample]
    assert told.message == f"{odd.sentence} {future.sentence} {odd.sentence}"
    assert told.facts == {"kinds": "odd_times, future_times"}
