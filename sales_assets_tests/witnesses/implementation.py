"""The product's own way from the source's rows to the assets, as the witnesses call it."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta

import pandas as pd

from sales_assets.core import journey
from sales_assets.core.days import (
    INSTANT,
    ReportDays,
    day_bounds,
    to_instants,
    to_source_clock,
    with_instants,
)
from sales_assets.core.days import with_wall_clocks as with_wall
from sales_assets.core.journey import ALL_GROUPS, PATHS
from sales_assets.core.metrics.activity import daily_activity, population
from sales_assets.core.metrics.cleaning import clean_events, set_aside
from sales_assets.core.metrics.event_log import EventLog, encode
from sales_assets.core.metrics.funnel import conversion_funnel, funnel_depths, usual_steps
from sales_assets.core.metrics.payments import new_paying_users
from sales_assets.core.metrics.processes import (
    check_expiring,
    expired_cases,
    expiring_cases,
    stuck_cases,
    unclosed_processes,
)
from sales_assets.core.metrics.values import daily_values, values_of
from sales_assets_tests.core.metrics.strategies import cohort_members
from sales_assets_tests.witnesses.journeys import SourceLog
from sales_assets_tests.witnesses.witness import COMPARED_DAYS, loaded_days

Frames = Mapping[date, pd.DataFrame]
#: Every so many-th log goes through the product a day at a time, empty days and all.
DAY_BY_DAY = 10
WEEK_US = 7 * 24 * 3600 * 10**6
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
            "event_type": pd.Series(journey.PURCHASE, index=log.payments.index, dtype="str"),
        }
    )
    rows = pd.concat([events, payments], ignore_index=True)
    instants = to_instants(rows["event_time"], log.source_zone)
    stored = with_wall(rows.assign(event_time=instants), ["event_time"], log.report_zone)
    return _by_day(stored.assign(day=_day_of(rows["event_time"], log)), log)


def _day_of(source_times: pd.Series, log: SourceLog) -> pd.Series:
    """Return each row's day: the bounds are converted to the source's clock, not the column."""
    days = loaded_days(log)
    midnights = [day_bounds(day, log.report_zone)[0] for day in days]
    midnights.append(day_bounds(days[-1], log.report_zone)[1])
    clock = [pd.Timestamp(to_source_clock(at, log.source_zone)) for at in midnights]
    named = [None, *days, None]
    places = [bisect_right(clock, at) if pd.notna(at) else 0 for at in source_times]
    return pd.Series([named[place] for place in places], index=source_times.index, dtype=object)


def _by_day(rows: pd.DataFrame, log: SourceLog) -> dict[date, pd.DataFrame]:
    """Split rows by their column `day`; a day without rows is an empty frame."""
    frames = {day: _as_stored(frame) for day, frame in rows.groupby("day")}
    nothing = _as_stored(rows.iloc[:0])
    return {day: frames.get(day, nothing) for day in loaded_days(log)}


def _as_stored(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the fold columns of a day on which the clock repeats nothing, and the day itself."""
    empty = {name for name in rows.columns if name.endswith("_fold") and not rows[name].any()}
    return rows[[name for name in rows.columns if name not in {"day", *empty}]]


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
    times in microseconds since the epoch (UTC), of `conversion_funnel` the group `all`,
    of `daily_activity` the types that occurred; `population` (active, in_experiments) and
    `data_quality` (rows, without_user, unknown_type, duplicates).
    """
    days = ReportDays.of(log.days, log.report_zone)
    facts = user_history(log, history)
    raw, valid, clean = _cleaned(log, facts)
    encoded = encode(*_as_cut(log, clean, facts), log.report_zone)
    first_day = log.history_first_day
    expiring = expiring_cases(encoded, days)
    broken = [one for one in check_expiring(encoded, days, expiring).values() if not one.passed]
    if broken:
        raise AssertionError(broken)
    values = daily_values(encoded, _with_compared(log))
    known = values_of({day: frame for day, frame in values.items() if day >= first_day})
    funnel = conversion_funnel(encoded, days)
    for frame in funnel.values():
        _check_groups(frame)
    return {
        "unclosed_processes": _stacked(unclosed_processes(encoded, days, known)),
        "stuck_cases": _with_instants(stuck_cases(encoded, days), ["opened_at"], log),
        "expiring_cases": _with_instants(expiring, ["opened_at", "deadline"], log),
        "expired_cases": _stacked(expired_cases(encoded, days)),
        "conversion_funnel": _stacked(funnel).query("group == @ALL_GROUPS"),
        "daily_activity": _stacked({day: daily_activity(clean[day]) for day in log.days}).query(
            "events > 0"
        ),
        "new_paying_users": _stacked(new_paying_users(encoded, days, first_day)),
        "daily_values": _stacked(values).rename(columns={"of": "whole"}),
        "usual_steps": _stacked(usual_steps(encoded, days)),
        "depths": _depths(encoded, days),
        "population": _stacked(
            {day: pd.DataFrame([asdict(population(facts[day]))]) for day in log.days}
        ),
        "data_quality": _stacked({day: _quality(len(raw[day]), valid[day][1]) for day in log.days}),
    }


def cohort_groups(log: SourceLog, history: pd.DataFrame) -> dict[str, str]:
    """Return the name of the group of every client in the cohort of the log's last day."""
    facts = user_history(log, history)
    _, _, clean = _cleaned(log, facts)
    encoded = encode(clean.values(), facts.values(), log.report_zone)
    members = cohort_members(encoded, ReportDays.of(log.days, log.report_zone))
    return {str(user_id): name for user_id, name in members[log.days[-1]].items()}


def _cleaned(log: SourceLog, facts: Frames) -> tuple[Frames, dict[date, tuple], Frames]:
    """Return raw rows, rows set aside and clean events of each day that is looked at."""
    raw = raw_events(log)
    valid = {day: set_aside(frame) for day, frame in raw.items() if _is_looked_at(log, day, frame)}
    clean = {day: clean_events(frame, facts[day]) for day, (frame, _) in valid.items()}
    return raw, valid, clean


def _is_looked_at(log: SourceLog, day: date, frame: pd.DataFrame) -> bool:
    """Spare most logs their empty days, which cost as much time as full ones."""
    return day in log.days or not frame.empty or log.seed % DAY_BY_DAY == 0


def _as_cut(log: SourceLog, clean: Frames, facts: Frames) -> tuple[list, list]:
    """Return the frames a day at a time for some logs, in one piece, which is quicker, for most.

    With fold columns, on the days of a clock change, they stay as they are.
    """
    looked_at = list(clean.values()), [facts[day] for day in clean]
    has_folds = any(
        "_fold" in name for frame in [*looked_at[0], *looked_at[1]] for name in frame.columns
    )
    if has_folds or log.seed % DAY_BY_DAY == 0:
        return looked_at
    return [pd.concat(looked_at[0])], [pd.concat(looked_at[1])]


def _stacked(frames: Frames) -> pd.DataFrame:
    keys = [day.isoformat() for day in frames]
    return pd.concat(list(frames.values()), keys=keys, names=["day"]).reset_index("day")


def _with_instants(frames: Frames, columns: list[str], log: SourceLog) -> pd.DataFrame:
    """Stack frames, their times in microseconds since the epoch."""
    stacked = _stacked(frames)
    folds = {name: stacked[name].fillna(0) for name in map(str, stacked) if name.endswith("_fold")}
    told = with_instants(stacked.assign(**folds), columns, log.report_zone)
    return told.assign(**{name: told[name].astype(INSTANT).astype("int64") for name in columns})


def _with_compared(log: SourceLog) -> ReportDays:
    """Return the days of the log and those of its history that they are compared with."""
    earlier = {day - timedelta(days=back) for day in log.days for back in COMPARED_DAYS}
    compared = {day for day in earlier if day >= log.history_first_day}
    return ReportDays.of([*log.days, *compared], log.report_zone)


def _depths(log: EventLog, days: ReportDays) -> pd.DataFrame:
    """Return the depth of every client with an entry, by the product's own funnel."""
    stack = [
        _depths_of_path(log, steps)
        .query("@start <= at_us < @end and joined >= @cutoff")
        .groupby("user_id", as_index=False)["depth"]
        .max()
        .assign(day=day.isoformat(), path=path)
        for path, steps in PATHS.items()
        for day, cutoff in zip(days.days, days.cutoffs_us, strict=True)
        for start, end in [(cutoff - 2 * WEEK_US, cutoff - WEEK_US)]
    ]
    return pd.concat(stack)


def _depths_of_path(log: EventLog, steps: tuple[str, ...]) -> pd.DataFrame:
    rows = log.rows_of(steps[0])
    return pd.DataFrame(
        {
            "user_id": log.users[log.user[rows]],
            "joined": log.first_experiment[log.user[rows]],
            "at_us": log.at_us[rows],
            "depth": funnel_depths(log, steps, WEEK_US),
        }
    )


def _quality(rows: int, kinds: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame([{"rows": rows, **kinds}])


def _check_groups(funnel: pd.DataFrame) -> None:
    """The groups partition the cohort: step by step their clients sum to everybody's."""
    steps = ["path", "step"]
    groups = funnel[funnel["group"] != ALL_GROUPS].groupby(steps)["users"].sum()
    everybody = funnel[funnel["group"] == ALL_GROUPS].set_index(steps)["users"]
    if not groups.sort_index().equals(everybody.sort_index()):
        raise AssertionError(f"the groups do not sum to the funnel:\n{funnel}")
