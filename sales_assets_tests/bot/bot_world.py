"""A world for the bot's tests: the fake Telegram, a bot that runs, stored days, a clock."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.adapters.delivery.dispatcher import Dispatcher
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import write_report
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state.database import StateDatabase, Subscription, open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.bot import program
from sales_assets.core import journey
from sales_assets.core.delivery.messages import ReportToSend
from sales_assets.core.delivery.timetable import Timetable
from sales_assets.core.report.report import headline_numbers, json_bytes
from sales_assets_tests.fake_telegram.conftest import picture
from sales_assets_tests.fake_telegram.server import FakeTelegram

MOSCOW = ZoneInfo("Europe/Moscow")
DAY = date(2026, 2, 12)
BEFORE = DAY - timedelta(days=1)
MORNING = datetime(2026, 2, 13, 9, 0, tzinfo=MOSCOW)
TIMETABLE = Timetable(MOSCOW, time(8, 45))
SUBSCRIBED = "Готово! Отчёт будет приходить сюда каждый день в 08:45 по московскому времени."
NEUTRAL = "Этот бот работает по приглашению."


@dataclass
class Clock:
    now: datetime = MORNING

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the delivery's pauses pass at once: the clock moves for nobody else."""
        self.now += timedelta(seconds=seconds)


@dataclass
class BotWorld:
    """What a test needs: who there is, what is stored, and a bot that can be started and ended."""

    fake: FakeTelegram
    settings: Settings
    admin: int
    clock: Clock = field(default_factory=Clock)
    codes: list[int] = field(default_factory=list)

    @classmethod
    def at(cls, fake: FakeTelegram, folder: Path) -> "BotWorld":
        admin = fake.add_private_chat("Admin")
        settings = Settings(
            telegram_bot_token=fake.token,
            telegram_base_url=fake.base_url,
            telegram_admins=(admin,),
            state_url=f"sqlite:///{folder / 'state.db'}",
            storage=str(folder / "storage"),
            var_dir=folder / "var",
            crm_client_url="https://crm.example/{user_id}",
        )
        return cls(fake, settings, admin)

    # --- The bot ---

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the bot in a thread; it ends cleanly, and its exit code is kept."""
        ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

        async def main() -> int:
            stop = asyncio.Event()
            ready.append((asyncio.get_running_loop(), stop))
            return await program.serve(self.settings, stop, self.clock)

        thread = threading.Thread(target=lambda: self.codes.append(asyncio.run(main())))
        thread.start()
        try:
            self.fake.wait_for(lambda: ready)
            yield
        finally:
            loop, stop = ready[0]
            if thread.is_alive():
                loop.call_soon_threadsafe(stop.set)
            thread.join(15)
            assert not thread.is_alive()

    def run_until_idle(self) -> None:
        """Start the bot, let it do all that waits for it, and end it."""
        with self.running():
            self.settled()

    def settled(self, seconds: float = 5.0) -> None:
        """Return when every update is confirmed and every reply is sent."""
        self.fake.wait_for(lambda: not self.fake.pending_updates(), seconds)
        self.fake.wait_for(lambda: not self.owed(), seconds)

    # --- What is stored ---

    @contextmanager
    def state(self) -> Iterator[StateDatabase]:
        state = open_state(self.settings.state_url)
        try:
            yield state
        finally:
            state.close()

    def owed(self) -> int:
        """Return how many updates the bot has processed and not yet answered in full."""
        with closing(sqlite3.connect(self._state_path)) as database:
            counted = database.execute("select count(*) from bot_updates where replies is not null")
            return counted.fetchone()[0]

    @property
    def _state_path(self) -> Path:
        return Path(self.settings.state_url.removeprefix("sqlite:///"))

    def subscribe(self, chat: int, state: str = "active", thread: int = 0, reason: str = "") -> int:
        with self.state() as opened, opened.writing() as session:
            row = Subscription(
                chat=chat,
                thread=thread,
                chat_type="private" if chat > 0 else "supergroup",
                state=state,
                reason=reason or None,
                created_at=MORNING,
                updated_at=MORNING,
            )
            session.add(row)
            session.flush()
            return row.id

    def subscriptions(self) -> list[tuple[int, int, str, str | None]]:
        with self.state() as opened, opened.reading() as session:
            rows = session.query(Subscription).order_by(Subscription.id)
            return [(row.chat, row.thread, row.state, row.reason) for row in rows]

    def store(
        self, day: date, new_paying: int = 12, caption: str | None = None, **more: Any
    ) -> ReportToSend:
        """Store a day's report and stuck cases; return the report as the delivery has it."""
        store = FrameStore(self.settings.storage)
        image = picture(60, 90 + new_paying % 500)
        numbers = {"new_paying_users": {"new_paying": new_paying}}
        content = {
            "day": day.isoformat(),
            "caption": caption or f"<b>Всё спокойно</b>\nНовых платящих {new_paying}",
            "verdict": "Всё спокойно",
            "numbers": numbers,
            "sha256": sha256(image).hexdigest(),
            **more,
        }
        write_report(store, day, image, json_bytes(content))
        store.write("stuck_cases", day, stuck(new_paying))
        return ReportToSend(
            day=day,
            caption_html=content["caption"],
            verdict=content["verdict"],
            numbers=headline_numbers(numbers),
            content_sha256=sha256(json_bytes(content)).hexdigest(),
            picture=image,
        )

    def store_expiring(self, day: date, count: int) -> None:
        """Store cases that run out every half hour from eight in the morning on."""
        first = datetime.combine(day + timedelta(days=1), time(8))
        deadlines = [first + timedelta(minutes=30) * number for number in range(count)]
        frame = pd.DataFrame(
            {
                "process": [journey.FIRST_LINE] * count,
                "user_id": [f"late-{number}" for number in range(count)],
                "opened_at": pd.Series(deadlines, dtype="datetime64[us]") - timedelta(days=1),
                "deadline": pd.Series(deadlines, dtype="datetime64[us]"),
            }
        )
        FrameStore(self.settings.storage).write("expiring_cases", day, frame)

    def deliver(self, report: ReportToSend) -> None:
        """Send the report through the ledger, as the morning's run does."""
        transport = BotApi(self.fake.token, base_url=self.fake.base_url)
        with self.state() as state:
            dispatcher = Dispatcher(
                Ledger(state),
                transport,
                TIMETABLE,
                self.clock,
                self.settings.telegram_admins,
                self.clock.sleep,
            )
            dispatcher.deliver(report)

    def texts(self, chat: int) -> list[str]:
        """Return what the bot said in the chat, texts and captions alike."""
        return [
            message.get("text") or message.get("caption", "")
            for message in self.fake.from_bot(chat)
        ]

    def last(self, chat: int) -> dict[str, Any]:
        return self.fake.from_bot(chat)[-1]

    def press(self, user: int, chat: int, data: str) -> dict[str, Any] | None:
        """Press the newest button in the chat that carries `data`; return how it was answered."""
        message = next(
            message
            for message in reversed(self.fake.from_bot(chat))
            if data in buttons(message).values()
        )
        return self.press_on(user, chat, message["message_id"], data)

    def press_on(self, user: int, chat: int, message: int, data: str) -> dict[str, Any] | None:
        query = self.fake.press(user, chat, message, data)
        self.settled()
        return self.fake.query_answer(query)

    def state_bytes(self) -> bytes:
        """Return all that the state's files hold."""
        path = self._state_path
        return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))

    def with_admins(self, *chats: int) -> "BotWorld":
        return replace(self, settings=self.settings.model_copy(update={"telegram_admins": chats}))


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """Return the message's buttons: what stands on them, and what they carry."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {button["text"]: button["callback_data"] for row in rows for button in row}


def stuck(count: int) -> pd.DataFrame:
    opened = datetime(2026, 2, 9, 12, 0, tzinfo=UTC).replace(tzinfo=None)
    return pd.DataFrame(
        {
            "process": [journey.FIRST_LINE] * count,
            "user_id": [f"client-{number}" for number in range(count)],
            "opened_at": pd.Series([opened] * count, dtype="datetime64[us]"),
            "age_hours": [84.0] * count,
            "starts": [1] * count,
        }
    )
