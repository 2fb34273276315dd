"""A dozen rounds of kills and faults, and the cases that longer runs have found."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from sales_assets.adapters.state.ledger import Ledger
from sales_assets.core.delivery.rows import MessageKind
from sales_assets_tests.conftest import EmbeddedServer
from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.faults import processes, promises
from sales_assets_tests.faults.plays import play
from sales_assets_tests.faults.processes import KILLED
from sales_assets_tests.faults.rounds import DagsterRound, Round
from sales_assets_tests.faults.stage import Stage, stage

#: With and without bot; beside them one in Postgres, one by runs of Dagster.
SEEDS = range(2, 12)


@pytest.fixture
def healthy(tmp_path: Path) -> Iterator[Stage]:
    with stage(2, tmp_path / "round") as made:
        yield made


def run(made: Stage, point: str = "", number: int = 1) -> int | None:
    told = made.told("delivery", point=point, number=number, patience_seconds=8.0)
    process = processes.start(processes.deliver, told)
    process.join(60)
    return process.exitcode


@pytest.mark.parametrize("seed", SEEDS)
def test_a_round_of_faults_and_kills_breaks_no_promise(seed: int, tmp_path: Path) -> None:
    breaches, _ = play(seed, tmp_path, kind=Round)
    assert breaches == []


def test_a_round_with_its_state_in_postgres_breaks_no_promise(
    tmp_path: Path, embedded_server: EmbeddedServer
) -> None:
    url = embedded_server.ensure_database("faults")
    breaches, _ = play(101, tmp_path, kind=Round, state_url=url)
    assert breaches == []


def test_a_round_of_dagster_runs_breaks_no_promise(tmp_path: Path) -> None:
    breaches, _ = play(201, tmp_path, kind=DagsterRound)
    assert breaches == []


def test_a_kill_right_after_a_refusal_leaves_the_chat_asleep_and_the_admin_told(
    healthy: Stage,
) -> None:
    gone = next(seat.chat for seat in healthy.seats if seat.chat > 0)
    healthy.fake.deactivate(gone)
    # Beside others under way, the kill would leave them in doubt and never asked again.
    change(healthy, f"DELETE FROM subscriptions WHERE chat <> {gone}")  # noqa: S608 - an id of ours
    assert run(healthy, "after the commit") == KILLED
    while run(healthy, "after the commit") == KILLED:
        healthy.age(21)
    asleep = [place for place in promises.places(healthy) if place.state == "asleep"]
    with healthy.state() as state:
        rows = Ledger(state).rows(healthy.day)
    alerts = [row for row in rows if row.kind is MessageKind.ALERT]
    assert len(asleep) == 1
    assert [row.state.value for row in alerts] == ["sent"]


def found(made: Stage) -> str:
    return "\n".join(promises.delivery_breaches(made, promises.places(made)))


def change(made: Stage, statement: str) -> None:
    with made.state() as state, state.writing() as session:
        session.execute(text(statement))


def test_a_delivery_without_trouble_breaks_no_promise(healthy: Stage) -> None:
    assert run(healthy) == processes.DONE
    assert found(healthy) == ""


def test_a_second_copy_that_the_ledger_does_not_tell_is_found(healthy: Stage) -> None:
    run(healthy)
    change(healthy, "delete from deliveries")
    run(healthy)
    assert "two copies and the ledger does not say so" in found(healthy)
    assert "holds doubts and got 2 copies" in found(healthy)


def test_a_report_that_never_came_is_found(healthy: Stage) -> None:
    healthy.fake.order(faults.flood(3600), times=None)
    run(healthy)
    assert "is active and its report is planned" in found(healthy)
    change(healthy, "update deliveries set state = 'sent', message_id = 1")
    assert "got nothing and the ledger says sent" in found(healthy)


def test_a_chat_that_sleeps_for_no_reason_of_its_own_is_found(healthy: Stage) -> None:
    run(healthy)
    change(healthy, "update subscriptions set state = 'asleep'")
    assert "for no reason of its own" in found(healthy)


def test_a_correction_that_a_chat_does_not_show_is_found(healthy: Stage) -> None:
    run(healthy)
    healthy.store_report()
    assert "the newest is Версия 2" in found(healthy)
