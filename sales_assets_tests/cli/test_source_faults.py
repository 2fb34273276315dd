"""Sources that don't fit, through the command line: what is said, what is stored, which code."""

import json
from pathlib import Path

import pytest

from sales_assets.adapters.demo.embedded_postgres import EmbeddedServer
from sales_assets.adapters.files.findings import read_findings
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.core.source_findings import Kind, not_counted
from sales_assets_tests.base_source import first_day
from sales_assets_tests.cli.test_commands import _elsewhere, refused, reports, run
from sales_assets_tests.source_world import BEFORE, DAY, make_base
from sales_assets_tests.sources import execute

__all__ = ["_elsewhere"]


@pytest.fixture(scope="module")
def url(embedded_server: EmbeddedServer) -> str:
    return embedded_server.ensure_database("command_faults")


@pytest.fixture
def environment(url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "SALES_ASSETS_SOURCE_URL": url,
        "SALES_ASSETS_START_DATE": str(first_day(DAY)),
        "SALES_ASSETS_VAR": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }


def store(environment: dict[str, str]) -> FrameStore:
    return FrameStore(str(Path(environment["SALES_ASSETS_VAR"]) / "storage"))


def succeeded(environment: dict[str, str], *arguments: object) -> bool:
    result = run(environment, *arguments)
    assert result.exit_code == 0, result.stderr
    return True


def bad_lines(environment: dict[str, str]) -> list[str]:
    result = run(environment, "doctor")
    assert isinstance(result.exception, SystemExit), result.exception
    return [line for line in result.output.splitlines() if line.startswith("BAD")]


def requests(environment: dict[str, str]) -> int:
    path = Path(environment["SALES_ASSETS_VAR"]) / "storage/daily_report" / f"{DAY}.json"
    return json.loads(path.read_text())["numbers"]["unclosed_processes"]["open_requests"]["due"]


def test_a_latin_letter_in_the_dictionary_is_taken_for_what_it_looks_like_and_said(
    environment: dict[str, str], url: str
) -> None:
    make_base(
        url, "UPDATE events_dict SET _description = 'C' || substr(_description, 2) WHERE id = 10"
    )
    assert succeeded(environment, "report", DAY)
    (found,) = read_findings(store(environment), DAY)
    assert found.kind is Kind.LOOK_ALIKE
    assert "U+0063" in found.sentence
    assert not_counted([found]) == {}
    assert found.sentence in run(environment, "doctor").output


def test_a_changed_name_is_told_old_and_new_in_every_run_until_it_is_back(
    environment: dict[str, str], url: str
) -> None:
    make_base(url)
    assert succeeded(environment, "report", BEFORE)
    execute(url, "UPDATE events_dict SET _description = 'Создание заявки (сайт)' WHERE id = 10")
    for _ in range(2):
        assert succeeded(environment, "report", DAY)
        found = read_findings(store(environment), DAY)
        assert [one.kind for one in found] == [Kind.NAME_CHANGED, Kind.TYPE_MISSING]
        assert set(not_counted(found)) == {"open_requests", "funnel"}
    assert any("it was 'Создание заявки', it is" in line for line in run_lines(environment))


def run_lines(environment: dict[str, str]) -> list[str]:
    return run(environment, "doctor").output.splitlines()


def test_another_zone_or_source_is_refused_until_the_storage_is_rebuilt(
    environment: dict[str, str], url: str, embedded_server: EmbeddedServer
) -> None:
    make_base(url)
    assert succeeded(environment, "report", BEFORE)
    other = embedded_server.ensure_database("command_faults_other")
    make_base(other)
    for change in (
        {"SALES_ASSETS_REPORT_TZ": "Asia/Yekaterinburg"},
        {"SALES_ASSETS_SOURCE_URL": other},
    ):
        result = run(environment | change, "report", DAY)
        assert result.exit_code == 3
        assert "--rebuild" in result.stderr
        assert any("are not this source's" in line for line in bad_lines(environment | change))
    assert reports(environment) == [str(BEFORE)]
    moved = environment | {"SALES_ASSETS_SOURCE_URL": other}
    assert succeeded(moved, "report", DAY, "--same-source")
    assert succeeded(environment, "report", DAY, "--same-source")
    execute(other, "DELETE FROM events WHERE happened_at < '2026-11-01'")
    assert run(moved, "report", DAY, "--same-source").exit_code == 3
    assert succeeded(moved, "backfill", DAY, DAY, "--rebuild")
    assert reports(environment) == [str(DAY)]


def test_hidden_rows_are_bad_and_no_report(environment: dict[str, str], url: str) -> None:
    make_base(
        url,
        """
        DO $$ BEGIN CREATE ROLE blind LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO blind;
        ALTER TABLE events ENABLE ROW LEVEL SECURITY;
        ALTER TABLE payments ENABLE ROW LEVEL SECURITY
        """,
    )
    blind = environment | {"SALES_ASSETS_SOURCE_URL": url.replace("postgres@", "blind@")}
    assert "row security" in refused(blind, "report", DAY)
    assert any("row security" in line for line in bad_lines(blind))
    assert reports(blind) == []


def test_an_environment_file_of_another_encoding_is_a_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("# Источник\n", "cp1251")
    for command in (["doctor"], ["report", DAY]):
        assert "Save the file in UTF-8" in refused(environment, *command)
