import os
import signal
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest

from sales_assets.adapters.source.errors import explained
from sales_assets.adapters.source.postgres import FIRST_EVENTS, PostgresSource
from sales_assets.adapters.source.rows import EVENTS_IN_SPANS, Dictionary, RowReader, bind_kinds
from sales_assets.adapters.source.session import open_session
from sales_assets.core import journey
from sales_assets.core.days import ReportDays
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.journey import EVENT_TYPES
from sales_assets.core.source_findings import FindingKind
from sales_assets.demo import embedded_postgres
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets.demo.journeys import DemoPlan
from sales_assets.demo.source import load_demo_source
from sales_assets_tests.sources import execute, fill, query

MOSCOW = ZoneInfo("Europe/Moscow")
NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2022, 1, 30)
PLAN = DemoPlan(date(2026, 1, 1), date(2026, 3, 1), 30)
PLAN_DAYS = [PLAN.first_day + timedelta(days=n) for n in range(59)]

Make = Callable[..., str]


def moscow(url: str) -> PostgresSource:
    return PostgresSource(url, MOSCOW, MOSCOW)


def days_after(day: date, *numbers: int) -> list[date]:
    return [day + timedelta(days=number) for number in numbers]


def times(frame: pd.DataFrame) -> list[str]:
    return [str(time) for time in frame["event_time"]]


# --- Days ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo_url(source_database: Make) -> str:
    return source_database(PLAN)


def test_a_day_holds_both_its_borders_rows_and_no_others(source_database: Make) -> None:
    url = source_database()
    events = [
        ("before", journey.FIRST_LINE_TASK, "2022-01-29 23:59:59.999999"),
        ("first", journey.FIRST_LINE_TASK, "2022-01-30 00:00:00"),
        ("last", journey.FIRST_LINE_ANSWERED, "2022-01-30 23:59:59.999999"),
        ("after", journey.FIRST_LINE_ANSWERED, "2022-01-31 00:00:00"),
    ]
    fill(url, events, [("payer", "2022-01-30 00:00:00"), ("after", "2022-01-31 00:00:00")])
    frame = moscow(url).read_days([DAY]).frames[DAY]
    assert list(frame["user_id"]) == ["first", "payer", "last"]
    assert list(frame["event_type"]) == [
        journey.FIRST_LINE_TASK,
        journey.PURCHASE,
        journey.FIRST_LINE_ANSWERED,
    ]
    assert times(frame)[0] == "2022-01-30 00:00:00"


def test_bad_rows_are_read_as_they_are(source_database: Make) -> None:
    url = source_database()
    noon = "2022-01-30 12:00:00"
    fill(
        url,
        [
            ("a", 9001, noon),
            (None, journey.FIRST_LINE_TASK, noon),
            ("a", None, noon),
            ("b", 9001, noon),
        ]
        + [("a", journey.FIRST_LINE_TASK, noon)] * 2
        + [("a", journey.FIRST_LINE_TASK, None)],
        [("a", None), (None, noon)],
    )
    read = moscow(url).read_days([DAY])
    frame = read.frames[DAY]
    assert frame["user_id"].fillna("none").tolist() == ["a", "a", "a", "a", "b", "none", "none"]
    assert frame["event_type"].isna().tolist() == [False, False, True, True, True, False, False]
    assert read.unknown_ids == {DAY: {"9001": 2, "NULL": 1}}
    assert sum(read.odd_rows.values()) == 2


def test_frames_have_the_promised_types_on_full_and_on_empty_days(source_database: Make) -> None:
    url = source_database()
    fill(url, [("a", journey.FIRST_LINE_TASK, "2022-01-30 12:00:00")])
    frames = moscow(url).read_days(days_after(DAY, 0, 1)).frames
    for frame, rows in zip(frames.values(), (1, 0), strict=True):
        assert len(frame) == rows
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
            "user_id": "str",
            "event_time": "datetime64[us]",
            "event_type": "category",
        }
        assert tuple(frame["event_type"].cat.categories[: len(EVENT_TYPES)]) == EVENT_TYPES


def test_a_day_is_the_same_alone_in_a_range_and_among_scattered_days(demo_url: str) -> None:
    source = moscow(demo_url)
    whole = source.read_days(PLAN_DAYS)
    chosen = [PLAN_DAYS[n] for n in (41, 3, 4, 20, 3)]
    scattered = source.read_days(chosen)
    assert list(scattered.frames) == sorted(set(chosen))
    for day in scattered.frames:
        alone = source.read_days([day])
        pd.testing.assert_frame_equal(alone.frames[day], whole.frames[day])
        pd.testing.assert_frame_equal(scattered.frames[day], whole.frames[day])
        assert scattered.unknown_ids[day] == alone.unknown_ids[day] == whole.unknown_ids[day]


def test_all_days_together_are_exactly_the_table(demo_url: str) -> None:
    frames = moscow(demo_url).read_days(PLAN_DAYS).frames
    [(events,)] = query(demo_url, "SELECT count(*) FROM events WHERE happened_at IS NOT NULL")
    statement = "SELECT count(*) FROM payments WHERE transaction_created_at IS NOT NULL"
    [(payments,)] = query(demo_url, statement)
    assert sum(map(len, frames.values())) == events + payments
    assert all((frame["event_time"].dt.date == day).all() for day, frame in frames.items())


def test_a_frame_is_sorted_by_time_user_and_type(demo_url: str) -> None:
    for frame in moscow(demo_url).read_days(PLAN_DAYS[30:33]).frames.values():
        plain = frame.assign(event_type=frame["event_type"].cat.codes.astype("uint8"))
        ordered = plain.sort_values(["event_time", "user_id", "event_type"], ignore_index=True)
        pd.testing.assert_frame_equal(plain, ordered)


def test_no_days_are_no_frames(source_database: Make) -> None:
    source = moscow(source_database())
    assert dict(source.read_days([]).frames) == {}
    assert dict(source.read_user_history([])) == {}


def test_user_ids_come_as_they_are_written_without_the_blanks_around_them(
    source_database: Make,
) -> None:
    url = source_database()
    users = ["007", "7", "Ёж 🦔", "x" * 5000, "", " 7", "1e3", "null"]
    fill(url, [(user, journey.FIRST_LINE_TASK, "2022-01-30 12:00:00") for user in users])
    source = moscow(url)
    without_blanks = [user.strip() for user in users]
    assert list(source.read_days([DAY]).frames[DAY]["user_id"]) == sorted(without_blanks)
    named = sorted(set(without_blanks) - {""})
    assert list(source.read_user_history([DAY])[DAY]["user_id"]) == named


# --- Clocks --------------------------------------------------------------------------------


def test_the_sources_clock_is_another_than_the_reports(source_database: Make) -> None:
    url = source_database()
    fill(
        url,
        [
            ("before", journey.FIRST_LINE_TASK, "2022-01-29 20:59:59"),
            ("first", journey.FIRST_LINE_TASK, "2022-01-29 21:00:00"),
            ("last", journey.FIRST_LINE_TASK, "2022-01-30 20:59:59"),
        ],
    )
    frame = PostgresSource(url, ZoneInfo("UTC"), MOSCOW).read_days([DAY]).frames[DAY]
    assert list(frame["user_id"]) == ["first", "last"]
    assert times(frame) == ["2022-01-30 00:00:00", "2022-01-30 23:59:59"]


@pytest.mark.parametrize("changed", [date(2026, 3, 8), date(2026, 11, 1)])
def test_days_of_23_and_25_hours_lose_and_repeat_nothing(
    source_database: Make, changed: date
) -> None:
    url = source_database()
    readings = pd.date_range(changed - timedelta(days=2), periods=4 * 96, freq="15min")
    fill(url, [("a", journey.FIRST_LINE_TASK, str(reading)) for reading in readings])
    for zone in (MOSCOW, NEW_YORK):
        days = days_after(changed, -3, -2, -1, 0, 1, 2, 3)
        frames = PostgresSource(url, NEW_YORK, zone).read_days(days).frames
        assert sum(map(len, frames.values())) == len(readings)
        assert all((frame["event_time"].dt.date == day).all() for day, frame in frames.items())


def test_the_repeated_hour_of_a_source_in_utc_keeps_its_fold(source_database: Make) -> None:
    url = source_database()
    instants = ["2026-11-01 05:30:00", "2026-11-01 06:30:00"]
    fill(url, [("a", journey.FIRST_LINE_TASK, instant) for instant in instants])
    frame = PostgresSource(url, ZoneInfo("UTC"), NEW_YORK).read_days([date(2026, 11, 1)]).frames
    assert frame[date(2026, 11, 1)]["event_time_fold"].tolist() == [0, 1]


def test_columns_of_other_types_are_read_alike(source_database: Make) -> None:
    plain, other = source_database(), source_database()
    execute(
        other,
        """
        ALTER TABLE events ALTER _user_id TYPE varchar(20), ALTER event_id TYPE varchar(5),
            ALTER happened_at TYPE timestamptz USING happened_at AT TIME ZONE 'Europe/Moscow';
        ALTER TABLE events_dict ALTER id TYPE text;
        ALTER TABLE payments ALTER _user_id TYPE bigint USING _user_id::bigint,
            ALTER transaction_created_at TYPE timestamptz
            USING transaction_created_at AT TIME ZONE 'Europe/Moscow';
        """,
    )
    for url, zone in ((plain, ""), (other, "+03")):
        noon = f"2022-01-30 12:00:00{zone}"
        fill(
            url,
            [
                ("12", journey.FIRST_LINE_TASK, noon),
                ("13", journey.WHATSAPP_SENT, f"2022-01-29 00:00{zone}"),
            ],
            [("12", f"2022-01-30 23:59:59{zone}"), ("13", noon)],
        )
    expected, found = moscow(plain), moscow(other)
    frames = expected.read_days([DAY]).frames, found.read_days([DAY]).frames
    pd.testing.assert_frame_equal(frames[0][DAY], frames[1][DAY])
    histories = expected.read_user_history([DAY]), found.read_user_history([DAY])
    pd.testing.assert_frame_equal(histories[0][DAY], histories[1][DAY])
    assert expected.first_day() == found.first_day() == date(2000, 1, 1)


# --- History -------------------------------------------------------------------------------


def history_by_hand(frames: Mapping[date, pd.DataFrame], day: date) -> pd.DataFrame:
    """Compute the history of a day's users from all days up to it, the slow and plain way."""
    known = pd.concat([frame for each, frame in frames.items() if each <= day]).dropna()
    active = frames[day].dropna()["user_id"].unique()
    known = known[known["user_id"].isin(active)]
    is_experiment = known["event_type"].isin(EVENT_TYPES[-4:])
    is_payment = known["event_type"] == journey.PURCHASE
    facts = {
        "first_event_at": known.groupby("user_id")["event_time"].min(),
        "first_experiment_at": known[is_experiment].groupby("user_id")["event_time"].min(),
        "first_payment_at": known[is_payment].groupby("user_id")["event_time"].min(),
    }
    return pd.DataFrame(facts).sort_index().rename_axis("user_id").reset_index()


@pytest.mark.parametrize("positions", [[58], [30, 31, 32], [5, 6, 40, 58], list(range(59))])
def test_the_history_is_what_the_whole_past_says(demo_url: str, positions: list[int]) -> None:
    source = moscow(demo_url)
    frames = source.read_days(PLAN_DAYS).frames
    histories = source.read_user_history([PLAN_DAYS[position] for position in positions])
    assert list(histories) == [PLAN_DAYS[position] for position in positions]
    for day in list(histories)[:: max(1, len(positions) // 6)]:
        pd.testing.assert_frame_equal(histories[day], history_by_hand(frames, day))


def test_the_history_is_right_without_indexes(embedded_server: EmbeddedServer) -> None:
    url = embedded_server.ensure_database("bare")
    load_demo_source(url, PLAN, indexes=False)
    source = moscow(url)
    day = PLAN_DAYS[45]
    expected = history_by_hand(source.read_days(PLAN_DAYS).frames, day)
    pd.testing.assert_frame_equal(source.read_user_history([day])[day], expected)


def test_history_knows_nothing_after_the_cut_off(source_database: Make) -> None:
    url = source_database()
    fill(
        url,
        [
            ("a", journey.FIRST_LINE_TASK, "2022-01-30 12:00:00"),
            ("a", journey.FIRST_LINE_TASK, "2021-01-01 00:00:00"),
            ("a", journey.WHATSAPP_SENT, "2022-01-31 00:00:00"),
            ("a", 9001, "2020-01-01 00:00:00"),
            ("a", journey.WHATSAPP_SENT, "-infinity"),
            ("b", journey.DEMO_LESSON_STARTED, "2022-01-30 23:59:59"),
            ("unknown only", 9001, "2022-01-30 12:00:00"),
            (None, journey.FIRST_LINE_TASK, "2022-01-30 12:00:00"),
        ],
        [("a", "2022-01-31 00:00:00"), ("b", "2020-05-05 05:05:05"), ("c", "2022-01-30 01:00:00")],
    )
    history = moscow(url).read_user_history(days_after(DAY, 0, 1))
    assert history[DAY].astype("str").fillna("-").to_numpy().tolist() == [
        ["a", "2021-01-01 00:00:00", "-", "-"],
        ["b", "2020-05-05 05:05:05", "2022-01-30 23:59:59", "2020-05-05 05:05:05"],
        ["c", "2022-01-30 01:00:00", "-", "2022-01-30 01:00:00"],
    ]
    assert history[DAY + timedelta(days=1)].astype("str").to_numpy().tolist() == [
        ["a", "2021-01-01", "2022-01-31", "2022-01-31"]
    ]


def test_the_history_of_an_empty_day_has_its_columns(source_database: Make) -> None:
    frame = moscow(source_database()).read_user_history([DAY])[DAY]
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "user_id": "str",
        "first_event_at": "datetime64[us]",
        "first_experiment_at": "datetime64[us]",
        "first_payment_at": "datetime64[us]",
    }
    assert frame.empty


def test_the_first_day_is_the_reports_and_of_either_table(source_database: Make) -> None:
    url = source_database()
    execute(url, "TRUNCATE events, payments")
    assert moscow(url).first_day() is None
    fill(url, [("a", 9001, "2022-01-29 22:00:00"), ("a", 9001, "-infinity"), ("a", 9001, None)])
    assert moscow(url).first_day() == date(2022, 1, 29)
    assert PostgresSource(url, ZoneInfo("UTC"), MOSCOW).first_day() == date(2022, 1, 30)
    fill(url, payments=[("a", "2021-12-31 23:00:00")])
    assert moscow(url).first_day() == date(2021, 12, 31)


# --- What the server does --------------------------------------------------------------------


def plan_of(url: str, statement: str, days: list[date]) -> str:
    with open_session(url) as session:
        asked = ReportDays.of(days, MOSCOW)
        reader = RowReader(session, asked, MOSCOW, Dictionary.read(session))
        users = reader.rows().users
        bind_kinds(reader)
        session.set_texts("users", users)
        # COPY can't explain.
        session.cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
        return "\n".join(session.frame(f"EXPLAIN {statement}").iloc[:, 0])


def test_one_day_is_found_by_the_index_on_the_time(demo_url: str) -> None:
    plan = plan_of(demo_url, EVENTS_IN_SPANS, PLAN_DAYS[40:41])
    assert "events_happened_at_idx" in plan
    assert "Seq Scan on events" not in plan


def test_one_days_clients_are_found_by_the_index_on_the_user(source_database: Make) -> None:
    url = source_database(PLAN)
    execute(
        url,
        "INSERT INTO events SELECT _user_id || '-' || copy, event_id, "
        "happened_at - interval '60 days', loaded_at FROM events, generate_series(1, 20) AS copy",
    )
    execute(url, "ANALYZE events")
    plan = plan_of(url, FIRST_EVENTS, PLAN_DAYS[58:59])
    assert "events__user_id_idx" in plan
    assert "Seq Scan on events " not in plan


def test_a_server_that_goes_through_lists_gives_the_same_histories(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = PLAN_DAYS[30:33]
    hashed = moscow(demo_url).read_user_history(days)
    monkeypatch.setattr("sales_assets.adapters.source.rows.HASHED_LISTS", 1000)
    looked_up = moscow(demo_url).read_user_history(days)
    for day in days:
        pd.testing.assert_frame_equal(looked_up[day], hashed[day])


def test_the_payers_of_the_examined_days_alone_are_read(demo_url: str) -> None:
    newest = PLAN_DAYS[58]
    read = moscow(demo_url).read_days(PLAN_DAYS[56:], examined=[newest])
    alone = moscow(demo_url).read_days([newest])
    key = ["user_id", "paid_at"]
    pd.testing.assert_frame_equal(
        read.payers.sort_values(key, ignore_index=True),
        alone.payers.sort_values(key, ignore_index=True),
    )
    assert moscow(demo_url).read_days(PLAN_DAYS[56:], examined=[]).payers.empty


def test_the_session_cannot_write_and_sees_one_snapshot(source_database: Make) -> None:
    url = source_database()
    with open_session(url) as session:
        count = "SELECT count(*) AS rows FROM events"
        assert session.frame(count)["rows"].iloc[0] == 1
        fill(url, [("a", journey.FIRST_LINE_TASK, "2022-01-30 12:00:00")])
        assert session.frame(count)["rows"].iloc[0] == 1
        with pytest.raises(Exception, match="read-only transaction"):
            session.cursor.execute("CREATE TABLE written ()")


@pytest.mark.parametrize("reads_backslashes", ["on", "off"])
@pytest.mark.parametrize("value", ["it's", r"C:\new 'x'", "a $b ''; --", " \t\r\n"])
def test_a_parameter_reaches_the_server_as_it_is(
    source_database: Make, value: str, reads_backslashes: str
) -> None:
    option = f"options=-cstandard_conforming_strings%3D{reads_backslashes}"
    with open_session(f"{source_database()}&{option}") as session:
        session.set_parameter("value", value)
        given = [value, 'a "{quoted}, one"', "", "NULL"]
        session.set_texts("values", pa.array(given, pa.large_string()))
        assert session.frame("SELECT $value::text AS value")["value"].tolist() == [value]
        texts = session.frame("SELECT unnest($values) AS value")["value"].tolist()
        assert texts == given
        session.set_texts("values", pa.array([], pa.large_string()))
        assert session.frame("SELECT unnest($values) AS value")["value"].tolist() == []


# --- Errors ----------------------------------------------------------------------------------


def failure(url: str, days: Sequence[date] = (DAY,)) -> str:
    with pytest.raises(SalesAssetsError) as caught:
        moscow(url).read_days(days)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://u:secret@127.0.0.1:1/db", r"Connection refused.*Start the server"),
        ("postgresql://u:secret@/db?host=/nowhere", r"No such file.*socket's folder"),
        ("postgresql://u:secret@no.invalid/db", r"translate host name.*Correct the host"),
        ("postgresql://u:sec%ret@h/db", r"Special signs of the password"),
        ("postgresql://u:secret@h/db?wrong=1", r"should look like postgresql://"),
        ("nonsense", r"should look like postgresql://"),
    ],
)
def test_a_server_that_is_not_there_is_named_without_the_password(url: str, sentence: str) -> None:
    told = failure(url)
    assert "secret" not in told.replace("***", "")
    assert pd.Series([told]).str.contains(sentence).all(), told


def test_a_missing_database_is_named(embedded_server: EmbeddedServer) -> None:
    assert 'database "absent" does not exist' in failure(embedded_server.url("absent"))


def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path) -> None:
    with embedded_postgres.start(tmp_path) as server:
        execute(server.url(), "CREATE USER clerk PASSWORD 'right'")
    access = tmp_path / "data" / "pg_hba.conf"
    access.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    with embedded_postgres.start(tmp_path) as server:
        told = failure(server.url().replace("postgres@", "clerk:wr0ng@"))
    assert 'password authentication failed for user "clerk"' in told
    assert "Correct the user and the password" in told
    assert "wr0ng" not in told


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("DROP TABLE payments", "no table 'payments'"),
        ("ALTER TABLE events RENAME happened_at TO at", "'events' has no column 'happened_at'"),
        (
            "ALTER TABLE events ALTER happened_at TYPE text",
            "events.happened_at has the type 'text'",
        ),
        ("INSERT INTO events_dict VALUES (10, 'Other')", "the event id 10 as 'Other' and as"),
    ],
)
def test_a_source_of_another_shape_is_explained(
    source_database: Make, change: str, sentence: str
) -> None:
    url = source_database()
    execute(url, change)
    assert sentence in failure(url)
    with pytest.raises(SalesAssetsError):
        moscow(url).check()


def test_a_user_without_rights_is_told_which(source_database: Make) -> None:
    url = source_database()
    execute(url, "CREATE USER stranger")
    assert "needs the right to SELECT" in failure(url.replace("postgres@", "stranger@"))


def slow_down(url: str, table: str, time_column: str) -> None:
    """Put a view in the table's position that takes half a second for each row."""
    extra = ", event_id" if table == "events" else ""
    execute(url, f"ALTER TABLE {table} RENAME TO quick")
    execute(
        url,
        f"CREATE VIEW {table} AS SELECT _user_id{extra}, {time_column} FROM quick "  # noqa: S608 - our own words
        "WHERE pg_sleep(0.5) IS NOT NULL",
    )


def test_a_cancelled_query_is_told(source_database: Make) -> None:
    url = source_database()
    [(database,)] = query(url, "SELECT current_database()")
    fill(url, [("a", journey.FIRST_LINE_TASK, "2022-01-30 12:00:00")])
    slow_down(url, "events", "happened_at")
    execute(url, f"ALTER DATABASE {database} SET statement_timeout = 200")
    assert "cancelled the query: raise statement_timeout" in failure(url)


def test_a_server_that_goes_away_while_it_is_read_is_told(
    source_database: Make, embedded_server: EmbeddedServer
) -> None:
    url = source_database(PLAN)
    [(database,)] = query(url, "SELECT current_database()")
    slow_down(url, "payments", "transaction_created_at")
    ending = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # noqa: S608 - our own words
        f"WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    )
    killer = threading.Timer(1.0, query, (embedded_server.url(), ending))
    killer.start()
    with pytest.raises(SalesAssetsError, match=r"server was stopped while it was read") as caught:
        moscow(url).read_days(PLAN_DAYS)
    killer.join()
    assert "Reading the events of days failed" in str(caught.value)


def test_an_error_shows_no_client_that_its_query_names(
    source_database: Make, embedded_server: EmbeddedServer
) -> None:
    url, client = source_database(), "client-777"
    [(database,)] = query(url, "SELECT current_database()")
    ending = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "  # noqa: S608 - our own words
        f"WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    )

    def ask() -> None:
        with explained(url, "asking"), open_session(url) as session:
            session.set_texts("users", pa.array([client], pa.large_string()))
            query(embedded_server.url(), ending)
            # The driver's own error ends with the query.
            list(session.batches("SELECT FROM events WHERE _user_id = ANY ($users)", "a text"))

    with pytest.raises(SalesAssetsError, match="Asking failed") as caught:
        ask()
    assert client not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_is_killed_while_it_is_read_is_told(tmp_path: Path) -> None:
    with embedded_postgres.start(tmp_path) as server:
        url = server.ensure_database("demo")
        load_demo_source(url, PLAN)
        slow_down(url, "payments", "transaction_created_at")
        pid = int((tmp_path / "data" / "postmaster.pid").read_text().split()[0])
        backends = "SELECT pid FROM pg_stat_activity WHERE datname = 'demo'"

        def kill_all() -> None:
            for (backend,) in query(server.url(), backends):
                os.kill(backend, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)

        killer = threading.Timer(1.0, kill_all)
        killer.start()
        told = failure(url, PLAN_DAYS)
        killer.join()
    assert "Reading the events of days failed" in told
    assert "run this again" in told


def test_the_check_says_what_was_found(demo_url: str) -> None:
    told, found = moscow(demo_url).check()
    assert "16 event types" in told
    assert "first day is 2026-01-01" in told
    assert {one.kind for one in found} == {FindingKind.ODD_TIMES}


def test_a_type_that_the_dictionary_lacks_is_reported(source_database: Make) -> None:
    url = source_database()
    execute(
        url, "DELETE FROM events_dict WHERE _description = %s", [(journey.SECOND_LINE_REACHED,)]
    )
    assert moscow(url).read_days([DAY]).dictionary.missing_types == (journey.SECOND_LINE_REACHED,)
    _, (found,) = moscow(url).check()
    assert f"names no event '{journey.SECOND_LINE_REACHED}'" in found.sentence
    assert found.parts == ("open_requests", "second_line")
