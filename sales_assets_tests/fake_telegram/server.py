"""A stateful fake of the Telegram Bot API over real HTTP on loopback.

In a test::

    with FakeTelegram() as fake:
        chat_id = fake.add_private_chat()
        request_under_test(base_url=fake.base_url, token=fake.token)   # PTB's base_url
        assert [one["method"] for one in fake.accepted(chat_id)] == ["sendPhoto"]
        assert fake.violations == []                                   # aiogram's models agree

`base_url` is for python-telegram-bot (also `base_file_url`), `url` for aiogram:
`AiohttpSession(api=TelegramAPIServer.from_base(fake.url))`. Faults, by method, chat and number::

    fake.order(faults.accept_then_fail(500), "sendPhoto", chat_id)          # the next one
    fake.order(faults.flood(3), "sendPhoto", call=2, times=None)            # 2nd and ever after
    fake.order(faults.accept_then_silence(), chat_id=chat_id)               # read timeout
    fake.order(faults.flood(3600), chat_id=chat_id, times=None)             # that chat alone
    fake.order(faults.accept_then_call_it(message_id=0), chat_id=chat_id)   # sent later
    fake.stop_serving(); fake.start_serving()                               # down for a while

Users act by `say`, `start(user, invite)`, `press(user, chat, message, data)`, `block`, groups by
`add_bot_to`, `remove_bot_from`, `migrate`, `migrate_silently`, `delete_topic`, `slow_mode`,
`forbid`; see `Control`.
What came: `accepted(chat)` in order, `messages(chat)` and `from_bot(chat)` as shown now, `requests`
raw, `wait_for(condition)`. `limit_rate(30)` answers 429 beyond that pace. Bytes are spoiled by a
proxy in front, each plan for one exchange::

    with Wire(fake.port) as wire:                                           # use wire.base_url
        wire.plan(Plan("answer", "headers", "reset", method="sendPhoto"))   # accepted, then RST
        wire.plan(Plan("request", "body", "close"))                         # cut in mid upload
        wire.refuse()                                                       # until wire.listen()

As a process, to try the bot without the network, with a page that shows the chats and lets one
write, press and add the bot; the chats are mirrored in the folder::

    python -m sales_assets_tests.fake_telegram --port 8081 --folder var/telegram

The methods of `Control` in CONTROLS are there as POST /control/<name> with a JSON object of
their arguments; `remote.RemoteFake(url)` calls them from another process under the same names.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from sales_assets_tests.fake_telegram.calls import MAX_BODY_BYTES, Call, read_call
from sales_assets_tests.fake_telegram.control import (
    DEFAULT_TOKEN,
    DEFAULT_USERNAME,
    Control,
    Request,
)
from sales_assets_tests.fake_telegram.faults import Fault, first_fault
from sales_assets_tests.fake_telegram.methods import METHODS, allow, take_updates
from sales_assets_tests.fake_telegram.mirror import Mirror
from sales_assets_tests.fake_telegram.page import add_page
from sales_assets_tests.fake_telegram.refusals import (
    OTHER_POLLER,
    WEBHOOK_ACTIVE,
    WEBHOOK_SET,
    Refusal,
    conflict,
    not_found,
    unauthorized,
)
from sales_assets_tests.fake_telegram.witness import violations
from sales_assets_tests.fake_telegram.world import Bot, Json

LOOPBACK = "127.0.0.1"
LONGEST_POLL_SECONDS = 50


class Poll:
    """A getUpdates that waits: woken by an update, ended by a second poller or a webhook."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.refusal: Refusal | None = None


class FakeTelegram(Control):
    """The fake with its server, in a thread of its own; a context manager."""

    def __init__(
        self,
        port: int = 0,
        folder: Path | None = None,
        token: str | None = None,
        username: str = DEFAULT_USERNAME,
    ) -> None:
        super().__init__(token or DEFAULT_TOKEN, username)
        self.port = port
        self.polls: dict[int, Poll] = {}
        self.thread: threading.Thread | None = None
        self.world.on_update = self.wake
        if folder is not None:
            self.world.on_message = Mirror(self.world, folder).write

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self.url}/file/bot"

    # Start and end

    def __enter__(self) -> Self:
        self.start_serving()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_serving()

    def start_serving(self) -> None:
        """Listen, on the same port as before if there was one; OSError if it is taken."""
        self.ready = threading.Event()
        self.failure: OSError | None = None
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), name="telegram")
        self.thread.start()
        self.ready.wait(10)
        if self.failure is not None:
            self.thread.join(10)
            raise self.failure

    def stop_serving(self) -> None:
        """End every connection and stop; what the service remembers stays."""
        if self.thread is not None:
            self.tell_loop(self.stopping.set)
            self.thread.join(10)

    def tell_loop(self, callback: Callable[..., None], *arguments: Any) -> None:
        """Run a callback in the server's thread; nothing happens where it does not run."""
        if self.thread is not None and self.thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(callback, *arguments)

    async def serve(self) -> None:
        """Run until `stopping` is set; then end every request that still waits."""
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        runner = web.AppRunner(self.application(), shutdown_timeout=0.2, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, self.port).start()
            self.port = runner.addresses[0][1]
            self.ready.set()
            await self.stopping.wait()
        except OSError as error:
            self.failure = error
        finally:
            self.ready.set()
            for poll in self.polls.values():
                poll.woken.set()
            await runner.cleanup()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/bot{token}/{method}", self.answer)
        application.router.add_get("/file/bot{token}/{path:.+}", self.send_file)
        application.router.add_post("/control/{name}", self.control)
        add_page(application, self)
        application.router.add_route("*", "/{rest:.*}", self.nothing_here)
        return application

    async def nothing_here(self, _request: web.Request) -> web.Response:
        return answer_json(not_found().body(), 404)

    # Bot API

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            call = await read_call(request)
        except Refusal as refusal:
            return self.refusal(refusal, None)
        entry = self.note(request, call)
        with self.world.lock:
            fault = first_fault(self.orders, call.method, call.text("chat_id"))
        if fault is None:
            return await self.carry_out(request.match_info["token"], call, entry)
        return await self.spoil(request, call, entry, fault)

    def note(self, request: web.Request, call: Call) -> Request:
        files = {name: (file.name, len(file.content)) for name, file in call.files.items()}
        entry = Request(
            method=call.method,
            token=request.match_info["token"],
            chat_id=call.text("chat_id"),
            params=call.params,
            files=files,
            media_type=request.content_type,
        )
        self.requests.append(entry)
        if call.method.lower() in METHODS or call.method.lower() == "getupdates":
            self.violations += violations(call)
        return entry

    async def carry_out(self, token: str, call: Call, entry: Request) -> web.Response:
        try:
            result = await self.result(token, call)
        except Refusal as refusal:
            return self.refusal(refusal, entry)
        entry.status = 200
        return answer_json({"ok": True, "result": result}, 200)

    def refusal(self, refusal: Refusal, entry: Request | None) -> web.Response:
        if entry is not None:
            entry.status, entry.description = refusal.status, refusal.description
        retry_after = refusal.parameters.get("retry_after")
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        return answer_json(refusal.body(), refusal.status, headers)

    async def result(self, token: str, call: Call) -> Any:
        check_token(token)
        with self.world.lock:
            bot = self.world.bot(token)
        if call.method.lower() == "getupdates":
            return await self.get_updates(bot, call)
        method = METHODS.get(call.method.lower())
        if method is None:
            raise not_found("Not Found: method not found")
        with self.world.lock:
            if self.pace is not None:
                self.pace.check(call.method)
            return method(self.world, bot, call)

    async def spoil(
        self, request: web.Request, call: Call, entry: Request, fault: Fault
    ) -> web.StreamResponse:
        answer: web.Response | None = None
        if fault.accept:
            answer = await self.carry_out(request.match_info["token"], call, entry)
        if fault.overrides and answer is not None and answer.text:
            body = json.loads(answer.text)
            answer = answer_json(body | {"result": body["result"] | fault.overrides}, 200)
        entry.status = 0
        await self.pause(fault.delay_seconds)
        if fault.hang_up:
            return hang_up(request)
        if fault.status is not None:
            answer = spoiled_answer(fault)
        if answer is None:
            answer = await self.carry_out(request.match_info["token"], call, entry)
        entry.status = answer.status
        return answer

    async def pause(self, seconds: float) -> None:
        """Wait, but never longer than the fake lives."""
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), seconds)

    # Long polling

    async def get_updates(self, bot: Bot, call: Call) -> list[Json]:
        """The updates from the offset on; waits for one; a newer poller ends an older one."""
        if bot.webhook_url:
            raise conflict(WEBHOOK_ACTIVE)
        self.end_poll(bot, conflict(OTHER_POLLER))
        with self.world.lock:
            allow(bot, call)
            updates = take_updates(bot, call)
        timeout = min(call.integer("timeout"), LONGEST_POLL_SECONDS)
        if updates or timeout <= 0:
            return updates
        await self.wait_for_update(bot, timeout)
        with self.world.lock:
            return take_updates(bot, call)

    async def wait_for_update(self, bot: Bot, seconds: float) -> None:
        poll = self.polls[bot.user.user_id] = Poll()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(poll.woken.wait(), seconds)
        finally:
            if self.polls.get(bot.user.user_id) is poll:
                del self.polls[bot.user.user_id]
        if poll.refusal is not None:
            raise poll.refusal

    def end_poll(self, bot: Bot, refusal: Refusal) -> None:
        poll = self.polls.get(bot.user.user_id)
        if poll is not None:
            poll.refusal = refusal
            poll.woken.set()

    def wake(self, bot: Bot) -> None:
        """Called from any thread when an update came for the bot, or its polling must end."""
        self.tell_loop(self.wake_poll, bot)

    def wake_poll(self, bot: Bot) -> None:
        if bot.is_revoked:
            self.end_poll(bot, unauthorized())
        elif bot.webhook_url:
            self.end_poll(bot, conflict(WEBHOOK_SET))
        elif poll := self.polls.get(bot.user.user_id):
            poll.woken.set()

    # Files and control

    async def send_file(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        try:
            bot = self.world.bot(request.match_info["token"])
        except Refusal as refusal:
            return self.refusal(refusal, None)
        for file in self.world.files.values():
            if file.path() == path and file.bot_id == bot.user.user_id:
                return web.Response(body=file.content, content_type="application/octet-stream")
        return answer_json(not_found().body(), 404)

    async def control(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            result = self.perform(name, await request.json())
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return answer_json({"error": f"{type(error).__name__}: {error}"}, 400)
        return web.Response(text=to_json(result), content_type="application/json")

    def perform(self, name: str, arguments: Json) -> Any:
        """A method of Control by its name, or one of its lists."""
        if name not in CONTROLS:
            raise ValueError(f"no control {name!r}; there are {sorted(CONTROLS)}")
        found = getattr(self, name)
        return found(**arguments) if callable(found) else found


CONTROLS = frozenset(
    {
        "accepted",
        "add_bot",
        "add_bot_to",
        "add_group",
        "add_private_chat",
        "add_supergroup",
        "add_user",
        "block",
        "calls",
        "clear_orders",
        "close_topic",
        "deactivate",
        "delete_group",
        "delete_topic",
        "expire_queries",
        "limit_rate",
        "remove_message",
        "forbid",
        "forget_file",
        "from_bot",
        "messages",
        "migrate",
        "migrate_silently",
        "order",
        "pending_updates",
        "press",
        "query_answer",
        "remove_bot_from",
        "requests",
        "revoke_token",
        "say",
        "set_member",
        "slow_mode",
        "start",
        "token",
        "unblock",
        "violations",
    }
)


def check_token(token: str) -> None:
    """What does not look like a token at all is 404 at the public service."""
    number, colon, secret = token.partition(":")
    if not (number.isdigit() and colon and secret):
        raise not_found()


def answer_json(body: Json, status: int, headers: dict[str, str] | None = None) -> web.Response:
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def spoiled_answer(fault: Fault) -> web.Response:
    return web.Response(
        text=fault.body,
        status=fault.status or 200,
        headers=fault.headers,
        content_type=fault.media_type,
    )


def hang_up(request: web.Request) -> web.Response:
    """End the connection without a byte of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=vars)
