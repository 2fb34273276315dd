"""The bot as a program: takes Telegram's updates one after another and answers them."""

import asyncio
import json
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any, NoReturn, TypeGuard, TypeVar

from sales_assets.adapters.files.archive import Archive
from sales_assets.adapters.files.frames import FrameStore, StorageError
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state.bot import BotState, Owed
from sales_assets.adapters.state.database import WITNESS, StateDatabase, StateError, open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.adapters.telegram.answers import is_id
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.adapters.telegram.pace import Clock
from sales_assets.adapters.telegram.secrecy import hidden
from sales_assets.adapters.telegram.updates import ADMINISTRATORS, ALLOWED, read_update
from sales_assets.bot.handlers import Context, Handlers
from sales_assets.bot.sender import Sender
from sales_assets.core import names
from sales_assets.core.bot.access import fair_order
from sales_assets.core.bot.incoming import Incoming
from sales_assets.core.delivery.rows import Answer, Outcome, Place, Reader
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.russian import bot as ru

LOG = logging.getLogger(__name__)
EXIT_OK = 0
#: The token is not known, or nothing that speaks the Bot API answers at the address.
EXIT_STOPPED = 4
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 60.0
#: An odd answer to a request for updates ends the bot only if it comes so often, for so long.
MOST_ODD_ANSWERS, LONGEST_ODDNESS = 10, timedelta(minutes=5)
#: What is under way at the end may take so long.
FAREWELL_SECONDS = 8.0

_T = TypeVar("_T")


def run(settings: Settings) -> int:
    """Run the bot until SIGTERM or SIGINT; return the exit code.

    `EXIT_STOPPED` where Telegram does not know the token or nothing answers at the base URL.

    Raises:
        SalesAssetsError: no token, an unusable setting, a state that cannot be opened.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    _load_what_replies_need()
    return asyncio.run(_until_signal(settings))


async def _until_signal(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await serve(settings, stop)


async def serve(
    settings: Settings, stop: asyncio.Event, clock: Clock = lambda: datetime.now(UTC)
) -> int:
    """Run the bot until `stop` is set; return the exit code, as `run`."""
    api = open_api(settings)
    witness = settings.var_dir / WITNESS
    state = await asyncio.to_thread(open_state, settings.state_url, witness=witness)
    if state.lost:
        LOG.error("%s", state.lost)
    with closing(state):
        async with api:
            return await _Bot(settings, api, state, stop, clock).run()


def open_api(settings: Settings) -> BotApi:
    """Return the Bot API by the settings, to be entered inside an event loop.

    Raises:
        SalesAssetsError: no token is set, or a setting of the connection cannot be used.
    """
    if settings.telegram_bot_token is None:
        raise SalesAssetsError(
            "Telegram needs a token and SALES_ASSETS_TELEGRAM_BOT_TOKEN is not set. Get one from "
            "@BotFather and write it into .env; docs/telegram.md has the steps."
        )
    return BotApi(
        settings.telegram_bot_token,
        base_url=settings.telegram_base_url,
        proxy=settings.telegram_proxy,
    )


@dataclass
class _Bot:
    """One run of the bot, from its introduction to its end."""

    settings: Settings
    api: BotApi
    state: StateDatabase
    stop: asyncio.Event
    clock: Clock
    _odd: int = 0
    _odd_since: float | None = None

    def __post_init__(self) -> None:
        zone, crm_client_url = self.settings.report_zone, self.settings.crm_client_url
        self._ledger = Ledger(self.state)
        self._archive = Archive(FrameStore(self.settings.storage), zone, crm_client_url)

    async def run(self) -> int:
        try:
            name = await self._insist(self._introduce)
            LOG.info("The bot @%s takes updates.", name)
            try:
                await self._insist(self._send_owed)
                await self._take_updates()
            finally:
                await self._sender.finish(FAREWELL_SECONDS)
        except _Ended as ended:
            if ended.why is None:
                return EXIT_OK
            LOG.error(  # noqa: TRY400 - the sentence says it all
                "The bot ends: %s. Check SALES_ASSETS_TELEGRAM_BOT_TOKEN and "
                "SALES_ASSETS_TELEGRAM_BASE_URL.",
                ended.why,
            )
            return EXIT_STOPPED

    async def _introduce(self) -> str:
        """Ask who the bot is, and tell its commands; raise `_Ended` where no bot is there."""
        answer = await self.api.identity()
        if answer.outcome is Outcome.STOP:
            raise _Ended(answer.reason)
        identity = result_of(answer)
        registered = await self.api.register(ru.BOT_COMMANDS)
        if registered.outcome is not Outcome.SENT:  # Telegram's apps offer what they knew before
            LOG.warning("The list of commands stays as it was: %s", registered.reason)
        name = identity["username"]
        self._updates = BotState(self.state, identity["id"])
        self._handlers = Handlers(self.settings, name)
        self._sender = Sender(
            self.api,
            self._updates,
            self._ledger,
            self._archive,
            self.clock,
            self._migrate,
            self.settings.telegram_admins,
        )
        return name

    def _migrate(self, old: int, new: int) -> None:
        """Give a chat its new id; the admins hear of a right to read that stays revoked."""
        now = self.clock()
        admins = [Reader(Place(chat)) for chat in self.settings.telegram_admins]
        newest = self._handlers.timetable.newest_finished_day(now)
        self._ledger.migrate(old, new, now, day=newest, admins=admins)

    async def _send_owed(self) -> None:
        for owed in await asyncio.to_thread(self._updates.owed):
            await self._sender.start(owed)

    # --- The loop ---

    async def _take_updates(self) -> NoReturn:
        while True:
            updates = await self._insist(self._poll)
            shelf, readers = await self._insist(partial(asyncio.to_thread, self._shelf))
            left = {raw["update_id"] for raw in updates}
            for position in fair_order([_chat_of(raw) for raw in updates], readers):
                raw = updates[position]
                left.discard(raw["update_id"])
                offset = min(left, default=max(one["update_id"] for one in updates) + 1)
                await self._process(raw, shelf, offset)
                if self.stop.is_set():
                    raise _Ended

    async def _poll(self) -> list[dict[str, Any]]:
        """Return the next updates; those without a number are logged and left out."""
        if self._sender.stopped is not None:
            raise _Ended(self._sender.stopped)
        offset = await asyncio.to_thread(self._updates.next_update_id, self.clock())
        answer = await self.api.updates(offset, ALLOWED)
        self._weigh(answer)
        found = result_of(answer)
        updates = found if isinstance(found, list) else [None]
        numbered = [one for one in updates if _is_numbered(one)]
        if updates and not numbered:
            raise _OddAnswerError("HTTP 200 without a single update that has a number")
        if len(numbered) < len(updates):
            LOG.warning("%s updates have no number and are left out", len(updates) - len(numbered))
        return numbered

    def _weigh(self, answer: Answer) -> None:
        """Count odd answers; one alone proves nothing about the token or the address."""
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise _Ended(answer.reason)
        if answer.outcome not in (Outcome.STOP, Outcome.TOO_LARGE):
            self._odd_since, self._odd = None, 0
            return
        now = asyncio.get_running_loop().time()
        self._odd += 1
        self._odd_since = self._odd_since or now
        is_lasting = now - self._odd_since >= LONGEST_ODDNESS.total_seconds()
        if self._odd >= MOST_ODD_ANSWERS and is_lasting:
            raise _Ended(f"{self._odd} answers in a row were of that kind: {answer.reason}")

    async def _insist(self, act: Callable[[], Awaitable[_T]]) -> _T:
        """Repeat `act` until it works, slower with each failure; `_Ended` if the bot stops."""
        pause = FIRST_BACKOFF_SECONDS
        while True:
            try:
                return await self._unless_stopped(act())
            except _OddAnswerError as error:
                asked = error.retry_after or timedelta()
                pause = max(pause, asked.total_seconds())
                LOG.warning("No updates: %s. Next try in %.1f s.", error, pause)
            except (StateError, StorageError) as error:
                LOG.warning("No updates: %s. Next try in %.1f s.", error, pause)
            await self._unless_stopped(asyncio.sleep(pause))
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)

    async def _unless_stopped(self, act: Awaitable[_T]) -> _T:
        doing = asyncio.ensure_future(act)
        stopping = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise _Ended
            return doing.result()
        finally:
            doing.cancel()
            stopping.cancel()
            await asyncio.wait((doing, stopping))

    # --- One update ---

    async def _process(self, raw: dict[str, Any], shelf: Context, offset: int) -> None:
        """Process one update; what fails is tried again, then recorded and passed over.

        `offset` is what to ask for after it: all before that are done.
        """
        update_id = raw["update_id"]
        pause = FIRST_BACKOFF_SECONDS
        while not self.stop.is_set():
            try:
                owed = await self._decide(raw, shelf, offset)
            except StateError as error:
                # Not the update's fault: it waits for the database, and those behind it wait, too.
                LOG.warning("Update %s waits: %s", update_id, error)
            except Exception as error:  # noqa: BLE001 - one bad update must not end the bot
                LOG.warning("Update %s failed: %s: %s", update_id, type(error).__name__, error)
                if await self._is_passed_over(update_id, error, offset):
                    return
            else:
                if owed is not None:
                    await self._sender.start(owed)
                return
            with suppress(_Ended):
                await self._unless_stopped(asyncio.sleep(pause))
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)

    async def _is_passed_over(self, update_id: int, error: Exception, offset: int) -> bool:
        reason = hidden(f"{type(error).__name__}: {error}")
        try:
            fail, now = self._updates.fail, self.clock()
            return await asyncio.to_thread(fail, update_id, reason, now, offset)
        except StateError as trouble:
            LOG.warning("The failure of update %s is not recorded: %s", update_id, trouble)
            return False

    async def _decide(self, raw: dict[str, Any], shelf: Context, offset: int) -> Owed | None:
        incoming = read_update(raw)
        context = await self._context(incoming, shelf)
        return await asyncio.to_thread(
            self._updates.process,
            raw["update_id"],
            lambda session: self._handlers.handle(session, incoming, context),
            context.now,
            sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest(),
            offset,
        )

    def _shelf(self) -> tuple[Context, frozenset[int]]:
        """Look up once for a batch of updates what is stored, and who reads."""
        context = Context(
            now=self.clock(),
            report_days=self._archive.report_days(),
            stuck_days=self._archive.store.days(names.STUCK_CASES),
            expiring_days=self._archive.store.days(names.EXPIRING_CASES),
        )
        readers = {reader.place.chat for reader in self._ledger.readers()}
        return context, frozenset({*readers, *self.settings.telegram_admins})

    async def _context(self, incoming: Incoming | None, shelf: Context) -> Context:
        """Look up what the decision needs and no transaction should wait for."""
        asked = self._handlers.whose_rights_decide(incoming)
        is_chat_admin = await self._is_chat_admin(*asked) if asked else True
        context = replace(shelf, now=self.clock(), is_chat_admin=is_chat_admin)
        stored = found = None
        if self._handlers.asks_for_status(incoming):
            stands = self._handlers.outlook(context)
            found = await asyncio.to_thread(self._archive.refused, stands.finished)
            day = stands.newest
        else:
            day = self._handlers.asks_for_today(incoming)
        if day:
            stored = await asyncio.to_thread(self._archive.report, day)
        return replace(context, stored=stored, found=found)

    async def _is_chat_admin(self, chat: int, user: int) -> bool:
        """Whether the user administers the group; one that Telegram does not show does not."""
        answer = await self.api.member(chat, user)
        if answer.new_chat is not None:  # the update from before it moved is answered there
            answer = await self.api.member(answer.new_chat, user)
        if answer.outcome in (Outcome.REFUSED, Outcome.CHAT_NOT_FOUND, Outcome.SLEEP):
            return False
        return result_of(answer)["status"] in ADMINISTRATORS


class _OddAnswerError(SalesAssetsError):
    """A request brought no result; `retry_after` if the service named a time."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _Ended(Exception):  # noqa: N818 - a signal inside this module, not an error
    """The bot was asked to stop, or `why` it cannot go on."""

    def __init__(self, why: str | None = None) -> None:
        super().__init__(why)
        self.why = why


def result_of(answer: Answer) -> Any:
    """Return what a request brought.

    Raises:
        SalesAssetsError: it brought nothing, and why.
    """
    if answer.outcome is Outcome.SENT:
        return answer.result
    words = answer.reason
    if answer.status == HTTPStatus.CONFLICT and "webhook" in words:
        words = (
            "Telegram sends this bot's updates to a webhook, so they cannot be taken here; "
            "remove it with the method deleteWebhook"
        )
    elif answer.status == HTTPStatus.CONFLICT:
        words = (
            "Another process takes the updates of this bot; only one may run with a token. "
            f"Telegram says: {words}"
        )
    raise _OddAnswerError(words, answer.retry_after)


def _is_numbered(update: object) -> TypeGuard[dict[str, Any]]:
    number = update.get("update_id") if isinstance(update, dict) else None
    return is_id(number) and number >= 0  # a negative offset would make Telegram forget updates


def _chat_of(update: dict[str, Any]) -> int | None:
    """Return the chat in which something happened, as far as its shape is the usual one."""
    match next((update[kind] for kind in ALLOWED if kind in update), None):
        case {"chat": {"id": int(chat)}} | {"message": {"chat": {"id": int(chat)}}}:
            return chat
    return None


def _load_what_replies_need() -> None:
    """Import the heavy libraries before the first person waits for them."""
    import pyarrow.parquet
    import xlsxwriter

    LOG.debug("loaded %s and %s", pyarrow.__name__, xlsxwriter.__name__)
