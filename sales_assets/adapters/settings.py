"""What an operator sets, read from the environment once and checked with clear errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sales_assets.core.errors import SalesAssetsError

REPORT_ZONE = "Europe/Moscow"


@dataclass(frozen=True)
class Settings:
    """One run's settings; secrets are kept out of `repr`.

    A field that is None means "not set": the embedded demo source, the demo data's first day,
    the outbox folder instead of Telegram.
    """

    source_url: str | None = field(default=None, repr=False)
    source_zone: ZoneInfo = ZoneInfo(REPORT_ZONE)
    report_zone: ZoneInfo = ZoneInfo(REPORT_ZONE)
    start_date: date | None = None
    storage: str = "var/storage"
    state_url: str = field(default="sqlite:///var/state.db", repr=False)
    var_dir: Path = Path("var")
    telegram_bot_token: str | None = field(default=None, repr=False)
    telegram_base_url: str | None = None
    telegram_proxy: str | None = field(default=None, repr=False)
    telegram_admins: tuple[int, ...] = ()
    delivery_time: time = time(8, 45)
    computing_minutes: int = 30
    production: bool = False
    crm_client_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the `SALES_ASSETS_…` names of `environment`; an empty value counts as not set.

        Raises:
            SalesAssetsError: a value that cannot be read, named with what was expected.
        """
        raise NotImplementedError
