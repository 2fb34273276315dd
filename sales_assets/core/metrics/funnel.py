"""The conversion funnel: how far a cohort's clients came, in all and by client group."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from sales_assets.core.days import ReportDays
from sales_assets.core.frames import CONVERSION_FUNNEL
from sales_assets.core.journey import ALL_GROUPS, PATHS
from sales_assets.core.metrics.event_log import NEVER, EventLog, begins_run, wall_clocks
from sales_assets.core.metrics.groups import Requests, client_groups
from sales_assets.core.metrics.metric import Check, Metric
from sales_assets.core.metrics.schemas import GROUPS, check_groups
from sales_assets.core.windows import COHORT, CONVERSION, TRAINING, Window, microseconds


def funnel_depths(log: EventLog, steps: Sequence[str], window_us: int) -> np.ndarray:
    """Return for each entry (a row of the first step, in the log's order) how far it came.

    A closed, ordered funnel: the largest k with `t1 <= t2 <= … <= tk` and `tk − t1 <= window`.
    The border counts, equal times count in the order of the steps, and other events may lie
    between. `steps` are distinct types; 1 is an entry without any next step.
    """
    depths = np.ones(len(log.rows_of(steps[0])), dtype=np.int8)
    for going, _ in _climbed(log, steps, window_us):
        depths[going] += 1
    return depths


def _climbed(
    log: EventLog, steps: Sequence[str], window_us: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each step after the first the entries that got there, and the rows of the step."""
    entries = log.rows_of(steps[0])
    latest = log.at_us[entries] + window_us
    going, rows = np.arange(len(entries)), entries
    for step in steps[1:]:
        # The earliest next step leaves the most time for those after it.
        found = log.next_of(rows, log.rows_of(step))
        in_time = log.instants(found) <= latest[going]
        going, rows = going[in_time], found[in_time]
        yield going, rows


def conversion_funnel(log: EventLog, days: ReportDays) -> Mapping[date, pd.DataFrame]:
    """Count how far the clients with a request 14 to 7 days before each cut-off came.

    `all` stands before the client groups, which have a fixed order. Every group has a row for every
    step of both paths; the groups' users sum to those of `all`. The definition is docs/metrics.md,
    "Conversion funnel by client group".
    """
    frames, groups_of = {}, client_groups(log, days)
    for day, depths in _window_depths(log, days, COHORT):
        groups = groups_of[day]
        of_groups = [
            {path: deep[groups.group == position] for path, deep in depths.items()}
            for position in range(len(groups.names))
        ]
        frames[day] = _rows([ALL_GROUPS, *groups.names], [depths, *of_groups])
    return frames


def usual_steps(log: EventLog, days: ReportDays) -> Mapping[date, pd.DataFrame]:
    """Return how far the clients with a request 35 to 7 days before each cut-off came.

    Columns `path`, `step`, `users`, `share`, all clients together: what a cohort's steps are
    compared with, where the judge has said that the funnel moved.
    """
    depths = _window_depths(log, days, TRAINING)
    return {day: _rows([ALL_GROUPS], [found]).drop(columns="group") for day, found in depths}


def _window_depths(
    log: EventLog, days: ReportDays, window: Window
) -> Iterator[tuple[date, dict[str, np.ndarray]]]:
    """Yield for each day the depth by path of each client who entered in the window, by user."""
    requests = Requests.of(log)
    window_us = microseconds(CONVERSION)
    of_entries = {name: funnel_depths(log, path, window_us) for name, path in PATHS.items()}
    for day, cutoff in zip(days.days, days.cutoffs_us.tolist(), strict=True):
        entries = requests.within(cutoff, window)
        firsts = np.flatnonzero(begins_run(requests.user[entries]))
        of_clients = {name: depths[entries] for name, depths in of_entries.items()}
        if len(firsts):
            of_clients = {k: np.maximum.reduceat(deep, firsts) for k, deep in of_clients.items()}
        yield day, of_clients


def _rows(names: Sequence[str], of_groups: Sequence[Mapping[str, np.ndarray]]) -> pd.DataFrame:
    rows = []
    for group, depths in zip(names, of_groups, strict=True):
        for path, deep in depths.items():
            for position, step in enumerate(PATHS[path]):
                users = np.count_nonzero(deep > position)  # who came at least as far
                rows.append((group, path, step, users, users / max(len(deep), 1)))
    return pd.DataFrame(rows, columns=CONVERSION_FUNNEL.names)


def cohort_clients(log: EventLog, days: ReportDays) -> Mapping[str, pd.DataFrame]:
    """Return for each path how far each client of the one day's cohort came, and when.

    `user_id`, `group`, and for the n-th step of the path `at_<n>`, the wall clock of the report
    zone (missing where the client didn't get there), and `got_to_<n>`, 1 or 0. Of several entries
    the first of those that came furthest is told.
    """
    (cutoff,), (day,) = days.cutoffs_us, days.days
    groups, requests = client_groups(log, days)[day], Requests.of(log)
    entries = requests.within(cutoff, COHORT)
    who = {
        "user_id": log.users[groups.users],
        "group": np.array(groups.names, dtype=object)[groups.group],
    }
    told = {}
    for path, steps in PATHS.items():
        times = np.full((len(steps), len(requests.at_us)), NEVER)
        times[0] = requests.at_us
        for step, (going, rows) in enumerate(_climbed(log, steps, microseconds(CONVERSION)), 1):
            times[step, going] = log.at_us[rows]
        depths = (times[:, entries] != NEVER).sum(axis=0)
        order = np.lexsort((-depths, requests.user[entries]))
        furthest = times[:, entries[order][begins_run(requests.user[entries])]]
        steps_of = {f"at_{n}": wall_clocks(at, days.zone) for n, at in enumerate(furthest)}
        flags = {f"got_to_{n}": (at != NEVER).astype(np.int64) for n, at in enumerate(furthest)}
        told[path] = pd.DataFrame({**who, **steps_of, **flags})
    return told


METRIC = Metric(
    CONVERSION_FUNNEL,
    "How far the clients of a week of requests came within 7 days, by group of clients.",
    lambda log, days, _known: conversion_funnel(log, days),
    check=Check(
        GROUPS,
        "The groups sum to the funnel, no step exceeds the one before it.",
        lambda _log, days, frames: {day: check_groups(frames[day]) for day in days.days},
    ),
)
