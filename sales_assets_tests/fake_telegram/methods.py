"""The Bot API's methods over the world; getUpdates, which waits, is in the server."""

import math
import re
import time
from collections.abc import Callable
from typing import Any

from sales_assets_tests.fake_telegram.calls import Call
from sales_assets_tests.fake_telegram.contents import MEDIA, caption_of, markup_of, text_of
from sales_assets_tests.fake_telegram.refusals import (
    MAX_DOWNLOAD_BYTES,
    NOT_MODIFIED,
    QUERY_TOO_OLD,
    bad_request,
    flood,
    forbidden,
)
from sales_assets_tests.fake_telegram.world import (
    PRESENT,
    RULERS,
    Accepted,
    Bot,
    Chat,
    Json,
    World,
)

CONTENT_FIELDS = (
    "text",
    "entities",
    "photo",
    "document",
    "caption",
    "caption_entities",
    "reply_markup",
)
ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")
MAX_COMMANDS = 100
MAX_DESCRIPTION = 256
MAX_ANSWER = 200
ADMINISTRATOR_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
)
RESTRICTED_RIGHTS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)
GIFTS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)

Method = Callable[[World, Bot, Call], Any]


def check_write(world: World, bot: Bot, chat: Chat) -> None:
    """Sending needs everything that editing needs, and a group that still exists."""
    if chat.migrated_to is not None:
        raise bad_request(
            "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
        )
    if chat.is_deleted:
        raise forbidden("the group chat was deleted")
    check_edit(world, bot, chat)


def check_edit(world: World, bot: Bot, chat: Chat) -> None:
    if chat.kind == "private":
        check_private(world, chat)
    else:
        check_member(bot, chat)


def check_private(world: World, chat: Chat) -> None:
    if world.users[chat.chat_id].is_deactivated:
        raise forbidden("user is deactivated")
    if chat.is_blocked:
        raise forbidden("bot was blocked by the user")


def check_member(bot: Bot, chat: Chat) -> None:
    status = chat.members[bot.user.user_id]
    if status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.kind} chat")
    if status not in PRESENT:
        raise forbidden(f"bot is not a member of the {chat.kind} chat")


def check_rights(bot: Bot, chat: Chat, content: Json) -> None:
    """A restricted bot may not send; the text names what it tried."""
    if chat.members.get(bot.user.user_id) != "restricted":
        return
    names = {"photo": "photos", "document": "documents"}
    what = next((name for kind, name in names.items() if kind in content), "text messages")
    raise bad_request(f"not enough rights to send {what} to the chat")


def check_forbidden(chat: Chat, call: Call) -> None:
    """What a group allows nobody to send; the word is one of Telegram's core, in upper case."""
    word = chat.forbidden.get(call.method.lower())
    if word is not None:
        raise bad_request(word)


def check_slow_mode(chat: Chat) -> None:
    """One message in so many seconds; the next is asked to wait for the rest of them."""
    left = chat.free_at - time.monotonic()
    if left > 0:
        raise flood(math.ceil(left))
    if chat.slow_seconds:
        chat.free_at = time.monotonic() + chat.slow_seconds


def check_read(bot: Bot, chat: Chat) -> None:
    """Reading is closed to outsiders of a supergroup only."""
    if chat.kind == "supergroup":
        check_member(bot, chat)


def thread_of(bot: Bot, chat: Chat, call: Call) -> int | None:
    """The topic to send to, None for General; an unknown one is refused."""
    thread_id = call.integer("message_thread_id")
    if not thread_id:
        return None
    if thread_id not in chat.topics:
        raise bad_request("message thread not found")
    if thread_id in chat.closed_topics and chat.members[bot.user.user_id] not in RULERS:
        raise bad_request("TOPIC_CLOSED")
    return thread_id


def reply_of(chat: Chat, call: Call) -> Json:
    """The message replied to, as a field; a lost one is refused unless that is allowed."""
    asked = call.json("reply_parameters", "reply parameters") or {}
    if not asked.get("message_id"):
        return {}
    message = chat.messages.get(int(asked["message_id"]))
    if message is None and not asked.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return {"reply_to_message": without_reply(message)} if message else {}


def without_reply(message: Json) -> Json:
    return {name: value for name, value in message.items() if name != "reply_to_message"}


def send(world: World, bot: Bot, call: Call, content: Json) -> Json:
    """Post the content where the call says, and note that it was accepted."""
    markup = markup_of(call)
    chat = world.chat(bot, call.text("chat_id"))
    check_write(world, bot, chat)
    check_rights(bot, chat, content)
    check_forbidden(chat, call)
    thread_id = thread_of(bot, chat, call)
    check_slow_mode(chat)
    fields = content | ({"reply_markup": markup} if markup else {})
    message = world.post(chat, bot.user, reply_of(chat, call) | fields, thread_id)
    accept(world, bot, call, chat, message)
    return message


def accept(world: World, bot: Bot, call: Call, chat: Chat, message: Json | None) -> None:
    world.accepted.append(
        Accepted(
            method=call.method,
            chat_id=chat.chat_id,
            message_id=message["message_id"] if message else None,
            thread_id=message.get("message_thread_id") if message else None,
            message=dict(message) if message else None,
            is_silent=call.flag("disable_notification"),
            bot_id=bot.user.user_id,
        )
    )


def send_message(world: World, bot: Bot, call: Call) -> Json:
    return send(world, bot, call, text_of(call.params))


def send_photo(world: World, bot: Bot, call: Call) -> Json:
    return send_media(world, bot, call, "photo")


def send_document(world: World, bot: Bot, call: Call) -> Json:
    return send_media(world, bot, call, "document")


def send_media(world: World, bot: Bot, call: Call, kind: str) -> Json:
    """Caption and chat are looked at before the file, as the server does."""
    caption = caption_of(call.params)
    check_write(world, bot, world.chat(bot, call.text("chat_id")))
    media = MEDIA[kind](world, bot, call.text(kind), call.upload(kind))
    return send(world, bot, call, media | caption)


def message_to_edit(world: World, bot: Bot, call: Call) -> tuple[Chat, Json]:
    chat = world.chat(bot, call.text("chat_id"))
    check_edit(world, bot, chat)
    message = chat.messages.get(call.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != bot.user.user_id:
        raise bad_request("message can't be edited")
    if chat.migrated_to is not None:
        raise bad_request("MESSAGE_ID_INVALID")
    return chat, message


def edit(world: World, bot: Bot, call: Call, target: tuple[Chat, Json], content: Json) -> Json:
    """Put the content in place of the old; the keyboard goes unless it is sent again."""
    chat, old = target
    markup = markup_of(call)
    fields = content | ({"reply_markup": markup} if markup else {})
    if fields == {name: old[name] for name in CONTENT_FIELDS if name in old}:
        raise bad_request(NOT_MODIFIED)
    kept = {name: value for name, value in old.items() if name not in CONTENT_FIELDS}
    message = kept | fields | {"edit_date": max(int(time.time()), old["date"])}
    world.keep(chat, message)
    accept(world, bot, call, chat, message)
    return message


def edit_message_text(world: World, bot: Bot, call: Call) -> Json:
    content = text_of(call.params)
    chat, old = message_to_edit(world, bot, call)
    if "text" not in old:
        raise bad_request("there is no text in the message to edit")
    return edit(world, bot, call, (chat, old), content)


def edit_message_caption(world: World, bot: Bot, call: Call) -> Json:
    caption = caption_of(call.params)
    chat, old = message_to_edit(world, bot, call)
    media = {kind: old[kind] for kind in MEDIA if kind in old}
    if not media:
        raise bad_request("there is no caption in the message to edit")
    return edit(world, bot, call, (chat, old), media | caption)


def edit_message_media(world: World, bot: Bot, call: Call) -> Json:
    asked = call.json("media", "input media")
    if not asked or asked.get("type") not in MEDIA:
        raise bad_request("can't parse input media: media not found")
    caption = caption_of(asked)
    chat, old = message_to_edit(world, bot, call)
    value = str(asked.get("media", ""))
    content = MEDIA[asked["type"]](world, bot, value, call.attached(value))
    return edit(world, bot, call, (chat, old), content | caption)


def edit_message_reply_markup(world: World, bot: Bot, call: Call) -> Json:
    chat, old = message_to_edit(world, bot, call)
    content = {name: old[name] for name in CONTENT_FIELDS if name in old and name != "reply_markup"}
    return edit(world, bot, call, (chat, old), content)


def delete_message(world: World, bot: Bot, call: Call) -> bool:
    chat = world.chat(bot, call.text("chat_id"))
    check_edit(world, bot, chat)
    if chat.messages.pop(call.integer("message_id"), None) is None:
        raise bad_request("message to delete not found")
    accept(world, bot, call, chat, None)
    return True


def send_chat_action(world: World, bot: Bot, call: Call) -> bool:
    chat = world.chat(bot, call.text("chat_id"))
    check_write(world, bot, chat)
    if call.text("action") not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.actions.append(call.text("action"))
    return True


def answer_callback_query(world: World, bot: Bot, call: Call) -> bool:
    query = world.queries.get(call.text("callback_query_id"))
    if query is None or query.bot_id != bot.user.user_id or query.answer is not None:
        raise bad_request(QUERY_TOO_OLD)
    if time.monotonic() > query.expires_at:
        raise bad_request(QUERY_TOO_OLD)
    if len(call.text("text")) > MAX_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    query.answer = {"text": call.text("text"), "show_alert": call.flag("show_alert")}
    return True


def get_me(_world: World, bot: Bot, _call: Call) -> Json:
    return bot.user.json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_chat(world: World, bot: Bot, call: Call) -> Json:
    chat = world.chat(bot, call.text("chat_id"))
    check_read(bot, chat)
    return chat.json() | {
        "accent_color_id": 3,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(GIFTS, True),
    }


def get_chat_member(world: World, bot: Bot, call: Call) -> Json:
    chat = world.chat(bot, call.text("chat_id"))
    check_members(bot, chat)
    user_id = call.integer("user_id")
    if user_id not in world.users:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member_json(world, user_id, status_in(bot, chat, user_id))


def check_members(bot: Bot, chat: Chat) -> None:
    if chat.migrated_to is not None:
        raise bad_request(
            "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
        )
    if chat.kind != "private":
        check_member(bot, chat)


def status_in(bot: Bot, chat: Chat, user_id: int) -> str:
    if chat.kind == "private":
        return "member" if user_id in {chat.chat_id, bot.user.user_id} else "left"
    return chat.members.get(user_id, "left")


def get_chat_administrators(world: World, bot: Bot, call: Call) -> list[Json]:
    chat = world.chat(bot, call.text("chat_id"))
    if chat.kind == "private":
        raise bad_request("there are no administrators in the private chat")
    check_members(bot, chat)
    found = [(user_id, status) for user_id, status in chat.members.items() if status in RULERS]
    return [
        member_json(world, user_id, status)
        for user_id, status in found
        if not world.users[user_id].is_bot or user_id == bot.user.user_id
    ]


def member_json(world: World, user_id: int, status: str) -> Json:
    """A ChatMember of the kind that the status names."""
    extra: dict[str, Json] = {
        "creator": {"is_anonymous": False},
        "administrator": {
            "can_be_edited": False,
            "is_anonymous": False,
            **dict.fromkeys(ADMINISTRATOR_RIGHTS, True),
        },
        "restricted": {
            "is_member": True,
            "until_date": 0,
            **dict.fromkeys(RESTRICTED_RIGHTS, False),
        },
        "kicked": {"until_date": 0},
    }
    return {"status": status, "user": world.users[user_id].json(), **extra.get(status, {})}


def leave_chat(world: World, bot: Bot, call: Call) -> bool:
    chat = world.chat(bot, call.text("chat_id"))
    if chat.kind == "private":
        raise bad_request("chat member status can't be changed in private chats")
    check_write(world, bot, chat)
    change_member(world, bot, chat, bot.user.user_id, "left")
    accept(world, bot, call, chat, None)
    return True


def change_member(world: World, bot: Bot, chat: Chat, by_user_id: int, status: str) -> None:
    """Give the bot another status in the chat and tell it by my_chat_member."""
    bot_id = bot.user.user_id
    old = chat.members.get(bot_id, "left")
    chat.members[bot_id] = status
    push_membership(world, bot, chat, by_user_id, (old, status))


def push_membership(
    world: World, bot: Bot, chat: Chat, by_user_id: int, statuses: tuple[str, str]
) -> None:
    old, new = (member_json(world, bot.user.user_id, status) for status in statuses)
    content = {
        "chat": chat.json(),
        "from": world.users[by_user_id].json(),
        "date": int(time.time()),
        "old_chat_member": old,
        "new_chat_member": new,
    }
    world.push(bot, "my_chat_member", content)


def get_file(world: World, bot: Bot, call: Call) -> Json:
    file = world.files.get(call.text("file_id"))
    if not call.text("file_id"):
        raise bad_request("file_id not specified")
    if file is None or file.bot_id != bot.user.user_id:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(file.content) > MAX_DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_size": len(file.content),
        "file_path": file.path(),
    }


def scope_of(call: Call) -> str:
    scope = call.json("scope", "BotCommandScope") or {"type": "default"}
    return f"{sorted(scope.items())}/{call.text('language_code')}"


def set_my_commands(_world: World, bot: Bot, call: Call) -> bool:
    commands = call.json("commands", "commands")
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        check_command(command)
    bot.commands[scope_of(call)] = commands
    return True


def check_command(command: Json) -> None:
    if not COMMAND_NAME.fullmatch(command.get("command", "").lstrip("/")):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 0 < len(command.get("description", "")) <= MAX_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")


def get_my_commands(_world: World, bot: Bot, call: Call) -> list[Json]:
    return bot.commands.get(scope_of(call), [])


def delete_my_commands(_world: World, bot: Bot, call: Call) -> bool:
    bot.commands.pop(scope_of(call), None)
    return True


def set_webhook(world: World, bot: Bot, call: Call) -> bool:
    url = call.text("url")
    if url and not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    bot.webhook_url = url
    if call.flag("drop_pending_updates"):
        bot.updates.clear()
    allow(bot, call)
    world.on_update(bot)
    return True


def delete_webhook(_world: World, bot: Bot, call: Call) -> bool:
    bot.webhook_url = ""
    if call.flag("drop_pending_updates"):
        bot.updates.clear()
    return True


def get_webhook_info(_world: World, bot: Bot, _call: Call) -> Json:
    allowed = {"allowed_updates": sorted(bot.allowed_updates)} if bot.allowed_updates else {}
    return {
        "url": bot.webhook_url,
        "has_custom_certificate": False,
        "pending_update_count": len(bot.updates),
        **allowed,
    }


def allow(bot: Bot, call: Call) -> None:
    """Keep the kinds of updates asked for; an empty list means the usual ones."""
    asked = call.json("allowed_updates", "allowed_updates")
    if isinstance(asked, list):
        bot.allowed_updates = frozenset(asked) or None


def take_updates(bot: Bot, call: Call) -> list[Json]:
    """Forget what the offset confirms and hand out what follows, nothing twice skipped."""
    offset = call.integer("offset")
    if offset < 0:
        bot.updates = bot.updates[offset:]
    elif offset:
        bot.updates = [update for update in bot.updates if update["update_id"] >= offset]
    return bot.updates[: call.integer("limit", 100) or 100]


METHODS: dict[str, Method] = {
    method.__name__.replace("_", ""): method
    for method in (
        answer_callback_query,
        delete_message,
        delete_my_commands,
        delete_webhook,
        edit_message_caption,
        edit_message_media,
        edit_message_reply_markup,
        edit_message_text,
        get_chat,
        get_chat_administrators,
        get_chat_member,
        get_file,
        get_me,
        get_my_commands,
        get_webhook_info,
        leave_chat,
        send_chat_action,
        send_document,
        send_message,
        send_photo,
        set_my_commands,
        set_webhook,
    )
}
