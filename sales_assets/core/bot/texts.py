"""The bot's words, put together: escaped HTML, ready to be sent."""

import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sales_assets.core.bot.access import LONGEST_TITLE, Known
from sales_assets.core.bot.incoming import SETTINGS, Action, button_data
from sales_assets.core.bot.outlook import Outlook
from sales_assets.core.delivery.messages import (
    Button,
    Keyboard,
    Number,
    changes_text,
    report_buttons,
)
from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets.core.report.part import VerdictKind
from sales_assets.core.report.receipt import Figure
from sales_assets.core.report.wording import (
    counted,
    cut_sentence,
    day_and_month,
    full_date,
    late_sentence,
    number,
    plural,
    sentence,
    zone_name,
)
from sales_assets.core.russian import bot as ru
from sales_assets.core.windows import DAY

#: How much of what a person typed is quoted back.
_LONGEST_ECHO = 40
#: How many requests a list names, the newest first.
MOST_LISTED = 10


def every_day_at(delivery_time: time, zone: ZoneInfo, today: date) -> str:
    """Say when the report comes, every day."""
    if zone.key == "Europe/Moscow":
        return ru.BOT_AT_MOSCOW_TIME.format(time=f"{delivery_time:%H:%M}")
    offset = zone_name(datetime.combine(today, delivery_time, tzinfo=zone))
    return ru.BOT_AT_ZONE_TIME.format(time=f"{delivery_time:%H:%M}", zone=offset)


def help_text(when: str) -> str:
    """Say what the bot can do."""
    lines = (f"/{command} — {words}" for command, words in ru.BOT_COMMANDS.items())
    told = ru.BOT_HELP_TIME.format(when=when)
    return html.escape("\n".join([ru.BOT_HELP_INTRO, told, "", *lines]))


def subscribed(when: str, outlook: Outlook, *, is_served: bool, suffix: str) -> str:
    """Say that the report will come, and which one comes first.

    `is_served`: the chat already has the report of the newest finished day.
    """
    if is_served and (outlook.is_ready or outlook.is_late):
        first = _at(ru.BOT_HAS_NEWEST, outlook, suffix=suffix)
    elif outlook.is_ready:
        first = ru.BOT_FIRST_IS_READY.format(day=day_and_month(outlook.finished))
    elif outlook.is_late:
        first = ru.BOT_FIRST_IS_LATE.format(day=day_and_month(outlook.finished))
    else:
        first = _at(ru.BOT_FIRST_AT_TIME, outlook)
    return f"{ru.BOT_SUBSCRIBED.format(when=when)} {first}"


def _at(words: str, outlook: Outlook, **more: str) -> str:
    return words.format(
        date=day_and_month(outlook.next_at.date()),
        time=f"{outlook.next_at:%H:%M}",
        zone=zone_name(outlook.next_at),
        day=day_and_month(outlook.next_day),
        **more,
    )


def status(
    outlook: Outlook,
    newest: Mapping[str, Any] | None,
    found: Completeness | None,
    *,
    is_subscribed: bool,
    suffix: str,
) -> str:
    """Say which day is the newest and how whole it is, when the next comes, whether it is late.

    `newest` is the stored report of the newest day; `found`, what the source lacks of the day
    that is over.
    """
    day = outlook.newest
    shown = ru.BOT_STATUS_NEWEST.format(day=full_date(day)) if day else ru.BOT_NO_REPORTS
    told = [*_wholeness(newest or {}), _at(ru.BOT_STATUS_NEXT, outlook), _lateness(outlook, found)]
    here = ru.BOT_STATUS_SUBSCRIBED if is_subscribed else ru.BOT_STATUS_NOT_SUBSCRIBED
    return "\n".join([shown, *map(html.escape, told), here.format(suffix=suffix)])


def _wholeness(newest: Mapping[str, Any]) -> Iterator[str]:
    """Say what a reader must know of the data of a report: where it is cut, what isn't counted."""
    notes = [*newest.get("notes", ())]
    if newest.get("verdict_kind") == VerdictKind.INCOMPLETE:
        yield f"{newest['verdict']}."
    elif not notes and newest.get("data", {}).get("state") == State.COMPLETE:
        yield ru.BOT_STATUS_WHOLE
    yield from (f"{sentence(note)}." for note in notes)


def _lateness(outlook: Outlook, found: Completeness | None) -> str:
    day = outlook.finished
    if found is None or outlook.newest == day:
        late = ru.BOT_STATUS_LATE.format(day=day_and_month(day))
        return late if outlook.is_late else ru.BOT_STATUS_ON_TIME
    if outlook.is_late:
        return late_sentence(day, found)
    return ru.BOT_STATUS_CUT.format(cause=cut_sentence(found, day))


def bad_day(typed: str, example: date, suffix: str) -> str:
    """Say kindly that this is no day, with one that works."""
    shown = html.escape(typed[:_LONGEST_ECHO])
    return ru.BOT_BAD_DAY.format(text=shown, example=example.isoformat(), suffix=suffix)


def no_report(day: date, newest: date | None, suffix: str) -> str:
    """Say that there is no report of the day, and which there is."""
    if newest is None:
        return ru.BOT_NO_REPORTS
    there_is = day_and_month(newest)
    return ru.BOT_NO_REPORT_NEWEST.format(day=full_date(day), newest=there_is, suffix=suffix)


def lists_caption(day: date, stuck: int, expiring: int) -> str:
    """Say how many cases the lists hold."""
    cases = counted(stuck, ru.BOT_STUCK_FORMS)
    form = ru.BOT_STUCK_CAPTION if stuck else ru.BOT_NOBODY_STUCK
    told = form.format(day=day_and_month(day), count=cases)
    if not expiring:
        return told
    today = day_and_month(day + DAY)
    return f"{told} {ru.BOT_EXPIRING_COUNT.format(today=today, count=number(expiring))}"


def receipt_caption(day: date, found: Sequence[Figure]) -> str:
    """Say how many numbers the receipt explains, and how many have changed since."""
    count = counted(len(found), ru.BOT_NUMBERS_FORMS)
    told = ru.BOT_RECEIPT.format(day=day_and_month(day), count=count)
    changed = sum(not one.is_equal for one in found)
    if not changed:
        return told
    count = counted(changed, ru.BOT_NUMBERS_FORMS)
    return f"{told} {ru.BOT_RECEIPT_CHANGED.format(count=count)}"


def known_now(day: date, sent: Mapping[str, Number] | None, stored: Mapping[str, Number]) -> str:
    """Say that this is the day as it is known now, and what changed since it was sent."""
    about = ru.BOT_AS_NOW.format(day=day_and_month(day))
    if sent is None:
        return f"{about} {ru.BOT_NEVER_SENT}"
    # A part that is gone is a change as well.
    after = {**stored, **{name: None for name in sent if name not in stored}}
    return changes_text(day, sent, after) or f"{about} {ru.BOT_SAME_NUMBERS}"


def report_keyboard(day: date, *, with_now: bool) -> Keyboard:
    """Return the buttons under a report that was asked for."""
    now = (Button(ru.BOT_BUTTON_NOW, button_data(Action.NOW, day)),)
    return (*report_buttons(day), now) if with_now else report_buttons(day)


def request(known: Known) -> tuple[str, Keyboard]:
    """Ask the admins whether a chat may read, with the two ways to decide."""
    return ru.BOT_REQUEST.format(who=_named(known)), (_decision(known.id),)


def requests(waiting: Sequence[Known]) -> tuple[str, Keyboard]:
    """Say how many chats wait and which came last, with the two ways to decide about each."""
    if not waiting:
        return ru.BOT_NOBODY_WAITS, ()
    listed = list(enumerate(waiting[:MOST_LISTED], 1))
    lines = (f"{place}. {_named(one)}" for place, one in listed)
    ask, count = plural(len(waiting), ru.BOT_ASK_FORMS), counted(len(waiting), ru.BOT_CHAT_FORMS)
    told = ru.BOT_REQUESTS.format(ask=ask, count=count)
    buttons = tuple(_decision(one.id, f"{place}. ") for place, one in listed)
    return "\n".join([told, *lines]), buttons


def _decision(subscription_id: int, place: str = "") -> tuple[Button, ...]:
    ways = {Action.ALLOW: ru.BOT_BUTTON_ALLOW, Action.REFUSE: ru.BOT_BUTTON_REFUSE}
    return tuple(
        Button(f"{place}{word}", button_data(action, subscription_id, is_listed=bool(place)))
        for action, word in ways.items()
    )


def decided(known: Known, *, is_allowed: bool) -> str:
    """Tell the admins what was decided."""
    words = ru.BOT_ALLOWED if is_allowed else ru.BOT_REFUSED_TO_ADMIN
    return words.format(title=_title(known), chat=known.place.chat)


def settings(known: Known) -> tuple[str, Keyboard]:
    """Say what a chat has set for itself, with the other values of each setting, a row for each."""
    current = {
        Action.SOUND: known.sound,
        Action.DOUBTS: "hold" if known.holds_doubts else "repeat",
    }
    if known.place.is_group:
        current[Action.LISTS] = "on" if known.shows_clients else "off"
    lines, buttons = [ru.BOT_SETTINGS], []
    for action, value in current.items():
        lines.append(ru.BOT_SETTING_NAMES[action].format(value=ru.BOT_SETTING_WORDS[action][value]))
        words = ru.BOT_SETTING_BUTTONS[action]
        others = [other for other in SETTINGS[action] if other != value]
        buttons.append(tuple(Button(words[one], button_data(action, one)) for one in others))
    return "\n".join(lines), tuple(buttons)


def _named(known: Known) -> str:
    kind = ru.BOT_CHAT_KINDS.get(known.place.kind, known.place.kind)
    return ru.BOT_NAMED.format(title=_title(known), kind=kind, chat=known.place.chat)


def _title(known: Known) -> str:
    title = known.place.title or ru.BOT_REQUEST_UNTITLED
    return html.escape(title[:LONGEST_TITLE])
