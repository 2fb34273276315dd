"""What a reader is shown: the report as it was sent or stored, the stuck list, a client."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sales_assets.adapters.files.reports import StoredReport
from sales_assets.adapters.state.database import DeliveryRow, SentContent
from sales_assets.core.bot import texts
from sales_assets.core.bot.replies import Reply, ReplyKind
from sales_assets.core.delivery.messages import fits_caption
from sales_assets.core.delivery.rows import MessageKind, Place, RowState
from sales_assets.core.report.report import headline_numbers


def newest_day(session: Session, stored_days: Collection[date]) -> date | None:
    """Return the newest day of which there is a report, sent or stored."""
    sent = session.scalar(select(func.max(SentContent.report_day)))
    return max([*stored_days, *([sent] if sent else [])], default=None)


def report_replies(
    session: Session, place: Place, day: date, stored_days: Collection[date]
) -> list[Reply]:
    """Return the report as it was sent: to this place, else to anybody, else as it is stored."""
    content = _sent_to(session, place, day) or _sent(session, day)
    is_stored = day in stored_days
    if content is None:
        # Its caption is read when it is sent: the storage may be far away.
        return [_empty(place, day, is_sent=False)] if is_stored else []
    report = replace(
        _empty(place, day, is_sent=is_stored),
        file_id=content.file_id,
        as_document=content.media == "document",
    )
    return [replace(report, html=content.caption_html, caption=content.caption_html)]


def now_replies(
    session: Session, place: Place, day: date, stored: StoredReport | None
) -> list[Reply]:
    """Return the stored report of `day`, and what changed since the place was sent it."""
    if stored is None:
        return []
    content = _sent_to(session, place, day) or _sent(session, day)
    sent = dict(content.numbers) if content else None
    told = texts.known_now(day, sent, headline_numbers(stored.content["numbers"]))
    caption = stored.content["caption"]
    report = replace(_empty(place, day, is_sent=False), html=caption, caption=caption)
    if fits_caption(f"{caption}\n\n{told}"):
        return [replace(report, html=f"{caption}\n\n{told}")]
    return [report, Reply(ReplyKind.TEXT, place.chat, place.thread, html=told)]


def stuck_reply(place: Place, day: date) -> Reply:
    """Return the list of stuck cases, which is read and written down when it is sent."""
    return Reply(ReplyKind.STUCK, place.chat, place.thread, day=day)


def expiring_reply(place: Place, day: date, now: datetime) -> Reply:
    """Return the next deadlines, which are read when they are sent, from `now` on."""
    asked_at = now.isoformat()
    return Reply(ReplyKind.EXPIRING, place.chat, place.thread, day=day, asked_at=asked_at)


def receipt_reply(place: Place, day: date) -> Reply:
    """Return where the numbers come from, which is read and written down when it is sent."""
    return Reply(ReplyKind.RECEIPT, place.chat, place.thread, day=day)


def client_reply(place: Place, client: str) -> Reply:
    """Return where a client stands, which is read when it is sent."""
    return Reply(ReplyKind.CLIENT, place.chat, place.thread, client=client)


def _empty(place: Place, day: date, *, is_sent: bool) -> Reply:
    """Return a report without words, to compare the numbers that were sent with today's."""
    buttons = texts.report_keyboard(day, with_now=is_sent)
    return Reply(ReplyKind.REPORT, place.chat, place.thread, buttons=buttons, day=day)


def _sent_to(session: Session, place: Place, day: date) -> SentContent | None:
    sha256 = session.scalar(
        select(DeliveryRow.content_sha256).where(
            DeliveryRow.report_day == day,
            DeliveryRow.kind == MessageKind.REPORT,
            DeliveryRow.chat == place.chat,
            DeliveryRow.thread == place.thread,
            DeliveryRow.state == RowState.SENT,
        )
    )
    return session.get(SentContent, (day, sha256)) if sha256 else None


def _sent(session: Session, day: date) -> SentContent | None:
    wanted = select(SentContent).where(SentContent.report_day == day)
    return session.scalars(wanted.order_by(SentContent.created_at.desc())).first()
