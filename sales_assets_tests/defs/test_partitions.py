"""How many days one run takes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from sales_assets.defs.partitions import (
    MOST_DAYS,
    LongRangeError,
    ReversedRangeError,
    UnfinishedDayError,
    daily_partitions,
    partition_days,
    partition_tags,
)

FIRST = date(2024, 1, 1)


def days_of_run(count: int) -> list[date]:
    """Return the days that an asset of a run over `count` days sees."""
    seen: list[date] = []

    @dg.asset(partitions_def=daily_partitions(FIRST, ZoneInfo("Europe/Moscow")))
    def days(context: dg.AssetExecutionContext) -> None:
        seen.extend(partition_days(context))

    keys = dg.PartitionKeyRange(str(FIRST), str(FIRST + timedelta(days=count - 1)))
    days(dg.build_asset_context(partition_key_range=keys))
    return seen


def test_a_leap_year_fits_into_one_run() -> None:
    assert len(days_of_run(MOST_DAYS)) == 366


def test_a_longer_range_is_refused_with_the_command_that_cuts_it() -> None:
    with pytest.raises(LongRangeError) as refused:
        days_of_run(MOST_DAYS + 1)
    assert "367 days, 2024-01-01 to 2025-01-01, were asked for" in str(refused.value)
    assert "sales-assets backfill 2024-01-01 2025-01-01" in str(refused.value)


def test_a_range_that_ends_before_it_starts_is_refused_with_a_sentence() -> None:
    with pytest.raises(ReversedRangeError, match="2024-01-01 to 2023-12-29 was asked for"):
        days_of_run(-2)


def test_a_day_that_is_not_over_is_refused_though_dagster_starts_its_run() -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    today = datetime.now(UTC).astimezone(zone).date()
    newest = today - timedelta(days=1)
    seen: list[date] = []

    @dg.asset(partitions_def=daily_partitions(newest, zone))
    def days(context: dg.AssetExecutionContext) -> None:
        seen.extend(partition_days(context))

    def run(last: date) -> None:
        tags = partition_tags([newest, last] if last != newest else [newest])
        job = dg.Definitions(
            assets=[days], jobs=[dg.define_asset_job("job", [days])]
        ).resolve_job_def("job")
        job.execute_in_process(tags=tags)

    run(newest)
    assert seen == [newest]
    with pytest.raises(UnfinishedDayError) as refused:
        run(today + timedelta(days=1))
    assert f"the newest finished day is {newest}" in str(refused.value)
    assert seen == [newest]
