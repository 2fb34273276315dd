"""What the report is built from: the day's metrics as stored, and the days it is compared with."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd


@dataclass(frozen=True)
class Population:
    """The bridge to the CRM: clients active on the day, and those of them in experiments."""

    active: int
    in_experiments: int


@dataclass(frozen=True)
class DataQuality:
    """Rows of the day that were read, and those set aside, by kind (English identifiers)."""

    rows: int
    set_aside: dict[str, int]


@dataclass(frozen=True)
class ReportInputs:
    """One day's inputs; a part is None where it could not be computed.

    The frames have the columns of their assets. `unclosed_before` (day, process, due, breached)
    and `funnel_before` (day, path, step, users, share; the group `all`) hold the same weekday of
    the four weeks before (D - 7, -14, -21, -28), each at its own cut-off, without the days before
    the history. `paying_series` (day, new_paying) holds the 29 days that end with the report day,
    so that D - 28 is among them, without those before the history; the last 28 are drawn. `day`
    columns are `datetime.date` objects.
    """

    day: date
    zone: ZoneInfo
    history_first_day: date
    unclosed: pd.DataFrame | None
    unclosed_before: pd.DataFrame | None
    funnel: pd.DataFrame | None
    funnel_before: pd.DataFrame | None
    paying: pd.DataFrame | None
    paying_series: pd.DataFrame | None
    population: Population | None
    quality: DataQuality | None
    flawed_days: tuple[date, ...] = ()
