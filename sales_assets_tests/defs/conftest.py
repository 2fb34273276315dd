"""Products for the tests of the Dagster side: one computed once and only read, fresh ones."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from sales_assets_tests.conftest import SourceDatabase
from sales_assets_tests.defs.world import LAST, PLAN, Product, failures

RANGE = (LAST - timedelta(days=2), LAST)


@pytest.fixture(scope="session")
def demo_url(source_database: SourceDatabase) -> str:
    return source_database(PLAN)


@pytest.fixture(scope="session")
def computed(demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Three days in one run on an empty storage; to be read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALES_ASSETS_SOURCE_URL", demo_url)
        product = Product.at(tmp_path_factory.mktemp("computed"))
        result = product.run(*RANGE)
    assert failures(result) == {}
    return product


@pytest.fixture(scope="session")
def instance_on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


@pytest.fixture
def instance(instance_on_disk: dg.DagsterInstance) -> dg.DagsterInstance:
    """An empty instance on disk, as schedules and sensors need it; runs are quicker without."""
    instance_on_disk.wipe()
    return instance_on_disk


@pytest.fixture
def product(demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Product:
    """A product on the demo data with nothing stored."""
    monkeypatch.setenv("SALES_ASSETS_SOURCE_URL", demo_url)
    return Product.at(tmp_path)


@pytest.fixture
def source(source_database: SourceDatabase, monkeypatch: pytest.MonkeyPatch) -> str:
    """An own, empty source that the test fills; the products made after it read it."""
    url = source_database()
    monkeypatch.setenv("SALES_ASSETS_SOURCE_URL", url)
    return url


@pytest.fixture
def young(source: str, tmp_path: Path) -> Product:
    """A product on the test's own source with nothing stored."""
    del source
    return Product.at(tmp_path)
