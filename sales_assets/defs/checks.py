"""Checks of core as Dagster shows them: one result for the run, each failing day by name."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd

from sales_assets.adapters.settings import Settings
from sales_assets.core import names
from sales_assets.core.completeness import CHECK
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.metrics.schemas import CheckOutcome
from sales_assets.core.source_findings import FITS
from sales_assets.defs.metadata import table

STRUCTURE = "raw_structure"
BAD_ROWS = "bad_row_share"
COMPLETENESS = CHECK
SHRUNKEN = "shrunken"
CLEAN = "clean_promises"

#: What the checks of raw events look at; all but the last block a day.
_RAW = {
    STRUCTURE: "Columns, types, and every time within its day.",
    BAD_ROWS: "The share of rows without a user or a time, and of exact duplicates.",
    COMPLETENESS: "The source has the day from its beginning to its end.",
    SHRUNKEN: "A day that is read again has not lost rows that were stored.",
    FITS: "Names, keys and times of the source fit each other; else parts of the report are not "
    "counted.",
}
RAW_CHECKS = tuple(
    dg.AssetCheckSpec(name, asset=names.RAW_EVENTS, blocking=name != FITS, description=about)
    for name, about in _RAW.items()
)
#: The name that Dagster gives to its own check.
FRESHNESS = dg.AssetCheckKey(dg.AssetKey(names.DAILY_REPORT), "freshness_check")
CLEAN_CHECKS = (
    dg.AssetCheckSpec(
        CLEAN,
        asset=names.CLEAN_EVENTS,
        blocking=True,
        description="No nulls, no duplicates, nobody in an experiment.",
    ),
)


def checks_of(metric: Metric) -> tuple[dg.AssetCheckSpec, ...]:
    """Return the check of a metric, if it has one."""
    if metric.check is None:
        return ()
    name, about = metric.check.name, metric.check.about
    return (dg.AssetCheckSpec(name, asset=metric.name, blocking=True, description=about),)


def freshness_checks(settings: Settings) -> Sequence[dg.AssetChecksDefinition]:
    """Return the check of the promise: at the delivery time the newest finished day has a report.

    `FreshnessPolicy` takes an old day that is rebuilt today for fresh; this one asks for the day.
    """
    due = settings.delivery_time
    return dg.build_time_partition_freshness_checks(
        assets=[names.DAILY_REPORT],
        deadline_cron=f"{due.minute} {due.hour} * * *",
        timezone=settings.report_zone.key,
    )


#: Of a long range the table and `failing_days` name the others.
MOST_DAYS_TOLD = 3

Outcomes = Mapping[date, Sequence[CheckOutcome]]


class BrokenPromiseError(SalesAssetsError):
    """A frame that we made is not what it promises: a defect of ours, so nothing is stored."""


def refuse_broken(context: dg.AssetExecutionContext, asset: str, outcomes: Outcomes) -> None:
    """Log the first failure, by its day, and raise: before frames of our making are stored."""
    for day, of_day in outcomes.items():
        for outcome in of_day:
            if not outcome.passed:
                log_evaluation(context, asset, day, outcome)
                raise BrokenPromiseError(
                    f"{asset} of {day} was made and fails its check {outcome.name!r} "
                    f"({outcome.message}). It was not stored. This is a defect of sales_assets: "
                    "report it with the check's sample."
                )


def results(
    context: dg.AssetExecutionContext, asset: str, outcomes: Outcomes
) -> list[dg.AssetCheckResult]:
    """Return one result per check for the whole run, failed if any day fails.

    An ordinary result of a range carries no partition, so each failing day of a range is also
    logged by itself, with its partition; and of one day alone, whether it is whole. The numbers of
    a range's whole days stand in its table: an event a day costs 20 ms.
    """
    by_check: dict[str, dict[date, CheckOutcome]] = {}
    for day, of_day in outcomes.items():
        for outcome in of_day:
            by_check.setdefault(outcome.name, {})[day] = outcome
    is_range = len(outcomes) > 1
    for name, by_day in by_check.items():
        for day, outcome in by_day.items():
            if (is_range and not outcome.passed) or (name == COMPLETENESS and not is_range):
                log_evaluation(context, asset, day, outcome)
    return [_result(asset, name, by_day) for name, by_day in by_check.items()]


def log_evaluation(
    context: dg.AssetExecutionContext, asset: str, day: date, outcome: CheckOutcome
) -> None:
    """Log the outcome of one day as an event that names its partition."""
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(asset),
        check_name=outcome.name,
        passed=outcome.passed,
        severity=_severity(outcome),
        description=outcome.message,
        metadata=_metadata(outcome),
        partition=day.isoformat(),
    )
    # Takes evaluations, though its annotation does not say so.
    context.log_event(evaluation)  # pyright: ignore[reportArgumentType]


def _severity(outcome: CheckOutcome) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.WARN if outcome.is_warning else dg.AssetCheckSeverity.ERROR


def _result(asset: str, name: str, by_day: Mapping[date, CheckOutcome]) -> dg.AssetCheckResult:
    failing = {day: outcome for day, outcome in by_day.items() if not outcome.passed}
    shown = failing or by_day
    worst = next(iter(shown.values()))
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=not failing,
        severity=_severity(worst),
        description=_description(failing, by_day),
        metadata={
            "days": len(by_day),
            "failing_days": ", ".join(day.isoformat() for day in failing),
            **(_metadata(worst) if len(shown) == 1 else _table_of_days(shown)),
        },
    )


def _description(failing: Mapping[date, CheckOutcome], by_day: Mapping[date, CheckOutcome]) -> str:
    """Return what is said of the first days that fail, or of all where none does."""
    shown = failing or by_day
    told = [f"{day}: {outcome.message}" for day, outcome in shown.items()]
    if not failing and len({outcome.message for outcome in by_day.values()}) == 1:
        return next(iter(by_day.values())).message
    others = len(told) - MOST_DAYS_TOLD
    return "; ".join([*told[:MOST_DAYS_TOLD], *([f"and {others} days more"] if others > 0 else [])])


def _metadata(outcome: CheckOutcome) -> dict[str, Any]:
    return {
        **{f"rows_{kind}": count for kind, count in outcome.failing.items()},
        **outcome.facts,
        **({"sample": table(outcome.sample)} if len(outcome.sample) else {}),
    }


def _table_of_days(by_day: Mapping[date, CheckOutcome]) -> dict[str, Any]:
    rows = [
        {"day": day.isoformat(), **outcome.failing, **outcome.facts}
        for day, outcome in by_day.items()
    ]
    return {"by_day": table(pd.DataFrame(rows))}
