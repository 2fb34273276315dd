import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import read_report
from sales_assets.cli.main import main
from sales_assets.core import names
from sales_assets.core.report.wording import day_and_month
from sales_assets_tests.base_source import ROWS_A_DAY, ZONE, delete_rows, fill_base, yesterday
from sales_assets_tests.cli.test_commands import reports
from sales_assets_tests.conftest import BaseStorage, DagsterHome, SourceDatabase
from sales_assets_tests.sources import execute

DAY = yesterday()
PAST_LAST_CALL = {"SALES_ASSETS_DELIVERY_TIME": "00:00", "SALES_ASSETS_LAST_CALL": "00:01"}
FIRST_REPORT = f"sales-assets report {DAY}"
BEFORE, NEXT = DAY - timedelta(days=1), DAY + timedelta(days=1)


@pytest.fixture
def environment(
    source_database: SourceDatabase,
    base_storage: BaseStorage,
    dagster_home: DagsterHome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    url = source_database()
    first = fill_base(url, DAY)
    base_storage(url, tmp_path / "storage")
    return {
        "SALES_ASSETS_SOURCE_URL": url,
        "SALES_ASSETS_START_DATE": str(first),
        "SALES_ASSETS_VAR": str(tmp_path),
        "SALES_ASSETS_REPORT_TZ": ZONE.key,
        "SALES_ASSETS_LAST_CALL": "23:59",
        "DAGSTER_HOME": str(dagster_home(tmp_path / "dagster")),
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
    as_json = run(environment, "doctor", "--json")
    told = json.loads(as_json.stdout)
    assert (told["is_well"], as_json.exit_code) == (False, doctor.exit_code)
    lines = [("ok   " if one["is_well"] else "BAD  ") + one["text"] for one in told["findings"]]
    assert lines == doctor.stdout.splitlines()


@pytest.mark.parametrize(
    ("since", "state", "banner"),
    [
        (str(DAY), "empty", f"Данных за {day_and_month(DAY)} нет"),
        (f"{DAY} 10:00", "ends_early", "Данные до 09:58: дальше не загружено"),
    ],
)
def test_a_day_without_its_rows_has_no_report_before_its_last_call_and_a_neutral_one_after_it(
    environment: dict[str, str], since: str, state: str, banner: str
) -> None:
    delete_rows(environment["SALES_ASSETS_SOURCE_URL"], since, str(NEXT))
    assert run(environment, "report", DAY).exit_code == 3
    assert reports(environment) == []
    result = run(environment | PAST_LAST_CALL, "report", DAY)
    assert result.exit_code == 0, result.output
    report = read_report(FrameStore(f"{environment['SALES_ASSETS_VAR']}/storage"), DAY).content
    assert (report["verdict_kind"], report["data"]["state"]) == ("incomplete", state)
    assert report["verdict"] == banner
    assert report["caption"].startswith(f"<b>{banner}</b>")


def test_a_day_that_lost_its_rows_keeps_its_report_and_waits_for_a_word(
    environment: dict[str, str],
) -> None:
    assert run(environment, "report", DAY).exit_code == 0
    store = FrameStore(f"{environment['SALES_ASSETS_VAR']}/storage")
    report = read_report(store, DAY)
    execute(environment["SALES_ASSETS_SOURCE_URL"], "TRUNCATE events, payments")
    for now in (environment, environment | PAST_LAST_CALL):
        result = run(now, "report", DAY)
        assert result.exit_code == 3, result.output
        assert "--accept-loss" in result.stderr
        assert read_report(store, DAY) == report
        assert len(store.read(names.RAW_EVENTS, DAY)) == ROWS_A_DAY


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
    assert f"The newest rows ({ZONE.key}): of events {DAY} 17:06:00" in told
    assert f"ok   Yesterday in the source (complete): {DAY} is whole" in told


def test_the_doctor_finds_the_blanks_that_old_rows_got_around_their_ids(
    environment: dict[str, str],
) -> None:
    assert run(environment, "report", BEFORE).exit_code == 0
    padded = "UPDATE events SET _user_id = _user_id || ' ' WHERE happened_at < %s"
    execute(environment["SALES_ASSETS_SOURCE_URL"], padded, [(DAY,)])
    store = FrameStore(f"{environment['SALES_ASSETS_VAR']}/storage")
    assert run(environment, "report", DAY).exit_code == 0
    assert "new_paying" in read_report(store, DAY).content["not_counted"]
    run(environment, "doctor")
    assert run(environment, "report", DAY).exit_code == 0
    assert read_report(store, DAY).content["not_counted"] == {}
