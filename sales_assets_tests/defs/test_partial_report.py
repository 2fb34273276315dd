import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from sales_assets.core import journey, names
from sales_assets.core.readiness import Ended
from sales_assets.core.report.report import METRICS
from sales_assets.defs.jobs import MORNING_TAG
from sales_assets.defs.morning import runs_of_day
from sales_assets.defs.partitions import BACKFILL_POLICY
from sales_assets_tests.defs.test_checks import fill_days
from sales_assets_tests.defs.world import FIRST, Product, failures, span
from sales_assets_tests.sources import fill

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")
NEXT = FIRST + timedelta(days=1)


def break_down() -> None:
    raise ZeroDivisionError("broken on purpose")


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)  # Dagster raises its error here


def with_broken(product: Product, *broken: str, body: Callable[[], None] = break_down) -> Product:
    """The same product, in which these assets do that in place of their work."""
    whole = product.definitions
    parts = [one for one in whole.assets or [] if isinstance(one, dg.AssetsDefinition)]
    assets = [failing(one, body) if one.key.to_user_string() in broken else one for one in parts]
    definitions = dg.Definitions(
        assets=assets,
        asset_checks=whole.asset_checks,
        jobs=whole.jobs,
        schedules=whole.schedules,
        sensors=whole.sensors,
        resources=whole.resources,
        executor=whole.executor,
        loggers=whole.loggers,
    )
    return product.with_definitions(definitions)


def failing(asset: dg.AssetsDefinition, body: Callable[[], None]) -> dg.AssetsDefinition:
    return dg.asset(
        name=asset.key.to_user_string(),
        deps=[*asset.asset_deps[asset.key]],
        partitions_def=asset.partitions_def,
        backfill_policy=BACKFILL_POLICY,
    )(body)


def request_after(product: Product, result: dg.ExecuteInProcessResult) -> list[dg.RunRequest]:
    """What the sensor asks for after that run."""
    repository = product.definitions.get_repository_def()
    sensor = repository.get_sensor_def(names.PARTIAL_REPORT_SENSOR)
    failure = next(event for event in result.all_events if event.is_run_failure)
    context = dg.build_run_status_sensor_context(
        sensor_name=names.PARTIAL_REPORT_SENSOR,
        dagster_event=failure,
        dagster_instance=product.instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()
    asked = sensor(context)
    return [one for one in asked if isinstance(one, dg.RunRequest)]  # type: ignore[union-attr]


def test_a_failing_metric_leaves_the_others_and_the_report_alone_is_asked_for(
    young: Product, source: str
) -> None:
    fill(source, [("u1", journey.REQUEST_CREATED, f"{FIRST} 10:00")])
    product = with_broken(young, names.CONVERSION_FUNNEL)
    result = product.run(FIRST)
    assert list(failures(result)) == [names.CONVERSION_FUNNEL]
    assert product.files([FIRST], names.DAILY_REPORT) == {}
    others = set(METRICS) - {names.CONVERSION_FUNNEL}
    assert all(product.files([FIRST], metric) for metric in others)
    (request,) = request_after(product, result)
    assert request.asset_selection == [dg.AssetKey(names.DAILY_REPORT)]
    assert request.tags["dagster/partition"] == str(FIRST)
    assert failures(product.run(FIRST, only=[names.DAILY_REPORT])) == {}
    path = product.store.path(names.DAILY_REPORT, FIRST, ".json")
    content = json.loads(path.read_bytes())
    assert content["numbers"]["new_paying_users"]


def test_a_run_that_is_asked_to_end_in_a_metric_is_tried_again_and_loses_no_part(
    young: Product, source: str
) -> None:
    fill(source, [("u1", journey.REQUEST_CREATED, f"{FIRST} 10:00")])
    product = with_broken(young, names.NEW_PAYING_USERS, body=terminate)
    result = product.run(FIRST, tags={MORNING_TAG: "true"})
    assert list(failures(result)) == [names.NEW_PAYING_USERS]
    assert request_after(product, result) == []
    since = datetime.now(UTC) - timedelta(hours=1)
    found = runs_of_day(product.instance, product.store, FIRST, since)
    assert found is not None
    assert found.ended is Ended.PASSING


def test_a_metric_that_failed_alone_leaves_the_stored_report_as_it_is(
    young: Product, source: str
) -> None:
    fill(source, [("u1", journey.REQUEST_CREATED, f"{FIRST} 10:00")])
    assert failures(young.run(FIRST)) == {}
    broken = with_broken(young, names.CONVERSION_FUNNEL)
    result = broken.run(FIRST, only=[names.CONVERSION_FUNNEL])
    assert list(failures(result)) == [names.CONVERSION_FUNNEL]
    assert request_after(broken, result) == []


def test_a_metric_that_failed_just_now_is_not_shown_from_its_older_file(
    young: Product, source: str
) -> None:
    fill(source, [("u1", journey.REQUEST_CREATED, f"{FIRST} 10:00")])
    young.run(FIRST)
    older = young.store.read(names.NEW_PAYING_USERS, FIRST).assign(new_paying=41)
    young.store.write(names.NEW_PAYING_USERS, FIRST, older)
    broken = with_broken(young, names.NEW_PAYING_USERS)
    (request,) = request_after(broken, broken.run(FIRST))
    tags = {name: value for name, value in request.tags.items() if "sales_assets" in name}
    young.run(FIRST, only=[names.DAILY_REPORT], tags=tags)
    content = json.loads(young.store.path(names.DAILY_REPORT, FIRST, ".json").read_bytes())
    assert content["numbers"]["new_paying_users"]["new_paying"] == 0


def test_a_part_that_a_passing_fault_took_is_not_called_missing_the_run_fails_and_is_tried_again(
    young: Product, source: str
) -> None:
    fill(source, [("u1", journey.REQUEST_CREATED, f"{FIRST} 10:00")])
    young.run(FIRST)
    stored = young.files([FIRST], names.DAILY_REPORT)
    for asset in (names.CLEAN_EVENTS, names.CONVERSION_FUNNEL):
        young.store.path(asset, FIRST).unlink()
    # Reading it is an error of input and output, as of a disk that is away for a moment.
    Path(str(young.store.path(names.CLEAN_EVENTS, FIRST))).symlink_to("/proc/self/mem")
    result = young.run(FIRST, only=[names.DAILY_REPORT])
    assert "Input/output error" in failures(result)[names.DAILY_REPORT]
    assert young.files([FIRST], names.DAILY_REPORT) == stored


def test_histories_that_are_gone_are_asked_for_again_by_the_report_alone(
    young: Product, source: str
) -> None:
    fill(source, [("u1", journey.REQUEST_CREATED, f"{FIRST} 10:00")])
    assert failures(young.run(FIRST)) == {}
    whole = young.files([FIRST], names.DAILY_REPORT)
    young.store.path(names.USER_HISTORY, FIRST).unlink()
    assert failures(young.run(FIRST, only=[names.DAILY_REPORT])) == {}
    assert young.files([FIRST], names.DAILY_REPORT) == whole


def test_daily_values_that_cannot_be_read_leave_the_report_without_a_comparison(
    young: Product, source: str
) -> None:
    fill(source, [("u1", journey.REQUEST_CREATED, f"{FIRST} 10:00")], [("u1", f"{NEXT} 10:00")])
    assert failures(young.run(FIRST)) == {}
    young.store.path(names.DAILY_VALUES, FIRST).write_bytes(b"damaged")
    result = young.run(NEXT)
    assert list(failures(result)) == [names.UNCLOSED_PROCESSES]
    (request,) = request_after(young, result)
    tags = {name: value for name, value in request.tags.items() if "sales_assets" in name}
    assert failures(young.run(NEXT, only=[names.DAILY_REPORT], tags=tags)) == {}
    content = json.loads(young.store.path(names.DAILY_REPORT, NEXT, ".json").read_bytes())
    assert content["verdict"] == "Не посчитано: процессы"
    assert content["numbers"]["new_paying_users"]["new_paying"] == 1
    assert content["numbers"]["new_paying"] is None


def test_payers_without_events_that_are_known_to_be_normal_spoil_no_day_before(
    young: Product, source: str, tmp_path: Path
) -> None:
    payers = [(f"{day.day}{n}", f"{day} 1{n}:00") for day in (FIRST, NEXT) for n in range(4)]
    fill(source, [("u1", journey.REQUEST_CREATED, f"{FIRST} 10:00")], payers)

    def content_after(product: Product, day: date) -> dict:
        assert failures(product.run(day)) == {}
        return json.loads(product.store.path(names.DAILY_REPORT, day, ".json").read_bytes())

    assert "new_paying" in content_after(young, FIRST)["not_counted"]
    informed = Product.at(tmp_path, payers_without_events=True)
    told = content_after(informed, NEXT)
    assert (told["not_counted"], told["compared"]["uncounted_days"]) == ({}, {})


def test_a_day_that_its_checks_block_by_now_gets_no_report_by_itself_either(
    young: Product, source: str, tmp_path: Path
) -> None:
    fill_days(source, FIRST, bad=FIRST)
    patient = Product.at(tmp_path, bad_rows_share=0.9)
    assert failures(patient.run(FIRST)) == {}
    stored = young.files([FIRST], names.DAILY_REPORT)
    told = failures(young.run(FIRST, only=[names.DAILY_REPORT]))[names.DAILY_REPORT]
    assert "is blocked by its check 'bad_row_share'" in told
    assert young.files([FIRST], names.DAILY_REPORT) == stored


def test_a_range_with_a_failing_metric_asks_for_the_reports_of_the_range(
    young: Product, source: str
) -> None:
    del source
    product = with_broken(young, names.NEW_PAYING_USERS, names.STUCK_CASES)
    (request,) = request_after(product, product.run(FIRST, NEXT))
    assert request.tags["dagster/asset_partition_range_start"] == str(FIRST)
    assert request.tags["dagster/asset_partition_range_end"] == str(NEXT)


def test_the_good_days_around_a_bad_one_get_their_reports_without_the_failed_metric(
    young: Product, source: str
) -> None:
    days = span(FIRST, FIRST + timedelta(days=2))
    fill_days(source, *days, bad=NEXT)
    broken = with_broken(young, names.CONVERSION_FUNNEL)
    asked = request_after(broken, broken.run(days[0], days[-1]))
    good = [str(days[0]), str(days[-1])]
    assert sorted(one.tags["dagster/partition"] for one in asked) == good
    assert len({one.run_key for one in asked}) == 2
    for one in asked:
        tags = {name: value for name, value in one.tags.items() if "sales_assets" in name}
        day = date.fromisoformat(one.tags["dagster/partition"])
        assert failures(young.run(day, only=[names.DAILY_REPORT], tags=tags)) == {}
    assert young.materialized(names.DAILY_REPORT) == {days[0], days[-1]}


def test_a_blocked_day_and_a_failed_report_ask_for_nothing(young: Product, source: str) -> None:
    fill(source, [(None, journey.REQUEST_CREATED, f"{FIRST} 10:00")])
    assert request_after(young, young.run(FIRST)) == []
    product = with_broken(young, names.DAILY_REPORT)
    assert request_after(product, product.run(NEXT)) == []
