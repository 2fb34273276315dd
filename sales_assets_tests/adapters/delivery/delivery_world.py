"""A small world for delivery tests: a clock that only the test moves, a ledger, chats, a report."""

import asyncio
import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image

from sales_assets.adapters.delivery.dispatcher import Dispatcher
from sales_assets.adapters.outbox import Outbox
from sales_assets.adapters.state.database import StateDatabase, Subscription, open_state
from sales_assets.adapters.state.ledger import Ledger, send_again
from sales_assets.adapters.telegram.client import BotApi
from sales_assets.core.delivery.messages import ReportToSend
from sales_assets.core.delivery.plan import owed
from sales_assets.core.delivery.rows import Delivery
from sales_assets.core.delivery.timetable import Timetable

DAY = date(2026, 2, 12)
MOSCOW = ZoneInfo("Europe/Moscow")
TIMETABLE = Timetable(MOSCOW, time(8, 45))
MORNING = TIMETABLE.due_at(DAY)


def png(width: int = 40, height: int = 50, color: str = "navy") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), color).save(target, "PNG")
    return target.getvalue()


REPORT = ReportToSend(
    day=DAY,
    caption_html="<b>23 заявки не обработаны</b>\nНовые оплаты: 12 &lt;обычно 11&gt;",
    verdict="23 заявки не обработаны",
    numbers={"Новые оплаты": 12, "Первая линия, просрочено": 23},
    content_sha256="a" * 64,
    picture=png(),
)
CORRECTED = replace(
    REPORT,
    caption_html="<b>24 заявки не обработаны</b>\nНовые оплаты: 14",
    numbers={"Новые оплаты": 14, "Первая линия, просрочено": 23},
    content_sha256="b" * 64,
    picture=png(color="red"),
)


@dataclass
class Clock:
    """Time stands still unless somebody sleeps on it or the test moves it."""

    now: datetime = MORNING
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def subscribe(
    state: StateDatabase, *chats: int, thread: int = 0, doubt_policy: str = "repeat"
) -> None:
    with state.writing() as session:
        session.add_all(
            Subscription(
                chat=chat,
                thread=thread,
                chat_type="private" if chat > 0 else "supergroup",
                state="active",
                doubt_policy=doubt_policy,
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
                updated_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            for chat in chats
        )


def subscriptions(state: StateDatabase) -> dict[int, tuple[str, str | None]]:
    with state.reading() as session:
        return {row.chat: (row.state, row.reason) for row in session.query(Subscription)}


@dataclass
class World:
    """A state with a ledger, and a dispatcher over the transport of the test."""

    state: StateDatabase
    clock: Clock
    ledger: Ledger
    admins: tuple[int, ...] = ()

    @classmethod
    @contextmanager
    def at(
        cls,
        folder: Path,
        *,
        is_outbox: bool = False,
        busy_seconds: float = 15.0,
        witness: Path | None = None,
    ) -> Iterator["World"]:
        url = f"sqlite:///{folder / 'state.db'}"
        with closing(open_state(url, busy_seconds=busy_seconds, witness=witness)) as state:
            yield cls(state, Clock(), Ledger(state, is_outbox=is_outbox))

    def dispatcher(self, transport: BotApi | Outbox) -> Dispatcher:
        return Dispatcher(
            self.ledger, transport, TIMETABLE, self.clock, self.admins, self.clock.sleep
        )

    def row(self, chat: int, kind: str = "report", day: date = DAY) -> Delivery:
        kind, _, subject = kind.partition(":")
        rows = (row for row in self.ledger.rows(day) if (row.chat, row.kind) == (chat, kind))
        return next(row for row in rows if subject in row.subject)

    def send_again(self, delivery_id: int) -> None:
        """Do what the owner's button does."""
        with self.state.writing() as session:
            send_again(session, delivery_id, self.clock())

    def plan_report(self, day: date = DAY) -> None:
        """Write down that every reader is owed the report of `day`."""
        tasks = owed(
            day, (), self.ledger.readers(), (), self.clock(), sha256="a" * 64, is_news=True
        )
        self.ledger.keep(tasks, self.clock())
