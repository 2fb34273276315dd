"""What comes in to the bot: commands, pressed buttons, its comings and goings."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sales_assets.core.delivery import messages
from sales_assets.core.delivery.rows import Place

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Said:
    """A text.

    `user` is None where somebody writes in the name of a chat: an admin as the group itself,
    which `is_from_chat_itself` tells, or anybody as a channel.
    """

    place: Place
    user: int | None
    text: str
    is_from_chat_itself: bool = False


@dataclass(frozen=True)
class Pressed:
    """A pressed button of a message of ours.

    `knows_topic` is False where the message is too old for Telegram to say in which it stands.
    """

    place: Place
    user: int
    query: str
    data: str
    message: int
    knows_topic: bool = True


@dataclass(frozen=True)
class Moved:
    """The bot came into a chat or left it, because of `user`."""

    place: Place
    user: int
    was_in: bool
    is_in: bool


@dataclass(frozen=True)
class Migrated:
    """A group became a supergroup, with another id."""

    old: int
    new: int


Incoming = Said | Pressed | Moved | Migrated


@dataclass(frozen=True)
class Command:
    """A command for this bot; `name` in lower case, `argument` without spaces around it."""

    name: str
    argument: str = ""


def parse_command(text: str, bot_name: str, *, is_group: bool) -> Command | None:
    """Return the command; None if the text is none, or one for another bot.

    In a group only `/command@thisbot` is for it: other bots read the bare ones, too.
    """
    found = _COMMAND.fullmatch(text.strip())
    if found is None:
        return None
    name, addressee, argument = found.groups()
    is_named = addressee is not None and addressee.lower() == bot_name.lower()
    if not is_named and (is_group or addressee is not None):
        return None
    return Command(name.lower(), (argument or "").strip())


def parse_day(text: str) -> date | None:
    """Return the day written as 2026-02-12 or 12.02.2026; None if it is no day."""
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def one_line(name: str) -> str:
    """Return a stranger's name without line breaks, direction marks and the like."""
    kept = (" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in name)
    return " ".join("".join(kept).split())


class Action(StrEnum):
    """What a button asks for."""

    EXPIRING = messages.EXPIRING
    STUCK = messages.STUCK
    RECEIPT = messages.RECEIPT
    DAY = messages.DAY_REPORT
    NOW = "now"
    AGAIN = messages.AGAIN
    ALLOW = "allow"
    REFUSE = "refuse"
    LET_IN = messages.LET_IN
    SOUND = "sound"
    DOUBTS = "doubts"
    LISTS = "lists"


#: What shows lists of clients.
OF_CLIENTS = frozenset({Action.EXPIRING, Action.STUCK, Action.RECEIPT})
_OF_DAY = OF_CLIENTS | {Action.DAY, Action.NOW}
#: What only a product's admin may press.
OF_OWNER = frozenset({Action.AGAIN, Action.ALLOW, Action.REFUSE, Action.LET_IN})
#: Settings of the chat, for its administrators only, and their values.
SETTINGS = {
    Action.SOUND: ("always", "news", "never"),
    Action.DOUBTS: ("repeat", "hold"),
    Action.LISTS: ("on", "off"),
}
_LISTED = "/list"


@dataclass(frozen=True)
class Press:
    """A button's meaning: an action, and the day, the row's id or the word it is about.

    `is_listed`: it stands in a list of several requests; the list stays.
    """

    action: Action
    day: date | None = None
    number: int = 0
    word: str = ""
    is_listed: bool = False


def button_data(action: Action, value: date | int | str, *, is_listed: bool = False) -> str:
    """Return what the button carries."""
    return f"{action}:{value}{_LISTED if is_listed else ''}"


def parse_pressed(data: str) -> Press | None:
    """Return what a button asks for; None if it is none of ours."""
    name, _, value = data.partition(":")
    try:
        action = Action(name)
        if action in _OF_DAY:
            return Press(action, day=date.fromisoformat(value))
        if action in OF_OWNER:
            number = int(value.removesuffix(_LISTED))
            return Press(action, number=number, is_listed=value.endswith(_LISTED))
    except ValueError:
        return None
    return Press(action, word=value) if value in SETTINGS[action] else None
