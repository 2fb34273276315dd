import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from sales_assets.adapters.files.frames import write_bytes
from sales_assets.adapters.files.reports import NUMBERS
from sales_assets.core import names
from sales_assets.defs.jobs import REREAD_TAG
from sales_assets_tests.defs.world import Product, span
from sales_assets_tests.distant_store import DistantStore

MOSCOW = ZoneInfo("Europe/Moscow")
MORNING = datetime(2025, 3, 20, 8, 15, tzinfo=MOSCOW)
YESTERDAY = date(2025, 3, 19)
FIRST_DAY = date(2025, 1, 6)


@pytest.fixture
def product(tmp_path: Path, instance: dg.DagsterInstance) -> Product:
    return Product.at(tmp_path, FIRST_DAY, instance=instance)


def requested(product: Product, moment: datetime = MORNING) -> list[date]:
    return [date.fromisoformat(str(one.partition_key)) for one in requests(product, moment)]


def requests(product: Product, moment: datetime) -> Sequence[dg.RunRequest]:
    repository = product.definitions.get_repository_def()
    schedule = repository.get_schedule_def(names.DAILY_REPORT_SCHEDULE)
    with dg.build_schedule_context(
        product.instance, scheduled_execution_time=moment, repository_def=repository
    ) as context:
        return schedule.evaluate_tick(context).run_requests or []


def report_done(product: Product, days: Sequence[date]) -> None:
    for day in days:
        write_bytes(product.store.path(names.DAILY_REPORT, day, NUMBERS), b"{}")


def start(product: Product, job: str = names.DAILY_REPORT_JOB, **tags: str) -> None:
    """Put a run into the queue, as the UI or the daemon does."""
    definition = product.definitions.resolve_job_def(job)
    product.instance.create_run_for_job(definition, status=dg.DagsterRunStatus.STARTED, tags=tags)


def newest_first(first: date, last: date) -> list[date]:
    return span(first, last)[::-1]


def test_the_first_morning_computes_yesterday_and_then_the_catch_up_newest_first(
    product: Product,
) -> None:
    assert requested(product) == newest_first(YESTERDAY - timedelta(days=13), YESTERDAY)
    tags = [one.tags["dagster/priority"] for one in requests(product, MORNING)]
    assert tags == sorted(tags, key=int, reverse=True)
    assert len(set(tags)) == 14


def test_yesterdays_run_reads_the_days_again_that_follow_it(product: Product) -> None:
    report_done(product, span(FIRST_DAY, YESTERDAY - timedelta(days=1)))
    first, *others = requests(product, MORNING)
    assert first.partition_key == str(YESTERDAY)
    assert first.tags[REREAD_TAG] == "2025-03-18,2025-03-17,2025-03-16"
    assert all(REREAD_TAG not in one.tags for one in others)


def test_days_that_the_storage_lost_are_asked_for_whatever_the_instance_remembers(
    product: Product,
) -> None:
    report_done(product, span(FIRST_DAY, YESTERDAY - timedelta(days=1)))
    lost = date(2025, 3, 12)
    product.instance.report_runless_asset_event(
        dg.AssetMaterialization(names.DAILY_REPORT, partition=str(lost))
    )
    product.store.path(names.DAILY_REPORT, lost, NUMBERS).unlink()
    assert requested(product)[-1] == lost


def test_while_the_storage_is_away_yesterday_is_asked_for(
    tmp_path: Path, instance: dg.DagsterInstance, distant_store: DistantStore
) -> None:
    product = Product.at(tmp_path, FIRST_DAY, instance=instance, storage=distant_store.folder)
    assert requested(product) == [YESTERDAY]
    distant_store.open()
    assert requested(product) == newest_first(YESTERDAY - timedelta(days=13), YESTERDAY)


def test_a_storage_that_is_gone_is_filled_again_whatever_the_instance_remembers(
    product: Product,
) -> None:
    computed = span(YESTERDAY - timedelta(days=4), YESTERDAY)
    report_done(product, computed)
    for day in computed:
        product.instance.report_runless_asset_event(
            dg.AssetMaterialization(names.DAILY_REPORT, partition=str(day))
        )
    shutil.rmtree(product.settings.storage)
    next_morning = requested(product, MORNING + timedelta(days=1))
    assert next_morning[1:6] == computed[::-1]


def test_an_ordinary_morning_reads_yesterday_and_the_three_days_before_it_again(
    product: Product,
) -> None:
    report_done(product, span(FIRST_DAY, YESTERDAY - timedelta(days=1)))
    assert requested(product) == newest_first(YESTERDAY - timedelta(days=3), YESTERDAY)


def test_after_an_outage_the_missed_days_are_caught_up(product: Product) -> None:
    missed = span(date(2025, 3, 10), date(2025, 3, 14))
    report_done(product, [day for day in span(FIRST_DAY, YESTERDAY) if day not in missed])
    assert requested(product) == [*newest_first(date(2025, 3, 16), YESTERDAY), *missed[::-1]]


def test_nothing_before_the_first_partition_is_asked_for(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    product = Product.at(tmp_path, YESTERDAY, instance=instance)
    assert requested(product) == [YESTERDAY]


def test_the_first_day_itself_has_no_finished_day(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    assert requested(Product.at(tmp_path, MORNING.date(), instance=instance)) == []


@pytest.mark.parametrize(
    ("tags", "busy"),
    [
        ({"dagster/partition": "2025-03-18"}, ["2025-03-18"]),
        (
            {
                "dagster/asset_partition_range_start": "2025-03-16",
                "dagster/asset_partition_range_end": "2025-03-18",
            },
            ["2025-03-16", "2025-03-17", "2025-03-18"],
        ),
    ],
)
@pytest.mark.parametrize("job", [names.DAILY_REPORT_JOB, "__ASSET_JOB"])
def test_a_day_in_progress_is_not_started_twice(
    product: Product, job: str, tags: dict[str, str], busy: list[str]
) -> None:
    report_done(product, span(FIRST_DAY, YESTERDAY - timedelta(days=1)))
    start(product, job, **tags)
    expected = [
        day
        for day in newest_first(YESTERDAY - timedelta(days=3), YESTERDAY)
        if str(day) not in busy
    ]
    assert requested(product) == expected


def test_a_delivery_in_progress_keeps_no_day_from_being_computed(product: Product) -> None:
    report_done(product, span(FIRST_DAY, YESTERDAY - timedelta(days=1)))
    start(product, names.REPORT_DELIVERY_JOB, **{"dagster/partition": "2025-03-18"})
    assert len(requested(product)) == 4


@pytest.mark.parametrize("partition", ["2025-03-18", "2025-03", "east"])
def test_runs_of_another_code_location_on_the_same_instance_keep_no_day_from_being_computed(
    product: Product, partition: str
) -> None:
    report_done(product, span(FIRST_DAY, YESTERDAY - timedelta(days=1)))

    @dg.job
    def nightly() -> None: ...

    tags = {"dagster/partition": partition}
    product.instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.STARTED, tags=tags)
    assert len(requested(product)) == 4


def test_a_run_about_no_day_keeps_no_day_from_being_computed(product: Product) -> None:
    report_done(product, span(FIRST_DAY, YESTERDAY - timedelta(days=1)))
    start(product, **{"dagster/partition": "2025-3-18"})
    assert len(requested(product)) == 4


def test_the_day_is_that_of_the_report_zone(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    zone = ZoneInfo("Asia/Vladivostok")
    product = Product.at(tmp_path, FIRST_DAY, instance=instance, report_zone=zone)
    moment = datetime(2025, 3, 19, 22, 15, tzinfo=UTC)  # 08:15 of the 20th there
    assert requested(product, moment)[0] == YESTERDAY
    schedule = product.definitions.resolve_schedule_def(names.DAILY_REPORT_SCHEDULE)
    assert schedule.execution_timezone == "Asia/Vladivostok"


@pytest.mark.parametrize("day", [date(2025, 3, 30), date(2025, 10, 26)])
def test_the_morning_after_a_day_of_23_or_25_hours_asks_for_that_day(
    tmp_path: Path, instance: dg.DagsterInstance, day: date
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    product = Product.at(
        tmp_path, FIRST_DAY, instance=instance, report_zone=zone, catch_up_days=1, reread_days=1
    )
    morning = datetime.combine(day + timedelta(days=1), time(8, 15), tzinfo=zone)
    assert requested(product, morning) == [day, day - timedelta(days=1)]


@pytest.mark.parametrize(
    ("changes", "cron"),
    [
        ({}, "15 8 * * *"),
        ({"delivery_time": time(7, 0), "computing_minutes": 45}, "15 6 * * *"),
        # Before midnight the day is not over.
        ({"delivery_time": time(0, 10)}, "0 0 * * *"),
        ({"computing_minutes": 10_000}, "0 0 * * *"),
    ],
)
def test_it_starts_the_computing_minutes_before_the_delivery_but_after_midnight(
    tmp_path: Path, changes: dict[str, Any], cron: str
) -> None:
    schedule = Product.at(tmp_path, **changes).definitions.resolve_schedule_def(
        names.DAILY_REPORT_SCHEDULE
    )
    assert schedule.cron_schedule == cron


@pytest.mark.parametrize(
    ("production", "token", "runs"),
    [(False, None, False), (True, None, False), (False, "1:x", False), (True, "1:x", True)],
)
def test_schedule_and_sensors_start_by_themselves_in_production_alone(
    tmp_path: Path, *, production: bool, token: str | None, runs: bool
) -> None:
    product = Product.at(tmp_path, production=production, telegram_bot_token=token)
    repository = product.definitions.get_repository_def()
    defaults = [
        *(one.default_status.value for one in repository.schedule_defs),
        *(one.default_status.value for one in repository.sensor_defs),
    ]
    assert defaults == ["RUNNING" if runs else "STOPPED"] * 4


def test_the_same_morning_asks_with_the_same_run_keys_and_the_next_one_with_others(
    product: Product,
) -> None:
    def keys(moment: datetime) -> set[str | None]:
        return {one.run_key for one in requests(product, moment)}

    assert keys(MORNING) == keys(MORNING)
    assert not keys(MORNING) & keys(MORNING + timedelta(days=1))
