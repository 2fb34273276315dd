"""What the bot does about an update: decided and written inside one transaction."""

import html
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from sales_assets.adapters.files.reports import StoredReport
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state import invites, ledger, subscriptions
from sales_assets.bot import readings
from sales_assets.core.bot import access, texts
from sales_assets.core.bot.access import Admission, Asker, Standing
from sales_assets.core.bot.incoming import (
    OF_CLIENTS,
    OF_OWNER,
    SETTINGS,
    Action,
    Command,
    Incoming,
    Migrated,
    Moved,
    Press,
    Pressed,
    Said,
    parse_command,
    parse_day,
    parse_pressed,
)
from sales_assets.core.bot.replies import Reply, ReplyKind
from sales_assets.core.delivery.alerts import barred_alert
from sales_assets.core.delivery.messages import Keyboard
from sales_assets.core.delivery.rows import Place, RowState
from sales_assets.core.delivery.timetable import Outlook, Timetable, outlook
from sales_assets.core.judgement import Completeness
from sales_assets.core.report.wording import full_date
from sales_assets.core.russian import bot as ru

#: Commands for a group's administrators.
_DECIDING = frozenset({"start", "init", "stop", "settings"})


@dataclass(frozen=True)
class Context:
    """What was found out before the transaction: the clock, the storage, the service's word.

    `stored` is the stored report of the day that is asked for as it is known now, or of the
    newest one where its state is asked for; `found` says what the source lacks of the day that is
    over, where its report waits for it.
    """

    now: datetime
    report_days: Collection[date] = ()
    stuck_days: Collection[date] = ()
    expiring_days: Collection[date] = ()
    is_chat_admin: bool = True
    stored: StoredReport | None = None
    found: Completeness | None = None


class Handlers:
    """The bot's behaviour, for one bot name and one set of settings."""

    def __init__(self, settings: Settings, bot_id: int, bot_name: str) -> None:
        #: The chats of the product's admins.
        self.admins = settings.telegram_admins
        self._zone = settings.report_zone
        self._delivery_time = settings.delivery_time
        self._timetable = Timetable(settings.report_zone, settings.delivery_time)
        self._bot_id = bot_id
        self._bot_name = bot_name
        #: How often each chat that may not read was answered, on which day.
        self._answered: tuple[date, Counter[int]] = (date.min, Counter())

    # --- What must be known before ---

    def command(self, incoming: Incoming | None) -> Command | None:
        """Return the command that comes with the update, if it is one for this bot."""
        if not isinstance(incoming, Said):
            return None
        return parse_command(incoming.text, self._bot_name, is_group=incoming.place.is_group)

    def whose_rights_decide(self, incoming: Incoming | None) -> tuple[int, int] | None:
        """Return the group, and the user whose rights in it decide about the update, if any."""
        if not isinstance(incoming, Said | Pressed) or incoming.user is None:
            return None
        if isinstance(incoming, Pressed):
            press = parse_pressed(incoming.data)
            decides = press is not None and press.action in SETTINGS
        else:
            command = self.command(incoming)
            decides = command is not None and command.name in _DECIDING
        return (incoming.place.chat, incoming.user) if decides and incoming.place.is_group else None

    def asks_for_today(self, incoming: Incoming | None) -> date | None:
        """Return the day whose stored report is asked for as it is now, if one is."""
        button = parse_pressed(incoming.data) if isinstance(incoming, Pressed) else None
        return button.day if button and button.action is Action.NOW else None

    def asks_for_status(self, incoming: Incoming | None) -> bool:
        """Tell whether the update is /status."""
        command = self.command(incoming)
        return command is not None and command.name == "status"

    # --- Updates ---

    def handle(self, session: Session, incoming: Incoming | None, context: Context) -> list[Reply]:
        """Do what the update asks for; return the replies that are owed."""
        match incoming:
            case Said():
                return self._said(session, incoming, context)
            case Pressed():
                return _Pressing(self, session, incoming, context).replies()
            case Moved():
                return self._moved(session, incoming, context)
            case Migrated():
                return self._migrated(session, incoming, context)
        return []

    def _migrated(self, session: Session, migrated: Migrated, context: Context) -> list[Reply]:
        barred = ledger.migrate_chat(session, migrated.old, migrated.new, context.now)
        alerts = [barred_alert(migrated.old, one.place, one.id) for one in barred]
        return [
            Reply(ReplyKind.TEXT, admin, html=alert.html, buttons=alert.buttons)
            for alert in alerts
            for admin in self.admins
        ]

    def _said(self, session: Session, said: Said, context: Context) -> list[Reply]:
        command = self.command(said)
        if command is None and said.place.is_group:
            return []  # what people say to each other, or to another bot
        is_owner = self.is_owner(said.user, said.place)
        # Who writes in a channel's name may be anybody in this group.
        is_channel = said.user is None and not said.is_from_chat_itself
        is_chat_admin = context.is_chat_admin and not is_channel
        asker = Asker(said.place, is_owner=is_owner, is_chat_admin=is_chat_admin)
        replies = _Conversation(self, session, asker, said.user, context).replies(command)
        if access.may_read(asker, subscriptions.of_chat(session, said.place.chat)):
            return replies
        return self._bounded(replies, said.place.chat, context.now)

    def _bounded(self, replies: list[Reply], chat: int, now: datetime) -> list[Reply]:
        """Drop the answers to a chat that may not read once it has had its share for today."""
        today = now.astimezone(self._zone).date()
        if self._answered[0] != today:
            self._answered = (today, Counter())
        counts = self._answered[1]
        counts[chat] += 1
        if counts[chat] <= access.MOST_ANSWERS_TO_STRANGER:
            return replies
        return [reply for reply in replies if reply.chat != chat]

    def _moved(self, session: Session, moved: Moved, context: Context) -> list[Reply]:
        place = moved.place
        if not moved.is_in:
            reason = access.REMOVED if place.is_group else access.BLOCKED
            subscriptions.put_to_sleep(session, place.chat, reason, context.now)
            return []
        if moved.was_in or not place.is_group:
            return []
        theirs = subscriptions.of_chat(session, moved.user)
        is_owner = self.is_owner(moved.user, place)
        if not access.may_add_to_groups(is_owner, theirs):
            return [Reply(ReplyKind.LEAVE, place.chat)]
        if place.kind != "channel":
            return [_text(place, ru.BOT_ADDED.format(suffix=self.suffix(place)))]
        # Instructions are no use to the readers of a channel.
        title = html.escape(place.title or ru.BOT_REQUEST_UNTITLED)
        told = ru.BOT_ADDED_CHANNEL.format(title=title, name=self._bot_name)
        return [Reply(ReplyKind.TEXT, moved.user, html=told)]

    # --- Shared ---

    def is_owner(self, user: int | None, place: Place) -> bool:
        """Whether an admin of the product acts: by name, or in a chat of theirs."""
        return user in self.admins or place.chat in self.admins

    def suffix(self, place: Place) -> str:
        """Return what a command carries in this chat to reach the bot."""
        return f"@{self._bot_name}" if place.is_group else ""

    def when(self, now: datetime) -> str:
        """Say when the report comes."""
        return texts.every_day_at(
            self._delivery_time, self._zone, now.astimezone(self._zone).date()
        )

    def newest_day(self, now: datetime) -> date:
        """Return the last day that is over."""
        return self._timetable.newest_finished_day(now)

    def outlook(self, context: Context) -> Outlook:
        """Return how things stand."""
        return outlook(self._timetable, context.report_days, context.now)

    def welcome(self, session: Session, place: Place, context: Context) -> str:
        """Say that the place is subscribed, and which report comes first."""
        stands = self.outlook(context)
        is_served = subscriptions.was_served(session, place, stands.finished)
        suffix = self.suffix(place)
        return texts.subscribed(self.when(context.now), stands, is_served=is_served, suffix=suffix)


class _Conversation:
    """What one asker wrote: a command, or other words."""

    def __init__(
        self,
        handlers: Handlers,
        session: Session,
        asker: Asker,
        user: int | None,
        context: Context,
    ) -> None:
        self._handlers = handlers
        self._session = session
        self._asker = asker
        self._place = asker.place
        self._user = user
        self._context = context
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
            case "settings" if self._standing is Standing.READER:
                return self._settings()
        if not access.may_read(self._asker, self._known):
            return [self._text(self._closed_door())]
        return self._read(name, argument)

    def _read(self, name: str, argument: str) -> list[Reply]:
        match name:
            case "report":
                return self._report(argument)
            case "stuck":
                return self._stuck(argument)
            case "client":
                return self._client(argument)
            case "status":
                return [self._text(self._status())]
            case "help":
                return [self._text(self._help())]
        return [self._text(ru.BOT_UNKNOWN_COMMAND.format(suffix=self._suffix))]

    # --- Coming and going ---

    def _init(self) -> list[Reply]:
        handlers, context = self._handlers, self._context
        has_admins = bool(handlers.admins)
        match access.answer_to_init(self._asker, self._known, context.now, has_admins=has_admins):
            case Admission.SUBSCRIBE:
                return self._subscribe()
            case Admission.ALREADY:
                when = handlers.when(context.now)
                return [self._text(ru.BOT_ALREADY_SUBSCRIBED.format(when=when))]
            case Admission.ASK:
                return self._ask_the_admins()
            case Admission.WAIT:
                return [self._text(ru.BOT_STILL_WAITING)]
            case Admission.CHAT_ADMINS_ONLY:
                return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        return [self._text(ru.BOT_NEUTRAL)]

    def _subscribe(self) -> list[Reply]:
        now = self._context.now
        subscriptions.activate(self._session, self._place, self._user, now)
        return [self._text(self._handlers.welcome(self._session, self._place, self._context))]

    def _ask_the_admins(self) -> list[Reply]:
        session, now = self._session, self._context.now
        asking = subscriptions.request(session, self._place, self._user, now)
        requests = subscriptions.requests_since(session, now - timedelta(days=1))
        if not access.is_told_now(requests):
            return [self._text(ru.BOT_REQUESTED)]
        question, buttons = texts.request(asking), texts.request_buttons(asking.id)
        if requests > access.MOST_QUESTIONS:
            waiting = subscriptions.waiting(session)
            question, buttons = texts.requests(waiting), texts.requests_buttons(waiting)
        asked = [
            Reply(ReplyKind.TEXT, admin, html=question, buttons=buttons)
            for admin in self._handlers.admins
        ]
        return [self._text(ru.BOT_REQUESTED), *asked]

    def _start(self, secret: str) -> list[Reply]:
        if secret and self._standing is not Standing.READER:
            return self._enter(secret)
        if access.may_read(self._asker, self._known):
            here = ru.BOT_STATUS_NOT_SUBSCRIBED.format(suffix=self._suffix)
            if self._is_subscribed_here():
                here = ru.BOT_STATUS_SUBSCRIBED
            return [self._text(f"{self._help()}\n\n{here}")]
        if self._asker.is_owner:
            return [self._text(ru.BOT_GREETING.format(suffix=self._suffix))]
        return [self._text(self._closed_door())]

    def _enter(self, secret: str) -> list[Reply]:
        if not self._asker.may_decide_here:
            return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        if invites.redeem(self._session, secret, self._user, self._context.now):
            return self._subscribe()
        return [self._text(ru.BOT_INVITE_INVALID)]

    def _stop(self) -> list[Reply]:
        if not self._asker.may_decide_here:
            return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        place, now = self._place, self._context.now
        if subscriptions.put_to_sleep(
            self._session, place.chat, access.STOPPED, now, thread=place.thread
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

    def _settings(self) -> list[Reply]:
        if not self._asker.may_decide_here:
            return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        here = _subscribed_in(self._known, self._place)
        if here is None:
            return [self._text(ru.BOT_NOT_SUBSCRIBED.format(suffix=self._suffix))]
        text, buttons = texts.settings(here), texts.settings_buttons(here)
        place = self._place
        return [Reply(ReplyKind.TEXT, place.chat, place.thread, html=text, buttons=buttons)]

    # --- Reading ---

    def _report(self, typed: str) -> list[Reply]:
        newest = readings.newest_day(self._session, self._context.report_days)
        day = parse_day(typed) if typed else newest
        if day is None:
            return [self._text(self._bad_day(ru.BOT_BAD_DAY, typed, newest))]
        stands = self._handlers.outlook(self._context)
        if day > stands.finished:
            return [self._text(texts.not_over(day, stands))]
        found = readings.report_replies(self._session, self._place, day, self._context.report_days)
        return found or [self._text(texts.no_report(day, newest, self._suffix))]

    def _stuck(self, typed: str) -> list[Reply]:
        if not access.may_see_clients(self._place, self._known):
            return [self._text(ru.BOT_LISTS_OFF.format(suffix=self._suffix))]
        newest = max(self._context.stuck_days, default=None)
        day = parse_day(typed) if typed else newest
        if day is None:
            return [self._text(self._bad_day(ru.BOT_BAD_STUCK_DAY, typed, newest))]
        if day not in self._context.stuck_days:
            return [self._text(ru.BOT_NO_LIST.format(day=full_date(day)))]
        return [Reply(ReplyKind.STUCK, self._place.chat, self._place.thread, day=day)]

    def _client(self, typed: str) -> list[Reply]:
        if not access.may_see_clients(self._place, self._known):
            return [self._text(ru.BOT_LISTS_OFF.format(suffix=self._suffix))]
        if not typed:
            return [self._text(ru.BOT_NO_CLIENT_ID.format(suffix=self._suffix))]
        return [Reply(ReplyKind.CLIENT, self._place.chat, self._place.thread, client=typed)]

    def _bad_day(self, words: str, typed: str, newest: date | None) -> str:
        if not typed:
            return ru.BOT_NO_REPORTS
        example = newest or self._handlers.outlook(self._context).finished
        return texts.bad_day(words, typed, example, self._suffix)

    def _status(self) -> str:
        return texts.status(
            self._handlers.outlook(self._context),
            self._context.stored.content if self._context.stored else None,
            self._context.found,
            is_subscribed=self._is_subscribed_here(),
            suffix=self._suffix,
        )

    def _help(self) -> str:
        return texts.help_text(self._handlers.when(self._context.now))

    def _is_subscribed_here(self) -> bool:
        return _subscribed_in(self._known, self._place) is not None

    def _text(self, html: str) -> Reply:
        return _text(self._place, html)


class _Pressing:
    """One pressed button; whatever happens, the press is answered."""

    def __init__(
        self, handlers: Handlers, session: Session, pressed: Pressed, context: Context
    ) -> None:
        self._handlers = handlers
        self._session = session
        self._pressed = pressed
        self._context = context
        known = subscriptions.of_chat(session, pressed.place.chat)
        self._known = known
        self._place = _with_thread(pressed, known)
        self._is_owner = handlers.is_owner(pressed.user, pressed.place)
        self._may_read = access.may_read(Asker(pressed.place, is_owner=self._is_owner), known)

    def replies(self) -> list[Reply]:
        button = parse_pressed(self._pressed.data)
        if button is None:
            return [self._answer(ru.BOT_OLD_BUTTON)]
        if button.action in OF_OWNER:
            return self._decide(button) if self._is_owner else [self._answer(ru.BOT_NO_ACCESS)]
        if not self._may_read:
            return [self._answer(ru.BOT_NO_ACCESS)]
        if button.day is not None:
            return self._read(button.action, button.day)
        return self._set(button)

    def _set(self, button: Press) -> list[Reply]:
        """Change what the chat has set for itself, and show how it stands now."""
        place, session = self._place, self._session
        asker = Asker(place, is_owner=self._is_owner, is_chat_admin=self._context.is_chat_admin)
        if not asker.may_decide_here:
            return [self._answer(ru.BOT_CHAT_ADMINS_ONLY)]
        name = {
            Action.SOUND: {"sound": button.word},
            Action.DOUBTS: {"doubt_policy": button.word},
            Action.LISTS: {"shows_clients": button.word == "on"},
        }[button.action]
        subscriptions.change(session, place, self._context.now, **name)
        here = _subscribed_in(subscriptions.of_chat(session, place.chat), place)
        if here is None:
            return [self._answer(ru.BOT_OLD_BUTTON)]
        text, buttons = texts.settings(here), texts.settings_buttons(here)
        return [self._answer(), self._edit(text, buttons)]

    def _read(self, action: Action, day: date) -> list[Reply]:
        context = self._context
        if action in OF_CLIENTS:
            return self._list(action, day)
        if action is Action.NOW:
            found = readings.now_replies(self._session, self._place, day, context.stored)
        else:
            found = readings.report_replies(self._session, self._place, day, context.report_days)
        no_report = ru.BOT_NO_REPORT.format(day=full_date(day))
        return [self._answer(), *found] if found else [self._answer(no_report)]

    def _list(self, action: Action, day: date) -> list[Reply]:
        """Show clients: in a group only where its administrators want that."""
        if not access.may_see_clients(self._place, self._known):
            suffix = self._handlers.suffix(self._place)
            return [self._answer(ru.BOT_LISTS_OFF.format(suffix=suffix))]
        context, place = self._context, self._place
        kind, listed = {
            Action.EXPIRING: (ReplyKind.EXPIRING, context.expiring_days),
            Action.STUCK: (ReplyKind.STUCK, context.stuck_days),
            Action.RECEIPT: (ReplyKind.RECEIPT, context.report_days),
        }[action]
        if day not in listed:
            return [self._answer(ru.BOT_NO_LIST.format(day=full_date(day)))]
        # The next deadlines are those from the press on.
        asked_at = context.now.isoformat() if kind is ReplyKind.EXPIRING else ""
        return [self._answer(), Reply(kind, place.chat, place.thread, day=day, asked_at=asked_at)]

    def _decide(self, button: Press) -> list[Reply]:
        if button.action is Action.AGAIN:
            return [self._answer(self._send_again(button.number))]
        known = subscriptions.by_id(self._session, button.number)
        undecided = Standing.BARRED if button.action is Action.LET_IN else Standing.WAITING
        if known is None or known.standing is not undecided:
            return [self._answer(ru.BOT_DECIDED_BEFORE)]
        is_allowed = button.action is not Action.REFUSE
        if is_allowed:
            told = self._allow(known)
        else:
            subscriptions.refuse(self._session, known.id, access.REFUSED, self._context.now)
            told = ru.BOT_REFUSED
        decided, buttons = texts.decided(known, is_allowed=is_allowed), ()
        if button.is_listed:
            waiting = subscriptions.waiting(self._session)
            decided = f"{decided}\n\n{texts.requests(waiting)}"
            buttons = texts.requests_buttons(waiting)
        return [self._answer(), self._edit(decided, buttons), _text(known.place, told)]

    def _edit(self, html: str, buttons: Keyboard = ()) -> Reply:
        """Replace the words and buttons of the message whose button was pressed."""
        place, message = self._place, self._pressed.message
        return Reply(ReplyKind.EDIT, place.chat, html=html, buttons=buttons, message=message)

    def _allow(self, known: access.Known) -> str:
        session, now = self._session, self._context.now
        if known.standing is Standing.BARRED:
            subscriptions.let_in(session, known.id, now)
        else:
            subscriptions.allow(session, known.id, now)
        return self._handlers.welcome(session, known.place, self._context)

    def _send_again(self, delivery_id: int) -> str:
        try:
            row = ledger.send_again(self._session, delivery_id, self._context.now)
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


def _with_thread(pressed: Pressed, known: Sequence[access.Known]) -> Place:
    """Return the place with a topic: where Telegram has forgotten it, the subscribed one."""
    if pressed.knows_topic:
        return pressed.place
    thread = next((one.place.thread for one in known if one.is_active), pressed.place.thread)
    return replace(pressed.place, thread=thread)


def _subscribed_in(known: Sequence[access.Known], place: Place) -> access.Known | None:
    return next((one for one in known if one.is_active and one.place == place), None)


def _text(place: Place, html: str) -> Reply:
    return Reply(ReplyKind.TEXT, place.chat, place.thread, html=html)
