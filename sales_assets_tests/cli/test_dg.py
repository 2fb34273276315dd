"""Dagster's own command line on this project."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from sales_assets.adapters.settings import Settings
from sales_assets.cli.instance import prepare_home
from sales_assets_tests.cli.test_interruption import FROM, PLAN, ROOT, environment
from sales_assets_tests.conftest import SourceDatabase

pytest.importorskip("dagster_dg_cli", reason="dg comes with the extra dev")


@pytest.mark.slow
def test_dg_launches_a_range_of_all_assets(
    source_database: SourceDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = environment(source_database(PLAN), tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", settings["DAGSTER_HOME"])
    prepare_home(Settings())
    days = [FROM, FROM + timedelta(days=1)]
    launched = subprocess.run(
        [
            *(sys.executable, "-c", "from dagster_dg_cli.cli import main; main()"),
            *("launch", "--assets", "*"),
            *("--partition-range", f"{days[0]}...{days[1]}"),
        ],
        cwd=ROOT,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert launched.returncode == 0, launched.stderr[-3000:]
    stored = {path.stem for path in (tmp_path / "storage" / "daily_report").glob("*.json")}
    assert stored == set(map(str, days))
