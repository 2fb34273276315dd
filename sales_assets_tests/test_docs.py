import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from sales_assets.adapters.settings import PREFIX, InvalidSettingError, Settings, environment_name
from sales_assets.cli.main import main

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)(#[^)\s]*)?\)")


def text_of(name: str) -> str:
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"{name} is not written yet")
    return path.read_text()


def test_the_example_environment_names_exactly_what_the_settings_read() -> None:
    written = re.findall(rf"^#?({PREFIX}\w+)=", text_of(".env.example"), re.MULTILINE)
    assert len(written) == len(set(written))
    assert set(written) == set(map(environment_name, Settings.model_fields))


def test_every_example_in_the_environment_file_is_a_value_that_is_taken() -> None:
    lines = re.findall(rf"^#?({PREFIX}\w+)=(.*)$", text_of(".env.example"), re.MULTILINE)
    for name, value in lines:
        try:
            Settings.from_environment({name: value})
        except InvalidSettingError as error:
            pytest.fail(str(error))


def test_the_documents_name_no_setting_that_is_not_there() -> None:
    known = set(re.findall(rf"{PREFIX}\w+", text_of(".env.example")))
    for document in DOCUMENTS:
        used = set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", document.read_text()))
        assert used <= known, document


def test_the_readme_commands_of_make_exist() -> None:
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test", "dev", "bench"} <= targets
    for document in DOCUMENTS:
        named = set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", document.read_text(), re.MULTILINE))
        assert named <= targets, document


def test_the_commands_that_the_documents_name_exist() -> None:
    for document in DOCUMENTS:
        named = set(
            re.findall(r"(?:^|`)(?:\S*/)?sales-assets ([a-z]+)", document.read_text(), re.MULTILINE)
        )
        assert named <= set(main.commands), document


def test_the_commands_that_others_call_are_there() -> None:
    assert {"report", "backfill", "demo", "dev"} <= set(main.commands)
    for name in main.commands:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_inside_the_project_lead_somewhere(document: Path) -> None:
    broken = [
        target
        for target, _ in LINK.findall(document.read_text())
        if "://" not in target
        and not target.startswith("mailto:")
        and not (document.parent / target).exists()
    ]
    assert broken == []


def test_the_documents_describe_no_file_of_the_package_that_is_gone() -> None:
    for document in DOCUMENTS:
        if document.name == "CHANGELOG.md":
            continue
        named = set(re.findall(r"`(sales_assets(?:_tests)?/[\w/.]+)`", document.read_text()))
        assert [path for path in named if not (ROOT / path).exists()] == [], document


def test_no_environment_file_and_no_data_are_kept_in_the_repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", ".env", "var"],  # noqa: S607 - whichever git is on the path
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout == ""
