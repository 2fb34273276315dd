import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import psutil
import pyarrow.parquet as pq
import pytest

from sales_assets.core import names
from sales_assets.core.report.report import METRICS
from sales_assets.demo.journeys import DemoPlan
from sales_assets_tests.conftest import SourceDatabase

PLAN = DemoPlan(first_day=date(2025, 1, 6), today=date(2025, 1, 18), requests_per_day=5)
FROM, TO = PLAN.first_day, PLAN.today - timedelta(days=1)
ROUNDS = 1
ROOT = Path(__file__).parents[2]


def environment(url: str, folder: Path) -> dict[str, str]:
    others = {name: text for name, text in os.environ.items() if not name.startswith("SALES_")}
    return others | {
        "PYTHONPATH": str(ROOT),
        "SALES_ASSETS_SOURCE_URL": url,
        "SALES_ASSETS_START_DATE": str(FROM),
        "SALES_ASSETS_BAD_ROWS_SHARE": "1",
        "SALES_ASSETS_VAR": str(folder),
        "DAGSTER_HOME": str(folder / "dagster"),
    }


def backfill(url: str, folder: Path, to: date = TO) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "sales_assets.cli.main", "backfill", str(FROM), str(to)]
    return subprocess.Popen(
        command,
        env=environment(url, folder),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def files(folder: Path) -> dict[str, bytes]:
    base = folder / "storage"
    return {str(path.relative_to(base)): path.read_bytes() for path in base.glob("*/*")}


def is_whole(name: str, content: bytes) -> bool:
    if name.endswith(".parquet"):
        return content[:4] == content[-4:] == b"PAR1"
    return content.startswith(b"\x89PNG") if name.endswith(".png") else is_json(content)


def is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def reports(folder: Path) -> list[Path]:
    return list(folder.glob(f"storage/{names.DAILY_REPORT}/*.json"))


def press_ctrl_c(process: subprocess.Popen[str], folder: Path) -> str:
    """Press Ctrl-C, and again where the source's driver took it for a query that just ended."""
    os.killpg(process.pid, signal.SIGINT)
    while process.poll() is None and not reports(folder):
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    return told


def lasting(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """Leave out what tells when the source was read, and whose checks are remembered."""
    passing = ("completeness/", "checked/")
    return {name: content for name, content in found.items() if not name.startswith(passing)}


def assert_nothing_half_written(folder: Path) -> None:
    visible = {name: content for name, content in files(folder).items() if "/." not in name}
    assert [name for name, content in visible.items() if not is_whole(name, content)] == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        instance = dg.DagsterInstance.get()
    with instance:
        for asset in (names.RAW_EVENTS, names.CLEAN_EVENTS, *METRICS):
            for day in instance.get_materialized_partitions(dg.AssetKey(asset)):
                pq.read_table(folder / "storage" / asset / f"{day}.parquet")


@pytest.mark.slow
def test_a_killed_backfill_leaves_whole_files_and_a_second_start_completes_it(
    source_database: SourceDatabase, tmp_path: Path
) -> None:
    url = source_database(PLAN)
    started_at = time.monotonic()
    undisturbed = backfill(url, tmp_path / "undisturbed")
    _, told = undisturbed.communicate(timeout=240)
    assert undisturbed.returncode == 0, told
    seconds = time.monotonic() - started_at
    expected = files(tmp_path / "undisturbed")
    chance = random.Random(20250106)  # noqa: S311 - a seed that makes a failure reproducible
    killed = tmp_path / "killed"
    for _ in range(ROUNDS):
        process = backfill(url, killed)
        try:
            process.wait(seconds * chance.uniform(0.4, 0.95))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if (killed / "dagster" / "history").exists():
            assert_nothing_half_written(killed)
    second = backfill(url, killed)
    _, told = second.communicate(timeout=240)
    assert second.returncode == 0, told
    assert lasting(files(killed)) == lasting(expected)


@pytest.mark.slow
def test_ctrl_c_ends_a_backfill_with_a_word_and_no_traceback(
    source_database: SourceDatabase, tmp_path: Path
) -> None:
    folder = tmp_path / "stopped"
    process = backfill(source_database(PLAN), folder)
    deadline = time.monotonic() + 120
    while not list(folder.glob("storage/clean_events/*.parquet")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    told = press_ctrl_c(process, folder)
    assert process.returncode == 1, told
    assert "Traceback" not in told
    assert_nothing_half_written(folder)


@pytest.mark.slow
def test_ctrl_c_in_a_metric_makes_no_reports_without_it(
    source_database: SourceDatabase, tmp_path: Path
) -> None:
    folder = tmp_path / "stopped"
    process = backfill(source_database(PLAN), folder)
    metrics = [folder / "storage" / metric for metric in METRICS]
    while not any(metric.exists() for metric in metrics):
        assert process.poll() is None
        time.sleep(0.01)
    told = press_ctrl_c(process, folder)
    assert process.returncode == 1, told
    assert "was asked to end before its reports were made" in told
    assert len(reports(folder)) < (TO - FROM).days


def test_a_process_of_a_long_range_that_is_killed_is_said_in_a_sentence(
    source_database: SourceDatabase, tmp_path: Path
) -> None:
    running = backfill(source_database(PLAN), tmp_path / "long", FROM + timedelta(days=99))
    workers: list[psutil.Process] = []
    while not workers and running.poll() is None:
        children = psutil.Process(running.pid).children()
        workers = [one for one in children if "spawn_main" in " ".join(one.cmdline())]
        time.sleep(0.1)
    workers[0].kill()
    _, said = running.communicate(timeout=100)
    assert running.returncode == 1
    assert "was killed" in said
    assert "Traceback" not in said
