"""The delivery: what every chat got of a day's report."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import dagster as dg

from sales_assets.adapters.files.day_records import read_refusal
from sales_assets.adapters.files.frames import FrameStore, StorageError
from sales_assets.adapters.files.reports import NUMBERS, read_report
from sales_assets.adapters.heartbeat import beat
from sales_assets.core import names
from sales_assets.core.days import DailyFrames
from sales_assets.core.delivery.alerts import plain_alert
from sales_assets.defs.daily import DailyAssets
from sales_assets.defs.morning import cause_of_lateness, days_in_progress
from sales_assets.defs.partitions import partition_days
from sales_assets.defs.resources import DeliveryResource

if TYPE_CHECKING:
    from sales_assets.adapters.delivery.dispatcher import DeliveryResult, Dispatcher

GROUP = "report"
DELIVERED = "delivered"
CHECK = dg.AssetCheckSpec(
    DELIVERED,
    asset=names.REPORT_DELIVERY,
    blocking=True,
    description="Every chat has the report, and none is in doubt.",
)


def assets(daily: DailyAssets) -> list[dg.AssetsDefinition]:
    """Return the assets of this module for one calendar."""
    return [
        daily.asset(
            report_delivery,
            group=GROUP,
            kinds={"telegram"},
            deps=[names.DAILY_REPORT],
            check_specs=[CHECK],
        )
    ]


def report_delivery(
    context: dg.AssetExecutionContext, delivery: DeliveryResource
) -> Iterator[dg.MaterializeResult[DailyFrames]]:
    """What became of each message of the day, chat by chat.

    A rendered report is sent to the chats that lack it, or corrected where they have other
    content. Where yesterday's is not there in time, the chats get one sentence and the analysts
    the cause.
    """
    newest = delivery.timetable.newest_finished_day(datetime.now(UTC))
    store = FrameStore(delivery.settings.storage)
    with delivery.dispatcher() as dispatcher:
        results = {
            day: _deliver(context, dispatcher, store, day) for day in partition_days(context)
        }
    last = max(results)
    is_settled = results[last].is_complete and store.holds(names.DAILY_REPORT, last, NUMBERS)
    if is_settled and last == newest:
        beat(delivery.settings.heartbeat_url, context.log)
    yield dg.MaterializeResult(
        value=DailyFrames(results, lambda day: results[day].outcomes),
        check_results=[_check(results, store)],
    )


def _deliver(
    context: dg.AssetExecutionContext,
    dispatcher: "Dispatcher",
    store: FrameStore,
    day: date,
) -> "DeliveryResult":
    try:
        refusal = read_refusal(store, day)
        is_owed = store.holds(names.DAILY_REPORT, day, NUMBERS) or not dispatcher.is_late(day)
        report = read_report(store, day) if is_owed else None
    except StorageError as unreadable:
        _tell_late(dispatcher, day, unreadable)
        raise
    if refusal and refusal.stored:
        dispatcher.alert(day, plain_alert(f"kept:{refusal.check}", refusal.message))
    if report is not None:
        result = dispatcher.deliver(report.to_send())
    else:
        result = dispatcher.announce_late(
            day,
            cause_of_lateness(context.instance, store, day),
            refusal.completeness if refusal else None,
            is_in_progress=day in days_in_progress(context.instance),
        )
    for warning in result.warnings:
        context.log.warning(warning)
    context.add_asset_metadata(result.counts, partition_key=day.isoformat())
    if result.trouble is not None:
        context.log.info("%s: %s", day, result.counts)
        raise dg.Failure(result.trouble)
    return result


def _tell_late(dispatcher: "Dispatcher", day: date, unreadable: StorageError) -> None:
    """Tell whoever lacks the report, which nobody can read now, that it is late."""
    from sales_assets.adapters.delivery.dispatcher import is_late_word_owed

    if is_late_word_owed(dispatcher.ledger, dispatcher.timetable, day, datetime.now(UTC)):
        dispatcher.announce_late(day, f"{names.DAILY_REPORT} of {day}: {unreadable}")


def _check(results: dict[date, "DeliveryResult"], store: FrameStore) -> dg.AssetCheckResult:
    late = [day for day in results if not store.holds(names.DAILY_REPORT, day, NUMBERS)]
    open_days = [day for day, result in results.items() if not result.is_complete]
    told = "every chat has the report"
    if late:
        told = f"no report yet for {', '.join(map(str, late))}; the chats were told so"
    elif open_days:
        told = (
            f"not every chat has the report of {', '.join(map(str, open_days))}; "
            "`sales-assets doctor` says what to do"
        )
    return dg.AssetCheckResult(
        check_name=DELIVERED,
        passed=not late and not open_days,
        # The chats know that it is late; the run did all it could.
        severity=dg.AssetCheckSeverity.WARN
        if late and not open_days
        else dg.AssetCheckSeverity.ERROR,
        description=told,
        metadata={day.isoformat(): str(result.counts) for day, result in results.items()},
    )
