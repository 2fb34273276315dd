"""What the bot does about an update: decided and written inside one transaction."""

import html
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from sales_assets.adapters.files.reports import StoredReport
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state import ledger, subscriptions
from sales_assets.adapters.state.database import SentContent
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
from sales_assets.core.bot.outlook import Outlook, outlook
from sales_assets.core.bot.replies import Reply, ReplyKind
from sales_assets.core.delivery.alerts import barred_alert
from sales_assets.core.delivery.messages import Keyboard, fits_caption
from sales_assets.core.delivery.rows import MessageKind, Place, RowState
from sales_assets.core.delivery.timetable import Timetable
from sales_assets.core.judgement import Completeness
from sales_assets.core.report.report import headline_numbers
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

    def __init__(self, settings: Settings, bot_name: str) -> None:
        #: The chats of the product's admins.
        self.admins = settings.telegram_admins
        self.timetable = Timetable(settings.report_zone, settings.delivery_time)
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
                barred = ledger.migrate_chat(session, incoming.old, incoming.new, context.now)
                alerts = [barred_alert(incoming.old, one.place, one.id) for one in barred]
                return [reply for one in alerts for reply in self.to_admins(one.html, one.buttons)]
        return []

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
        today = now.astimezone(self.timetable.zone).date()
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
        if not is_owner and access.standing(theirs) is not Standing.READER:
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

    def to_admins(self, html: str, buttons: Keyboard) -> list[Reply]:
        """Return a text for every admin of the product."""
        return [Reply(ReplyKind.TEXT, admin, html=html, buttons=buttons) for admin in self.admins]

    def suffix(self, place: Place) -> str:
        """Return what a command carries in this chat to reach the bot."""
        return f"@{self._bot_name}" if place.is_group else ""

    def when(self, now: datetime) -> str:
        """Say when the report comes."""
        table = self.timetable
        today = now.astimezone(table.zone).date()
        return texts.every_day_at(table.delivery_time, table.zone, today)

    def outlook(self, context: Context) -> Outlook:
        """Return how things stand."""
        return outlook(self.timetable, context.report_days, context.now)

    def welcome(self, session: Session, place: Place, context: Context) -> str:
        """Say that the place is subscribed, and which report comes first."""
        stands = self.outlook(context)
        row = ledger.row_of(session, stands.finished, MessageKind.REPORT, place)
        is_served = row is not None and row.state is not RowState.PLANNED
        suffix = self.suffix(place)
        return texts.subscribed(self.when(context.now), stands, is_served=is_served, suffix=suffix)


@dataclass
class _Conversation:
    """What one asker wrote: a command, or other words."""

    handlers: Handlers
    session: Session
    asker: Asker
    user: int | None
    context: Context

    def __post_init__(self) -> None:
        self._place = self.asker.place
        self._known = subscriptions.of_chat(self.session, self._place.chat)
        self._standing = access.standing(self._known)
        here = (one for one in self._known if one.is_active and one.place == self._place)
        self._here = next(here, None)
        self._suffix = self.handlers.suffix(self._place)

    def replies(self, command: Command | None) -> list[Reply]:
        name, argument = (command.name, command.argument) if command else ("", "")
        match name:
            case "init":
                return self._init()
            case "start":
                return self._start(argument)
            case "stop":
                return self._stop()
        if not access.may_read(self.asker, self._known):
            return [self._text(self._closed_door())]
        return self._read(name, argument)

    def _read(self, name: str, argument: str) -> list[Reply]:
        match name:
            case "report":
                return self._report(argument)
            case "stuck" | "client" if not access.may_see_clients(self._place, self._known):
                words = ru.BOT_LISTS_OFF.format(suffix=self._suffix)
            case "stuck":
                return self._stuck()
            case "client":
                return self._client(argument)
            case "settings":
                return self._settings()
            case "status":
                words = self._status()
            case "help":
                words = self._help()
            case _:
                words = ru.BOT_UNKNOWN_COMMAND.format(suffix=self._suffix)
        return [self._text(words)]

    # --- Coming and going ---

    def _init(self) -> list[Reply]:
        handlers, context = self.handlers, self.context
        has_admins = bool(handlers.admins)
        match access.answer_to_init(self.asker, self._known, context.now, has_admins=has_admins):
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
        subscriptions.activate(self.session, self._place, self.user, self.context.now)
        return [self._text(self.handlers.welcome(self.session, self._place, self.context))]

    def _ask_the_admins(self) -> list[Reply]:
        session, now = self.session, self.context.now
        asking = subscriptions.request(session, self._place, self.user, now)
        requests = subscriptions.requests_since(session, now - timedelta(days=1))
        if not access.is_told_now(requests):
            return [self._text(ru.BOT_REQUESTED)]
        question, buttons = texts.request(asking)
        if requests > access.MOST_QUESTIONS:
            waiting = subscriptions.waiting(session)
            question, buttons = texts.requests(waiting)
        return [self._text(ru.BOT_REQUESTED), *self.handlers.to_admins(question, buttons)]

    def _start(self, secret: str) -> list[Reply]:
        if secret and self._standing is not Standing.READER:
            return self._enter(secret)
        if access.may_read(self.asker, self._known):
            here = ru.BOT_STATUS_SUBSCRIBED if self._here else ru.BOT_STATUS_NOT_SUBSCRIBED
            return [self._text(f"{self._help()}\n\n{here.format(suffix=self._suffix)}")]
        if self.asker.is_owner:
            return [self._text(ru.BOT_GREETING.format(suffix=self._suffix))]
        return [self._text(self._closed_door())]

    def _enter(self, secret: str) -> list[Reply]:
        if not self.asker.may_decide_here:
            return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        if subscriptions.redeem(self.session, secret, self.user, self.context.now):
            return self._subscribe()
        return [self._text(ru.BOT_INVITE_INVALID)]

    def _stop(self) -> list[Reply]:
        if not self.asker.may_decide_here:
            return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        place, now = self._place, self.context.now
        if subscriptions.put_to_sleep(
            self.session, place.chat, access.STOPPED, now, thread=place.thread
        ):
            return [self._text(ru.BOT_STOPPED.format(suffix=self._suffix))]
        if self._standing in (Standing.READER, Standing.SLEEPING) or self.asker.is_owner:
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
        if not self.asker.may_decide_here:
            return [self._text(ru.BOT_CHAT_ADMINS_ONLY)]
        if self._here is None:
            return [self._text(ru.BOT_NOT_SUBSCRIBED.format(suffix=self._suffix))]
        return [_text(self._place, *texts.settings(self._here))]

    # --- Reading ---

    def _report(self, typed: str) -> list[Reply]:
        sent = ledger.newest_sent_day(self.session)
        newest = max(filter(None, [*self.context.report_days, sent]), default=None)
        day = parse_day(typed) if typed else newest
        if day is None and not typed:
            return [self._text(ru.BOT_NO_REPORTS)]
        if day is None:
            example = newest or self.handlers.outlook(self.context).finished
            return [self._text(texts.bad_day(typed, example, self._suffix))]
        found = _report_replies(self.session, self._place, day, self.context.report_days)
        return found or [self._text(texts.no_report(day, newest, self._suffix))]

    def _stuck(self) -> list[Reply]:
        newest = max(self.context.stuck_days, default=None)
        if newest is None:
            return [self._text(ru.BOT_NO_REPORTS)]
        return [Reply(ReplyKind.STUCK, self._place.chat, self._place.thread, day=newest)]

    def _client(self, typed: str) -> list[Reply]:
        if not typed:
            return [self._text(ru.BOT_NO_CLIENT_ID.format(suffix=self._suffix))]
        return [Reply(ReplyKind.CLIENT, self._place.chat, self._place.thread, client=typed)]

    def _status(self) -> str:
        return texts.status(
            self.handlers.outlook(self.context),
            self.context.stored.content if self.context.stored else None,
            self.context.found,
            is_subscribed=self._here is not None,
            suffix=self._suffix,
        )

    def _help(self) -> str:
        return texts.help_text(self.handlers.when(self.context.now))

    def _text(self, html: str) -> Reply:
        return _text(self._place, html)


@dataclass
class _Pressing:
    """One pressed button; whatever happens, the press is answered."""

    handlers: Handlers
    session: Session
    pressed: Pressed
    context: Context

    def __post_init__(self) -> None:
        self._known = subscriptions.of_chat(self.session, self.pressed.place.chat)
        self._place = _with_thread(self.pressed, self._known)
        self._is_owner = self.handlers.is_owner(self.pressed.user, self.pressed.place)

    def replies(self) -> list[Reply]:
        button = parse_pressed(self.pressed.data)
        if button is None:
            return [self._answer(ru.BOT_OLD_BUTTON)]
        if button.action in OF_OWNER:
            return self._decide(button) if self._is_owner else [self._answer(ru.BOT_NO_ACCESS)]
        asker = Asker(self.pressed.place, is_owner=self._is_owner)
        if not access.may_read(asker, self._known):
            return [self._answer(ru.BOT_NO_ACCESS)]
        if button.day is not None:
            return self._read(button.action, button.day)
        return self._set(button)

    def _set(self, button: Press) -> list[Reply]:
        """Change what the chat has set for itself, and show how it stands now."""
        place, session = self._place, self.session
        asker = Asker(place, is_owner=self._is_owner, is_chat_admin=self.context.is_chat_admin)
        if not asker.may_decide_here:
            return [self._answer(ru.BOT_CHAT_ADMINS_ONLY)]
        chosen = {
            Action.SOUND: {"sound": button.word},
            Action.DOUBTS: {"doubt_policy": button.word},
            Action.LISTS: {"shows_clients": button.word == "on"},
        }[button.action]
        here = subscriptions.change(session, place, self.context.now, **chosen)
        if here is None or not here.is_active:
            return [self._answer(ru.BOT_OLD_BUTTON)]
        return [self._answer(), self._edit(*texts.settings(here))]

    def _read(self, action: Action, day: date) -> list[Reply]:
        context = self.context
        if action in OF_CLIENTS:
            return self._list(action, day)
        if action is Action.NOW:
            found = _now_replies(self.session, self._place, day, context.stored)
        else:
            found = _report_replies(self.session, self._place, day, context.report_days)
        no_report = ru.BOT_NO_REPORT.format(day=full_date(day))
        return [self._answer(), *found] if found else [self._answer(no_report)]

    def _list(self, action: Action, day: date) -> list[Reply]:
        """Show clients: in a group only where its administrators want that."""
        if not access.may_see_clients(self._place, self._known):
            suffix = self.handlers.suffix(self._place)
            return [self._answer(ru.BOT_LISTS_OFF.format(suffix=suffix))]
        context, place = self.context, self._place
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
        known = subscriptions.by_id(self.session, button.number)
        undecided = Standing.BARRED if button.action is Action.LET_IN else Standing.WAITING
        if known is None or known.standing is not undecided:
            return [self._answer(ru.BOT_DECIDED_BEFORE)]
        is_allowed = button.action is not Action.REFUSE
        if is_allowed:
            subscriptions.allow(self.session, known.id, self.context.now)
            told = self.handlers.welcome(self.session, known.place, self.context)
        else:
            subscriptions.refuse(self.session, known.id, access.REFUSED, self.context.now)
            told = ru.BOT_REFUSED
        decided, buttons = texts.decided(known, is_allowed=is_allowed), ()
        if button.is_listed:
            waiting = subscriptions.waiting(self.session)
            others, buttons = texts.requests(waiting)
            decided = f"{decided}\n\n{others}"
        return [self._answer(), self._edit(decided, buttons), _text(known.place, told)]

    def _edit(self, html: str, buttons: Keyboard = ()) -> Reply:
        """Replace the words and buttons of the message whose button was pressed."""
        place, message = self._place, self.pressed.message
        return Reply(ReplyKind.EDIT, place.chat, html=html, buttons=buttons, message=message)

    def _send_again(self, delivery_id: int) -> str:
        row = ledger.send_again(self.session, delivery_id, self.context.now)
        if row is None or row.state in (RowState.UNKNOWN, RowState.FAILED):
            return ru.BOT_OLD_BUTTON
        return ru.BOT_SENDS_AGAIN if row.state is RowState.PLANNED else ru.BOT_SENT_BEFORE

    def _answer(self, text: str = "") -> Reply:
        return Reply(
            ReplyKind.ANSWER,
            self._place.chat,
            html=text,
            query=self.pressed.query,
            is_alert=bool(text),
        )


# --- What a reader is shown of a report ---


def _report_replies(
    session: Session, place: Place, day: date, stored_days: Collection[date]
) -> list[Reply]:
    """Return the report as it was sent: to this place, else to anybody, else as it is stored."""
    content, is_stored = _sent(session, place, day), day in stored_days
    if content is None:
        # Its caption is read when it is sent: the storage may be far away.
        return [_empty(place, day, is_sent=False)] if is_stored else []
    return [
        replace(
            _empty(place, day, is_sent=is_stored),
            html=content.caption_html,
            caption=content.caption_html,
            file_id=content.file_id,
            as_document=content.media == "document",
        )
    ]


def _now_replies(
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
    return [report, replace(_text(place, told), day=day)]


def _empty(place: Place, day: date, *, is_sent: bool) -> Reply:
    """Return a report without words, to compare the numbers that were sent with today's."""
    buttons = texts.report_keyboard(day, with_now=is_sent)
    return Reply(ReplyKind.REPORT, place.chat, place.thread, buttons=buttons, day=day)


def _sent(session: Session, place: Place, day: date) -> SentContent | None:
    """Return what was sent of `day`: to this place, else the latest to anybody."""
    row = ledger.row_of(session, day, MessageKind.REPORT, place)
    sent_here = row.content_sha256 if row and row.state is RowState.SENT else None
    found = ledger.sent_content(session, day, sent_here)
    return found or ledger.sent_content(session, day)


# --- Places ---


def _with_thread(pressed: Pressed, known: Sequence[access.Known]) -> Place:
    """Return the place with a topic: where Telegram has forgotten it, the subscribed one."""
    if pressed.knows_topic:
        return pressed.place
    thread = next((one.place.thread for one in known if one.is_active), pressed.place.thread)
    return replace(pressed.place, thread=thread)


def _text(place: Place, html: str, buttons: Keyboard = ()) -> Reply:
    return Reply(ReplyKind.TEXT, place.chat, place.thread, html=html, buttons=buttons)
