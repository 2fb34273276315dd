import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sales_assets.adapters.settings import PREFIX, InvalidSettingError, Settings, environment_name
from sales_assets.adapters.state.database import WITNESS, open_state
from sales_assets.cli.main import main
from sales_assets.core.russian import delivery, report
from sales_assets.definitions import build_definitions

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
SHELL = re.compile(r"^( *)```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
#: The blocks of commands that a test below runs as they stand, by how they begin.
RUN_HERE = ("install -d", "mkdir -p var", ".venv/bin/python -c", "rm -f var/state.db")
#: Commands of the documents that no test here runs, by how they begin, and why.
NOT_RUN = (
    ("make test", "is what runs this"),
    (
        "make demo",
        "sales_assets_tests/demo/test_journeys.py has its data, .ci makes the environment",
    ),
    (
        ".venv/bin/python -m sales_assets_tests.fake_telegram",
        "fake_telegram/test_process.py starts it",
    ),
    ("export SALES_ASSETS_", "sets what bot/test_program.py gives the bot"),
    (".venv/bin/sales-assets bot", "bot/test_program.py starts it"),
    ("docker ", "wants a Docker engine"),
    ("helm ", "wants a cluster and the registry of charts"),
    ("apt-get ", "changes the machine"),
    ("useradd ", "changes the machine"),
    ("sudo -u postgres ", "wants a Postgres of the machine's own"),
    ("systemctl ", "wants a running systemd"),
    ("cp deploy/systemd/* /etc/", "changes the machine"),
    ("git pull", "wants the repository's server"),
    ("git clone", "wants the repository's server"),
    ("chown ", "changes the machine"),
    ("python3 -m venv .venv", "make does it for every run of the tests"),
    (".venv/bin/python -m pip ", "wants the registry of packages"),
)
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


def test_the_table_of_checks_names_exactly_those_that_there_are() -> None:
    _, table = text_of("docs/assets.md").split("## Checks")
    written = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", table.split("\n## ")[0], re.MULTILINE)
    keys = build_definitions(Settings()).resolve_asset_graph().asset_check_keys
    assert sorted(written) == sorted((key.name, key.asset_key.to_user_string()) for key in keys)


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


def shell_blocks() -> list[str]:
    """Return every block of commands of the documents, without its indentation."""
    found = (found for path in DOCUMENTS for found in SHELL.findall(path.read_text()))
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def the_block(start: str) -> str:
    (block,) = (block for block in shell_blocks() if block.startswith(start))
    return block


def run_block(start: str, folder: Path) -> None:
    subprocess.run(["/bin/sh", "-eu", "-c", the_block(start)], cwd=folder, check=True)


def test_every_command_of_the_documents_is_run_or_has_a_reason_not_to_be() -> None:
    blocks = [block for block in shell_blocks() if not block.startswith(RUN_HERE)]
    commands = [line for block in blocks for line in block.splitlines()]
    starts = tuple(start for start, _ in NOT_RUN)
    assert [command for command in commands if not command.startswith(starts)] == []
    unused = [start for start in starts if not any(one.startswith(start) for one in commands)]
    assert unused == []


def test_the_options_that_the_documents_name_exist() -> None:
    for document in DOCUMENTS:
        for name, rest in re.findall(r"`sales-assets ([a-z]+)([^`]*)`", document.read_text()):
            options = {text for one in main.commands[name].params for text in one.opts}
            assert set(re.findall(r"--[\w-]+", rest)) <= options, (document, name)


def test_the_secrets_of_the_documents_are_those_of_the_compose_file(tmp_path: Path) -> None:
    run_block("install -d", tmp_path)
    folder = tmp_path / "deploy" / "secrets"
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    assert {path.name for path in folder.iterdir()} == set(re.findall(r"secrets/(\w+)}", compose))
    assert folder.stat().st_mode & 0o777 == 0o700
    password = (folder / "DAGSTER_PG_PASSWORD").read_text()
    assert re.fullmatch(r"\w{48}", password)
    state_url = (folder / "SALES_ASSETS_STATE_URL").read_text()
    assert state_url == f"postgresql+psycopg2://sales_assets:{password}@postgres/sales_assets"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the project's to the commands of the documents."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    (tmp_path / ".env.example").symlink_to(ROOT / ".env.example")
    return tmp_path


def test_the_files_of_the_systemd_way_are_laid_as_the_document_says(checkout: Path) -> None:
    run_block("mkdir -p var", checkout)
    assert (checkout / "var" / "dagster" / "dagster.yaml").exists()
    assert (checkout / ".env").stat().st_mode & 0o777 == 0o600


def test_a_restored_state_is_the_one_that_was_backed_up(checkout: Path) -> None:
    var = checkout / "var"
    url = f"sqlite:///{var / 'state.db'}"
    open_state(url, witness=var / WITNESS).close()
    before = identity(var / "state.db")
    run_block(".venv/bin/python -c", checkout)
    (var / "state.db").unlink()
    lost = open_state(url, witness=var / WITNESS)
    assert lost.lost
    lost.close()
    run_block("rm -f var/state.db", checkout)
    assert identity(var / "state.db") == before
    found = open_state(url, witness=var / WITNESS)
    assert found.lost is None
    found.close()


def identity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("select identity from state_identity").fetchone()[0]
    finally:
        connection.close()


def test_the_operations_page_tells_of_every_alarm_and_of_the_late_sentence() -> None:
    page = " ".join(text_of("docs/operations.md").split())
    names = [name for name in vars(delivery) if name.startswith("ALERT_")]
    sentences = [getattr(delivery, name) for name in names]
    sentences += [report.LATE_SENTENCE, report.LATE_IN_PROGRESS, report.LATE_FAILED]
    for sentence in sentences:
        told = sentence.removesuffix(" Причина: {reason}")
        longest = max(re.split(r"\{\w+\}", told), key=len)
        assert longest.strip(" :,().«»") in page, sentence
