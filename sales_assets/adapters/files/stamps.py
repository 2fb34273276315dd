"""Whose days are stored: the stamp beside them, and their clients, held against the source."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date

import pandas as pd
from pydantic import TypeAdapter

from sales_assets.adapters.files.frames import FrameStore, MissingDayError, read_json, write_bytes
from sales_assets.adapters.source.postgres import PostgresSource
from sales_assets.core import names
from sales_assets.core.dictionary import EventDictionary
from sales_assets.core.errors import RefusedError
from sales_assets.core.journey import PURCHASE
from sales_assets.core.source_checks import CERTAIN_SHARE, FEWEST
from sales_assets.core.stamp import Stamp, remembered
from sales_assets.core.windows import DAY, EVENT_DAYS

STAMP = "source.json"
#: The newest days of a run that were stored before tell whether their clients are the same.
DAYS_COMPARED = 7
_STAMPS = TypeAdapter(Stamp)


class ForeignSourceError(RefusedError):
    """The storage holds days of another, or of an unknown, source or zone."""


def read_stamp(store: FrameStore) -> Stamp | None:
    """Return the storage's stamp; None without one."""
    with suppress(MissingDayError):
        return _STAMPS.validate_python(read_json(store.base / STAMP))
    return None


def write_stamp(store: FrameStore, stamp: Stamp) -> None:
    """Write the stamp, in place of an older one."""
    write_bytes(store.base / STAMP, _STAMPS.dump_json(stamp, indent=1) + b"\n")


def own_stamp(store: FrameStore, stamp: Stamp) -> Stamp:
    """Return the storage's stamp; where nothing is stored yet `stamp`, which is written there.

    Raises:
        ForeignSourceError: the stored days are of another source, or have no stamp.
    """
    stored = read_stamp(store)
    differences = (
        stored.differences(stamp) if stored else ["nothing says which source they were read from"]
    )
    if stored and not differences:
        return _of_first_day(store, stored, stamp.first_day)
    if any(map(store.days, names.EVENTS)):
        raise ForeignSourceError(
            f"The days in {store.base} are not this source's: {'; '.join(differences)}. Name "
            "another folder in SALES_ASSETS_STORAGE (days of two sources don't mix), or start this "
            "one anew: sales-assets backfill FROM TO --rebuild forgets every stored day. If it is "
            "the same source at another place: --same-source, which compares stored days first."
        )
    write_stamp(store, stamp)
    return stamp


def _of_first_day(store: FrameStore, stored: Stamp, first_day: date | None) -> Stamp:
    """Remember the first partition; an earlier one makes forget what the old one cut."""
    if first_day in (None, stored.first_day):
        return stored
    if stored.first_day and first_day < stored.first_day:
        for later in range(EVENT_DAYS):
            store.forget(names.DAILY_VALUES, stored.first_day + later * DAY)
    now = replace(stored, first_day=first_day)
    write_stamp(store, now)
    return now


def refuse_other_clients(
    store: FrameStore, days: Sequence[date], frames: Mapping[date, pd.DataFrame]
) -> None:
    """Refuse a source in which other clients have taken the place of those of stored days.

    Only where events and payments agree on it: of ids that one of them writes anew, the payers
    without events tell. The stored lookback has the old ids, so that nothing would meet.

    Raises:
        ForeignSourceError: most clients of `days`, at least three, went and others came, in both
            tables.
    """
    stored = [day for day in sorted(days) if store.holds(names.RAW_EVENTS, day)][-DAYS_COMPARED:]
    if not stored:
        return
    before = pd.concat([store.read(names.RAW_EVENTS, day) for day in stored])
    now = pd.concat([frames[day] for day in stored])
    gone, came = _exchanged(_clients(before, paid=False), _clients(now, paid=False))
    payers_gone, _ = _exchanged(_clients(before, paid=True), _clients(now, paid=True))
    if not gone or not payers_gone:
        return
    raise ForeignSourceError(
        f"The source has other clients of {stored[0]} to {stored[-1]} than the days in "
        f"{store.base}: {len(gone)} are gone, such as {gone[0]!r}, and {len(came)} came, such as "
        f"{came[0]!r}. If their ids are written anew, in events and payments, start the storage "
        "anew: sales-assets backfill FROM TO --rebuild forgets every stored day. If it is another "
        "source, name another folder in SALES_ASSETS_STORAGE."
    )


def _clients(frame: pd.DataFrame, *, paid: bool) -> set[str]:
    return set(frame.loc[(frame["event_type"] == PURCHASE) == paid, "user_id"].dropna())


def _exchanged(before: set[str], now: set[str]) -> tuple[list[str], list[str]]:
    """Return who went and who came if most are others; nobody if they are the same, or gone."""
    gone, came = sorted(before - now), sorted(now - before)
    are_others = min(len(gone), len(came)) >= max(FEWEST, CERTAIN_SHARE * len(before))
    return (gone, came) if are_others else ([], [])


def remember(
    store: FrameStore, stamp: Stamp, now: EventDictionary, *, padded_ids: bool | None
) -> Stamp:
    """Keep, and return, what a run saw: the names, and whether ids have blanks around them."""
    seen = replace(stamp, dictionary=remembered(stamp.dictionary, now), padded_ids=padded_ids)
    if seen != stamp:
        write_stamp(store, seen)
    return seen


def accept_same_source(store: FrameStore, source: PostgresSource) -> tuple[date, ...]:
    """Stamp the storage anew for `source` if stored days are the same there, row by row.

    Those are the first, the middle and the last one that is older than a week. Returns the days
    that were compared; none where nothing is stored.

    Raises:
        ForeignSourceError: a compared day has other rows, or other definitions made the days.
    """
    last, now = read_stamp(store), source.stamp()
    if last and last.definitions != now.definitions:
        raise ForeignSourceError(
            f"The days in {store.base} are of version {last.definitions} of the definitions, "
            f"this is version {now.definitions}: the same rows don't make the same days of them. "
            "Start anew: sales-assets backfill FROM TO --rebuild."
        )
    stored = sorted(store.days(names.RAW_EVENTS))
    # The newest may still change.
    settled = stored[:-7] or stored
    middle = len(settled) // 2
    chosen = sorted({*settled[:1], *settled[middle : middle + 1], *settled[-1:]})
    frames = source.read_days(chosen).frames if chosen else {}
    for day in chosen:
        mine, theirs = _plain(store.read(names.RAW_EVENTS, day)), _plain(frames[day])
        if not mine.equals(theirs):
            raise ForeignSourceError(
                f"The source is not the one of the days in {store.base}: of {day} {len(mine)} rows "
                f"are stored, it has {len(theirs)}, and they are not the same. Name another folder "
                "in SALES_ASSETS_STORAGE, or start this one anew: sales-assets backfill FROM TO "
                "--rebuild."
            )
    kept = {"dictionary": last.dictionary, "first_day": last.first_day} if last else {}
    write_stamp(store, replace(now, **kept))
    return tuple(chosen)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    texts = frame.assign(event_type=frame["event_type"].astype("str"))
    columns = sorted(texts.columns)
    return texts[columns].sort_values(columns, ignore_index=True)
