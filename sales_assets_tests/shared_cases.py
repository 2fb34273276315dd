"""The cases of the shared design folder, where a machine has one beside its checkouts."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def shared_case(name: str) -> Path:
    """Return the path of a file of cases; skip the test that asks where there is none."""
    paths = [parent / "shared" / "design" / "cases" / name for parent in ROOT.parents]
    for path in paths:
        if path.exists():
            return path
    pytest.skip(f"no shared/design/cases/{name} beside this checkout or a folder that holds it")
