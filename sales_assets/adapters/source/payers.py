"""The payments of some weeks, each beside its client's first event and lesson."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.adapters.source.rows import (
    EVENTS,
    FIRSTS,
    KINDS,
    PAYMENTS,
    RowReader,
    SourceTable,
    bind_kinds,
    trimmed,
)
from sales_assets.core.days import INSTANT, midnight, with_wall_clocks
from sales_assets.core.source_clock import first_reading

#: Four weeks are judged by the four before; the report day is the last of them.
PAYERS_DAYS = 56

RECENT_PAYMENTS = """
SELECT p._user_id::text AS user_id, p.transaction_created_at::timestamp AS time
FROM payments AS p
WHERE p.transaction_created_at >= $payers_start::timestamp
    AND p.transaction_created_at < $payments_last_end::timestamp
"""
FIRSTS_OF_PAYERS = FIRSTS.format(users="payers", until="$events_last_end")
EVENTS_OF_PAYERS = f"""
WITH payment_rows AS ({RECENT_PAYMENTS}),
payers AS (
    SELECT user_id FROM payment_rows UNION SELECT btrim(user_id, $blanks) FROM payment_rows
),
{KINDS},
{FIRSTS_OF_PAYERS}
SELECT
    firsts._user_id::text AS user_id,
    min(firsts.at)::timestamp AS event,
    (min(firsts.at) FILTER (WHERE kinds.kind = 'lesson'))::timestamp AS lesson
FROM firsts LEFT JOIN kinds ON kinds.id = btrim(firsts.event_id::text, $blanks)
GROUP BY firsts._user_id
"""  # noqa: S608 - put together from constants
EVENTS_OF_PADDED_PAYERS = EVENTS_OF_PAYERS.replace(
    "WHERE e._user_id::text IN", "WHERE btrim(e._user_id::text, $blanks) IN"
)

#: The columns of what is asked, and those of the answer.
_PAYMENTS = {"paid_at": "time"}
_EVENTS = {"first_event_at": "event", "first_lesson_at": "lesson"}


def payers_of(reader: RowReader, zone: ZoneInfo) -> pd.DataFrame:
    """Return the payments of the eight weeks until the last day that is asked for.

    Columns: user_id (str), paid_at, first_event_at, first_lesson_at (wall clock of `zone`; the
    latter two are missing for a client without such an event). A payment of nobody is left out.
    """
    if reader.asked.days:
        first = min(reader.asked.days) - timedelta(days=PAYERS_DAYS - 1)
        start = first_reading(midnight(first, zone), reader.clock(PAYMENTS))
        reader.session.set_parameter("payers_start", start.isoformat())
        bind_kinds(reader)
    are_padded = EVENTS.name in reader.padded
    payments = _answer(reader, PAYMENTS, RECENT_PAYMENTS, _PAYMENTS)
    events = _answer(
        reader, EVENTS, EVENTS_OF_PADDED_PAYERS if are_padded else EVENTS_OF_PAYERS, _EVENTS
    )
    earliest = events.groupby("user_id", as_index=False).min()
    joined = payments[payments["user_id"].fillna("") != ""].merge(
        earliest, how="left", on="user_id"
    )
    return with_wall_clocks(joined, [*_PAYMENTS, *_EVENTS], zone)


def _answer(
    reader: RowReader, table: SourceTable, statement: str, columns: dict[str, str]
) -> pd.DataFrame:
    """Return a row per row of the answer: user_id without blanks, and instants by `columns`."""
    nothing = {"user_id": pd.Series(dtype="str")} | {
        name: pd.Series(dtype=INSTANT) for name in columns
    }
    batches = reader.session.batches(statement, table.texts) if reader.asked.days else ()
    frames = [
        pd.DataFrame(
            {"user_id": trimmed(batch["user_id"])[0].dictionary_decode().to_pandas()}
            | {
                name: reader.instants(table, batch[column].to_pandas())
                for name, column in columns.items()
            }
        )
        for batch in batches
    ]
    return pd.concat([pd.DataFrame(nothing), *frames], ignore_index=True)
