"""What an operator sets: the environment's names, read once and checked with clear errors."""

from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from sales_assets.core.errors import SalesAssetsError

PREFIX = "SALES_ASSETS_"
MOSCOW = ZoneInfo("Europe/Moscow")


class InvalidSettingError(SalesAssetsError):
    """A name of the environment holds a value that cannot be used."""


# The errors below name no value: it may be a password, and `InvalidSettingError` says the rest.


def _zone(value: str | ZoneInfo) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (KeyError, OSError):
        raise ValueError("no such zone") from None


def _day(value: str | date) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _time_of_day(value: str | time) -> time:
    moment = time.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo or moment.second or moment.microsecond:
        raise ValueError("no time of day")
    return moment


def _starting_with(*schemes: str) -> BeforeValidator:
    def checked(text: str) -> str:
        if not text.startswith(schemes):
            raise ValueError("another scheme")
        return text

    return BeforeValidator(checked)


def _with_user_id(text: str) -> str:
    if "{user_id}" not in text:
        raise ValueError("no place for the id")
    return text


def _chat_ids(value: str | tuple[int, ...]) -> tuple[int, ...]:
    if not isinstance(value, str):
        return value
    return tuple(int(part) for part in value.split(",") if part.strip())


Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Day = Annotated[date, BeforeValidator(_day)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
PostgresUrl = Annotated[str, _starting_with("postgresql://", "postgres://")]
HttpUrl = Annotated[str, _starting_with("http://", "https://")]
ProxyUrl = Annotated[str, _starting_with("http://", "https://", "socks5://", "socks5h://")]
ClientUrl = Annotated[HttpUrl, BeforeValidator(_with_user_id)]
ChatIds = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_chat_ids)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

_A_ZONE = "a zone name of the IANA database, like Europe/Moscow or UTC"


class Settings(BaseSettings):
    """The settings of one process; whatever is kept out of `repr` is a secret.

    A field that is None means "not set": the embedded demo source, the demo data's first day,
    files in `var/outbox` instead of Telegram. Every name stands in `.env.example`; a field's
    description is what an error says was expected. The environment is read by
    `from_environment` alone: a made `Settings` holds what it was given, and defaults.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    source_url: PostgresUrl | None = Field(
        default=None,
        repr=False,
        description="an address like postgresql://user:password@host:5432/database",
    )
    report_zone: Zone = Field(
        default=MOSCOW, validation_alias=f"{PREFIX}REPORT_TZ", description=_A_ZONE
    )
    source_zone: Zone = Field(
        default_factory=lambda read: read["report_zone"],
        validation_alias=f"{PREFIX}SOURCE_TZ",
        description=_A_ZONE,
    )
    start_date: Day | None = Field(default=None, description="a day like 2026-01-31")
    var_dir: Path = Field(
        default=Path("var"), validation_alias=f"{PREFIX}VAR", description="a folder"
    )
    storage: str = Field(
        default_factory=lambda read: str(read["var_dir"] / "storage"),
        description="a folder or an address like s3://bucket/folder",
    )
    state_url: str = Field(
        default_factory=lambda read: f"sqlite:///{read['var_dir'] / 'state.db'}",
        repr=False,
        description="an SQLAlchemy URL",
    )
    telegram_bot_token: str | None = Field(
        default=None, repr=False, description="a token of BotFather"
    )
    telegram_base_url: HttpUrl | None = Field(
        default=None, description="an address like http://127.0.0.1:8081/bot"
    )
    telegram_proxy: ProxyUrl | None = Field(
        default=None,
        repr=False,
        description="an address like http://127.0.0.1:3128 or socks5://user:password@host:1080",
    )
    telegram_admins: ChatIds = Field(
        default=(), description="chat ids separated by commas, like 123456789,987654321"
    )
    delivery_time: TimeOfDay = Field(default=time(8, 45), description="a time of day like 08:45")
    computing_minutes: int = Field(
        default=30, ge=1, description="a whole number of minutes, at least 1"
    )
    reread_days: int = Field(default=3, ge=0, description="a whole number of days, 0 or more")
    catch_up_days: int = Field(default=14, ge=1, description="a whole number of days, at least 1")
    bad_rows_share: Share = Field(default=0.05, description="a share between 0 and 1, like 0.05")
    production: bool = Field(default=False, description="1 or 0")
    crm_client_url: ClientUrl | None = Field(
        default=None,
        description="an address with {user_id} in it, like https://crm.example.com/c/{user_id}",
    )

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
        source = EnvSettingsSource(cls)
        source.env_vars = {
            name.lower(): text.strip() for name, text in environment.items() if text.strip()
        }
        try:
            return cls(**source())
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise _invalid(str(first["loc"][0]), environment) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keep the environment out of `Settings(…)`."""
        return (init_settings,)


def environment_name(field: str) -> str:
    """Return the name by which the environment sets a field of `Settings`."""
    return str(Settings.model_fields[field].validation_alias or PREFIX + field.upper())


def _invalid(location: str, environment: Mapping[str, str]) -> InvalidSettingError:
    names = {environment_name(field): field for field in Settings.model_fields}
    name = location if location in names else environment_name(location)
    setting = Settings.model_fields[names[name]]
    shown = repr(environment[name].strip()) if setting.repr else "a value that is not shown"
    return InvalidSettingError(
        f"{name} is set to {shown}, but {setting.description} was expected. "
        "Correct it in the environment or in .env; .env.example lists every name."
    )
