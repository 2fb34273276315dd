"""New paying clients: who paid for the first time, and the day's payments."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

from sales_assets.core import journey
from sales_assets.core.days import DailyFrames, ReportDays, lookback_days
from sales_assets.core.frames import NEW_PAYING_USERS
from sales_assets.core.metrics.event_log import (
    NEVER,
    EventLog,
    begins_run,
    cutoffs_of,
    position_of_day,
    tally,
    wall_clocks,
)
from sales_assets.core.metrics.metric import Metric

_WEEK = 7


def new_paying_users(
    log: EventLog, days: ReportDays, history_first_day: date
) -> Mapping[date, pd.DataFrame]:
    """Count each day's clients whose earliest payment over all history is on the day: one row.

    The columns are those of `core.frames`. In an experiment is who joined one before the cut-off;
    the days before are counted each at its own, and their two columns are missing where they reach
    before the history. A day without payments is zeros.
    """
    known = lookback_days(days.days, history_first_day, _WEEK + 1)
    table = new_paying_counts(log, ReportDays.of([*days.days, *known], days.zone))
    frame = table.assign(**_weekly_comparisons(table["new_paying"], history_first_day))
    return DailyFrames(days.days, lambda day: frame.loc[[day]].reset_index(drop=True))


def new_paying_counts(log: EventLog, days: ReportDays) -> pd.DataFrame:
    """Return each day's own counts, indexed by `datetime.date`, each at its own cut-off."""
    first_on = position_of_day(log.first_payment, days)
    outside = log.first_experiment >= cutoffs_of(first_on, days)
    rows = log.rows_of(journey.PURCHASE)
    paid_on, payer = position_of_day(log.at_us[rows], days), log.user[rows]
    visible = log.first_experiment[payer] >= cutoffs_of(paid_on, days)
    counts = {
        "new_paying": first_on[outside],
        "new_paying_experiment": first_on[~outside],
        "paying": paid_on[visible & begins_run(payer, paid_on)],
        "payments": paid_on[visible],
    }
    index = pd.Index(days.days, dtype=object)
    return pd.DataFrame({name: tally(on, days) for name, on in counts.items()}, index=index)


def first_payers(log: EventLog, days: ReportDays) -> pd.DataFrame:
    """List who paid for the first time ever on the one day.

    `user_id`, `first_payment_at`, `first_experiment_at` (missing for who was in none before the
    cut-off), and 1 or 0: `new_paying`, `new_paying_experiment`.
    """
    (start,), (cutoff,) = days.starts_us, days.cutoffs_us
    users = np.flatnonzero((log.first_payment >= start) & (log.first_payment < cutoff))
    joined = np.where(log.first_experiment[users] < cutoff, log.first_experiment[users], NEVER)
    return pd.DataFrame(
        {
            "user_id": log.users[users],
            "first_payment_at": wall_clocks(log.first_payment[users], days.zone),
            "first_experiment_at": wall_clocks(joined, days.zone),
            "new_paying": (joined == NEVER).astype(np.int64),
            "new_paying_experiment": (joined != NEVER).astype(np.int64),
        }
    )


def _weekly_comparisons(new_paying: pd.Series, history_first_day: date) -> dict[str, pd.Series]:
    last_week, mean = {}, {}
    for day in new_paying.index.tolist():
        before = new_paying.reindex([day - timedelta(days=back) for back in range(1, _WEEK + 1)])
        is_complete = before.notna().all() and before.index[-1] >= history_first_day
        last_week[day] = int(before.iloc[-1]) if is_complete else None
        mean[day] = float(before.mean()) if is_complete else None
    return {
        "same_weekday_last_week": pd.Series(last_week, dtype="Int64", index=new_paying.index),
        "mean_7d": pd.Series(mean, dtype="float64", index=new_paying.index),
    }


METRIC = Metric(
    NEW_PAYING_USERS,
    "Clients who paid for the first time ever, beside last week and the mean of seven days.",
    lambda log, days, known: new_paying_users(log, days, known.first_day),
)
