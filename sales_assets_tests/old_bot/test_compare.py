from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sales_assets.cli.main import main
from sales_assets.core import journey
from sales_assets.old_bot import words as ru
from sales_assets_tests.conftest import DagsterHome, SourceDatabase
from sales_assets_tests.sources import fill

FIRST = date(2025, 1, 6)
DAY = FIRST + timedelta(days=2)


@pytest.fixture
def environment(
    source_database: SourceDatabase, dagster_home: DagsterHome, tmp_path: Path
) -> dict[str, str]:
    url = source_database()
    rows = [
        ("a", journey.FIRST_LINE_TASK, f"{DAY - timedelta(days=1)} 10:00"),
        ("b", journey.FIRST_LINE_TASK, f"{DAY} 00:00:00"),
        # 01:00 of the next day in Moscow, 22:00 of the day in the source.
        ("c", journey.FIRST_LINE_TASK, f"{DAY} 22:00"),
    ]
    fill(url, rows)
    return {
        "SALES_ASSETS_SOURCE_URL": url,
        "SALES_ASSETS_SOURCE_TZ": "UTC",
        "SALES_ASSETS_START_DATE": str(FIRST),
        "SALES_ASSETS_VAR": str(tmp_path),
        "DAGSTER_HOME": str(dagster_home(tmp_path / "dagster")),
    }


def run(environment: dict[str, str], *arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environment)


def numbers_of(output: str, process: str) -> list[int]:
    """Return the numbers under a process's name, from the old bot's to the report's."""
    lines = output.split(f"\n{process} ")[1].split("\n\n", maxsplit=1)[0].splitlines()[1:]
    return [int(line[70:].split()[0]) for line in lines]


def test_a_day_that_nobody_computed_is_computed_and_bridged(environment: dict[str, str]) -> None:
    first = run(environment, "compare", DAY)
    assert first.exit_code == 0, first.output
    # The old bot lost b at 00:00:00 of its day; in Moscow only b's task is of the day. At 24
    # hours a is late.
    assert numbers_of(first.stdout, journey.FIRST_LINE) == [1, 2, 1, 1, 1, 1]
    page = Path(first.stdout.splitlines()[-1].removeprefix("page: "))
    assert ru.COMPARISON_TITLE in page.read_text(encoding="utf-8")
    again = run(environment, "compare", DAY)
    assert again.stdout == first.stdout
    assert "days written" not in again.stderr


def test_a_day_outside_the_history_is_refused_in_a_sentence(environment: dict[str, str]) -> None:
    result = run(environment, "compare", FIRST - timedelta(days=1))
    assert result.exit_code == 1
    assert "SALES_ASSETS_START_DATE" in result.stderr
