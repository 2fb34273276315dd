import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sales_assets"
CYRILLIC = re.compile("[А-Яа-яЁё]")
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|DROP)\b")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(module: Path) -> str:
    return str(module.relative_to(ROOT))


def test_imports_run_one_way() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    if not lint.exists():
        pytest.skip("import-linter is not installed: the contracts in setup.cfg are not checked")
    checked = subprocess.run(
        [str(lint), "--config", "setup.cfg", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_russian_words_live_in_their_rooms() -> None:
    rooms = (
        "sales_assets/core/journey.py",
        "sales_assets/core/russian/",
        "sales_assets/old_bot/words.py",
    )
    elsewhere = [
        f"{name_of(module)}:{number}"
        for module in modules()
        if not name_of(module).startswith(rooms)
        for number, line in enumerate(module.read_text().splitlines(), start=1)
        if CYRILLIC.search(line)
    ]
    assert elsewhere == []


@pytest.mark.parametrize("sign", ["dg.Definitions(", "EnvVar("])
def test_the_composition_root_alone_puts_things_together(sign: str) -> None:
    found = [name_of(module) for module in modules() if sign in module.read_text()]
    assert found == ["sales_assets/definitions.py"]


def formatted_strings(module: Path) -> Iterator[ast.JoinedStr]:
    tree = ast.parse(module.read_text())
    return (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))


def constants_of(module: Path) -> set[str]:
    tree = ast.parse(module.read_text())
    names = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in (alias.asname or alias.name for alias in node.names)
    }
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return {name for name in names | assigned if name.isupper()}


def test_sql_takes_values_as_parameters_and_is_put_together_from_constants_alone() -> None:
    offending = [
        f"{name_of(module)}:{string.lineno}"
        for module in modules()
        for string in formatted_strings(module)
        if any(
            isinstance(part, ast.Constant) and SQL.search(str(part.value)) for part in string.values
        )
        for part in string.values
        if isinstance(part, ast.FormattedValue)
        and not (isinstance(part.value, ast.Name) and part.value.id in constants_of(module))
        and "Error(" not in module.read_text().splitlines()[string.lineno - 2]
    ]
    assert offending == []


def test_dagster_s_private_modules_are_used_by_the_event_storage_and_the_launcher_alone() -> None:
    private = re.compile(r"\b(from|import) dagster\._|\bdagster import _")
    found = [name_of(module) for module in modules() if private.search(module.read_text())]
    assert found == ["sales_assets/defs/event_storage.py", "sales_assets/defs/run_launcher.py"]


def test_the_delivery_has_fewer_than_fifteen_public_classes() -> None:
    of_delivery = ("core/delivery/", "adapters/telegram/", "adapters/outbox.py")
    found = [
        node.name
        for module in modules()
        if name_of(module).removeprefix("sales_assets/").startswith(of_delivery)
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert "Delivery" in found
    assert len(found) < 15, sorted(found)


def test_nothing_in_core_reads_a_clock() -> None:
    clocks = re.compile(r"\b(datetime\.now|date\.today|time\.time|utcnow|Timestamp\.now)\(")
    core = [module for module in modules() if "core" in module.parts]
    assert [name_of(module) for module in core if clocks.search(module.read_text())] == []


def test_every_module_opens_by_saying_what_belongs_in_it() -> None:
    silent = [
        name_of(module)
        for module in modules()
        if module.name != "__init__.py" and not ast.get_docstring(ast.parse(module.read_text()))
    ]
    assert silent == []


#: Scripts outside the project take the judges from here.
DOORS = ["sales_assets/core/judgement/__init__.py"]


def test_every_init_is_empty_and_no_file_is_a_drawer() -> None:
    full = [
        name_of(module)
        for module in modules()
        if module.name == "__init__.py" and module.stat().st_size and name_of(module) not in DOORS
    ]
    drawers = [
        name_of(module)
        for module in modules()
        if module.stem in {"utils", "helpers", "common", "misc"}
    ]
    assert full == drawers == []


#: What takes long to be imported, and memory for as long as its process lives.
HEAVY = ("altair", "pandera", "sklearn", "telegram", "vl_convert", "alembic", "holidays")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("sales_assets.definitions", HEAVY),
        ("sales_assets.cli.dev", (*HEAVY, "pandas", "sqlalchemy.orm")),
        ("sales_assets.cli.main", (*HEAVY, "pandas", "sqlalchemy.orm", "dagster")),
    ],
)
def test_a_start_does_without_heavy_libraries_until_they_are_used(
    module: str, heavy: tuple[str, ...]
) -> None:
    program = f"import sys, {module}\nprint([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_dagster_and_dg_are_pointed_to_the_same_code() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert "dagster" not in tools  # it would beat workspace.yaml without a word
    assert tools["dg"]["project"] == {"root_module": "sales_assets"}
    assert not (ROOT / "dagster.yaml").exists()
    workspace = (ROOT / "workspace.yaml").read_text()
    assert "sales_assets.definitions" in workspace
    assert workspace == (PACKAGE / "defs" / "workspace.yaml").read_text()
