"""What the bot does about an update: decided and written inside one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state import invites, ledger, subscriptions
from sales_assets.bot import readings
from sales_assets.core.bot import access, texts
from sales_assets.core.bot.access import Admission, Asker, Standing
from sales_assets.core.bot.incoming import (
    Action,
    Command,
    Incoming,
    Migrated,
    Moved,
    Place,
    Press,
    Pressed,
    Said,
    parse_command,
    parse_day,
    parse_pressed,
)
from sales_assets.core.bot.outlook import Outlook, outlook
from sales_assets.core.bot.replies import Reply, ReplyKind
from sales_assets.core.delivery.rules import NO_THREAD, RowState, Timetable
from sales_assets.core.report.wording import full_date
from sales_assets.core.russian import bot as ru

#: Commands that in a group only those may give who rule it.
_DECIDING = frozenset({"start", "init", "stop"})


@dataclass(frozen=True)
class Context:
    """What was found out before the transaction: the clock, the storage, the service's word.

    `stored` is the stored report of the day that is asked for as it is known now.
    """

    now: datetime
    report_days: Collection[date] = ()
    stuck_days: Collection[date] = ()
    is_chat_admin: bool = True
    stored: readings.StoredNow | None = None


class Handlers:
    """The bot's behaviour, for one bot name and one set of settings."""

    def __init__(self, settings: Settings, bot_id: int, bot_name: str) -> None:
        self._admins = settings.telegram_admins
        self._zone = settings.report_zone
        self._delivery_time = settings.delivery_time
        self._timetable = Timetable(settings.report_zone, settings.delivery_time)
        self._bot_id = bot_id
        self._bot_name = bot_name

    # --- What must be known before ---

    def command(self, incoming: Incoming | None) -> Command | None:
        """Return the command that comes with the update, if it is one for this bot."""
        if not isinstance(incoming, Said):
            return None
        return parse_command(incoming.text, self._bot_name, is_group=incoming.place.is_group)

    def asks_who_rules(self, incoming: Incoming | None) -> tuple[int, int] | None:
        """Return the group and the user whose rights in it decide about the update, if any do."""
        command = self.command(incoming)
        if command is None or command.name not in _DECIDING or not isinstance(incoming, Said):
            return None
        is_open = incoming.user is not None and incoming.place.is_group
        return (incoming.place.chat, incoming.user or 0) if is_open else None

    def asks_for_today(self, incoming: Incoming | None) -> date | None:
        """Return the day whose stored report is asked for as it is now, if one is."""
        button = parse_pressed(incoming.data) if isinstance(incoming, Pressed) else None
        return button.day if button and button.action is Action.NOW else None

    # --- Updates ---

    def handle(self, session: Session, incoming: Incoming | None, facts: Context) -> list[Reply]:
        """Do what the update asks for; return what is owed for it."""
        match incoming:
            case Said():
                return self._said(session, incoming, facts)
            case Pressed():
                return _Pressing(self, session, incoming, facts).replies()
            case Moved():
                return self._moved(session, incoming, facts)
            case Migrated():
                ledger.migrate_chat(session, incoming.old, incoming.new, facts.now)
        return []

    def _said(self, session: Session, said: Said, facts: Context) -> list[Reply]:
        command = self.command(said)
        if command is None and said.place.is_group:
            return []  # what people say to each other, or to another bot
        is_owner = self.is_owner(said.user, said.place)
        # Nobody can say what somebody who writes in a channel's name may do in this group.
        is_channel = said.user is None and not said.is_from_chat_itself
        is_chat_admin = facts.is_chat_admin and not is_channel
        asker = Asker(said.place, is_owner=is_owner, is_chat_admin=is_chat_admin)
        return _Conversation(self, session, asker, said.user, facts).replies(command)

    def _moved(self, session: Session, moved: Moved, facts: Context) -> list[Reply]:
        place = moved.place
        if not moved.is_in:
            reason = access.REMOVED if place.is_group else access.BLOCKED
            subscriptions.put_to_sleep(session, place.chat, reason, facts.now)
            return []
        if moved.was_in or not place.is_group:
            return []
        theirs = subscriptions.of_chat(session, moved.user)
        is_owner = self.is_owner(moved.user, place)
        if access.may_add_to_groups(is_owner, theirs):
            return [_text(place, ru.BOT_ADDED.format(suffix=self.suffix(place)))]
        return [Reply(ReplyKind.LEAVE, place.chat)]

    # --- Shared ---

    def is_owner(self, user: int | None, place: Place) -> bool:
        """Whether an admin of the product acts: by name, or in a chat of theirs."""
        return user in self._admins or place.chat in self._admins

    @property
    def admins(self) -> Sequence[int]:
        """The chats of the product's admins."""
        return self._admins

    def suffix(self, place: Place) -> str:
        """Return what a command carries in this chat to reach the bot."""
        return f"@{self._bot_name}" if place.is_group else ""

    def when(self, now: datetime) -> str:
        """Say when the report comes."""
        return texts.every_day_at(
            self._delivery_time, self._zone, now.astimezone(self._zone).date()
        )

    def outlook(self, facts: Context) -> Outlook:
        """Return how things stand."""
        return outlook(self._timetable, facts.report_days, facts.now)

    def welcome(self, session: Session, place: Place, facts: Context) -> str:
        """Say that the place is subscribed, and which report comes first."""
        stands = self.outlook(facts)
        is_served = subscriptions.was_served(session, place, stands.finished)
        suffix = self.suffix(place)
        return texts.subscribed(self.when(facts.now), stands, is_served=is_served, suffix=suffix)


class _Conversation:
    """One command, or words that are none, of one asker."""

    def __init__(
        self,
        handlers: Handlers,
        session: Session,
        asker: Asker,
        user: int | None,
        facts: Context,
    ) -> None:
        self._handlers = handlers
        self._session = session
        self._asker = asker
        self._place = asker.place
        self._user = user
        self._facts = facts
        self._known = subscriptions.of_chat(session, asker.place.chat)
        self._standing = access.standing(self._known)
        self._suffix = handlers.suffix(asker.place)

    def replies(self, command: Command | None) -> list[Reply]:
        name, argument = (command.name, command.argument) if command else ("", "")
        match name:
            case "init":
                return self._init()
            case "start":
                return self._start(argument)
            case "stop":
                return self._stop()
        if not access.may_read(self._asker, self._known):
            return [self._text(self._closed_door())]
        return self._read(name, argument)

    def _read(self, name: str, argument: str) -> list[Reply]:
        match name:
            case "report":
                return self._report(argument)
            case "stuck":
                return self._stuck(argument)
            case "status":
                return [self._text(self._status())]
            case "help":
                return [self._text(self._help())]
        return [self._text(ru.BOT_UNKNOWN_COMMAND.format(suffix=self._suffix))]

    # --- Coming and going ---

    def _init(self) -> list[Reply]:
        handlers, facts = self._handlers, self._facts
        has_admins = bool(handlers.admins)
        match access.answer_to_init(self._asker, self._known, facts.now, has_admins=has_admins):
            case Admission.SUBSCRIBE:
                return self._subscribe()
            case Admission.ALREADY:
                when = handlers.when(facts.now)
                return [self._text(ru.BOT_ALREADY_SUBSCRIBED.format(when=when))]
            case Admission.ASK:
                return self._ask_the_admins()
            case Admission.WAIT:
                return [self._text(ru.BOT_STILL_WAITING)]
            case Admission.CHAT_ADMINS_ONLY:
                return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        return [self._text(ru.BOT_NEUTRAL)]

    def _subscribe(self) -> list[Reply]:
        now = self._facts.now
        subscriptions.activate(self._session, self._place, self._user, now)
        return [self._text(self._handlers.welcome(self._session, self._place, self._facts))]

    def _ask_the_admins(self) -> list[Reply]:
        waiting = subscriptions.request(self._session, self._place, self._user, self._facts.now)
        question, buttons = texts.request(waiting), texts.request_buttons(waiting.id)
        asked = [
            Reply(ReplyKind.TEXT, admin, html=question, buttons=buttons)
            for admin in self._handlers.admins
        ]
        return [self._text(ru.BOT_REQUESTED), *asked]

    def _start(self, secret: str) -> list[Reply]:
        if secret and self._standing is not Standing.READER:
            return self._enter(secret)
        if access.may_read(self._asker, self._known):
            return [self._text(f"{self._help()}\n\n{self._here()}")]
        if self._asker.is_owner:
            return [self._text(ru.BOT_GREETING.format(suffix=self._suffix))]
        return [self._text(self._closed_door())]

    def _enter(self, secret: str) -> list[Reply]:
        if not self._asker.may_decide_here:
            return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        if invites.redeem(self._session, secret, self._user, self._facts.now):
            return self._subscribe()
        return [self._text(ru.BOT_INVITE_INVALID)]

    def _stop(self) -> list[Reply]:
        if not self._asker.may_decide_here:
            return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        place, now = self._place, self._facts.now
        thread = place.thread or NO_THREAD
        if subscriptions.put_to_sleep(
            self._session, place.chat, access.STOPPED, now, thread=thread
        ):
            return [self._text(ru.BOT_STOPPED.format(suffix=self._suffix))]
        if self._standing in (Standing.READER, Standing.SLEEPING) or self._asker.is_owner:
            return [self._text(ru.BOT_NOT_SUBSCRIBED.format(suffix=self._suffix))]
        return [self._text(self._closed_door())]

    def _closed_door(self) -> str:
        match self._standing:
            case Standing.SLEEPING:
                return ru.BOT_ASLEEP.format(suffix=self._suffix)
            case Standing.WAITING:
                return ru.BOT_STILL_WAITING
        return ru.BOT_NEUTRAL

    # --- Reading ---

    def _report(self, typed: str) -> list[Reply]:
        newest = readings.newest_day(self._session, self._facts.report_days)
        day = parse_day(typed) if typed else newest
        if day is None:
            return [self._text(self._bad_day(ru.BOT_BAD_DAY, typed, newest))]
        stands = self._handlers.outlook(self._facts)
        if day > stands.finished:
            return [self._text(texts.not_over(day, stands))]
        found = readings.report_replies(self._session, self._place, day, self._facts.report_days)
        return found or [self._text(texts.no_report(day, newest, self._suffix))]

    def _stuck(self, typed: str) -> list[Reply]:
        newest = max(self._facts.stuck_days, default=None)
        day = parse_day(typed) if typed else newest
        if day is None:
            return [self._text(self._bad_day(ru.BOT_BAD_STUCK_DAY, typed, newest))]
        if day not in self._facts.stuck_days:
            return [self._text(ru.BOT_NO_LIST.format(day=full_date(day)))]
        return [readings.stuck_reply(self._place, day)]

    def _bad_day(self, words: str, typed: str, newest: date | None) -> str:
        if not typed:
            return ru.BOT_NO_REPORTS
        example = newest or self._handlers.outlook(self._facts).finished
        return texts.bad_day(words, typed, example, self._suffix)

    def _status(self) -> str:
        return texts.status(
            self._handlers.outlook(self._facts),
            is_subscribed=self._is_subscribed_here(),
            suffix=self._suffix,
        )

    def _help(self) -> str:
        return texts.help_text(self._handlers.when(self._facts.now))

    def _here(self) -> str:
        if self._is_subscribed_here():
            return ru.BOT_STATUS_SUBSCRIBED
        return ru.BOT_STATUS_NOT_SUBSCRIBED.format(suffix=self._suffix)

    def _is_subscribed_here(self) -> bool:
        thread = self._place.thread or NO_THREAD
        return any(one.is_active and one.thread == thread for one in self._known)

    def _text(self, html: str) -> Reply:
        return _text(self._place, html)


class _Pressing:
    """One pressed button; whatever happens, the press is answered."""

    def __init__(
        self, handlers: Handlers, session: Session, pressed: Pressed, facts: Context
    ) -> None:
        self._handlers = handlers
        self._session = session
        self._pressed = pressed
        self._facts = facts
        known = subscriptions.of_chat(session, pressed.place.chat)
        self._place = _with_thread(pressed.place, known)
        self._is_owner = handlers.is_owner(pressed.user, pressed.place)
        self._may_read = access.may_read(Asker(pressed.place, is_owner=self._is_owner), known)

    def replies(self) -> list[Reply]:
        button = parse_pressed(self._pressed.data)
        if button is None:
            return [self._answer(ru.BOT_OLD_BUTTON)]
        if button.action in (Action.AGAIN, Action.ALLOW, Action.REFUSE):
            return self._decide(button) if self._is_owner else [self._answer(ru.BOT_NO_ACCESS)]
        if not self._may_read or button.day is None:
            return [self._answer(ru.BOT_NO_ACCESS)]
        return self._read(button.action, button.day)

    def _read(self, action: Action, day: date) -> list[Reply]:
        facts = self._facts
        if action is Action.STUCK:
            if day not in facts.stuck_days:
                return [self._answer(ru.BOT_NO_LIST.format(day=full_date(day)))]
            return [self._answer(), readings.stuck_reply(self._place, day)]
        if action is Action.NOW:
            found = readings.now_replies(self._session, self._place, day, facts.stored)
        else:
            found = readings.report_replies(self._session, self._place, day, facts.report_days)
        no_report = ru.BOT_NO_REPORT.format(day=full_date(day))
        return [self._answer(), *found] if found else [self._answer(no_report)]

    def _decide(self, button: Press) -> list[Reply]:
        if button.action is Action.AGAIN:
            return [self._answer(self._send_again(button.number))]
        known = subscriptions.by_id(self._session, button.number)
        if known is None or not known.is_waiting:
            return [self._answer(ru.BOT_DECIDED_BEFORE)]
        is_allowed = button.action is Action.ALLOW
        place = Place(known.chat, known.thread, known.kind, known.title)
        told = self._allow(known, place) if is_allowed else self._refuse(known)
        decided = texts.decided(known, is_allowed=is_allowed)
        edit = Reply(ReplyKind.EDIT, self._place.chat, html=decided, message=self._pressed.message)
        return [self._answer(), edit, _text(place, told)]

    def _allow(self, known: access.Known, place: Place) -> str:
        subscriptions.allow(self._session, known.id, self._facts.now)
        return self._handlers.welcome(self._session, place, self._facts)

    def _refuse(self, known: access.Known) -> str:
        subscriptions.refuse(self._session, known.id, access.REFUSED, self._facts.now)
        return ru.BOT_REFUSED

    def _send_again(self, delivery_id: int) -> str:
        try:
            row = ledger.send_again(self._session, delivery_id, self._facts.now)
        except ledger.UnknownDeliveryError:
            return ru.BOT_OLD_BUTTON
        return ru.BOT_SENDS_AGAIN if row.state is RowState.PLANNED else ru.BOT_SENT_BEFORE

    def _answer(self, text: str = "") -> Reply:
        return Reply(
            ReplyKind.ANSWER,
            self._place.chat,
            html=text,
            query=self._pressed.query,
            is_alert=bool(text),
        )


def _with_thread(place: Place, known: Sequence[access.Known]) -> Place:
    """Return the place with a topic: where Telegram has forgotten it, the subscribed one."""
    if place.thread is not None:
        return place
    thread = next((one.thread for one in known if one.is_active), NO_THREAD)
    return Place(place.chat, thread, place.kind, place.title)


def _text(place: Place, html: str) -> Reply:
    return Reply(ReplyKind.TEXT, place.chat, place.thread or NO_THREAD, html=html)
