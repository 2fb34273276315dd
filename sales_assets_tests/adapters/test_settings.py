import traceback
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from sales_assets.adapters.settings import PREFIX, InvalidSettingError, Settings

WHOLE = {
    "SOURCE_URL": "postgresql://reader:secret@db:5432/crm",
    "SOURCE_TZ": "UTC",
    "REPORT_TZ": "Asia/Vladivostok",
    "START_DATE": "2025-01-06",
    "STORAGE": "s3://bucket/folder",
    "STATE_URL": "postgresql://state:secret@db/state",
    "VAR": "/var/lib/sales",
    "TELEGRAM_BOT_TOKEN": "1:secret",
    "TELEGRAM_BASE_URL": "http://127.0.0.1:8081/bot",
    "TELEGRAM_PROXY": "socks5://u:secret@proxy:1080",
    "TELEGRAM_ADMINS": "11, -22",
    "DELIVERY_TIME": "09:30",
    "COMPUTING_MINUTES": "45",
    "REREAD_DAYS": "0",
    "CATCH_UP_DAYS": "7",
    "BAD_ROWS_SHARE": "0.1",
    "PRODUCTION": "1",
    "CRM_CLIENT_URL": "https://crm/c/{user_id}",
}


def read(**values: str) -> Settings:
    return Settings.from_environment({PREFIX + name: text for name, text in values.items()})


def test_every_name_is_read() -> None:
    assert read(**WHOLE) == Settings(
        source_url=WHOLE["SOURCE_URL"],
        source_zone=ZoneInfo("UTC"),
        report_zone=ZoneInfo("Asia/Vladivostok"),
        start_date=date(2025, 1, 6),
        storage="s3://bucket/folder",
        state_url=WHOLE["STATE_URL"],
        var_dir=Path("/var/lib/sales"),
        telegram_bot_token="1:secret",  # noqa: S106 - made up
        telegram_base_url="http://127.0.0.1:8081/bot",
        telegram_proxy=WHOLE["TELEGRAM_PROXY"],
        telegram_admins=(11, -22),
        delivery_time=time(9, 30),
        computing_minutes=45,
        reread_days=0,
        catch_up_days=7,
        bad_rows_share=0.1,
        production=True,
        crm_client_url="https://crm/c/{user_id}",
    )


def test_nothing_set_and_empty_values_are_the_defaults() -> None:
    assert read() == Settings() == read(**dict.fromkeys(WHOLE, " "))


def test_the_source_zone_follows_the_report_zone_unless_it_is_set() -> None:
    assert read(REPORT_TZ="Asia/Tokyo").source_zone == ZoneInfo("Asia/Tokyo")


def test_all_files_follow_the_var_folder() -> None:
    settings = read(VAR="/srv/sales")
    assert settings.storage == "/srv/sales/storage"
    assert settings.state_url == "sqlite:////srv/sales/state.db"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("SOURCE_URL", "mysql://reader:secret@db/crm", "postgresql://"),
        ("SOURCE_TZ", "Moscow", "IANA"),
        ("SOURCE_TZ", "../../etc/passwd", "IANA"),
        ("REPORT_TZ", "Europe", "IANA"),
        ("START_DATE", "06.01.2025", "2026-01-31"),
        ("TELEGRAM_BASE_URL", "127.0.0.1:8081", "http://"),
        ("TELEGRAM_PROXY", "ftp://u:secret@proxy", "socks5://"),
        ("TELEGRAM_ADMINS", "11;12", "commas"),
        ("DELIVERY_TIME", "quarter to nine", "08:45"),
        ("DELIVERY_TIME", "08:45+03:00", "08:45"),
        ("DELIVERY_TIME", "08:45:30", "08:45"),
        ("COMPUTING_MINUTES", "0", "at least 1"),
        ("COMPUTING_MINUTES", "1.5", "whole number"),
        ("REREAD_DAYS", "-1", "0 or more"),
        ("CATCH_UP_DAYS", "0", "at least 1"),
        ("BAD_ROWS_SHARE", "5", "between 0 and 1"),
        ("BAD_ROWS_SHARE", "nan", "between 0 and 1"),
        ("PRODUCTION", "maybe", "1 or 0"),
        ("CRM_CLIENT_URL", "https://crm/c/", "{user_id}"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_expected(
    name: str, text: str, expected: str
) -> None:
    with pytest.raises(InvalidSettingError) as raised:
        read(**{name: text})
    told = str(raised.value)
    assert PREFIX + name in told
    assert expected in told
    assert "secret" not in told


def test_secrets_are_in_no_repr() -> None:
    assert "secret" not in repr(read(**WHOLE))


def test_a_refused_secret_is_in_no_error_however_the_settings_are_made() -> None:
    word = "hid" + "den"  # a traceback shows the lines of this test, too
    with pytest.raises(ValidationError) as made:
        Settings(source_url=f"mysql://reader:{word}@db/crm", telegram_proxy=f"ftp://u:{word}@proxy")
    with pytest.raises(InvalidSettingError) as found:
        read(SOURCE_URL=f"mysql://reader:{word}@db/crm", BAD_ROWS_SHARE="much")
    for raised in (made, found):
        assert word not in "".join(traceback.format_exception(raised.value))


def test_made_settings_do_not_look_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "COMPUTING_MINUTES", "7")
    assert Settings().computing_minutes == 30


@pytest.mark.parametrize("name", ["SOURCE_URL", "STATE_URL", "TELEGRAM_BOT_TOKEN"])
def test_surrounding_spaces_of_a_value_do_not_count(name: str) -> None:
    assert read(**{name: f" {WHOLE[name]}\n"}) == read(**{name: WHOLE[name]})


def test_production_needs_a_token_too() -> None:
    assert not read(PRODUCTION="1").starts_on_its_own
    assert read(PRODUCTION="yes", TELEGRAM_BOT_TOKEN="1:x").starts_on_its_own  # noqa: S106 - made up
