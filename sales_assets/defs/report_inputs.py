"""Where the report's frames come from; one that fails is missing, the others stay.

Where it fails for a passing reason the run does, too, and is tried again.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import TypeVar

import dagster as dg
import pandas as pd

from sales_assets.adapters.files.day_records import JSON, read_findings
from sales_assets.adapters.files.frames import MissingDayError, PassingStorageError
from sales_assets.adapters.history import BlockedDayError
from sales_assets.adapters.source.errors import PassingSourceError
from sales_assets.core import names
from sales_assets.core.days import ReportDays
from sales_assets.core.judgement.level import YOUNG_DAYS
from sales_assets.core.metrics import cleaning
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.funnel import usual_steps
from sales_assets.core.metrics.metric import Metric
from sales_assets.core.metrics.processes import expired_cases
from sales_assets.core.metrics.values import values_before, values_of
from sales_assets.core.report.inputs import DataQuality, ReportDay, ReportInputs
from sales_assets.core.report.report import METRICS_OF_PARTS, PARTS
from sales_assets.core.report.workdays import holidays_among
from sales_assets.core.russian import report as ru
from sales_assets.core.source_findings import (
    FindingKind,
    Reason,
    missing_on_the_day,
    not_counted,
)
from sales_assets.core.windows import CONVERSION, DAY, VALUE_DAYS, days_up_to
from sales_assets.defs.jobs import FAILED_METRICS_TAG
from sales_assets.defs.lookback import LookbackResource

_Value = TypeVar("_Value")
_Frames = Mapping[date, pd.DataFrame]
#: Errors that are no part's own: the run is tried again, or the day has no report.
_OF_THE_DAY = (PassingSourceError, PassingStorageError, BlockedDayError)
#: How a metric is counted again where it is not stored.
_METRICS: Mapping[str, Metric] = {metric.name: metric for metric in METRICS_OF_PARTS}


class InputsOfRun:
    """The inputs of the reports of one run."""

    def __init__(self, context: dg.AssetExecutionContext, lookback: LookbackResource) -> None:
        self._context = context
        self._lookback = lookback
        self._failed = context.run.tags.get(FAILED_METRICS_TAG, "").split(",")
        self._counted: dict[str, _Frames] = {}
        self._unknown: dict[date, Mapping[str, Reason]] = {}
        # The histories are a frame of the report, and nothing else here fills them.
        self._attempt("the events", lambda: lookback.events(context))
        found = self._attempt("the daily values", lambda: lookback.values(context))
        self._values = values_of({}) if found is None else found
        self._usual_steps = self._of_events("the usual steps of the funnel", usual_steps)
        self._expired = self._of_events("what became of the expiring cases", expired_cases)

    def of(self, day: date) -> ReportInputs:
        """Return one day's inputs: its frames as stored, and the values it is judged by."""
        history = self._lookback.history
        frames = {part.FRAME: self._frame(part.FRAME, day) for part in PARTS}
        around = days_up_to(day, VALUE_DAYS + 1 + CONVERSION // DAY)
        before = [one for one in around[:-1] if one >= history.source_first_day]
        # A young history's report says when it can be compared.
        ahead = days_up_to(day + YOUNG_DAYS * DAY, YOUNG_DAYS) if len(before) < YOUNG_DAYS else ()
        about = ReportDay(
            day=day,
            zone=self._lookback.settings.report_zone,
            history_first_day=history.source_first_day,
            holidays=holidays_among([*around, *ahead], self._lookback.settings.holidays),
            spoiled_days=frozenset(history.spoiled_days([*before, day])),
            uncounted_days=self._uncounted_days(before),
            completeness=history.whole_days.completeness(day),
            not_counted={part: ru.REASONS[why] for part, why in self._not_counted(day).items()},
            delivery_time=self._lookback.settings.delivery_time,
            source_since=history.source_since,
        )
        return ReportInputs(
            about,
            {name: frame for name, frame in frames.items() if frame is not None},
            values_before(self._values, day),
            self._usual_steps.get(day),
            self._attempt("the rows set aside", lambda: self._quality(day)),
            self._expired.get(day),
        )

    def _not_counted(self, day: date) -> Mapping[str, Reason]:
        """Return the parts that can't be known of a day, each with its reason."""
        if day not in self._unknown:
            history = self._lookback.history
            findings = read_findings(history.store, day) if day in self._examined else ()
            if self._lookback.settings.payers_without_events:  # as may be known since that day
                odd = FindingKind.PAYERS_WITHOUT_EVENTS
                findings = tuple(one for one in findings if one.kind is not odd)
            findings += missing_on_the_day(history.whole_days.completeness(day).missing)
            self._unknown[day] = not_counted(findings)
        return self._unknown[day]

    def _uncounted_days(self, days: Sequence[date]) -> Mapping[str, frozenset[date]]:
        """Return on which of `days` each part couldn't be known; those without any are absent."""
        found: dict[str, set[date]] = {}
        for day in days:
            with suppress(MissingDayError):  # a day that nobody counted
                for part in self._not_counted(day):
                    found.setdefault(part, set()).add(day)
        return {part: frozenset(of_part) for part, of_part in found.items()}

    @cached_property
    def _examined(self) -> set[date]:
        return self._lookback.history.store.days(names.RAW_EVENTS, JSON)

    def _of_events(self, what: str, count: Callable[[EventLog, ReportDays], _Frames]) -> _Frames:
        made = self._attempt(what, lambda: count(*self._lookback.events(self._context)))
        return made or {}

    def _frame(self, asset: str, day: date) -> pd.DataFrame | None:
        """Return the stored frame; a metric that is not there, or failed just now, is counted."""
        if asset not in self._failed and self._lookback.history.store.holds(asset, day):
            return self._lookback.history.store.read(asset, day)
        self._context.log.info("%s of %s is not stored; counting it", asset, day)
        return self._attempt(f"{asset} of {day}", lambda: self._count(asset)[day])

    def _count(self, asset: str) -> _Frames:
        if asset not in self._counted:
            self._counted[asset] = self._lookback.count(self._context, _METRICS[asset])
        return self._counted[asset]

    def _quality(self, day: date) -> DataQuality:
        raw = self._lookback.history.store.read(names.RAW_EVENTS, day)
        _, counts = cleaning.set_aside(raw)
        return DataQuality(rows=len(raw), set_aside=counts)

    def _attempt(self, what: str, make: Callable[[], _Value]) -> _Value | None:
        try:
            return make()
        except _OF_THE_DAY:
            raise
        except Exception:  # one failing part must not fail the report
            self._context.log.exception("%s: not computed; the report goes without", what)
            return None
