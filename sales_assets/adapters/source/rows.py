"""The source's rows of the asked days: bounded queries in, one Arrow table of plain codes out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sales_assets.adapters.source.session import Session
from sales_assets.core import journey
from sales_assets.core.days import ReportDays, midnight, to_instants
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.journey import EVENT_TYPES
from sales_assets.core.source_clock import first_reading

DICTIONARY = """
SELECT DISTINCT id, _description::text AS name FROM events_dict
WHERE id IS NOT NULL AND _description IS NOT NULL
"""
#: The outer bounds say what the spans say already: they are what the planner can estimate.
EVENTS_IN_SPANS = """
SELECT e._user_id::text AS user_id, e.happened_at AS time, e.event_id
FROM events AS e
JOIN unnest(
    current_setting('sales_assets.events_starts')::timestamp[],
    current_setting('sales_assets.events_ends')::timestamp[]
) AS span (starts_at, ends_at)
    ON e.happened_at >= span.starts_at AND e.happened_at < span.ends_at
WHERE e.happened_at >= current_setting('sales_assets.events_first_start')::timestamp
    AND e.happened_at < current_setting('sales_assets.events_last_end')::timestamp
"""
PAYMENTS_IN_SPANS = """
SELECT p._user_id::text AS user_id, p.transaction_created_at AS time
FROM payments AS p
JOIN unnest(
    current_setting('sales_assets.payments_starts')::timestamp[],
    current_setting('sales_assets.payments_ends')::timestamp[]
) AS span (starts_at, ends_at)
    ON p.transaction_created_at >= span.starts_at AND p.transaction_created_at < span.ends_at
WHERE p.transaction_created_at >= current_setting('sales_assets.payments_first_start')::timestamp
    AND p.transaction_created_at < current_setting('sales_assets.payments_last_end')::timestamp
"""
USERS = pa.dictionary(pa.int32(), pa.large_string())
#: Stands for no user and for no known type.
MISSING = -1
NEVER = np.iinfo("int64").max


class SourceTable(NamedTuple):
    """A table of rows with a user and a time."""

    name: str
    time_column: str
    rows_in_spans: str


EVENTS = SourceTable("events", "happened_at", EVENTS_IN_SPANS)
PAYMENTS = SourceTable("payments", "transaction_created_at", PAYMENTS_IN_SPANS)


@dataclass(frozen=True)
class Dictionary:
    """The event types: `types` in a fixed order, and the place in it of each id of the source."""

    ids: pa.Array
    places: np.ndarray
    types: tuple[str, ...]

    @classmethod
    def read(cls, session: Session) -> "Dictionary":
        """Read the source's dictionary.

        Raises:
            SalesAssetsError: an id has two descriptions.
        """
        session.cursor.execute(DICTIONARY)
        table = session.cursor.fetch_arrow_table()
        names = table["name"].to_pylist()
        _require_one_name_each(table["id"].to_pylist(), names)
        types = (*EVENT_TYPES, *sorted(set(names) - set(EVENT_TYPES)))
        place = {name: number for number, name in enumerate(types)}
        places = np.array([place[name] for name in names], dtype="int16")
        return cls(table["id"].combine_chunks(), places, types)

    @property
    def missing_types(self) -> tuple[str, ...]:
        """The types that definitions name and no id stands for; payments need none."""
        present = {self.types[place] for place in self.places} | {journey.PURCHASE}
        return tuple(name for name in EVENT_TYPES if name not in present)

    def places_of(self, ids: pa.Array) -> np.ndarray:
        """Return the place of each id's type; `MISSING` where the dictionary doesn't know it."""
        places = np.append(self.places, np.int16(MISSING))
        return places[places_in(self.ids.cast(ids.type), ids)]


def _require_one_name_each(ids: list, names: list[str]) -> None:
    by_id: dict[object, set[str]] = {}
    for number, name in zip(ids, names, strict=True):
        by_id.setdefault(number, set()).add(name)
    for number, found in by_id.items():
        if len(found) > 1:
            raise SalesAssetsError(
                f"The source's dictionary describes the event id {number} as "
                f"{' and as '.join(map(repr, sorted(found)))}. Each id needs one description: "
                "correct events_dict in the source."
            )


@dataclass(frozen=True)
class RowReader:
    """Reads the rows of the asked days in a session; each table is asked once."""

    session: Session
    asked: ReportDays
    source_zone: ZoneInfo
    dictionary: Dictionary
    _unknown: list[pd.DataFrame] = field(default_factory=list)

    def rows(self) -> "Rows":
        """Return the rows of the asked days."""
        if not self.asked.days:
            return Rows.of([], 0)
        self.bind_spans()
        return Rows.of([*self._parts(EVENTS), *self._parts(PAYMENTS)], len(self.asked.days))

    def bind_spans(self) -> None:
        """Bind the asked days' bounds, on each table's own clock, for the queries that use them."""
        for table in (EVENTS, PAYMENTS):
            clock = self.clock(table)
            bounds = [
                tuple(first_reading(midnight(day, self.asked.zone), clock) for day in span)
                for span in _spans(self.asked.days)
            ]
            starts, ends = map(_timestamps, zip(*bounds, strict=True))
            self.session.set_parameter(f"{table.name}_starts", "{" + ",".join(starts) + "}")
            self.session.set_parameter(f"{table.name}_ends", "{" + ",".join(ends) + "}")
            self.session.set_parameter(f"{table.name}_first_start", starts[0])
            self.session.set_parameter(f"{table.name}_last_start", starts[-1])
            self.session.set_parameter(f"{table.name}_last_end", ends[-1])

    def clock(self, table: SourceTable) -> ZoneInfo:
        """Return the zone of the readings in the table's time column."""
        return self.session.clock(table.name, table.time_column, self.source_zone)

    def instants(self, table: SourceTable, readings: pd.Series) -> pd.Series:
        """Return the instants of what a table's time column holds."""
        naive = readings.dt.tz_localize(None) if readings.dt.tz is not None else readings
        return to_instants(naive, self.clock(table))

    def unknown_ids(self) -> Mapping[date, Mapping[str, int]]:
        """Return how many of the rows read have which unknown id, for each asked day."""
        counts: dict[date, dict[str, int]] = {day: {} for day in self.asked.days}
        if self._unknown:
            sizes = pd.concat(self._unknown).groupby(["day", "id"]).size()
            for number, event_id, rows in sizes.reset_index(name="rows").itertuples(index=False):
                counts[self.asked.days[number]][event_id] = rows
        return counts

    def _parts(self, table: SourceTable) -> Iterator["_Part"]:
        for batch in self.session.batches(table.rows_in_spans):
            times_us = self.instants(table, batch["time"].to_pandas()).astype("int64").to_numpy()
            days = np.searchsorted(self.asked.starts_us, times_us, side="right") - 1
            users = batch["user_id"].cast(pa.large_string()).dictionary_encode()
            yield _Part(users, times_us, self._types(batch, days), days.astype("int16"))

    def _types(self, batch: pa.RecordBatch, days: np.ndarray) -> np.ndarray:
        if "event_id" not in batch.schema.names:
            return np.full(
                batch.num_rows, self.dictionary.types.index(journey.PURCHASE), dtype="int16"
            )
        types = self.dictionary.places_of(batch["event_id"])
        is_unknown = types == MISSING
        if is_unknown.any():
            ids = batch["event_id"].filter(pa.array(is_unknown)).to_pylist()
            names = ["NULL" if each is None else str(each) for each in ids]
            self._unknown.append(pd.DataFrame({"day": days[is_unknown], "id": names}))
        return types


def _timestamps(readings: Sequence[datetime]) -> list[str]:
    return [reading.isoformat() for reading in readings]


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    """Join neighbouring days into half-open spans; `days` are sorted and distinct."""
    spans: list[tuple[date, date]] = []
    for day in days:
        start = spans.pop()[0] if spans and spans[-1][1] == day else day
        spans.append((start, day + timedelta(days=1)))
    return spans


class _Part(NamedTuple):
    users: pa.DictionaryArray
    times_us: np.ndarray
    types: np.ndarray
    days: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Rows put together by day: parallel arrays, and the edges of each day's slice.

    `user` are places in `users`, which are distinct and sorted; `type` are places in
    `Dictionary.types`; both are `MISSING` where the source has none. `time_us` are instants.
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
            _joined([part.types for part in parts], "int16")[order],
            np.concatenate([[0], np.bincount(day, minlength=days).cumsum()]).astype("int64"),
        )

    def of_day(self, number: int) -> "Rows":
        """Return one day's rows, sorted by time, user and type, missing ones last."""
        part = slice(self.edges[number], self.edges[number + 1])
        user, time_us, kind = self.user[part], self.time_us[part], self.type[part]
        # As unsigned, what is missing is the largest number.
        order = np.lexsort((kind.view("uint16"), user.view("uint32"), time_us))
        edges = np.array([0, len(order)])
        return Rows(self.users, user[order], time_us[order], kind[order], edges)

    def user_ids(self) -> pd.Series:
        """Return each row's user as text."""
        places = pa.array(self.user, mask=self.user == MISSING)
        return self.users.take(places).to_pandas()

    @property
    def is_valid(self) -> np.ndarray:
        """Which rows have a user and a known type; an empty user id names nobody."""
        first_real = int(len(self.users) > 0 and self.users[0].as_py() == "")
        return (self.user >= first_real) & (self.type != MISSING)

    def active_users(self) -> list[np.ndarray]:
        """Return for each day the places of the users with a valid row, ascending."""
        spans = zip(self.edges, self.edges[1:], strict=False)
        valid = self.is_valid
        return [np.unique(self.user[start:end][valid[start:end]]) for start, end in spans]

    def first_us(self, chosen: np.ndarray) -> np.ndarray:
        """Return each user's earliest time in the `chosen` rows; `NEVER` without one."""
        first = np.full(len(self.users), NEVER)
        np.minimum.at(first, self.user[chosen], self.time_us[chosen])
        return first


def _ranked(parts: Sequence[_Part]) -> tuple[pa.Array, np.ndarray]:
    """Return the distinct users, sorted, and each row's place among them."""
    chunks = pa.chunked_array([part.users for part in parts], USERS).unify_dictionaries().chunks
    if not chunks:
        return pa.array([], pa.large_string()), np.array([], dtype="int32")
    users = chunks[-1].dictionary
    order = pc.call_function("array_sort_indices", [users]).to_numpy()
    # The last place is for the missing ones: -1 finds it.
    rank = np.full(len(users) + 1, MISSING, dtype="int32")
    rank[order] = np.arange(len(users), dtype="int32")
    found = [chunk.indices.fill_null(MISSING).to_numpy() for chunk in chunks]
    return users.take(pa.array(order)), rank[np.concatenate(found)]


def places_in(values: pa.Array, wanted: pa.Array) -> np.ndarray:
    """Return the place in `values` of each of `wanted`; `MISSING` where it isn't there."""
    options = pc.SetLookupOptions(value_set=values)
    return pc.call_function("index_in", [wanted], options).fill_null(MISSING).to_numpy()


def _joined(arrays: Sequence[np.ndarray], dtype: str) -> np.ndarray:
    return np.concatenate([np.array([], dtype=dtype), *arrays])
