"""Where the report's frames come from; one that cannot be had is missing, the others stay."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from typing import TypeVar

import dagster as dg
import pandas as pd

from sales_assets.core import names
from sales_assets.core.days import ReportDays
from sales_assets.core.metrics import cleaning
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.funnel import conversion_funnel, funnel_before
from sales_assets.core.metrics.payments import new_paying_series, new_paying_users
from sales_assets.core.metrics.processes import breached_before, unclosed_processes
from sales_assets.core.report.part import DataQuality, ReportDay, ReportInputs
from sales_assets.core.report.report import PARTS
from sales_assets.defs.jobs import FAILED_METRICS_TAG
from sales_assets.defs.lookback import LookbackResource

_Value = TypeVar("_Value")
_Frames = Mapping[date, pd.DataFrame]
_Maker = Callable[[EventLog, ReportDays, date], _Frames]

#: How a metric is counted again where it is not stored.
_METRICS: Mapping[str, _Maker] = {
    names.UNCLOSED_PROCESSES: unclosed_processes,
    names.CONVERSION_FUNNEL: lambda log, days, _first_day: conversion_funnel(log, days),
    names.NEW_PAYING_USERS: new_paying_users,
}
_COMPARED: Mapping[str, _Maker] = {
    names.UNCLOSED_PROCESSES: breached_before,
    names.CONVERSION_FUNNEL: funnel_before,
    names.NEW_PAYING_USERS: new_paying_series,
}


class InputsOfRun:
    """The inputs of the reports of one run."""

    def __init__(self, context: dg.AssetExecutionContext, lookback: LookbackResource) -> None:
        self._context = context
        self._lookback = lookback
        self._failed = context.run.tags.get(FAILED_METRICS_TAG, "").split(",")
        self._counted: dict[str, _Frames] = {}

    def of(self, day: date) -> ReportInputs:
        """Return one day's inputs: its frames as stored, and what they are compared with."""
        frames = {part.FRAME: self._frame(part.FRAME, day) for part in PARTS}
        before = {name: compared.get(day) for name, compared in self._before.items()}
        about = ReportDay(
            day=day,
            zone=self._lookback.calendar.zone,
            history_first_day=self._lookback.history.source_first_day,
            flawed_days=tuple(sorted(self._lookback.history.flawed_days(day))),
        )
        quality = self._attempt("the rows set aside", lambda: self._quality(day))
        return ReportInputs(about, _present(frames), _present(before), quality)

    @cached_property
    def _before(self) -> Mapping[str, _Frames]:
        return {
            name: self._attempt(f"what {name} is compared with", lambda make=make: self._made(make))
            or {}
            for name, make in _COMPARED.items()
        }

    def _frame(self, asset: str, day: date) -> pd.DataFrame | None:
        """Return the stored frame; a metric that is not there, or failed just now, is counted."""
        if asset not in self._failed and self._lookback.history.store.holds(asset, day):
            return self._lookback.history.store.read(asset, day)
        self._context.log.warning("%s of %s is not stored; counting it", asset, day)
        return self._attempt(f"{asset} of {day}", lambda: self._count(asset)[day])

    def _count(self, asset: str) -> _Frames:
        if asset not in self._counted:
            self._counted[asset] = self._made(_METRICS[asset])
        return self._counted[asset]

    def _made(self, make: _Maker) -> _Frames:
        log = self._lookback.event_log(self._context)
        days = self._lookback.report_days(self._context)
        return make(log, days, self._lookback.history.source_first_day)

    def _quality(self, day: date) -> DataQuality:
        raw = self._lookback.history.store.read(names.RAW_EVENTS, day)
        _, counts = cleaning.set_aside(raw)
        return DataQuality(rows=len(raw), set_aside=counts)

    def _attempt(self, what: str, make: Callable[[], _Value]) -> _Value | None:
        try:
            return make()
        except Exception:  # one failing part must not take the report with it
            self._context.log.exception("%s: not computed; the report goes without", what)
            return None


def _present(frames: Mapping[str, pd.DataFrame | None]) -> dict[str, pd.DataFrame]:
    return {name: frame for name, frame in frames.items() if frame is not None}
