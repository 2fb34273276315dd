"""Telegram's updates, as python-telegram-bot reads them, turned into what the bot decides on."""

from typing import Any

from telegram import CallbackQuery, Chat, ChatMember, ChatMemberUpdated, Message, Update

from sales_assets.core.bot.incoming import Incoming, Migrated, Moved, Pressed, Said, one_line
from sales_assets.core.delivery.rows import NO_THREAD, PRIVATE, Place

#: The kinds that the bot asks Telegram for.
ALLOWED = (Update.MESSAGE, Update.CHANNEL_POST, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
#: The status of members who decide for a group.
ADMINISTRATORS = (ChatMember.OWNER, ChatMember.ADMINISTRATOR)
_ABSENT = (ChatMember.LEFT, ChatMember.BANNED)
_PRESENT = (*ADMINISTRATORS, ChatMember.MEMBER, ChatMember.RESTRICTED)


def read_update(raw: dict[str, Any]) -> Incoming | None:
    """Return what an update says; None if it is nothing for the bot.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not in Telegram's form.
    """
    update = Update.de_json(raw, None)
    message = update.message or update.channel_post
    if message is not None:
        return _message(message)
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
    # An admin who writes in the name of the group itself shows no user of his own; in a channel
    # everybody who may write does so.
    is_chat = message.sender_chat is not None and message.sender_chat.id == message.chat.id
    is_chat = is_chat or message.chat.type == Chat.CHANNEL
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
    is_known = isinstance(message, Message)
    return Pressed(
        _place(message.chat, _thread(message) if is_known else NO_THREAD),
        query.from_user.id,
        query.id,
        query.data or "",
        message.message_id,
        knows_topic=is_known,
    )


def _moved(change: ChatMemberUpdated) -> Incoming | None:
    """Return what became of the bot in a chat; None where Telegram calls it by an unknown name."""
    was_in, is_in = _is_present(change.old_chat_member), _is_present(change.new_chat_member)
    if is_in is None:
        return None
    return Moved(
        _place(change.chat, NO_THREAD), change.from_user.id, was_in=bool(was_in), is_in=is_in
    )


def _is_present(member: ChatMember) -> bool | None:
    if member.status in _ABSENT:
        return False
    # A restricted one may have left: only its own field tells.
    return bool(getattr(member, "is_member", True)) if member.status in _PRESENT else None


def _place(chat: Chat, thread: int) -> Place:
    kind = PRIVATE if chat.type == Chat.PRIVATE else str(chat.type)
    return Place(chat.id, thread, kind, one_line(chat.effective_name or "") or None)
