from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.history import BlockedDayError, FilledDay, History, Limits, Orders
from sales_assets.adapters.source.postgres import PostgresSource
from sales_assets.core import journey, names
from sales_assets_tests.conftest import SourceDatabase
from sales_assets_tests.sources import fill

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
        return History(
            FrameStore(str(tmp_path / folder)),
            lambda: PostgresSource(reached, MOSCOW, MOSCOW),
            FIRST,
            MOSCOW,
            Limits(bad_rows_share=0.3),
            orders,
        )

    return make


def days_of(filled: list[FilledDay], asset: str) -> list[date]:
    return [day.day for day in filled if day.asset == asset]


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
    assert history().refusal(BAD_DAY) == refused.refusal


def test_the_same_day_before_those_of_the_run_stays_without_its_bad_rows(
    history: MakeHistory,
) -> None:
    of_run = history()
    of_run.ensure(DAYS, own=[LAST])
    assert len(of_run.clean_events(DAYS)[BAD_DAY]) == 3
    assert of_run.flawed_days(LAST) == (BAD_DAY,)


def test_what_blocks_a_day_is_found_in_what_another_run_has_stored(history: MakeHistory) -> None:
    history().ensure(DAYS)
    with pytest.raises(BlockedDayError, match=str(BAD_DAY)):
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
    fill(url, [("u0", journey.REQUEST_CREATED, "2024-12-01 10:00")])
    assert history().source_first_day == FIRST
