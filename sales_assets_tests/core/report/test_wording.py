"""Numbers, dates and counted things as people write them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets.core.report import wording

CUT = Completeness(State.ENDS_EARLY, ends_at=datetime(2022, 2, 12, 14, 3))
FORMS = ("заявка", "заявки", "заявок")


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (0, 2),
        (1, 0),
        (2, 1),
        (4, 1),
        (5, 2),
        (11, 2),
        (12, 2),
        (14, 2),
        (20, 2),
        (21, 0),
        (22, 1),
        (25, 2),
        (100, 2),
        (101, 0),
        (111, 2),
        (112, 2),
        (121, 0),
        (12_345, 2),
    ],
)
def test_a_noun_takes_the_form_of_its_number(count: int, form: int) -> None:
    assert wording.plural(count, FORMS) == FORMS[form]


def test_a_number_and_its_noun_never_part() -> None:
    assert wording.counted(12_345, FORMS) == "12\u00a0345\u00a0заявок"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (15.0, "15"),
        (15.25, "15,3"),
        (15.04, "15"),
        (1234.5, "1\u00a0234,5"),
        (1_234_567, "1\u00a0234\u00a0567"),
        (-3, "\u22123"),
        (0.4, "0,4"),
        (10.5, "10,5"),
    ],
)
def test_numbers_have_a_decimal_comma_and_no_needless_decimals(value: float, written: str) -> None:
    assert wording.number(value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0, "0"),
        (1, "100"),
        (0.574, "57"),
        (0.575, "58"),
        (0.004, "0,4"),
        (0.0001, "<0,1"),
        (0.9999, ">99"),
        (0.05, "5"),
        (0.0096, "1"),
    ],
)
def test_a_share_is_written_in_percent_without_lying(share: float, written: str) -> None:
    assert wording.percent(share) == f"{written}\u00a0%"


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [
        (date(2022, 2, 3), date(2022, 2, 9), "3–9 февраля"),
        (date(2022, 1, 30), date(2022, 2, 5), "30 января – 5 февраля"),
        (date(2021, 12, 29), date(2022, 1, 4), "29 декабря 2021 – 4 января 2022"),
        (date(2024, 2, 23), date(2024, 2, 29), "23–29 февраля"),
    ],
)
def test_a_range_of_days_says_nothing_twice(first: date, last: date, written: str) -> None:
    assert wording.day_range(first, last).replace("\u00a0", " ") == written


def test_a_title_names_weekday_day_and_year() -> None:
    written = wording.titled_day(date(2024, 2, 29)).replace("\u00a0", " ")
    assert written == "чт, 29 февраля 2024"


def test_an_enumeration_ends_with_and_or_with_what_is_left() -> None:
    assert wording.enumeration(["а"], 3) == "а"
    assert wording.enumeration(["а", "б"], 3) == "а и б"
    assert wording.enumeration(["а", "б", "в", "г", "д"], 3) == "а, б, в и ещё 2"


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Moscow", "МСК"),
        ("Asia/Yekaterinburg", "UTC+5"),
        ("Asia/Kolkata", "UTC+5:30"),
        ("America/New_York", "UTC\u22125"),
    ],
)
def test_a_zone_is_named_as_people_do(zone: str, name: str) -> None:
    assert wording.zone_name(datetime(2022, 2, 13, tzinfo=ZoneInfo(zone))) == name


@pytest.mark.parametrize(
    ("found", "is_in_progress", "said"),
    [
        (None, False, "задерживается: не удалось посчитать, разбираемся. Пришлю, как только будет"),
        (None, True, "задерживается: отчёт ещё считается. Пришлю, как только будет готов."),
        (CUT, False, "задерживается. Данные до 14:03: дальше не загружено. Пришлю, как только"),
        (CUT, True, "задерживается: отчёт ещё считается."),
    ],
)
def test_the_late_sentence_names_the_day_and_the_true_cause(
    found: Completeness | None, said: str, *, is_in_progress: bool
) -> None:
    told = wording.late_sentence(date(2022, 2, 12), found, is_in_progress=is_in_progress)
    assert told.replace("\u00a0", " ").startswith(f"Отчёт за 12 февраля {said}")
