import traceback
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from sales_assets.adapters.settings import PREFIX, InvalidSettingError, Settings, read_settings

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
    "LAST_CALL": "11:00",
    "LOSS_SHARE": "0.2",
    "PAYERS_WITHOUT_EVENTS": "1",
    "HOLIDAYS": "kz",
    "HEARTBEAT_URL": "https://example.com/secret",
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
        last_call=time(11),
        loss_share=0.2,
        payers_without_events=True,
        holidays="KZ",
        heartbeat_url="https://example.com/secret",
        bad_rows_share=0.1,
        production=True,
        crm_client_url="https://crm/c/{user_id}",
    )


def test_an_admin_who_is_named_twice_is_one() -> None:
    assert read(TELEGRAM_ADMINS="11,-22,11").telegram_admins == (11, -22)


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
        ("DELIVERY_TIME", "23:31", "at the latest 23:30"),
        ("LAST_CALL", "08:45", "later than the delivery time"),
        ("LOSS_SHARE", "-0.1", "between 0 and 1"),
        ("PAYERS_WITHOUT_EVENTS", "some", "1 or 0"),
        ("HOLIDAYS", "Atlantis", "two letters"),
        ("HEARTBEAT_URL", "secret", "https://"),
        ("START_DATE", "2999-01-01", "isn't in the future"),
        ("START_DATE", "0026-01-01", "from 1990 on"),
        ("STORAGE", "s3:/bucket/folder", "s3://bucket/folder"),
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
    source = WHOLE["SOURCE_URL"]
    assert not read(PRODUCTION="1", SOURCE_URL=source).starts_on_its_own
    token = "1:x"  # noqa: S105 - made up
    assert read(PRODUCTION="yes", SOURCE_URL=source, TELEGRAM_BOT_TOKEN=token).starts_on_its_own


def test_the_demo_never_serves_as_a_production() -> None:
    with pytest.raises(InvalidSettingError, match="SOURCE_URL is not set"):
        read(PRODUCTION="1", TELEGRAM_BOT_TOKEN="1:x")  # noqa: S106 - made up


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SALES_ASSETS_SOURCE_URI", "SALES_ASSETS_SOURCE_URL"),
        ("SALES_ASSETS_DELIVERY", "SALES_ASSETS_DELIVERY_TIME"),
        ("sales_assets_source_url", "SALES_ASSETS_SOURCE_URL"),
        ("SALES_ASSETS_SOURCE_ZONE", "SALES_ASSETS_SOURCE_TZ"),
        ("SALES_ASSET_SOURCE_URL", "SALES_ASSETS_SOURCE_URL"),
        ("SALESASSETS_START_DATE", "SALES_ASSETS_START_DATE"),
    ],
)
def test_a_name_that_there_is_not_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"^{name} is set.*is {nearest}\\.") as raised:
        Settings.from_environment({name: "secret"})
    assert "secret" not in str(raised.value)


def test_other_programs_names_are_no_business_of_ours() -> None:
    assert Settings.from_environment({"PGHOST": "db", "SOURCE": "x", "SALES": "y"}) == Settings()


def test_an_address_for_sqlalchemy_is_taken_as_a_source() -> None:
    url = "postgresql+psycopg2://reader:x@db/crm"
    assert read(SOURCE_URL=url).source_url == url


def test_the_last_call_follows_a_late_delivery() -> None:
    assert read(DELIVERY_TIME="14:00").last_call == time(14, 30)
    assert read(DELIVERY_TIME="23:30").last_call == time(23, 59)


def test_no_holidays_are_none() -> None:
    assert read(HOLIDAYS="none").holidays is None


def test_relative_paths_rest_on_the_folder_of_the_environment_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".env").write_text("\ufeff# Источник\nSALES_ASSETS_STORAGE=frames\n", "utf-8")
    found = []
    for folder in (tmp_path, tmp_path / "deep"):
        monkeypatch.chdir(folder)
        found.append(read_settings({}))
    assert found[0] == found[1]
    assert found[0].storage == str(tmp_path / "frames")
    assert found[0].var_dir == tmp_path / "var"
    assert found[0].state_url == f"sqlite:///{tmp_path}/var/state.db"


def test_without_an_environment_file_they_rest_on_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings({PREFIX + "STATE_URL": "sqlite:///state.db"})
    project = Path(__file__).parents[2]
    assert settings.var_dir == project / "var"
    assert settings.state_url == f"sqlite:///{project}/state.db"
    assert read_settings({PREFIX + "STORAGE": "s3://b/f"}).storage == "s3://b/f"


def test_the_environment_wins_over_the_file_which_others_see_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(f"{PREFIX}REREAD_DAYS=1\n{PREFIX}CATCH_UP_DAYS=2\n")
    monkeypatch.chdir(tmp_path)
    environment = {PREFIX + "REREAD_DAYS": "5"}
    settings = read_settings(environment)
    assert (settings.reread_days, settings.catch_up_days) == (5, 2)
    assert environment[PREFIX + "CATCH_UP_DAYS"] == "2"


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "utf-16-le", "koi8-r"])
def test_a_file_of_another_encoding_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    (tmp_path / ".env").write_text(
        "SALES_ASSETS_STORAGE=x # Б\nSALES_ASSETS_REREAD_DAYS=1\n", encoding
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidSettingError, match="UTF-8"):
        read_settings({})


@pytest.mark.parametrize("name", ["TELEGRAM_ADMINS", "TELEGRAM_BASE_URL", "DELIVERY_TIME"])
def test_a_token_in_a_wrong_place_is_not_repeated(name: str) -> None:
    token = "7000000001:AAFakeTokenForTheTestsOnly_000000000"  # noqa: S105 - belongs to no bot
    with pytest.raises(InvalidSettingError, match=name) as told:
        read(**{name: token})
    assert "AAFakeToken" not in str(told.value)
