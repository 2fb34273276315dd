"""Three faults of each kind; `make faults` tries them all."""

from itertools import groupby
from pathlib import Path

import pytest

from sales_assets.adapters.source import session
from sales_assets_tests.conftest import DagsterHome, EmbeddedServer
from sales_assets_tests.faults.rewrites import Rewrites
from sales_assets_tests.faults.source_faults import FAULTS
from sales_assets_tests.faults.source_trial import (
    Fault,
    Trial,
    base_template,
    within_this_process,
)

QUICK = [fault for fault in FAULTS if fault.is_quick]


@pytest.fixture(scope="module")
def template(embedded_server: EmbeddedServer) -> str:
    return base_template(embedded_server)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = session.SESSION_SETTINGS
    short = [one.replace(f"'{session.LOCK_SECONDS}s'", "'300ms'") for one in settings]
    monkeypatch.setattr(session, "SESSION_SETTINGS", short)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("fault", QUICK, ids=str)
def test_a_fault_of_the_source_is_met(
    fault: Fault,
    embedded_server: EmbeddedServer,
    template: str,
    dagster_home: DagsterHome,
    tmp_path: Path,
) -> None:
    dagster_home(tmp_path / "dagster")
    trial = Trial(fault, embedded_server, template, tmp_path, within_this_process)
    assert trial.tried() == []


def test_rows_written_in_another_way_make_the_same_days(
    embedded_server: EmbeddedServer, dagster_home: DagsterHome, tmp_path: Path
) -> None:
    dagster_home(tmp_path / "dagster")
    rewrites = Rewrites(embedded_server, tmp_path, within_this_process)
    assert [rewrites.differences(seed) for seed in (105, 106)] == [[], []]


def test_each_kind_is_tried_by_three_and_no_name_is_there_twice() -> None:
    by_kind = {kind: list(of) for kind, of in groupby(FAULTS, key=lambda fault: fault.kind)}
    quick = {kind: sum(fault.is_quick for fault in of) for kind, of in by_kind.items()}
    assert {kind for kind, count in quick.items() if count < 3} == set()
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
