"""Telegram's Bot API through python-telegram-bot: requests, what came back, no token anywhere."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import NetworkError, TelegramError
from telegram.request import HTTPXRequest

from sales_assets.core.delivery.messages import Keyboard, Message, plain_text
from sales_assets.core.delivery.rules import Answer, Fault
from sales_assets.core.errors import SalesAssetsError

PUBLIC_BASE_URL = "https://api.telegram.org/bot"
#: The longest that one request may take; the ledger's lease is longer.
REQUEST_SECONDS = 150.0
_CONNECT, _READ, _WRITE, _MEDIA_WRITE, _POOL = 10.0, 60.0, 30.0, 60.0, 10.0
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
_HIDDEN = "<bot token>"

# The body has not left in full, or nothing was connected: no server can have accepted it.
_NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
)
# What httpcore's own words for a proxy's refusal contain where waiting will not help.
_NEEDS_A_PERSON = ("401", "403", "407", "authentication", "username/password", "not allowed")
# A SOCKS proxy that hangs up or talks nonsense: httpx lets its library's own error through.
_SOCKS_NONSENSE = "socksio."
_SETTINGS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)


class TelegramSettingError(SalesAssetsError):
    """A setting of the Telegram connection cannot be used."""


@dataclass
class Recording:
    """What the requests of one call brought: the last one's status and body, or its fault."""

    answer: Answer = field(default_factory=lambda: Answer(fault=Fault.LOST, detail="no request"))


class AnswerRecordedError(TelegramError):
    """Ends a recorded call: its answer is weighed by our own rules, not parsed by PTB.

    PTB's own reading of an answer drops the status, fails on strange bodies in ways of its own
    and warns of its deprecated `retry_after`.
    """


_recording: ContextVar[Recording | None] = ContextVar("_recording", default=None)


@contextlib.contextmanager
def recorded() -> Iterator[Recording]:
    """Record the answer to the request made inside, which ends with `AnswerRecordedError`.

    Calls side by side have recordings of their own.
    """
    recording = Recording()
    reset = _recording.set(recording)
    try:
        yield recording
    finally:
        _recording.reset(reset)


class RecordingRequest(HTTPXRequest):
    """PTB's request; inside `recorded` it hands over the HTTP status and body that PTB drops.

    Proxies come from the setting alone, never from the environment of the process: a token must
    not travel through a proxy that nobody set for it.
    """

    def __init__(self, *, proxy: str | None = None, connections: int = 16) -> None:
        super().__init__(
            connection_pool_size=connections,
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            write_timeout=_WRITE,
            media_write_timeout=_MEDIA_WRITE,
            pool_timeout=_POOL,
            proxy=proxy,
            httpx_kwargs={"trust_env": False},
        )

    async def do_request(self, *arguments: Any, **named: Any) -> tuple[int, bytes]:
        """Make the request; its answer goes to the `recorded` block around it, if any."""
        recording = _recording.get()
        if recording is None:
            return await super().do_request(*arguments, **named)
        try:
            recording.answer = Answer(*await super().do_request(*arguments, **named))
        except NetworkError as error:
            recording.answer = _fault(error.__cause__ or error)
        except Exception as error:  # noqa: BLE001 - a client's fault is an answer, too: a doubt
            recording.answer = _fault(error)
        raise AnswerRecordedError("recorded") from None


def _fault(cause: BaseException) -> Answer:
    name = type(cause).__name__
    if isinstance(cause, httpx.ProxyError):
        # A proxy that asks for a password or forbids the way needs a person; else it is a fault.
        needs_person = any(word in str(cause) for word in _NEEDS_A_PERSON)
        kind = Fault.PROXY_REFUSED if needs_person else Fault.NOT_CONNECTED
        return Answer(fault=kind, detail=f"the proxy in SALES_ASSETS_TELEGRAM_PROXY: {cause}")
    if isinstance(cause, _NOT_CONNECTED) or type(cause).__module__.startswith(_SOCKS_NONSENSE):
        return Answer(fault=Fault.NOT_CONNECTED, detail=f"{name}: nothing was sent")
    if isinstance(cause, _SETTINGS):
        detail = f"{name}: check SALES_ASSETS_TELEGRAM_BASE_URL and SALES_ASSETS_TELEGRAM_PROXY"
        return Answer(fault=Fault.SETTING, detail=detail)
    return Answer(fault=Fault.LOST, detail=f"{name}: the connection broke before the answer")


class TelegramTransport:
    """Sends messages with one request each and returns what came back.

    Entered once, inside the event loop of its dispatch: a fresh connection pool each time.
    """

    def __init__(
        self, token: str, *, base_url: str | None = None, proxy: str | None = None
    ) -> None:
        check_telegram_settings(token, base_url)
        hide_from_logs(token)
        self._token = token
        self._base_url = base_url
        self._proxy = proxy
        self._bot: Bot | None = None
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the connections; `async with Bot` would put the token into its exceptions."""
        request = new_request(self._proxy)
        await self._exit.enter_async_context(request)
        self._bot = new_bot(self._token, request, self._base_url)
        return self

    async def __aexit__(self, *fault: object) -> None:
        """Close the connections."""
        await self._exit.aclose()

    async def send(self, chat: int, thread: int, message: Message) -> Answer:
        """Send `message`, as photo, document or text."""
        return await self._answer(self._send(chat, thread, message))

    async def edit(self, chat: int, message_id: int, message: Message) -> Answer:
        """Give the message the picture and text of `message`, or the text alone."""
        return await self._answer(self._edit(chat, message_id, message))

    async def _answer(self, call: Awaitable[Any]) -> Answer:
        with recorded() as recording:
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    await call
            except TimeoutError:
                return Answer(fault=Fault.LOST, detail=f"no answer in {REQUEST_SECONDS:.0f} s")
            except AnswerRecordedError:
                pass
        return _without(self._token, recording.answer)

    async def _send(self, chat: int, thread: int, message: Message) -> None:
        common: dict[str, Any] = {
            "chat_id": chat,
            "message_thread_id": thread or None,
            "disable_notification": message.is_silent,
            "reply_markup": keyboard(message.buttons),
            "reply_parameters": _reply(message),
        }
        text, parse_mode = _text(message)
        if message.media is None:
            await self._the_bot.send_message(text=text, parse_mode=parse_mode, **common)
            return
        method = "send_document" if message.as_document else "send_photo"
        common |= {message.media: _file(message), "caption": text, "parse_mode": parse_mode}
        await getattr(self._the_bot, method)(**common)

    async def _edit(self, chat: int, message_id: int, message: Message) -> None:
        target: dict[str, Any] = {
            "chat_id": chat,
            "message_id": message_id,
            "reply_markup": keyboard(message.buttons),
        }
        text, parse_mode = _text(message)
        if message.media is None:
            words = {"caption": text} if message.edits_caption else {"text": text}
            method = "edit_message_caption" if message.edits_caption else "edit_message_text"
            await getattr(self._the_bot, method)(**words, parse_mode=parse_mode, **target)
            return
        kind = InputMediaDocument if message.as_document else InputMediaPhoto
        media = kind(_file(message), caption=text, parse_mode=parse_mode)
        await self._the_bot.edit_message_media(media=media, **target)

    @property
    def _the_bot(self) -> Bot:
        if self._bot is None:
            raise RuntimeError("TelegramTransport is used outside its `async with` block")
        return self._bot


def new_request(proxy: str | None, connections: int = 16) -> RecordingRequest:
    """Return a request object for one event loop.

    Raises:
        TelegramSettingError: the proxy address cannot be used; it is not shown.
    """
    try:
        return RecordingRequest(proxy=proxy, connections=connections)
    except (ValueError, RuntimeError, httpx.InvalidURL):
        raise TelegramSettingError(
            "SALES_ASSETS_TELEGRAM_PROXY is not an address that can be used; expected something "
            "like http://127.0.0.1:3128 or socks5://user:password@host:1080."
        ) from None


def new_bot(token: str, request: RecordingRequest, base_url: str | None = None) -> Bot:
    """Return a bot on `request`; never enter it with `async with`: use the request's block."""
    address = base_url or PUBLIC_BASE_URL
    return Bot(token, address, request=request, get_updates_request=request)


def check_telegram_settings(token: str, base_url: str | None) -> None:
    """Check what can be seen without a request.

    Raises:
        TelegramSettingError: a token that no bot can have, or a base URL that would not be the
            address of a Bot API server; the token is not shown.
    """
    if not _TOKEN.fullmatch(token):
        raise TelegramSettingError(
            "SALES_ASSETS_TELEGRAM_BOT_TOKEN does not look like a token: expected digits, a colon "
            "and letters, as BotFather wrote them, without spaces or quotes."
        )
    if base_url is not None and not re.fullmatch(r"https?://\S+/bot", base_url):
        raise TelegramSettingError(
            f"SALES_ASSETS_TELEGRAM_BASE_URL is {base_url!r}, but an address that ends in /bot was "
            "expected, like http://127.0.0.1:8081/bot."
        )


def _text(message: Message) -> tuple[str, str | None]:
    if message.is_plain:
        return plain_text(message.html), None
    return message.html, ParseMode.HTML


def _file(message: Message) -> str | InputFile:
    if message.file_id is not None:
        return message.file_id
    name = f"{message.day.isoformat()}.png"
    return InputFile(message.picture or b"", filename=name, attach=True)


def keyboard(buttons: Keyboard) -> InlineKeyboardMarkup | None:
    """Return the buttons in python-telegram-bot's form; None where there are none."""
    rows = [[InlineKeyboardButton(b.text, callback_data=b.data) for b in row] for row in buttons]
    return InlineKeyboardMarkup(rows) if rows else None


def _reply(message: Message) -> ReplyParameters | None:
    if message.reply_to is None:
        return None
    return ReplyParameters(message.reply_to, allow_sending_without_reply=True)


def _without(token: str, answer: Answer) -> Answer:
    """Return `answer` without the token: a server on the way may repeat the address."""
    body = answer.body.replace(token.encode(), _HIDDEN.encode())
    return Answer(answer.status, body, answer.fault, answer.detail.replace(token, _HIDDEN))


# --- The token stays out of the logs ------------------------------------------------------------

_hidden: set[str] = set()


def hide_from_logs(secret: str) -> None:
    """Keep `secret` out of every log record of this process, tracebacks included.

    A filter on a logger misses the records of the loggers below it, one on a handler those of
    handlers added later; the factory of records misses none.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    is_first = not _hidden
    _hidden.add(secret)
    if is_first:
        make = logging.getLogRecordFactory()
        logging.setLogRecordFactory(lambda *args, **named: _redacted(make(*args, **named)))


def _redacted(record: logging.LogRecord) -> logging.LogRecord:
    if record.exc_info and record.exc_info[0] is not None:
        trace = logging.Formatter().formatException(record.exc_info)
        if _hide(trace) != trace:
            record.exc_text, record.exc_info = _hide(trace), None
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # the caller's mistake, which a handler reports
        message = f"{record.msg} {record.args}"
    if _hide(message) != message:
        record.msg, record.args = _hide(message), None
    return record


def _hide(text: str) -> str:
    for secret in _hidden:
        text = text.replace(secret, _HIDDEN)
    return text
