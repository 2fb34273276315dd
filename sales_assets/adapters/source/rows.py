"""The source's rows of the asked days: bounded queries in, one Arrow table of plain codes out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sales_assets.adapters.source.session import ZONED_TIME, Session
from sales_assets.core import journey
from sales_assets.core.days import (
    ReportDays,
    first_reading,
    midnight,
    spans,
    to_instants,
    to_source_clock,
)
from sales_assets.core.dictionary import EventDictionary
from sales_assets.core.journey import EXPERIMENTS
from sales_assets.core.metrics.event_log import NEVER
from sales_assets.core.windows import DAY

DICTIONARY = """
SELECT DISTINCT id::text AS id, _description::text AS name FROM events_dict
WHERE id IS NOT NULL AND _description IS NOT NULL
"""
PADDED_IDS = """
SELECT EXISTS (
    SELECT FROM events WHERE _user_id::text <> btrim(_user_id::text, $blanks)
) AS found
"""
EVENTS_IN_SPANS = """
SELECT e._user_id::text AS user_id, e.happened_at::timestamp AS time, e.event_id::text AS event_id
FROM events AS e WHERE $events_in_spans
"""
PAYMENTS_IN_SPANS = """
SELECT p._user_id::text AS user_id, p.transaction_created_at::timestamp AS time
FROM payments AS p WHERE $payments_in_spans
"""
#: What lies before it is no time of a sales department: year 1, an epoch's zero, BC.
EARLIEST = "1990-01-01"
#: From this version on a server looks an id up in a list by its hash; before, it goes through it.
HASHED_LISTS = 14
USERS = pa.dictionary(pa.int32(), pa.large_string())
#: Stands for no user and for no known type.
MISSING = -1


class SourceTable(NamedTuple):
    """A table of rows with a user and a time."""

    name: str
    alias: str
    time_column: str
    rows_in_spans: str
    #: Its columns of text, for an error.
    texts: str


EVENTS = SourceTable("events", "e", "happened_at", EVENTS_IN_SPANS, "events._user_id or event_id")
PAYMENTS = SourceTable(
    "payments", "p", "transaction_created_at", PAYMENTS_IN_SPANS, "payments._user_id"
)


@dataclass(frozen=True)
class Dictionary:
    """The source's dictionary, and the position in its types of each id, as arrays."""

    events: EventDictionary
    ids: pa.Array
    positions: np.ndarray

    @classmethod
    def read(cls, session: Session) -> "Dictionary":
        """Read the source's dictionary.

        Raises:
            AmbiguousDictionaryError: an id has two descriptions, one of a needed type.
        """
        batches = session.batches(DICTIONARY, "events_dict._description or id")
        texts = (map(pa.Array.to_pylist, batch.columns) for batch in batches)
        rows = [row for columns in texts for row in zip(*columns, strict=True)]
        events = EventDictionary.of(rows)
        position = {name: number for number, name in enumerate(events.types)}
        ids = pa.array(list(events.type_of), pa.string())
        positions = np.array([position[name] for name in events.type_of.values()], dtype="int32")
        return cls(events, ids, positions)

    def positions_of(self, batch: pa.RecordBatch) -> np.ndarray:
        """Return the position of each row's type, `MISSING` where the dictionary doesn't know its.

        Rows without an event's id are payments, so purchases.
        """
        if "event_id" not in batch.schema.names:
            return np.full(batch.num_rows, self.events.types.index(journey.PURCHASE), dtype="int32")
        # Few ids stand for many rows.
        encoded = batch["event_id"].dictionary_encode()
        known = pc.call_function("utf8_trim_whitespace", [encoded.dictionary.cast(pa.string())])
        positions = np.append(self.positions, np.int32(MISSING))[positions_in(self.ids, known)]
        # The last position is for the missing ones: -1 finds it.
        positions = np.append(positions, np.int32(MISSING))
        return positions[encoded.indices.fill_null(MISSING).to_numpy()]


def trimmed(texts: pa.Array) -> tuple[pa.DictionaryArray, bool]:
    """Return texts without the blanks around them, and whether any had some."""
    encoded = texts.cast(pa.large_string()).dictionary_encode()
    without = pc.call_function("utf8_trim_whitespace", [encoded.dictionary])
    if without.equals(encoded.dictionary):
        return encoded, False
    return without.take(encoded.indices).dictionary_encode(), True


@dataclass(frozen=True)
class RowReader:
    """Reads the rows of the asked days in a session; each table is asked once."""

    session: Session
    asked: ReportDays
    source_zone: ZoneInfo
    dictionary: Dictionary
    #: Whether any event's id has blanks around it; None where nobody has looked.
    padded_ids: bool | None = None
    #: How many rows of which day, by its position, have which unknown id.
    _unknown: Counter[tuple[int, str]] = field(default_factory=Counter)
    #: The tables in whose rows an id with blanks around it was read.
    _padded: set[str] = field(default_factory=set)

    def rows(self) -> "Rows":
        """Return the rows of the asked days."""
        if not self.asked.days:
            return Rows.of([], 0)
        self.bind_spans()
        return Rows.of([*self._parts(EVENTS), *self._parts(PAYMENTS)], len(self.asked.days))

    def bind_spans(self) -> None:
        """Bind the asked days' bounds, on each table's own clock, for the queries that use them.

        A span is written out: a planner that sees its bounds knows how many rows to expect, and
        the server doesn't look them up for each row.
        """
        zone, joined = self.asked.zone, spans(self.asked.days)
        edges = [(midnight(span[0], zone), midnight(span[-1] + DAY, zone)) for span in joined]
        for table in (EVENTS, PAYMENTS):
            clock, column = self.clock(table), f"{table.alias}.{table.time_column}"
            bounds = [[first_reading(edge, clock).isoformat() for edge in span] for span in edges]
            conditions = [
                f"{column} >= '{start}'::timestamp AND {column} < '{end}'::timestamp"
                for start, end in bounds
            ]
            self.session.set_condition(f"{table.name}_in_spans", f"({' OR '.join(conditions)})")
            self.session.set_parameter(f"{table.name}_last_start", bounds[-1][0])
            self.session.set_parameter(f"{table.name}_last_end", bounds[-1][1])

    def bind_moment(self, name: str, moment: datetime) -> None:
        """Bind what each table's own clock shows at an instant, as `$<table>_<name>`."""
        for table in (EVENTS, PAYMENTS):
            reading = to_source_clock(moment, self.clock(table))
            self.session.set_parameter(f"{table.name}_{name}", reading.isoformat())

    def of_users(
        self, table: SourceTable, statement: str, users: pa.Array
    ) -> Iterator[pa.RecordBatch]:
        """Run a statement over the whole history of `users`, whose ids have no blanks.

        The ids are written out: to find them once more would take the server longer than to look
        up what is asked of them. No index knows an event's id without its blanks.
        """
        self.session.set_texts("users", users)
        if self.session.version < HASHED_LISTS:
            statement = statement.replace("= ANY ($users)", "IN (SELECT unnest($users))")
        if table is EVENTS and self.has_padded_ids():
            column = "e._user_id::text"
            statement = statement.replace(f"WHERE {column}", f"WHERE btrim({column}, $blanks)")
        return self.session.batches(statement, table.texts)

    def has_padded_ids(self) -> bool:
        """Tell whether an event's id has blanks around it: as read or known, else by all rows."""
        if EVENTS.name in self._padded:
            return True
        if self.padded_ids is None:
            return bool(self.session.frame(PADDED_IDS)["found"].item())
        return self.padded_ids

    def clock(self, table: SourceTable) -> ZoneInfo:
        """Return the zone of the readings in the table's time column."""
        has_zone = self.session.types[table.name, table.time_column] == ZONED_TIME
        return ZoneInfo("UTC") if has_zone else self.source_zone

    def instants(self, table: SourceTable, readings: pd.Series) -> pd.Series:
        """Return the instants of what a table's time column holds."""
        naive = readings.dt.tz_localize(None) if readings.dt.tz is not None else readings
        return to_instants(naive, self.clock(table))

    def unknown_ids(self) -> Mapping[date, Mapping[str, int]]:
        """Return how many of the rows read have which unknown id, for each asked day."""
        counts: dict[date, dict[str, int]] = {day: {} for day in self.asked.days}
        for (number, event_id), rows in sorted(self._unknown.items()):
            counts[self.asked.days[number]][event_id] = rows
        return counts

    def _parts(self, table: SourceTable) -> Iterator["_Part"]:
        for batch in self.session.batches(table.rows_in_spans, table.texts):
            times_us = self.instants(table, batch["time"].to_pandas()).astype("int64").to_numpy()
            days = np.searchsorted(self.asked.starts_us, times_us, side="right") - 1
            types = self.dictionary.positions_of(batch)
            is_unknown = types == MISSING
            if is_unknown.any():
                ids = batch["event_id"].filter(pa.array(is_unknown)).to_pylist()
                names = ["NULL" if each is None else str(each) for each in ids]
                self._unknown.update(zip(days[is_unknown].tolist(), names, strict=True))
            users, has_padded = trimmed(batch["user_id"])
            if has_padded:
                self._padded.add(table.name)
            yield _Part(users, times_us, types, days.astype("int16"))


class _Part(NamedTuple):
    users: pa.DictionaryArray
    times_us: np.ndarray
    types: np.ndarray
    days: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Rows put together by day: parallel arrays, and the edges of each day's slice.

    `user` are positions in `users`, which are distinct and sorted; `type` are positions in
    `EventDictionary.types`; both are `MISSING` where the source has none. `time_us` are instants.
    """

    users: pa.Array
    user: np.ndarray
    time_us: np.ndarray
    type: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(cls, parts: Sequence[_Part], days: int) -> "Rows":
        """Put the parts of an answer together."""
        users, user = _ranked(parts)
        day = _joined([part.days for part in parts], "int16")
        order = np.argsort(day, kind="stable")
        return cls(
            users,
            user[order],
            _joined([part.times_us for part in parts], "int64")[order],
            _joined([part.types for part in parts], "int32")[order],
            np.concatenate([[0], np.bincount(day, minlength=days).cumsum()]).astype("int64"),
        )

    def of_day(self, number: int) -> "Rows":
        """Return one day's rows, sorted by time, user and type, missing ones last."""
        part = slice(self.edges[number], self.edges[number + 1])
        user, time_us, kind = self.user[part], self.time_us[part], self.type[part]
        # As unsigned, what is missing is the largest number.
        order = np.lexsort((kind.view("uint32"), user.view("uint32"), time_us))
        edges = np.array([0, len(order)])
        return Rows(self.users, user[order], time_us[order], kind[order], edges)

    def of_days(self, first: int, end: int) -> "Rows":
        """Return the rows of some days, unsorted."""
        part = slice(self.edges[first], self.edges[min(end, len(self.edges) - 1)])
        columns = (self.user[part], self.time_us[part], self.type[part])
        return Rows(self.users, *columns, self.edges[first : end + 1] - self.edges[first])

    @property
    def is_valid(self) -> np.ndarray:
        """Which rows have a user and a known type; an empty user id names nobody."""
        first_real = int(len(self.users) > 0 and self.users[0].as_py() == "")
        return (self.user >= first_real) & (self.type != MISSING)

    def active_users(self) -> list[np.ndarray]:
        """Return for each day the positions of the users with a valid row, ascending."""
        valid = self.is_valid
        spans = pairwise(self.edges)
        return [np.unique(self.user[start:end][valid[start:end]]) for start, end in spans]

    def first_us(self, chosen: np.ndarray) -> np.ndarray:
        """Return each user's earliest time in the `chosen` rows; `NEVER` without one."""
        first = np.full(len(self.users), NEVER)
        np.minimum.at(first, self.user[chosen], self.time_us[chosen])
        return first


def _ranked(parts: Sequence[_Part]) -> tuple[pa.Array, np.ndarray]:
    """Return the distinct users, sorted, and each row's position among them."""
    chunks = pa.chunked_array([part.users for part in parts], USERS).unify_dictionaries().chunks
    if not chunks:
        return pa.array([], pa.large_string()), np.array([], dtype="int32")
    users = chunks[-1].dictionary
    order = pc.call_function("array_sort_indices", [users]).to_numpy()
    # The last position is for the missing ones: -1 finds it.
    rank = np.full(len(users) + 1, MISSING, dtype="int32")
    rank[order] = np.arange(len(users), dtype="int32")
    found = [chunk.indices.fill_null(MISSING).to_numpy() for chunk in chunks]
    return users.take(pa.array(order)), rank[np.concatenate(found)]


def positions_in(values: pa.Array, wanted: pa.Array) -> np.ndarray:
    """Return the position in `values` of each of `wanted`; `MISSING` where it isn't there."""
    options = pc.SetLookupOptions(value_set=values)
    return pc.call_function("index_in", [wanted], options).fill_null(MISSING).to_numpy()


def named(positions: np.ndarray, types: Sequence[str]) -> pd.Categorical:
    """Return the types at positions; `MISSING` is none."""
    return pd.Categorical.from_codes(positions, pd.Index(list(types)).astype("str"))


def _joined(arrays: Sequence[np.ndarray], dtype: str) -> np.ndarray:
    return np.concatenate([np.array([], dtype=dtype), *arrays])


def bind_kinds(reader: RowReader) -> None:
    """Bind which events say what (`$is_known` …), for the queries over all history."""
    type_of = reader.dictionary.events.type_of
    kinds = {
        "known": set(type_of.values()),
        "experiment": EXPERIMENTS,
        "purchase": {journey.PURCHASE},
        "lesson": {journey.LESSON_SUCCEEDED},
    }
    for kind, names in kinds.items():
        ids = [number for number, name in type_of.items() if name in names]
        reader.session.set_texts("ids", pa.array(ids, pa.large_string()))
        reader.session.set_condition(f"is_{kind}", "btrim(e.event_id::text, $blanks) = ANY ($ids)")
