"""What the ledger owes: the days for which a delivery run has something to do."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from sales_assets.adapters.state.ledger import Ledger, Subscriber
from sales_assets.core.delivery import rules
from sales_assets.core.delivery.rules import Delivery, Kind, RowState, Timetable


def pending_deliveries(
    ledger: Ledger, reports: Mapping[date, str], timetable: Timetable, now: datetime
) -> list[tuple[date, int]]:
    """Return the days that a delivery run has something to do for now, each with its attempt.

    `reports` maps the days with a finished report to their `content_sha256`. Of these only the
    newest finished day is news, from its delivery time on; older days count where a chat was
    sent other content, or where the owner asked for a repeat. A day that a living dispatcher
    works on waits.
    """
    newest_day = timetable.newest_finished_day(now)
    places = {place.place: place for place in ledger.subscribers()}
    looked_at = ledger.days_to_look_at(reports) | (reports.keys() & {newest_day})
    due = [
        day
        for day in sorted(looked_at)
        if day <= newest_day
        and timetable.due_at(day) <= now
        and _is_pending(ledger.rows(day), reports[day], places, now, is_news=day == newest_day)
    ]
    return [(day, timetable.attempt(day, now)) for day in due]


def late_notices_owed(
    ledger: Ledger, timetable: Timetable, now: datetime, admins: Sequence[int]
) -> list[tuple[str, date]]:
    """Return the run key and day of the notices that the newest, unfinished report owes; or none.

    To be asked only where the newest finished day has no report.
    """
    day = timetable.newest_finished_day(now)
    if now < timetable.due_at(day):
        return []
    told = {
        (row.chat, row.thread, row.kind)
        for row in ledger.rows(day)
        if row.state != RowState.PLANNED
    }
    places = [(*place.place, Kind.LATE) for place in ledger.subscribers()]
    alerts = [(chat, 0, f"{Kind.ALERT}:{Kind.LATE}") for chat in admins]
    if told.issuperset([*places, *alerts]):
        return []
    return [(f"late:{day}:{timetable.attempt(day, now)}", day)]


def _is_pending(
    rows: Sequence[Delivery],
    sha256: str,
    places: Mapping[tuple[int, int], Subscriber],
    now: datetime,
    *,
    is_news: bool,
) -> bool:
    if any(row.state == RowState.SENDING and not rules.has_expired(row, now) for row in rows):
        return False
    planned = {(row.chat, row.thread) for row in rows if row.kind == Kind.REPORT}
    return (
        (is_news and bool(places.keys() - planned))
        or any(_is_row_pending(row, places, now, is_news=is_news) for row in _in_turn(rows))
        or _lacks_correction(rows, sha256, places)
    )


def _in_turn(rows: Sequence[Delivery]) -> list[Delivery]:
    """Leave out the continuations of reports that have not arrived: they wait for those."""
    arrived = {
        (row.chat, row.thread)
        for row in rows
        if row.kind == Kind.REPORT and row.state == RowState.SENT
    }
    return [
        row
        for row in rows
        if not row.kind.startswith(Kind.CONTINUATION) or (row.chat, row.thread) in arrived
    ]


def _is_row_pending(
    row: Delivery,
    places: Mapping[tuple[int, int], Subscriber],
    now: datetime,
    *,
    is_news: bool,
) -> bool:
    if rules.has_expired(row, now):
        return True
    place = places.get((row.chat, row.thread))
    if row.kind.startswith(Kind.ALERT):
        return is_news and rules.is_due(row, now, holds_doubts=False)
    if place is None or row.kind == Kind.LATE or not may_send(row, is_news=is_news):
        return False
    return rules.is_due(row, now, holds_doubts=place.holds_doubts)


def may_send(row: Delivery, *, is_news: bool) -> bool:
    """Tell whether a row may go out: a report while it is news, a correction always."""
    corrects = row.kind.partition(":")[0] in (Kind.EDIT, Kind.CHANGE)
    return is_news or corrects or row.by_hand


def _lacks_correction(
    rows: Iterable[Delivery], sha256: str, places: Mapping[tuple[int, int], Subscriber]
) -> bool:
    edits = {(row.chat, row.thread): row for row in rows if row.kind == Kind.EDIT}
    for row in rows:
        place = (row.chat, row.thread)
        is_shown = row.kind == Kind.REPORT and row.state == RowState.SENT and place in places
        if is_shown and row.content_sha256 != sha256:
            edit = edits.get(place)
            if edit is None or edit.content_sha256 != sha256:
                return True
    return False
