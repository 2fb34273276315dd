"""The calendar that every daily asset shares, and the days that a run is about."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

#: A quarter in one run: one query per source table and one start-up for many days, and runs enough
#: to keep every core busy over a year.
DAYS_PER_RUN = 92
#: Dagster's tags that say which days a run is about.
PARTITION_TAG = "dagster/partition"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


def daily_partitions(first_day: date, zone: ZoneInfo) -> dg.DailyPartitionsDefinition:
    """Return one partition per finished day of `zone`; the newest is yesterday."""
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone=zone.key)


BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=DAYS_PER_RUN)


def partition_tags(days: Sequence[date]) -> dict[str, str]:
    """Return the tags of a run over contiguous `days`."""
    if len(days) == 1:
        return {PARTITION_TAG: days[0].isoformat()}
    return {RANGE_START_TAG: days[0].isoformat(), RANGE_END_TAG: days[-1].isoformat()}


def days_of_tags(tags: Mapping[str, str]) -> list[date]:
    """Return the days that a run is about, by its tags; none for a run about no days."""
    bounds = [tags.get(tag) for tag in (PARTITION_TAG, RANGE_START_TAG, RANGE_END_TAG)]
    days = sorted(date.fromisoformat(bound) for bound in bounds if bound)
    if not days:
        return []
    return [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)]


def partition_days(context: dg.AssetExecutionContext) -> list[date]:
    """Return the days of the run, in order."""
    return sorted(date.fromisoformat(key) for key in context.partition_keys)
