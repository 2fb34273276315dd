"""Where the report's parts come from; a part that cannot be had is missing, the others stay."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, cached_property
from typing import TypeVar

import dagster as dg
import pandas as pd

from sales_assets.core import names
from sales_assets.core.metrics import cleaning
from sales_assets.core.metrics.activity import population
from sales_assets.core.metrics.funnel import conversion_funnel, funnel_before
from sales_assets.core.metrics.payments import new_paying_series, new_paying_users
from sales_assets.core.metrics.processes import breached_before, unclosed_processes
from sales_assets.core.report.inputs import DataQuality, Population, ReportInputs
from sales_assets.defs.jobs import FAILED_METRICS_TAG
from sales_assets.defs.lookback import LookbackResource

_Part = TypeVar("_Part")
_Comparison = Callable[..., Mapping[date, pd.DataFrame]]


class ReportParts:
    """The inputs of the reports of one run."""

    def __init__(self, context: dg.AssetExecutionContext, lookback: LookbackResource) -> None:
        self._context = context
        self._lookback = lookback
        self._failed = context.run.tags.get(FAILED_METRICS_TAG, "").split(",")

    def of(self, day: date) -> ReportInputs:
        """Return one day's inputs: its metrics as stored, and what they are compared with."""
        return ReportInputs(
            day=day,
            zone=self._lookback.calendar.zone,
            history_first_day=self._lookback.history.source_first_day,
            unclosed=self._metric(names.UNCLOSED_PROCESSES, day),
            unclosed_before=self._of_day(self._breached_before, day),
            funnel=self._metric(names.CONVERSION_FUNNEL, day),
            funnel_before=self._of_day(self._funnel_before, day),
            paying=self._metric(names.NEW_PAYING_USERS, day),
            paying_series=self._of_day(self._paying_series, day),
            population=self._attempt("the bridge to the CRM", lambda: self._population(day)),
            quality=self._attempt("the rows set aside", lambda: self._quality(day)),
            flawed_days=self._lookback.history.flawed_days(day),
        )

    @cached_property
    def _breached_before(self) -> Mapping[date, pd.DataFrame]:
        return self._compared("the usual level of the processes", breached_before)

    @cached_property
    def _funnel_before(self) -> Mapping[date, pd.DataFrame]:
        return self._compared("the usual level of the funnel", funnel_before)

    @cached_property
    def _paying_series(self) -> Mapping[date, pd.DataFrame]:
        return self._compared("the 28 days of new paying clients", new_paying_series)

    def _compared(self, part: str, compare: _Comparison) -> Mapping[date, pd.DataFrame]:
        log = self._lookback.event_log(self._context)
        days = self._lookback.report_days(self._context)
        first_day = self._lookback.history.source_first_day
        return self._attempt(part, lambda: compare(log, days, first_day)) or {}

    def _of_day(self, frames: Mapping[date, pd.DataFrame], day: date) -> pd.DataFrame | None:
        return self._attempt("a comparison", lambda: frames[day]) if day in frames else None

    def _metric(self, asset: str, day: date) -> pd.DataFrame | None:
        """Return the stored metric; one that is not there, or failed just now, is computed."""
        if asset not in self._failed and self._lookback.history.store.holds(asset, day):
            return self._lookback.history.store.read(asset, day)
        self._context.log.warning("%s of %s is not stored; computing it", asset, day)
        return self._attempt(f"{asset} of {day}", lambda: self._computed[asset]()[day])

    @cached_property
    def _computed(self) -> Mapping[str, Callable[[], Mapping[date, pd.DataFrame]]]:
        log = self._lookback.event_log(self._context)
        days = self._lookback.report_days(self._context)
        first_day = self._lookback.history.source_first_day
        return {
            names.UNCLOSED_PROCESSES: cache(lambda: unclosed_processes(log, days, first_day)),
            names.CONVERSION_FUNNEL: cache(lambda: conversion_funnel(log, days)),
            names.NEW_PAYING_USERS: cache(lambda: new_paying_users(log, days, first_day)),
        }

    def _population(self, day: date) -> Population:
        return population(self._lookback.history.store.read(names.USER_HISTORY, day))

    def _quality(self, day: date) -> DataQuality:
        raw = self._lookback.history.store.read(names.RAW_EVENTS, day)
        _, counts = cleaning.set_aside(raw)
        return DataQuality(rows=len(raw), set_aside=counts)

    def _attempt(self, part: str, make: Callable[[], _Part]) -> _Part | None:
        try:
            return make()
        except Exception:  # one failing part must not take the report with it
            self._context.log.exception("%s: not computed; the report goes without", part)
            return None
