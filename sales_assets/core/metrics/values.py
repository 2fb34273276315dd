"""The daily values that numbers are judged by: one small row per series and day."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from sales_assets.core import journey
from sales_assets.core.days import DailyFrames, ReportDays
from sales_assets.core.frames import DAILY_VALUES
from sales_assets.core.journey import MAIN_PATH, PATHS, PROCESSES
from sales_assets.core.metrics.event_log import (
    NOWHERE,
    EventLog,
    begins_run,
    cutoffs_of,
    position_of_day,
    tally,
    wall_clocks,
)
from sales_assets.core.metrics.funnel import funnel_depths
from sales_assets.core.metrics.payments import new_paying_counts
from sales_assets.core.metrics.processes import due_and_breached, starts_of
from sales_assets.core.windows import CONVERSION, VALUE_DAYS, days_up_to, microseconds

NEW_PAYING = "new_paying"
REQUESTS = "requests"
APPOINTED = "appointed"
PAID = "paid"
#: In the order of the frame; a share has a whole (`of`), a count has none.
SERIES = (NEW_PAYING, REQUESTS, *(process.key for process in PROCESSES), APPOINTED, PAID)
#: Those that go by entry day: of the clients who came in a week before.
OF_A_COHORT = (APPOINTED, PAID)


def daily_values(log: EventLog, days: ReportDays) -> DailyFrames:
    """Return each day's value of every series at its own cut-off, a row a series.

    Columns `series`, `value` (int64) and `of` (Int64, null for a count). `new_paying` as in
    `new_paying_users`; `requests` are distinct clients with a request on the day; a process's
    value is `breached` of `due`. The funnel goes by entry day: day D holds the clients who made a
    request on D − 7 and had their seven days: `appointed` are those of them with a lesson
    appointed, `paid` those of the appointed who bought. The definition is docs/verdict.md.
    """
    _, requests, requested_on = _requests(log, days, days)
    clients = requested_on[begins_run(log.user[requests], requested_on)]
    _, depths, on = _furthest_entries(log, days)
    appointed = tally(on[depths > 1], days)
    paid = tally(on[depths == len(PATHS[MAIN_PATH])], days)
    nothing = np.full(len(days.days), -1)
    rows = {
        NEW_PAYING: (new_paying_counts(log, days)["new_paying"].to_numpy(), nothing),
        REQUESTS: (tally(clients, days), nothing),
        **{
            process.key: due_and_breached(starts_of(log, process), days)[::-1]
            for process in PROCESSES
        },
        APPOINTED: (appointed, tally(on, days)),
        PAID: (paid, appointed),
    }
    value, of = (np.stack([pair[i] for pair in rows.values()], axis=1) for i in (0, 1))
    positions = {day: position for position, day in enumerate(days.days)}
    return DailyFrames(days.days, lambda day: _frame(value[positions[day]], of[positions[day]]))


def values_before(values: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return the rows of `values_of` that `day` is judged by: its own and the 112 days before."""
    window = days_up_to(day, VALUE_DAYS + 1)
    return values[values["day"].isin(window)].reset_index(drop=True)


def values_of(frames: Mapping[date, pd.DataFrame]) -> pd.DataFrame:
    """Put days' values under each other: `day` (a `date`), `series`, `value`, `of`."""
    columns = ["day", *DAILY_VALUES.names]
    if not frames:
        return pd.DataFrame(columns=columns).astype(DAILY_VALUES.dtypes)
    dated = (frame.assign(day=day) for day, frame in frames.items())
    return pd.concat(dated, ignore_index=True)[columns]


def _frame(value: np.ndarray, of: np.ndarray) -> pd.DataFrame:
    whole = pd.array(of, dtype="Int64")
    whole[of < 0] = pd.NA
    return pd.DataFrame({"series": pd.array(SERIES, dtype="str"), "value": value, "of": whole})


def _requests(
    log: EventLog, made_on: ReportDays, days: ReportDays
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which requests were made on `made_on`, their rows, and the position of the day.

    Of people in no experiment before the cut-off of the day at that position of `days`.
    """
    rows = log.rows_of(journey.REQUEST_CREATED)
    on = position_of_day(log.at_us[rows], made_on)
    kept = (on != NOWHERE) & (log.first_experiment[log.user[rows]] >= cutoffs_of(on, days))
    return kept, rows[kept], on[kept]


def requesting_clients(log: EventLog, days: ReportDays) -> pd.DataFrame:
    """List who made a request on the day: `user_id`, `first_at`, `requests` and `requested`, 1."""
    _, rows, _ = _requests(log, days, days)
    firsts = np.flatnonzero(begins_run(log.user[rows]))
    return pd.DataFrame(
        {
            "user_id": log.users[log.user[rows][firsts]],
            "first_at": wall_clocks(log.at_us[rows][firsts], days.zone),
            "requests": np.diff(firsts, append=len(rows)),
            "requested": 1,
        }
    )


def entered_clients(log: EventLog, days: ReportDays) -> pd.DataFrame:
    """List who made a request seven days before the one day: whom `appointed` and `paid` judge.

    `user_id`, `entered_at` (the entry that came furthest), and 1 or 0: `entered`, `appointed`,
    `paid`.
    """
    entries, depth, _ = _furthest_entries(log, days)
    return pd.DataFrame(
        {
            "user_id": log.users[log.user[entries]],
            "entered_at": wall_clocks(log.at_us[entries], days.zone),
            "entered": 1,
            "appointed": (depth > 1).astype(np.int64),
            "paid": (depth == len(PATHS[MAIN_PATH])).astype(np.int64),
        }
    )


def _furthest_entries(log: EventLog, days: ReportDays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each client's furthest entry a week before a day: its row, its depth, the day."""
    entry_days = ReportDays.of([day - CONVERSION for day in days.days], days.zone)
    kept, rows, on = _requests(log, entry_days, days)
    depths = funnel_depths(log, PATHS[MAIN_PATH], microseconds(CONVERSION))[kept]
    order = np.lexsort((-depths, on, log.user[rows]))
    firsts = order[begins_run(log.user[rows], on)]
    return rows[firsts], depths[firsts], on[firsts]
