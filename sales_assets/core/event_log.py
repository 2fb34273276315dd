"""The event log: a run's clean events as sorted arrays, and what history knows of each user."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from sales_assets.core.days import ReportDays, with_instants
from sales_assets.core.events import EVENT_TYPES

#: The instant of what has not happened: later than every cut-off.
NEVER = np.iinfo(np.int64).max
#: The instant of what has not happened yet, looking back: before every window.
LONG_AGO = -NEVER
#: The place of a row that does not exist.
NOWHERE = -1

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

FACTS = ("first_event_at", "first_experiment_at", "first_payment_at")

_TYPE_CODES = pd.Index(EVENT_TYPES, dtype="str")
_NO_INSTANT = np.iinfo(np.int64).min


@dataclass(frozen=True)
class EventLog:
    """Distinct events of the types in `EVENT_TYPES`, sorted by user, instant and type.

    `user` (int32, a place in the sorted `users`), `type` (int8, a place in `EVENT_TYPES`) and
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
        new = np.ones(len(self.at_us), dtype=bool)
        new[1:] = (np.diff(self.user) != 0) | (np.diff(self.at_us) != 0)
        return np.maximum.accumulate(np.where(new, np.arange(len(new), dtype=np.int32), 0))

    def rows_of(self, *types: str) -> np.ndarray:
        """Return the rows of these event types, in order."""
        wanted = np.array([name in types for name in EVENT_TYPES])
        return np.flatnonzero(wanted[self.type])

    def next_of(self, rows: np.ndarray, targets: np.ndarray, skip: int = 0) -> np.ndarray:
        """Return for each row the first of `targets` that the user meets at the time or later.

        The same instant counts, whatever the order of types; with `skip` the first targets are
        passed over. `targets` are sorted rows. `NOWHERE` where there is none.
        """
        if not len(targets):
            return np.full(len(rows), NOWHERE)
        places = np.searchsorted(targets, self.moment[rows]) + skip
        found = targets[np.minimum(places, len(targets) - 1)]
        exists = (places < len(targets)) & (self.user[found] == self.user[rows])
        return np.where(exists, found, NOWHERE)

    def last_before(self, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return for each row the user's last of `targets` before the row's instant.

        `targets` are sorted rows. `NOWHERE` where there is none.
        """
        if not len(targets):
            return np.full(len(rows), NOWHERE)
        places = np.searchsorted(targets, self.moment[rows]) - 1
        found = targets[places]
        exists = (places >= 0) & (self.user[found] == self.user[rows])
        return np.where(exists, found, NOWHERE)

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
    event_parts = [_event_arrays(frame, zone) for frame in events]
    fact_parts = [_fact_arrays(frame, zone) for frame in history]
    users, codes = _shared_codes([part[0] for part in event_parts + fact_parts])
    facts = _earliest(codes[len(event_parts) :], [part[1] for part in fact_parts], len(users))
    user = _joined(codes[: len(event_parts)], np.int32)
    kind = _joined([part[1] for part in event_parts], np.int8)
    at = _joined([part[2] for part in event_parts], np.int64)
    event_parts.clear()
    order = _distinct_order(user, kind, at)
    return EventLog(users, user[order], kind[order], at[order], *facts)


def place_of_day(at: np.ndarray, days: ReportDays) -> np.ndarray:
    """Return the place in `days` of the day that holds each instant, `NOWHERE` if none does."""
    if not days.days:
        return np.full(len(at), NOWHERE)
    places = np.searchsorted(days.starts_us, at, side="right") - 1
    return np.where(at < days.cutoffs_us[places], places, NOWHERE)


def cutoffs_of(places: np.ndarray, days: ReportDays) -> np.ndarray:
    """Return the cut-off of the day at each place; one of no meaning for `NOWHERE`."""
    return np.append(days.cutoffs_us, 0)[places]


def tally(places: np.ndarray, days: ReportDays) -> np.ndarray:
    """Count how often each day's place occurs (int64); `NOWHERE` is not counted."""
    return np.bincount(places[places != NOWHERE], minlength=len(days.days)).astype(np.int64)


def microseconds(instants: pd.Series) -> np.ndarray:
    """Return instants as int64 microseconds since the epoch, `NEVER` for a missing one."""
    values = pd.DatetimeIndex(instants).as_unit("us").asi8
    return np.where(values == _NO_INSTANT, NEVER, values)


def _event_arrays(
    frame: pd.DataFrame, zone: ZoneInfo
) -> tuple[pa.DictionaryArray, np.ndarray, np.ndarray]:
    codes = _type_codes(frame["event_type"])
    known = frame.loc[codes != NOWHERE]
    at = microseconds(with_instants(known, ["event_time"], zone)["event_time"])
    return _dictionary(known["user_id"]), codes[codes != NOWHERE], at


def _fact_arrays(frame: pd.DataFrame, zone: ZoneInfo) -> tuple[pa.DictionaryArray, np.ndarray]:
    instants = with_instants(frame, FACTS, zone)
    return _dictionary(frame["user_id"]), np.stack([microseconds(instants[name]) for name in FACTS])


def _type_codes(types: pd.Series) -> np.ndarray:
    by_category = types.astype("category").cat
    codes = np.append(_TYPE_CODES.get_indexer(by_category.categories), NOWHERE)
    return codes[by_category.codes].astype(np.int8)


def _dictionary(ids: pd.Series) -> pa.DictionaryArray:
    values = pa.array(ids, type=pa.large_string(), from_pandas=True)
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return whole.dictionary_encode()


def _shared_codes(parts: list[pa.DictionaryArray]) -> tuple[pd.Index, list[np.ndarray]]:
    """Return the sorted users of all parts, and each part's places among them."""
    unified = pa.chunked_array(parts, pa.dictionary(pa.int32(), pa.large_string()))
    chunks = unified.unify_dictionaries().chunks
    found = pd.Index(chunks[0].dictionary if chunks else [], dtype="str")
    order = found.argsort()
    ranks = np.empty(len(found), dtype=np.int32)
    ranks[order] = np.arange(len(found), dtype=np.int32)
    return found[order], [ranks[chunk.indices.to_numpy()] for chunk in chunks]


def _earliest(codes: list[np.ndarray], facts: list[np.ndarray], users: int) -> np.ndarray:
    earliest = np.full((len(FACTS), users), NEVER)
    for places, values in zip(codes, facts, strict=True):
        for fact, known in zip(values, earliest, strict=True):
            np.minimum.at(known, places, fact)
    return earliest


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype), *parts])


def _distinct_order(user: np.ndarray, kind: np.ndarray, at: np.ndarray) -> np.ndarray:
    order = np.lexsort((kind, at, user))
    new = np.ones(len(order), dtype=bool)
    for column in (user, kind, at):
        new[1:] &= np.diff(column[order]) == 0
    new[1:] = ~new[1:]
    return order[new]
