"""Hourly counts of rows as arrays: eight weeks, the judged day, and what came after it."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from sales_assets.core.judgement.usual_rows import HISTORY_DAYS, HOURS

GRID_DAYS = HISTORY_DAYS + 1
#: The judged day, in hours since the first midnight of the history.
D0, D1 = HOURS * HISTORY_DAYS, HOURS * GRID_DAYS


@dataclass(frozen=True)
class HourlyRows:
    """Counts of the 57 days and the first hour with rows after them, per type and together.

    `by_type` is types x days x hours in the order of `types`, `in_all` days x hours; moments are
    hours since the first midnight. `resumes_by_type` and `resumes` are infinite without a row.
    """

    types: tuple[str, ...]
    by_type: np.ndarray
    in_all: np.ndarray
    resumes_by_type: np.ndarray
    resumes: float

    @classmethod
    def of(cls, counts: pd.DataFrame, start: datetime, read_until: float) -> "HourlyRows":
        """Sum counts in any order; hours from `read_until` on aren't read.

        Rows of no type count in all; hours outside, of no time and without rows are left out.
        """
        starts = pd.to_datetime(counts["hour"]).to_numpy("datetime64[us]")
        hours = np.floor((starts - np.datetime64(start, "us")) / np.timedelta64(1, "h"))
        rows = counts["rows"].to_numpy(dtype=float, na_value=0.0)
        # A row of no type has the code -1, the slot after the types.
        codes, types = pd.factorize(counts["type"], sort=True)
        slots = len(types) + 1
        # Not a number is in no range either.
        in_grid = (hours >= 0) & (hours < D1)
        after = (hours >= D1) & (hours < read_until) & (rows > 0)
        flat = (codes[in_grid] % slots) * D1 + hours[in_grid].astype(int)
        grid = np.bincount(flat, rows[in_grid], slots * D1).reshape(slots, GRID_DAYS, HOURS)
        resumes = np.full(slots, np.inf)
        np.minimum.at(resumes, codes[after], hours[after])
        return cls(tuple(types), grid[:-1], grid.sum(axis=0), resumes[:-1], float(resumes.min()))
