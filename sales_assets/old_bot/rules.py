"""The old bot's numbers by its own rules, and the bridge from each of them to ours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from sales_assets.core import journey
from sales_assets.core.days import ReportDays, day_bounds, to_wall_clock, with_instants
from sales_assets.core.journey import ALL_GROUPS, PROCESSES, Process
from sales_assets.core.metrics.cleaning import set_aside
from sales_assets.core.metrics.event_log import LONG_AGO, EventLog, begins_run
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import microseconds

#: The seven bars of the old bot's funnel, in its order.
OLD_FUNNEL = (
    journey.REQUEST_CREATED,
    journey.FIRST_LINE_TASK,
    journey.FIRST_LINE_ANSWERED,
    journey.LESSON_APPOINTED,
    journey.LESSON_ATTENDED,
    journey.LESSON_SUCCEEDED,
    journey.PURCHASE,
)
#: The days that the starts of the 24 hours before, and all ends since, lie on.
LOG_DAYS = 3


class Step(Enum):
    """The rules that change one after another between the old bot's number and ours."""

    OLD = "the old bot"
    DAY_BORDERS = "day borders"
    CLOCK = "clock"
    EXPERIMENTS = "experiments as known that day"
    PROMISE = "24 hours"
    NEW = "the report"


@dataclass(frozen=True)
class DayRules:
    """Which rows are the day's, and whose rows count.

    `clock` is the zone whose calendar day is meant; without `has_borders` its first instant and
    its last second are not part of it. With `has_hindsight` everybody is left out who is known
    to have joined an experiment at any time; without, whoever joined before the cut-off.
    """

    clock: ZoneInfo
    has_borders: bool = True
    has_hindsight: bool = False


@dataclass(frozen=True)
class Stored:
    """What the storage holds for a comparison.

    `around` are the raw events of the day and, where the clocks differ, of its neighbours;
    `histories` the user histories of those days and of every later one that is known. `log` has
    the clean events and histories of the `LOG_DAYS` that end with the day; `unclosed`, `funnel` and
    `paying` are the day's metrics.
    """

    around: Sequence[pd.DataFrame]
    histories: Iterable[pd.DataFrame]
    log: EventLog
    unclosed: pd.DataFrame
    funnel: pd.DataFrame
    paying: pd.DataFrame


@dataclass(frozen=True)
class Bridge:
    """One number's way from the old bot's value to ours: the value after each step, in order."""

    name: str
    after: Mapping[Step, int]

    @property
    def rows(self) -> list[tuple[Step, int, int]]:
        """Each step with the number after it and its change; the changes sum to new − old."""
        first, *_ = after = list(self.after.items())
        changed = [(step, now, now - before) for (_, before), (step, now) in pairwise(after)]
        return [(*first, 0), *changed]


@dataclass(frozen=True)
class Comparison:
    """The old bot's three numbers beside ours.

    `processes` has a bridge for each process, `paying` the one of the new paying clients.
    `funnel` has a row per stage: `step`, `old_users` and `old_share` (of the stage before, NaN
    where there is none), `new_users` and `new_share` (of the entries).
    """

    day: date
    processes: tuple[Bridge, ...]
    paying: Bridge
    funnel: pd.DataFrame


def days_around(day: date, report_zone: ZoneInfo, source_zone: ZoneInfo) -> list[date]:
    """Return the report days that the source's calendar day `day` touches, in order."""
    start, end = day_bounds(day, source_zone)
    near = [day + timedelta(days=n) for n in (-1, 0, 1)]
    bounds = {of_near: day_bounds(of_near, report_zone) for of_near in near}
    return [of_near for of_near, (first, last) in bounds.items() if first < end and last > start]


def compare(day: date, report_zone: ZoneInfo, source_zone: ZoneInfo, stored: Stored) -> Comparison:
    """Recompute the old bot's numbers of `day` and change its rules into ours, one at a time.

    Its rules and the steps are those of docs/metrics.md, "The old bot". Both sides leave aside rows
    without a user, a time or a known type. Every change is what that one rule does at its place in
    the order: `same_day_users` after the experiments, `breached` at the end.
    """
    rows, facts = _rows(stored.around, report_zone), _facts(stored.histories, report_zone)
    view = _View(day, report_zone, rows, facts)
    ladder = {
        Step.OLD: DayRules(source_zone, has_borders=False, has_hindsight=True),
        Step.DAY_BORDERS: DayRules(source_zone, has_hindsight=True),
        Step.CLOCK: DayRules(report_zone, has_hindsight=True),
        Step.EXPERIMENTS: DayRules(report_zone),
    }
    breached = stored.unclosed.set_index("process")["breached"]

    def of_process(process: Process) -> Bridge:
        values = {step: view.left_open(process, rules) for step, rules in ladder.items()}
        late = late_users(stored.log, process, day, report_zone)
        ends = {Step.PROMISE: late, Step.NEW: int(breached[process.name])}
        return Bridge(process.name, values | ends)

    paying = {step: view.new_paying(rules) for step, rules in ladder.items()}
    new_paying = {Step.NEW: int(stored.paying["new_paying"].iloc[0])}
    return Comparison(
        day,
        tuple(of_process(process) for process in PROCESSES),
        Bridge(ru.NEW_PAYING_TITLE, paying | new_paying),
        _funnels(view.users_by_event(ladder[Step.OLD]), stored.funnel),
    )


def late_users(log: EventLog, process: Process, day: date, zone: ZoneInfo) -> int:
    """Count the clients with a start whose 24 hours ended on the day, and no end by then.

    Still as the old bot looks: at clients, at starts of one day (24 hours earlier), and at ends
    since that day's beginning in any order. `log` ends with the report day.
    """
    days = ReportDays.of([day], zone)
    promise_us = microseconds(process.promise)
    cutoff, earliest = int(days.cutoffs_us[0]), int(days.starts_us[0]) - promise_us
    rows, ends = log.rows_of(process.start), log.rows_of(*process.ends)
    at_us = log.at_us[rows]
    rows = rows[(at_us >= earliest) & (at_us < cutoff - promise_us)]
    rows = rows[log.first_experiment[log.user[rows]] >= cutoff]
    firsts = rows[begins_run(log.user[rows])]
    ended_after = log.instants(log.next_of(firsts, ends))
    ended_before = log.instants(log.last_before(firsts, ends), missing=LONG_AGO)
    is_late = (ended_after > log.at_us[firsts] + promise_us) & (ended_before < earliest)
    return int(np.count_nonzero(is_late))


@dataclass(frozen=True)
class _View:
    """The rows around a day (user_id, at, event_type), and facts by user, under any rules."""

    day: date
    report_zone: ZoneInfo
    rows: pd.DataFrame
    facts: pd.DataFrame

    def left_open(self, process: Process, rules: DayRules) -> int:
        """Count the clients with a start and no end on the day, in any order."""
        of_day = self._of_day(rules)
        started = of_day.loc[of_day["event_type"] == process.start, "user_id"]
        ended = of_day.loc[of_day["event_type"].isin(process.ends), "user_id"]
        return len(set(started).difference(ended))

    def users_by_event(self, rules: DayRules) -> pd.Series:
        """Count the distinct clients of the day by event."""
        of_day = self._of_day(rules)
        return of_day.groupby(of_day["event_type"].astype("str"))["user_id"].nunique()

    def new_paying(self, rules: DayRules) -> int:
        """Count the clients whose first payment of all is on the day."""
        first = self.facts["first_payment_at"].dropna()
        counts = first[self._is_of_day(first, rules)].index.difference(self._left_out(rules))
        return len(counts)

    def _of_day(self, rules: DayRules) -> pd.DataFrame:
        of_day = self.rows[self._is_of_day(self.rows["at"], rules)]
        return of_day[~of_day["user_id"].isin(self._left_out(rules))]

    def _is_of_day(self, instants: pd.Series, rules: DayRules) -> pd.Series:
        if rules.has_borders:
            start, end = day_bounds(self.day, rules.clock)
            return (instants >= start) & (instants < end)
        shown, midnight_shown = to_wall_clock(instants, rules.clock), pd.Timestamp(self.day)
        last_second = midnight_shown + pd.Timedelta(hours=23, minutes=59, seconds=59)
        return (shown > midnight_shown) & (shown < last_second)

    def _left_out(self, rules: DayRules) -> pd.Index:
        joined = self.facts["first_experiment_at"].dropna()
        cutoff = day_bounds(self.day, self.report_zone)[1]
        return joined.index if rules.has_hindsight else joined[joined < cutoff].index


def _rows(around: Sequence[pd.DataFrame], zone: ZoneInfo) -> pd.DataFrame:
    valid = [with_instants(set_aside(raw)[0], ["event_time"], zone) for raw in around]
    return pd.concat([frame.astype({"event_type": "str"}) for frame in valid]).rename(
        columns={"event_time": "at"}
    )


def _facts(histories: Iterable[pd.DataFrame], zone: ZoneInfo) -> pd.DataFrame:
    """Return each user's earliest experiment event and payment as instants, by user id."""
    columns = ["first_experiment_at", "first_payment_at"]
    known = pd.concat(
        with_instants(frame, columns, zone)[["user_id", *columns]] for frame in histories
    )
    return known.groupby("user_id")[columns].min()


def _funnels(old: pd.Series, funnel: pd.DataFrame) -> pd.DataFrame:
    of_all = funnel[funnel["group"] == ALL_GROUPS].drop_duplicates("step").set_index("step")
    users = old.reindex(list(OLD_FUNNEL), fill_value=0).to_numpy()
    before = np.concatenate([[0], users[:-1]])
    share = np.divide(users, before, out=np.full(len(users), np.nan), where=before > 0)
    new = of_all.loc[list(OLD_FUNNEL)]
    return pd.DataFrame(
        {
            "step": list(OLD_FUNNEL),
            "old_users": users,
            "old_share": share,
            "new_users": new["users"].to_numpy(),
            "new_share": new["share"].to_numpy(),
        }
    )
