from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from sales_assets.adapters.files.day_records import read_refusal
from sales_assets.adapters.files.stamps import ForeignSourceError, read_stamp
from sales_assets.adapters.history import BlockedDayError, FilledDay, History, Orders
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.errors import PassingSourceError
from sales_assets.adapters.source.postgres import PostgresSource
from sales_assets.core import journey, names
from sales_assets_tests.conftest import SourceDatabase
from sales_assets_tests.sources import execute, fill

MOSCOW = ZoneInfo("Europe/Moscow")
FIRST = date(2025, 1, 6)
BAD_DAY = FIRST + timedelta(days=2)
DAYS = [FIRST + timedelta(days=n) for n in range(5)]
LAST = DAYS[-1]
PLAIN = Orders()
EVENT_ASSETS = (names.RAW_EVENTS, names.USER_HISTORY, names.CLEAN_EVENTS)

MakeHistory = Callable[..., History]


@pytest.fixture
def url(source_database: SourceDatabase) -> str:
    """Five days with three requests each; on the third, five more rows have no user."""
    url = source_database()
    rows = [
        (f"u{user}", journey.REQUEST_CREATED, f"{day} 1{user}:00")
        for day in DAYS
        for user in range(3)
    ]
    fill(url, [*rows, *[(None, journey.REQUEST_CREATED, f"{BAD_DAY} 1{n}:30") for n in range(5)]])
    return url


@pytest.fixture
def history(url: str, tmp_path: Path) -> MakeHistory:
    """A new run's history: of a folder, with or without a source that can be reached."""

    def make(folder: str = "storage", orders: Orders = PLAIN, *, reachable: bool = True) -> History:
        reached = url if reachable else "postgresql://nobody@127.0.0.1:9/nowhere"
        settings = Settings(storage=str(tmp_path / folder), bad_rows_share=0.3, holidays="none")
        return History(settings, lambda: PostgresSource(reached, MOSCOW, MOSCOW), FIRST, orders)

    return make


def days_of(filled: list[FilledDay], asset: str) -> list[date]:
    return [day.day for day in filled if day.asset == asset]


def has_padded_ids(history: History) -> bool | None:
    stamp = read_stamp(history.store)
    return stamp.padded_ids if stamp else None


def files(history: History) -> dict[str, bytes]:
    base = Path(str(history.store.base))
    return {str(path.relative_to(base)): path.read_bytes() for path in base.glob("*/*.parquet")}


def test_whatever_is_missing_is_stored_and_told_and_nothing_a_second_time(
    history: MakeHistory,
) -> None:
    of_run = history()
    filled = of_run.ensure(DAYS)
    for asset in EVENT_ASSETS:
        assert days_of(filled, asset) == DAYS
        assert of_run.store.days(asset) == set(DAYS)
    assert [day.summary["rows"] for day in filled if day.day == FIRST] == [3, 3, 3]
    assert history(reachable=False).ensure(DAYS) == []


def test_where_a_day_that_is_read_again_has_other_clients_nothing_is_stored(
    history: MakeHistory, url: str
) -> None:
    before, users = DAYS[-2], [f"u{user}" for user in range(3)]
    execute(url, "INSERT INTO payments VALUES (%s, %s)", [(user, before) for user in users])
    history().read_days([before])
    execute(url, "UPDATE events SET _user_id = upper(_user_id)")
    execute(url, "UPDATE payments SET _user_id = upper(_user_id)")
    again = history(orders=Orders(reread=(before,)))
    stored = files(again)
    with pytest.raises(ForeignSourceError, match="3 are gone, such as 'u0', and 3 came, such as"):
        again.read_days([LAST])
    assert files(again) == stored


def test_clients_whom_the_source_lost_meanwhile_are_no_clients_without_a_history(
    history: MakeHistory, url: str
) -> None:
    of_run = history()
    of_run.read_days([LAST])
    execute(url, "DELETE FROM events WHERE _user_id = 'u1'")
    with pytest.raises(PassingSourceError, match="has lost clients"):
        of_run.ensure(DAYS)
    fill(url, [("u1", journey.REQUEST_CREATED, f"{day} 11:00") for day in DAYS])
    of_run.ensure(DAYS)
    assert of_run.store.days(names.CLEAN_EVENTS) == set(DAYS)
    expected = history("untouched")
    expected.ensure(DAYS)
    for name, content in files(expected).items():
        if name.startswith((names.CLEAN_EVENTS, names.USER_HISTORY)):
            assert files(of_run)[name] == content


def test_blanks_around_ids_are_remembered_when_no_day_that_is_read_has_any(
    history: MakeHistory, url: str
) -> None:
    history().ensure(DAYS)
    assert has_padded_ids(history()) is False
    expected = history("plain")
    expected.ensure(DAYS)
    padded = "UPDATE events SET _user_id = _user_id || ' ' WHERE happened_at < %s"
    execute(url, padded, [(DAYS[1],)])
    again = history(orders=Orders(reread=(FIRST,)))
    again.read_days([LAST])
    assert has_padded_ids(again)
    anew = history("anew")
    anew.read_days([LAST])
    for of_run in (history(orders=Orders(reread=(LAST,))), anew):
        of_run.ensure([LAST], [LAST])
        name = f"{names.USER_HISTORY}/{LAST}.parquet"
        assert files(of_run)[name] == files(expected)[name]


def test_an_earlier_first_day_gives_the_values_of_an_empty_storage(
    history: MakeHistory, url: str
) -> None:
    tasks = [("u1", journey.FIRST_LINE_TASK, f"{day} 12:00") for day in DAYS]
    fill(url, tasks)
    late = history()
    late.first_date = DAYS[2]
    late.ensure_values([DAYS[3]])
    moved, empty = history(), history("empty")
    for of_run in (moved, empty):
        of_run.ensure_values([LAST])
    assert moved.values([LAST]).equals(empty.values([LAST]))


def test_the_lookback_ends_at_the_first_day(history: MakeHistory) -> None:
    assert history().lookback([LAST]) == DAYS
    assert history().days_before(DAYS[3:]) == DAYS[:3]
    assert history().lookback([FIRST]) == [FIRST]


def test_a_run_stores_its_days_and_those_before_that_are_missing(history: MakeHistory) -> None:
    of_run = history()
    reading = of_run.read_days([LAST])
    assert days_of([*reading.own], names.RAW_EVENTS) == [LAST]
    assert days_of([*reading.filled], names.RAW_EVENTS) == DAYS[:-1]
    assert of_run.store.days(names.RAW_EVENTS) == set(DAYS)
    histories, filled = of_run.read_user_history([LAST])
    assert len(histories[LAST]) == 3
    assert days_of(filled, names.USER_HISTORY) == DAYS[:-1]


def test_days_filled_one_by_one_in_any_order_are_the_same_files(history: MakeHistory) -> None:
    at_once, one_by_one = history("a"), history("b")
    at_once.ensure(DAYS)
    for day in reversed(DAYS):
        one_by_one.ensure([day])
    assert files(at_once) == files(one_by_one)


def test_a_bad_day_of_the_run_is_refused_and_nothing_of_it_is_stored(history: MakeHistory) -> None:
    of_run = history()
    filled = of_run.ensure(DAYS, own=[BAD_DAY])
    assert {day.asset for day in filled} == {names.RAW_EVENTS, names.HOURLY_COUNTS}
    (refused,) = (day for day in filled if day.refusal)
    assert refused.day == BAD_DAY
    failed = [outcome for outcome in refused.outcomes if not outcome.passed]
    assert [outcome.failing for outcome in failed] == [{"without_user": 5}]
    assert BAD_DAY not in of_run.store.days(names.RAW_EVENTS)
    assert BAD_DAY not in of_run.store.days(names.HOURLY_COUNTS)
    with pytest.raises(BlockedDayError, match=f"{BAD_DAY} is refused by .*: 5 of 8 rows"):
        of_run.refuse_blocked([BAD_DAY])
    of_run.refuse_blocked([FIRST, LAST])
    assert read_refusal(of_run.store, BAD_DAY) == refused.refusal


@pytest.mark.parametrize("orders", [PLAIN, Orders(reread=(BAD_DAY,))])
def test_the_same_day_before_those_of_the_run_stays_without_its_bad_rows(
    history: MakeHistory, orders: Orders
) -> None:
    of_run = history(orders=orders)
    of_run.ensure(DAYS, own=[LAST])
    assert len(of_run.store.read(names.CLEAN_EVENTS, BAD_DAY)) == 3
    assert of_run.spoiled_days(of_run.lookback([LAST])) == {BAD_DAY}


def test_what_blocks_a_day_is_found_in_what_another_run_has_stored(history: MakeHistory) -> None:
    history().ensure(DAYS)
    with pytest.raises(BlockedDayError, match=str(BAD_DAY)):
        history(reachable=False).refuse_blocked(DAYS)
    patient = history(reachable=False)
    patient.settings = patient.settings.model_copy(update={"bad_rows_share": 0.7})
    patient.refuse_blocked(DAYS)
    strict = history(reachable=False)
    with pytest.raises(BlockedDayError):
        strict.refuse_blocked(DAYS)
    rows = strict.store.read(names.RAW_EVENTS, BAD_DAY)
    strict.store.write(names.RAW_EVENTS, BAD_DAY, rows[rows["user_id"].notna()])
    history(reachable=False).refuse_blocked(DAYS)


def test_a_runs_assets_share_one_event_log(history: MakeHistory) -> None:
    of_run = history()
    of_run.ensure(DAYS)
    log = of_run.event_log([LAST])
    assert len(log.at_us) == 15
    assert of_run.event_log([LAST]) is log
    assert of_run.event_log([FIRST]) is not log


def test_the_history_starts_with_the_source_or_with_the_first_partition(
    history: MakeHistory, url: str
) -> None:
    assert history().source_first_day == FIRST
    execute(url, "DELETE FROM payments")
    execute(url, "DELETE FROM events WHERE happened_at < %s", [(DAYS[1],)])
    assert history(orders=Orders(accept_loss=True)).source_first_day == DAYS[1]


# --- Daily values ----------------------------------------------------------------------------

#: What a changed day reaches: 35 days after it, and five days that it doesn't.
LONG = [FIRST + timedelta(days=n) for n in range(45)]
CHANGED = FIRST + timedelta(days=4)


@pytest.fixture
def journeys_url(source_database: SourceDatabase) -> str:
    """Forty-five days: each day three clients enter, and most go on over the next days.

    Others enter who are in an experiment on that day, and one who is later.
    """
    url = source_database()
    steps = (
        (journey.REQUEST_CREATED, 0),
        (journey.FIRST_LINE_TASK, 0),
        (journey.LESSON_APPOINTED, 1),
        (journey.LESSON_ATTENDED, 3),
        (journey.LESSON_SUCCEEDED, 3),
    )
    events, payments = [], []
    for day in LONG:
        for number in range(3):
            user = f"{day}-{number}"
            events += [
                (user, kind, f"{day + timedelta(days=later)} 1{number}:0{place}")
                for place, (kind, later) in enumerate(steps[: 3 + number])
            ]
        payments.append((f"{day}-2", f"{day + timedelta(days=6)} 18:00"))
        events += [
            (f"{day}-tried", kind, f"{day} 15:00")
            for kind in (journey.REQUEST_CREATED, journey.WHATSAPP_SENT)
        ]
    events += [
        ("tried later", journey.REQUEST_CREATED, f"{LONG[30]} 15:00"),
        ("tried later", journey.WHATSAPP_SENT, f"{LONG[33]} 15:00"),
    ]
    fill(url, events, payments)
    return url


@pytest.fixture
def of_journeys(journeys_url: str, tmp_path: Path) -> MakeHistory:
    """A run's history of the long source, in a folder."""

    def make(folder: str, orders: Orders = PLAIN) -> History:
        settings = Settings(storage=str(tmp_path / folder), holidays="none")
        return History(
            settings, lambda: PostgresSource(journeys_url, MOSCOW, MOSCOW), FIRST, orders
        )

    return make


def stored_values(history: History) -> dict[date, dict[str, tuple]]:
    return {
        day: {
            series: (value, None if pd.isna(of) else of)
            for series, value, of in history.store.read(names.DAILY_VALUES, day).itertuples(
                index=False
            )
        }
        for day in sorted(history.store.days(names.DAILY_VALUES))
    }


def test_daily_values_are_filled_for_the_day_and_all_that_it_is_judged_by(
    of_journeys: MakeHistory,
) -> None:
    of_run = of_journeys("a")
    filled = of_run.ensure_values([LONG[-1]])
    assert days_of(filled, names.DAILY_VALUES) == LONG
    assert of_journeys("a").ensure_values([LONG[-1]]) == []
    assert of_run.store.days(names.CLEAN_EVENTS) == set()
    found = stored_values(of_run)[LONG[20]]
    assert found["requests"] == (3, None)
    assert found["appointed"] == (3, 3)
    assert found["paid"] == (1, 3)
    assert found["new_paying"] == (1, None)


@pytest.mark.parametrize("stored", [[], LONG[:10], LONG[7::3], LONG])
def test_the_values_are_the_same_whatever_is_stored(
    of_journeys: MakeHistory, stored: list[date]
) -> None:
    of_journeys("stored").ensure(stored)
    for history in (of_journeys("stored"), of_journeys("empty")):
        history.ensure_values([LONG[-1]])
    assert stored_values(of_journeys("stored")) == stored_values(of_journeys("empty"))


def test_the_values_are_the_same_in_whatever_order_days_are_asked_for(
    of_journeys: MakeHistory,
) -> None:
    of_journeys("at once").ensure_values([LONG[-1]])
    for day in (LONG[30], LONG[2], LONG[-1]):
        of_journeys("one by one").ensure_values([day])
    assert stored_values(of_journeys("one by one")) == stored_values(of_journeys("at once"))


def test_a_changed_row_renews_the_values_of_the_35_days_after_it(
    of_journeys: MakeHistory, journeys_url: str
) -> None:
    of_journeys("stored").ensure(LONG)
    of_journeys("stored").ensure_values([LONG[-1]])
    before = stored_values(of_journeys("stored"))
    late = ("late", journey.REQUEST_CREATED, f"{CHANGED} 09:00")
    fill(journeys_url, [late, ("late", journey.LESSON_APPOINTED, f"{CHANGED} 10:00")])
    of_run = of_journeys("stored", Orders(as_it_is=True, reread=(CHANGED,)))
    of_run.ensure([CHANGED], own=[CHANGED])
    renewed = days_of(of_run.renew_values([CHANGED]), names.DAILY_VALUES)
    assert renewed == [CHANGED + timedelta(days=later) for later in range(1, 36)]
    of_journeys("empty").ensure_values([LONG[-1]])
    ours, theirs = stored_values(of_run), stored_values(of_journeys("empty"))
    # The day's own values are its asset's to store.
    assert {**ours, CHANGED: {}} == {**theirs, CHANGED: {}}
    week_later = CHANGED + timedelta(days=7)
    assert before[week_later]["appointed"] == (3, 3)
    assert ours[week_later]["appointed"] == (4, 4)


def test_nothing_is_renewed_that_nobody_has_stored(of_journeys: MakeHistory) -> None:
    of_run = of_journeys("a")
    of_run.ensure_values([LONG[10]])
    renewed = days_of(of_run.renew_values([LONG[8]]), names.DAILY_VALUES)
    assert renewed == [LONG[9], LONG[10]]
    assert of_run.store.days(names.DAILY_VALUES) == set(LONG[:11])


def test_a_day_is_judged_by_what_is_stored_from_the_history_s_first_day_on(
    of_journeys: MakeHistory,
) -> None:
    of_run = of_journeys("a")
    of_run.ensure_values([LONG[10]])
    assert list(of_run.values([LONG[5]])["day"].unique()) == LONG[:6]
    assert list(of_run.values([LONG[5], LONG[9]])["day"].unique()) == LONG[:10]
