"""A dozen rounds of kills and faults, and the cases that longer runs have found."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sales_assets.adapters.state.ledger import Ledger
from sales_assets_tests.conftest import EmbeddedServer
from sales_assets_tests.faults import processes, promises
from sales_assets_tests.faults.plays import play
from sales_assets_tests.faults.processes import KILLED
from sales_assets_tests.faults.rounds import DagsterRound, Round
from sales_assets_tests.faults.stage import Stage, stage

#: With and without bot, one in Postgres, one by runs of Dagster.
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
    for seat in healthy.seats:
        healthy.fake.deactivate(seat.chat) if seat.chat > 0 else None
    while run(healthy, "after the commit") == KILLED:
        healthy.age(21)
    asleep = [place for place in promises.places(healthy) if place.state == "asleep"]
    with healthy.state() as state:
        alerts = [row for row in Ledger(state).rows(healthy.day) if "asleep" in row.kind]
    assert asleep
    assert {row.state.value for row in alerts} == {"sent"}
    assert len(alerts) == len(asleep)
