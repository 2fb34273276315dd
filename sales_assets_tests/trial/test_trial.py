import gzip
import re
import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from sales_assets.core.errors import SalesAssetsError
from sales_assets.demo import journeys
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets.demo.journeys import DemoPlan
from sales_assets_tests.sources import query
from sales_assets_tests.trial import log as of_log
from sales_assets_tests.trial.__main__ import main
from sales_assets_tests.trial.figures import Figure, figures, told
from sales_assets_tests.trial.log import LogDays, days_of, load, settings_of

DAY = timedelta(days=1)
FIRST = date(2025, 1, 6)
PLAN = DemoPlan(FIRST, FIRST + 18 * DAY, requests_per_day=6)
DAYS = LogDays(FIRST, FIRST + 99 * DAY, FIRST + 9 * DAY)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a stranger would hand it over."""
    folder = tmp_path_factory.mktemp("log")
    rows = pd.concat(journeys.demo_rows(PLAN)).dropna()
    rows = rows.rename(columns={"user_id": "_user_id"})
    is_payment = rows["event_id"] == journeys.PURCHASE_ID
    events = rows.loc[~is_payment, ["happened_at", "_user_id", "event_id"]]
    events.to_csv(folder / "events.csv.gz", index=False)
    payments = rows.loc[is_payment, ["_user_id", "happened_at"]]
    payments = payments.rename(columns={"happened_at": "transaction_created_at"})
    payments.to_csv(folder / "payments.csv.gz", index=False)
    dictionary = {
        "id": list(journeys.DICTIONARY.values()),
        "_description": list(journeys.DICTIONARY),
    }
    pd.DataFrame(dictionary).to_csv(folder / "events_dict.csv", index=False)
    return folder


@pytest.fixture
def url(embedded_server: EmbeddedServer, request: pytest.FixtureRequest) -> str:
    return embedded_server.ensure_database(request.node.name[:60])


# --- The log ---------------------------------------------------------------------------------


def test_a_log_is_loaded_whole_in_whatever_order_its_columns_stand(log: Path, url: str) -> None:
    load(log, url)
    for table in ("events", "payments"):
        rows = len(pd.read_csv(log / f"{table}.csv.gz"))
        counted = f"SELECT count(*), count(_user_id) FROM {table}"  # noqa: S608 - our own words
        assert query(url, counted) == [(rows, rows)]
    assert len(query(url, "SELECT * FROM events_dict")) == len(journeys.DICTIONARY)


def test_the_days_are_those_that_the_log_can_tell(log: Path, url: str) -> None:
    load(log, url)
    newest = PLAN.today - DAY
    assert days_of(url, {}) == LogDays(FIRST, newest - 14 * DAY, FIRST + 61 * DAY)
    later = FIRST + 2 * DAY
    set_first = {"SALES_ASSETS_START_DATE": str(later)}
    assert days_of(url, set_first) == LogDays(later, newest - 14 * DAY, later + 61 * DAY)


def test_a_folder_says_itself_how_it_is_read(log: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(log, tmp_path / "log"))
    environment = {"SALES_ASSETS_REPORT_TZ": "Asia/Tokyo", "SALES_ASSETS_STORAGE": "elsewhere"}
    assert settings_of(folder, {}) == {"SALES_ASSETS_HOLIDAYS": "none"}
    assert settings_of(folder, environment) == {
        "SALES_ASSETS_HOLIDAYS": "none",
        "SALES_ASSETS_REPORT_TZ": "Asia/Tokyo",
    }
    (folder / "trial.env").write_text(
        "SALES_ASSETS_REPORT_TZ=Europe/Amsterdam\nSALES_ASSETS_HOLIDAYS=NL\n"
    )
    assert settings_of(folder, environment) == {
        "SALES_ASSETS_HOLIDAYS": "NL",
        "SALES_ASSETS_REPORT_TZ": "Europe/Amsterdam",
    }
    (folder / "trial.env").write_text("SALES_ASSETS_STORAGE=elsewhere\n")
    with pytest.raises(SalesAssetsError, match="sets SALES_ASSETS_STORAGE; it may set"):
        settings_of(folder, {})


def test_a_known_log_needs_no_settings(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(log, tmp_path / "log"))
    content = gzip.decompress((folder / "events.csv.gz").read_bytes())
    known = {sha256(content).hexdigest(): {"REPORT_TZ": "Europe/Paris", "HOLIDAYS": "FR"}}
    monkeypatch.setattr(of_log, "KNOWN_LOGS", known)
    assert settings_of(folder, {"SALES_ASSETS_HOLIDAYS": "none"}) == {
        "SALES_ASSETS_REPORT_TZ": "Europe/Paris",
        "SALES_ASSETS_HOLIDAYS": "none",
    }
    (folder / "events.csv.gz").write_bytes(gzip.compress(content + b"\n"))
    assert settings_of(folder, {}) == {"SALES_ASSETS_HOLIDAYS": "none"}


def test_what_is_no_log_is_named(log: Path, tmp_path: Path, url: str) -> None:
    with pytest.raises(SalesAssetsError, match=r"events\.csv\.gz was looked for and is not there"):
        load(tmp_path, url)
    folder = Path(shutil.copytree(log, tmp_path / "log"))
    (folder / "events_dict.csv").write_text("id,name\n1,request\n")
    with pytest.raises(SalesAssetsError, match="columns id, name; expected id, _description"):
        load(folder, url)
    (folder / "events_dict.csv").write_text("id,_description\none,request\n")
    with pytest.raises(SalesAssetsError, match=r"(?s)events_dict\.csv could not .* integer"):
        load(folder, url)


# --- The figures -------------------------------------------------------------------------------


def series(change: int = 0, day_number: int = 0) -> dict[str, Any]:
    numbers = {"value": 9, "of": None, "usual": 5.0, "low": 1, "high": 8, "window": 1}
    return numbers | {"change": change, "is_new": day_number == 1, "day_number": day_number}


def report(state: str = "complete", bad: int = 0, **numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "data": {"state": state, "missing": ["Покупка"] if state == "types_missing" else []},
        "numbers": {
            "data_quality": {"rows": 10, "set_aside": {"duplicates": bad, "without_user": 0}},
            "new_paying": series(),
            **numbers,
        },
    }


def quiet() -> dict[date, dict[str, Any]]:
    return {FIRST + number * DAY: report() for number in range(100)}


def figure(reports: Mapping[date, Mapping[str, Any]], name: str) -> Figure:
    [found] = [each for each in figures(reports, DAYS) if each.name == name]
    return found


def test_a_quiet_log_meets_all_goals() -> None:
    found = figures(quiet(), DAYS)
    assert [each.name for each in found if each.is_met is False] == []
    assert sum(each.is_met is True for each in found) == 6
    assert list(told(quiet(), DAYS)) == []


def test_a_day_without_a_report_is_a_goal_missed() -> None:
    reports = quiet()
    del reports[FIRST + 3 * DAY]
    found = figure(reports, "days without a report")
    assert (found.value, found.is_met) == ("1 of 100", False)


def test_refused_rows_are_counted_by_kind() -> None:
    found = figure(quiet() | {FIRST: report(bad=6)}, "rows refused")
    assert (found.value, found.is_met) == ("6 of 1000 (duplicates 6)", True)
    assert figure({FIRST: report(bad=6)}, "rows refused").is_met is False


def test_days_with_a_new_story_are_counted_from_the_day_on_that_can_be_judged() -> None:
    news = report(new_paying=series(1, 1), requests=series(-1, 1))
    young = {FIRST + number * DAY: news for number in range(9)}
    assert figure(quiet() | young, "days with a new story").value == "0 of 91"
    twelve = {FIRST + (9 + 7 * number) * DAY: news for number in range(12)}
    found = figure(quiet() | twelve, "days with a new story")
    assert found.value == "12 of 91 (new_paying 12, requests 12)"
    assert (found.goal, found.is_met) == ("at most 12", True)
    thirteen = twelve | {FIRST + 97 * DAY: news}
    assert figure(quiet() | thirteen, "days with a new story").is_met is False


def test_a_story_that_was_told_the_day_before_is_told_twice() -> None:
    first, again = FIRST + 20 * DAY, FIRST + 21 * DAY
    news, going_on = report(new_paying=series(1, 1)), report(new_paying=series(1, 2))
    name = "stories told as new twice"
    assert figure(quiet() | {first: news, again: going_on}, name).is_met
    assert figure(quiet() | {first: news, first + 15 * DAY: news}, name).is_met
    found = figure(quiet() | {first: news, again: news}, name)
    assert (found.value, found.is_met) == ("1 of 2", False)
    other_side = report(new_paying=series(-1, 1))
    assert figure(quiet() | {first: news, again: other_side}, name).is_met


@pytest.mark.parametrize("state", ["empty", "ends_early", "hole"])
def test_a_whole_day_that_is_called_cut_is_a_false_word(state: str) -> None:
    found = figure(
        quiet() | {FIRST + 20 * DAY: report(state)}, "days called empty, ends_early or hole"
    )
    assert (found.value, found.is_met) == (f"{state} 1", False)


def test_one_missing_type_is_forgiven_and_two_are_not() -> None:
    one = quiet() | {FIRST + 20 * DAY: report("types_missing")}
    assert figure(one, "days called types_missing").is_met
    two = one | {FIRST + 30 * DAY: report("types_missing")}
    assert figure(two, "days called types_missing").is_met is False


def test_stories_and_doubts_are_told_with_their_numbers() -> None:
    week = series(1, 1) | {"window": 7, "of": 20}
    days = {FIRST + 20 * DAY: report(requests=week), FIRST + 22 * DAY: report("types_missing")}
    assert list(told(quiet() | days, DAYS)) == [
        "2025-01-26 requests more: 9 of 20, usual 1 to 8, by 7 days",
        "2025-01-28 data: types_missing Покупка",
    ]


# --- The whole ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_small_log_runs_through_the_whole_product(log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    result = CliRunner().invoke(main, [str(log), "--keep", str(kept)])
    assert result.exit_code == 0, result.output
    assert "0 of 4" in result.output
    assert re.search(r"contradicts +0 of [1-9]\d", result.output)
    assert "MISSED" not in result.output
    assert len(list((kept / "storage/daily_report").glob("*.json"))) == 4
    again = CliRunner().invoke(main, [str(log), "--keep", str(kept)])
    assert again.exit_code == 1
    assert "is not empty" in again.output
