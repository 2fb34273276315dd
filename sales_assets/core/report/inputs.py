"""What the report is made of: the day's frames as stored, and the daily values it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core.completeness import CUT
from sales_assets.core.days import ReportDays
from sales_assets.core.journey import PROCESSES
from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets.core.metrics.event_log import EventLog
from sales_assets.core.metrics.processes import cases_of_day
from sales_assets.core.metrics.values import OF_A_COHORT, REQUESTS
from sales_assets.core.report.wording import number
from sales_assets.core.russian import report as ru
from sales_assets.core.source_findings import FUNNEL, PROCESS_PARTS
from sales_assets.core.windows import CONVERSION, DAY

_UNKNOWN = Completeness(State.UNKNOWN)
_CONVERSION_DAYS = CONVERSION // DAY
#: The part by whose key a series can't be known, where it isn't its own.
_PART_OF = {REQUESTS: PROCESS_PARTS[0], **dict.fromkeys(OF_A_COHORT, FUNNEL)}


@dataclass(frozen=True)
class DataQuality:
    """Rows of the day that were read, and those set aside, by kind (English identifiers)."""

    rows: int
    set_aside: dict[str, int]


@dataclass(frozen=True)
class ReportDay:
    """What every part may know of the day beside its own frames.

    `spoiled_days` are days of the lookback whose data are cut or flawed: they are no value for
    the judge. `uncounted_days` are, by the key of a part, those on which it couldn't be known.
    `completeness` is what its judge says of the day itself. `not_counted` gives for each key of
    docs/source.md that can't be known the reason, in the chief's words.
    `delivery_time` is when the chief gets the report, by the clock of `zone`. `source_since` is the
    day of the source's first row, where it isn't the history's: first payments are known since.
    """

    day: date
    zone: ZoneInfo
    history_first_day: date
    holidays: frozenset[date] = frozenset()
    spoiled_days: frozenset[date] = frozenset()
    uncounted_days: Mapping[str, frozenset[date]] = field(default_factory=dict)
    completeness: Completeness = _UNKNOWN
    not_counted: Mapping[str, str] = field(default_factory=dict)
    delivery_time: time = time(8, 45)
    source_since: date | None = None

    @property
    def is_cut(self) -> bool:
        """Whether rows of the day are missing: nothing is judged, and counts are bounds."""
        return self.completeness.state in CUT

    @property
    def is_empty(self) -> bool:
        """Whether the source has no row of the day: what is counted on the day alone is unknown."""
        return self.completeness.state is State.EMPTY

    def without_value(self, series: str) -> frozenset[date]:
        """Return the days before this one on which a series has no value to compare with."""
        part = _PART_OF.get(series, series)
        return (self.spoiled_days | self.uncounted_days.get(part, frozenset())) - {self.day}

    def bound(self, count: int) -> str:
        """Write a count of the day; of a cut day, at least that."""
        return f"{ru.AT_LEAST} {number(count)}" if self.is_cut else number(count)


@dataclass(frozen=True)
class ReportInputs:
    """One day's stored frames, by the names of their assets; one that is not stored is absent.

    `frames` hold the day itself. `daily_values` are the values that the day is judged by
    (`core.metrics.values.values_before`: day, series, value, of). `usual_steps` are the funnel's
    steps of the 28 days before the cohort's end (path, step, share of the entries). `expired` tells
    what became of the cases that ran out on the day (process, waiting, met).
    """

    about: ReportDay
    frames: Mapping[str, pd.DataFrame]
    daily_values: pd.DataFrame
    usual_steps: pd.DataFrame | None = None
    quality: DataQuality | None = None
    expired: pd.DataFrame | None = None

    def history(self, series: str) -> pd.DataFrame:
        """Return one series as its judge takes it: `day`, `value`, `of`, `is_holiday`.

        A holiday marks each day whose value it decided; spoiled data void the value of each day
        that rests on them: for a process the day after, too; for the funnel, whose clients
        entered a week before, the days until then.
        """
        rows = self.daily_values[self.daily_values["series"] == series]
        rests_on, decided_by = _reach(series)
        spoiled = _reached_by(self.about.without_value(series), rests_on)
        holidays = _reached_by(self.about.holidays, decided_by)
        history = {
            "day": rows["day"],
            "value": rows["value"].astype("Int64").mask(rows["day"].isin(spoiled)),
            "of": rows["of"],
            "is_holiday": rows["day"].isin(holidays),
        }
        return pd.DataFrame(history).reset_index(drop=True)


def _reach(series: str) -> tuple[range, range]:
    """Return how many days later spoiled data and a holiday are felt in the series."""
    if series in OF_A_COHORT:
        return range(_CONVERSION_DAYS + 1), range(_CONVERSION_DAYS, _CONVERSION_DAYS + 1)
    if series in PROCESS_PARTS:
        return range(2), range(2)
    return range(1), range(1)


def _reached_by(days: frozenset[date], later: range) -> set[date]:
    return {day + timedelta(days=after) for day in days for after in later}


@dataclass(frozen=True)
class DayEvents:
    """What the numbers of a day's report are counted from, as it is stored: its receipt lists it.

    `days` is that one day, `log` holds the events of its lookback, `raw` and `history` are the
    day's own rows and `user_history`. `inputs` have no frames: what the report knew of the day, and
    the daily values that it is judged by.
    """

    days: ReportDays
    log: EventLog
    raw: pd.DataFrame
    history: pd.DataFrame
    inputs: ReportInputs

    @property
    def day(self) -> date:
        """The day."""
        return self.days.days[0]

    @cached_property
    def cases(self) -> pd.DataFrame:
        """The cases of the processes that are counted."""
        return counted_cases(cases_of_day(self.log, self.days), self.inputs.about.not_counted)


def counted_cases(cases: pd.DataFrame, not_counted: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of the processes that can be known."""
    unknown = [each.name for each in PROCESSES if each.key in not_counted]
    return cases[~cases["process"].isin(unknown)]
