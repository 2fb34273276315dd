"""What real sources do: open cases of keys, times, types and locks, each kind by a few."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from zoneinfo import ZoneInfo

import psycopg2
import pyarrow as pa
import pytest
from psycopg2 import sql
from psycopg2.extensions import parse_dsn

from sales_assets.adapters.source import session
from sales_assets.adapters.source.errors import PassingSourceError
from sales_assets.adapters.source.postgres import PostgresSource, SourceRead
from sales_assets.adapters.source.rows import trimmed
from sales_assets.adapters.source.session import BLANKS
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.source_findings import Finding, FindingKind
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets_tests.source_world import BEFORE, DAY, make_base

MOSCOW = ZoneInfo("Europe/Moscow")
#: Rows of BASE on its last day: 20 requests, 20 tasks, 10 answers, 7 + 4 + 4 lessons, 4 payments.
ROWS = 69


@pytest.fixture(scope="module")
def url(embedded_server: EmbeddedServer) -> str:
    return embedded_server.ensure_database("source_faults")


def at(url: str) -> PostgresSource:
    return PostgresSource(url, MOSCOW, MOSCOW)


def read(url: str, change: str = "") -> SourceRead:
    make_base(url, change)
    return at(url).read_days([DAY])


def found(read: SourceRead, last: dict[str, str] | None = None) -> list[Finding]:
    frame = read.frames[DAY]
    return list(read.findings(DAY, frame, last or {}, payers_without_events=False))


def kinds(read: SourceRead) -> set[FindingKind]:
    return {one.kind for one in found(read)}


def known_rows(read: SourceRead) -> int:
    frame = read.frames[DAY]
    return int((frame["event_type"].notna() & (frame["user_id"].fillna("") != "")).sum())


def test_base_fits(url: str) -> None:
    whole = read(url)
    assert known_rows(whole) == ROWS
    assert found(whole) == []
    assert at(url).check()[1] == []


# --- Keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments SET _user_id = _user_id || ' '",
        "UPDATE events SET _user_id = E'\\t' || _user_id",
        "UPDATE payments SET _user_id = _user_id || U&'\\00A0'",
        "UPDATE events SET _user_id = ' ' || _user_id || '  '",
        "UPDATE events SET _user_id = E'\\x0b' || _user_id WHERE happened_at < '2026-11-23'",
        """UPDATE payments SET _user_id = ' ' || _user_id
        WHERE transaction_created_at >= '2026-11-23';
        UPDATE events SET _user_id = _user_id || U&'\\2002' WHERE happened_at < '2026-11-20'""",
    ],
)
def test_blanks_around_ids_part_nobody_from_his_payment(url: str, change: str) -> None:
    make_base(url)
    expected = at(url).read_user_history([DAY])[DAY]
    padded = read(url, change)
    assert found(padded) == []
    history = at(url).read_user_history([DAY])[DAY]
    assert history.equals(expected)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments SET _user_id = _user_id || '.0'",
        "UPDATE payments SET _user_id = ltrim(_user_id, '01')",
        """UPDATE events SET _user_id = 'u' || _user_id;
        UPDATE payments SET _user_id = 'U' || _user_id""",
    ],
)
def test_payments_of_foreign_ids_mark_the_parts_and_are_bad(url: str, change: str) -> None:
    marked = [one for one in found(read(url, change)) if one.parts]
    assert [one.kind for one in marked] == [FindingKind.PAYERS_WITHOUT_EVENTS]
    (told,) = [one for one in at(url).check()[1] if one.parts]
    assert told.sample


def test_the_server_trims_the_same_signs_as_the_client() -> None:
    signs = [chr(code) for code in range(1, 0x3100)]
    left, _ = trimmed(pa.array(signs))
    assert {sign for sign, rest in zip(signs, left.to_pylist(), strict=True) if not rest} == {
        *BLANKS
    }


def test_a_blank_id_is_nobody(url: str) -> None:
    blank = read(url, "UPDATE events SET _user_id = ' ' WHERE happened_at >= '2026-11-23'")
    users = blank.frames[DAY]["user_id"]
    assert (users == "").sum() == ROWS - 4
    assert "" not in set(at(url).read_user_history([DAY])[DAY]["user_id"])


@pytest.mark.parametrize("nobody", ["NULL", "''", "' '"])
def test_a_payment_of_nobody_is_no_payer_of_a_foreign_id(url: str, nobody: str) -> None:
    of_most = "UPDATE payments SET _user_id = {} WHERE right(_user_id, 1) <> '0'"
    unowned = read(url, of_most.format(nobody))
    assert found(unowned) == []
    assert len(unowned.payers) == 8 * 7


# --- Times ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments SET transaction_created_at = date_trunc('day', transaction_created_at)",
        """ALTER TABLE payments ALTER transaction_created_at TYPE timestamptz
        USING date_trunc('day', transaction_created_at) AT TIME ZONE 'Europe/Moscow'""",
        """ALTER TABLE payments ALTER transaction_created_at TYPE timestamptz
        USING date_trunc('day', transaction_created_at) AT TIME ZONE 'UTC'""",
        """UPDATE payments SET transaction_created_at = date_trunc('day', transaction_created_at);
        DELETE FROM payments
        WHERE transaction_created_at >= '2026-11-21' AND _user_id <> '11230000'""",
        "UPDATE events SET happened_at = date_trunc('day', happened_at)",
    ],
)
def test_dates_without_hours_are_found(url: str, change: str) -> None:
    assert FindingKind.NO_HOURS in kinds(read(url, change))


@pytest.mark.parametrize(
    "odd",
    ["'4713-01-01 BC'", "'0001-01-01'", "'1970-01-01'", "'-infinity'", "'infinity'", "NULL"],
)
def test_instants_that_are_no_time_are_set_aside_and_counted(url: str, odd: str) -> None:
    insert = "INSERT INTO events VALUES ('11230000', 10, {0}::timestamp); "
    insert += "INSERT INTO payments VALUES ('11230000', {0}::timestamp)"
    odd_read = read(url, insert.format(odd))
    assert known_rows(odd_read) == ROWS
    (told,) = found(odd_read)
    assert told.kind is FindingKind.ODD_TIMES
    assert told.sample == ("events: 1 rows", "payments: 1 rows")
    history = at(url).read_user_history([DAY])[DAY]
    assert history["first_event_at"].dt.year.eq(2026).all()
    assert at(url).first_day() is not None
    assert at(url).check()[1] == [told]


def test_the_future_beyond_a_day_is_told(url: str) -> None:
    change = "INSERT INTO events VALUES ('1', 10, localtimestamp + interval '3 days')"
    assert kinds(read(url, change)) == {FindingKind.FUTURE_TIMES}


# --- Types ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        """ALTER TABLE events_dict ALTER id TYPE bigint;
        INSERT INTO events_dict VALUES (5000000000, 'Новое событие')""",
        "INSERT INTO events_dict SELECT n, 'Событие ' || n FROM generate_series(1000, 41000) n",
        """ALTER TABLE events ALTER event_id TYPE char(8);
        ALTER TABLE events_dict ALTER id TYPE varchar(8)""",
        "ALTER TABLE events ALTER event_id TYPE text",
        "ALTER TABLE events_dict ALTER id TYPE numeric(20)",
        "ALTER TABLE events ALTER _user_id TYPE char(20)",
        """DROP DOMAIN IF EXISTS b; DROP DOMAIN IF EXISTS a; CREATE DOMAIN a AS varchar;
        CREATE DOMAIN b AS a; ALTER TABLE events ALTER _user_id TYPE b""",
        """DROP DOMAIN IF EXISTS d; DROP DOMAIN IF EXISTS c; CREATE DOMAIN c AS timestamp;
        CREATE DOMAIN d AS c; ALTER TABLE events ALTER happened_at TYPE d""",
        """DROP TYPE IF EXISTS codes; CREATE TYPE codes AS ENUM ('10','11','12','13','14','15');
        ALTER TABLE events ALTER event_id TYPE codes USING event_id::text::codes""",
    ],
)
def test_ids_of_any_width_are_read(url: str, change: str) -> None:
    other = read(url, change)
    assert known_rows(other) == ROWS
    assert found(other) == []
    assert len(at(url).read_user_history([DAY])[DAY]) == 20


@pytest.mark.parametrize("encoding", ["WIN1251", "KOI8R", "ISO_8859_5"])
def test_a_database_of_another_encoding_is_read(
    embedded_server: EmbeddedServer, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    url = _database(embedded_server, encoding)
    assert known_rows(read(url)) == ROWS
    assert at(f"{url}&client_encoding={encoding}").check()[1] == []


def test_bytes_that_are_no_utf_8_are_told_with_their_column(
    embedded_server: EmbeddedServer,
) -> None:
    url = _database(embedded_server, "SQL_ASCII") + "&client_encoding=UTF8"
    change = "UPDATE events SET _user_id = E'\\xcf' WHERE happened_at >= '2026-11-23'"
    with pytest.raises(SalesAssetsError, match=r"events\._user_id or event_id holds bytes"):
        read(url, change)


def _database(server: EmbeddedServer, encoding: str) -> str:
    name = f"faults_{encoding.lower()}"
    with closing(psycopg2.connect(server.url())) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            statement = "CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0"
            cursor.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(encoding)))
    return server.url(name)


# --- Rights and locks -----------------------------------------------------------------------

HIDDEN = """
DO $$ BEGIN CREATE ROLE hidden_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO hidden_reader;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE payments ENABLE ROW LEVEL SECURITY;
"""


def test_row_security_that_hides_everything_is_no_report_of_zeros(url: str) -> None:
    make_base(url, HIDDEN)
    hidden = at(url.replace("postgres@", "hidden_reader@"))
    for look in (hidden.check, lambda: hidden.read_days([DAY])):
        with pytest.raises(SalesAssetsError, match="row security is on for events, payments"):
            look()


@pytest.mark.parametrize("table", ["events", "events_dict", "payments"])
def test_an_empty_table_is_named_and_may_be_full_later(url: str, table: str) -> None:
    make_base(url, f"TRUNCATE {table}")
    source = at(url)
    for look in (source.read_days, source.read_user_history, source.read_together):
        with pytest.raises(PassingSourceError, match=f"The source's {table} has no row"):
            look([DAY])


@pytest.fixture
def holding(url: str) -> Iterator[Callable[[str], None]]:
    with closing(psycopg2.connect(url, application_name="nightly load")) as connection:

        def hold(table: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table))
                )

        yield hold


@pytest.mark.parametrize("table", ["events", "payments", "events_dict"])
def test_a_locked_table_is_waited_for_not_for_long_and_its_holder_is_named(
    url: str, table: str, holding: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_base(url)
    short = [one.replace("15s", "300ms") for one in session.SESSION_SETTINGS]
    monkeypatch.setattr(session, "SESSION_SETTINGS", short)
    holding(table)
    for look in (at(url).check, lambda: at(url).read_days([BEFORE])):
        with pytest.raises(PassingSourceError) as raised:
            look()
        told = str(raised.value)
        assert f"table {table} is locked by process" in told
        assert "nightly load" in told


def test_a_lock_that_goes_in_time_is_no_error(url: str) -> None:
    make_base(url)
    holder = psycopg2.connect(url)
    holder.cursor().execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
    threading.Thread(target=lambda: (time.sleep(0.5), holder.close())).start()
    assert known_rows(at(url).read_days([DAY])) == ROWS


def test_a_server_that_goes_while_we_wait_for_a_lock_is_asked_again(
    url: str, holding: Callable[[str], None]
) -> None:
    make_base(url)
    holding("events")

    def end_whoever_waits() -> None:
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid <> %s"
        with closing(psycopg2.connect(url)) as other, other.cursor() as cursor:
            ended = False
            while not ended:
                cursor.execute(
                    f"SELECT pg_terminate_backend(pid) FROM ({waits}) AS waiting",  # noqa: S608
                    [other.info.backend_pid],
                )
                ended = cursor.fetchone() is not None
                other.rollback()

    ending = threading.Thread(target=end_whoever_waits)
    ending.start()
    with pytest.raises(PassingSourceError):
        at(url).read_days([BEFORE])
    ending.join()


def test_a_table_that_is_filled_anew_while_we_wait_is_read_whole(url: str) -> None:
    make_base(url)
    source = at(url)
    known = source.read_user_history([DAY])[DAY]
    for look in (
        lambda: known_rows(replace(source, may_be_empty=True).read_days([DAY])) == ROWS,
        lambda: source.read_user_history([DAY])[DAY].equals(known),
    ):
        with closing(psycopg2.connect(url)) as load, load.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM events")
            cursor.execute("TRUNCATE events")
            with ThreadPoolExecutor(1) as reading:
                is_whole = reading.submit(look)
                time.sleep(0.5)
                cursor.execute("INSERT INTO events SELECT * FROM kept")
                load.commit()
                assert is_whole.result()


def test_the_right_to_read_the_columns_alone_will_do(url: str) -> None:
    rights = (
        "GRANT SELECT (_user_id, event_id, happened_at) ON events TO hidden_reader;"
        "GRANT SELECT ON events_dict, payments TO hidden_reader"
    )
    make_base(url, f"{HIDDEN.splitlines()[1]}{rights}")
    source = at(url.replace("postgres@", "hidden_reader@"))
    assert known_rows(source.read_days([DAY])) == ROWS


def test_a_server_that_cannot_tell_its_identifier_is_known_by_its_address(url: str) -> None:
    failing = """
        CREATE OR REPLACE FUNCTION public.pg_control_system() RETURNS TABLE (system_identifier int8)
        LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not open file "global/pg_control"'; END $$
    """
    make_base(url, failing)
    identity = at(f"{url}&options=-csearch_path=public,pg_catalog").stamp().source
    assert identity.system is None
    assert identity.address


def test_an_address_of_sqlalchemy_is_read(url: str) -> None:
    make_base(url)
    assert at(f" {url.replace('postgresql://', 'postgresql+psycopg2://')}\n").check()[1] == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u@h/d?options=-csearch_path=sales", {"options": "-csearch_path=sales"}),
        ("postgresql://u@h/d?options=-csearch_path%3Dsales", {"options": "-csearch_path=sales"}),
        ("postgres://u:p?w@h/d?sslmode=require", {"password": "p?w", "sslmode": "require"}),
        ("postgresql+psycopg2://u:p%40w@h/d", {"password": "p@w", "dbname": "d", "host": "h"}),
        ("postgresql://h/d?options=-cx=a@b", {"options": "-cx=a@b", "host": "h"}),
        (
            "postgresql://u@/d?host=/run/pg&connect_timeout=3",
            {"host": "/run/pg", "connect_timeout": "3"},
        ),
    ],
)
def test_an_address_is_taken_as_it_is_meant(url: str, expected: dict[str, str]) -> None:
    told = parse_dsn(session.connection_string(url))
    assert told["client_encoding"] == "UTF8"
    assert expected.items() <= told.items()
