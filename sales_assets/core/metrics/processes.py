"""Unclosed processes: cases, their deadline of 24 hours, and what stays open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from sales_assets.core.days import DailyFrames, ReportDays, with_wall_clocks
from sales_assets.core.frames import EXPIRING_CASES, STUCK_CASES, UNCLOSED_PROCESSES, Frame, Kind
from sales_assets.core.journey import EVENT_TYPES, PROCESSES, Process
from sales_assets.core.metrics.event_log import (
    DAY_US,
    HOUR_US,
    LONG_AGO,
    NEVER,
    NOWHERE,
    EventLog,
    begins_run,
    cutoffs_of,
    position_of_day,
    tally,
    timestamps,
    wall_clocks,
)
from sales_assets.core.metrics.metric import Check, Metric
from sales_assets.core.metrics.schemas import CheckOutcome
from sales_assets.core.windows import CASES, COMPARED_WEEKS, microseconds, same_weekdays_before

WINDOW_US = microseconds(CASES)
EXPIRING_CHECK = "as_many_as_in_progress"
_NAMES = pd.array([process.name for process in PROCESSES], dtype="str")
OVERDUE_COLUMNS = ("overdue_1_3d", "overdue_3_7d", "overdue_7_30d")


@dataclass(frozen=True)
class Starts:
    """One process's starts by user and instant, with what closes each and until when it should.

    Starts of one user with the same closing row (or all without one) share a `group`. Seen from
    a cut-off, the group's starts of the last 30 days are one case. It is opened by the start
    whose `before`, the group's start before it, has left the window. `ended` is the user's last
    end before the start, `joined` the time of the user's first experiment event.
    """

    promise_us: int
    user: np.ndarray
    at_us: np.ndarray
    closed: np.ndarray
    ended: np.ndarray
    group: np.ndarray
    before: np.ndarray
    joined: np.ndarray

    @property
    def deadline(self) -> np.ndarray:
        """The instant by which each start should be closed."""
        return self.at_us + self.promise_us

    def day_if_opening(self, instants: np.ndarray, days: ReportDays) -> np.ndarray:
        """Return the day of each instant where the start opens a case at that day's cut-off."""
        positions = position_of_day(instants, days)
        cutoffs = cutoffs_of(positions, days)
        opens = (self.before < cutoffs - WINDOW_US) & (self.joined >= cutoffs)
        return np.where(opens, positions, NOWHERE)


def unclosed_processes(
    log: EventLog, days: ReportDays, values: pd.DataFrame
) -> Mapping[date, pd.DataFrame]:
    """Count each day's cases by process: the headline is `breached` of `due`.

    The columns are those of `core.frames`, the definition is docs/metrics.md, "Unclosed
    processes". A case of exactly 24 h is still in progress; a day without any is zeros.
    `usual_breached` is the median of the compared days by the daily `values` (day, series, value),
    missing where one of them has none. `same_day_users` are users with a start and no end on the
    calendar day, in any order.
    """
    counted = _by_process(log, days, _process_counts)

    def of_day(day: date) -> pd.DataFrame:
        compared = values[values["day"].isin(same_weekdays_before(day))].groupby("series")["value"]
        medians = compared.median()[compared.size() == COMPARED_WEEKS]
        usual = medians.reindex([process.key for process in PROCESSES]).to_numpy("float64")
        return counted[day].assign(usual_breached=usual)[UNCLOSED_PROCESSES.names]

    return DailyFrames(days.days, of_day)


def stuck_cases(log: EventLog, days: ReportDays) -> DailyFrames:
    """List each day's open overdue cases, the oldest first: whom to call.

    Cases of one instant stand in the order of the processes, then of the user ids. As many rows
    per process as `overdue_*` of `unclosed_processes` count together.
    """
    return _open_cases(log, days, STUCK_CASES, by="opened_at", are_overdue=True)


def expiring_cases(log: EventLog, days: ReportDays) -> DailyFrames:
    """List each day's cases in progress at the cut-off, the earliest deadline first.

    Cases of one deadline stand in the order of the processes, then of the user ids. As many rows
    per process as `in_progress` of `unclosed_processes` counts: `check_expiring`.
    """
    return _open_cases(log, days, EXPIRING_CASES, by="deadline", are_overdue=False)


def check_expiring(
    log: EventLog, days: ReportDays, frames: Mapping[date, pd.DataFrame]
) -> Mapping[date, CheckOutcome]:
    """Check that each day lists as many cases per process as `in_progress` counts."""
    starts = [starts_of(log, process) for process in PROCESSES]
    counts = [_open_at_cutoffs(one, days, *_ages(one)["in_progress"]) for one in starts]
    of_days = zip(days.days, np.array(counts).T.tolist(), strict=True)
    return {day: _same_counts(frames[day]["process"], of_day) for day, of_day in of_days}


def _same_counts(listed: pd.Series, counts: list[int]) -> CheckOutcome:
    found = [int((listed == name).sum()) for name in _NAMES]
    table = pd.DataFrame({"process": _NAMES, "listed": found, "in_progress": counts})
    wrong = table[table["listed"] != table["in_progress"]]
    strayed = (wrong["listed"] - wrong["in_progress"]).abs().tolist()
    return CheckOutcome(
        EXPIRING_CHECK,
        passed=wrong.empty,
        failing=dict(zip(wrong["process"], strayed, strict=True)),
        sample=wrong,
        message=f"{len(listed)} cases listed, {sum(counts)} counted",
    )


def expired_cases(log: EventLog, days: ReportDays) -> DailyFrames:
    """Count the cases that ran out on each day: those open at its start, and those of them met.

    Columns `process`, `waiting` (due on the day and not closed before it began) and `met` (of
    these, those closed by their deadline), int64; what is not met is `breached` of the day.
    """
    return _by_process(log, days, _waiting_and_met)


def cases_of_day(log: EventLog, days: ReportDays) -> pd.DataFrame:
    """List all cases of the 30 days before the cut-off of the one day, by process and client.

    `process`, `user_id`, `opened_at`, `starts`, `deadline`, `closed_at` (missing for an open one)
    and `closed_by`, the event. Beside them, 1 or 0, by which count of the day each is counted:
    `due`, `breached`, `waiting` and `met` (as `expired_cases`), `overdue`, `overdue_over_7d`,
    `in_progress`. Times are wall clocks of the report zone.
    """
    return pd.concat([_cases_of(log, process, days) for process in PROCESSES], ignore_index=True)


def _cases_of(log: EventLog, process: Process, days: ReportDays) -> pd.DataFrame:
    (start,), (cutoff,) = days.starts_us, days.cutoffs_us
    starts, rows = starts_of(log, process), log.rows_of(process.start)
    seen = (starts.at_us >= cutoff - WINDOW_US) & (starts.at_us < cutoff)
    positions = np.flatnonzero(seen & (starts.joined >= cutoff))
    firsts = np.flatnonzero(begins_run(starts.group[positions]))
    opening = positions[firsts]
    opened, ended = starts.at_us[opening], starts.closed[opening]
    closed = np.where(ended < cutoff, ended, NEVER)
    closing = log.next_of(rows[opening], log.rows_of(*process.ends))
    types = np.array([*EVENT_TYPES, ""], dtype=object)
    kinds = np.where(closed == NEVER, NOWHERE, np.append(log.type, NOWHERE)[closing])
    deadline, is_open = opened + starts.promise_us, closed == NEVER
    due = (deadline >= start) & (deadline < cutoff)
    waiting = due & (closed >= start)
    flags = {
        "due": due,
        "breached": due & (closed > deadline),
        "waiting": waiting,
        "met": waiting & (closed <= deadline),
        "overdue": is_open & (deadline < cutoff),
        "overdue_over_7d": is_open & (cutoff - opened > 7 * DAY_US),
        "in_progress": is_open & (deadline >= cutoff),
    }
    return pd.DataFrame(
        {
            "process": process.name,
            "user_id": log.users[starts.user[opening]],
            "opened_at": wall_clocks(opened, days.zone),
            "starts": np.diff(firsts, append=len(positions)),
            "deadline": wall_clocks(deadline, days.zone),
            "closed_at": wall_clocks(closed, days.zone),
            "closed_by": types[kinds],
            **{name: flag.astype(np.int64) for name, flag in flags.items()},
        }
    )


def _waiting_and_met(starts: Starts, days: ReportDays) -> dict[str, np.ndarray]:
    due_on = starts.day_if_opening(starts.deadline, days)
    waiting = np.where(starts.closed >= np.append(days.starts_us, 0)[due_on], due_on, NOWHERE)
    met = np.where(starts.closed <= starts.deadline, waiting, NOWHERE)
    return {"waiting": tally(waiting, days), "met": tally(met, days)}


def _by_process(
    log: EventLog,
    days: ReportDays,
    count: Callable[[Starts, ReportDays], Mapping[str, np.ndarray]],
) -> DailyFrames:
    """Return a frame a day with what `count` finds of each process, a number a day."""
    counts = [count(starts_of(log, process), days) for process in PROCESSES]
    columns = {name: np.array([of_process[name] for of_process in counts]) for name in counts[0]}
    positions = {day: position for position, day in enumerate(days.days)}

    def of_day(day: date) -> pd.DataFrame:
        found = {name: column[:, positions[day]] for name, column in columns.items()}
        return pd.DataFrame({"process": _NAMES, **found})

    return DailyFrames(days.days, of_day)


def starts_of(log: EventLog, process: Process) -> Starts:
    """Return the starts of one process in the log."""
    rows, ends = log.rows_of(process.start), log.rows_of(*process.ends)
    closing = log.next_of(rows, ends)
    user, at_us = log.user[rows], log.at_us[rows]
    is_first = begins_run(user, closing)
    return Starts(
        promise_us=microseconds(process.promise),
        user=user,
        at_us=at_us,
        closed=log.instants(closing),
        ended=log.instants(log.last_before(rows, ends), missing=LONG_AGO),
        group=np.cumsum(is_first),
        before=np.where(is_first, LONG_AGO, np.roll(at_us, 1)),
        joined=log.first_experiment[user],
    )


def due_and_breached(starts: Starts, days: ReportDays) -> tuple[np.ndarray, np.ndarray]:
    """Count the cases of one process due on each day, and those of them breached (int64)."""
    due_on = starts.day_if_opening(starts.deadline, days)
    late = np.where(starts.closed > starts.deadline, due_on, NOWHERE)
    return tally(due_on, days), tally(late, days)


def _process_counts(starts: Starts, days: ReportDays) -> dict[str, np.ndarray]:
    due, breached = due_and_breached(starts, days)
    return {
        "due": due,
        "breached": breached,
        "opened": tally(starts.day_if_opening(starts.at_us, days), days),
        "closed": tally(_closing_day(starts, days), days),
        **{name: _open_at_cutoffs(starts, days, *ages) for name, ages in _ages(starts).items()},
        "same_day_users": tally(_day_left_open(starts, days), days),
    }


def _ages(starts: Starts) -> dict[str, tuple[int, int]]:
    """Return the classes of open cases by age in us: over the first border, up to the second."""
    borders = [0, starts.promise_us, 3 * DAY_US, 7 * DAY_US, WINDOW_US]
    return dict(zip(("in_progress", *OVERDUE_COLUMNS), pairwise(borders), strict=True))


def _closing_day(starts: Starts, days: ReportDays) -> np.ndarray:
    """Return the day on which each group was closed, at its last start; `NOWHERE` elsewhere."""
    positions = position_of_day(starts.closed, days)
    cutoffs = cutoffs_of(positions, days)
    is_last = np.diff(starts.group, append=NOWHERE) != 0
    counts = is_last & (starts.at_us >= cutoffs - WINDOW_US) & (starts.joined >= cutoffs)
    return np.where(counts, positions, NOWHERE)


def _open_at_cutoffs(starts: Starts, days: ReportDays, over_us: int, up_to_us: int) -> np.ndarray:
    """Count the cases open at each cut-off and aged over the first border, up to the second.

    A start is the opening of an open case of that age for one interval of cut-offs; the
    intervals are added up by their ends instead of day by day.
    """
    after = np.maximum(starts.at_us + over_us, starts.before + WINDOW_US)
    until = np.minimum(np.minimum(starts.at_us + up_to_us, starts.closed), starts.joined)
    exists, slots = after < until, len(days.days) + 1
    begun, over = (
        np.bincount(np.searchsorted(days.cutoffs_us, edge[exists], side="right"), minlength=slots)
        for edge in (after, until)
    )
    return (begun - over).cumsum()[:-1].astype(np.int64)


def _day_left_open(starts: Starts, days: ReportDays) -> np.ndarray:
    """Return each user's days with a start and no end at all, once; `NOWHERE` elsewhere."""
    positions = position_of_day(starts.at_us, days)
    cutoffs, midnights = cutoffs_of(positions, days), np.append(days.starts_us, 0)[positions]
    ended = (starts.closed < cutoffs) | (starts.ended >= midnights)
    is_first = begins_run(starts.user, positions)
    return np.where(is_first & ~ended & (starts.joined >= cutoffs), positions, NOWHERE)


def _open_cases(
    log: EventLog, days: ReportDays, frame: Frame, *, by: str, are_overdue: bool
) -> DailyFrames:
    """Return by day the cases open at the cut-off, overdue or not, sorted by a time of theirs."""
    starts = [starts_of(log, process) for process in PROCESSES]
    in_time = [np.argsort(of_process.at_us) for of_process in starts]
    cutoffs = dict(zip(days.days, days.cutoffs_us.tolist(), strict=True))
    times = [column.name for column in frame.columns if column.kind is Kind.TIME]

    def of_day(day: date) -> pd.DataFrame:
        found = [
            _open_at(*pair, cutoffs[day], are_overdue=are_overdue)
            for pair in zip(starts, in_time, strict=True)
        ]
        process = np.repeat(np.arange(len(found)), [len(cases["user"]) for cases in found])
        whole = {name: np.concatenate([cases[name] for cases in found]) for name in found[0]}
        order = np.lexsort((whole["user"], process, whole[by]))
        cases = {name: values[order] for name, values in whole.items()}
        told = {
            "process": _NAMES[process[order]],
            "user_id": log.users.array[cases["user"]],
            "age_hours": (cutoffs[day] - cases["opened_at"]) / HOUR_US,
            **{name: timestamps(cases[name]) for name in times},
        }
        return with_wall_clocks(pd.DataFrame(cases | told)[frame.names], times, days.zone)

    return DailyFrames(days.days, of_day)


def _open_at(
    starts: Starts, in_time: np.ndarray, cutoff: int, *, are_overdue: bool
) -> dict[str, np.ndarray]:
    """Return the cases open at the cut-off; `in_time` sorts the starts by instant."""
    window = np.searchsorted(starts.at_us, [cutoff - WINDOW_US, cutoff], sorter=in_time)
    seen = in_time[slice(*window)]
    rows = np.sort(seen[(starts.closed[seen] >= cutoff) & (starts.joined[seen] >= cutoff)])
    firsts = np.flatnonzero(begins_run(starts.group[rows]))
    opened = starts.at_us[rows[firsts]]
    cases = {
        "user": starts.user[rows[firsts]],
        "opened_at": opened,
        "deadline": opened + starts.promise_us,
        "starts": np.diff(firsts, append=len(rows)),
    }
    kept = (cases["deadline"] < cutoff) == are_overdue
    return {name: values[kept] for name, values in cases.items()}


METRIC = Metric(
    UNCLOSED_PROCESSES,
    "How many of the promises of 24 hours that fell due on the day were broken, by process.",
    lambda log, days, known: unclosed_processes(log, days, known.values()),
    rests_on_values=True,
)
EXPIRING = Metric(
    EXPIRING_CASES,
    "Whose 24 hours run out on the day after: what can still be saved.",
    lambda log, days, _known: expiring_cases(log, days),
    check=Check(
        EXPIRING_CHECK, "As many cases per process as `in_progress` counts.", check_expiring
    ),
)
