"""The product's own way from the source's rows to the assets, as the witnesses call it."""

from bisect import bisect_right
from datetime import date

import pandas as pd

from sales_assets.core import russian as ru
from sales_assets.core.days import INSTANT, day_bounds, to_instants, to_source_clock
from sales_assets.core.days import with_wall_clocks as with_wall
from sales_assets_tests.witnesses.journeys import SourceLog
from sales_assets_tests.witnesses.witness import loaded_days

HISTORY_TIMES = ["first_event_at", "first_experiment_at", "first_payment_at"]


def raw_events(log: SourceLog) -> dict[date, pd.DataFrame]:
    """Return what `raw_events` stores for each day that may be loaded: exactly the source's rows.

    user_id, event_time (wall clock of the report zone), event_type (null: not in the dictionary).
    A row without a time belongs to no day.
    """
    typed = log.events.merge(log.events_dict, left_on="event_id", right_on="id", how="left")
    events = pd.DataFrame(
        {
            "user_id": typed["_user_id"],
            "event_time": typed["happened_at"],
            "event_type": typed["_description"],
        }
    )
    payments = pd.DataFrame(
        {
            "user_id": log.payments["_user_id"],
            "event_time": log.payments["transaction_created_at"],
            "event_type": pd.Series(ru.PURCHASE, index=log.payments.index, dtype="str"),
        }
    )
    rows = pd.concat([events, payments], ignore_index=True)
    instants = to_instants(rows["event_time"], log.source_zone)
    stored = with_wall(rows.assign(event_time=instants), ["event_time"], log.report_zone)
    return _by_day(stored.assign(day=_day_of(rows["event_time"], log)), log)


def _day_of(source_times: pd.Series, log: SourceLog) -> list[date | None]:
    """Return each row's day: the bounds are converted to the source's clock, not the column."""
    days = loaded_days(log)
    midnights = [day_bounds(day, log.report_zone)[0] for day in days]
    midnights.append(day_bounds(days[-1], log.report_zone)[1])
    clock = [pd.Timestamp(to_source_clock(at, log.source_zone)) for at in midnights]
    named = [None, *days, None]
    return [named[bisect_right(clock, at)] if pd.notna(at) else None for at in source_times]


def _by_day(rows: pd.DataFrame, log: SourceLog) -> dict[date, pd.DataFrame]:
    """Split rows by their column `day`; a day without rows is an empty frame."""
    frames = {day: _as_stored(frame) for day, frame in rows.groupby("day")}
    nothing = _as_stored(rows.iloc[:0])
    return {day: frames.get(day, nothing) for day in loaded_days(log)}


def _as_stored(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the fold columns of a day on which the clock repeats nothing, and the day itself."""
    folds = [name for name in rows.columns if name.endswith("_fold") and not rows[name].any()]
    return rows.drop(columns=["day", *folds]).reset_index(drop=True)


def user_history(log: SourceLog, witnessed: pd.DataFrame) -> dict[date, pd.DataFrame]:
    """Return what `user_history` stores for each day, from the witness's own facts."""
    of_log = witnessed[witnessed["seed"] == log.seed]
    facts = of_log.assign(**{name: _instants(of_log[name]) for name in HISTORY_TIMES})
    days = [date.fromisoformat(day) for day in of_log["day"]]
    stored = with_wall(facts.drop(columns="seed"), HISTORY_TIMES, log.report_zone)
    return _by_day(stored.assign(day=days), log)


def _instants(microseconds: pd.Series) -> pd.Series:
    return pd.to_datetime(microseconds.astype("Int64"), unit="us", utc=True).astype(INSTANT)


def numbers_for(log: SourceLog, history: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the product's assets for `log.days`, each with its `day` (ISO text) before the rest.

    `history` is the witness's `user_history`. The frames: the assets of docs/metrics.md with
    `opened_at` in microseconds since the epoch (UTC), of `conversion_funnel` the group `all`,
    of `daily_activity` the types that occurred; `population` (active, in_experiments) and
    `data_quality` (rows, without_user, unknown_type, duplicates).
    """
    raise NotImplementedError
