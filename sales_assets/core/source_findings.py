"""What was found not to fit in the source: kinds, the parts that can't be known, the sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd
from pydantic import TypeAdapter

from sales_assets.core.journey import EXPERIMENTS, PATHS, PROCESSES, PURCHASE
from sales_assets.core.metrics.schemas import CheckOutcome

FITS = "source_fits"
NEW_PAYING = "new_paying"
FUNNEL = "funnel"
EXPIRING = "expiring"
CRM_BRIDGE = "crm_bridge"
PROCESS_PARTS = tuple(process.key for process in PROCESSES)
#: The keys of `not_counted`, as the report shows its parts.
PARTS = (NEW_PAYING, *PROCESS_PARTS, FUNNEL, EXPIRING, CRM_BRIDGE)
#: What payments of foreign ids spoil: everything that asks whether a client paid.
PARTS_OF_KEYS = tuple(part for part in PARTS if part != CRM_BRIDGE)
#: What needs the order of events within a day.
PARTS_OF_ORDER = (*PROCESS_PARTS, FUNNEL)


class Reason(StrEnum):
    """Why a part can't be known; `core/russian` has the chief's words for each."""

    TYPE_MISSING = "type_missing"
    EXPERIMENTS_MISSING = "experiments_missing"
    UNKNOWN_IDS = "unknown_ids"
    FOREIGN_PAYERS = "foreign_payers"
    NO_HOURS = "no_hours"
    ONE_ID = "one_id"
    PAYMENTS_MISSING = "payments_missing"


class FindingKind(StrEnum):
    """What was found."""

    LOOK_ALIKE = "look_alike"
    TYPE_MISSING = "type_missing"
    NAME_CHANGED = "name_changed"
    EXPERIMENT_GONE = "experiment_gone"
    TWO_NAMES = "two_names"
    UNKNOWN_IDS = "unknown_ids"
    PAYERS_WITHOUT_EVENTS = "payers_without_events"
    NO_HOURS = "no_hours"
    PAID_BEFORE_LESSON = "paid_before_lesson"
    FUTURE_TIMES = "future_times"
    ODD_TIMES = "odd_times"
    ONE_ID = "one_id"


@dataclass(frozen=True)
class Finding:
    """One thing that doesn't fit, in a sentence for the analyst with its remedy.

    `parts` are the keys of `not_counted` that can't be known because of it, none for a warning;
    then `reason` is there. `sample` holds at most ten of what was found, as text.
    """

    kind: FindingKind
    sentence: str
    parts: tuple[str, ...] = ()
    reason: Reason | None = None
    sample: tuple[str, ...] = ()


#: To plain values and back, as they are stored.
FINDINGS = TypeAdapter(tuple[Finding, ...])


def not_counted(findings: Iterable[Finding]) -> dict[str, Reason]:
    """Return the parts that can't be known, in the report's order, each with its first reason.

    `expiring` lives on every counted process: it goes where none of them is counted.
    """
    reasons: dict[str, Reason] = {}
    for finding in findings:
        for part in finding.parts:
            if finding.reason:
                reasons.setdefault(part, finding.reason)
    if all(part in reasons for part in PROCESS_PARTS):
        reasons.setdefault(EXPIRING, reasons[PROCESS_PARTS[0]])
    return {part: reasons[part] for part in PARTS if part in reasons}


def parts_living_on(event_type: str) -> tuple[str, ...]:
    """Return the parts that can't be known without `event_type`.

    A process lives on its start and all its ends, the funnel on its steps; without an
    experiment's type the population is another, so everything goes; new clients live on payments.
    """
    if event_type in EXPERIMENTS:
        return PARTS_OF_KEYS
    payments = (NEW_PAYING,) if event_type == PURCHASE else ()
    processes = [one.key for one in PROCESSES if event_type in (one.start, *one.ends)]
    funnel = (FUNNEL,) if any(event_type in steps for steps in PATHS.values()) else ()
    return (*payments, *processes, *funnel)


def missing_on_the_day(types: Iterable[str]) -> tuple[Finding, ...]:
    """Return what the judge of completeness found: types that fell silent on the day."""
    return tuple(
        Finding(
            FindingKind.TYPE_MISSING,
            f"{name!r} fell silent on the day, as never in eight weeks: see whether the source is "
            "loaded to its end, and read the day again.",
            parts_living_on(name),
            Reason.PAYMENTS_MISSING if name == PURCHASE else Reason.TYPE_MISSING,
        )
        for name in types
    )


def fit_outcome(findings: Sequence[Finding]) -> CheckOutcome:
    """Return what was found not to fit on one day as the outcome of a check."""
    rows = [
        {"kind": one.kind, "not counted": ", ".join(one.parts), "sample": "; ".join(one.sample)}
        for one in findings
    ]
    return CheckOutcome(
        FITS,
        # A few odd rows anywhere in history are nothing that concerns the day.
        passed=all(one.kind is FindingKind.ODD_TIMES for one in findings),
        sample=pd.DataFrame(rows),
        message=" ".join(one.sentence for one in findings) or "names, keys and times fit",
        facts={"kinds": ", ".join(dict.fromkeys(str(one.kind) for one in findings))},
        is_warning=True,
    )
