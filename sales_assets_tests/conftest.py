"""What tests of every folder share: one embedded Postgres, and fresh databases in it."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.stamps import accept_same_source
from sales_assets.adapters.history import History
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.source.postgres import PostgresSource
from sales_assets.adapters.state.database import WITNESS
from sales_assets.cli.instance import prepare_home
from sales_assets.demo import embedded_postgres
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets.demo.journeys import DemoPlan
from sales_assets.demo.source import load_demo_source
from sales_assets_tests.base_source import ZONE, fill_base, yesterday
from sales_assets_tests.distant_store import DistantStore
from sales_assets_tests.sources import create_tables

PROJECT = Path(__file__).parents[1]
SourceDatabase = Callable[..., str]
BaseStorage = Callable[[str, Path], None]
DagsterHome = Callable[[Path], Path]


@pytest.fixture(scope="session", autouse=True)
def project_state() -> Iterator[None]:
    """Whatever is tested, the project's own `var` remembers no state that it did not."""
    witness = PROJECT / "var" / WITNESS
    was_there = witness.exists()
    yield
    assert witness.exists() == was_there, f"{witness} spoils the next `make demo`"


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


@pytest.fixture
def distant_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[DistantStore]:
    store = DistantStore()
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    store.close()  # nothing that was read before is remembered
    yield store
    store.close()


@pytest.fixture(scope="session")
def base_storage(
    source_database: SourceDatabase, tmp_path_factory: pytest.TempPathFactory
) -> BaseStorage:
    """Return a function that fills the storage of a base source up to the day before the newest.

    It takes the source's URL and the folder. The days are read once and copied for each storage.
    """
    newest, made = yesterday(), tmp_path_factory.mktemp("base") / "storage"

    def source(url: str) -> PostgresSource:
        return PostgresSource(url, ZONE, ZONE)

    def make() -> None:
        url = source_database()
        first, before = fill_base(url, newest), newest - timedelta(days=1)
        settings = Settings(storage=str(made), report_zone=ZONE, holidays="none")
        history = History(settings, lambda: source(url), first)
        history.ensure(history.lookback([before]), own=[before])
        history.ensure_values([before])

    def fill(url: str, storage: Path) -> None:
        if not made.exists():
            make()
        shutil.copytree(made, storage)
        accept_same_source(FrameStore(str(storage)), source(url))

    return fill


@pytest.fixture(scope="session")
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> DagsterHome:
    """Return a function that makes a new home of Dagster: its databases are made once, and copied.

    Commands in this process need one each; making the databases takes longer than most of them.
    """
    made = tmp_path_factory.mktemp("home") / "dagster"

    def make(home: Path) -> Path:
        if not made.exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("DAGSTER_HOME", str(made))
                prepare_home(Settings(var_dir=made.parent))
        shutil.copytree(made, home)
        return home

    return make
