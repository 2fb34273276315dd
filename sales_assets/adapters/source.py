"""The source: what the three tables in Postgres hold for days and for the clients of those days."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from sales_assets.adapters.source_errors import explained, redacted
from sales_assets.adapters.source_rows import (
    EVENTS,
    EVENTS_IN_SPANS,
    PAYMENTS,
    PAYMENTS_IN_SPANS,
    ActiveUsers,
    Dictionary,
    RowReader,
    RowsByDay,
)
from sales_assets.adapters.source_session import Session, open_session
from sales_assets.core import russian as ru
from sales_assets.core.days import DailyFrames, ReportDays, with_wall_clocks
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.events import EXPERIMENTS

ROWS_WITHOUT_TIME = """
SELECT (SELECT count(*) FROM events WHERE happened_at IS NULL)
    + (SELECT count(*) FROM payments WHERE transaction_created_at IS NULL) AS rows
"""
ACTIVE_USERS = f"""
WITH event_rows AS ({EVENTS_IN_SPANS}), payment_rows AS ({PAYMENTS_IN_SPANS}),
active AS (SELECT user_id FROM event_rows UNION SELECT user_id FROM payment_rows)
"""
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
GROUP BY e._user_id
"""  # noqa: S608 - put together from constants
FIRST_PAYMENTS = f"""
{ACTIVE_USERS}
SELECT p._user_id::text AS user_id, min(p.transaction_created_at) AS payment
FROM payments AS p
WHERE p._user_id::text IN (SELECT user_id FROM active) AND isfinite(p.transaction_created_at)
GROUP BY p._user_id
"""  # noqa: S608 - put together from constants
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
    such rows belong to no day.
    """

    frames: Mapping[date, pd.DataFrame]
    unknown_ids: Mapping[date, Mapping[str, int]]
    missing_types: tuple[str, ...]
    rows_without_time: int


@dataclass(frozen=True)
class PostgresSource:
    """A source in Postgres, whose times without a zone are readings of a clock in `source_zone`.

    Days are days of `report_zone`. Every call opens a connection, reads one snapshot and closes.
    """

    url: str = field(repr=False)
    source_zone: ZoneInfo
    report_zone: ZoneInfo

    def read_days(self, days: Sequence[date]) -> SourceRead:
        """Return exactly the source's rows of `days`, by one bounded query per table.

        Each day's frame is sorted by time, user and type, and is the same whichever days are
        read with it; it is made when it is asked for.

        Raises:
            SalesAssetsError: the source can't be reached or read, or is not as expected.
        """
        with self._session("reading the events of days") as session:
            reader = self._reader(session, days)
            rows = reader.rows()
            without_time = int(session.frame(ROWS_WITHOUT_TIME)["rows"].iloc[0])
        by_day = RowsByDay.of(rows, reader.asked.days)
        types = reader.dictionary.types
        return SourceRead(
            DailyFrames(reader.asked.days, lambda day: self._raw_frame(by_day.of_day(day), types)),
            reader.unknown_ids(),
            reader.dictionary.missing_types,
            without_time,
        )

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
            facts = _facts(reader)
        asked = reader.asked
        active = ActiveUsers.of(rows, asked.days)
        facts = facts.reindex(active.users)
        cutoffs = dict(zip(asked.days, asked.cutoffs_us, strict=True))
        return DailyFrames(
            asked.days,
            lambda day: self._history_frame(facts.iloc[active.places(day)], cutoffs[day]),
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

    def _raw_frame(self, rows: pa.Table, types: Sequence[str]) -> pd.DataFrame:
        codes = rows["type"].fill_null(-1).to_numpy()
        frame = pd.DataFrame(
            {
                "user_id": rows["user_id"].to_pandas(),
                "event_time": rows["event_time"].to_pandas(),
                "event_type": pd.Categorical.from_codes(codes, pd.Index(types, dtype="str")),
            }
        )
        return with_wall_clocks(frame, ["event_time"], self.report_zone)

    def _history_frame(self, facts: pd.DataFrame, cutoff_us: int) -> pd.DataFrame:
        known = facts.where(facts < pd.Timestamp(cutoff_us, unit="us", tz="UTC"))
        named = known.rename_axis("user_id").reset_index()
        return with_wall_clocks(named, list(known.columns), self.report_zone)


def _facts(reader: RowReader) -> pd.DataFrame:
    """Return each active user's earliest times over all history, as instants."""
    reader.session.set_list("experiments", EXPERIMENTS)
    reader.session.set_parameter("purchase", ru.PURCHASE)
    events = reader.session.frame(FIRST_EVENTS).set_index("user_id")
    events = events.apply(lambda times: reader.instants(EVENTS, times))
    payments = reader.session.frame(FIRST_PAYMENTS).set_index("user_id")
    payments = payments.apply(lambda times: reader.instants(PAYMENTS, times))
    both = events.join(payments, how="outer")
    return pd.DataFrame(
        {
            "first_event_at": both[["event", "payment"]].min(axis="columns"),
            "first_experiment_at": both["experiment"],
            "first_payment_at": both[["purchase", "payment"]].min(axis="columns"),
        }
    )
