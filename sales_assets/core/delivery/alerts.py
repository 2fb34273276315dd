"""What the analysts are told: every alert that the rows of a day lead to, and its words.

An alert is a message to every admin; one for each day and label, its subject, goes out.
"""

import html
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sales_assets.core import names
from sales_assets.core.delivery.messages import AGAIN, LET_IN, Button, Keyboard, Message
from sales_assets.core.delivery.rows import (
    OUTBOX_CHAT,
    Delivery,
    MessageKind,
    Place,
    Reader,
    RowState,
    is_final_doubt,
)
from sales_assets.core.report.wording import counted, day_and_month
from sales_assets.core.russian import delivery as ru

#: The width of the ledger's column.
_LONGEST_SUBJECT = 64
#: A longer text would be refused; a technical cause says what matters first.
_LONGEST_TEXT = 3000
#: How many chats an alert names; the rest are counted.
_MOST_NAMED = 5


def notice_of(alert: Message) -> dict[str, Any]:
    """Return what the ledger keeps of an alert, so that any later run can send it."""
    buttons = [[[one.text, one.data] for one in row] for row in alert.buttons]
    return {"html": alert.html, "buttons": buttons, "about": [list(one) for one in alert.about]}


def read_notice(subject: str, notice: Mapping[str, Any]) -> Message:
    """Return the alert that was stored."""
    buttons = tuple(tuple(Button(*button) for button in row) for row in notice["buttons"])
    about = tuple((one[0], one[1]) for one in notice["about"])
    return Message(notice["html"], label=subject, buttons=buttons, about=about)


def plain_alert(subject: str, text: str) -> Message:
    """Return an alert with plain text: a technical cause, the run's address."""
    return Message(html.escape(text[:_LONGEST_TEXT]), label=subject[:_LONGEST_SUBJECT])


def late_alert(cause: str) -> Message:
    """Return the cause for which a report is late."""
    return plain_alert(names.LATE_TOPIC, cause)


def markup_alert(day: date, reason: str) -> Message:
    """Return the news of our own mistake in the markup; once a day, not once a chat."""
    return plain_alert("markup", ru.ALERT_MARKUP.format(day=day_and_month(day), reason=reason))


def state_alert(words: str) -> Message:
    """Return the news that the readers are in another state database."""
    return plain_alert("state", ru.ALERT_STATE.format(words=words))


def barred_alert(old: int, place: Place, subscription_id: int) -> Message:
    """Return the question about a chat that became one whose right to read is revoked."""
    text = ru.ALERT_BARRED.format(old=old, chat=place, title=place.title or ru.UNTITLED)
    button = Button(ru.BUTTON_LET_IN, f"{LET_IN}:{subscription_id}")
    label = f"barred:{subscription_id}:{old}"
    return Message(html.escape(text), label=label, buttons=((button,),))


def missed_alert(rows: Sequence[Delivery]) -> Message:
    """Return the news that chats were left without the report of one earlier day, once for all."""
    example = max(rows, key=lambda row: row.attempts)
    text = ru.ALERT_MISSED.format(
        day=day_and_month(example.report_day),
        chats=counted(len(rows), ru.CHAT_FORMS),
        iso=example.report_day.isoformat(),
        reason=example.reason,
    )
    return plain_alert(f"missed:{example.report_day}", text)


# --- What the rows lead to ---------------------------------------------------------------------


def alerts_of(
    rows: Sequence[Delivery], before: Sequence[Delivery], readers: Collection[Reader]
) -> list[Message]:
    """Return the alerts that the rows of a day, and the doubts of the day before, lead to.

    One for each reason, with the number of its chats. A row that an alert among `rows` tells of
    is left out: it is told of once for each claim that ended so.
    """
    told = {tuple(one) for row in [*rows, *before] if row.notice for one in row.notice["about"]}
    holding = {reader.place for reader in readers if reader.holds_doubts}
    reading = {reader.place for reader in readers}
    groups: defaultdict[tuple[str, str], list[Delivery]] = defaultdict(list)
    for row in rows:
        words = _words(row, is_held=row.place in holding, is_reading=row.place in reading)
        if words and (row.id, row.claims) not in told:
            groups[words, row.reason or "-"].append(row)
    for row in before:  # they are no news any more: nothing repeats them
        is_doubt = row.state is RowState.UNKNOWN and row.kind is not MessageKind.ALERT
        if is_doubt and (row.id, row.claims) not in told:
            groups[ru.ALERT_IN_DOUBT, row.reason or "-"].append(row)
    return [_grouped(words, reason, found) for (words, reason), found in groups.items()]


def _words(row: Delivery, *, is_held: bool, is_reading: bool) -> str | None:
    """Return the words of the alert that tells of `row`, if one has to."""
    if row.kind is MessageKind.ALERT:
        return None
    if is_final_doubt(row, holds_doubts=is_held):
        return ru.ALERT_HELD if is_held else ru.ALERT_IN_DOUBT
    if row.was_refused:
        return ru.ALERT_REFUSED if is_reading else ru.ALERT_ASLEEP
    is_accepted = row.state is RowState.SENT and row.message_id is None
    if is_accepted and row.kind is MessageKind.REPORT and row.chat != OUTBOX_CHAT:
        return ru.ALERT_NOT_EDITABLE
    return None


def _grouped(words: str, reason: str, rows: Sequence[Delivery]) -> Message:
    first = rows[0]
    chats = list(dict.fromkeys(str(row.place) for row in rows))
    named = ru.ONE_CHAT.format(chat=chats[0])
    if len(chats) > 1:
        shown = ", ".join(chats[:_MOST_NAMED]) + (", …" if len(chats) > _MOST_NAMED else "")
        named = f"{counted(len(chats), ru.CHAT_FORMS)} ({shown})"
    day = day_and_month(first.report_day)
    text = words.format(day=day, chats=named, kind=first.kind, reason=reason)
    can_repeat = words in (ru.ALERT_HELD, ru.ALERT_IN_DOUBT, ru.ALERT_REFUSED)
    return Message(
        html.escape(text[:_LONGEST_TEXT]),
        label=f"rows:{first.id}:{first.claims}",
        buttons=again_button(first.id, len(rows)) if can_repeat else (),
        about=tuple((row.id, row.claims) for row in rows),
    )


def again_button(delivery_id: int, count: int = 1) -> Keyboard:
    """Return the owner's button that sends again what its alert tells of."""
    words = ru.BUTTON_SEND_AGAIN if count == 1 else f"{ru.BUTTON_SEND_AGAIN} ({count})"
    return ((Button(words, f"{AGAIN}:{delivery_id}"),),)
