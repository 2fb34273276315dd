"""What is owed: rows, report, readers and the time in, the rows to send out; a pure function."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sales_assets.core.delivery.alerts import alerts_of, notice_of
from sales_assets.core.delivery.messages import Message
from sales_assets.core.delivery.rows import (
    NEW,
    Delivery,
    MessageKind,
    Place,
    Reader,
    RowState,
    expired,
    has_expired,
    is_due,
)

_Known = Mapping[tuple[MessageKind, str, Place], Delivery]
_ARRIVING = (RowState.SENT, RowState.SENDING, RowState.UNKNOWN)


def owed(  # noqa: PLR0913 - what the answer rests on, and nothing else
    day: date,
    rows: Sequence[Delivery],
    readers: Collection[Reader],
    admins: Collection[Reader],
    now: datetime,
    *,
    sha256: str | None,
    is_news: bool,
    before: Sequence[Delivery] = (),
    alerts: Sequence[Message] = (),
) -> list[Delivery]:
    """Return the rows of `day` that may be claimed at `now`: readers first, then admins.

    `sha256` stands for the content of the day's report, None where there is none. `is_news`: the
    day is the newest finished one and its hour has come. Only news is sent to a place that lacks
    it; corrections, and what the owner asked for by hand, are owed for any day. `before` are the
    rows of the day before, whose doubts nobody repeats any more; `alerts` come from elsewhere.

    A row with the id `NEW` is not in the ledger yet; one that differs from the ledger's is to be
    written there before it is claimed.
    """
    current = [expired(row) if has_expired(row, now) else row for row in rows]
    known = {(row.kind, row.subject, row.place): row for row in current}
    tasks: list[Delivery] = []
    for reader in readers:
        tasks += _report(day, known, reader, sha256, is_news=is_news)
    holding = {reader.place for reader in readers if reader.holds_doubts}
    due = [row for row in tasks if is_due(row, now, holds_doubts=row.place in holding)]
    told = _alerts(day, current, before, readers, admins, alerts)
    return [*due, *(row for row in told if is_due(row, now))]


def _report(
    day: date, known: _Known, reader: Reader, sha256: str | None, *, is_news: bool
) -> Iterator[Delivery]:
    """Yield the report that a reader lacks, or what corrects it; without one the word of it."""
    shown = known.get((MessageKind.REPORT, "", reader.place))
    if sha256 is None:
        if is_news and (shown is None or shown.state not in _ARRIVING):
            late = known.get((MessageKind.LATE, "", reader.place))
            yield late or _new(day, MessageKind.LATE, reader.place)
    elif shown is None:
        if is_news:
            yield _new(day, MessageKind.REPORT, reader.place)
    elif shown.state is RowState.SENT:
        yield from _correction(known, shown, sha256)
    elif is_news or shown.by_hand:
        yield shown


def _correction(known: _Known, shown: Delivery, sha256: str) -> Iterator[Delivery]:
    """Yield the edit of a report that shows other content, or the reply that tells of it."""
    edit = known.get((MessageKind.EDIT, "", shown.place))
    change = known.get((MessageKind.CHANGE, "", shown.place))
    if shown.content_sha256 == sha256:
        if change is not None and change.content_sha256 == sha256:
            yield change
    elif edit is None:
        yield anew(_new(shown.report_day, MessageKind.EDIT, shown.place), shown, sha256)
    else:
        yield edit if edit.content_sha256 == sha256 else anew(edit, shown, sha256)


def anew(row: Delivery, shown: Delivery, sha256: str) -> Delivery:
    """Return an edit or a reply as it is planned for new content of the report that is `shown`.

    `previous_sha256` is what the chat knows: a plan that was never carried out keeps it.
    """
    if row.state is RowState.SENDING:
        return row
    if row.id != NEW and row.state in (RowState.PLANNED, RowState.UNKNOWN):
        return replace(row, content_sha256=sha256)
    was_told = row.state is RowState.SENT or row.id == NEW
    return replace(
        row,
        state=RowState.PLANNED,
        attempts=0,
        doubts=0,
        not_before=None,
        reason=None,
        possible_duplicate=False,
        content_sha256=sha256,
        previous_sha256=shown.content_sha256 if was_told else row.previous_sha256,
    )


def _alerts(  # noqa: PLR0913, PLR0917 - as `owed`
    day: date,
    rows: Sequence[Delivery],
    before: Sequence[Delivery],
    readers: Collection[Reader],
    admins: Collection[Reader],
    alerts: Sequence[Message],
) -> Iterator[Delivery]:
    """Yield what each admin lacks; one who cannot be reached is given up for the day."""
    reports = [row for row in rows if row.kind is not MessageKind.ALERT]
    for admin in admins:
        mine = [row for row in rows if row.kind is MessageKind.ALERT and row.place == admin.place]
        if any(row.state is RowState.FAILED for row in mine):
            continue
        yield from mine
        old = [
            row for row in before if row.kind is not MessageKind.ALERT or row.place == admin.place
        ]
        subjects = {row.subject for row in mine}
        for alert in [*alerts, *alerts_of([*reports, *mine], old, readers)]:
            if alert.label not in subjects:
                yield _new(day, MessageKind.ALERT, admin.place, alert)


def _new(day: date, kind: MessageKind, place: Place, alert: Message | None = None) -> Delivery:
    row = Delivery(NEW, day, kind, place.chat, place.thread)
    return row if alert is None else replace(row, subject=alert.label, notice=notice_of(alert))
