"""From revision 0002 to 0003, on a state full of deliveries in every state, on both databases."""

import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from sales_assets.adapters.state.database import StateError, migration_config, open_state
from sales_assets.adapters.state.ledger import Ledger, send_again
from sales_assets.core.delivery.alerts import read_notice
from sales_assets.core.delivery.rows import MessageKind, Place, Reader, RowState
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets_tests.sources import drop_database

DAY, BEFORE = date(2026, 2, 12), date(2026, 2, 11)
NOW = "2026-02-13 05:45:00"
STATES = ("planned", "sending", "sent", "failed", "unknown")
KINDS = ("report", "edit", "change", "late", "continuation:1", "continuation:2", "edit:1")
MISSED = "not sent while it was news: HTTP 429"
_databases = itertools.count()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state.db'}"
        return
    server: EmbeddedServer = request.getfixturevalue("embedded_server")
    name = f"migration_{next(_databases)}"
    yield server.ensure_database(name)
    drop_database(server, name)


def old_state(url: str) -> None:
    """A state of revision 0002: every kind in every state, alerts, readers, a processed update."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        chat = itertools.count(1)
        for kind, state in itertools.product(KINDS, STATES):
            put(connection, next(chat), kind, state)
        put(connection, 77, "alert:doubt:3:2", "sent", notice=notice("doubt", "again:3"))
        put(connection, 77, "alert:refused:4:1", "planned", notice=notice("refused", "again:4"))
        put(connection, 77, "alert:late", "unknown", notice=notice("cause"))
        put(connection, 99, "report", "failed", day=BEFORE, reason=MISSED)
        connection.execute(
            text(
                "insert into subscriptions (chat, thread, chat_type, title, state, doubt_policy, "
                "created_at, updated_at) values (5, 0, 'private', 'Chief', 'active', 'hold', "
                ":now, :now)"
            ),
            {"now": NOW},
        )
        connection.execute(
            text(
                "insert into bot_updates (bot_id, update_id, state, failures, updated_at) "
                "values (7, 10, 'processed', 0, :now)"
            ),
            {"now": NOW},
        )
    engine.dispose()


def notice(words: str, button: str = "") -> str:
    buttons = [[["Отправить ещё раз", button]]] if button else []
    return json.dumps({"text_html": words, "buttons": buttons})


def put(connection: Any, chat: int, kind: str, state: str, **more: Any) -> None:
    values = {
        "report_day": more.get("day", DAY).isoformat(),
        "kind": kind,
        "chat": chat,
        "thread": 0,
        "state": state,
        "attempts": 1,
        "claims": 1,
        "doubts": int(state == "unknown"),
        "owner": "somebody",
        "possible_duplicate": False,
        "by_hand": False,
        "notice": more.get("notice"),
        "reason": more.get("reason"),
        "created_at": NOW,
        "updated_at": NOW,
    }
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"insert into deliveries ({names}) values ({marks})"), values)  # noqa: S608 - our own names


def test_a_state_full_of_deliveries_comes_over_with_every_state_and_no_continuation(
    url: str,
) -> None:
    old_state(url)
    with closing(open_state(url)) as state:
        ledger = Ledger(state)
        rows = ledger.rows(DAY)
        plain = [row for row in rows if row.kind is not MessageKind.ALERT]
        assert {(row.kind.value, row.state.value) for row in plain} == set(
            itertools.product(("report", "edit", "change", "late"), STATES)
        )
        assert all(row.subject == "" and row.owner == "somebody" for row in plain)
        alerts = {row.subject: row for row in rows if row.kind is MessageKind.ALERT}
        assert set(alerts) == {"doubt:3:2", "refused:4:1", "late"}
        question = read_notice("doubt:3:2", alerts["doubt:3:2"].notice or {})
        assert (question.html, question.about) == ("doubt", ((3, 2),))
        assert question.buttons[0][0].data == "again:3"
        assert alerts["late"].state is RowState.UNKNOWN
        [missed] = ledger.rows(BEFORE)
        assert not missed.was_refused
        assert ledger.readers() == [Reader(Place(5), holds_doubts=True, sound="news")]


def test_what_the_tables_forbade_they_forbid_still(url: str) -> None:
    old_state(url)
    with closing(open_state(url)) as state:
        for statement in (
            "update deliveries set state = 'x'",
            "update subscriptions set state = 'x'",
            "update subscriptions set doubt_policy = 'x'",
            "update subscriptions set sound = 'x'",
            "update deliveries set chat = 1, kind = 'report', subject = '' where chat in (1, 2)",
        ):
            change = text(statement)
            with pytest.raises(StateError), state.writing() as session:
                session.execute(change)


def test_the_migrated_rows_go_on_as_rows_do(url: str) -> None:
    old_state(url)
    with closing(open_state(url)) as state:
        ledger = Ledger(state)
        unsettled = {(row.kind.value, row.state.value) for row in ledger.unsettled()}
        assert ("report", "sending") in unsettled
        doubtful = next(row for row in ledger.rows(DAY) if row.state is RowState.UNKNOWN)
        later = datetime(2026, 2, 13, 6, 0, tzinfo=UTC)
        with state.writing() as session:
            row = send_again(session, doubtful.id, later)
        assert row is not None
        assert row.state is RowState.PLANNED
