"""The source: what the three tables in Postgres hold for days and for the clients of those days."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
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
from sales_assets.adapters.source.payers import payers_of
from sales_assets.adapters.source.rows import (
    EARLIEST,
    EVENTS,
    MISSING,
    PAYMENTS,
    Dictionary,
    RowReader,
    Rows,
    bind_kinds,
    named,
    positions_in,
    trimmed,
)
from sales_assets.adapters.source.session import Session, open_session
from sales_assets.core import journey
from sales_assets.core.days import DailyFrames, ReportDays, with_wall_clocks
from sales_assets.core.dictionary import EventDictionary
from sales_assets.core.journey import EXPERIMENTS
from sales_assets.core.metrics.event_log import NEVER, timestamps
from sales_assets.core.source_checks import (
    odd_times,
    one_id,
    paid_before_lesson,
    payers_without_event,
    times_without_hours,
    unknown_ids,
)
from sales_assets.core.source_findings import Finding
from sales_assets.core.stamp import Stamp
from sales_assets.core.windows import AFTER_DAYS

ROWS_WITHOUT_TIME = f"""
SELECT
    (SELECT count(*) FROM events WHERE happened_at IS NULL OR happened_at < '{EARLIEST}'
        OR happened_at = 'infinity') AS events,
    (SELECT count(*) FROM payments WHERE transaction_created_at IS NULL
        OR transaction_created_at < '{EARLIEST}' OR transaction_created_at = 'infinity')
        AS payments
"""  # noqa: S608 - put together from constants
FUTURE_ROWS = """
SELECT
    (SELECT count(*) FROM events WHERE happened_at < 'infinity'
        AND happened_at > $events_future::timestamp) AS events,
    (SELECT count(*) FROM payments WHERE transaction_created_at < 'infinity'
        AND transaction_created_at > $payments_future::timestamp)
        AS payments
"""
FIRST_EVENTS = f"""
SELECT
    e._user_id::text AS user_id,
    (min(e.happened_at) FILTER (WHERE $is_known))::timestamp AS first_event_at,
    (min(e.happened_at) FILTER (WHERE $is_experiment))::timestamp AS first_experiment_at,
    (min(e.happened_at) FILTER (WHERE $is_purchase))::timestamp AS first_payment_at
FROM events AS e
WHERE e._user_id::text = ANY ($users) AND e.happened_at >= '{EARLIEST}'
    AND e.happened_at < $events_last_start::timestamp
GROUP BY e._user_id
"""  # noqa: S608 - put together from constants
FIRST_PAYMENTS = f"""
SELECT
    p._user_id::text AS user_id,
    min(p.transaction_created_at)::timestamp AS first_payment_at
FROM payments AS p
WHERE btrim(p._user_id::text, $blanks) = ANY ($users)
    AND p.transaction_created_at >= '{EARLIEST}'
    AND p.transaction_created_at < $payments_last_start::timestamp
GROUP BY p._user_id
"""  # noqa: S608 - put together from constants
#: Rows of the future don't show whether the source goes on.
NEWEST_ROWS = """
SELECT
    (SELECT max(happened_at) FROM events
        WHERE happened_at <= $events_now::timestamp)::timestamp AS events,
    (SELECT max(transaction_created_at) FROM payments
        WHERE transaction_created_at <= $payments_now::timestamp)::timestamp AS payments
"""
FIRST_ROWS = f"""
SELECT
    (SELECT min(happened_at) FROM events
        WHERE happened_at >= '{EARLIEST}' AND happened_at < 'infinity')::timestamp AS events,
    (SELECT min(transaction_created_at) FROM payments
        WHERE transaction_created_at >= '{EARLIEST}'
        AND transaction_created_at < 'infinity')::timestamp AS payments
"""  # noqa: S608 - put together from constants
#: So many days' rows stand in one frame: few enough for a large source, enough to be quick.
DAYS_TOGETHER = 16


@dataclass(frozen=True)
class SourceRead:
    """What the source holds for the asked days.

    `frames` has a frame for each asked day: user_id (str), event_time (datetime64[us], the report
    zone's wall clock), event_type (category; missing where the dictionary doesn't know the id).
    `unknown_ids` counts those rows by id, for each asked day. `odd_rows` and `future_rows` count by
    table, over the whole source, rows without a usable time, which belong to no day, and rows in
    the future.
    `payers` has the payments of the eight weeks until each examined day: user_id, paid_at,
    first_event_at, first_lesson_at (wall clock; missing where there is none). `clocks` are the
    zones in which each table's times are written. `rows` is how many rows each asked day has;
    `counts` hold the rows by hour of these days, of those that were asked to be counted, and of
    the week after each. `has_padded_ids` tells whether any event's id has blanks around it.
    """

    frames: Mapping[date, pd.DataFrame]
    unknown_ids: Mapping[date, Mapping[str, int]]
    dictionary: EventDictionary
    odd_rows: Mapping[str, int]
    future_rows: Mapping[str, int]
    payers: pd.DataFrame
    clocks: Mapping[str, ZoneInfo]
    rows: Mapping[date, int]
    counts: SourceCounts
    has_padded_ids: bool

    def findings(
        self,
        day: date,
        frame: pd.DataFrame,
        last_names: Mapping[str, str],
        *,
        payers_without_events: bool,
    ) -> tuple[Finding, ...]:
        """Return what doesn't fit on `day`, whose raw rows `frame` are.

        `last_names` is the last dictionary that a run saw, or empty.
        """
        found = [
            *self.dictionary.compared_with(last_names),
            unknown_ids(frame, self.unknown_ids[day], day),
            payers_without_event(self.payers, day, are_normal=payers_without_events),
            *self._without_hours(frame, day),
            paid_before_lesson(self.payers, day),
            one_id(frame, day),
            *odd_times(self.odd_rows, self.future_rows),
        ]
        return tuple(finding for finding in found if finding)

    def _without_hours(self, frame: pd.DataFrame, day: date) -> list[Finding | None]:
        is_payment = (frame["event_type"] == journey.PURCHASE).fillna(value=False)
        start, end = day - timedelta(days=27), day + timedelta(days=1)
        paid_at = self.payers["paid_at"]
        recent = paid_at[(paid_at >= pd.Timestamp(start)) & (paid_at < pd.Timestamp(end))]
        return [
            times_without_hours(table, day, times, (self.counts.zone, self.clocks[table]), before)
            for table, times, before in (
                (EVENTS.name, frame.loc[~is_payment, "event_time"], None),
                (PAYMENTS.name, frame.loc[is_payment, "event_time"], recent),
            )
        ]


@dataclass(frozen=True)
class PostgresSource:
    """A source in Postgres, whose times without a zone are readings of a clock in `source_zone`.

    Days are days of `report_zone`. Every call opens a connection, reads one snapshot and closes.
    A table without a row, as while it is loaded, is refused unless it `may_be_empty`.
    It raises `SalesAssetsError` where the source can't be reached or read, or is not as expected,
    and the `PassingSourceError` among them where that is likely to pass.
    """

    url: str = field(repr=False)
    source_zone: ZoneInfo
    report_zone: ZoneInfo
    may_be_empty: bool = False
    #: Whether ids of events have blanks around them; None where nobody has looked.
    padded_ids: bool | None = None

    def read_days(
        self,
        days: Sequence[date],
        counted: Sequence[date] = (),
        *,
        examined: Sequence[date] | None = None,
    ) -> SourceRead:
        """Return exactly the source's rows of `days`, by one bounded query per table.

        Each day's frame is sorted by time, user and type, and is the same whichever days are
        read with it; it is made when it is asked for. The days `counted`, and the week after all
        of them, are grouped by the source, in the same snapshot. Of the days `examined`, or of
        all, the payers are read.
        """
        with self._reading("reading the events of days", days) as reader:
            rows = reader.rows()
            odd, future = _odd_rows(reader)
            examined = reader.asked.days if examined is None else examined
            payers = payers_of(reader, examined)
            clocks = {table.name: reader.clock(table) for table in (EVENTS, PAYMENTS)}
            counts = self._counts(reader, rows, counted)
            has_padded_ids = reader.has_padded_ids()
        number = {day: position for position, day in enumerate(reader.asked.days)}
        types = reader.dictionary.events.types
        return SourceRead(
            DailyFrames(number, lambda day: self._raw_frame(rows.of_day(number[day]), types)),
            reader.unknown_ids(),
            reader.dictionary.events,
            odd,
            future,
            payers,
            clocks,
            dict(zip(reader.asked.days, np.diff(rows.edges).tolist(), strict=True)),
            counts,
            has_padded_ids,
        )

    def read_counts(self, days: Sequence[date]) -> SourceCounts:
        """Return how many rows `days` and the week after each have by hour; no row travels."""
        with self._reading("counting the rows of days") as reader:
            return self._counts(reader, reader.rows(), days)

    def read_user_history(self, days: Sequence[date]) -> Mapping[date, pd.DataFrame]:
        """Return for each day what was known at its cut-off about the users active on it.

        Active is who has an event of a known type or a payment that day. Columns: user_id (str),
        first_event_at (payments included), first_experiment_at, first_payment_at (datetime64[us],
        wall clock of the report zone, NaT if there is none before the cut-off): facts over the
        whole history. Sorted by user_id.
        """
        with self._reading("reading the history of clients", days) as reader:
            rows = reader.rows()
            first_us = _first_times(rows, reader)
        asked, ids = reader.asked, rows.users
        of_days = zip(asked.days, rows.active_users(), asked.cutoffs_us, strict=True)
        known = {day: (users, cutoff_us) for day, users, cutoff_us in of_days}
        return DailyFrames(known, lambda day: self._history_frame(first_us, ids, *known[day]))

    def read_together(self, days: Sequence[date]) -> tuple[Iterator[pd.DataFrame], pd.DataFrame]:
        """Return the rows of `days`, some days a frame, and what is known of all their users.

        The columns are those of `read_days` and `read_user_history`; rows come in no order, a user
        comes once, with the facts before the last day's cut-off. Nothing else is looked for, and
        the rows are read once for both.
        """
        with self._reading("reading the days behind the daily values", days) as reader:
            rows = reader.rows()
            first_us = _first_times(rows, reader)
        users = np.unique(rows.user[rows.is_valid])
        known = self._history_frame(first_us, rows.users, users, reader.asked.cutoffs_us[-1])
        firsts = range(0, len(reader.asked.days), DAYS_TOGETHER)
        types = reader.dictionary.events.types
        parts = (rows.of_days(first, first + DAYS_TOGETHER) for first in firsts)
        return (self._raw_frame(part, types) for part in parts), known

    def stamp(self) -> Stamp:
        """Return what days of this source are known by."""
        with explained(self.url, "asking which source it is"), open_session(self.url) as session:
            identity = session.identity(self.url)
        return Stamp(identity, self.source_zone.key, self.report_zone.key)

    def first_day(self) -> date | None:
        """Return the report day of the earliest event or payment; None if there is none."""
        with explained(self.url, "looking for the first day"), open_session(self.url) as session:
            found = _times(self._reader(session, ()), FIRST_ROWS).values()
        times = [time for time in found if not pd.isna(time)]
        return min(times).tz_convert(self.report_zone).date() if times else None

    def has_padded_ids(self) -> bool:
        """Tell whether any event's id has blanks around it, of which no index knows."""
        with self._reading("looking for ids with blanks around them") as reader:
            return reader.has_padded_ids()

    def newest(self) -> dict[str, datetime | None]:
        """Return the time of each table's newest row, on the report zone's wall clock."""
        with self._reading("looking for the newest rows") as reader:
            reader.bind_moment("now", read_at(reader.session))
            found = _times(reader, NEWEST_ROWS)
        zone = self.report_zone
        return {
            name: None if pd.isna(time) else time.tz_convert(zone).tz_localize(None).to_pydatetime()
            for name, time in found.items()
        }

    def check(
        self, last_names: Mapping[str, str] | None = None, *, payers_without_events: bool = False
    ) -> tuple[str, list[Finding]]:
        """Return a sentence about a source that can be read, and what doesn't fit in it.

        Looks at the dictionary (beside `last_names`, the last one that a run saw), at times that
        can't be, and at the payers of the last weeks. An empty or hidden table raises, too.
        """
        today = datetime.now(self.report_zone).date()
        yesterday = today - timedelta(days=1)
        with explained(self.url, "checking the source"), open_session(self.url) as session:
            session.require_rows()
            reader = self._reader(session, [yesterday])
            reader.rows()  # bytes that are no text, and blanks around ids, show in rows alone
            found = [
                *reader.dictionary.events.compared_with(last_names or {}),
                *odd_times(*_odd_rows(reader)),
            ]
            payers = payers_of(reader, [yesterday])
        without_event = payers_without_event(payers, yesterday, are_normal=payers_without_events)
        found += filter(None, (without_event, paid_before_lesson(payers, yesterday)))
        return (
            f"The source {redacted(self.url)} has its three tables and "
            f"{len(reader.dictionary.events.names)} event types; its times without a zone are of "
            f"{self.source_zone}, its days of {self.report_zone}; its first day is "
            f"{self.first_day()}."
        ), found

    @contextmanager
    def _reading(self, action: str, days: Sequence[date] = ()) -> Iterator[RowReader]:
        with explained(self.url, action), open_session(self.url) as session:
            if not self.may_be_empty:
                session.require_rows()
            yield self._reader(session, days)

    def _reader(self, session: Session, days: Sequence[date]) -> RowReader:
        asked = ReportDays.of(days, self.report_zone)
        dictionary = Dictionary.read(session)
        return RowReader(session, asked, self.source_zone, dictionary, self.padded_ids)

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
            groups_of_rows(reader, rows),
            groups_of_source(replace(reader, asked=asked)),
        ]
        return SourceCounts(pd.concat(groups, ignore_index=True), as_of, self.report_zone)

    def _raw_frame(self, rows: Rows, types: Sequence[str]) -> pd.DataFrame:
        users = pa.array(rows.user, mask=rows.user == MISSING)
        frame = pd.DataFrame(
            {
                "user_id": rows.users.take(users).to_pandas(),
                "event_time": timestamps(rows.time_us),
                "event_type": named(rows.type, types),
            }
        )
        return with_wall_clocks(frame, ["event_time"], self.report_zone)

    def _history_frame(
        self, first_us: Mapping[str, np.ndarray], ids: pa.Array, users: np.ndarray, cutoff_us: int
    ) -> pd.DataFrame:
        columns = {
            name: timestamps(np.where(times_us[users] < cutoff_us, times_us[users], NEVER))
            for name, times_us in first_us.items()
        }
        frame = pd.DataFrame({"user_id": ids.take(pa.array(users)).to_pandas(), **columns})
        return with_wall_clocks(frame, list(columns), self.report_zone)


def _first_times(rows: Rows, reader: RowReader) -> Mapping[str, np.ndarray]:
    """Return each user's earliest times over all history: instants in microseconds, or `NEVER`.

    They come from the rows read, and from the history before the last span of days. What came
    later than the asked days is before none of their cut-offs.
    """
    types, valid = reader.dictionary.events.types, rows.is_valid
    experiments = [types.index(name) for name in EXPERIMENTS]
    first_us = {
        "first_event_at": rows.first_us(valid),
        "first_experiment_at": rows.first_us(valid & np.isin(rows.type, experiments)),
        "first_payment_at": rows.first_us(valid & (rows.type == types.index(journey.PURCHASE))),
    }
    if not reader.asked.days:
        return first_us
    bind_kinds(reader)
    for table, statement in ((EVENTS, FIRST_EVENTS), (PAYMENTS, FIRST_PAYMENTS)):
        for batch in reader.of_users(table, statement, rows.users):
            ids, _ = trimmed(batch["user_id"])
            users = positions_in(rows.users, ids.dictionary_decode())
            known = users != MISSING
            for name in first_us.keys() & set(batch.schema.names):
                instants = reader.instants(table, batch[name].to_pandas())
                times_us = np.where(instants.isna(), NEVER, instants.astype("int64"))
                np.minimum.at(first_us[name], users[known], times_us[known])
    # A payment is an event, too.
    np.minimum(
        first_us["first_event_at"], first_us["first_payment_at"], out=first_us["first_event_at"]
    )
    return first_us


def _times(reader: RowReader, statement: str) -> dict[str, pd.Timestamp]:
    """Return the instant that a statement finds for each table; NaT where it finds none."""
    row = reader.session.frame(statement)
    return {
        table.name: reader.instants(table, row[table.name]).iloc[0] for table in (EVENTS, PAYMENTS)
    }


def _odd_rows(reader: RowReader) -> list[dict[str, int]]:
    """Count by table the rows without a usable time, and those in the future."""
    reader.bind_moment("future", datetime.now(UTC) + timedelta(days=1))
    found = map(reader.session.frame, (ROWS_WITHOUT_TIME, FUTURE_ROWS))
    return [{str(table): int(rows) for table, rows in one.iloc[0].items()} for one in found]
