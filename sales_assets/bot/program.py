"""The bot as a program: takes Telegram's updates one after another and answers them."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sales_assets.adapters.bot.api import BotApi, BotApiError, BotStoppedError, OtherPollerError
from sales_assets.adapters.bot.archive import Archive
from sales_assets.adapters.bot.updates import read_update
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state.bot import BotState, Owed
from sales_assets.adapters.state.database import State, StateError, open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.bot.handlers import Context, Handlers
from sales_assets.bot.readings import StoredNow
from sales_assets.bot.sender import Sender
from sales_assets.core.bot.incoming import Incoming
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.russian import bot as ru

LOG = logging.getLogger(__name__)
EXIT_OK = 0
#: The token is not known, or nothing that speaks the Bot API answers at the address.
EXIT_STOPPED = 4
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 60.0
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
    settings: Settings, stop: asyncio.Event, clock: Callable[[], datetime] | None = None
) -> int:
    """Run the bot until `stop` is set; return the exit code, as `run`."""
    api = open_api(settings)
    state = await asyncio.to_thread(open_state, settings.state_url)
    try:
        async with api:
            return await _Bot(settings, api, state, stop, clock or _now).run()
    finally:
        state.close()


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


class _Bot:
    """One run of the bot, from its introduction to its end."""

    def __init__(
        self,
        settings: Settings,
        api: BotApi,
        state: State,
        stop: asyncio.Event,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._api = api
        self._state = state
        self._stop = stop
        self._clock = clock
        self._archive = Archive(
            FrameStore(settings.storage), settings.report_zone, settings.crm_client_url
        )

    async def run(self) -> int:
        try:
            bot_id, name = await self._insist(self._introduce)
            self._updates = BotState(self._state, bot_id)
            self._handlers = Handlers(self._settings, bot_id, name)
            self._sender = Sender(
                self._api, self._updates, Ledger(self._state), self._archive, self._clock
            )
            LOG.info("The bot @%s takes updates.", name)
            try:
                await self._insist(self._send_owed)
                await self._take_updates()
            finally:
                await self._sender.finish(FAREWELL_SECONDS)
        except _Ended:
            return EXIT_OK
        except BotStoppedError as error:
            LOG.error(  # noqa: TRY400 - the sentence says it all
                "The bot ends: %s. Check SALES_ASSETS_TELEGRAM_BOT_TOKEN and "
                "SALES_ASSETS_TELEGRAM_BASE_URL.",
                error,
            )
            return EXIT_STOPPED
        return EXIT_OK

    async def _introduce(self) -> tuple[int, str]:
        identity = await self._api.identity()
        await self._api.register(ru.BOT_COMMANDS)
        return identity

    async def _send_owed(self) -> None:
        for owed in await asyncio.to_thread(self._updates.owed):
            await self._sender.start(owed)

    # --- The loop ---

    async def _take_updates(self) -> None:
        while True:
            for raw in await self._insist(self._poll):
                await self._process(raw)
                if self._stop.is_set():
                    raise _Ended

    async def _poll(self) -> list[dict[str, Any]]:
        if self._sender.stopped is not None:
            raise self._sender.stopped
        self._sender.prepare_newest_list()
        offset = await asyncio.to_thread(self._updates.next_update_id, self._clock())
        return await self._api.updates(offset)

    async def _insist(self, act: Callable[[], Awaitable[_T]]) -> _T:
        """Do `act` until it works, slower with each failure; `_Ended` once the bot shall stop."""
        pause = FIRST_BACKOFF_SECONDS
        while True:
            try:
                return await self._unless_stopped(act())
            except BotStoppedError:
                raise
            except OtherPollerError as error:
                LOG.warning("%s. Next try in %.1f s.", _other_poller(error), pause)
            except (BotApiError, StateError) as error:
                asked = getattr(error, "retry_after", None) or timedelta()
                pause = max(pause, asked.total_seconds())
                LOG.warning("No updates: %s. Next try in %.1f s.", error, pause)
            await self._unless_stopped(asyncio.sleep(pause))
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)

    async def _unless_stopped(self, act: Awaitable[_T]) -> _T:
        doing = asyncio.ensure_future(act)
        stopping = asyncio.ensure_future(self._stop.wait())
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

    async def _process(self, raw: dict[str, Any]) -> None:
        """Process one update; what fails is tried again, then recorded and passed over."""
        update_id = int(raw["update_id"])
        pause = FIRST_BACKOFF_SECONDS
        while not self._stop.is_set():
            try:
                owed = await self._decide(update_id, raw)
            except BotStoppedError:
                raise
            except StateError as error:
                # Not the update's fault: it waits for the database, and so do those behind it.
                LOG.warning("Update %s waits: %s", update_id, error)
            except Exception as error:  # noqa: BLE001 - one bad update must not end the bot
                LOG.warning("Update %s failed: %s: %s", update_id, type(error).__name__, error)
                if await self._is_passed_over(update_id, error):
                    return
            else:
                if owed is not None:
                    await self._sender.start(owed)
                return
            with contextlib.suppress(_Ended):
                await self._unless_stopped(asyncio.sleep(pause))
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)

    async def _is_passed_over(self, update_id: int, error: Exception) -> bool:
        reason = self._api.without_token(f"{type(error).__name__}: {error}")
        try:
            return await asyncio.to_thread(self._updates.fail, update_id, reason, self._clock())
        except StateError as trouble:
            LOG.warning("The failure of update %s is not recorded: %s", update_id, trouble)
            return False

    async def _decide(self, update_id: int, raw: dict[str, Any]) -> Owed | None:
        incoming = read_update(raw)
        facts = await self._facts(incoming)
        return await asyncio.to_thread(
            self._updates.process,
            update_id,
            lambda session: self._handlers.handle(session, incoming, facts),
            facts.now,
        )

    async def _facts(self, incoming: Incoming | None) -> Context:
        """Find out what the decision needs and a transaction must not wait for."""
        asked = self._handlers.asks_who_rules(incoming)
        is_chat_admin = await self._api.is_chat_admin(*asked) if asked else True
        return await asyncio.to_thread(self._stored_facts, incoming, is_chat_admin)

    def _stored_facts(self, incoming: Incoming | None, is_chat_admin: bool) -> Context:  # noqa: FBT001 - handed over to a thread
        day = self._handlers.asks_for_today(incoming)
        stored = self._archive.report(day) if day else None
        return Context(
            now=self._clock(),
            report_days=self._archive.report_days(),
            stuck_days=self._archive.stuck_days(),
            is_chat_admin=is_chat_admin,
            stored=StoredNow.of(stored) if stored else None,
        )


class _Ended(Exception):  # noqa: N818 - a signal inside this module, not an error
    """The bot was asked to stop."""


def _other_poller(error: OtherPollerError) -> str:
    if "webhook" in str(error):
        return (
            "Telegram sends this bot's updates to a webhook, so they cannot be taken here; "
            "remove it with the method deleteWebhook"
        )
    return (
        "Another process takes the updates of this bot; only one may run with a token. "
        f"Telegram says: {error}"
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _load_what_replies_need() -> None:
    """Import the heavy libraries before the first person waits for them."""
    import pyarrow.parquet
    import xlsxwriter

    LOG.debug("loaded %s and %s", pyarrow.__name__, xlsxwriter.__name__)
