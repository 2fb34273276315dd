import os
import subprocess
import sys
from pathlib import Path

import pytest
from dagster._core.run_coordinator import QueuedRunCoordinator

from sales_assets.adapters.settings import Settings
from sales_assets.cli.instance import CONFIGURATION, opened_instance, prepare_home
from sales_assets.core.errors import SalesAssetsError
from sales_assets.defs.jobs import MORNING_TAG

PREPARE = (
    "from sales_assets.adapters.settings import Settings; "
    "from sales_assets.cli.instance import prepare_home; prepare_home(Settings())"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_several_processes_make_one_home_that_can_be_used(home: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", PREPARE], env=os.environ, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    ends = [(one.communicate()[1].decode(), one.returncode) for one in running]
    assert ends == [("", 0)] * 4
    assert prepare_home(Settings()) == home


@pytest.mark.usefixtures("home")
def test_a_launched_run_waits_a_second_at_most_for_the_daemon() -> None:
    with opened_instance(Settings()) as instance:
        coordinator = instance.run_coordinator
        assert isinstance(coordinator, QueuedRunCoordinator)
        assert coordinator.dequeue_interval_seconds == 1
        queue = instance.get_concurrency_config().run_queue_config
        assert queue
        assert queue.max_concurrent_runs == 4
        assert queue.tag_concurrency_limits == [{"key": MORNING_TAG, "limit": 1}]


def test_a_home_that_stands_keeps_its_configuration(home: Path) -> None:
    home.mkdir()
    own = "telemetry:\n  enabled: false\n"
    (home / CONFIGURATION).write_text(own)
    prepare_home(Settings())
    assert (home / CONFIGURATION).read_text() == own


@pytest.mark.parametrize("wrong", ["telemetry: 1\n", "storage:\n  sqlite:\n    base_dir: [\n"])
def test_a_home_that_dagster_cannot_use_is_told_in_a_sentence(home: Path, wrong: str) -> None:
    home.mkdir()
    (home / CONFIGURATION).write_text(wrong)
    with pytest.raises(SalesAssetsError, match=r"could not open its instance in .*Check dagster"):
        prepare_home(Settings())


def test_a_home_in_the_place_of_a_file_is_told_in_a_sentence(home: Path) -> None:
    home.write_text("")
    with pytest.raises(SalesAssetsError, match=r"could not be made: .*set DAGSTER_HOME"):
        prepare_home(Settings())
