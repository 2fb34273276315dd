"""Configuration plus one thin method each, over objects that know no Dagster."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

from sales_assets.adapters.delivery.dispatcher import Dispatcher
from sales_assets.adapters.demo.server import demo_source_url
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.outbox import Outbox
from sales_assets.adapters.source.postgres import PostgresSource
from sales_assets.adapters.state.database import WITNESS, open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.core.delivery.timetable import Timetable

if TYPE_CHECKING:
    from sales_assets.adapters.telegram.client import BotApi

OUTBOX_FOLDER = "outbox"


class SourceResource(dg.ConfigurableResource):
    """The CRM's Postgres, read only; without a URL the embedded demo server."""

    url: str
    source_zone: str
    report_zone: str
    var_dir: str

    def connect(self) -> PostgresSource:
        """Return the source; the embedded server is started if it is the one."""
        url = self.url or demo_source_url(Path(self.var_dir))
        return PostgresSource(url, ZoneInfo(self.source_zone), ZoneInfo(self.report_zone))


class StorageResource(dg.ConfigurableResource):
    """The folder or object store of frames and reports."""

    base: str

    def store(self) -> FrameStore:
        """Return the store."""
        return FrameStore(self.base)


class DeliveryResource(dg.ConfigurableResource):
    """Where messages go and what is known of them: Telegram with a token, else the outbox."""

    state_url: str
    var_dir: str
    token: str
    base_url: str
    proxy: str
    admins: list[int]
    delivery_time: str
    report_zone: str

    @property
    def timetable(self) -> Timetable:
        """When reports are due."""
        return Timetable(ZoneInfo(self.report_zone), time.fromisoformat(self.delivery_time))

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Open the ledger; without a token it is the outbox's."""
        witness = Path(self.var_dir) / WITNESS
        with closing(open_state(self.state_url, witness=witness)) as state:
            yield Ledger(state, is_outbox=not self.token)

    @contextmanager
    def dispatcher(self) -> Iterator[Dispatcher]:
        """Open what sends the messages that the ledger lacks."""
        with self.ledger() as ledger:
            yield Dispatcher(ledger, self._transport(), self.timetable, _now, self.admins)

    def _transport(self) -> "BotApi | Outbox":
        if not self.token:
            return Outbox(Path(self.var_dir) / OUTBOX_FOLDER)
        from sales_assets.adapters.telegram.client import BotApi

        return BotApi(self.token, base_url=self.base_url or None, proxy=self.proxy or None)


def _now() -> datetime:
    return datetime.now(UTC)


class CalendarResource(dg.ConfigurableResource):
    """The report zone and the first day of the history."""

    first_day: str
    report_zone: str

    @property
    def first_date(self) -> date:
        """The first partition."""
        return date.fromisoformat(self.first_day)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the report days."""
        return ZoneInfo(self.report_zone)


class QualityResource(dg.ConfigurableResource):
    """How much of a day's rows may be set aside before the day is blocked."""

    bad_rows_share: float
