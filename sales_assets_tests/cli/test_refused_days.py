from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sales_assets.cli.main import main
from sales_assets_tests.base_source import delete_rows, fill_base, yesterday
from sales_assets_tests.cli.test_commands import reports
from sales_assets_tests.conftest import SourceDatabase

DAY = yesterday()
FIRST_REPORT = f"sales-assets report {DAY}"
BEFORE, NEXT = DAY - timedelta(days=1), DAY + timedelta(days=1)


@pytest.fixture
def environment(
    source_database: SourceDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    url = source_database()
    first = fill_base(url, DAY)
    return {
        "SALES_ASSETS_SOURCE_URL": url,
        "SALES_ASSETS_START_DATE": str(first),
        "SALES_ASSETS_VAR": str(tmp_path),
        "SALES_ASSETS_LAST_CALL": "23:59",
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }


def run(environment: dict[str, str], *arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environment)


def cut(environment: dict[str, str], day: date = DAY) -> None:
    delete_rows(environment["SALES_ASSETS_SOURCE_URL"], f"{day} 10:00", str(NEXT))


def test_a_cut_day_exits_with_3_stores_no_report_and_says_why(
    environment: dict[str, str],
) -> None:
    cut(environment)
    result = run(environment, "report", DAY)
    assert result.exit_code == 3, result.output
    assert f"the rows of {DAY} end at 09:" in result.stderr
    assert "--as-it-is" in result.stderr
    assert "Traceback" not in result.stderr
    assert reports(environment) == []
    doctor = run(environment, "doctor")
    assert f"BAD  Yesterday in the source (ends_early): the rows of {DAY}" in doctor.stdout


def test_at_the_operators_word_it_is_reported_as_it_is(environment: dict[str, str]) -> None:
    cut(environment)
    result = run(environment, "report", DAY, "--as-it-is")
    assert result.exit_code == 0, result.output
    assert reports(environment) == [str(DAY)]


def test_a_backfill_does_the_other_days_and_exits_with_3(environment: dict[str, str]) -> None:
    cut(environment)
    result = run(environment, "backfill", BEFORE, DAY)
    assert result.exit_code == 3, result.output
    assert reports(environment) == [str(BEFORE)]
    assert f"No report: {DAY}." in result.stderr


def test_the_doctor_tells_the_newest_rows_and_until_when_the_day_is_certain(
    environment: dict[str, str],
) -> None:
    examined = run(environment, "doctor")
    told = examined.stdout
    assert examined.exit_code == 0, told
    assert f"No report is rendered yet; the first, once all above is well: {FIRST_REPORT}" in told
    assert f"The newest rows (Europe/Moscow): of events {DAY} 17:06:00" in told
    assert f"ok   Yesterday in the source (complete): {DAY} is whole" in told
