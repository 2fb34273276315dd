"""The service's state: users, chats, messages, files, bots and what waits for them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sales_assets_tests.fake_telegram.refusals import bad_request, forbidden, unauthorized

FIRST_USER_ID = 5_000_000_001
FIRST_GROUP_ID = -4_000_000_001
FIRST_SUPERGROUP_ID = -1_002_000_000_001
CALLBACK_LIFETIME_SECONDS = 60.0
HIDDEN_UPDATES = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
PRESENT = frozenset({"creator", "administrator", "member", "restricted"})
RULERS = frozenset({"creator", "administrator"})

Json = dict[str, Any]


@dataclass
class User:
    """A person or a bot."""

    user_id: int
    first_name: str
    username: str | None = None
    is_bot: bool = False
    is_deactivated: bool = False

    def json(self) -> Json:
        data: Json = {"id": self.user_id, "is_bot": self.is_bot, "first_name": self.first_name}
        return data | ({"username": self.username} if self.username else {})


@dataclass
class Chat:
    """A private chat (of one user with one bot), a group or a supergroup."""

    chat_id: int
    kind: str
    title: str
    username: str | None = None
    is_forum: bool = False
    is_blocked: bool = False
    is_deleted: bool = False
    migrated_to: int | None = None
    members: dict[int, str] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    closed_topics: set[int] = field(default_factory=set)
    messages: dict[int, Json] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    #: What may not be sent here, by method, with the service's word for it.
    forbidden: dict[str, str] = field(default_factory=dict)
    #: In slow mode: seconds between two messages, and when the next may come.
    slow_seconds: float = 0.0
    free_at: float = 0.0
    last_message_id: int = 0

    def json(self) -> Json:
        name = {"first_name": self.title} if self.kind == "private" else {"title": self.title}
        data: Json = {"id": self.chat_id, "type": self.kind, **name}
        data |= {"username": self.username} if self.username else {}
        return data | ({"is_forum": True} if self.is_forum else {})

    def next_message_id(self) -> int:
        self.last_message_id += 1
        return self.last_message_id


@dataclass
class Bot:
    """A bot by its token, and the updates that wait for it."""

    token: str
    user: User
    is_revoked: bool = False
    webhook_url: str = ""
    updates: list[Json] = field(default_factory=list)
    last_update_id: int = 700_000_000
    allowed_updates: frozenset[str] | None = None
    commands: dict[str, list[Json]] = field(default_factory=dict)

    def wants(self, kind: str) -> bool:
        if self.allowed_updates is None:
            return kind not in HIDDEN_UPDATES
        return kind in self.allowed_updates


@dataclass
class StoredFile:
    """Uploaded bytes; one record for each size that has a file_id of its own."""

    file_id: str
    unique_id: str
    kind: str
    name: str
    content: bytes
    media_type: str
    bot_id: int
    sizes: list[Json] = field(default_factory=list)

    def path(self) -> str:
        folder = "photos" if self.kind == "photo" else "documents"
        return f"{folder}/{self.unique_id}_{self.name}"


@dataclass
class Query:
    """A pressed inline button that waits for answerCallbackQuery."""

    query_id: str
    bot_id: int
    expires_at: float
    answer: Json | None = None


@dataclass
class Accepted:
    """One thing that a bot did in a chat and that the service carried out."""

    method: str
    chat_id: int
    message_id: int | None
    thread_id: int | None
    message: Json | None
    is_silent: bool
    bot_id: int
    at: float = field(default_factory=time.time)


def is_from_bot(message: Json) -> bool:
    """Whether a bot wrote the message, and no stand-in for a chat."""
    return message["from"]["is_bot"] and "sender_chat" not in message


class World:
    """Everything that the service remembers; each public step holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.users: dict[int, User] = {}
        self.bots: dict[str, Bot] = {}
        self.groups: dict[int, Chat] = {}
        self.private: dict[tuple[int, int], Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.queries: dict[str, Query] = {}
        self.accepted: list[Accepted] = []
        self.on_update: Callable[[Bot], None] = lambda _bot: None
        self.on_message: Callable[[Chat, Json], None] = lambda _chat, _message: None
        self.counter = 0

    def next_number(self) -> int:
        self.counter += 1
        return self.counter

    def bot(self, token: str) -> Bot:
        bot = self.bots.get(token)
        if bot is None or bot.is_revoked:
            raise unauthorized()
        return bot

    def bot_by_id(self, bot_id: int) -> Bot:
        return next(bot for bot in self.bots.values() if bot.user.user_id == bot_id)

    def chats(self) -> list[Chat]:
        return [*self.private.values(), *self.groups.values()]

    def chat(self, bot: Bot, chat_id: str) -> Chat:
        """The chat as this bot sees it; one it never met is not found."""
        if not chat_id:
            raise bad_request("chat_id is empty")
        if chat_id.startswith("@"):
            return self.public_chat(chat_id[1:])
        if not chat_id.lstrip("-").isdigit():
            raise bad_request("chat not found")
        return self.chat_by_number(bot, int(chat_id))

    def public_chat(self, username: str) -> Chat:
        for chat in self.groups.values():
            if chat.username == username:
                return chat
        raise bad_request("chat not found")

    def chat_by_number(self, bot: Bot, number: int) -> Chat:
        chat = self.groups.get(number) or self.private.get((bot.user.user_id, number))
        if chat is not None and (chat.kind == "private" or bot.user.user_id in chat.members):
            return chat
        user = self.users.get(number)
        if user is not None and user.is_bot:
            raise forbidden("bot can't send messages to bots")
        if user is not None and self.have_met(bot, number):
            raise forbidden("bot can't initiate conversation with a user")
        raise bad_request("chat not found")

    def have_met(self, bot: Bot, user_id: int) -> bool:
        both = {bot.user.user_id, user_id}
        return any(both <= chat.members.keys() for chat in self.groups.values())

    def private_chat(self, bot: Bot, user: User) -> Chat:
        key = (bot.user.user_id, user.user_id)
        if key not in self.private:
            self.private[key] = Chat(user.user_id, "private", user.first_name, user.username)
        return self.private[key]

    def push(self, bot: Bot, kind: str, content: Json) -> None:
        """Queue an update for the bot, unless it didn't ask for the kind."""
        if not bot.wants(kind):
            return
        bot.last_update_id += 1
        bot.updates.append({"update_id": bot.last_update_id, kind: content})
        self.on_update(bot)

    def post(self, chat: Chat, sender: User, content: Json, thread_id: int | None = None) -> Json:
        """A new message in the chat, with the next id of that chat."""
        message: Json = {
            "message_id": chat.next_message_id(),
            "from": sender.json(),
            "chat": chat.json(),
            "date": int(time.time()),
        }
        if thread_id is not None:
            message |= {"message_thread_id": thread_id, "is_topic_message": True}
        message |= content
        self.keep(chat, message)
        return message

    def keep(self, chat: Chat, message: Json) -> None:
        chat.messages[message["message_id"]] = message
        self.on_message(chat, message)
