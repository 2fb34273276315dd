"""How many rows the source holds by hour and type: grouped by the source, or of rows read."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from sales_assets.adapters.source.rows import (
    EVENTS,
    EVENTS_IN_SPANS,
    MISSING,
    PAYMENTS,
    PAYMENTS_IN_SPANS,
    RowReader,
    Rows,
    SourceTable,
)
from sales_assets.adapters.source.session import Session
from sales_assets.core import journey
from sales_assets.core.completeness import Evidence, hourly_counts
from sales_assets.core.days import INSTANT, day_bounds, to_wall_clock
from sales_assets.core.windows import AFTER_DAYS

#: By the quarter of an hour: no zone's clock differs from another's by less.
EVENT_COUNTS = f"""
SELECT
    date_trunc('hour', time) + floor(extract(minute FROM time) / 15) * interval '15 minutes'
        AS quarter,
    event_id, count(*) AS rows, min(time) AS first, max(time) AS last
FROM ({EVENTS_IN_SPANS}) AS in_spans GROUP BY 1, 2
"""  # noqa: S608 - put together from constants
PAYMENT_COUNTS = f"""
SELECT
    date_trunc('hour', time) + floor(extract(minute FROM time) / 15) * interval '15 minutes'
        AS quarter,
    count(*) AS rows, min(time) AS first, max(time) AS last
FROM ({PAYMENTS_IN_SPANS}) AS in_spans GROUP BY 1
"""  # noqa: S608 - put together from constants
READ_AT = "SELECT now() AS time"


class SourceCounts(NamedTuple):
    """Groups of rows and the moment at which the source was read (UTC).

    `groups` has `at` (an instant within the hour), `type` (null where the dictionary knows no
    such id), `rows`, and the instants of the `first` and the `last` of them.
    """

    groups: pd.DataFrame
    as_of: datetime
    zone: ZoneInfo

    def of_day(self, day: date) -> pd.DataFrame:
        """Return the frame of `hourly_counts` of a day."""
        of_day = self._between(*day_bounds(day, self.zone))
        hours = to_wall_clock(of_day["at"], self.zone).dt.floor("h")
        return hourly_counts(hours, of_day["type"], of_day["rows"])

    def evidence(self, day: date) -> Evidence:
        """Return what bounds the silences of a day, on the wall clock of the report zone.

        A row more than a week after it, or after the moment of reading, tells nothing.
        """
        start, end = day_bounds(day, self.zone)
        _, horizon = day_bounds(day + timedelta(days=AFTER_DAYS), self.zone)
        read_at = min(self.as_of, horizon)
        of_day, after = self._between(start, end), self._between(end, read_at)
        return Evidence(
            last_at=self._walls(of_day.groupby("type")["last"].max()),
            first_after=self._walls(after.groupby("type")["first"].min()),
            resumes_at=None if after.empty else self._wall(after["first"].min()),
            as_of=self._wall(read_at),
        )

    def _between(self, start: datetime, end: datetime) -> pd.DataFrame:
        at = self.groups["first"]
        return self.groups[(at >= start) & (at < end)]

    def _walls(self, moments: pd.Series) -> dict[str, datetime]:
        return {str(name): self._wall(moment) for name, moment in moments.items()}

    def _wall(self, moment: datetime) -> datetime:
        wall = pd.Timestamp(moment).tz_convert(self.zone).tz_localize(None)
        return wall.to_pydatetime()


def read_at(session: Session) -> datetime:
    """Return the moment of the snapshot by the source's clock, aware, in UTC."""
    moment = session.frame(READ_AT)["time"].iloc[0]
    return pd.Timestamp(moment).tz_convert("UTC").to_pydatetime()


def groups_of_source(reader: RowReader) -> pd.DataFrame:
    """Let the source group the rows of the asked days; no row of it travels."""
    if not reader.asked.days:
        return _groups([])
    reader.bind_spans()
    return _groups(
        _group_table(reader, table, batch)
        for table, statement in ((EVENTS, EVENT_COUNTS), (PAYMENTS, PAYMENT_COUNTS))
        for batch in reader.session.batches(statement, table.texts)
    )


def _group_table(reader: RowReader, table: SourceTable, batch: pa.RecordBatch) -> pd.DataFrame:
    types = reader.dictionary.types
    if table is EVENTS:
        places = reader.dictionary.places_of(batch["event_id"])
    else:
        places = np.full(batch.num_rows, types.index(journey.PURCHASE))
    return pd.DataFrame(
        {
            "at": reader.instants(table, batch["quarter"].to_pandas()),
            "type": _names(places, types),
            "rows": batch["rows"].to_numpy(),
            "first": reader.instants(table, batch["first"].to_pandas()),
            "last": reader.instants(table, batch["last"].to_pandas()),
        }
    )


def groups_of_rows(rows: Rows, types: Sequence[str], zone: ZoneInfo) -> pd.DataFrame:
    """Group rows that were read anyway, day by day: a year never stands in memory twice."""
    spans = zip(rows.edges, rows.edges[1:], strict=False)
    return _groups(_groups_of_day(rows, slice(*span), types, zone) for span in spans)


def _groups_of_day(rows: Rows, of_day: slice, types: Sequence[str], zone: ZoneInfo) -> pd.DataFrame:
    at = pd.Series(rows.time_us[of_day]).astype("datetime64[us]").dt.tz_localize("UTC")
    hours = to_wall_clock(at, zone).dt.floor("h")
    by_group = at.groupby([hours.to_numpy(), rows.type[of_day]])
    found = by_group.agg(["size", "min", "max"]).reset_index(names=["hour", "place"])
    return pd.DataFrame(
        {
            "at": found["min"],
            "type": _names(found["place"].to_numpy(), types),
            "rows": found["size"],
            "first": found["min"],
            "last": found["max"],
        }
    )


def _names(places: np.ndarray, types: Sequence[str]) -> pd.Categorical:
    known = pd.Index(list(types)).astype("str")
    return pd.Categorical.from_codes(np.where(places == MISSING, -1, places), known)


def _groups(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    columns = {"at": INSTANT, "type": "str", "rows": "int64", "first": INSTANT, "last": INSTANT}
    nothing = pd.DataFrame(columns=list(columns)).astype(columns)
    parts = [nothing, *(table.astype(columns) for table in tables)]
    return pd.concat([part for part in parts if len(part)] or [nothing], ignore_index=True)
