"""What tests of every folder share: one embedded Postgres, and fresh databases in it."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from sales_assets.adapters.demo import embedded_postgres
from sales_assets.adapters.demo.embedded_postgres import EmbeddedServer
from sales_assets.adapters.demo.source import load_demo_source
from sales_assets.core.demo import DemoPlan
from sales_assets_tests.sources import create_tables

SourceDatabase = Callable[..., str]


@pytest.fixture(scope="session")
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with embedded_postgres.start(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def source_database(embedded_server: EmbeddedServer) -> SourceDatabase:
    """Return a function that makes a database of its own for each call and returns its URL.

    Without a plan it has the three tables and a dictionary, and no other rows; with a `DemoPlan`
    it is a copy of the demo source, which is filled once per plan.
    """
    numbers = count()
    templates: dict[DemoPlan | None, str] = {}

    def make(plan: DemoPlan | None = None) -> str:
        if plan not in templates:
            name = f"template_{len(templates)}"
            url = embedded_server.ensure_database(name)
            if plan is None:
                create_tables(url)
            else:
                load_demo_source(url, plan)
            templates[plan] = name
        return embedded_server.ensure_database(f"test_{next(numbers)}", templates[plan])

    return make
