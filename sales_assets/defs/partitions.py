"""The calendar that every daily asset shares, and the days that a run is about."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from sales_assets.core.errors import SalesAssetsError

#: A quarter in one run of `sales-assets backfill`: one query per source table and one start-up for
#: many days, and runs enough to keep every core busy over a year.
DAYS_PER_RUN = 92
#: A run of the UI or of `dg launch` takes what it was given, and holds its events in memory.
MOST_DAYS = 366
#: Dagster's tags that say which days a run is about.
PARTITION_TAG = "dagster/partition"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
DAY_TAGS = (PARTITION_TAG, RANGE_START_TAG, RANGE_END_TAG)
#: Names a run of a range in the UI's list of runs, which hides Dagster's own two tags; a run of one
#: day is named there by its partition. Dagster 1.13 has no other name of a run than its id.
DAYS_TAG = "sales_assets/days"


def daily_partitions(first_day: date, zone: ZoneInfo) -> dg.DailyPartitionsDefinition:
    """Return one partition per finished day of `zone`; the newest is yesterday."""
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone=zone.key)


#: The one policy with which `dg launch` takes a range.
BACKFILL_POLICY = dg.BackfillPolicy.single_run()


class LongRangeError(SalesAssetsError):
    """More days were asked for than one run holds in memory."""


class UnfinishedDayError(SalesAssetsError):
    """A day was asked for that isn't over."""


class ReversedRangeError(SalesAssetsError):
    """A range was asked for that ends before it starts."""


def partition_tags(days: Sequence[date]) -> dict[str, str]:
    """Return the tags of a run over contiguous `days`."""
    if len(days) == 1:
        return {PARTITION_TAG: days[0].isoformat()}
    return {RANGE_START_TAG: days[0].isoformat(), RANGE_END_TAG: days[-1].isoformat()}


def name_of_range(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tag that names a run by its days; none for a run of one day."""
    days = days_of_tags(tags)
    return {DAYS_TAG: f"{days[0]} to {days[-1]}"} if len(days) > 1 else {}


def days_of_tags(tags: Mapping[str, str]) -> list[date]:
    """Return the days that a run is about, by its tags; none for a run about no days.

    Partitions of another code location, and what somebody wrote into the launchpad, may be no days.
    """
    try:
        days = sorted(date.fromisoformat(tags[tag]) for tag in DAY_TAGS if tags.get(tag))
    except ValueError:
        return []
    if not days:
        return []
    return [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)]


def partition_days(context: dg.AssetExecutionContext) -> list[date]:
    """Return the days of the run, in order.

    Raises:
        LongRangeError: the run was given more than `MOST_DAYS`.
        ReversedRangeError: the range ends before it starts; `dg launch` takes such a one, too.
        UnfinishedDayError: a day isn't over; Dagster takes any from tags that somebody wrote.
    """
    days = sorted(date.fromisoformat(key) for key in context.partition_keys)
    if not days:
        asked = context.partition_key_range
        raise ReversedRangeError(
            f"{asked.start} to {asked.end} was asked for, which ends before it starts. Name the "
            "earlier day first."
        )
    partitions = context.assets_def.partitions_def
    newest = partitions and partitions.get_last_partition_key()
    if newest is None or days[-1].isoformat() > newest:
        raise UnfinishedDayError(
            f"{days[-1]} was asked for and isn't over; the newest finished day is {newest}."
        )
    if len(days) > MOST_DAYS:
        raise LongRangeError(
            f"{len(days)} days, {days[0]} to {days[-1]}, were asked for in one run, which takes at "
            f"most {MOST_DAYS}. Launch them a year at a time, or let `sales-assets backfill "
            f"{days[0]} {days[-1]}` cut the range."
        )
    return days
