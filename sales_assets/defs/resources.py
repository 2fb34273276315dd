"""Where messages go and what is known of them: configuration over objects that know no Dagster."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from sales_assets.adapters.settings import Settings
from sales_assets.core.delivery.timetable import Timetable

if TYPE_CHECKING:
    # The ledger's tables alone take a sixth of the time in which the code location is imported.
    from sales_assets.adapters.delivery.dispatcher import Dispatcher
    from sales_assets.adapters.outbox import Outbox
    from sales_assets.adapters.state.ledger import Ledger
    from sales_assets.adapters.telegram.client import BotApi

OUTBOX_FOLDER = "outbox"


class DeliveryResource(dg.ConfigurableResource):
    """Where messages go and what is known of them: Telegram with a token, else the outbox."""

    state_url: str
    token: str
    proxy: str
    settings: dg.ResourceDependency[Settings]

    @property
    def timetable(self) -> Timetable:
        """When reports are due."""
        return Timetable(self.settings.report_zone, self.settings.delivery_time)

    @contextmanager
    def ledger(self) -> "Iterator[Ledger]":
        """Open the ledger; without a token it is the outbox's."""
        from sales_assets.adapters.state.database import WITNESS, open_state
        from sales_assets.adapters.state.ledger import Ledger

        witness = self.settings.var_dir / WITNESS
        with closing(open_state(self.state_url, witness=witness)) as state:
            yield Ledger(state, is_outbox=not self.token)

    @contextmanager
    def dispatcher(self) -> "Iterator[Dispatcher]":
        """Open what sends the messages that the ledger lacks."""
        from sales_assets.adapters.delivery.dispatcher import Dispatcher

        with self.ledger() as ledger:
            admins = self.settings.telegram_admins
            clock = partial(datetime.now, UTC)
            yield Dispatcher(ledger, self._transport(), self.timetable, clock, admins)

    def _transport(self) -> "BotApi | Outbox":
        from sales_assets.adapters.outbox import Outbox

        if not self.token:
            return Outbox(self.settings.var_dir / OUTBOX_FOLDER)
        from sales_assets.adapters.telegram.client import BotApi

        return BotApi(
            self.token, base_url=self.settings.telegram_base_url, proxy=self.proxy or None
        )
