"""What an operator sets: the environment's names, read once and checked with clear errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from sales_assets.core.errors import SalesAssetsError

PREFIX = "SALES_ASSETS_"
MOSCOW = ZoneInfo("Europe/Moscow")

_Value = TypeVar("_Value")
_Default = TypeVar("_Default")


class InvalidSettingError(SalesAssetsError):
    """A name of the environment holds a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """The settings of one process; secrets are kept out of `repr`.

    A field that is None means "not set": the embedded demo source, the demo data's first day,
    files in `var/outbox` instead of Telegram. Every name stands in `.env.example`.
    """

    source_url: str | None = field(default=None, repr=False)
    source_zone: ZoneInfo = MOSCOW
    report_zone: ZoneInfo = MOSCOW
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
    reread_days: int = 3
    catch_up_days: int = 14
    bad_rows_share: float = 0.05
    production: bool = False
    crm_client_url: str | None = None

    @property
    def starts_on_its_own(self) -> bool:
        """Tell whether schedule and sensors run without being switched on in the UI."""
        return self.production and self.telegram_bot_token is not None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the `SALES_ASSETS_…` names of `environment`; an empty value counts as not set.

        Raises:
            InvalidSettingError: a value that cannot be read; says what was expected instead.
        """
        var_dir = _read(environment, "VAR", Path, Path("var"))
        report_zone = _read(environment, "REPORT_TZ", _zone, MOSCOW)
        return cls(
            source_url=_read(environment, "SOURCE_URL", _postgres_url, None),
            source_zone=_read(environment, "SOURCE_TZ", _zone, report_zone),
            report_zone=report_zone,
            start_date=_read(environment, "START_DATE", date.fromisoformat, None),
            storage=_read(environment, "STORAGE", str, str(var_dir / "storage")),
            state_url=_read(environment, "STATE_URL", str, f"sqlite:///{var_dir / 'state.db'}"),
            var_dir=var_dir,
            telegram_bot_token=_read(environment, "TELEGRAM_BOT_TOKEN", str, None),
            telegram_base_url=_read(environment, "TELEGRAM_BASE_URL", _http_url, None),
            telegram_proxy=_read(environment, "TELEGRAM_PROXY", _proxy_url, None),
            telegram_admins=_read(environment, "TELEGRAM_ADMINS", _chat_ids, ()),
            delivery_time=_read(environment, "DELIVERY_TIME", _time_of_day, time(8, 45)),
            computing_minutes=_read(environment, "COMPUTING_MINUTES", _positive, 30),
            reread_days=_read(environment, "REREAD_DAYS", _natural, 3),
            catch_up_days=_read(environment, "CATCH_UP_DAYS", _positive, 14),
            bad_rows_share=_read(environment, "BAD_ROWS_SHARE", _share, 0.05),
            production=_read(environment, "PRODUCTION", _flag, default=False),
            crm_client_url=_read(environment, "CRM_CLIENT_URL", _client_url, None),
        )


_EXPECTED: dict[str, str] = {
    "SOURCE_URL": "an address like postgresql://user:password@host:5432/database",
    "SOURCE_TZ": "a zone name of the IANA database, like Europe/Moscow or UTC",
    "REPORT_TZ": "a zone name of the IANA database, like Europe/Moscow or UTC",
    "START_DATE": "a day like 2026-01-31",
    "TELEGRAM_BASE_URL": "an address like http://127.0.0.1:8081/bot",
    "TELEGRAM_PROXY": "an address like http://127.0.0.1:3128 or socks5://user:password@host:1080",
    "TELEGRAM_ADMINS": "chat ids separated by commas, like 123456789,987654321",
    "DELIVERY_TIME": "a time of day like 08:45",
    "COMPUTING_MINUTES": "a whole number of minutes, at least 1",
    "REREAD_DAYS": "a whole number of days, 0 or more",
    "CATCH_UP_DAYS": "a whole number of days, at least 1",
    "BAD_ROWS_SHARE": "a share between 0 and 1, like 0.05",
    "PRODUCTION": "1 or 0",
    "CRM_CLIENT_URL": "an address with {user_id} in it, like https://crm.example.com/c/{user_id}",
}
#: Their values may hold a password: an error never repeats them.
_SECRETS = ("SOURCE_URL", "TELEGRAM_PROXY")


def _read(
    environment: Mapping[str, str], name: str, parse: Callable[[str], _Value], default: _Default
) -> _Value | _Default:
    text = environment.get(PREFIX + name, "").strip()
    if not text:
        return default
    try:
        return parse(text)
    except (ValueError, KeyError, OSError):  # an unknown zone is a KeyError
        shown = "a value that is not shown" if name in _SECRETS else repr(text)
        raise InvalidSettingError(
            f"{PREFIX}{name} is set to {shown}, but {_EXPECTED[name]} was expected. "
            "Correct it in the environment or in .env; .env.example lists every name."
        ) from None


def _zone(text: str) -> ZoneInfo:
    return ZoneInfo(text)


def _time_of_day(text: str) -> time:
    moment = time.fromisoformat(text)
    if moment.tzinfo or moment.second or moment.microsecond:
        raise ValueError(text)
    return moment


def _postgres_url(text: str) -> str:
    return _with_scheme(text, ("postgresql://", "postgres://"))


def _http_url(text: str) -> str:
    return _with_scheme(text, ("http://", "https://"))


def _proxy_url(text: str) -> str:
    return _with_scheme(text, ("http://", "https://", "socks5://", "socks5h://"))


def _with_scheme(text: str, schemes: tuple[str, ...]) -> str:
    if not text.startswith(schemes):
        raise ValueError(text)
    return text


def _client_url(text: str) -> str:
    if "{user_id}" not in _http_url(text):
        raise ValueError(text)
    return text


def _chat_ids(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part.strip())


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(text)
    return share


def _flag(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
        text.lower()
    ]
