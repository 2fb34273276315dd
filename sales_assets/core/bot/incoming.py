"""What comes in to the bot: commands, pressed buttons, its comings and goings."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sales_assets.core.delivery.messages import AGAIN, parse_button
from sales_assets.core.delivery.rules import NO_THREAD

PRIVATE = "private"
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)
_DAY_FORMATS = ("%Y-%m-%d", "%d.%m.%Y")


@dataclass(frozen=True)
class Place:
    """A chat, or one topic of it, in which something happened; `title` is for people.

    A thread of None is not known: the message is too old for Telegram to say.
    """

    chat: int
    thread: int | None = NO_THREAD
    kind: str = PRIVATE
    title: str | None = None

    @property
    def is_group(self) -> bool:
        """Whether more than one person reads here."""
        return self.kind != PRIVATE


@dataclass(frozen=True)
class Said:
    """A text.

    `user` is None where somebody writes in the name of a chat: a group's admin in that of the
    group, which `is_from_chat_itself` tells, or anybody in that of a channel.
    """

    place: Place
    user: int | None
    text: str
    is_from_chat_itself: bool = False


@dataclass(frozen=True)
class Pressed:
    """A pressed button of a message of ours."""

    place: Place
    user: int
    query: str
    data: str
    message: int


@dataclass(frozen=True)
class Moved:
    """The bot came into a chat or left it, by the hand of `user`."""

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
    """Return the command, or None if it is none or not for this bot.

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
    for form in _DAY_FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


class Action(StrEnum):
    """What a button asks for."""

    STUCK = "stuck"
    DAY = "day"
    NOW = "now"
    AGAIN = "again"
    ALLOW = "allow"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Press:
    """A button's meaning: an action, and the day or the row's id it is about."""

    action: Action
    day: date | None = None
    number: int = 0


def button_data(action: Action, value: date | int) -> str:
    """Return what the button carries."""
    return f"{action}:{value}"


def parse_pressed(data: str) -> Press | None:
    """Return what a button asks for; None if it is none of ours."""
    known = parse_button(data)
    if known is not None:
        action, value = known
        if action == AGAIN:
            return Press(Action.AGAIN, number=int(str(value)))
        return Press(Action(action), day=date.fromisoformat(str(value)))
    return _own_button(data)


def _own_button(data: str) -> Press | None:
    action, _, value = data.partition(":")
    try:
        if action == Action.NOW:
            return Press(Action.NOW, day=date.fromisoformat(value))
        if action in (Action.ALLOW, Action.REFUSE):
            return Press(Action(action), number=int(value))
    except ValueError:
        pass
    return None
