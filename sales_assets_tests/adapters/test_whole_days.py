import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from sales_assets.adapters.files.day_records import read_refusal
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.history import BlockedDayError, History, Orders
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.counts import SourceCounts
from sales_assets.adapters.source.errors import PassingSourceError
from sales_assets.adapters.source.postgres import PostgresSource
from sales_assets.adapters.whole_days import WholeDays
from sales_assets.core import journey, names, windows
from sales_assets.core.completeness import CHECK
from sales_assets.core.judgement.day_completeness import State
from sales_assets.core.metrics.schemas import CheckOutcome
from sales_assets_tests.base_source import ROWS_A_DAY, ZONE, delete_rows, fill_base, yesterday
from sales_assets_tests.conftest import BaseStorage, SourceDatabase
from sales_assets_tests.sources import execute

DAY = yesterday()
BEFORE = DAY - timedelta(days=1)
NEXT = DAY + timedelta(days=1)
#: While the tests run it is about noon.
EARLY, LATE = time(14), time(11)
PLAIN = Orders()
FILLED = "filled"

MakeHistory = Callable[..., History]


@pytest.fixture
def url(source_database: SourceDatabase) -> str:
    url = source_database()
    fill_base(url, DAY)
    return url


@pytest.fixture
def history(url: str, tmp_path: Path, base_storage: BaseStorage) -> MakeHistory:
    """A new run's history, before the last call and with all days but the newest in its storage."""

    def make(
        last_call: time = EARLY, orders: Orders = PLAIN, folder: str = FILLED, start: int = 83
    ) -> History:
        if folder == FILLED and not (tmp_path / folder).exists():
            base_storage(url, tmp_path / folder)
        settings = Settings(storage=str(tmp_path / folder), report_zone=ZONE, holidays="none")
        return History(
            settings.model_copy(update={"last_call": last_call}),
            lambda: PostgresSource(url, ZONE, ZONE),
            DAY - timedelta(days=start),
            orders,
        )

    return make


def check_of(history: History, day: date, name: str = CHECK) -> CheckOutcome:
    (own,) = history.read_days([day]).own
    return next(outcome for outcome in own.outcomes if outcome.name == name)


def stored(history: History, day: date) -> set[str]:
    assets = (names.RAW_EVENTS, names.HOURLY_COUNTS)
    return {asset for asset in assets if history.store.holds(asset, day)}


def cut(url: str, state: State) -> None:
    """Take rows of the day away so that the judge has to give it that state."""
    spans = {
        State.EMPTY: (DAY, NEXT),
        State.ENDS_EARLY: (f"{DAY} 10:00", NEXT),
        State.HOLE: (f"{DAY} 09:30", f"{DAY} 19:00"),
    }
    delete_rows(url, *map(str, spans[state]))


def test_a_whole_day_is_taken_with_its_counts_and_its_record(history: MakeHistory) -> None:
    of_run = history()
    check = check_of(of_run, DAY)
    assert check.passed
    until = check.facts["certain_until"].replace("T", " ").removesuffix(":00")
    assert check.message == f"{DAY} is whole; an end after {until} would not be noticed"
    assert stored(of_run, DAY) == {names.RAW_EVENTS, names.HOURLY_COUNTS}
    counts = of_run.store.read(names.HOURLY_COUNTS, DAY)
    assert counts["rows"].sum() == ROWS_A_DAY
    assert of_run.whole_days.completeness(DAY).state == State.COMPLETE
    assert read_refusal(of_run.store, DAY) is None


@pytest.mark.parametrize("silent_days", [windows.COMPLETENESS_DAYS + 1, 50])
def test_a_day_after_weeks_without_a_row_is_empty_however_little_is_known(
    history: MakeHistory, url: str, silent_days: int
) -> None:
    delete_rows(url, str(NEXT - timedelta(days=silent_days)), str(NEXT))
    of_run = history(folder="empty")
    assert of_run.look(DAY).state == State.EMPTY
    check = check_of(of_run, DAY)
    told = f"the source has no row of {DAY} (nor of the 14 days before)"
    assert not check.passed
    assert check.facts["state"] == State.EMPTY
    assert check.message.startswith(told)


def test_a_quiet_day_soon_after_the_first_is_no_empty_one(history: MakeHistory, url: str) -> None:
    delete_rows(url, str(DAY - timedelta(days=13)), str(NEXT))
    check = check_of(history(folder="empty", start=13), DAY)
    assert check.passed
    assert check.facts["state"] == State.UNKNOWN


def test_where_the_weeks_before_are_not_counted_a_quiet_day_is_no_empty_one(
    history: MakeHistory, url: str
) -> None:
    of_run = history(folder="empty")
    oldest = DAY - timedelta(days=83)
    delete_rows(url, str(oldest), str(oldest + timedelta(days=1)))
    of_run.read_days([DAY])
    assert of_run.whole_days.completeness(oldest).state == State.UNKNOWN


def test_the_days_before_are_counted_by_the_source_and_no_frame_is_stored_for_them(
    history: MakeHistory,
) -> None:
    of_run = history(folder="empty")
    filled = of_run.read_days([DAY]).filled
    counted = {day.day for day in filled if day.asset == names.HOURLY_COUNTS}
    assert len(counted) == 83
    assert len(of_run.store.days(names.HOURLY_COUNTS)) == 84
    assert len(of_run.store.days(names.RAW_EVENTS)) == windows.EVENT_DAYS


def test_counts_grouped_by_the_source_are_those_of_rows_that_were_read(
    history: MakeHistory,
) -> None:
    grouped, read = history(folder="a"), history(folder="b")
    grouped.ensure_counts([DAY])
    read.read_days([BEFORE, DAY])
    for day in (BEFORE, DAY):
        assert grouped.store.read(names.HOURLY_COUNTS, day).equals(
            read.store.read(names.HOURLY_COUNTS, day)
        )
        ours, theirs = grouped.whole_days.completeness(day), read.whole_days.completeness(day)
        # A silence that goes on until the moment of reading grows between the two.
        assert ours.surprise == pytest.approx(theirs.surprise, abs=0.1)
        assert replace(ours, surprise=None) == replace(theirs, surprise=None)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.EMPTY, rf"the source has no row of {DAY} \(surprise \d+\.\d\)"),
        (
            State.ENDS_EARLY,
            rf"the rows of {DAY} end at 09:58 \(surprise \d+\.\d\), none came after",
        ),
        (State.HOLE, rf"the source has no row from {DAY} 10:00 to {DAY} 20:00 \(surprise"),
    ],
)
def test_a_cut_day_is_refused_before_its_last_call_and_nothing_of_it_is_stored(
    history: MakeHistory, url: str, state: State, told: str
) -> None:
    cut(url, state)
    of_run = history()
    found = check_of(of_run, DAY)
    assert not found.passed
    assert not found.is_warning
    assert found.facts["state"] == state
    assert re.match(told, found.message)
    assert f"asked for again until {NEXT} 14:00 and then taken as it is" in found.message
    assert f"sales-assets report {DAY} --as-it-is" in found.message
    assert stored(of_run, DAY) == set()
    refusal = read_refusal(history().store, DAY)
    assert refusal
    assert refusal.completeness
    assert refusal.completeness.state == state


@pytest.mark.parametrize(("last_call", "orders"), [(LATE, PLAIN), (EARLY, Orders(as_it_is=True))])
def test_after_the_last_call_or_on_demand_it_is_taken_as_it_is_and_flagged(
    history: MakeHistory, url: str, last_call: time, orders: Orders
) -> None:
    cut(url, State.ENDS_EARLY)
    assert not check_of(history(), DAY).passed
    of_run = history(last_call, orders)
    found = check_of(of_run, DAY)
    assert not found.passed
    assert found.is_warning
    assert found.message.endswith("It is taken as it is, and its report says so")
    assert stored(of_run, DAY) == {names.RAW_EVENTS, names.HOURLY_COUNTS}
    told = history().whole_days.completeness(DAY)
    assert told.state == State.ENDS_EARLY
    assert told.ends_at
    assert f"{told.ends_at:%H}" == "09"
    assert read_refusal(history().store, DAY) is None
    assert history().whole_days.cut_days([BEFORE, DAY]) == (DAY,)
    not_counted = DAY - timedelta(days=200)
    assert history().spoiled_days([not_counted, BEFORE, DAY]) == {DAY}


def test_an_outage_of_last_month_stops_nobody_and_is_known(history: MakeHistory, url: str) -> None:
    outage = DAY - timedelta(days=20)
    delete_rows(url, f"{outage} 10:00", str(outage + timedelta(days=1)))
    of_run = history(folder="empty")
    assert of_run.look(DAY).state == State.COMPLETE
    assert check_of(of_run, DAY).passed
    assert of_run.whole_days.cut_days([outage, DAY]) == (outage,)


@pytest.mark.parametrize(("country", "state"), [(None, State.EMPTY), ("RU", State.UNKNOWN)])
def test_a_public_holiday_without_a_row_is_no_empty_day(
    tmp_path: Path, country: str | None, state: State
) -> None:
    day, zone = date(2025, 6, 12), ZoneInfo("UTC")
    before = windows.days_up_to(day - timedelta(days=1), windows.COMPLETENESS_DAYS)
    hours = pd.date_range(before[0], day, freq="h", tz=zone).as_unit("us")
    opened = hours[(hours.day_of_week < 5) & (hours.hour > 8) & (hours.date < day)]
    groups = pd.DataFrame({"type": "any", "rows": 6, "first": opened, "last": opened})
    read_at = datetime(2025, 6, 13, 9, tzinfo=zone)
    of_days = WholeDays(FrameStore(str(tmp_path)), before[0], country)
    assert of_days.judge(day, SourceCounts(groups, read_at, zone), before).state == state


def test_a_young_source_is_not_judged(history: MakeHistory, url: str) -> None:
    cut(url, State.ENDS_EARLY)
    of_run = history(folder="empty", start=10)
    found = check_of(of_run, DAY)
    assert found.passed
    assert found.facts["state"] == State.UNKNOWN
    assert found.facts["surprise"] == ""
    assert found.message == f"too little is known to tell whether {DAY} is whole"


def test_a_metric_alone_of_a_cut_day_is_refused_too(history: MakeHistory, url: str) -> None:
    cut(url, State.EMPTY)
    of_run = history()
    of_run.ensure(of_run.lookback([DAY]), own=[DAY])
    assert stored(of_run, DAY) == set()
    with pytest.raises(BlockedDayError, match=f"{DAY} is refused by .*: the source has no row"):
        of_run.refuse_blocked([DAY])


@pytest.mark.parametrize("last_call", [EARLY, LATE])
def test_a_day_that_shrinks_is_kept_at_any_age_until_the_loss_is_accepted(
    history: MakeHistory, url: str, last_call: time
) -> None:
    history().read_days([DAY])
    delete_rows(url, f"{DAY} 09:00", f"{DAY} 09:16")
    of_run = history(last_call, Orders(reread=(DAY,)))
    found = check_of(of_run, DAY, "shrunken")
    assert of_run.ensure_rows([DAY], own=[DAY]) == []
    assert found.failing == {"lost": 6}
    assert "--accept-loss" in found.message
    assert len(history().store.read(names.RAW_EVENTS, DAY)) == ROWS_A_DAY
    refusal = read_refusal(history().store, DAY)
    assert refusal
    assert refusal.stored
    history(last_call, Orders(accept_loss=True)).read_days([DAY])
    assert len(history().store.read(names.RAW_EVENTS, DAY)) == ROWS_A_DAY - 6
    assert read_refusal(history().store, DAY) is None
    cut(url, State.ENDS_EARLY)
    (of_cut,) = history(last_call).read_days([DAY]).refused
    assert (of_cut.check, of_cut.completeness) == ("shrunken", None)


def test_who_accepts_a_loss_may_have_emptied_a_table(history: MakeHistory, url: str) -> None:
    of_another, of_run = history(), history(LATE, Orders(accept_loss=True))
    execute(url, "TRUNCATE payments")
    with pytest.raises(PassingSourceError, match="payments has no row"):
        of_another.read_days([DAY])
    assert [day.refusal for day in of_run.read_days([DAY]).own] == [None]
    assert len(of_run.read_user_history([DAY])[0][DAY]) == 20


def test_a_few_lost_rows_are_no_loss(history: MakeHistory, url: str) -> None:
    history().read_days([DAY])
    delete_rows(url, f"{DAY} 09:00", f"{DAY} 09:07")
    assert check_of(history(), DAY, "shrunken").passed
    assert len(history().store.read(names.RAW_EVENTS, DAY)) < ROWS_A_DAY


def test_a_day_whose_rows_came_late_is_taken_again(history: MakeHistory, url: str) -> None:
    tables = {"events": "happened_at", "payments": "transaction_created_at"}
    for table in tables:
        execute(url, f"CREATE TABLE late_{table} AS SELECT * FROM {table}")  # noqa: S608
    cut(url, State.ENDS_EARLY)
    history(LATE).read_days([DAY])
    assert history().whole_days.completeness(DAY).state == State.ENDS_EARLY
    later = "UPDATE events SET happened_at = happened_at + interval '90 s' WHERE happened_at >= %s"
    execute(url, later, [(f"{DAY} 09:58",)])
    history(LATE).read_days([DAY])
    ends_at = history().whole_days.completeness(DAY).ends_at
    assert f"{ends_at:%H:%M:%S}" == "09:59:30"
    for table, column in tables.items():
        late = f"INSERT INTO {table} SELECT * FROM late_{table} WHERE {column} >= %s"  # noqa: S608
        execute(url, late, [(f"{DAY} 10:00",)])
    history(LATE).read_days([DAY])
    assert history().whole_days.completeness(DAY).state == State.COMPLETE
    execute(url, "INSERT INTO events VALUES ('late', 10, %s)", [(f"{DAY} 10:30",)])
    history(LATE).read_days([DAY])
    assert history().whole_days.counts(DAY)["rows"].sum() == ROWS_A_DAY + 1


def test_a_type_that_is_missing_as_well_by_now_is_told(history: MakeHistory, url: str) -> None:
    execute(url, "DELETE FROM events WHERE event_id = 10 AND happened_at >= %s", [(DAY,)])
    tasks = "DELETE FROM events WHERE event_id = 11 AND happened_at >= %s"
    execute(url, tasks, [(f"{DAY} 10:00",)])
    execute(url, "INSERT INTO events VALUES ('new', 11, %s)", [(f"{NEXT} 00:30",)])
    told = check_of(history(), DAY)
    assert told.message == f"no rows of {journey.REQUEST_CREATED} where there should be"
    assert told.facts["missing"] == journey.REQUEST_CREATED
    assert history().whole_days.completeness(DAY).missing == (journey.REQUEST_CREATED,)
    execute(url, tasks, [(NEXT,)])
    history().read_days([DAY])
    missing = journey.FIRST_LINE_TASK, journey.REQUEST_CREATED
    assert history().whole_days.completeness(DAY).missing == missing


def test_days_read_again_with_the_newest_are_stored_anew_and_their_events_cleaned_anew(
    history: MakeHistory, url: str
) -> None:
    first = history()
    first.ensure(first.lookback([DAY]))
    execute(url, "INSERT INTO events VALUES ('late', 10, %s)", [(f"{BEFORE} 12:00",)])
    of_run = history(orders=Orders(reread=(BEFORE,)))
    of_run.read_days([DAY])
    of_run.read_user_history([DAY])
    of_run.ensure(of_run.days_before([DAY]))
    assert "late" in set(of_run.store.read(names.CLEAN_EVENTS, BEFORE)["user_id"])
    assert of_run.ensure(of_run.lookback([DAY])) == []


def test_reading_a_day_again_without_news_changes_no_file(history: MakeHistory) -> None:
    of_run = history()
    of_run.read_days([DAY])
    base = Path(str(of_run.store.base))
    before = {path: path.read_bytes() for path in base.rglob("*.*")}
    history().read_days([DAY])
    assert {path: path.read_bytes() for path in base.rglob("*.*")} == before
