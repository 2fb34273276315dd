"""What a reader is shown of a report: as it was sent, or as it is stored."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date

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
    content = _sent(session, place, day)
    is_stored = day in stored_days
    if content is None:
        # Its caption is read when it is sent: the storage may be far away.
        return [_empty(place, day, is_sent=False)] if is_stored else []
    report = replace(
        _empty(place, day, is_sent=is_stored),
        html=content.caption_html,
        caption=content.caption_html,
        file_id=content.file_id,
        as_document=content.media == "document",
    )
    return [report]


def now_replies(
    session: Session, place: Place, day: date, stored: StoredReport | None
) -> list[Reply]:
    """Return the stored report of `day`, and what changed since the place was sent it."""
    if stored is None:
        return []
    content = _sent(session, place, day)
    sent = dict(content.numbers) if content else None
    told = texts.known_now(day, sent, headline_numbers(stored.content["numbers"]))
    caption = stored.content["caption"]
    report = replace(_empty(place, day, is_sent=False), html=caption, caption=caption)
    if fits_caption(f"{caption}\n\n{told}"):
        return [replace(report, html=f"{caption}\n\n{told}")]
    return [report, Reply(ReplyKind.TEXT, place.chat, place.thread, html=told)]


def _empty(place: Place, day: date, *, is_sent: bool) -> Reply:
    """Return a report without words, to compare the numbers that were sent with today's."""
    buttons = texts.report_keyboard(day, with_now=is_sent)
    return Reply(ReplyKind.REPORT, place.chat, place.thread, buttons=buttons, day=day)


def _sent(session: Session, place: Place, day: date) -> SentContent | None:
    """Return what was sent of `day`: to this place, else the latest to anybody."""
    sha256 = session.scalar(
        select(DeliveryRow.content_sha256).where(
            DeliveryRow.report_day == day,
            DeliveryRow.kind == MessageKind.REPORT,
            DeliveryRow.chat == place.chat,
            DeliveryRow.thread == place.thread,
            DeliveryRow.state == RowState.SENT,
        )
    )
    if sha256 and (found := session.get(SentContent, (day, sha256))):
        return found
    wanted = select(SentContent).where(SentContent.report_day == day)
    return session.scalars(wanted.order_by(SentContent.created_at.desc())).first()
