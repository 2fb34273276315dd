"""The cases and data that stand beside the checkouts, where a machine has them."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def shared_folder() -> Path | None:
    """Return the folder `shared` beside the repository or beside any folder that holds it."""
    folders = (parent / "shared" for parent in ROOT.parents)
    return next((folder for folder in folders if (folder / "design").is_dir()), None)


def shared_path(*parts: str) -> Path:
    """Return a shared file or folder; the test that asks is skipped where there is none."""
    folder = shared_folder()
    if folder is None or not folder.joinpath(*parts).exists():
        pytest.skip(f"no shared/{'/'.join(parts)} beside this checkout")
    return folder.joinpath(*parts)


def shared_cases(name: str) -> Any:
    """Read a file of cases; the test that asks is skipped where there is none."""
    return json.loads(shared_path("design", "cases", name).read_text(encoding="utf-8"))
