"""The messages themselves: the report, its buttons, corrections, and what a refused one becomes."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from sales_assets.core.delivery.rows import Outcome
from sales_assets.core.report.wording import day_and_month, number
from sales_assets.core.russian import delivery as ru
from sales_assets.core.windows import DAY, WEEK

#: What Telegram takes under a picture, and as words alone, once the tags are read.
CAPTION_LIMIT = 1024
TEXT_LIMIT = 4096
#: How many changed numbers a reply names; the edited report shows them all.
MOST_CHANGES = 3

Number = int | float | str | None


@dataclass(frozen=True)
class Button:
    """A button under a message; `data` comes back to the bot when it is pressed."""

    text: str
    data: str


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True)
class ReportToSend:
    """A finished report: `caption_html` is escaped HTML, its first line the verdict.

    `numbers` maps the headline numbers' names, as people read them, to their values; a correction
    tells their changes in this order. `content_sha256` stands for all that a chat sees. `is_new`:
    the verdict is told for the first time, and a phone may make a sound of it; `is_neutral`: the
    day is cut, and a banner stands in the verdict's place.
    """

    day: date
    caption_html: str
    verdict: str
    numbers: Mapping[str, Number]
    content_sha256: str
    picture: bytes | None = field(repr=False, default=None)
    notes: tuple[str, ...] = ()
    is_new: bool = True
    is_neutral: bool = False


@dataclass(frozen=True)
class Message:
    """One message for one chat; `file` or `file_id` goes as photo, or as document.

    `edits_caption`: the words alone, for a message in the chat that keeps its picture. `day` and
    `label` name it where it becomes a file. `about`: the rows that an alert tells of, each with
    the claims it had; no other alert tells of them.
    """

    html: str
    file: bytes | None = field(repr=False, default=None)
    file_name: str = "report.png"
    file_id: str | None = None
    as_document: bool = False
    is_plain: bool = False
    is_silent: bool = False
    edits_caption: bool = False
    reply_to: int | None = None
    buttons: Keyboard = ()
    day: date = date.min
    label: str = ""
    about: tuple[tuple[int, int], ...] = ()

    @property
    def media(self) -> str | None:
        """What the message carries beside its text: `photo`, `document` or nothing."""
        if self.file is None and self.file_id is None:
            return None
        return "document" if self.as_document else "photo"

    @property
    def is_picture(self) -> bool:
        """Whether the file is a picture, in whichever form it goes."""
        return self.file_name.endswith(".png")


def adapted(message: Message, outcome: Outcome) -> Message | None:
    """Return what to send in place of a refused message; None if nothing is left to try.

    A picture goes as a file, a file as the words alone; one that the service forgot is uploaded
    anew; markup that it cannot read goes as plain text. What is too large goes as a file at most.
    """
    is_photo_here = message.media == "photo" and message.file is not None
    document = replace(message, as_document=True, file_id=None) if is_photo_here else None
    match outcome:
        case Outcome.MARKUP if not message.is_plain:
            return replace(message, is_plain=True)
        case Outcome.FILE_ID_REFUSED if message.file_id and message.file is not None:
            return replace(message, file_id=None)
        case Outcome.TOO_LARGE:
            return document
        case Outcome.FILE_ID_REFUSED | Outcome.PICTURE_REFUSED | Outcome.PICTURE_FORBIDDEN:
            missing = ru.PICTURE_MISSING if message.is_picture else ru.FILE_MISSING
            words = text_alone(message.html, missing)
            alone = replace(message, html=words, file=None, file_id=None)
            return (document or alone) if message.media else None
    return None


# --- Buttons ----------------------------------------------------------------------------------

STUCK, DAY_REPORT, AGAIN, LET_IN = "stuck", "day", "again", "let_in"
EXPIRING, RECEIPT = "expiring", "receipt"


def report_buttons(day: date) -> Keyboard:
    """Return the keyboard under the report of `day`."""
    expiring = Button(ru.BUTTON_EXPIRING, f"{EXPIRING}:{day}")
    stuck = Button(ru.BUTTON_STUCK, f"{STUCK}:{day}")
    receipt = Button(ru.BUTTON_RECEIPT, f"{RECEIPT}:{day}")
    before = Button(ru.BUTTON_DAY_BEFORE, f"{DAY_REPORT}:{day - DAY}")
    week_before = Button(ru.BUTTON_WEEK_BEFORE, f"{DAY_REPORT}:{day - WEEK}")
    return (expiring, stuck), (receipt,), (before, week_before)


# --- Words ------------------------------------------------------------------------------------


def text_alone(caption_html: str, missing: str = ru.PICTURE_MISSING) -> str:
    """Return the caption as a text message that says why no file is with it."""
    return f"{caption_html}\n\n{html.escape(missing)}"


def with_repeat_note(text_html: str, limit: int) -> str:
    """Return the text of a possible duplicate, saying so where there is room."""
    noted = f"{text_html}\n<i>{html.escape(ru.POSSIBLE_REPEAT)}</i>"
    return noted if width(plain_text(noted)) <= limit else text_html


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
    changes = "; ".join(told[:MOST_CHANGES])
    said = ru.NUMBERS_CHANGED.format(day=day_and_month(day), changes=changes)
    return html.escape(said) if told else None


def first_verdict_text(report: ReportToSend, changes: str | None) -> str:
    """Return the reply with the verdict that takes the neutral banner's place."""
    told = ru.REPORT_COMPLETED.format(day=day_and_month(report.day))
    return f"<b>{html.escape(report.verdict)}</b>\n{changes or html.escape(told)}"


def _shown(value: Number) -> str:
    if value is None:
        return ru.NUMBER_ABSENT
    return value if isinstance(value, str) else number(value)


def plain_text(text_html: str) -> str:
    """Return the text as a reader sees it: no tags, entities resolved."""
    return html.unescape(re.sub(r"<[^>]*>", "", text_html))


def width(text: str) -> int:
    """Return the length as Telegram's clients count it, in UTF-16 units: never too small."""
    return len(text.encode("utf-16-le")) // 2


def fits_caption(text_html: str) -> bool:
    """Whether the text may stand under a picture."""
    return width(plain_text(text_html)) <= CAPTION_LIMIT
