"""The event log: a run's clean events as sorted arrays, and what history knows of each user."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sales_assets.core.days import ReportDays, to_wall_clock, with_instants
from sales_assets.core.journey import EVENT_TYPES
from sales_assets.core.metrics.cleaning import texts

#: The instant of what has not happened: later than every cut-off.
NEVER = np.iinfo(np.int64).max
#: The instant of what has not happened yet, looking back: before every window.
LONG_AGO = -NEVER
#: The position of a row that does not exist.
NOWHERE = -1

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

FACTS = ("first_event_at", "first_experiment_at", "first_payment_at")

_TYPE_CODES = pd.Index(EVENT_TYPES, dtype="str")
_NO_INSTANT = np.iinfo(np.int64).min
#: The users, types and instants of no event.
_NO_EVENTS = np.empty(0, np.int32), np.empty(0, np.int8), np.empty(0, np.int64)
#: Rows read at a time: enough to meet the known users rarely, few enough to stay small.
_BATCH_ROWS = 500_000


@dataclass(frozen=True)
class EventLog:
    """Distinct events of the types in `EVENT_TYPES`, sorted by user, instant and type.

    `user` (int32, a position in the sorted `users`), `type` (int8, a position in `EVENT_TYPES`) and
    `at_us` (int64 microseconds since the epoch, UTC) are parallel. `first_event`,
    `first_experiment` and `first_payment` hold an instant per user, over all history, `NEVER`
    where there is none; `users` has people without a row here, too.
    """

    users: pd.Index
    user: np.ndarray
    type: np.ndarray
    at_us: np.ndarray
    first_event: np.ndarray
    first_experiment: np.ndarray
    first_payment: np.ndarray

    @cached_property
    def moment(self) -> np.ndarray:
        """Return for each row the first row of the same user and instant."""
        new = begins_run(self.user, self.at_us)
        return np.maximum.accumulate(np.where(new, np.arange(len(new), dtype=np.int32), 0))

    def rows_of(self, *types: str) -> np.ndarray:
        """Return the rows of these event types, in order."""
        wanted = np.array([name in types for name in EVENT_TYPES])
        return np.flatnonzero(wanted[self.type])

    def without_experiments(self, days: ReportDays) -> "EventLog":
        """Leave out, on `days`, everybody in an experiment as of the day's cut-off.

        Other days keep their rows: what `core.metrics.cleaning.clean_events` does day by day.
        """
        on = position_of_day(self.at_us, days)
        kept = (on == NOWHERE) | (self.first_experiment[self.user] >= cutoffs_of(on, days))
        return replace(self, user=self.user[kept], type=self.type[kept], at_us=self.at_us[kept])

    def next_of(self, rows: np.ndarray, targets: np.ndarray, skip: int = 0) -> np.ndarray:
        """Return for each row the first of `targets` that the user meets at the time or later.

        The same instant counts, whatever the order of types; with `skip` the first targets are
        passed over, with -1 it is the one before. `targets` are sorted rows. `NOWHERE` where there
        is none.
        """
        if not len(targets):
            return np.full(len(rows), NOWHERE)
        positions = np.searchsorted(targets, self.moment[rows]) + skip
        found = targets[np.clip(positions, 0, len(targets) - 1)]
        exists = (positions >= 0) & (positions < len(targets))
        return np.where(exists & (self.user[found] == self.user[rows]), found, NOWHERE)

    def last_before(self, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return for each row the user's last of the sorted `targets` before its instant."""
        return self.next_of(rows, targets, skip=-1)

    def instants(self, rows: np.ndarray, missing: int = NEVER) -> np.ndarray:
        """Return the rows' instants, `missing` for `NOWHERE`."""
        if not len(self.at_us):
            return np.full(len(rows), missing)
        return np.where(rows == NOWHERE, missing, self.at_us[rows])


def encode(
    events: Iterable[pd.DataFrame], history: Iterable[pd.DataFrame], zone: ZoneInfo
) -> EventLog:
    """Read frames of clean events and of user histories, wall clocks of `zone`, into one log.

    Both are consumed once, frame by frame, so that lazy files never stand in memory together.
    The result depends neither on the order of rows, nor on how they are cut into frames, nor on
    repetitions. An event of a type outside `EVENT_TYPES` serves no definition and is left out.
    A user's fact is the earliest that any frame states.
    """
    known = _Users()
    parts = [_NO_EVENTS, *(_event_arrays(batch, known, zone) for batch in _batches(events))]
    facts = np.empty((len(FACTS), 0), dtype=np.int64)
    for batch in _batches(history):
        positions = known.positions(batch)
        facts = _padded(facts, len(known.ids))
        for fact, stated in zip(facts, _instants(batch, FACTS, zone), strict=True):
            np.minimum.at(fact, positions, stated)
    facts = _padded(facts, len(known.ids))
    user, kind, at_us = (np.concatenate(column) for column in zip(*parts, strict=True))
    parts.clear()
    sorted_positions = known.sorted_positions()
    user = sorted_positions.argsort().astype(np.int32)[user]
    order = np.lexsort((kind, at_us, user))
    user, kind, at_us = user[order], kind[order], at_us[order]
    kept = begins_run(user, kind, at_us)
    users = pd.Index(known.ids.take(pa.array(sorted_positions)), dtype="str")
    return EventLog(users, user[kept], kind[kept], at_us[kept], *facts[:, sorted_positions])


def position_of_day(at: np.ndarray, days: ReportDays) -> np.ndarray:
    """Return the position in `days` of the day that holds each instant, `NOWHERE` if none does."""
    if not days.days:
        return np.full(len(at), NOWHERE)
    positions = np.searchsorted(days.starts_us, at, side="right") - 1
    return np.where(at < days.cutoffs_us[positions], positions, NOWHERE)


def cutoffs_of(positions: np.ndarray, days: ReportDays) -> np.ndarray:
    """Return the cut-off of the day at each position; one of no meaning for `NOWHERE`."""
    return np.append(days.cutoffs_us, 0)[positions]


def tally(positions: np.ndarray, days: ReportDays) -> np.ndarray:
    """Count how often each day's position occurs (int64); `NOWHERE` is not counted."""
    return np.bincount(positions[positions != NOWHERE], minlength=len(days.days)).astype(np.int64)


def begins_run(*columns: np.ndarray) -> np.ndarray:
    """Tell which rows differ from the row before them in any of the columns."""
    begins = np.zeros(len(columns[0]), dtype=bool)
    begins[:1] = True
    for column in columns:
        begins[1:] |= np.diff(column) != 0
    return begins


def timestamps(at_us: np.ndarray) -> pd.Series:
    """Return microseconds since the epoch as instants (UTC), missing for `NEVER`."""
    instants = np.where(at_us == NEVER, _NO_INSTANT, at_us).view("datetime64[us]")
    return pd.Series(pd.DatetimeIndex(instants, tz="UTC"))


def wall_clocks(at_us: np.ndarray, zone: ZoneInfo) -> pd.Series:
    """Return what a clock in `zone` shows at each instant, missing for `NEVER`."""
    return to_wall_clock(timestamps(at_us), zone)


class _Users:
    """The ids met so far, in the order of meeting; grows batch by batch.

    Ids stay in Arrow: as Python strings, a year's would take several times the memory.
    """

    def __init__(self) -> None:
        self.ids = pa.array([], type=pa.large_string())

    def positions(self, frames: Sequence[pd.DataFrame]) -> np.ndarray:
        """Return the position of every row's user, adding those not met yet."""
        rows = pa.chunked_array(
            [chunk for frame in frames for chunk in texts(frame["user_id"]).chunks],
            type=pa.large_string(),
        )
        batch = rows.combine_chunks().dictionary_encode()
        # pyarrow.compute is filled at run time, unseen by the type checker.
        met = pc.index_in(batch.dictionary, value_set=self.ids)  # pyright: ignore[reportAttributeAccessIssue]
        new = batch.dictionary.filter(met.is_null())
        found = met.fill_null(NOWHERE).to_numpy().copy()
        found[found == NOWHERE] = len(self.ids) + np.arange(len(new), dtype=np.int32)
        self.ids = pa.concat_arrays([self.ids, new])
        return found[batch.indices.to_numpy()]

    def sorted_positions(self) -> np.ndarray:
        """Return the positions of the ids in the ids' order."""
        order = pc.sort_indices(self.ids)  # pyright: ignore[reportAttributeAccessIssue]
        return order.to_numpy().astype(np.int64)


def _batches(frames: Iterable[pd.DataFrame]) -> Iterator[list[pd.DataFrame]]:
    batch, rows = [], 0
    for frame in frames:
        batch.append(frame)
        rows += len(frame)
        if rows >= _BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _event_arrays(
    batch: Sequence[pd.DataFrame], known: _Users, zone: ZoneInfo
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    codes = []
    for frame in batch:
        types = frame["event_type"].astype("category").cat
        code_of = np.append(_TYPE_CODES.get_indexer(types.categories), NOWHERE)
        codes.append(code_of[types.codes].astype(np.int8))
    frames = [frame.loc[of_frame != NOWHERE] for frame, of_frame in zip(batch, codes, strict=True)]
    kinds = np.concatenate(codes)
    (at_us,) = _instants(frames, ["event_time"], zone)
    return known.positions(frames), kinds[kinds != NOWHERE], at_us


def _instants(
    batch: Sequence[pd.DataFrame], columns: Sequence[str], zone: ZoneInfo
) -> list[np.ndarray]:
    """Return the frames' `columns` one below the other: us since the epoch, `NEVER` for none."""
    wanted = [*columns, *(f"{column}_fold" for column in columns)]
    stacked = pd.concat([frame.filter(wanted) for frame in batch], ignore_index=True)
    instants = with_instants(stacked, columns, zone)
    found = (pd.DatetimeIndex(instants[column]).as_unit("us").asi8 for column in columns)
    return [np.where(at_us == _NO_INSTANT, NEVER, at_us) for at_us in found]


def _padded(facts: np.ndarray, users: int) -> np.ndarray:
    missing = users - facts.shape[1]
    return np.pad(facts, ((0, 0), (0, missing)), constant_values=NEVER)
