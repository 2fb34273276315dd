import json
import os
import re
import socket
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook

from sales_assets.cli.main import main
from sales_assets.core import journey
from sales_assets_tests.conftest import DagsterHome, SourceDatabase
from sales_assets_tests.sources import execute, fill

FIRST = date(2025, 1, 6)
LAST = FIRST + timedelta(days=4)
PASSWORD = "open-sesame"  # noqa: S105 - made up


@pytest.fixture
def environment(
    source_database: SourceDatabase, dagster_home: DagsterHome, tmp_path: Path
) -> dict[str, str]:
    return {
        "SALES_ASSETS_SOURCE_URL": source_database(),
        "SALES_ASSETS_START_DATE": str(FIRST),
        "SALES_ASSETS_VAR": str(tmp_path),
        "DAGSTER_HOME": str(dagster_home(tmp_path / "dagster")),
    }


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No .env, and no setting of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SALES_ASSETS_")]:
        monkeypatch.delenv(name)


def run(environment: dict[str, str], *arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environment)


def refused(environment: dict[str, str], *arguments: object) -> str:
    """Run a command that has to fail with a sentence; return what it said."""
    result = run(environment, *arguments)
    assert result.exit_code in {1, 2}, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    assert PASSWORD not in result.output + result.stderr
    assert len(result.stderr) < 1500
    return result.stderr


def stored(environment: dict[str, str], asset: str) -> list[str]:
    folder = Path(environment["SALES_ASSETS_VAR"]) / "storage" / asset
    return sorted(path.name for path in folder.glob("*"))


def reports(environment: dict[str, str]) -> list[str]:
    return [name[:10] for name in stored(environment, "daily_report") if name.endswith(".json")]


def test_report_computes_a_day_and_prints_where_it_is(environment: dict[str, str]) -> None:
    result = run(environment, "report", FIRST)
    assert result.exit_code == 0, result.stderr
    picture = re.search(r"^picture: (.+)$", result.stdout, re.MULTILINE)
    assert picture
    assert Path(picture[1]).read_bytes().startswith(b"\x89PNG")
    assert "Execution of" not in result.stderr


def test_receipt_computes_a_day_that_has_no_report_and_prints_where_its_workbook_is(
    environment: dict[str, str],
) -> None:
    fill(
        environment["SALES_ASSETS_SOURCE_URL"],
        [
            ("0042", journey.REQUEST_CREATED, f"{FIRST} 10:00"),
            ("0042", journey.FIRST_LINE_TASK, f"{FIRST} 10:05"),
        ],
    )
    result = run(environment, "receipt", FIRST)
    assert result.exit_code == 0, result.stderr
    path = Path(result.stdout.splitlines()[-1].removeprefix("receipt: "))
    assert path.name == f"{FIRST}.xlsx"
    book = load_workbook(path)
    assert [row[1] for row in book["Успеть сегодня"].values] == ["Клиент", "0042", None]
    assert {str(row[4]) for row in list(book["Числа"].values)[1:-1]} == {"да"}


def test_a_receipt_that_contradicts_the_picture_says_so_and_fails(
    environment: dict[str, str],
) -> None:
    run(environment, "report", FIRST)
    folder = Path(environment["SALES_ASSETS_VAR"]) / "storage" / "daily_report"
    report = folder / f"{FIRST}.json"
    content = json.loads(report.read_text("utf-8"))
    content["numbers"]["population"]["active"] += 1
    report.write_text(json.dumps(content), "utf-8")
    told = refused(environment, "receipt", FIRST)
    assert "shows 1, what is stored now adds up to 0" in told
    assert f"sales-assets report {FIRST}" in told


def test_backfill_computes_every_day_of_the_range(environment: dict[str, str]) -> None:
    result = run(environment, "backfill", FIRST, LAST)
    assert result.exit_code == 0, result.stderr
    assert len(reports(environment)) == 5
    assert "5 days" in result.stdout


def test_backfill_goes_around_a_blocked_day_and_names_it(environment: dict[str, str]) -> None:
    blocked = FIRST + timedelta(days=2)
    bad = [(None, journey.REQUEST_CREATED, f"{blocked} 1{n}:00") for n in range(5)]
    fill(environment["SALES_ASSETS_SOURCE_URL"], bad)
    told = refused(environment, "backfill", FIRST, LAST)
    assert str(blocked) in told
    assert "5 of 5 rows set aside" in told
    assert "DagsterAssetCheckFailedError" not in told
    days = [str(FIRST + timedelta(days=n)) for n in (0, 1, 3, 4)]
    assert reports(environment) == days


def test_the_report_of_a_blocked_day_is_refused_with_the_reason(
    environment: dict[str, str],
) -> None:
    bad = [(None, journey.REQUEST_CREATED, f"{FIRST} 1{n}:00") for n in range(5)]
    fill(environment["SALES_ASSETS_SOURCE_URL"], bad)
    told = refused(environment, "report", FIRST)
    assert str(FIRST) in told
    assert "5 of 5 rows set aside" in told


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["report", "2025-13-01"], "2025-13-01"),
        (["report", "yesterday"], "2026-01-31"),
        (["report", "2024-12-31"], str(FIRST)),
        (["report", "2999-01-01"], "yesterday"),
        (["backfill", "2025-01-08", "2025-01-07"], "earlier day first"),
        (["backfill", "2025-01-06", "2999-01-01"], "2999-01-01"),
    ],
)
def test_a_day_that_cannot_be_is_refused_with_what_was_expected(
    environment: dict[str, str], arguments: list[str], expected: str
) -> None:
    assert expected in refused(environment, *arguments)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"SALES_ASSETS_SOURCE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:1/crm"},
            ["Connection refused", "127.0.0.1", "Start the server"],
        ),
        (
            {"SALES_ASSETS_SOURCE_URL": f"mysql://u:{PASSWORD}@127.0.0.1/crm"},
            ["SALES_ASSETS_SOURCE_URL", "postgresql://"],
        ),
        ({"SALES_ASSETS_REPORT_TZ": "Europe/Moskow"}, ["Europe/Moskow", "Europe/Moscow"]),
        ({"SALES_ASSETS_SOURCE_TZ": "Europe"}, ["'Europe'", "SALES_ASSETS_SOURCE_TZ"]),
        ({"SALES_ASSETS_START_DATE": "2999-01-01"}, ["2999-01-01", "SALES_ASSETS_START_DATE"]),
        ({"SALES_ASSETS_STORAGE": "nowhere://bucket"}, ["SALES_ASSETS_STORAGE", "nowhere"]),
        ({"SALES_ASSETS_STORAGE": "/proc/storage"}, ["/proc/storage", "SALES_ASSETS_STORAGE"]),
        ({"DAGSTER_HOME": "/proc/dagster"}, ["/proc/dagster", "DAGSTER_HOME"]),
    ],
)
def test_a_wrong_setting_is_a_sentence_that_says_what_to_do(
    environment: dict[str, str], change: dict[str, str], expected: list[str]
) -> None:
    told = refused(environment | change, "report", FIRST)
    assert all(part in told for part in expected), told


def test_dev_says_that_its_home_cannot_be_made(environment: dict[str, str]) -> None:
    told = refused(environment | {"DAGSTER_HOME": "/proc/dagster"}, "dev")
    assert "/proc/dagster could not be made" in told


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_dev_names_the_port_that_something_else_listens_on(
    environment: dict[str, str], host: str
) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as other:
        try:
            other.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        other.listen()
        port = other.getsockname()[1]
        told = refused(environment, "dev", "--host", host, "--port", port)
    shown = f"[{host}]" if ":" in host else host
    assert f"{shown}:{port}: Address already in use" in told
    assert "--port" in told


def test_dev_says_that_an_address_is_another_machines(environment: dict[str, str]) -> None:
    told = refused(environment, "dev", "--host", "192.0.2.1")
    assert "192.0.2.1:3000" in told
    assert "--host" in told
    assert "--port" not in told


def test_a_relative_home_of_dagster_is_taken_from_the_current_folder(
    environment: dict[str, str], tmp_path: Path
) -> None:
    result = run(environment | {"DAGSTER_HOME": "home"}, "report", FIRST)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "home" / "dagster.yaml").exists()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DROP TABLE payments", "payments"),
        ("ALTER TABLE events RENAME COLUMN happened_at TO at", "happened_at"),
    ],
)
def test_a_source_that_lacks_a_table_or_a_column_is_named(
    environment: dict[str, str], statement: str, expected: str
) -> None:
    execute(environment["SALES_ASSETS_SOURCE_URL"], statement)
    assert expected in refused(environment, "report", FIRST)


def test_a_damaged_file_is_named_with_the_way_out(environment: dict[str, str]) -> None:
    assert run(environment, "report", FIRST).exit_code == 0
    damaged = Path(environment["SALES_ASSETS_VAR"]) / "storage/clean_events" / f"{FIRST}.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    told = refused(environment, "report", FIRST + timedelta(days=1))
    assert str(damaged) in told
    assert "Delete it" in told


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["revoke", "-1001234567890"], "Chat -1001234567890 has no subscription"),
        (["invite", "--hours", str(10**15)], "--hours"),
        (["dev", "--port", "99999"], "--port"),
    ],
)
def test_a_number_is_taken_as_it_is_or_refused_with_a_sentence(
    environment: dict[str, str], arguments: list[str], expected: str
) -> None:
    assert expected in refused(environment, *arguments)


def test_the_demo_is_none_of_a_source_of_your_own(environment: dict[str, str]) -> None:
    assert "SALES_ASSETS_SOURCE_URL is set" in refused(environment, "demo")
    assert not (Path(environment["SALES_ASSETS_VAR"]) / "outbox").exists()


def test_a_rebuild_from_a_source_that_is_away_forgets_nothing(environment: dict[str, str]) -> None:
    assert run(environment, "report", FIRST).exit_code == 0
    away = environment | {"SALES_ASSETS_SOURCE_URL": "postgresql://u@127.0.0.1:1/crm"}
    assert "refused" in refused(away, "backfill", FIRST, FIRST, "--rebuild")
    assert f"{FIRST}.parquet" in stored(environment, "raw_events")


def test_every_command_explains_itself() -> None:
    for command in ([], *([name] for name in main.commands)):
        result = CliRunner().invoke(main, [*command, "--help"])
        assert result.exit_code == 0, result.output
        assert result.output.startswith("Usage:")
