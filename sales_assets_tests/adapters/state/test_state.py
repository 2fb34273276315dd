"""The state database: the same tables everywhere, opened by several processes at once."""

import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from sales_assets.adapters.delivery.dispatcher import Dispatcher
from sales_assets.adapters.outbox import Outbox
from sales_assets.adapters.state import database as state_module
from sales_assets.adapters.state.database import (
    Base,
    BotOffset,
    StateDatabase,
    StateError,
    StateLockedError,
    migration_config,
    open_state,
)
from sales_assets.adapters.state.ledger import Ledger, send_again
from sales_assets.core.delivery.alerts import read_notice
from sales_assets.core.delivery.plan import owed
from sales_assets.core.delivery.rows import (
    NEW,
    OUTBOX_CHAT,
    Answer,
    Delivery,
    MessageKind,
    Outcome,
    Place,
    Reader,
    RowState,
)
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets_tests.adapters.delivery.delivery_world import (
    CORRECTED,
    DAY,
    MORNING,
    REPORT,
    TIMETABLE,
    Clock,
    subscribe,
    subscriptions,
)
from sales_assets_tests.sources import drop_database

_databases = itertools.count()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'folder' / 'state.db'}"
        return
    server: EmbeddedServer = request.getfixturevalue("embedded_server")
    name = f"state_{next(_databases)}"
    yield server.ensure_database(name)
    drop_database(server, name)


def plan(ledger: Ledger, readers: Sequence[Reader] | None = None) -> None:
    """Write down that the readers are owed the day's report."""
    who = ledger.readers() if readers is None else readers
    tasks = owed(DAY, (), who, (), MORNING, sha256="a" * 64, is_news=True)
    ledger.keep(tasks, MORNING)


@pytest.fixture
def state(url: str) -> Iterator[StateDatabase]:
    opened = open_state(url)
    yield opened
    opened.close()


def test_the_models_are_what_the_migrations_build(state: StateDatabase) -> None:
    with state.reading() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_revision_is_the_one_that_the_code_expects() -> None:
    heads = ScriptDirectory.from_config(migration_config()).get_heads()
    assert heads == [state_module.NEWEST_REVISION]


def test_several_processes_open_a_new_state_at_once(url: str) -> None:
    program = (
        "import sys; from sales_assets.adapters.state.database import open_state; "
        "open_state(sys.argv[1])"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    ends = [(one.communicate()[1].decode(), one.returncode) for one in running]
    assert ends == [("", 0)] * 3


def test_opening_a_second_time_keeps_what_is_there(url: str, state: StateDatabase) -> None:
    subscribe(state, 5)
    with closing(open_state(url)) as again:
        assert subscriptions(again)[5] == ("active", None)


def test_instants_come_back_aware_and_in_utc(state: StateDatabase) -> None:
    moment = MORNING.astimezone(TIMETABLE.zone)
    with state.writing() as session:
        session.add(BotOffset(bot_id=7_000_000_001, next_update_id=1, updated_at=moment))
    with state.reading() as session:
        found = session.get_one(BotOffset, 7_000_000_001).updated_at
    assert (found, found.tzinfo) == (moment, UTC)


def test_an_instant_without_a_zone_is_refused(state: StateDatabase) -> None:
    naive = datetime(2026, 2, 13)
    with pytest.raises(StatementError, match="no time zone"), state.writing() as session:
        session.add(BotOffset(bot_id=1, next_update_id=1, updated_at=naive))


def test_a_chat_subscribes_once(state: StateDatabase) -> None:
    subscribe(state, 5)
    with pytest.raises(StateError):
        subscribe(state, 5)


def test_a_state_that_no_rule_knows_is_refused(state: StateDatabase) -> None:
    subscribe(state, 5)
    change = text("update subscriptions set state = 'x'")
    with pytest.raises(StateError), state.writing() as session:
        session.execute(change)


def test_a_report_and_its_correction_go_through_the_ledger(
    state: StateDatabase, tmp_path: Path
) -> None:
    clock = Clock()
    ledger = Ledger(state, is_outbox=True)
    dispatcher = Dispatcher(ledger, Outbox(tmp_path), TIMETABLE, clock, (), clock.sleep)
    assert dispatcher.deliver(REPORT).is_complete
    assert dispatcher.deliver(CORRECTED).is_complete
    assert {row.kind for row in ledger.rows(DAY)} == {"report", "edit", "change"}
    content = ledger.content(DAY, REPORT.content_sha256)
    assert content is not None
    assert dict(content.numbers) == REPORT.numbers


def test_a_row_is_claimed_by_one_alone(state: StateDatabase) -> None:
    ledger = Ledger(state)
    subscribe(state, 5)
    plan(ledger)
    [row] = ledger.rows(DAY)
    claims = [ledger.claim(row, owner, MORNING) for owner in ("a", "b")]
    assert [claim is not None for claim in claims] == [True, False]


def test_a_row_that_somebody_claimed_since_is_neither_dropped_nor_given_up(
    state: StateDatabase,
) -> None:
    subscribe(state, 5)
    ledger = Ledger(state)
    plan(ledger)
    [seen] = ledger.rows(DAY)
    claim = ledger.claim(seen, "me", MORNING)
    ledger.drop(seen)
    ledger.give_up(seen, Outcome.CHAT_NOT_FOUND, MORNING)
    assert ledger.rows(DAY) == [claim]
    assert subscriptions(state)[5] == ("active", None)
    assert claim is not None
    ledger.drop(claim)
    assert ledger.rows(DAY) == []


def test_a_pause_keeps_back_what_waits_of_its_day_and_chat_and_is_never_shortened(
    state: StateDatabase,
) -> None:
    subscribe(state, 5, 6)
    ledger = Ledger(state)
    plan(ledger)
    tomorrow = DAY + timedelta(days=1)
    ledger.keep(
        owed(tomorrow, (), ledger.readers(), (), MORNING, sha256="b" * 64, is_news=True), MORNING
    )
    soon, later = MORNING + timedelta(minutes=1), MORNING + timedelta(hours=1)

    def waits() -> list[datetime | None]:
        return [row.not_before for day in (DAY, tomorrow) for row in ledger.rows(day)]

    ledger.postpone(later, MORNING, day=DAY, chat=5)
    assert waits() == [later, None, None, None]
    ledger.postpone(soon, MORNING, day=DAY, chat=None)
    assert waits() == [later, soon, None, None]


def test_what_a_writer_read_is_still_so_when_it_writes(state: StateDatabase) -> None:
    ledger = Ledger(state)
    subscribe(state, *range(1, 40))
    readers = ledger.readers()

    def plan_one_after_another(_number: int) -> None:
        for at in range(0, len(readers), 4):
            plan(ledger, readers[: at + 4])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(plan_one_after_another, range(4)))
    assert len(ledger.rows(DAY)) == len(readers)


def test_a_writer_that_waits_too_long_says_that_the_state_is_locked(url: str) -> None:
    with (
        closing(open_state(url)) as state,
        closing(open_state(url, busy_seconds=0.1)) as other,
        state.writing(),
        pytest.raises(StateLockedError, match="locked by another process"),
        other.writing(),
    ):
        pass


def test_a_value_that_cannot_be_stored_is_no_fault_of_the_database(url: str) -> None:
    with closing(open_state(url)) as state, pytest.raises((ValueError, OverflowError)):
        subscribe(state, 2**70)


@pytest.mark.parametrize("stays", [-5, -100])
def test_a_chat_that_moves_to_its_own_id_keeps_all(state: StateDatabase, stays: int) -> None:
    ledger = Ledger(state)
    subscribe(state, -5, -100)
    plan(ledger)
    ledger.migrate(stays, stays, MORNING, day=DAY)
    assert len(ledger.rows(DAY)) == len(subscriptions(state)) == 2


def test_a_chat_that_moves_takes_its_rows_along_and_merges_with_those_there(
    state: StateDatabase,
) -> None:
    ledger = Ledger(state)
    subscribe(state, -5, -100)
    plan(ledger)
    claim = ledger.claim(ledger.rows(DAY)[0], "a", MORNING)
    assert claim is not None
    ledger.finish(claim, Answer(Outcome.SENT, message_id=3), MORNING)

    for _ in range(2):
        ledger.migrate(-5, -100, MORNING, day=DAY)

    [row] = ledger.rows(DAY)
    assert (row.chat, row.state, row.message_id) == (-100, "sent", 3)
    assert list(subscriptions(state)) == [-100]


def test_of_two_rows_that_become_one_the_one_that_is_further_on_stays(
    state: StateDatabase,
) -> None:
    further = [RowState.PLANNED, RowState.FAILED, RowState.UNKNOWN, RowState.SENDING, RowState.SENT]
    ledger, row = Ledger(state), Delivery(NEW, DAY, MessageKind.REPORT, 0)
    for number, pair in enumerate(itertools.permutations(further, 2), 1):
        old, new = -number, -100 - number
        places = zip((old, new), pair, strict=True)
        ledger.keep([replace(row, chat=chat, state=one) for chat, one in places], MORNING)
        ledger.migrate(old, new, MORNING, day=DAY)
        [stays] = [one for one in ledger.rows(DAY) if one.chat in (old, new)]
        assert (stays.chat, stays.state) == (new, max(pair, key=further.index)), pair


def test_a_button_sends_again_what_its_own_alert_told_and_nothing_else(
    state: StateDatabase,
) -> None:
    ledger, chats = Ledger(state), range(1, 13)
    subscribe(state, *chats)
    row = Delivery(NEW, DAY, MessageKind.REPORT, 0, state=RowState.FAILED, owner="a", claims=2)
    kept = ledger.keep([replace(row, chat=chat) for chat in chats], MORNING)
    mine, with_mine, claimed_since, *_, tenth, other, _ = kept
    assert str(tenth.id).startswith(str(mine.id))
    for first, *rest in ((mine, with_mine, replace(claimed_since, claims=1)), (tenth, other)):
        about = [[one.id, one.claims] for one in (first, *rest)]
        notice = {"html": "", "buttons": [], "about": about}
        alert = Delivery(NEW, DAY, MessageKind.ALERT, 99, subject=f"rows:{first.id}:2")
        ledger.keep([replace(alert, notice=notice)], MORNING)
    with state.writing() as session:
        send_again(session, mine.id, MORNING)
    again = [one.id for one in ledger.rows(DAY) if one.by_hand]
    assert again == [mine.id, with_mine.id]


def test_each_day_that_was_missed_is_told_with_its_own_number_of_chats(
    state: StateDatabase,
) -> None:
    ledger, before = Ledger(state), DAY - timedelta(days=1)
    subscribe(state, 5, 6)
    row = Delivery(NEW, DAY, MessageKind.REPORT, 5)
    late = replace(row, kind=MessageKind.LATE)
    ledger.keep([row, replace(row, chat=6), late, replace(row, report_day=before)], MORNING)
    newest = DAY + timedelta(days=1)
    ledger.settle_missed(newest, MORNING, [Reader(Place(99))])
    told = [read_notice(one.subject, one.notice or {}).html for one in ledger.rows(newest)]
    assert ["1\xa0чат без" in told[0], "2\xa0чата без" in told[1], len(told)] == [True, True, 2]


def test_what_goes_to_the_outbox_is_nothing_to_the_chats(state: StateDatabase) -> None:
    chats, outbox = Ledger(state), Ledger(state, is_outbox=True)
    rows = [Delivery(NEW, DAY, MessageKind.REPORT, chat) for chat in (5, OUTBOX_CHAT)]
    chats.keep(rows, MORNING)
    for ledger, chat in ((chats, 5), (outbox, OUTBOX_CHAT)):
        assert [row.chat for row in ledger.rows(DAY)] == [chat]
        assert [row.chat for row in ledger.unsettled()] == [chat]
    chats.settle_missed(DAY + timedelta(days=1), MORNING)
    assert [len(ledger.unsettled()) for ledger in (chats, outbox)] == [0, 1]


def test_a_locked_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with (
        closing(open_state(f"sqlite:///{path}", busy_seconds=0.05)) as state,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateLockedError, match="locked by another process"), state.writing():
            pass


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with closing(open_state(url, busy_seconds=0.05)) as state, state.writing():
        assert subscriptions(state) == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("no url", "not an SQLAlchemy URL"),
        ("oracledb2://x", "not an SQLAlchemy URL"),
        ("mysql://chief:secret@127.0.0.1/state", "not an SQLAlchemy URL of SQLite or Postgres"),
        ("postgresql+asyncpg://127.0.0.1/state", "a driver that is installed"),
        ("sqlite://", "needs a file"),
        ("postgresql://chief:secret@127.0.0.1:1/state", "cannot be used"),
        ("postgresql://127.0.0.1:1/state?user=secret&password=secret", "cannot be used"),
        ("postgresql://chief:secret@127.0.0.1:port/state", "not an SQLAlchemy URL"),
        ("sqlite:////proc/no/state.db", "/proc/no"),
    ],
)
def test_a_wrong_url_is_told_with_the_way_out_and_without_the_password(
    wrong: str, said: str
) -> None:
    with pytest.raises(StateError, match="SALES_ASSETS_STATE_URL") as told:
        open_state(wrong)
    assert said in str(told.value)
    assert "secret" not in str(told.value)


def test_a_folder_in_the_files_place_is_told_as_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StateError, match="cannot be used: unable to open database file"):
        open_state(f"sqlite:///{tmp_path / 'state.db'}")


def test_a_file_that_may_not_be_written_is_told_as_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    sqlite3.connect(path).close()
    with pytest.raises(StateError, match=r"cannot be used: .*SALES_ASSETS_STATE_URL"):
        open_state(f"sqlite:///file:{path}?mode=ro&immutable=1&uri=true")
    assert not Path("file:").exists()


def test_another_state_than_before_is_noticed_until_that_is_accepted(tmp_path: Path) -> None:
    url, witness = f"sqlite:///{tmp_path / 'state.db'}", tmp_path / "var" / "state.id"
    for _ in range(2):
        with closing(open_state(url, witness=witness)) as state:
            assert state.lost is None
    for path in tmp_path.glob("state.db*"):
        path.unlink()
    for _ in range(2):
        with closing(open_state(url, witness=witness)) as state:
            assert state.lost is not None
            assert str(witness) in state.lost
    witness.unlink()
    with closing(open_state(url, witness=witness)) as state:
        assert state.lost is None
