"""What no sound source has: keys that don't meet, times that can't be right, each with a sample.

All take and return values; windows end with the report day, whose frames are the report zone's.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core.days import to_instants, to_wall_clock
from sales_assets.core.journey import LESSON_SUCCEEDED, PURCHASE
from sales_assets.core.source_findings import (
    PARTS_OF_KEYS,
    PARTS_OF_ORDER,
    Finding,
    FindingKind,
    Reason,
)

SAMPLE = 10
FOUR_WEEKS = timedelta(days=28)
#: The fewest payers, or payments, of which a share says something.
FEWEST = 3
#: Above this share of payers without events the parts are marked whatever the past says.
CERTAIN_SHARE = 0.5
#: Above this one, where it is so many times that of the four weeks before.
GROWN_SHARE, GROWTH = 0.1, 3
#: Ids that programs write where there is none.
PLACEHOLDERS = frozenset({"0", "-1", "-", "null", "none", "nan", "nil", "undefined", "n/a", "na"})
#: A placeholder may hold so much of a day's rows, another id so much of many.
PLACEHOLDER_SHARE, ONE_ID_SHARE, MANY_ROWS = 0.05, 0.2, 200


def payers_without_event(payers: pd.DataFrame, day: date, *, are_normal: bool) -> Finding | None:
    """Find payers whose id no earlier event has, in the four weeks that end with `day`.

    `payers` has a row per payment of the eight weeks: user_id, paid_at, first_event_at (both
    wall clock; the second missing without an event). An event of the payment's own day is
    early enough: its hour may be lost.
    """
    if are_normal:
        return None
    end = pd.Timestamp(day + timedelta(days=1))
    now, total = _foreign(payers, end - FOUR_WEEKS, end)
    before, total_before = _foreign(payers, end - 2 * FOUR_WEEKS, end - FOUR_WEEKS)
    if total < FEWEST:
        return None
    share, past = len(now) / total, len(before) / max(total_before, 1)
    grown = share > GROWN_SHARE and share > GROWTH * past and total_before >= FEWEST
    if share <= CERTAIN_SHARE and not grown:
        return None
    sample = tuple(now[:SAMPLE])
    return Finding(
        FindingKind.PAYERS_WITHOUT_EVENTS,
        f"{len(now)} of {total} payers of the four weeks until {day} have no earlier event "
        f"({share:.0%}; {past:.0%} in the four weeks before), such as "
        f"{', '.join(map(repr, sample[:3]))}: payments._user_id and events._user_id are written "
        "differently (a decimal point, letters of the other case, lost zeros?). Make them meet "
        "in the source, or set SALES_ASSETS_PAYERS_WITHOUT_EVENTS=1 if that is normal here.",
        PARTS_OF_KEYS,
        Reason.FOREIGN_PAYERS,
        sample,
    )


def _foreign(payers: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> tuple[list[str], int]:
    """Return which payers in `[start, end)` have no event up to the day of their first payment."""
    first = _paid_within(payers, start, end).drop_duplicates("user_id")
    next_day = first["paid_at"].dt.normalize() + pd.Timedelta(days=1)
    is_known = first["first_event_at"] < next_day
    return sorted(first.loc[~is_known, "user_id"]), len(first)


def _paid_within(payers: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Return the payments in `[start, end)`, in the order of their times."""
    within = payers[(payers["paid_at"] >= start) & (payers["paid_at"] < end)]
    return within.sort_values("paid_at", kind="stable")


def times_without_hours(
    table: str,
    day: date,
    times: pd.Series,
    clocks: tuple[ZoneInfo, ZoneInfo],
    recent: pd.Series | None = None,
) -> Finding | None:
    """Find that all times of a table's day are at 00:00:00: dates without hours.

    `times` are the day's, `recent` those of four weeks, which speak for a day of one or two rows:
    wall clock of the report zone. That is the first of the `clocks`, the table's own the second;
    a date may have been meant on either.
    """
    rows = len(times)
    looked_at = recent if recent is not None and 0 < rows < FEWEST else times
    if len(looked_at) < FEWEST:
        return None
    instants = to_instants(looked_at, clocks[0])
    if not any(_are_midnights(to_wall_clock(instants, zone)) for zone in clocks):
        return None
    column = "transaction_created_at" if table == "payments" else "happened_at"
    return Finding(
        FindingKind.NO_HOURS,
        f"All {rows} times of {table}.{column} on {day} are at 00:00:00: the column holds dates. "
        "What needs the order within a day is not counted; load the times with their hours.",
        PARTS_OF_ORDER,
        Reason.NO_HOURS,
        (f"{day} 00:00:00",),
    )


def _are_midnights(times: pd.Series) -> bool:
    known = times.dropna()
    return len(known) > 0 and bool((known == known.dt.normalize()).all())


def paid_before_lesson(payers: pd.DataFrame, day: date) -> Finding | None:
    """Find a week in which more first payments precede their client's lesson than in any before.

    `payers` also has first_lesson_at (missing without a lesson); only the eight weeks that end
    with `day` count. Clocks that differ by hours look like that. A warning: paying in advance
    may become usual.
    """
    end = pd.Timestamp(day + timedelta(days=1))
    within = _paid_within(payers, end - 2 * FOUR_WEEKS, end)
    first = within[within["first_lesson_at"] < end].drop_duplicates("user_id")
    is_early = first["paid_at"] < first["first_lesson_at"]
    is_newest = first["paid_at"] >= end - timedelta(days=7)
    total, early = int(is_newest.sum()), first[is_early & is_newest]
    if is_newest.all() or len(early) < FEWEST:
        return None
    week = (first["paid_at"] - end).dt.days // 7
    most = float(is_early[~is_newest].groupby(week[~is_newest]).mean().max())
    if len(early) / total <= max(GROWN_SHARE, most):
        return None
    sample = tuple(early["user_id"].sort_values()[:SAMPLE])
    return Finding(
        FindingKind.PAID_BEFORE_LESSON,
        f"{len(early)} of {total} first payments of the week until {day} lie before their own "
        f"client's {LESSON_SUCCEEDED!r}, more than in any week before ({most:.0%} at most), such "
        f"as {', '.join(map(repr, sample[:3]))}. See whether events and payments are written by "
        "the same clock (SALES_ASSETS_SOURCE_TZ).",
        sample=sample,
    )


def one_id(frame: pd.DataFrame, day: date) -> Finding | None:
    """Find an id that stands for nobody: a placeholder, or one with too much of a day's rows.

    Rows with an empty id are set aside, as those without one are.
    """
    counts = frame["user_id"].value_counts().drop("", errors="ignore")
    for user, rows in counts[counts > PLACEHOLDER_SHARE * len(frame)].items():
        share, is_word = rows / len(frame), str(user).casefold() in PLACEHOLDERS
        limit = PLACEHOLDER_SHARE if is_word else ONE_ID_SHARE
        if share <= limit or (not is_word and len(frame) < MANY_ROWS):
            continue
        return Finding(
            FindingKind.ONE_ID,
            f"The client {user!r} has {rows} of the {len(frame)} rows of {day} ({share:.0%}): an "
            "id that stands for many or for nobody. Write NULL for it in the source.",
            PARTS_OF_KEYS,
            Reason.ONE_ID,
            (str(user),),
        )
    return None


def unknown_ids(frame: pd.DataFrame, counts: Mapping[str, int], day: date) -> Finding | None:
    """Tell of events whose id the dictionary lacks; where they are most events, parts go."""
    if not counts:
        return None
    rows = sum(counts.values())
    events = int((frame["event_type"] != PURCHASE).fillna(value=True).sum())
    most = rows > CERTAIN_SHARE * events
    sample = tuple(f"{number}: {count} rows" for number, count in list(counts.items())[:SAMPLE])
    return Finding(
        FindingKind.UNKNOWN_IDS,
        f"{rows} of {events} events of {day} have an id that events_dict lacks: "
        f"{', '.join(sample)}. Add the ids with their names.",
        PARTS_OF_ORDER if most else (),
        Reason.UNKNOWN_IDS if most else None,
        sample,
    )


def odd_times(rows: Mapping[str, int], future: Mapping[str, int]) -> list[Finding]:
    """Tell of rows without a usable time and of rows in the future, by table, over all history."""
    found = []
    if odd := tuple(f"{table}: {count} rows" for table, count in rows.items() if count):
        told = (
            f"Rows without a usable time (none, before 1990, infinite) belong to no day: "
            f"{', '.join(odd)}. Correct them in the source."
        )
        found.append(Finding(FindingKind.ODD_TIMES, told, sample=odd))
    if ahead := tuple(f"{table}: {count} rows" for table, count in future.items() if count):
        told = (
            f"Rows lie more than a day in the future: {', '.join(ahead)}. See whether "
            "SALES_ASSETS_SOURCE_TZ is right, and correct them in the source."
        )
        found.append(Finding(FindingKind.FUTURE_TIMES, told, sample=ahead))
    return found
