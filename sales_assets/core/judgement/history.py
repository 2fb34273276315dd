"""What the day's judge is given: one series as daily values, laid out by calendar day."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from sales_assets.core.errors import SalesAssetsError

DAYS_OF_WEEK = 7
#: 1970-01-01, numpy's day 0, was a Thursday.
_WEEKDAY_OF_DAY_0 = 3


@dataclass(frozen=True)
class DailySeries:
    """One series from its first row up to a day: an entry per calendar day, a gap has no value.

    `value` and `of` (None for a count) are float64, NaN = unknown; `is_usable` marks the days that
    can be learned from and judged: with a value, no holiday, and for a share `of > 0`. A day is
    meant by its position, 0 … `last`.
    """

    first_weekday: int
    value: np.ndarray
    of: np.ndarray | None
    is_usable: np.ndarray

    @property
    def last(self) -> int:
        """Return the position of the last day."""
        return len(self.value) - 1

    def weekday(self, position: int) -> int:
        """Return 0 for a Monday … 6 for a Sunday."""
        return (self.first_weekday + position) % DAYS_OF_WEEK


def history_up_to(rows: pd.DataFrame, day: date) -> DailySeries | None:
    """Lay out the rows up to and with `day`, in any order; None if `day` has none.

    Columns: `day` (date or datetime64), `value`, `of` (numbers, null = unknown; `of` all null for
    a count), `is_holiday`. A share whose `of` is unknown has no value that day.
    """
    dates = pd.to_datetime(rows["day"]).to_numpy("datetime64[D]")
    kept = dates <= np.datetime64(day)
    if not kept.any() or dates[kept].max() != np.datetime64(day):
        return None
    value, of = (
        pd.to_numeric(rows[name]).to_numpy(np.float64, na_value=np.nan)[kept]
        for name in ("value", "of")
    )
    _refuse_impossible(dates[kept], value, of)
    first = dates[kept].min()
    positions = (dates[kept] - first).astype(np.int64)
    calendar = np.full((3, positions.max() + 1), np.nan)
    calendar[:, positions] = value, of, rows["is_holiday"].to_numpy(bool)[kept]
    value, of, is_holiday = calendar
    is_count = bool(np.isnan(of).all())
    is_usable = ~np.isnan(value) & (is_holiday == 0) & (is_count | (of > 0))
    weekday = int(first.astype(np.int64) + _WEEKDAY_OF_DAY_0) % DAYS_OF_WEEK
    return DailySeries(weekday, value, None if is_count else of, is_usable)


def _refuse_impossible(dates: np.ndarray, value: np.ndarray, of: np.ndarray) -> None:
    """Refuse a day with two rows, a value below 0 and a part larger than its whole."""
    if len(np.unique(dates)) < len(dates):
        raise SalesAssetsError("A series to judge has two rows of one day; give one row a day.")
    wrong = (value < 0) | (value > of)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise SalesAssetsError(
            f"A series to judge has the value {value[first]:g} of {of[first]:g} on "
            f"{dates[first]}; a value lies between 0 and its `of`. Recompute that day."
        )
