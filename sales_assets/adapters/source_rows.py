"""The source's rows of the asked days: bounded queries in, one Arrow table of plain codes out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sales_assets.adapters.source_session import Session
from sales_assets.core import russian as ru
from sales_assets.core.days import ReportDays, midnight, to_instants
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.events import EVENT_TYPES
from sales_assets.core.source_clock import first_reading

DICTIONARY = """
SELECT DISTINCT id, _description::text AS name FROM events_dict
WHERE id IS NOT NULL AND _description IS NOT NULL
"""
EVENTS_IN_SPANS = """
SELECT e._user_id::text AS user_id, e.happened_at AS time, e.event_id
FROM unnest(
    current_setting('sales_assets.events_from')::timestamp[],
    current_setting('sales_assets.events_to')::timestamp[]
) AS span (starts_at, ends_at)
JOIN events AS e ON e.happened_at >= span.starts_at AND e.happened_at < span.ends_at
"""
PAYMENTS_IN_SPANS = """
SELECT p._user_id::text AS user_id, p.transaction_created_at AS time
FROM unnest(
    current_setting('sales_assets.payments_from')::timestamp[],
    current_setting('sales_assets.payments_to')::timestamp[]
) AS span (starts_at, ends_at)
JOIN payments AS p
    ON p.transaction_created_at >= span.starts_at AND p.transaction_created_at < span.ends_at
"""

ROW_SCHEMA = pa.schema(
    [
        ("user_id", pa.large_string()),
        ("event_time", pa.timestamp("us", "UTC")),
        ("type", pa.int16()),  # a place in `Dictionary.types`, null for an unknown id
        ("day", pa.int32()),  # a place in the asked days
    ]
)


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
        present = {self.types[place] for place in self.places} | {ru.PURCHASE}
        return tuple(name for name in EVENT_TYPES if name not in present)

    def types_of(self, ids: pa.Array) -> pa.Array:
        """Return the place of each id's type; null where the dictionary doesn't know it."""
        found = pc.index_in(ids, value_set=self.ids.cast(ids.type))
        return pa.array(self.places, pa.int16()).take(found)


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

    def rows(self) -> pa.Table:
        """Return the rows in no order, with the columns of `ROW_SCHEMA`."""
        self.bind_spans()
        batches = [*self._batches(EVENTS), *self._batches(PAYMENTS)]
        return pa.Table.from_batches(batches, ROW_SCHEMA)

    def bind_spans(self) -> None:
        """Bind the asked days' bounds, on each table's own clock, for the queries that use them."""
        for table in (EVENTS, PAYMENTS):
            clock = self.clock(table)
            bounds = [
                [first_reading(midnight(day, self.asked.zone), clock) for day in span]
                for span in _spans(self.asked.days)
            ]
            self.session.set_times(f"{table.name}_from", [start for start, _ in bounds])
            self.session.set_times(f"{table.name}_to", [end for _, end in bounds])

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
            for (number, event_id), count in sizes.items():
                counts[self.asked.days[number]][event_id] = int(count)
        return counts

    def _batches(self, table: SourceTable) -> Iterator[pa.RecordBatch]:
        for batch in self.session.batches(table.rows_in_spans):
            times = self.instants(table, batch["time"].to_pandas())
            microseconds = times.astype("int64").to_numpy()
            days = np.searchsorted(self.asked.starts_us, microseconds, side="right") - 1
            columns = [
                batch["user_id"].cast(pa.large_string()),
                pa.array(microseconds).cast(pa.timestamp("us", "UTC")),
                self._types(batch, days),
                pa.array(days.astype("int32")),
            ]
            yield pa.record_batch(columns, schema=ROW_SCHEMA)

    def _types(self, batch: pa.RecordBatch, days: np.ndarray) -> pa.Array:
        if "event_id" not in batch.schema.names:
            place = self.dictionary.types.index(ru.PURCHASE)
            return pa.array(np.full(batch.num_rows, place, dtype="int16"))
        types = self.dictionary.types_of(batch["event_id"])
        unknown = types.is_null().to_numpy(zero_copy_only=False)
        if unknown.any():
            ids = ["NULL" if each is None else str(each) for each in _where(batch, unknown)]
            self._unknown.append(pd.DataFrame({"day": days[unknown], "id": ids}))
        return types


def _where(batch: pa.RecordBatch, chosen: np.ndarray) -> list:
    return batch["event_id"].filter(pa.array(chosen)).to_pylist()


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    """Join neighbouring days into half-open spans; `days` are sorted and distinct."""
    spans: list[tuple[date, date]] = []
    for day in days:
        start = spans.pop()[0] if spans and spans[-1][1] == day else day
        spans.append((start, day + timedelta(days=1)))
    return spans


@dataclass(frozen=True)
class RowsByDay:
    """Rows put together by day, so that one day's are a slice."""

    rows: pa.Table
    offsets: Mapping[date, tuple[int, int]]

    @classmethod
    def of(cls, rows: pa.Table, days: Sequence[date]) -> "RowsByDay":
        """Sort `rows` (`ROW_SCHEMA`) by their day."""
        numbers = rows["day"].to_numpy()
        edges = np.concatenate([[0], np.bincount(numbers, minlength=len(days)).cumsum()])
        together = rows.drop_columns("day").take(np.argsort(numbers, kind="stable"))
        return cls(together, dict(zip(days, zip(edges, edges[1:], strict=False), strict=True)))

    def of_day(self, day: date) -> pa.Table:
        """Return the rows of one day, sorted by time, user and type, missing ones last."""
        start, end = self.offsets[day]
        rows = self.rows.slice(int(start), int(end - start))
        keys = [(name, "ascending") for name in ("event_time", "user_id", "type")]
        return rows.take(pc.sort_indices(rows, sort_keys=keys))


@dataclass(frozen=True)
class ActiveUsers:
    """Who has a row on which day: `users` sorted, and for each day places in them, ascending."""

    users: pd.Index
    _places: np.ndarray
    _offsets: Mapping[date, tuple[int, int]]

    @classmethod
    def of(cls, rows: pa.Table, days: Sequence[date]) -> "ActiveUsers":
        """Count the rows (`ROW_SCHEMA`) that have a user and a known type."""
        valid = rows.filter(pc.and_(rows["user_id"].is_valid(), rows["type"].is_valid()))
        encoded = valid["user_id"].combine_chunks().dictionary_encode()
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        order = pc.sort_indices(encoded.dictionary).to_numpy()
        rank = np.empty(len(order), dtype="int64")
        rank[order] = np.arange(len(order))
        width = max(len(order), 1)
        numbers = valid["day"].to_numpy().astype("int64")
        pairs = np.unique(numbers * width + rank[encoded.indices.to_numpy()])
        edges = np.searchsorted(pairs, np.arange(len(days) + 1) * width)
        users = pd.Index(encoded.dictionary.take(order).to_pandas().astype("str"))
        offsets = dict(zip(days, zip(edges, edges[1:], strict=False), strict=True))
        return cls(users, pairs % width, offsets)

    def places(self, day: date) -> np.ndarray:
        """Return the places in `users` of those active on `day`."""
        start, end = self._offsets[day]
        return self._places[start:end]
