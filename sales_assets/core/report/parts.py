"""The parts of the report as plain values: what the stored frames say, judged and named."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

import pandas as pd

from sales_assets.core import journey
from sales_assets.core.journey import ALL_GROUPS, FIRST_LINE_PATH, MAIN_PATH, PATHS, PROCESSES
from sales_assets.core.metrics.processes import OVERDUE_COLUMNS
from sales_assets.core.report.inputs import ReportInputs
from sales_assets.core.report.levels import Change, Level, judged
from sales_assets.core.report.workdays import (
    comparable_days,
    has_holiday_cohort,
)
from sales_assets.core.windows import COHORT, DAY, DRAWN_DAYS, days_up_to

#: A case is due the day after it opened: the first day has none.
FIRST_DUE_DAY = DAY
#: The first entry day of a funnel lies so long before its report day.
FIRST_COHORT = COHORT.since - DAY

#: How groups of clients stand beside each other: by their reaction, the best first.
GROUP_ORDER = (
    journey.GROUP_BOOKED_THEMSELVES,
    journey.GROUP_REACHED,
    journey.GROUP_CALLED_IN_VAIN,
    journey.GROUP_NO_REACTION,
    journey.GROUP_ALL_REQUESTS,
)

#: The stages of the ideal journey, in its order, each on the path that counts it.
STAGES = (
    (MAIN_PATH, journey.REQUEST_CREATED),
    *((FIRST_LINE_PATH, step) for step in PATHS[FIRST_LINE_PATH][1:]),
    *((MAIN_PATH, step) for step in PATHS[MAIN_PATH][1:]),
)


@dataclass(frozen=True)
class NewPaying:
    """New paying clients of the day; `series` are the drawn days, None where there is no value."""

    level: Level
    experiment: int
    paying: int
    payments: int
    last_week: float | None
    mean_7d: float | None
    series: tuple[tuple[date, int | None], ...]


@dataclass(frozen=True)
class ProcessDay:
    """One process: cases due on the day, breached ones, and those still open after 24 hours."""

    name: str
    level: Level
    due: int
    overdue: int
    overdue_over_7d: int

    @property
    def breached(self) -> int:
        """The headline: cases due on the day that were not closed within 24 hours."""
        return int(self.level.value)

    @property
    def is_alarming(self) -> bool:
        """Only more than usual is alarming: fewer breached cases are as it should be."""
        return self.level.change is Change.MORE


@dataclass(frozen=True)
class Stage:
    """How many clients of a group got to a step, and their share of the group's entries."""

    path: str
    step: str
    users: int
    share: float


@dataclass(frozen=True)
class ClientGroup:
    """A group of clients with its seven stages in the order of the journey."""

    name: str
    stages: tuple[Stage, ...]

    @property
    def entries(self) -> int:
        """Clients with a request."""
        return self.stages[0].users


@dataclass(frozen=True)
class FunnelMove:
    """The first step of the main path whose share of the entries stands out."""

    step: str
    share: float
    usual: float
    change: Change


@dataclass(frozen=True)
class Funnel:
    """The funnel of one cohort: everybody, the client groups, and where it moved, if it did."""

    everybody: ClientGroup
    groups: tuple[ClientGroup, ...]
    move: FunnelMove | None


def new_paying(inputs: ReportInputs) -> NewPaying | None:
    """Return the part about new paying clients, or None if it was not computed."""
    if inputs.paying is None or inputs.paying.empty:
        return None
    row = inputs.paying.iloc[0]
    known = _series_by_day(inputs)
    compared = comparable_days(inputs.day, inputs.history_first_day, inputs.flawed_days)
    value = int(row["new_paying"])
    return NewPaying(
        level=judged(value, [known[day] for day in compared if day in known]),
        experiment=int(row["new_paying_experiment"]),
        paying=int(row["paying"]),
        payments=int(row["payments"]),
        last_week=_number_or_none(row["same_weekday_last_week"]),
        mean_7d=_number_or_none(row["mean_7d"]),
        series=_drawn_series(inputs.day, known | {inputs.day: value}),
    )


def process_days(inputs: ReportInputs) -> tuple[ProcessDay, ...] | None:
    """Return the processes in the order of the journey, or None if they were not computed."""
    if inputs.unclosed is None or inputs.unclosed.empty:
        return None
    rows = {row["process"]: row for row in inputs.unclosed.to_dict("records")}
    named = [process.name for process in PROCESSES if process.name in rows]
    return tuple(_process_day(name, rows[name], inputs) for name in named)


def funnel(inputs: ReportInputs) -> Funnel | None:
    """Return the funnel, or None if it was not computed or its cohort is older than the history."""
    _, last_entry_day = COHORT.days(inputs.day)
    if inputs.funnel is None or inputs.funnel.empty or last_entry_day < inputs.history_first_day:
        return None
    everybody = _client_group(inputs.funnel, ALL_GROUPS)
    names = set(inputs.funnel["group"]) - {ALL_GROUPS}
    groups = tuple(_client_group(inputs.funnel, name) for name in sorted(names, key=_group_place))
    return Funnel(everybody, groups, _funnel_move(everybody, inputs))


def _series_by_day(inputs: ReportInputs) -> dict[date, int]:
    if inputs.paying_series is None:
        return {}
    series = inputs.paying_series.dropna(subset=["new_paying"])
    return dict(zip(series["day"], series["new_paying"].astype("int64").tolist(), strict=True))


def _drawn_series(day: date, known: dict[date, int]) -> tuple[tuple[date, int | None], ...]:
    return tuple((each, known.get(each)) for each in days_up_to(day, DRAWN_DAYS))


def _process_day(name: str, row: Mapping[Hashable, Any], inputs: ReportInputs) -> ProcessDay:
    overdue = [int(row[column]) for column in OVERDUE_COLUMNS]
    return ProcessDay(
        name=name,
        level=judged(int(row["breached"]), _breached_before(name, inputs)),
        due=int(row["due"]),
        overdue=sum(overdue),
        overdue_over_7d=overdue[-1],
    )


def _breached_before(name: str, inputs: ReportInputs) -> Sequence[float]:
    if inputs.unclosed_before is None:
        return []
    compared = comparable_days(
        inputs.day, inputs.history_first_day + FIRST_DUE_DAY, inputs.flawed_days
    )
    before = inputs.unclosed_before
    rows = before[(before["process"] == name) & before["day"].isin(compared)]
    return rows["breached"].dropna().astype("int64").tolist()


def _client_group(frame: pd.DataFrame, name: str) -> ClientGroup:
    rows = frame[frame["group"] == name]
    users = {
        (path, step): int(count)
        for path, step, count in zip(rows["path"], rows["step"], rows["users"], strict=True)
    }
    shares = dict(
        zip(zip(rows["path"], rows["step"], strict=True), rows["share"].fillna(0.0), strict=True)
    )
    stages = [
        Stage(path, step, users.get((path, step), 0), float(shares.get((path, step), 0.0)))
        for path, step in STAGES
    ]
    return ClientGroup(name, tuple(stages))


def _group_place(name: str) -> tuple[int, int, str]:
    """Place groups by what happened to them, not by size: a day's order is every day's order.

    Within one reaction the plain name stands before the ones with a word put before it.
    """
    # The name of one group ends another's: the longer one is looked for first.
    by_length = sorted(GROUP_ORDER, key=len, reverse=True)
    kind = next((kind for kind in by_length if kind in name), None)
    place = GROUP_ORDER.index(kind) if kind else len(GROUP_ORDER)
    return place, name.find(kind or ""), name


def _funnel_move(everybody: ClientGroup, inputs: ReportInputs) -> FunnelMove | None:
    steps = [stage for stage in everybody.stages[1:] if stage.path == MAIN_PATH]
    moves = (_move_of(stage, everybody.entries, inputs) for stage in steps)
    return next((move for move in moves if move), None)


def _move_of(stage: Stage, entries: int, inputs: ReportInputs) -> FunnelMove | None:
    """Judge a step in clients: as many as today's entries had brought at the shares of before."""
    shares = _shares_before(stage.step, inputs)
    level = judged(stage.users, [share * entries for share in shares])
    if level.change is Change.USUAL:
        return None
    return FunnelMove(stage.step, stage.share, median(shares), level.change)


def _shares_before(step: str, inputs: ReportInputs) -> Sequence[float]:
    if inputs.funnel_before is None:
        return []
    compared = comparable_days(
        inputs.day,
        inputs.history_first_day + FIRST_COHORT,
        inputs.flawed_days,
        has_holiday_cohort,
    )
    before = inputs.funnel_before
    is_compared = (before["path"] == MAIN_PATH) & before["day"].isin(compared)
    return before.loc[is_compared & (before["step"] == step), "share"].dropna().tolist()


def _number_or_none(value: object) -> float | None:
    return None if pd.isna(value) else float(value)  # type: ignore[arg-type]
