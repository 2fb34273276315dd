import gc
from collections.abc import Sequence
from datetime import time, timedelta
from pathlib import Path

import dagster as dg
import pytest

from sales_assets.core import names
from sales_assets.defs.checks import SHRUNKEN
from sales_assets.defs.jobs import MORNING_TAG
from sales_assets_tests.base_source import ZONES, delete_rows, fill_base, yesterday
from sales_assets_tests.conftest import BaseStorage, SourceDatabase
from sales_assets_tests.defs.world import Product, failures
from sales_assets_tests.distant_store import DistantStore
from sales_assets_tests.sources import execute

DAY = yesterday()
NEXT = DAY + timedelta(days=1)
MORNING = {MORNING_TAG: "true"}


@pytest.fixture
def url(source_database: SourceDatabase, monkeypatch: pytest.MonkeyPatch) -> str:
    url = source_database()
    fill_base(url, DAY)
    monkeypatch.setenv("SALES_ASSETS_SOURCE_URL", url)
    return url


@pytest.fixture
def product(
    url: str, tmp_path: Path, instance: dg.DagsterInstance, base_storage: BaseStorage
) -> Product:
    base_storage(url, tmp_path / "storage")
    first = DAY - timedelta(days=83)
    return Product.at(
        tmp_path,
        first,
        instance=instance,
        last_call=time(23, 59),
        **ZONES,
    )


class Looks:
    """The sensor's looks, one after another, with what it keeps between them."""

    def __init__(self, product: Product) -> None:
        self.product, self.cursor = product, None

    def look(self) -> Sequence[dg.RunRequest]:
        definitions = self.product.definitions
        sensor = definitions.resolve_sensor_def(names.SOURCE_READINESS_SENSOR)
        context = dg.build_sensor_context(
            self.product.instance,
            cursor=self.cursor,
            definitions=definitions,
            resources={"lookback": (definitions.resources or {})["lookback"]},
        )
        with context:
            tick = sensor.evaluate_tick(context)
        self.cursor = tick.cursor
        return tick.run_requests or []


def test_a_quiet_morning_asks_for_nothing(product: Product) -> None:
    looks = Looks(product)
    assert looks.look() == []
    assert product.run(DAY, tags=MORNING, only=[names.RAW_EVENTS]).success
    assert looks.look() == []


def test_a_look_leaves_the_garbage_of_its_long_process_to_be_collected(product: Product) -> None:
    gc.unfreeze()  # what earlier runs in this process left out of it
    Looks(product).look()
    assert gc.get_freeze_count() == 0
    assert product.run(DAY, only=[names.RAW_EVENTS]).success
    assert gc.get_freeze_count() > 0


def test_a_cut_day_is_asked_for_once_its_rest_is_there(
    product: Product, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(url, "CREATE TABLE late AS SELECT * FROM events")
    execute(url, "CREATE TABLE paid AS SELECT * FROM payments")
    delete_rows(url, f"{DAY} 10:00", str(NEXT))
    assert not product.run(DAY, tags=MORNING).success
    looks = Looks(product)
    monkeypatch.setenv("SALES_ASSETS_SOURCE_URL", "postgresql://nobody@127.0.0.1:9/nowhere")
    assert looks.look() == []
    monkeypatch.setenv("SALES_ASSETS_SOURCE_URL", url)
    assert looks.look() == looks.look() == []
    execute(
        url, "INSERT INTO events SELECT * FROM late WHERE happened_at >= %s", [(f"{DAY} 10:00",)]
    )
    execute(
        url, "INSERT INTO payments SELECT * FROM paid WHERE transaction_created_at >= %s", [(DAY,)]
    )
    (request,) = looks.look()
    assert request.partition_key == str(DAY)
    assert request.tags[MORNING_TAG] == "true"
    assert product.run(DAY, tags=MORNING, only=[names.RAW_EVENTS]).success
    assert looks.look() == []


def test_a_run_that_found_no_source_is_tried_again_and_not_at_once(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_ASSETS_SOURCE_URL", "postgresql://nobody@127.0.0.1:9/nowhere")
    assert not product.run(DAY, tags=MORNING).success
    looks = Looks(product)
    assert looks.look() == []
    monkeypatch.setattr("sales_assets.core.readiness.PAUSES", (timedelta(),))
    (request,) = looks.look()
    assert request.partition_key == str(DAY)


def test_a_run_that_found_no_storage_is_tried_again(
    url: str,  # noqa: ARG001 - the source that the run could read
    tmp_path: Path,
    instance: dg.DagsterInstance,
    distant_store: DistantStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sales_assets.core.readiness.PAUSES", (timedelta(),))
    first = DAY - timedelta(days=83)
    product = Product.at(tmp_path, first, instance=instance, storage=distant_store.folder, **ZONES)
    assert not product.run(DAY, tags=MORNING).success
    distant_store.open()
    (request,) = Looks(product).look()
    assert request.partition_key == str(DAY)


def test_a_run_that_never_came_to_a_step_is_tried_again_and_none_that_was_cancelled_or_by_hand(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sales_assets.core.readiness.PAUSES", (timedelta(),))
    job, instance = product.definitions.resolve_job_def(names.DAILY_REPORT_JOB), product.instance

    def start(status: dg.DagsterRunStatus, **tags: str) -> dg.DagsterRun:
        tags = {**tags, "dagster/partition": str(DAY)}
        return instance.create_run_for_job(job, status=status, tags=tags)

    looks = Looks(product)
    by_hand = start(dg.DagsterRunStatus.STARTING)
    instance.report_run_failed(by_hand, "whoever started it looks after it")
    assert looks.look() == []
    keys: list[str | None] = []
    for _ in range(2):
        run = start(dg.DagsterRunStatus.STARTING, **MORNING)
        assert looks.look() == []
        instance.report_run_failed(run, "the code server is gone")
        (request,) = looks.look()
        assert [one.run_key for one in looks.look()] == [request.run_key]
        keys.append(request.run_key)
    assert keys[0] != keys[1]
    start(dg.DagsterRunStatus.CANCELED, **MORNING)
    assert looks.look() == []


def test_a_day_whose_loss_waits_for_a_word_is_left_alone(product: Product, url: str) -> None:
    # A loss is one of rows: the report of them would take a minute on a busy machine.
    assert failures(product.run(DAY, tags=MORNING, only=[names.RAW_EVENTS])) == {}
    execute(url, "DELETE FROM events WHERE happened_at >= %s AND event_id = 10", [(DAY,)])
    (told,) = failures(product.run(DAY, tags=MORNING)).values()
    assert f"{DAY} ({SHRUNKEN})" in told
    assert Looks(product).look() == []
