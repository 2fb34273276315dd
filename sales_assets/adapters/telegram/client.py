"""The one client of the Bot API: a request goes out, an answer comes back, no token anywhere."""

import asyncio
import json
import re
import socket
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Self, cast

import httpx
from telegram.error import NetworkError
from telegram.request import HTTPXRequest, RequestData

from sales_assets.adapters.telegram.answers import is_id, read_answer
from sales_assets.adapters.telegram.secrecy import hidden, hide_from_logs, shown_url
from sales_assets.core.delivery.messages import Keyboard, Message, plain_text
from sales_assets.core.delivery.rows import Answer, Outcome, Place
from sales_assets.core.errors import SalesAssetsError

PUBLIC_BASE_URL = "https://api.telegram.org/bot"
#: The longest that one request may take; the ledger's lease is longer.
REQUEST_SECONDS = 150.0
#: How long Telegram holds a request for updates open; a dead connection is noticed soon after.
POLL_SECONDS = 25
_CONNECT, _READ, _WRITE, _MEDIA_WRITE, _POOL = 10.0, 60.0, 30.0, 60.0, 10.0
_POLL_READ_SECONDS = 10.0
#: For requests that a person waits for; nothing big travels with them.
_QUICK_SECONDS = 10.0
_ATTACHED = "attach://file"
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
#: What waits in the kernel counts as sent: the less that is, the better one knows what was not.
_SOCKET_OPTIONS = ((socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024),)

_NEVER_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# What httpcore's own words for a proxy's refusal contain where waiting will not help.
_NEEDS_A_PERSON = ("401", "403", "407", "authentication", "username/password", "not allowed")
# A SOCKS proxy that hangs up or talks nonsense: httpx lets its library's own error through.
_SOCKS_NONSENSE = "socksio."
_SETTINGS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)


class BotApi:
    """The Bot API; entered once, inside its event loop: a fresh connection pool each time.

    A fault of the network is an answer, too. No method raises for what the service says, and what
    it says is rid of every token before it is read.
    """

    def __init__(
        self, token: str, *, base_url: str | None = None, proxy: str | None = None
    ) -> None:
        check_telegram_settings(token, base_url)
        hide_from_logs(token)
        self._token = token
        self._base_url = base_url or PUBLIC_BASE_URL
        #: Where the service is, as it may be shown.
        self.address = shown_url(self._base_url)
        self._proxy = proxy
        self._request: HTTPXRequest | None = None

    async def __aenter__(self) -> Self:
        self._request = await _new_request(self._proxy).__aenter__()
        return self

    async def __aexit__(self, *fault: object) -> None:
        if self._request is not None:
            await self._request.shutdown()

    # --- Messages ---

    async def send(self, place: Place, message: Message) -> Answer:
        """Send `message`, as photo, document or text."""
        reply = {"message_id": message.reply_to, "allow_sending_without_reply": True}
        fields: dict[str, Any] = {
            "chat_id": place.chat,
            "message_thread_id": place.thread or None,
            "disable_notification": message.is_silent or None,
            "reply_markup": _markup(message.buttons),
            "reply_parameters": None if message.reply_to is None else reply,
        }
        if message.media is None:
            # A preview would let the service open the CRM's address.
            has_links = "<a href=" in message.html
            fields["link_preview_options"] = {"is_disabled": True} if has_links else None
            return await self.call("sendMessage", fields | _text(message, "text"), chat=place.chat)
        method = "sendDocument" if message.as_document else "sendPhoto"
        fields |= _text(message, "caption") | {message.media: message.file_id or _ATTACHED}
        return await self.call(method, fields, chat=place.chat, upload=_upload(message))

    async def edit(self, place: Place, message_id: int, message: Message) -> Answer:
        """Give the message the picture and text of `message`, or the text alone."""
        fields: dict[str, Any] = {
            "chat_id": place.chat,
            "message_id": message_id,
            "reply_markup": _markup(message.buttons),
        }
        if message.media is None:
            name = "caption" if message.edits_caption else "text"
            method = "editMessageCaption" if message.edits_caption else "editMessageText"
            return await self.call(method, fields | _text(message, name), chat=place.chat)
        media = {"type": message.media, "media": message.file_id or _ATTACHED} | _text(
            message, "caption"
        )
        fields["media"] = {name: value for name, value in media.items() if value is not None}
        return await self.call("editMessageMedia", fields, chat=place.chat, upload=_upload(message))

    # --- What else the bot asks for ---

    async def updates(self, offset: int | None, kinds: tuple[str, ...]) -> Answer:
        """Wait for updates; the result is the list of them as they came."""
        fields = {"offset": offset, "timeout": POLL_SECONDS, "allowed_updates": list(kinds)}
        return await self.call("getUpdates", fields, seconds=POLL_SECONDS + _POLL_READ_SECONDS)

    async def identity(self) -> Answer:
        """Ask who the bot is; the result has its id and its username."""
        return _with(await self.call("getMe", seconds=_QUICK_SECONDS), id=int, username=str)

    async def webhook(self) -> Answer:
        """Ask for the address to which Telegram pushes updates; the result has it as url."""
        return _with(await self.call("getWebhookInfo", seconds=_QUICK_SECONDS), url=str)

    async def register(self, commands: Mapping[str, str]) -> Answer:
        """Tell Telegram the commands, so that its apps offer them."""
        listed = [{"command": name, "description": words} for name, words in commands.items()]
        return await self.call("setMyCommands", {"commands": listed}, seconds=_QUICK_SECONDS)

    async def member(self, chat: int, user: int) -> Answer:
        """Ask what the user is in the group; the result has it as status."""
        fields = {"chat_id": chat, "user_id": user}
        answer = await self.call("getChatMember", fields, seconds=_QUICK_SECONDS)
        return _with(answer, status=str)

    async def answer_pressed(self, query: str, text: str, *, is_alert: bool) -> Answer:
        """Settle a pressed button, with a word if there is one."""
        fields = {"callback_query_id": query, "text": text or None, "show_alert": is_alert or None}
        return await self.call("answerCallbackQuery", fields)

    async def leave(self, chat: int) -> Answer:
        """Leave a group."""
        return await self.call("leaveChat", {"chat_id": chat})

    # --- One request ---

    async def call(
        self,
        method: str,
        fields: Mapping[str, Any] | None = None,
        *,
        chat: int | None = None,
        upload: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Make one request and return what its answer means; `chat` as in `read_answer`."""
        if self._request is None:
            raise RuntimeError("BotApi is used outside its `async with` block")
        _progress.set(progress := [_UNSEEN])
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                status, body = await self._request.do_request(
                    f"{self._base_url}{self._token}/{method}",
                    "POST",
                    cast("RequestData", _Fields(fields or {}, upload)),
                    read_timeout=seconds or _READ,
                )
        except TimeoutError:
            return _broken(progress, f"no answer in {REQUEST_SECONDS:.0f} s")
        except NetworkError as error:
            return _fault(error.__cause__ or error, progress)
        except Exception as error:  # noqa: BLE001 - a client's fault is an answer, too: a doubt
            return _fault(error, progress)
        return read_answer(status, hidden(body.decode(errors="replace")).encode(), chat)


def _with(answer: Answer, **fields: type) -> Answer:
    """Return `answer`; a result without these fields, of these types, comes from somebody else."""
    found = answer.result if isinstance(answer.result, dict) else {}
    fits = (
        is_id(found.get(name)) if kind is int else isinstance(found.get(name), kind)
        for name, kind in fields.items()
    )
    if answer.outcome is Outcome.SENT and not all(fits):
        return Answer(Outcome.UNKNOWN, "the result is not what was asked for", answer.status)
    return answer


class _Fields:
    """What `do_request` reads of a RequestData: the fields, encoded, and the file parts."""

    def __init__(self, fields: Mapping[str, Any], upload: Mapping[str, Any] | None) -> None:
        self.json_parameters = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in fields.items()
            if value is not None
        }
        self.multipart_data = dict(upload or {})
        self.contains_files = bool(upload)


# --- How far a request came ----------------------------------------------------------------------

_UNSEEN, _LEAVING, _WHOLE = "unseen", "leaving", "whole"
_progress: ContextVar[list[str] | None] = ContextVar("_progress", default=None)


async def _watch(request: httpx.Request) -> None:
    """Let httpx's trace of the request tell how far it came (httpx, "Extensions", "trace")."""
    progress = _progress.get() or [_UNSEEN]

    async def trace(event: str, _info: Mapping[str, Any]) -> None:
        # A proxy's own request comes first: the last one counts.
        if event.endswith("send_request_headers.started"):
            progress[0] = _LEAVING
        elif event.endswith("send_request_body.complete"):
            progress[0] = _WHOLE

    request.extensions["trace"] = trace


def _broken(progress: list[str], cause: str) -> Answer:
    if progress[0] == _LEAVING:
        reason = f"{cause}: the connection broke before the whole request had left"
        return Answer(Outcome.NOT_SENT, reason)
    return Answer(Outcome.UNKNOWN, f"{cause}: the connection broke before the answer")


def _fault(cause: BaseException, progress: list[str]) -> Answer:
    name = type(cause).__name__
    if isinstance(cause, httpx.ProxyError):
        # A proxy that asks for a password or forbids the way needs a person; else it is a fault.
        needs_person = any(word in str(cause) for word in _NEEDS_A_PERSON)
        outcome = Outcome.STOP if needs_person else Outcome.NOT_SENT
        return Answer(outcome, hidden(f"the proxy in SALES_ASSETS_TELEGRAM_PROXY: {cause}"))
    if isinstance(cause, _NEVER_CONNECTED) or type(cause).__module__.startswith(_SOCKS_NONSENSE):
        return Answer(Outcome.NOT_SENT, f"{name}: nothing was sent")
    if isinstance(cause, _SETTINGS):
        reason = f"{name}: check SALES_ASSETS_TELEGRAM_BASE_URL and SALES_ASSETS_TELEGRAM_PROXY"
        return Answer(Outcome.STOP, reason)
    return _broken(progress, name)


def _new_request(proxy: str | None) -> HTTPXRequest:
    """Return python-telegram-bot's request for one event loop.

    Proxies come from the setting alone, never from the environment of the process: a token must
    not travel through a proxy that nobody set for it.
    """
    try:
        return HTTPXRequest(
            connection_pool_size=64,
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            write_timeout=_WRITE,
            media_write_timeout=_MEDIA_WRITE,
            pool_timeout=_POOL,
            proxy=proxy,
            socket_options=_SOCKET_OPTIONS,
            httpx_kwargs={"trust_env": False, "event_hooks": {"request": [_watch]}},
        )
    except (ValueError, RuntimeError, httpx.InvalidURL):
        raise SalesAssetsError(
            "SALES_ASSETS_TELEGRAM_PROXY is not an address that can be used; expected something "
            "like http://127.0.0.1:3128 or socks5://user:password@host:1080."
        ) from None


def check_telegram_settings(token: str, base_url: str | None) -> None:
    """Check what can be seen without a request.

    Raises:
        SalesAssetsError: a token that no bot can have, or a base URL that would not be the address
            of a Bot API server; no token is shown.
    """
    if not _TOKEN.fullmatch(token):
        raise SalesAssetsError(
            "SALES_ASSETS_TELEGRAM_BOT_TOKEN does not look like a token: expected digits, a colon "
            "and letters, as BotFather wrote them, without spaces or quotes."
        )
    if base_url is None:
        return
    if hidden(base_url, [token]) != base_url:
        raise SalesAssetsError(
            "SALES_ASSETS_TELEGRAM_BASE_URL holds a bot token. It ends in /bot, like "
            "http://127.0.0.1:8081/bot; the token belongs into SALES_ASSETS_TELEGRAM_BOT_TOKEN."
        )
    if not re.fullmatch(r"https?://\S+/bot", base_url):
        raise SalesAssetsError(
            f"SALES_ASSETS_TELEGRAM_BASE_URL is {shown_url(base_url)!r}, but an address that ends "
            "in /bot was expected, like http://127.0.0.1:8081/bot."
        )


# --- The fields of a message ---------------------------------------------------------------------


def _text(message: Message, name: str) -> dict[str, Any]:
    if message.is_plain:
        return {name: plain_text(message.html)}
    return {name: message.html, "parse_mode": "HTML"}


def _upload(message: Message) -> dict[str, Any] | None:
    if message.file_id is not None or message.file is None:
        return None
    media_type = "image/png" if message.is_picture else "application/octet-stream"
    return {"file": (message.file_name, message.file, media_type)}


def _markup(buttons: Keyboard) -> dict[str, Any] | None:
    rows = [[{"text": one.text, "callback_data": one.data} for one in row] for row in buttons]
    return {"inline_keyboard": rows} if rows else None
