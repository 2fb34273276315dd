"""A metric as it is described once: its frame, what it says, how its days are counted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from sales_assets.core.days import ReportDays
from sales_assets.core.frames import Frame
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.schemas import CheckOutcome


@dataclass(frozen=True)
class MetricContext:
    """What a metric may know beside the events.

    `values` returns the daily values of the counted days and of those that they are judged by
    (day, series, value, of); they are read when it is called.
    """

    first_day: date
    values: Callable[[], pd.DataFrame]


@dataclass(frozen=True)
class Check:
    """What a metric's frames promise, looked at before they are stored: an outcome for each day."""

    name: str
    about: str
    of: Callable[[EventLog, ReportDays, Mapping[date, pd.DataFrame]], Mapping[date, CheckOutcome]]


@dataclass(frozen=True)
class Metric:
    """A metric that a part of the report shows; its asset is made from this description.

    `about` describes the asset. `count` returns a frame for each of the days, from the events of
    their lookback. `rests_on_values` says that it asks for the daily values, which are counted
    before it then. Where a day fails the `check` nothing is stored.
    """

    frame: Frame
    about: str
    count: Callable[[EventLog, ReportDays, MetricContext], Mapping[date, pd.DataFrame]]
    rests_on_values: bool = False
    check: Check | None = None

    @property
    def name(self) -> str:
        """The name of the asset."""
        return self.frame.asset
