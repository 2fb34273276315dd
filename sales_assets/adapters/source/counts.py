"""How many rows the source holds by hour and type: grouped by the source, or of rows read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.adapters.source.rows import (
    EVENTS,
    EVENTS_IN_SPANS,
    PAYMENTS,
    PAYMENTS_IN_SPANS,
    RowReader,
    Rows,
    named,
)
from sales_assets.adapters.source.session import Session
from sales_assets.core.completeness import Evidence, hourly_counts
from sales_assets.core.days import INSTANT, day_bounds, to_wall_clock
from sales_assets.core.frames import HOURLY_COUNTS
from sales_assets.core.metrics.event_log import timestamps
from sales_assets.core.windows import AFTER_DAYS, DAY

#: By the quarter of an hour: no zone's clock differs from another's by less.
QUARTER = "floor(date_part('epoch', time) / 900)"
EVENT_COUNTS = f"""
SELECT event_id, count(*) AS rows, min(time) AS first, max(time) AS last
FROM ({EVENTS_IN_SPANS}) AS in_spans GROUP BY {QUARTER}, event_id
"""  # noqa: S608 - put together from constants
PAYMENT_COUNTS = f"""
SELECT count(*) AS rows, min(time) AS first, max(time) AS last
FROM ({PAYMENTS_IN_SPANS}) AS in_spans GROUP BY {QUARTER}
"""  # noqa: S608 - put together from constants
READ_AT = "SELECT now() AS time"


@dataclass(frozen=True)
class SourceCounts:
    """Groups of rows and the moment at which the source was read (UTC).

    `groups` has `type` (null where the dictionary knows no such id), `rows`, all within an hour,
    and the instants of the `first` and the `last` of them.
    """

    groups: pd.DataFrame
    as_of: datetime
    #: Of the report.
    zone: ZoneInfo

    def of_day(self, day: date) -> pd.DataFrame:
        """Return the frame of `hourly_counts` of a day."""
        nothing = pd.DataFrame(columns=HOURLY_COUNTS.names).astype(HOURLY_COUNTS.dtypes)
        return self._counts.get(pd.Timestamp(day), nothing)

    def evidence(self, day: date) -> Evidence:
        """Return what bounds the silences of a day, on the wall clock of the report zone.

        A row more than a week after it, or after the moment of reading, tells nothing.
        """
        after: dict[str | None, datetime] = {}
        for later in range(1, AFTER_DAYS + 1):
            for name, (first, _) in self._bounds.get(day + later * DAY, {}).items():
                after.setdefault(name, first)
        _, horizon = day_bounds(day + AFTER_DAYS * DAY, self.zone)
        as_of = pd.Timestamp(min(self.as_of, horizon)).tz_convert(self.zone).tz_localize(None)
        return Evidence(
            last_at={name: last for name, (_, last) in self._bounds.get(day, {}).items() if name},
            first_after={name: first for name, first in after.items() if name},
            resumes_at=min(after.values(), default=None),
            as_of=as_of.to_pydatetime(),
        )

    @cached_property
    def _walls(self) -> pd.DataFrame:
        """The groups until the moment of reading, as the report zone's clock shows them."""
        read = self.groups[self.groups["first"] < self.as_of]
        walls = {name: to_wall_clock(read[name], self.zone) for name in ("first", "last")}
        return read.assign(**walls, day=walls["first"].dt.normalize())

    @cached_property
    def _counts(self) -> dict[pd.Timestamp, pd.DataFrame]:
        walls = self._walls
        counts = hourly_counts(walls["first"].dt.floor("h"), walls["type"], walls["rows"])
        by_day = counts.groupby(counts["hour"].dt.normalize())
        return {day: frame.reset_index(drop=True) for day, frame in by_day}

    @cached_property
    def _bounds(self) -> Mapping[date, Mapping[str | None, tuple[datetime, datetime]]]:
        """The first and the last row of each type, by day; None stands for no type."""
        by_type = self._walls.groupby(["day", "type"], dropna=False)
        found = by_type.agg(first=("first", "min"), last=("last", "max")).reset_index()
        bounds: dict[date, dict[str | None, tuple[datetime, datetime]]] = {}
        for day, name, first, last in found.itertuples(index=False):
            known = None if pd.isna(name) else name
            bounds.setdefault(day.date(), {})[known] = first.to_pydatetime(), last.to_pydatetime()
        return bounds


def read_at(session: Session) -> datetime:
    """Return the moment of the snapshot by the source's clock, aware, in UTC."""
    moment = session.frame(READ_AT)["time"].iloc[0]
    return pd.Timestamp(moment).tz_convert("UTC").to_pydatetime()


def groups_of_source(reader: RowReader) -> pd.DataFrame:
    """Let the source group the rows of the asked days; no row of it travels."""
    if not reader.asked.days:
        return _groups([])
    reader.bind_spans()
    found = []
    for table, statement in ((EVENTS, EVENT_COUNTS), (PAYMENTS, PAYMENT_COUNTS)):
        for batch in reader.session.batches(statement, table.texts):
            positions = reader.dictionary.positions_of(batch)
            group = {
                "type": named(positions, reader.dictionary.events.types),
                "rows": batch["rows"].to_numpy(),
                "first": reader.instants(table, batch["first"].to_pandas()),
                "last": reader.instants(table, batch["last"].to_pandas()),
            }
            found.append(pd.DataFrame(group))
    return _groups(found)


def groups_of_rows(reader: RowReader, rows: Rows) -> pd.DataFrame:
    """Group rows that were read anyway, day by day: a year never stands in memory twice."""
    groups = []
    for start, end in pairwise(rows.edges):
        at = timestamps(rows.time_us[start:end])
        hours = to_wall_clock(at, reader.asked.zone).dt.floor("h")
        by_group = at.groupby([hours.to_numpy(), rows.type[start:end]])
        found = by_group.agg(["size", "min", "max"]).reset_index()
        found = found.set_axis(["hour", "position", "rows", "first", "last"], axis=1)
        types = named(found["position"].to_numpy(), reader.dictionary.events.types)
        groups.append(found.assign(type=types))
    return _groups(groups)


def _groups(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = {"type": "str", "rows": "int64", "first": INSTANT, "last": INSTANT}
    nothing = pd.DataFrame(columns=list(columns)).astype(columns)
    parts = [table[list(columns)].astype(columns) for table in tables]
    return pd.concat([part for part in parts if len(part)] or [nothing], ignore_index=True)
