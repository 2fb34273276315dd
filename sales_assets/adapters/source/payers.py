"""The payments of some weeks, each beside its client's first event and lesson."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa

from sales_assets.adapters.source.rows import (
    EARLIEST,
    EVENTS,
    PAYMENTS,
    RowReader,
    SourceTable,
    bind_kinds,
    trimmed,
)
from sales_assets.core.days import INSTANT, first_reading, midnight, with_wall_clocks

#: Four weeks are judged by the four before; the report day is the last of them.
PAYERS_DAYS = 56

RECENT_PAYMENTS = """
SELECT p._user_id::text AS user_id, p.transaction_created_at::timestamp AS paid_at
FROM payments AS p
WHERE p.transaction_created_at >= $payers_start::timestamp
    AND p.transaction_created_at < $payments_last_end::timestamp
"""
EVENTS_OF_PAYERS = f"""
SELECT
    e._user_id::text AS user_id,
    min(e.happened_at)::timestamp AS first_event_at,
    (min(e.happened_at) FILTER (WHERE $is_lesson))::timestamp AS first_lesson_at
FROM events AS e
WHERE e._user_id::text = ANY ($users) AND e.happened_at >= '{EARLIEST}'
    AND e.happened_at < $events_last_end::timestamp
GROUP BY e._user_id
"""  # noqa: S608 - put together from constants

_PAYMENTS = ("paid_at",)
_EVENTS = ("first_event_at", "first_lesson_at")


def payers_of(reader: RowReader, days: Sequence[date]) -> pd.DataFrame:
    """Return the payments of the eight weeks up to each of `days`, which are among the asked ones.

    Columns: user_id (category), paid_at, first_event_at, first_lesson_at (wall clock of the report
    zone; the latter two are missing for a client without one). A payment of nobody is left out.
    """
    paid: Iterable[pa.RecordBatch] = ()
    came: Iterable[pa.RecordBatch] = ()
    zone = reader.asked.zone
    if days:
        first = min(days) - timedelta(days=PAYERS_DAYS - 1)
        start = first_reading(midnight(first, zone), reader.clock(PAYMENTS))
        reader.session.set_parameter("payers_start", start.isoformat())
        bind_kinds(reader)
        paid = reader.session.batches(RECENT_PAYMENTS, PAYMENTS.texts)
    payments = _instants(reader, PAYMENTS, paid, _PAYMENTS)
    payments = payments[payments["user_id"].fillna("") != ""]
    if len(payments):
        users = pa.array(payments["user_id"].unique(), pa.large_string())
        came = reader.of_users(EVENTS, EVENTS_OF_PAYERS, users)
    events = _instants(reader, EVENTS, came, _EVENTS)
    earliest = events.groupby("user_id", as_index=False).min()
    joined = payments.merge(earliest, how="left", on="user_id")
    # Each day looks for a client's first payment: by codes, not by texts.
    return with_wall_clocks(joined.astype({"user_id": "category"}), [*_PAYMENTS, *_EVENTS], zone)


def _instants(
    reader: RowReader,
    table: SourceTable,
    batches: Iterable[pa.RecordBatch],
    columns: Sequence[str],
) -> pd.DataFrame:
    """Return a row per row of the answer: user_id without blanks, and instants by `columns`."""
    types = {"user_id": "str", **dict.fromkeys(columns, INSTANT)}
    frames = [pd.DataFrame(columns=list(types)).astype(types)]
    for batch in batches:
        users = trimmed(batch["user_id"])[0].dictionary_decode().to_pandas()
        times = {name: reader.instants(table, batch[name].to_pandas()) for name in columns}
        frames.append(pd.DataFrame({"user_id": users, **times}))
    return pd.concat(frames, ignore_index=True)
