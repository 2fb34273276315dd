"""The source: what the three tables in Postgres hold for days and for the clients of those days."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from sales_assets.adapters.source.counts import (
    SourceCounts,
    groups_of_rows,
    groups_of_source,
    read_at,
)
from sales_assets.adapters.source.errors import explained, redacted
from sales_assets.adapters.source.rows import (
    EVENTS,
    EVENTS_IN_SPANS,
    NEVER,
    PAYMENTS,
    PAYMENTS_IN_SPANS,
    Dictionary,
    RowReader,
    Rows,
    SourceTable,
    places_in,
)
from sales_assets.adapters.source.session import Session, open_session
from sales_assets.core import journey
from sales_assets.core.days import DailyFrames, ReportDays, with_wall_clocks
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.journey import EXPERIMENTS
from sales_assets.core.windows import AFTER_DAYS

ROWS_WITHOUT_TIME = """
SELECT (SELECT count(*) FROM events WHERE happened_at IS NULL)
    + (SELECT count(*) FROM payments WHERE transaction_created_at IS NULL) AS rows
"""
ACTIVE_USERS = f"""
WITH event_rows AS ({EVENTS_IN_SPANS}), payment_rows AS ({PAYMENTS_IN_SPANS}),
active AS (SELECT user_id FROM event_rows UNION SELECT user_id FROM payment_rows)
"""  # noqa: S608 - put together from constants
FIRST_EVENTS = f"""
{ACTIVE_USERS},
kinds AS (
    SELECT
        id,
        bool_or(_description IN (
            SELECT jsonb_array_elements_text(current_setting('sales_assets.experiments')::jsonb)
        )) AS is_experiment,
        bool_or(_description = current_setting('sales_assets.purchase')) AS is_purchase
    FROM events_dict WHERE _description IS NOT NULL GROUP BY id
)
SELECT
    e._user_id::text AS user_id,
    min(e.happened_at) AS event,
    min(e.happened_at) FILTER (WHERE kinds.is_experiment) AS experiment,
    min(e.happened_at) FILTER (WHERE kinds.is_purchase) AS purchase
FROM events AS e JOIN kinds ON kinds.id = e.event_id
WHERE e._user_id::text IN (SELECT user_id FROM active) AND isfinite(e.happened_at)
    AND e.happened_at < current_setting('sales_assets.events_last_start')::timestamp
GROUP BY e._user_id
"""  # noqa: S608 - put together from constants
FIRST_PAYMENTS = f"""
{ACTIVE_USERS}
SELECT p._user_id::text AS user_id, min(p.transaction_created_at) AS payment
FROM payments AS p
WHERE p._user_id::text IN (SELECT user_id FROM active) AND isfinite(p.transaction_created_at)
    AND p.transaction_created_at < current_setting('sales_assets.payments_last_start')::timestamp
GROUP BY p._user_id
"""  # noqa: S608 - put together from constants
NEWEST_EVENT = "SELECT max(happened_at) AS time FROM events WHERE isfinite(happened_at)"
NEWEST_PAYMENT = """
SELECT max(transaction_created_at) AS time FROM payments WHERE isfinite(transaction_created_at)
"""
FIRST_EVENT = "SELECT min(happened_at) AS time FROM events WHERE isfinite(happened_at)"
FIRST_PAYMENT = """
SELECT min(transaction_created_at) AS time FROM payments WHERE isfinite(transaction_created_at)
"""


@dataclass(frozen=True)
class SourceRead:
    """What the source holds for the asked days.

    `frames` has a frame for each asked day: user_id (str), event_time (datetime64[us], the report
    zone's wall clock), event_type (category; missing where the dictionary doesn't know the id).
    `unknown_ids` counts those rows by id, for each asked day. `missing_types` are the types that
    the metrics need and the dictionary lacks; `rows_without_time` counts over the whole source:
    such rows belong to no day. `rows` is how many rows each asked day has. `counts` hold the rows
    by hour of the asked days, of those that were asked to be counted, and of the week after each.
    """

    frames: Mapping[date, pd.DataFrame]
    unknown_ids: Mapping[date, Mapping[str, int]]
    missing_types: tuple[str, ...]
    rows_without_time: int
    rows: Mapping[date, int]
    counts: SourceCounts


@dataclass(frozen=True)
class PostgresSource:
    """A source in Postgres, whose times without a zone are readings of a clock in `source_zone`.

    Days are days of `report_zone`. Every call opens a connection, reads one snapshot and closes.
    """

    url: str = field(repr=False)
    source_zone: ZoneInfo
    report_zone: ZoneInfo

    def read_days(self, days: Sequence[date], counted: Sequence[date] = ()) -> SourceRead:
        """Return exactly the source's rows of `days`, by one bounded query per table.

        Each day's frame is sorted by time, user and type, and is the same whichever days are
        read with it; it is made when it is asked for. The days `counted`, and the week after all
        of them, are grouped by the source, in the same snapshot.

        Raises:
            SalesAssetsError: the source can't be reached or read, or is not as expected.
        """
        with self._session("reading the events of days") as session:
            reader = self._reader(session, days)
            rows = reader.rows()
            without_time = int(session.frame(ROWS_WITHOUT_TIME)["rows"].iloc[0])
            counts = self._counts(reader, rows, counted)
        number = {day: place for place, day in enumerate(reader.asked.days)}
        types = reader.dictionary.types
        return SourceRead(
            DailyFrames(number, lambda day: self._raw_frame(rows.of_day(number[day]), types)),
            reader.unknown_ids(),
            reader.dictionary.missing_types,
            without_time,
            dict(zip(reader.asked.days, np.diff(rows.edges).tolist(), strict=True)),
            counts,
        )

    def read_counts(self, days: Sequence[date]) -> SourceCounts:
        """Return how many rows `days` and the week after each have by hour; no row travels.

        Raises:
            SalesAssetsError: the source can't be reached or read, or is not as expected.
        """
        with self._session("counting the rows of days") as session:
            reader = self._reader(session, [])
            return self._counts(reader, reader.rows(), days)

    def read_user_history(self, days: Sequence[date]) -> Mapping[date, pd.DataFrame]:
        """Return for each day what was known at its cut-off about the users active on it.

        Active is who has an event of a known type or a payment that day. Columns: user_id (str),
        first_event_at (payments included), first_experiment_at, first_payment_at (datetime64[us],
        wall clock of the report zone, NaT if there is none before the cut-off): facts over the
        whole history. Sorted by user_id.

        Raises:
            SalesAssetsError: the source can't be reached or read, or is not as expected.
        """
        with self._session("reading the history of clients") as session:
            reader = self._reader(session, days)
            rows = reader.rows()
            facts = _Facts.of(rows, reader)
        cutoffs_us = reader.asked.cutoffs_us
        active = rows.active_users()
        number = {day: place for place, day in enumerate(reader.asked.days)}
        return DailyFrames(
            number,
            lambda day: self._history_frame(facts, active[number[day]], cutoffs_us[number[day]]),
        )

    def first_day(self) -> date | None:
        """Return the report day of the earliest event or payment; None if there is none."""
        with self._session("looking for the first day") as session:
            reader = self._reader(session, [])
            earliest = [
                reader.instants(table, session.frame(statement)["time"])
                for table, statement in ((EVENTS, FIRST_EVENT), (PAYMENTS, FIRST_PAYMENT))
            ]
        first = pd.concat(earliest).min()
        return None if pd.isna(first) else first.tz_convert(self.report_zone).date()

    def newest(self) -> dict[str, datetime | None]:
        """Return the time of each table's newest row, the report zone's wall clock; one snapshot.

        Raises:
            SourceAwayError: it can't be reached just now.
        """
        with self._session("looking for the newest rows") as session:
            reader = self._reader(session, [])
            found = {
                table.name: reader.instants(table, session.frame(statement)["time"]).iloc[0]
                for table, statement in ((EVENTS, NEWEST_EVENT), (PAYMENTS, NEWEST_PAYMENT))
            }
        zone = self.report_zone
        return {
            name: None if pd.isna(time) else time.tz_convert(zone).tz_localize(None).to_pydatetime()
            for name, time in found.items()
        }

    def check(self) -> str:
        """Return a sentence about a source that can be read and has all that is needed.

        Raises:
            SalesAssetsError: it can't be, or hasn't.
        """
        with self._session("checking the source") as session:
            dictionary = Dictionary.read(session)
        if dictionary.missing_types:
            raise SalesAssetsError(
                f"The dictionary of the source {redacted(self.url)} lacks the event types "
                f"{', '.join(map(repr, dictionary.missing_types))}: the metrics that need them "
                "would count nothing. Compare events_dict with the list in docs/metrics.md."
            )
        return (
            f"The source {redacted(self.url)} has its three tables and {len(dictionary.ids)} event "
            f"types; its times without a zone are of {self.source_zone}, its days of "
            f"{self.report_zone}; its first day is {self.first_day() or 'none: it is empty'}."
        )

    @contextmanager
    def _session(self, action: str) -> Iterator[Session]:
        with explained(self.url, action), open_session(self.url) as session:
            yield session

    def _reader(self, session: Session, days: Sequence[date]) -> RowReader:
        asked = ReportDays.of(days, self.report_zone)
        return RowReader(session, asked, self.source_zone, Dictionary.read(session))

    def _counts(self, reader: RowReader, rows: Rows, counted: Sequence[date]) -> SourceCounts:
        """Count rows that were read, and let the source count the other days."""
        as_of, read = read_at(reader.session), set(reader.asked.days)
        last = as_of.astimezone(self.report_zone).date()
        after = {
            day + timedelta(days=n) for day in read.union(counted) for n in range(1, AFTER_DAYS + 1)
        }
        others = {day for day in after.union(counted) - read if day <= last}
        asked = ReportDays.of(sorted(others), self.report_zone)
        groups = [
            groups_of_rows(rows, reader.dictionary.types, self.report_zone),
            groups_of_source(replace(reader, asked=asked)),
        ]
        return SourceCounts(pd.concat(groups, ignore_index=True), as_of, self.report_zone)

    def _raw_frame(self, rows: Rows, types: Sequence[str]) -> pd.DataFrame:
        frame = pd.DataFrame(
            {
                "user_id": rows.user_ids(),
                "event_time": _instants(rows.time_us),
                "event_type": pd.Categorical.from_codes(
                    rows.type, pd.Index(list(types)).astype("str")
                ),
            }
        )
        return with_wall_clocks(frame, ["event_time"], self.report_zone)

    def _history_frame(self, facts: "_Facts", users: np.ndarray, cutoff_us: int) -> pd.DataFrame:
        columns = {
            name: _instants(first_us[users]).where(first_us[users] < cutoff_us)
            for name, first_us in facts.first_us.items()
        }
        frame = pd.DataFrame({"user_id": facts.users.take(pa.array(users)).to_pandas(), **columns})
        return with_wall_clocks(frame, list(columns), self.report_zone)


def _instants(microseconds: np.ndarray) -> pd.Series:
    return pd.Series(microseconds).astype("datetime64[us]").dt.tz_localize("UTC")


@dataclass(frozen=True)
class _Facts:
    """Each user's earliest times over all history, as instants in microseconds, or `NEVER`."""

    users: pa.Array
    first_us: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, rows: Rows, reader: RowReader) -> "_Facts":
        """Take them from the rows read, and from the history before the last span of days.

        What came later than the asked days is before none of their cut-offs.
        """
        places = [reader.dictionary.types.index(name) for name in EXPERIMENTS]
        purchase = reader.dictionary.types.index(journey.PURCHASE)
        valid = rows.is_valid
        first_us = {
            "first_event_at": rows.first_us(valid),
            "first_experiment_at": rows.first_us(valid & np.isin(rows.type, places)),
            "first_payment_at": rows.first_us(valid & (rows.type == purchase)),
        }
        facts = cls(rows.users, first_us)
        if reader.asked.days:
            facts._add_history(reader)
        return facts

    def _add_history(self, reader: RowReader) -> None:
        session = reader.session
        session.set_parameter("experiments", json.dumps(EXPERIMENTS, ensure_ascii=False))
        session.set_parameter("purchase", journey.PURCHASE)
        for batch in session.batches(FIRST_EVENTS):
            users = self._places(batch)
            self._lower("first_event_at", users, _times_us(reader, EVENTS, batch["event"]))
            self._lower(
                "first_experiment_at", users, _times_us(reader, EVENTS, batch["experiment"])
            )
            self._lower("first_payment_at", users, _times_us(reader, EVENTS, batch["purchase"]))
        for batch in session.batches(FIRST_PAYMENTS):
            users, paid_us = self._places(batch), _times_us(reader, PAYMENTS, batch["payment"])
            self._lower("first_event_at", users, paid_us)
            self._lower("first_payment_at", users, paid_us)

    def _places(self, batch: pa.RecordBatch) -> np.ndarray:
        return places_in(self.users, batch["user_id"].cast(pa.large_string()))

    def _lower(self, name: str, users: np.ndarray, times_us: np.ndarray) -> None:
        np.minimum.at(self.first_us[name], users, times_us)


def _times_us(reader: RowReader, table: SourceTable, readings: pa.Array) -> np.ndarray:
    instants = reader.instants(table, readings.to_pandas())
    return np.where(instants.isna(), NEVER, instants.astype("int64"))
