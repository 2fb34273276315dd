"""The stage of one round: a folder, a state database, a fake Telegram, a proxy, a stored report."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import write_report
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state.database import (
    DeliveryRow,
    StateDatabase,
    Subscription,
    open_state,
)
from sales_assets.core.delivery.rows import NO_THREAD
from sales_assets.core.delivery.timetable import Timetable
from sales_assets.core.report.report import json_bytes
from sales_assets_tests.adapters.delivery.delivery_world import png
from sales_assets_tests.base_source import noon_zone
from sales_assets_tests.bot.bot_world import stuck
from sales_assets_tests.fake_telegram.server import FakeTelegram
from sales_assets_tests.fake_telegram.wire import Wire
from sales_assets_tests.faults.processes import FastClock, Told
from sales_assets_tests.faults.proxies import Proxy

TOKEN = "7000000001:AAFaultsTokenThatMustBeNowhere_00001"  # noqa: S105 - belongs to no bot
SOURCE_PASSWORD = "Source-Passw0rd-Of-The-Tests"  # noqa: S105 - belongs to no database
STATE_PASSWORD = "State-Passw0rd-Of-The-Tests"  # noqa: S105 - belongs to no database
SOURCE_URL = f"postgresql://reader:{SOURCE_PASSWORD}@127.0.0.1:9/crm"
VERDICT, OTHER_VERDICT = "Вердикт дня", "Вердикт недели"
#: What every round's chats are, and what may befall them.
HEALTHY, MIGRATES, BLOCKS, DEACTIVATED, KICKS, TOPIC_GONE = (
    "healthy",
    "migrates",
    "blocks",
    "deactivated",
    "kicks",
    "topic gone",
)


@dataclass
class Seat:
    """A chat that is subscribed from the start, and its fate; `ids` has the new id, too."""

    chat: int
    kind: str
    thread: int = NO_THREAD
    holds: bool = False
    fate: str = HEALTHY
    has_met_it: bool = False
    ids: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.ids.add(self.chat)


@dataclass
class Stage:
    """Everything that a round has; made by `stage`."""

    seed: int
    rng: random.Random
    folder: Path
    fake: FakeTelegram
    wire: Wire
    proxy: Proxy | None
    state_url: str
    clock: FastClock = field(default_factory=lambda: FastClock(time.time()))
    seats: list[Seat] = field(default_factory=list)
    admin: int = 0
    version: int = 0

    def __post_init__(self) -> None:
        self.zone = noon_zone()
        self.settings = Settings.from_environment(self.environment)
        self.timetable = Timetable(self.settings.report_zone, self.settings.delivery_time)
        self.day: date = self.timetable.newest_finished_day(datetime.now(UTC))
        self.admin = self.fake.add_private_chat("Admin")

    @property
    def environment(self) -> dict[str, str]:
        """The settings of every process of the round; admins are known once they have joined."""
        proxy = self.proxy.url(self.rng.choice(["http", "socks5"])) if self.proxy else ""
        return {
            "SALES_ASSETS_VAR": str(self.folder),
            "SALES_ASSETS_STATE_URL": self.state_url,
            "SALES_ASSETS_SOURCE_URL": SOURCE_URL,
            "SALES_ASSETS_REPORT_TZ": self.zone,
            "SALES_ASSETS_TELEGRAM_BOT_TOKEN": TOKEN,
            "SALES_ASSETS_TELEGRAM_BASE_URL": self.wire.base_url,
            "SALES_ASSETS_TELEGRAM_PROXY": proxy,
            "SALES_ASSETS_TELEGRAM_ADMINS": str(self.admin) if self.admin else "",
            "DAGSTER_HOME": str(self.folder / "dagster"),
        }

    def told(self, name: str, **told: object) -> Told:
        """What a process of the round is told; its output goes to a log of that name."""
        return Told(self.environment, self.folder / f"{name}.log", self.clock, **told)  # pyright: ignore[reportArgumentType]

    @contextmanager
    def state(self) -> Iterator[StateDatabase]:
        state = open_state(self.state_url)
        try:
            yield state
        finally:
            state.close()

    # --- The report ---

    def store_report(self) -> None:
        """Store the next version of the day's report, and once that of the day before."""
        self.version += 1
        self._store(self.day, VERDICT, self.version)
        if self.version == 1:
            self._store(self.day - timedelta(days=1), OTHER_VERDICT, 100)

    def _store(self, day: date, verdict: str, number: int) -> None:
        store = FrameStore(self.settings.storage)
        picture = png(40 + number, 50)
        caption = f"<b>{verdict}</b>\nВерсия {number}"
        content = {
            "day": day.isoformat(),
            "caption": caption,
            "verdict": verdict,
            "numbers": {"new_paying_users": {"new_paying": number}},
            "notes": [],
            "sha256": sha256(picture).hexdigest(),
        }
        write_report(store, day, picture, json_bytes(content))
        store.write("stuck_cases", day, stuck(2))

    @property
    def shown_words(self) -> str:
        """What the newest version's caption says, and no older one's."""
        return f"Версия {self.version}"

    # --- The chats ---

    def seat_all(self) -> None:
        """Subscribe six to nine chats of all kinds, most of them healthy."""
        self.seats = [self._seat(kind) for kind in ("private", "topic", "hold")]
        kinds = ("private", "group", "supergroup", "topic", "hold")
        more = self.rng.randint(3, 6)
        self.seats += [self._seat(self.rng.choice(kinds)) for _ in range(more)]
        with self.state() as state, state.writing() as session:
            session.add_all(map(subscription, self.seats))

    def _seat(self, kind: str) -> Seat:
        seat = self._new_seat(kind)
        if self.rng.random() < 0.25:
            fates = {
                "private": (BLOCKS, DEACTIVATED),
                "hold": (BLOCKS,),
                "group": (MIGRATES, KICKS),
                "supergroup": (KICKS,),
                "topic": (TOPIC_GONE, KICKS),
            }
            seat.fate = self.rng.choice(fates[kind])
        return seat

    def _new_seat(self, kind: str) -> Seat:
        if kind == "topic":
            thread = self.rng.randint(5, 99)
            return Seat(self.fake.add_supergroup(topics={thread: "Отчёты"}), kind, thread)
        if kind == "group":
            return Seat(self.fake.add_group(), kind)
        if kind == "supergroup":
            return Seat(self.fake.add_supergroup(), kind)
        return Seat(self.fake.add_private_chat(), kind, holds=kind == "hold")

    def meet_fate(self, seat: Seat) -> None:
        """Let happen to the chat what its fate is, once."""
        if seat.has_met_it:
            return
        seat.has_met_it = True
        match seat.fate:
            case "migrates":
                seat.ids.add(self.fake.migrate_silently(seat.chat))
            case "blocks":
                self.fake.block(seat.chat)
            case "deactivated":
                self.fake.deactivate(seat.chat)
            case "kicks":
                self.fake.set_member(seat.chat, self.fake.bot().user.user_id, "kicked")
            case "topic gone":
                self.fake.delete_topic(seat.chat, seat.thread)

    # --- Time and health ---

    def age(self, minutes: float) -> None:
        """Let time pass for the ledger: every lease and every waiting is that much older."""
        by = timedelta(minutes=minutes)
        with self.state() as state, state.writing() as session:
            for row in session.query(DeliveryRow):
                row.lease_until = row.lease_until and row.lease_until - by
                row.not_before = row.not_before and row.not_before - by

    def heal(self) -> None:
        """End every trouble that was ordered."""
        self.fake.clear_orders()
        with self.wire.lock:
            self.wire.plans.clear()


def subscription(seat: Seat) -> Subscription:
    now = datetime.now(UTC)
    return Subscription(
        chat=seat.chat,
        thread=seat.thread,
        chat_type={"topic": "supergroup", "hold": "private"}.get(seat.kind, seat.kind),
        state="active",
        doubt_policy="hold" if seat.holds else "repeat",
        created_at=now,
        updated_at=now,
    )


@contextmanager
def stage(seed: int, folder: Path, state_url: str | None = None) -> Iterator[Stage]:
    """The stage of the round with this seed, set; everything that serves is stopped at the end."""
    rng = random.Random(seed)  # noqa: S311 - a script, not a secret
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        fake = stack.enter_context(FakeTelegram(token=TOKEN))
        wire = stack.enter_context(Wire(fake.port))
        proxy = stack.enter_context(Proxy()) if rng.random() < 0.15 else None
        url = state_url or f"sqlite:///{folder / 'state.db'}"
        made = Stage(seed, rng, folder, fake, wire, proxy, url)
        made.store_report()
        made.seat_all()
        yield made
