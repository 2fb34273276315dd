"""What a test or a person does to the fake: users act, chats change, faults are ordered."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from sales_assets_tests.fake_telegram.entities import commands
from sales_assets_tests.fake_telegram.faults import FOR_EVER, Fault, Order
from sales_assets_tests.fake_telegram.methods import change_member, push_membership, without_reply
from sales_assets_tests.fake_telegram.refusals import flood
from sales_assets_tests.fake_telegram.world import (
    CALLBACK_LIFETIME_SECONDS,
    FIRST_GROUP_ID,
    FIRST_SUPERGROUP_ID,
    FIRST_USER_ID,
    PRESENT,
    RULERS,
    Bot,
    Chat,
    Json,
    Query,
    User,
    World,
    is_from_bot,
)

DEFAULT_TOKEN = "7000000001:AAFakeTokenForTheTestsOnly_000000000"  # noqa: S105 - belongs to no bot
DEFAULT_USERNAME = "sales_report_test_bot"
#: The users that stand in `from` where a chat speaks (Bot API, `Message.sender_chat`).
ANONYMOUS_ADMIN = User(1087968824, "Group", "GroupAnonymousBot", is_bot=True)
SOME_CHANNEL = User(136817688, "Channel", "Channel_Bot", is_bot=True)


@dataclass
class Request:
    """One request as it came, and how it was answered (status 0: not answered)."""

    method: str
    token: str
    chat_id: str
    params: Json
    files: dict[str, tuple[str, int]]
    media_type: str
    status: int = 0
    description: str = ""
    at: float = field(default_factory=time.time)


@dataclass
class Pace:
    """How many sends and edits a second are let through."""

    per_second: int
    retry_after: int
    passed_at: deque[float] = field(default_factory=deque)

    def check(self, method: str) -> None:
        """Count a call to a method that writes; refuse it when the second is full."""
        if not method.lower().startswith(("send", "edit")) or method.lower() == "sendchataction":
            return
        now = time.monotonic()
        while self.passed_at and self.passed_at[0] <= now - 1:
            self.passed_at.popleft()
        if len(self.passed_at) >= self.per_second:
            raise flood(self.retry_after)
        self.passed_at.append(now)


class Control:
    """The fake's state with everything that a test may do to it and read from it."""

    def __init__(self, token: str = DEFAULT_TOKEN, username: str = DEFAULT_USERNAME) -> None:
        self.world = World()
        self.orders: list[Order] = []
        self.pace: Pace | None = None
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.token = self.add_bot(token, username)
        self.bot_username = username

    # Who there is

    def add_bot(self, token: str, username: str) -> str:
        """A bot with this token; the number before the colon is its id."""
        user = User(int(token.partition(":")[0]), username, username, is_bot=True)
        self.world.users[user.user_id] = user
        self.world.bots[token] = Bot(token, user)
        return token

    def add_user(self, first_name: str, username: str | None = None) -> int:
        with self.world.lock:
            user_id = FIRST_USER_ID + self.world.next_number()
            self.world.users[user_id] = User(user_id, first_name, username)
            return user_id

    def add_private_chat(self, first_name: str = "Chief") -> int:
        """A new user who once pressed «Start», without an update about it; the chat's id."""
        user_id = self.add_user(first_name)
        self.world.private_chat(self.bot(), self.world.users[user_id])
        return user_id

    def add_group(
        self,
        title: str = "Sales",
        owner_id: int | None = None,
        bot_status: str = "member",
    ) -> int:
        """A basic group; `bot_status`: member, administrator, restricted, left or kicked."""
        with self.world.lock:
            chat_id = FIRST_GROUP_ID - self.world.next_number()
            self.world.groups[chat_id] = Chat(chat_id, "group", title)
            return self.fill(chat_id, owner_id, bot_status)

    def add_supergroup(
        self,
        title: str = "Sales",
        owner_id: int | None = None,
        bot_status: str = "member",
        topics: dict[int, str] | None = None,
    ) -> int:
        """A supergroup, with topics if given: thread id to name."""
        with self.world.lock:
            chat_id = FIRST_SUPERGROUP_ID - self.world.next_number()
            named = {int(thread_id): name for thread_id, name in (topics or {}).items()}
            chat = Chat(chat_id, "supergroup", title, is_forum=bool(named), topics=named)
            chat.last_message_id = max(named, default=0)
            self.world.groups[chat_id] = chat
            return self.fill(chat_id, owner_id, bot_status)

    def add_channel(self, title: str = "News") -> int:
        """A channel that somebody may write in the name of."""
        with self.world.lock:
            chat_id = FIRST_SUPERGROUP_ID - self.world.next_number()
            self.world.groups[chat_id] = Chat(chat_id, "channel", title)
            return chat_id

    def fill(self, chat_id: int, owner_id: int | None, bot_status: str) -> int:
        chat = self.world.groups[chat_id]
        chat.members[owner_id or self.add_user("Owner")] = "creator"
        chat.members[self.bot().user.user_id] = bot_status
        return chat_id

    def set_member(self, chat_id: int, user_id: int, status: str) -> None:
        """Give a person a status in a group: member, administrator, left, kicked."""
        self.world.groups[chat_id].members[user_id] = status

    def bot(self, token: str | None = None) -> Bot:
        return self.world.bots[token or next(iter(self.world.bots))]

    def chat(self, chat_id: int) -> Chat:
        """The chat by its id; a private one is the default bot's."""
        private = self.world.private.get((self.bot().user.user_id, chat_id))
        return self.world.groups.get(chat_id) or private or self.open_chat(chat_id)

    def open_chat(self, user_id: int) -> Chat:
        return self.world.private_chat(self.bot(), self.world.users[user_id])

    # What users do

    def say(
        self,
        user_id: int,
        text: str,
        chat_id: int | None = None,
        thread_id: int | None = None,
        reply_to: int | None = None,
    ) -> int:
        """A user writes; the bot gets it as privacy mode allows. Returns the message's id."""
        with self.world.lock:
            chat = self.chat(chat_id or user_id)
            content: Json = {"reply_to_message": self.replied(chat, reply_to)} if reply_to else {}
            return self.write(chat, self.world.users[user_id], text, content, thread_id)

    def say_as_chat(self, speaker_id: int, text: str, group_id: int) -> int:
        """Write into a group in a chat's name: an admin in the group's own, or anybody's channel.

        Telegram does not tell who it is; a stand-in is in `from`.
        """
        with self.world.lock:
            group, speaker = self.chat(group_id), self.world.groups[speaker_id]
            sender = ANONYMOUS_ADMIN if speaker is group else SOME_CHANNEL
            return self.write(group, sender, text, {"sender_chat": speaker.json()})

    def write(
        self, chat: Chat, sender: User, text: str, more: Json, thread_id: int | None = None
    ) -> int:
        content = {"text": text} | ({"entities": found} if (found := commands(text)) else {})
        message = self.world.post(chat, sender, content | more, thread_id)
        self.tell_bots(chat, message)
        return message["message_id"]

    def replied(self, chat: Chat, message_id: int) -> Json:
        return without_reply(chat.messages[message_id])

    def start(self, user_id: int, payload: str = "") -> int:
        """A user opens the bot, by its plain link or by t.me/<bot>?start=<payload>."""
        return self.say(user_id, f"/start {payload}".strip())

    def tell_bots(self, chat: Chat, message: Json) -> None:
        for bot in self.world.bots.values():
            if self.reads(bot, chat, message):
                self.world.push(bot, "message", message)

    def reads(self, bot: Bot, chat: Chat, message: Json) -> bool:
        """Whether the bot gets the message: privacy mode is on, as for a new bot."""
        if chat.kind == "private":
            return chat is self.world.private.get((bot.user.user_id, chat.chat_id))
        status = chat.members.get(bot.user.user_id, "left")
        if status not in PRESENT:
            return False
        reply = message.get("reply_to_message", {}).get("from", {}).get("id")
        is_mine = self.is_command_for(bot, message.get("text", ""))
        return status in RULERS or reply == bot.user.user_id or is_mine or "text" not in message

    def is_command_for(self, bot: Bot, text: str) -> bool:
        first = text.split(maxsplit=1)[:1]
        name = first[0].partition("@")[2] if first else ""
        return text.startswith("/") and name in {"", bot.user.username}

    def press(self, user_id: int, chat_id: int, message_id: int, data: str) -> str:
        """A user presses the inline button with this callback_data; the query's id."""
        with self.world.lock:
            chat = self.chat(chat_id)
            message = chat.messages[message_id]
            bot = self.world.bot_by_id(message["from"]["id"])
            query_id = str(10**17 + self.world.next_number())
            expires_at = time.monotonic() + CALLBACK_LIFETIME_SECONDS
            self.world.queries[query_id] = Query(query_id, bot.user.user_id, expires_at)
            content = {
                "id": query_id,
                "from": self.world.users[user_id].json(),
                "message": message,
                "chat_instance": str(chat_id * 31),
                "data": data,
            }
            self.world.push(bot, "callback_query", content)
            return query_id

    def expire_queries(self) -> None:
        """Every pressed button becomes too old to answer."""
        for query in self.world.queries.values():
            query.expires_at = 0.0

    def query_answer(self, query_id: str) -> Json | None:
        """How the bot answered a pressed button; None if it did not (yet)."""
        return self.world.queries[query_id].answer

    def block(self, user_id: int) -> None:
        """The user blocks the bot, which is told by my_chat_member."""
        self.set_blocked(user_id, blocked=True)

    def unblock(self, user_id: int) -> None:
        self.set_blocked(user_id, blocked=False)

    def set_blocked(self, user_id: int, *, blocked: bool) -> None:
        with self.world.lock:
            chat = self.open_chat(user_id)
            chat.is_blocked = blocked
            statuses = ("member", "kicked") if blocked else ("kicked", "member")
            push_membership(self.world, self.bot(), chat, user_id, statuses)

    def deactivate(self, user_id: int) -> None:
        """The user's account is deleted; nobody is told."""
        self.world.users[user_id].is_deactivated = True

    # What happens to groups

    def add_bot_to(self, chat_id: int, by_user_id: int, status: str = "member") -> None:
        """Someone adds the bot to a group: my_chat_member and a service message."""
        with self.world.lock:
            chat = self.world.groups[chat_id]
            bot = self.bot()
            change_member(self.world, bot, chat, by_user_id, status)
            content = {"new_chat_members": [bot.user.json()]}
            self.tell_bots(chat, self.world.post(chat, self.world.users[by_user_id], content))

    def remove_bot_from(self, chat_id: int, by_user_id: int) -> None:
        """Someone kicks the bot: it is told by my_chat_member."""
        with self.world.lock:
            chat = self.world.groups[chat_id]
            change_member(self.world, self.bot(), chat, by_user_id, "kicked")

    def migrate(self, chat_id: int) -> int:
        """The group becomes a supergroup with a new id, which is returned; two messages say so."""
        with self.world.lock:
            old = self.world.groups[chat_id]
            new_id = FIRST_SUPERGROUP_ID - self.world.next_number()
            old.migrated_to = new_id
            new = Chat(new_id, "supergroup", old.title, members=dict(old.members))
            self.world.groups[new_id] = new
            owner = self.world.users[next(iter(old.members))]
            self.tell_bots(old, self.world.post(old, owner, {"migrate_to_chat_id": new_id}))
            self.tell_bots(new, self.world.post(new, owner, {"migrate_from_chat_id": chat_id}))
            return new_id

    def migrate_silently(self, chat_id: int) -> int:
        """As `migrate`, but no update reaches the bot: it learns from the refusal alone."""
        with self.world.lock:
            before = list(self.bot().updates)
            new_id = self.migrate(chat_id)
            self.bot().updates[:] = before
            return new_id

    def slow_mode(self, chat_id: int, seconds: float, left: float = 0.0) -> None:
        """Let a group take one message in so many seconds; `left` of them are still to wait."""
        chat = self.world.groups[chat_id]
        chat.slow_seconds, chat.free_at = seconds, time.monotonic() + left

    def forbid(self, chat_id: int, *methods: str, word: str = "CHAT_SEND_PHOTOS_FORBIDDEN") -> None:
        """Let a chat refuse these methods, in the upper-case words of Telegram's core."""
        self.chat(chat_id).forbidden |= {method.lower(): word for method in methods}

    def add_channel_admin(self, chat_id: int, user_id: int) -> None:
        """Let somebody own a channel."""
        self.world.groups[chat_id].members[user_id] = "creator"

    def post_in_channel(self, chat_id: int, text: str) -> int:
        """Somebody who may writes in a channel, in its name, as everybody does there."""
        with self.world.lock:
            chat = self.world.groups[chat_id]
            content: Json = {"text": text, "sender_chat": chat.json()}
            content |= {"entities": found} if (found := commands(text)) else {}
            message = self.world.post(chat, SOME_CHANNEL, content)
            del message["from"]
            for bot in self.world.bots.values():
                if chat.members.get(bot.user.user_id) in PRESENT:
                    self.world.push(bot, "channel_post", message)
            return message["message_id"]

    def delete_group(self, chat_id: int) -> None:
        self.world.groups[chat_id].is_deleted = True

    def delete_topic(self, chat_id: int, thread_id: int) -> None:
        del self.world.groups[chat_id].topics[thread_id]

    def close_topic(self, chat_id: int, thread_id: int) -> None:
        self.world.groups[chat_id].closed_topics.add(thread_id)

    # What goes wrong

    def revoke_token(self, token: str | None = None) -> None:
        """BotFather gave out a new token: the old one is 401 from now on."""
        self.bot(token).is_revoked = True
        self.world.on_update(self.bot(token))

    def forget_file(self, file_id: str) -> None:
        """The file_id is refused from now on, with all sizes of the same picture."""
        sizes = self.world.files[file_id].sizes
        for size in list(sizes):
            self.world.files.pop(size["file_id"], None)

    def order(
        self,
        fault: Fault | Json,
        method: str | None = None,
        chat_id: int | None = None,
        call: int = 1,
        times: int | None = 1,
    ) -> None:
        """Spoil the calls number `call` and the next, `times` in all (None: for ever).

        Counted are the calls from now on that match the method and the chat, if given.
        """
        found = fault if isinstance(fault, Fault) else Fault(**fault)
        with self.world.lock:
            self.orders.append(Order(found, method, chat_id, call, times or FOR_EVER))

    def limit_rate(self, per_second: int, retry_after: int = 1) -> None:
        """Answer 429 to a send or an edit beyond so many in any second, as Telegram's 30."""
        self.pace = Pace(per_second, retry_after)

    def remove_message(self, chat_id: int, message_id: int) -> None:
        """Somebody deletes a message of the chat; nobody is told."""
        del self.chat(chat_id).messages[message_id]

    def clear_orders(self) -> None:
        self.orders.clear()

    # What the bot did

    def accepted(self, chat_id: int | None = None) -> list[Json]:
        """What bots did and the service carried out, in order, in one chat or in all."""
        with self.world.lock:
            found = [asdict(one) for one in self.world.accepted]
        return [one for one in found if chat_id in {None, one["chat_id"]}]

    def messages(self, chat_id: int) -> list[Json]:
        """The messages that the chat shows now, users' and service messages included."""
        with self.world.lock:
            return [dict(message) for message in self.chat(chat_id).messages.values()]

    def from_bot(self, chat_id: int) -> list[Json]:
        """The messages of bots that the chat shows now."""
        return [message for message in self.messages(chat_id) if is_from_bot(message)]

    def download(self, file_id: str) -> bytes:
        return self.world.files[file_id].content

    def calls(self, method: str) -> list[Request]:
        return [one for one in self.requests if one.method.lower() == method.lower()]

    def pending_updates(self) -> list[Json]:
        """The updates that the bot has not confirmed yet."""
        return list(self.bot().updates)

    def wait_for(self, condition: Callable[[], Any], seconds: float = 5.0) -> Any:
        """The condition's value once it is true; AssertionError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"still not so after {seconds} s; requests: {self.requests}")
            time.sleep(0.01)
        return value
