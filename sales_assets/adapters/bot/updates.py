"""Telegram's updates, as python-telegram-bot reads them, turned into what the bot decides on."""

from typing import Any

from telegram import CallbackQuery, Chat, ChatMember, ChatMemberUpdated, Message, Update

from sales_assets.core.bot.incoming import PRIVATE, Incoming, Migrated, Moved, Place, Pressed, Said
from sales_assets.core.delivery.rules import NO_THREAD

#: The kinds that the bot asks Telegram for.
ALLOWED = (Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
_PRESENT = (
    ChatMember.OWNER,
    ChatMember.ADMINISTRATOR,
    ChatMember.MEMBER,
    ChatMember.RESTRICTED,
)


def read_update(raw: dict[str, Any]) -> Incoming | None:
    """Return what an update says; None if it is nothing for the bot.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not in Telegram's form.
    """
    update = Update.de_json(raw, None)
    if update.message is not None:
        return _message(update.message)
    if update.callback_query is not None:
        return _pressed(update.callback_query)
    if update.my_chat_member is not None:
        return _moved(update.my_chat_member)
    return None


def _message(message: Message) -> Incoming | None:
    if message.migrate_to_chat_id is not None:
        return Migrated(message.chat.id, message.migrate_to_chat_id)
    if message.migrate_from_chat_id is not None:
        return Migrated(message.migrate_from_chat_id, message.chat.id)
    if message.text is None:
        return None
    # An admin who writes in the name of the group itself shows no user of his own.
    is_chat = message.sender_chat is not None and message.sender_chat.id == message.chat.id
    user = None if message.sender_chat or message.from_user is None else message.from_user.id
    place = _place(message.chat, _thread(message))
    return Said(place, user, message.text, is_from_chat_itself=is_chat)


def _thread(message: Message) -> int:
    # A plain reply in a group carries a thread id, too, but is in no topic.
    return (message.message_thread_id or NO_THREAD) if message.is_topic_message else NO_THREAD


def _pressed(query: CallbackQuery) -> Incoming | None:
    if query.message is None:
        return None
    message = query.message
    thread = _thread(message) if isinstance(message, Message) else None
    place = _place(message.chat, thread)
    return Pressed(place, query.from_user.id, query.id, query.data or "", message.message_id)


def _moved(change: ChatMemberUpdated) -> Incoming:
    return Moved(
        _place(change.chat, NO_THREAD),
        change.from_user.id,
        was_in=_is_present(change.old_chat_member),
        is_in=_is_present(change.new_chat_member),
    )


def _is_present(member: ChatMember) -> bool:
    # A restricted one may have left: only its own field tells.
    return member.status in _PRESENT and bool(getattr(member, "is_member", True))


def _place(chat: Chat, thread: int | None) -> Place:
    kind = PRIVATE if chat.type == Chat.PRIVATE else str(chat.type)
    return Place(chat.id, thread, kind, chat.effective_name)
