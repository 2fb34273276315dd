"""The messages themselves: the report's pieces, its buttons, corrections, notices and alerts."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sales_assets.core.delivery.rules import Delivery, Kind
from sales_assets.core.report.wording import counted, day_and_month, late_sentence, number
from sales_assets.core.russian import delivery as ru

CAPTION_LIMIT = 1024
TEXT_LIMIT = 4096
#: A reply names so many changed numbers at most; the edited report shows them all.
MOST_CHANGES = 3
#: What an edit leaves of a further message that the corrected report has no words for.
NOTHING_MORE = ru.NOTHING_MORE

Number = int | float | str | None


@dataclass(frozen=True)
class ReportToSend:
    """A finished report: `caption_html` is escaped HTML, its first line the verdict.

    `numbers` maps the headline numbers' names, as people read them, to their values; a correction
    tells their changes in this order. `content_sha256` stands for all that a chat sees.
    """

    day: date
    caption_html: str
    verdict: str
    numbers: Mapping[str, Number]
    content_sha256: str
    picture: bytes | None = field(repr=False, default=None)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notice:
    """A short text beside the reports; one a day, kind and chat goes out."""

    day: date
    kind: str
    text_html: str
    buttons: "Keyboard" = ()


@dataclass(frozen=True)
class Button:
    """A button under a message; `data` comes back to the bot when it is pressed."""

    text: str
    data: str


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True)
class Message:
    """One message for one chat; `picture` or `file_id` goes as photo, or as document.

    `edits_caption`: the words alone, for a message in the chat that keeps its picture.
    """

    day: date
    kind: str
    html: str
    picture: bytes | None = field(repr=False, default=None)
    file_id: str | None = None
    as_document: bool = False
    is_plain: bool = False
    is_silent: bool = False
    edits_caption: bool = False
    reply_to: int | None = None
    buttons: Keyboard = ()

    @property
    def media(self) -> str | None:
        """What the message carries beside its text: `photo`, `document` or nothing."""
        if self.picture is None and self.file_id is None:
            return None
        return "document" if self.as_document else "photo"


# --- Buttons, and the way back from what the bot receives -------------------------------------

STUCK, DAY, AGAIN = "stuck", "day", "again"


def report_buttons(day: date) -> Keyboard:
    """Return the keyboard under the report of `day`."""
    return (
        (Button(ru.BUTTON_STUCK, f"{STUCK}:{day}"),),
        (
            Button(ru.BUTTON_DAY_BEFORE, f"{DAY}:{day - timedelta(days=1)}"),
            Button(ru.BUTTON_WEEK_BEFORE, f"{DAY}:{day - timedelta(days=7)}"),
        ),
    )


def again_button(delivery_id: int) -> Keyboard:
    """Return the owner's button that sends a doubtful or refused message again."""
    return ((Button(ru.BUTTON_SEND_AGAIN, f"{AGAIN}:{delivery_id}"),),)


def parse_button(data: str) -> tuple[str, date | int] | None:
    """Return (`stuck` or `day`, a date) or (`again`, a delivery's id); None if it is not ours."""
    action, _, value = data.partition(":")
    try:
        if action == AGAIN:
            return action, int(value)
        return (action, date.fromisoformat(value)) if action in (STUCK, DAY) else None
    except ValueError:
        return None


# --- What is sent -----------------------------------------------------------------------------


def report_pieces(report: ReportToSend) -> tuple[str, ...]:
    """Return the report's text as the first message holds it, then what did not fit there.

    Without a picture the text goes alone, says so and has the room of a text message.
    """
    if report.picture is not None:
        return split_html(report.caption_html, CAPTION_LIMIT, TEXT_LIMIT)
    return split_html(text_alone(report.caption_html), TEXT_LIMIT, TEXT_LIMIT)


def report_kinds(report: ReportToSend) -> tuple[str, ...]:
    """Return the ledger's kinds of the messages that `report` needs, in order."""
    further = range(1, len(report_pieces(report)))
    return (Kind.REPORT, *(continuation_kind(number) for number in further))


def text_alone(caption_html: str) -> str:
    """Return the caption as a text message that says why no picture is with it."""
    return f"{caption_html}\n\n{html.escape(ru.PICTURE_MISSING)}"


def with_repeat_note(text_html: str, limit: int) -> str:
    """Return the text of a possible duplicate, saying so where there is room."""
    noted = f"{text_html}\n<i>{html.escape(ru.POSSIBLE_REPEAT)}</i>"
    return noted if width(plain_text(noted)) <= limit else text_html


def continuation_kind(number: int) -> str:
    """Return the ledger's kind for the `number`-th message after the first."""
    return f"{Kind.CONTINUATION}:{number}"


def edit_kind(number: int) -> str:
    """Return the ledger's kind for editing the report (0) or its `number`-th continuation."""
    return f"{Kind.EDIT}:{number}" if number else Kind.EDIT


def changes_text(
    day: date, before: Mapping[str, Number], after: Mapping[str, Number]
) -> str | None:
    """Return the reply that tells which headline numbers changed; None if none did.

    Numbers are compared as people read them: a change in the tenth decimal is none.
    """
    told = [
        ru.NUMBER_CHANGED.format(name=name, before=_shown(before.get(name)), after=_shown(value))
        for name, value in after.items()
        if _shown(before.get(name)) != _shown(value)
    ]
    if not told:
        return None
    changes = "; ".join(told[:MOST_CHANGES])
    return html.escape(ru.NUMBERS_CHANGED.format(day=day_and_month(day), changes=changes))


def late_notice(day: date) -> Notice:
    """Return the one sentence that the chiefs get where the report is not ready in time."""
    return Notice(day, Kind.LATE, html.escape(late_sentence(day)))


def admin_alert(day: date, topic: str, text: str, buttons: Keyboard = ()) -> Notice:
    """Return an alert to the analysts; the same `topic` alerts once a day.

    `text` is plain text: a technical cause, the run's address.
    """
    return Notice(day, f"{Kind.ALERT}:{topic}"[:64], html.escape(text), buttons)


def notice_to_json(notice: Notice) -> dict[str, Any]:
    """Return what the ledger keeps of a notice, so that any later run can send it."""
    buttons = [[[button.text, button.data] for button in row] for row in notice.buttons]
    return {"text_html": notice.text_html, "buttons": buttons}


def notice_from_json(day: date, kind: str, stored: Mapping[str, Any]) -> Notice:
    """Return the notice that `notice_to_json` stored."""
    buttons = tuple(tuple(Button(*button) for button in row) for row in stored["buttons"])
    return Notice(day, kind, stored["text_html"], buttons)


def doubt_alert(row: Delivery, *, holds_doubts: bool) -> Notice:
    """Return the question that only the owner can answer: send it again or not."""
    words = ru.ALERT_HELD if holds_doubts else ru.ALERT_IN_DOUBT
    # The claims make a second doubt after the owner's own repeat a new question.
    topic = f"doubt:{row.id}:{row.claims}"
    return admin_alert(row.report_day, topic, _about(words, row), again_button(row.id))


def refusal_alert(row: Delivery) -> Notice:
    """Return the news that a chat refused for good."""
    text = _about(ru.ALERT_REFUSED, row)
    return admin_alert(row.report_day, f"refused:{row.id}:{row.claims}", text, again_button(row.id))


def asleep_alert(row: Delivery) -> Notice:
    """Return the news that a chat is gone and its subscription sleeps."""
    return admin_alert(row.report_day, f"asleep:{row.chat}", _about(ru.ALERT_ASLEEP, row))


def missed_alert(newest: date, rows: Sequence[Delivery]) -> Notice:
    """Return the news that chats were left without the report of one earlier day, once for all."""
    example = max(rows, key=lambda row: row.attempts)
    text = ru.ALERT_MISSED.format(
        day=day_and_month(example.report_day),
        chats=counted(len(rows), ru.CHAT_FORMS),
        iso=example.report_day.isoformat(),
        reason=example.reason,
    )
    return admin_alert(newest, f"missed:{example.report_day}", text)


def markup_alert(day: date, reason: str) -> Notice:
    """Return the news of our own mistake in the markup; once a day, not once a chat."""
    text = ru.ALERT_MARKUP.format(day=day_and_month(day), reason=reason)
    return admin_alert(day, "markup", text)


def _about(words: str, row: Delivery) -> str:
    where = f"{row.chat}/{row.thread}" if row.thread else str(row.chat)
    return words.format(
        day=day_and_month(row.report_day), chat=where, kind=row.kind, reason=row.reason or "-"
    )


def _shown(value: Number) -> str:
    if value is None:
        return ru.NUMBER_ABSENT
    return value if isinstance(value, str) else number(value)


# --- HTML that fits ---------------------------------------------------------------------------

_ATOM = re.compile(r"<[^>]*>|&(?:#\w+|\w+);|\n|[^\S\n]+|[^<&\s]{1,64}|.", re.DOTALL)
_TAG_NAME = re.compile(r"</?([a-zA-Z-]+)")


def plain_text(text_html: str) -> str:
    """Return the text as a reader sees it: no tags, entities resolved."""
    return html.unescape(re.sub(r"<[^>]*>", "", text_html))


def width(text: str) -> int:
    """Return the length as Telegram's clients count it, in UTF-16 units: never too small."""
    return len(text.encode("utf-16-le")) // 2


def split_html(text_html: str, first_limit: int, limit: int) -> tuple[str, ...]:
    """Split into pieces that hold at most `first_limit`, then `limit` characters after parsing.

    The cut falls at the end of a line if one is there, else between words, and never inside a
    tag or an entity; a tag that is open at the cut is closed and opened again.
    """
    pieces: list[str] = []
    atoms = _ATOM.findall(text_html)
    while atoms:
        head, atoms = _cut(atoms, limit if pieces else first_limit)
        pieces.append("".join(head))
    return tuple(pieces) or ("",)


def _cut(atoms: list[str], limit: int) -> tuple[list[str], list[str]]:
    end = _fitting(atoms, limit)
    if end == len(atoms):
        return atoms, []
    at = _last_break(atoms, end) or end
    head, tail = atoms[:at], atoms[at:]
    opened = _open_tags(head)
    closing = [f"</{_tag_name(tag)}>" for tag in reversed(opened)]
    rest = tail[1:] if tail[0].isspace() else tail
    return head + closing, opened + rest if rest else []


def _fitting(atoms: list[str], limit: int) -> int:
    """Return how many of `atoms` fit, one at least that is not a tag: every cut gets further."""
    used = 0
    for index, atom in enumerate(atoms):
        size = 0 if _is_tag(atom) else width(html.unescape(atom))
        if used and used + size > limit:
            return index
        used += size
    return len(atoms)


def _last_break(atoms: list[str], end: int) -> int | None:
    # `end` itself may be the space after the last word that fits.
    candidates = range(end, 0, -1)
    for is_break in (lambda atom: atom == "\n", str.isspace):
        found = next(
            (at for at in candidates if is_break(atoms[at]) and _text_in(atoms[:at])), None
        )
        if found is not None:
            return found
    return None


def _text_in(atoms: list[str]) -> bool:
    return any(not _is_tag(atom) and not atom.isspace() for atom in atoms)


def _open_tags(atoms: list[str]) -> list[str]:
    opened: list[str] = []
    for atom in filter(_is_tag, atoms):
        if not atom.startswith("</"):
            opened.append(atom)
        elif opened:
            opened.pop()
    return opened


def _is_tag(atom: str) -> bool:
    return atom.startswith("<") and atom.endswith(">")


def _tag_name(tag: str) -> str:
    found = _TAG_NAME.match(tag)
    return found.group(1) if found else ""
