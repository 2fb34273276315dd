"""A fourth metric with its part: four product files, added and taken away.

The rule is docs/architecture.md's: a metric is its asset, its part, one word in a tuple, its words.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import sales_assets
from sales_assets.core import journey
from sales_assets_tests.conftest import SourceDatabase
from sales_assets_tests.sources import fill

ORIGINAL = Path(next(iter(sales_assets.__path__)))
HERE = Path(__file__).parent
FIRST = date(2025, 1, 6)
DAY = FIRST + timedelta(days=4)
WORDS = """PART_ATTENDED = "пришли на ВУ"
ATTENDED = "Пришли на вводный урок: {clients}"
MISSING_ATTENDED = "Пришли на вводный урок: нет данных за {day}"
"""


def add_metric(package: Path) -> None:
    """Change what a developer would change."""
    for name in ("core/metrics/attended_lessons.py", "core/report/parts/attended_lessons.py"):
        shutil.copy(HERE / f"{name}.txt", package / name)
    words = package / "core/russian/report.py"
    words.write_text(words.read_text("utf-8") + WORDS, "utf-8")
    report = package / "core/report/report.py"
    report.write_text(with_the_part(report.read_text("utf-8")), "utf-8")


def with_the_part(code: str) -> str:
    """One word in the tuple, and where it comes from."""
    anchor = "from sales_assets.core.report.parts.crm_bridge import"
    imported = "from sales_assets.core.report.parts.attended_lessons import AttendedLessons"
    assert code.count(anchor) == code.count("Funnel, CrmBridge)") == 1
    code = code.replace(anchor, f"{imported}\n{anchor}")
    return code.replace("Funnel, CrmBridge)", "Funnel, AttendedLessons, CrmBridge)")


def take_metric_away(package: Path) -> None:
    for name in changed_files(package):
        if (ORIGINAL / name).exists():
            shutil.copy(ORIGINAL / name, package / name)
        else:
            (package / name).unlink()


def changed_files(package: Path) -> set[str]:
    """The files that are not as in the product, or not in it."""
    modules = [path.relative_to(package) for path in package.rglob("*.py")]
    return {str(one) for one in modules if content(package / one) != content(ORIGINAL / one)}


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("product") / "sales_assets"
    return shutil.copytree(ORIGINAL, copy, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def url(source_database: SourceDatabase) -> str:
    """Five days; on the last, two clients come to their lesson, one of them twice."""
    url = source_database()
    came = [("u0", f"{DAY} 10:00"), ("u0", f"{DAY} 11:00"), ("u1", f"{DAY} 12:00")]
    entered = [
        (f"u{user}", journey.REQUEST_CREATED, f"{FIRST + timedelta(days=n)} 09:00")
        for n in range(5)
        for user in range(3)
    ]
    fill(url, [*entered, *((user, journey.LESSON_ATTENDED, at) for user, at in came)])
    return url


def a_day_of(package: Path, url: str, folder: Path) -> dict[str, Any]:
    """Run a day with this package in a process of its own."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("SALES_ASSETS_")
    } | {
        "PYTHONPATH": str(package.parent),
        "DAGSTER_HOME": str(folder),
        "SALES_ASSETS_SOURCE_URL": url,
        "SALES_ASSETS_START_DATE": FIRST.isoformat(),
        "SALES_ASSETS_STORAGE": str(folder / "storage"),
        "SALES_ASSETS_STATE_URL": f"sqlite:///{folder / 'state.db'}",
        "SALES_ASSETS_VAR": str(folder),
    }
    done = subprocess.run(
        [sys.executable, str(HERE / "run_a_day.py"), DAY.isoformat()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def days(
    package: Path, url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, Any]]]:
    """What came of the day with the metric, and after it was taken away."""
    add_metric(package)
    changed = changed_files(package)
    with_metric = a_day_of(package, url, tmp_path_factory.mktemp("with"))
    take_metric_away(package)
    without = a_day_of(package, url, tmp_path_factory.mktemp("without"))
    yield {"with": {**with_metric, "changed": changed}, "without": without}
    assert changed_files(package) == set()


def test_a_metric_with_its_part_changes_four_files(days: dict[str, dict[str, Any]]) -> None:
    assert days["with"]["changed"] == {
        "core/metrics/attended_lessons.py",
        "core/report/parts/attended_lessons.py",
        "core/report/report.py",
        "core/russian/report.py",
    }


def test_the_day_ran_with_the_changed_product(
    days: dict[str, dict[str, Any]], package: Path
) -> None:
    assert days["with"]["package"] == days["without"]["package"] == [str(package)]


def test_its_asset_its_number_and_its_line_of_the_picture_are_there(
    days: dict[str, dict[str, Any]],
) -> None:
    found = days["with"]
    assert "attended_lessons" in found["assets"]
    assert found["numbers"]["attended_lessons"] == {"clients": 2}
    assert "Пришли на вводный урок: 2" in found["texts"]


def test_nothing_of_it_is_left_when_it_is_taken_away(days: dict[str, dict[str, Any]]) -> None:
    found = days["without"]
    assert "daily_report" in found["assets"]
    assert "attended_lessons" not in found["assets"]
    assert "attended_lessons" not in found["numbers"]
    assert not any("вводный урок" in text for text in found["texts"])


def test_the_other_numbers_and_lines_are_the_same_with_it(
    days: dict[str, dict[str, Any]],
) -> None:
    with_metric, without = days["with"], days["without"]
    assert {**without["numbers"], "attended_lessons": {"clients": 2}} == with_metric["numbers"]
    assert [text for text in with_metric["texts"] if "вводный урок" not in text] == without["texts"]
