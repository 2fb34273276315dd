"""What an operator sets: the environment's names, read once and checked with clear errors."""

import re
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from dotenv import dotenv_values, find_dotenv
from dotenv.parser import parse_stream
from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from sales_assets.adapters.telegram.secrecy import hidden
from sales_assets.core.errors import SalesAssetsError

PREFIX = "SALES_ASSETS_"
MOSCOW = ZoneInfo("Europe/Moscow")
NO_HOLIDAYS = "none"
LAST_CALL = time(13)
#: Of an earlier day no row is read.
EARLIEST_START = date(1990, 1, 1)
#: The last call comes after the delivery and before midnight.
LATEST_DELIVERY = time(23, 30)

_SQLITE_FILE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:)(.+)")
#: From this likeness on, a name is taken for a slip of one of ours: SALES_ASSET_SOURCE_URL.
_ALIKE = 0.85


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


def _chat_ids(value: str | tuple[int, ...]) -> tuple[int, ...]:
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(int(part) for part in value.split(",") if part.strip()))


def _country(text: str) -> str | None:
    if text.lower() == NO_HOLIDAYS:
        return None
    country = text.upper()
    if country != "RU":  # the package takes a second to be imported
        import holidays

        if country not in holidays.list_supported_countries():
            raise ValueError("no such country")
    return country


Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Day = Annotated[date, BeforeValidator(_day)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
PostgresUrl = Annotated[str, Field(pattern=r"^postgres(ql)?(\+\w+)?://")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://")]
ProxyUrl = Annotated[str, Field(pattern=r"^(https?|socks5h?)://")]
ClientUrl = Annotated[str, Field(pattern=r"(?s)^https?://.*\{user_id\}")]
#: An address with one slash would be a folder of the disk, lost with its container.
StorageAddress = Annotated[str, Field(pattern=r"^(\w+://.+|\w+|\w*[^\w:].*)$")]
ChatIds = Annotated[tuple[int, ...], BeforeValidator(_chat_ids)]
Country = Annotated[str | None, BeforeValidator(_country)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

_A_ZONE = "a zone name of the IANA database, like Europe/Moscow or UTC"


class Settings(BaseModel):
    """The settings of one process; whatever is kept out of `repr` is a secret.

    A field that is None means "not set": the embedded demo source, the demo data's first day,
    files in `var/outbox` instead of Telegram. Every name stands in `.env.example`; a field's
    description is what an error says was expected. The environment is read by
    `from_environment` alone: a made `Settings` holds what it was given, and defaults.
    """

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda field: PREFIX + field.upper()),
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
    start_date: Day | None = Field(
        default=None,
        ge=EARLIEST_START,
        description="a day like 2026-01-31, from 1990 on, that isn't in the future",
    )
    var_dir: Path = Field(
        default=Path("var"), validation_alias=f"{PREFIX}VAR", description="a folder"
    )
    storage: StorageAddress = Field(
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
    delivery_time: TimeOfDay = Field(
        default=time(8, 45),
        le=LATEST_DELIVERY,
        description="a time of day like 08:45, at the latest 23:30",
    )
    last_call: TimeOfDay = Field(
        default_factory=lambda read: _last_call_after(read["delivery_time"]),
        description="a time of day like 13:00, later than the delivery time",
    )
    computing_minutes: int = Field(
        default=30, ge=1, description="a whole number of minutes, at least 1"
    )
    reread_days: int = Field(default=3, ge=0, description="a whole number of days, 0 or more")
    catch_up_days: int = Field(default=14, ge=1, description="a whole number of days, at least 1")
    bad_rows_share: Share = Field(default=0.05, description="a share between 0 and 1, like 0.05")
    loss_share: Share = Field(default=0.05, description="a share between 0 and 1, like 0.05")
    payers_without_events: bool = Field(default=False, description="1 or 0")
    holidays: Country = Field(
        default="RU", description="a country's code of two letters, like RU, or none"
    )
    heartbeat_url: HttpUrl | None = Field(
        default=None, repr=False, description="an address like https://example.com/ping"
    )
    production: bool = Field(default=False, description="1 or 0")
    crm_client_url: ClientUrl | None = Field(
        default=None,
        description="an address with {user_id} in it, like https://crm.example.com/c/{user_id}",
    )

    @property
    def starts_on_its_own(self) -> bool:
        """Tell whether schedule and sensors run without being switched on in the UI."""
        return self.production and self.telegram_bot_token is not None

    @field_validator("start_date")
    @classmethod
    def _has_begun(cls, day: date | None, read: ValidationInfo) -> date | None:
        if day and day > datetime.now(read.data.get("report_zone", UTC)).date():
            raise ValueError("in the future")
        return day

    @field_validator("last_call")
    @classmethod
    def _follows_the_delivery(cls, moment: time, read: ValidationInfo) -> time:
        if moment <= read.data.get("delivery_time", time()):
            raise ValueError("before the delivery")
        return moment

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], base: Path = Path()) -> "Settings":
        """Read the `SALES_ASSETS_…` names of `environment`; an empty value counts as not set.

        Relative paths rest on `base`.

        Raises:
            InvalidSettingError: a value that cannot be read (says what was expected instead), a
                name that there isn't (says the nearest one), a production without a source.
        """
        given = {name: text.strip() for name, text in environment.items() if text.strip()}
        known = {environment_name(field): setting for field, setting in cls.model_fields.items()}
        _refuse_unknown(given, known)
        try:
            settings = cls.model_validate({name: given[name] for name in known if name in given})
        except ValidationError as error:
            name = str(error.errors(include_input=False)[0]["loc"][0])
            setting = known[name]
            shown = hidden(repr(given[name])) if setting.repr else "a value that is not shown"
            raise InvalidSettingError(
                f"{name} is set to {shown}, but {setting.description} was expected. "
                "Correct it in the environment or in .env; .env.example lists every name."
            ) from None
        if settings.production and settings.source_url is None:
            raise InvalidSettingError(
                f"{PREFIX}PRODUCTION is 1, but {PREFIX}SOURCE_URL is not set: the demo's numbers "
                "would go to real chats. Set the source, or leave PRODUCTION at 0."
            )
        return settings.resting_on(base)

    def resting_on(self, base: Path) -> "Settings":
        """Return the settings with relative paths under `base`."""
        sqlite = _SQLITE_FILE.fullmatch(self.state_url)
        return self.model_copy(
            update={
                "var_dir": base / self.var_dir,
                "storage": self.storage if "://" in self.storage else str(base / self.storage),
                "state_url": f"{sqlite[1]}{base / sqlite[2]}" if sqlite else self.state_url,
            }
        )


def read_settings(environment: MutableMapping[str, str]) -> Settings:
    """Return the settings of this process: `environment`, and `.env` for what it leaves open.

    `.env` is looked for in the current folder and above; its names come into `environment`, so
    that programs started from here see them, too.

    Raises:
        InvalidSettingError: as `Settings.from_environment`, or `.env` isn't text in UTF-8.
    """
    path = find_dotenv(usecwd=True)
    if path:
        for name, text in _read_file(path).items():
            environment.setdefault(name, text or "")
    return Settings.from_environment(environment, base_folder())


def base_folder() -> Path:
    """Return the folder on which relative paths rest: of `.env`, else of the project.

    That is the checkout that this package belongs to; of an installed one, the current folder.
    """
    path = find_dotenv(usecwd=True)
    if path:
        return Path(path).parent
    project = Path(__file__).parents[2]
    return project if (project / "pyproject.toml").exists() else Path.cwd()


def environment_name(field: str) -> str:
    """Return the name by which the environment sets a field of `Settings`."""
    return str(Settings.model_fields[field].validation_alias)


def _read_file(path: str) -> dict[str, str | None]:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InvalidSettingError(
            f"{path} could not be read: {error.strerror}. Give the user that runs this the right "
            "to read it, or start from another folder."
        ) from error
    try:
        text = content.decode("utf-8-sig")  # a Windows editor marks UTF-8
        position = text.find("\0")
    except UnicodeDecodeError as error:
        text, position = "", error.start
    if position >= 0:
        raise InvalidSettingError(
            f"{path} was read as UTF-8 and isn't: see the byte 0x{content[position]:02x} at "
            f"{position}. Save the file in UTF-8, comments included."
        )
    for line in parse_stream(StringIO(text)):
        if line.error:
            # Whatever else the line holds may be a secret.
            name = re.match(rf"{PREFIX}\w*", line.original.string.strip())
            raise InvalidSettingError(
                f"{path} sets nothing in line {line.original.line}"
                f"{f', {name[0]}' if name else ''}: a line is NAME=value, or a comment after a #."
            )
    return dotenv_values(stream=StringIO(text))


def _last_call_after(delivery: time) -> time:
    """Return the usual last call, or of a late delivery the end of the next half hour."""
    if delivery < LAST_CALL:
        return LAST_CALL
    later = datetime.combine(date.min, delivery) + timedelta(minutes=30)
    return min(later.time(), time(23, 59)) if later.date() == date.min else time(23, 59)


def _refuse_unknown(names: Iterable[str], known: Collection[str]) -> None:
    for name in sorted(set(names).difference(known)):
        ours = name.upper().startswith(PREFIX)
        nearest = get_close_matches(name.upper(), known, 1, 0 if ours else _ALIKE)
        if nearest:
            raise InvalidSettingError(
                f"{name} is set, but there is no such setting; the nearest name is {nearest[0]}. "
                "Correct it in the environment or in .env; .env.example lists every name."
            )
