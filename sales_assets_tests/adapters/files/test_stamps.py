import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from sales_assets.adapters.files.frames import FrameStore, StorageError
from sales_assets.adapters.files.stamps import (
    STAMP,
    ForeignSourceError,
    accept_same_source,
    own_stamp,
    read_stamp,
    refuse_other_clients,
    remember,
    write_stamp,
)
from sales_assets.adapters.source.postgres import PostgresSource
from sales_assets.core import journey, names
from sales_assets.core.dictionary import EventDictionary
from sales_assets.core.stamp import SourceIdentity, Stamp
from sales_assets.core.windows import EVENT_DAYS
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets_tests.conftest import SourceDatabase
from sales_assets_tests.faults.source_surroundings import object_store
from sales_assets_tests.source_world import BEFORE, DAY, DICTIONARY, make_base

MOSCOW, URALS = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Yekaterinburg")
HERE = SourceIdentity("7", "db:5432", "crm", {"events": "public", "payments": "public"})
MINE = Stamp(HERE, "Europe/Moscow", "Europe/Moscow", dictionary={"10": journey.REQUEST_CREATED})


@pytest.fixture
def store(tmp_path: Path) -> FrameStore:
    return FrameStore(str(tmp_path / "storage"))


@pytest.fixture(scope="module")
def url(embedded_server: EmbeddedServer) -> str:
    url = embedded_server.ensure_database("stamps")
    make_base(url)
    return url


def at(url: str, zone: ZoneInfo = MOSCOW) -> PostgresSource:
    return PostgresSource(url, MOSCOW, zone)


def store_days(store: FrameStore, source: PostgresSource, *days: date) -> None:
    for day, frame in source.read_days(days).frames.items():
        store.write(names.RAW_EVENTS, day, frame)


def test_an_empty_storage_takes_the_first_source_and_keeps_it(store: FrameStore) -> None:
    other = replace(MINE, report_zone="UTC")
    assert own_stamp(store, other) == other
    assert own_stamp(store, MINE) == MINE  # nothing is stored yet
    assert read_stamp(store) == MINE
    assert own_stamp(store, replace(MINE, dictionary={})) == MINE


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            replace(MINE, source=replace(HERE, system="8")),
            "the source's server was db:5432 (7) and is db:5432 (8)",
        ),
        (replace(MINE, source=replace(HERE, system=None, address="x:1")), "server was db:5432"),
        (replace(MINE, source=replace(HERE, database="copy")), "database was crm and is copy"),
        (
            replace(MINE, source=replace(HERE, schemas={"events": "old", "payments": "public"})),
            "is old.events, public.payments",
        ),
        (replace(MINE, report_zone="UTC"), "SALES_ASSETS_REPORT_TZ was Europe/Moscow and is UTC"),
        (replace(MINE, source_zone="UTC"), "SALES_ASSETS_SOURCE_TZ was Europe/Moscow and is UTC"),
        (replace(MINE, definitions=0), "the version of the definitions was 1 and is 0"),
    ],
)
def test_another_source_or_zone_is_refused_with_the_way_out(
    store: FrameStore, other: Stamp, told: str
) -> None:
    write_stamp(store, MINE)
    store.path(names.RAW_EVENTS, DAY).parent.mkdir(parents=True)
    store.path(names.RAW_EVENTS, DAY).touch()
    with pytest.raises(ForeignSourceError) as raised:
        own_stamp(store, other)
    assert told in str(raised.value)
    for way_out in ("SALES_ASSETS_STORAGE", "--rebuild", "--same-source"):
        assert way_out in str(raised.value)


def test_a_server_that_cannot_be_asked_for_its_identifier_is_known_by_its_address(
    store: FrameStore,
) -> None:
    write_stamp(store, MINE)
    assert own_stamp(store, replace(MINE, source=replace(HERE, system=None))) == MINE
    assert own_stamp(store, replace(MINE, source=replace(HERE, address="alias:5432"))) == MINE


def test_stored_days_without_a_stamp_are_refused_like_a_foreign_source(
    store: FrameStore, url: str
) -> None:
    store_days(store, at(url), DAY)
    with pytest.raises(ForeignSourceError, match="nothing says which source"):
        own_stamp(store, at(url).stamp())
    assert accept_same_source(store, at(url)) == (DAY,)
    assert own_stamp(store, at(url).stamp()) == at(url).stamp()


def test_the_stamp_of_a_source_holds_no_secret(url: str, store: FrameStore) -> None:
    stamp = at(url.replace("postgres@", "postgres:hidden-word@")).stamp()
    write_stamp(store, stamp)
    assert stamp.source.system
    assert stamp.source.schemas == dict.fromkeys(("events", "events_dict", "payments"), "public")
    assert "hidden-word" not in (store.base / STAMP).read_text()
    assert own_stamp(store, at(url).stamp()) == stamp


def test_a_database_that_moved_is_accepted_after_its_days_were_compared(
    store: FrameStore, url: str
) -> None:
    days = [DAY - timedelta(days=n) for n in range(20)]
    store_days(store, at(url), *days)
    write_stamp(store, replace(MINE, first_day=days[-1]))
    compared = accept_same_source(store, at(url))
    assert compared == (days[-1], days[13], days[7])
    kept = own_stamp(store, at(url).stamp())
    assert (kept.dictionary, kept.first_day) == (MINE.dictionary, days[-1])


def test_days_of_other_definitions_are_not_the_same_whatever_their_rows(
    store: FrameStore, url: str
) -> None:
    store_days(store, at(url), DAY)
    write_stamp(store, replace(at(url).stamp(), definitions=0))
    with pytest.raises(ForeignSourceError, match="--rebuild"):
        accept_same_source(store, at(url))


def test_counts_alone_are_days_of_a_source_too(store: FrameStore) -> None:
    write_stamp(store, MINE)
    store.write(names.HOURLY_COUNTS, DAY, pd.DataFrame({"rows": [1]}))
    with pytest.raises(ForeignSourceError):
        own_stamp(store, replace(MINE, report_zone="UTC"))


def test_an_earlier_first_day_forgets_the_values_that_the_old_one_cut_a_later_one_none(
    store: FrameStore,
) -> None:
    write_stamp(store, replace(MINE, first_day=DAY))
    after = DAY + timedelta(days=1)
    *_, last_cut, whole = (after + timedelta(days=later) for later in range(EVENT_DAYS + 1))
    for day in (DAY, after, last_cut, whole):
        store.write(names.DAILY_VALUES, day, pd.DataFrame({"value": [1]}))
    assert own_stamp(store, replace(MINE, first_day=after)).first_day == after
    assert set(store.days(names.DAILY_VALUES)) == {DAY, after, last_cut, whole}
    own_stamp(store, replace(MINE, first_day=DAY))
    assert set(store.days(names.DAILY_VALUES)) == {DAY, whole}


def test_a_damaged_stamp_is_named(store: FrameStore) -> None:
    store.base.mkdir(parents=True)
    (store.base / STAMP).touch()
    with pytest.raises(StorageError, match=STAMP):
        read_stamp(store)


def test_other_rows_in_a_stored_day_are_another_source(store: FrameStore, url: str) -> None:
    store_days(store, at(url), BEFORE)
    frame = store.read(names.RAW_EVENTS, BEFORE)
    store.write(names.RAW_EVENTS, BEFORE, frame.iloc[1:])
    for source in (at(url), at(url, URALS)):
        with pytest.raises(ForeignSourceError, match=f"of {BEFORE} 68 rows are stored"):
            accept_same_source(store, source)


ANEW_IN_EVENTS = "UPDATE events SET _user_id = 'x' || _user_id;"
ANEW_IN_PAYMENTS = "UPDATE payments SET _user_id = 'x' || _user_id;"


@pytest.fixture
def changed(source_database: SourceDatabase) -> Callable[[str], PostgresSource]:
    def make(change: str) -> PostgresSource:
        url = source_database()
        make_base(url, change)
        return at(url)

    return make


def test_ids_that_both_tables_write_anew_are_refused_until_a_rebuild(
    store: FrameStore, url: str, changed: Callable[[str], PostgresSource]
) -> None:
    days = [BEFORE, DAY]
    store_days(store, at(url), *days)
    frames = changed(ANEW_IN_EVENTS + ANEW_IN_PAYMENTS).read_days(days).frames
    with pytest.raises(ForeignSourceError, match=r"such as '11220000', .* 'x11220000'.*--rebuild"):
        refuse_other_clients(store, days, frames)
    store.clear(STAMP)
    refuse_other_clients(store, days, frames)


@pytest.mark.parametrize(
    "change",
    [
        ANEW_IN_EVENTS,
        ANEW_IN_PAYMENTS,
        "DELETE FROM events; DELETE FROM payments",
        "UPDATE events SET happened_at = happened_at + interval '1 hour'",
    ],
)
def test_what_other_checks_tell_does_not_make_a_foreign_source(
    store: FrameStore, url: str, changed: Callable[[str], PostgresSource], change: str
) -> None:
    store_days(store, at(url), BEFORE, DAY)
    frames = replace(changed(change), may_be_empty=True).read_days([BEFORE, DAY]).frames
    refuse_other_clients(store, [BEFORE, DAY], frames)


def clients(*users: str) -> pd.DataFrame:
    """A day's rows: each of them asks, and pays."""
    types = [*[journey.REQUEST_CREATED] * len(users), *[journey.PURCHASE] * len(users)]
    rows = {"user_id": users * 2, "event_time": pd.Timestamp(DAY)}
    return pd.DataFrame(rows).assign(event_type=pd.Categorical(types))


def test_most_clients_of_the_newest_week_have_to_be_others(store: FrameStore) -> None:
    days = [DAY - timedelta(days=back) for back in range(14)]
    known, others = (clients(*(f"{prefix}{n}" for n in range(10))) for prefix in "ab")
    for day in days:
        store.write(names.RAW_EVENTS, day, known)
    some = clients(*(f"{'b' if n < 4 else 'a'}{n}" for n in range(10)))
    refuse_other_clients(store, days, dict.fromkeys(days, some))
    newest = dict.fromkeys(days[:7], others)
    with pytest.raises(ForeignSourceError, match="10 are gone"):
        refuse_other_clients(store, days, dict.fromkeys(days, known) | newest)


def test_a_rebuild_forgets_every_day_and_the_stamp_and_nothing_else(store: FrameStore) -> None:
    write_stamp(store, MINE)
    for name in ("raw_events/2026-11-23.parquet", "daily_report/2026-11-23.png", "notes/read me"):
        path = store.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert store.clear(STAMP) == 3
    assert [path.name for path in store.base.rglob("*") if path.is_file()] == ["read me"]
    assert store.clear(STAMP) == 0


def test_the_name_of_a_type_that_is_gone_is_remembered_until_it_is_back(
    store: FrameStore,
) -> None:
    now = {str(number): name for number, name in DICTIONARY.items()}
    renamed = now | {"10": "Заявка", "22": "Новое"}
    for dictionary, expected in ((now, now), (renamed, renamed | {"10": now["10"]}), (now, now)):
        last = own_stamp(store, MINE)
        remember(store, last, EventDictionary.of(dictionary.items()), padded_ids=None)
        assert own_stamp(store, MINE).dictionary == expected


# --- An object store ------------------------------------------------------------------------

WRITE = """
import sys
from datetime import date
from sales_assets.adapters.files.frames import FrameStore, write_bytes
write_bytes(FrameStore(sys.argv[1]).path("daily_report", date(2026, 11, 23), ".json"),
    sys.argv[2].encode())
"""


@pytest.fixture
def bucket() -> Iterator[str]:
    with object_store() as folder:
        yield folder


def test_what_another_process_writes_to_an_object_store_is_seen(bucket: str) -> None:
    store, path = FrameStore(bucket), FrameStore(bucket).path("daily_report", DAY, ".json")

    def write_elsewhere(text: str) -> None:
        command = [sys.executable, "-c", WRITE, bucket, text]
        subprocess.run(command, check=True, env=os.environ)

    assert store.days("daily_report", ".json") == set()
    write_elsewhere("first")
    assert store.days("daily_report", ".json") == {DAY}
    assert path.read_bytes() == b"first"
    write_elsewhere("second, and longer")
    assert path.read_bytes() == b"second, and longer"
    own_stamp(FrameStore(f"{bucket}/other"), MINE)
    assert read_stamp(FrameStore(f"{bucket}/other")) == MINE
    assert store.clear(STAMP) == 1
    assert store.days("daily_report", ".json") == set()
