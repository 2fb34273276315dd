import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from zoneinfo import ZoneInfo

import psutil
import pytest

from sales_assets.demo.journeys import DemoPlan
from sales_assets_tests.conftest import SourceDatabase
from sales_assets_tests.ports import free_port

ROOT = Path(__file__).parents[2]
TODAY = datetime.now(UTC).astimezone(ZoneInfo("Europe/Moscow")).date()
YESTERDAY = TODAY - timedelta(days=1)
PLAN = DemoPlan(first_day=TODAY - timedelta(days=12), today=TODAY, requests_per_day=10)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
START_SECONDS = 120
RUN_SECONDS = 120

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: the UI is not looked at"),
]


@dataclass(frozen=True)
class Ui:
    """A running `sales-assets dev`."""

    url: str
    folder: Path
    environment: dict[str, str]

    def reports(self) -> set[str]:
        return {path.stem for path in (self.folder / "storage/daily_report").glob("*.json")}

    def wait_for_reports(self, *days: date) -> None:
        deadline = time.monotonic() + RUN_SECONDS
        while not {str(day) for day in days} <= self.reports():
            assert time.monotonic() < deadline, f"only {self.reports()} came"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def ui(source_database: SourceDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    folder, port = tmp_path_factory.mktemp("ui"), free_port()
    others = {name: text for name, text in os.environ.items() if not name.startswith("SALES_")}
    environment = others | {
        "SALES_ASSETS_SOURCE_URL": source_database(PLAN),
        "SALES_ASSETS_START_DATE": str(PLAN.first_day),
        "SALES_ASSETS_BAD_ROWS_SHARE": "1",
        "SALES_ASSETS_VAR": str(folder),
        "DAGSTER_HOME": str(folder / "dagster"),
        "PYTHONPATH": str(ROOT),
    }
    # As in the background of a script, and with nothing of the project in the current folder.
    command = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *dev(port)]
    with (
        (folder / "dev.log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_served(url, process)
            yield Ui(url, folder, environment)
        finally:
            started = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            assert len(started) > 2
            _, outliving = psutil.wait_procs(started, timeout=30)
    assert outliving == []
    with pytest.raises(URLError):
        urlopen(url, timeout=1)


def dev(port: int) -> list[str]:
    return [sys.executable, "-m", "sales_assets.cli.main", "dev", "--port", str(port)]


def wait_until_served(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            with urlopen(f"{url}/server_info", timeout=2):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(0.2)


@pytest.fixture
def page() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        opened = browser.new_page(viewport={"width": 1600, "height": 1000})
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()


def launch(page: Any, ui: Ui, partitions: str) -> None:
    """Materialize all assets for `partitions` from the graph, by clicking."""
    page.goto(f"{ui.url}/asset-groups/", wait_until="domcontentloaded")
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog")
    field = dialog.locator("input[type=text]").first
    field.fill(partitions)
    field.press("Enter")
    field.blur()
    dialog.get_by_role("button", name="Launch").last.click()
    dialog.wait_for(state="hidden")


def test_a_second_one_stops_at_once_and_says_so(ui: Ui) -> None:
    second = subprocess.run(
        dev(free_port()),
        cwd=ui.folder,
        env=ui.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"runs already with Dagster's home {ui.folder / 'dagster'}" in second.stderr
    assert "Traceback" not in second.stderr


def test_the_console_has_no_warning_of_ours(ui: Ui) -> None:
    said = (ui.folder / "dev.log").read_text()
    assert "Warning" not in said
    assert "WARNING" not in said


def test_the_graph_shows_the_groups_of_the_assets(page: Any, ui: Ui) -> None:
    page.goto(f"{ui.url}/asset-groups/", wait_until="domcontentloaded")
    for group in ("events", "metrics", "report"):
        page.get_by_text(group, exact=True).last.wait_for()


def test_a_partition_materialized_by_clicking_shows_its_picture(page: Any, ui: Ui) -> None:
    launch(page, ui, str(YESTERDAY))
    ui.wait_for_reports(YESTERDAY)
    address = f"{ui.url}/assets/daily_report?view=partitions&partition={YESTERDAY}"
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_text("Materialized", exact=True).last.wait_for()
    row = page.locator("tr", has_text="preview").first
    row.get_by_text("Show Markdown").click()
    picture = page.locator("img[alt=report]").first
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") > 200


def test_a_range_is_backfilled_by_clicking(page: Any, ui: Ui) -> None:
    days = [PLAN.first_day + timedelta(days=n) for n in range(3)]
    launch(page, ui, f"[{days[0]}...{days[-1]}]")
    ui.wait_for_reports(*days)
