from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value

from sales_assets.adapters.files.day_records import Refusal, withdraw_refusal, write_refusal
from sales_assets.adapters.files.frames import FrameStore, PassingStorageError, StorageError
from sales_assets.adapters.files.reports import write_report
from sales_assets.adapters.state.database import DeliveryRow, open_state
from sales_assets.adapters.state.ledger import send_again
from sales_assets.core import names
from sales_assets.core.delivery.rows import OUTBOX_CHAT, MessageKind, RowState
from sales_assets.core.report.report import json_bytes
from sales_assets.defs.sensors import DAYS_LOOKED_AT
from sales_assets_tests.adapters.delivery.delivery_world import subscribe
from sales_assets_tests.base_source import ZONE, yesterday
from sales_assets_tests.defs.world import Product, failures
from sales_assets_tests.distant_store import DistantStore
from sales_assets_tests.fake_telegram.conftest import picture
from sales_assets_tests.fake_telegram.server import FakeTelegram

NEWEST = yesterday()
OLD = NEWEST - timedelta(days=5)
START = NEWEST - timedelta(days=20)
#: Reports are due as soon as their day is over: the sensor looks at the real clock.
AT_ONCE = time()


@pytest.fixture
def product(tmp_path: Path, instance: dg.DagsterInstance) -> Product:
    return Product.at(tmp_path, START, instance=instance, delivery_time=AT_ONCE, report_zone=ZONE)


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as running:
        yield running


def render(product: Product, day: date, verdict: str = "Всё хорошо") -> None:
    """Store a report as `daily_report` does, and let its day show as materialized."""
    drawn = picture(width=60 + len(verdict))
    content: dict[str, Any] = {
        "caption": f"<b>{verdict}</b>",
        "verdict": verdict,
        "numbers": {},
        "notes": [],
        "sha256": sha256(drawn).hexdigest(),
    }
    write_report(FrameStore(product.settings.storage), day, drawn, json_bytes(content))
    shown = dg.AssetMaterialization(names.DAILY_REPORT, partition=day.isoformat())
    product.instance.report_runless_asset_event(shown)


def owed(product: Product) -> list[dg.RunRequest]:
    repository = product.definitions.get_repository_def()
    sensor = repository.get_sensor_def(names.REPORT_DELIVERY_SENSOR)
    resources = {"delivery": (product.definitions.resources or {})["delivery"]}
    with dg.build_sensor_context(
        product.instance, repository_def=repository, resources=resources
    ) as context:
        return list(sensor.evaluate_tick(context).run_requests or [])


def deliver(product: Product, day: date) -> dg.ExecuteInProcessResult:
    return product.run(day, job=names.REPORT_DELIVERY_JOB)


def outbox(product: Product, day: date) -> set[str]:
    return {path.name for path in (product.settings.var_dir / "outbox" / str(day)).glob("*")}


def test_a_rendered_report_of_yesterday_is_asked_for_until_it_is_delivered_and_then_no_more(
    product: Product,
) -> None:
    render(product, NEWEST)
    (request,) = owed(product)
    assert request.partition_key == str(NEWEST)
    (again,) = owed(product)
    assert again.run_key == request.run_key
    assert failures(deliver(product, NEWEST)) == {}
    assert outbox(product, NEWEST) == {
        "report-outbox.html",
        "report-outbox.json",
        "report-outbox.png",
    }
    assert owed(product) == []


def test_the_delivery_shows_its_outcome_chat_by_chat(product: Product) -> None:
    render(product, NEWEST)
    deliver(product, NEWEST)
    frame = product.store.read(names.REPORT_DELIVERY, NEWEST)
    assert list(frame["state"]) == ["sent"]
    assert product.metadata(names.REPORT_DELIVERY, NEWEST)["sent"] == 1


def test_old_days_are_no_news(product: Product) -> None:
    render(product, NEWEST)
    render(product, OLD)
    assert [request.partition_key for request in owed(product)] == [str(NEWEST)]
    assert failures(deliver(product, OLD)) == {}
    assert outbox(product, OLD) == set()


def test_what_the_owner_asked_for_again_goes_out_however_old_its_day_is(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    long_ago = NEWEST - timedelta(days=DAYS_LOOKED_AT + 9)
    product = Product.at(
        tmp_path, long_ago, instance=instance, delivery_time=AT_ONCE, report_zone=ZONE
    )
    render(product, long_ago)
    now = datetime.now(UTC)
    about = {"report_day": long_ago, "kind": MessageKind.REPORT, "state": RowState.FAILED}
    with closing(open_state(product.settings.state_url)) as state, state.writing() as session:
        row = DeliveryRow(**about, chat=OUTBOX_CHAT, thread=0, created_at=now, updated_at=now)
        session.add(row)
        session.flush()
        send_again(session, row.id, now)
    assert str(long_ago) in {request.partition_key for request in owed(product)}
    assert failures(deliver(product, long_ago)) == {}
    assert "report-outbox.png" in outbox(product, long_ago)
    assert str(long_ago) not in {request.partition_key for request in owed(product)}


def test_a_delivered_day_that_is_rebuilt_with_other_content_is_corrected(product: Product) -> None:
    render(product, NEWEST)
    deliver(product, NEWEST)
    render(product, NEWEST, "Всё по-другому")
    (request,) = owed(product)
    assert request.partition_key == str(NEWEST)
    assert failures(deliver(product, NEWEST)) == {}
    shown = product.settings.var_dir / "outbox" / str(NEWEST) / "report-outbox.html"
    assert "Всё по-другому" in shown.read_text()
    assert owed(product) == []


def test_a_day_that_is_rebuilt_the_same_is_left_alone(product: Product) -> None:
    render(product, NEWEST)
    deliver(product, NEWEST)
    render(product, NEWEST)
    assert owed(product) == []


def test_a_missing_report_is_announced_as_late_and_comes_by_itself_when_it_is_there(
    product: Product,
) -> None:
    (request,) = owed(product)
    assert request.partition_key == str(NEWEST)
    announced = deliver(product, NEWEST)
    assert "late-outbox.html" in outbox(product, NEWEST)
    assert announced.success, "the chats were told: nobody has to look at this run"
    checks = {one.check_name: one for one in announced.get_asset_check_evaluations()}
    assert not checks["delivered"].passed
    assert checks["delivered"].severity is dg.AssetCheckSeverity.WARN
    assert not checks["freshness_check"].passed
    assert owed(product) == []
    render(product, NEWEST)
    (late,) = owed(product)
    assert late.run_key != request.run_key
    assert failures(deliver(product, NEWEST)) == {}
    assert "report-outbox.png" in outbox(product, NEWEST)


def test_a_storage_that_stays_away_makes_the_report_late_and_it_comes_when_it_is_back(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    distant_store: DistantStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far = {"storage": distant_store.folder, "delivery_time": AT_ONCE, "report_zone": ZONE}
    product = Product.at(tmp_path, START, instance=instance, **far)
    monkeypatch.setattr("sales_assets.defs.sensors.MOST_PATIENCE", timedelta(days=2))
    with pytest.raises(PassingStorageError):  # a moment's absence only makes a red look
        owed(product)
    monkeypatch.setattr("sales_assets.defs.sensors.MOST_PATIENCE", timedelta())
    (request,) = owed(product)
    assert request.partition_key == str(NEWEST)
    (told,) = failures(deliver(product, NEWEST)).values()
    assert f"Could not look for {distant_store.folder}" in told
    assert {name.partition(".")[0] for name in outbox(product, NEWEST)} == {
        "late-outbox",
        f"alert-{names.LATE_TOPIC}-outbox",
    }
    with pytest.raises(PassingStorageError):  # they know
        owed(product)
    distant_store.open()
    render(product, NEWEST)
    (request,) = owed(product)
    assert failures(deliver(product, NEWEST)) == {}
    delivered = outbox(product, NEWEST)
    assert "report-outbox.png" in delivered
    distant_store.close()
    with pytest.raises(PassingStorageError):
        owed(product)
    assert failures(deliver(product, NEWEST)) != {}
    assert outbox(product, NEWEST) == delivered


def test_an_old_report_that_cannot_be_read_does_not_keep_the_newest_from_the_chats(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(product, NEWEST)
    product.store.path(names.DAILY_REPORT, OLD, ".json").mkdir()
    monkeypatch.setattr("sales_assets.defs.sensors.MOST_PATIENCE", timedelta())
    (request,) = owed(product)
    assert request.partition_key == str(NEWEST)
    assert failures(deliver(product, NEWEST)) == {}
    assert "report-outbox.png" in outbox(product, NEWEST)
    with pytest.raises(StorageError, match="Is a directory"):  # nobody waits; the look is red
        owed(product)


def test_a_damaged_report_of_yesterday_is_told_as_late_with_what_to_do(product: Product) -> None:
    render(product, NEWEST)
    path = product.store.path(names.DAILY_REPORT, NEWEST, ".json")
    path.write_bytes(path.read_bytes()[:20])
    (told,) = failures(deliver(product, NEWEST)).values()
    assert "could not be read as a JSON file" in told
    assert "late-outbox.html" in outbox(product, NEWEST)
    alert = product.settings.var_dir / "outbox" / str(NEWEST) / "alert-late-outbox.html"
    assert "Delete it and compute its day again" in alert.read_text()


def test_the_promise_of_the_morning_asks_for_yesterday_and_an_old_day_rebuilt_does_not_keep_it(
    product: Product,
) -> None:
    def is_fresh() -> bool:
        evaluations = deliver(product, NEWEST).get_asset_check_evaluations()
        (found,) = [one for one in evaluations if one.check_name == "freshness_check"]
        assert found.asset_key == dg.AssetKey(names.DAILY_REPORT)
        assert str(NEWEST) in str(found.description)
        return found.passed

    render(product, OLD)
    assert not is_fresh()
    render(product, NEWEST)
    assert is_fresh()


@pytest.mark.parametrize(
    ("status", "cause", "told_the_admins"),
    [
        (dg.DagsterRunStatus.STARTED, "отчёт ещё считается", "is STARTED"),
        (dg.DagsterRunStatus.FAILURE, "не удалось посчитать, разбираемся", "has 0 rows. Run "),
    ],
)
def test_the_late_sentence_tells_a_report_that_is_being_computed_from_one_that_failed(
    product: Product, status: dg.DagsterRunStatus, cause: str, told_the_admins: str
) -> None:
    write_refusal(product.store, Refusal(NEWEST, "shrunken", "the source has 0 rows", stored=False))
    job = product.definitions.resolve_job_def(names.DAILY_REPORT_JOB)
    tags = {"dagster/partition": str(NEWEST)}
    product.instance.create_run_for_job(job, status=status, tags=tags)
    deliver(product, NEWEST)
    told = product.settings.var_dir / "outbox" / str(NEWEST)
    assert cause in (told / "late-outbox.html").read_text()
    assert told_the_admins in (told / "alert-late-outbox.html").read_text()


def test_before_the_delivery_time_nothing_is_owed(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    product = Product.at(
        tmp_path, START, instance=instance, delivery_time=time(23, 59), report_zone=ZONE
    )
    render(product, NEWEST - timedelta(days=1))
    render(product, NEWEST)
    assert owed(product) == []


def production(
    folder: Path, instance: dg.DagsterInstance, fake: FakeTelegram, patch: pytest.MonkeyPatch
) -> Product:
    patch.setenv("SALES_ASSETS_TELEGRAM_BOT_TOKEN", fake.token)
    return Product.at(
        folder,
        START,
        instance=instance,
        delivery_time=AT_ONCE,
        report_zone=ZONE,
        telegram_bot_token=fake.token,
        telegram_base_url=fake.base_url,
    )


def test_one_chat_that_refuses_makes_a_red_run_and_the_others_have_the_report(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    fake: FakeTelegram,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = production(tmp_path, instance, fake, monkeypatch)
    reader, leaver = fake.add_private_chat(), fake.add_private_chat()
    with closing(open_state(product.settings.state_url)) as state:
        subscribe(state, reader, leaver)
    fake.block(leaver)
    render(product, NEWEST)
    (request,) = owed(product)
    result = deliver(product, NEWEST)
    assert not result.success
    assert [one["method"] for one in fake.accepted(reader)] == ["sendPhoto"]
    assert fake.accepted(leaver) == []
    metadata = product.metadata(names.REPORT_DELIVERY, NEWEST)
    assert (metadata["sent"], metadata["failed"]) == (1, 1)
    assert request.run_key not in {one.run_key for one in owed(product)}
    assert fake.violations == []


@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`")
def test_the_token_is_on_no_page_of_the_ui(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    fake: FakeTelegram,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = production(tmp_path, instance, fake, monkeypatch)
    snapshot = RepositorySnap.from_def(product.definitions.get_repository_def())
    assert fake.token not in serialize_value(snapshot)


def test_a_day_that_is_kept_as_it_was_is_asked_for_once_so_that_the_analyst_hears_of_it(
    product: Product,
) -> None:
    render(product, OLD)
    refusal = Refusal(OLD, "shrunken", "the source has 0 rows", stored=True)
    write_refusal(product.store, refusal)
    (request,) = [one for one in owed(product) if str(one.run_key).startswith("kept:")]
    assert (request.run_key, request.partition_key) == (f"kept:{OLD}:shrunken", str(OLD))
    result = product.run(OLD, job=names.REPORT_DELIVERY_JOB)
    assert result.success
    outbox = product.settings.var_dir / "outbox"
    told = [path.read_text() for path in outbox.rglob("*.*") if path.suffix != ".png"]
    assert any("the source has 0 rows" in text for text in told)
    withdraw_refusal(product.store, OLD)
    assert [one for one in owed(product) if str(one.run_key).startswith("kept:")] == []
