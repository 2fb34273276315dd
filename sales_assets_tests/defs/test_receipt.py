"""The receipt of computed days: every number of the picture, client by client and day by day."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from sales_assets.adapters.files.archive import Archive
from sales_assets.adapters.files.reports import read_content
from sales_assets.core import journey, names
from sales_assets.core.journey import PROCESSES
from sales_assets.core.metrics.values import SERIES
from sales_assets.core.report.receipt import Figure, figures
from sales_assets.core.report.sheet import Sheet
from sales_assets_tests.conftest import SourceDatabase
from sales_assets_tests.defs.world import FIRST, LAST, PLAN, Product, failures, span

CRM = "https://crm.example/{user_id}"


def archive_of(product: Product) -> Archive:
    return Archive(product.store, product.settings.report_zone, CRM)


def differing(product: Product) -> dict[date, list[Figure]]:
    """The numbers that their receipt contradicts, by day; a day without numbers counts, too."""
    archive = archive_of(product)
    found = {day: figures(archive.receipt(day)) for day in sorted(archive.report_days())}
    return {
        day: [one for one in of_day if not one.is_equal]
        for day, of_day in found.items()
        if not of_day or not all(one.is_equal for one in of_day)
    }


@pytest.fixture(scope="module")
def archive(computed: Product) -> Archive:
    """Keeps the receipt of the last day that it was asked for."""
    return archive_of(computed)


@pytest.fixture(scope="module")
def sheets_of_last(archive: Archive) -> tuple[Sheet, ...]:
    return archive.receipt(LAST)


def test_every_sum_is_the_number_of_the_picture(computed: Product) -> None:
    assert differing(computed) == {}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_sum_of_every_day_of_the_demo_is_the_number_of_the_picture(
    source_database: SourceDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_ASSETS_SOURCE_URL", source_database(PLAN))
    product = Product.at(tmp_path)
    assert failures(product.run(FIRST, LAST)) == {}
    assert archive_of(product).report_days() == set(span(FIRST, LAST))
    assert differing(product) == {}


def numbers_in(shown: Any) -> Iterator[int]:
    """The whole numbers under a key of a stored report."""
    if isinstance(shown, dict):
        for value in shown.values():
            yield from numbers_in(value)
    elif isinstance(shown, int) and not isinstance(shown, bool):
        yield shown


def test_no_count_of_the_picture_is_left_without_its_clients(
    computed: Product, sheets_of_last: tuple[Sheet, ...]
) -> None:
    numbers = read_content(computed.store, LAST)["numbers"]
    found = figures(sheets_of_last)
    told = {name: shown_on(name, found) for name in {one.sheet for one in found}}
    of_processes = numbers[names.UNCLOSED_PROCESSES]
    for process in PROCESSES:
        due = of_processes[process.name]
        assert told[process.name] == sorted([due["due"], due["breached"]])
    of_funnel = numbers[names.CONVERSION_FUNNEL]
    users = sorted(step["users"] for group in of_funnel.values() for step in steps_of(group))
    assert sorted([*told["Воронка"], *told["Воронка, ветвь 1Л"]]) == users
    expiring = dict(numbers[names.EXPIRING_CASES])
    yesterday = expiring.pop("yesterday")
    assert told["Успеть сегодня"] == sorted(numbers_in(expiring))
    assert told["Вчерашние сроки"] == sorted(numbers_in(yesterday))
    assert told["Сверка с CRM"] == sorted(numbers_in(numbers["population"]))
    assert told["Новые заявки"] == [numbers["requests"]["value"]]
    paying = numbers[names.NEW_PAYING_USERS]
    drawn = [value for _, value in paying["last_28_days"] if value is not None]
    compared = [paying["same_weekday_last_week"], paying["mean_7d"]]
    assert told["Новые за 28\xa0дней"] == sorted([*drawn, *compared])
    usual = ("window_value", "window_usual", "low", "high", "training_days")
    assert told["Обычно"] == sorted(numbers[name][key] for name in SERIES for key in usual)


def shown_on(sheet: str, found: list[Figure]) -> list[float]:
    return sorted(one.shown or 0 for one in found if one.sheet == sheet)


def steps_of(group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in group.values():
        yield from path.values()


@pytest.fixture(scope="module")
def book(archive: Archive) -> dict[str, Worksheet]:
    opened = load_workbook(BytesIO(archive.receipt_book(LAST)))
    return {sheet.title: sheet for sheet in opened.worksheets}


def test_the_first_sheet_holds_every_sum_beside_the_number_of_the_picture(
    book: dict[str, Worksheet], sheets_of_last: tuple[Sheet, ...]
) -> None:
    first, *rows, _note = list(next(iter(book.values())).values)
    assert first == ("Лист", "Число", "На картинке", "В книге", "Сошлось")
    assert len(rows) == len(figures(sheets_of_last))
    assert {str(row[4]) for row in rows} == {"да"}
    assert {str(row[0]) for row in rows} <= set(book)


def test_each_sheet_is_ready_to_work_with_and_holds_no_formula(book: dict[str, Worksheet]) -> None:
    for sheet in book.values():
        cells = [cell for row in sheet.iter_rows() for cell in row]
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref
        assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
        letters = map(get_column_letter, range(1, sheet.max_column + 1))
        assert all(sheet.column_dimensions[letter].width >= 10 for letter in letters)


def test_a_row_is_a_client_with_the_events_that_put_it_there(
    book: dict[str, Worksheet], computed: Product
) -> None:
    sheet = book[journey.FIRST_LINE]
    titles = [cell.value for cell in sheet[1]]
    assert titles == [
        "Клиент",
        "Открыто, МСК",
        "Обращений",
        "Срок, МСК",
        "Закрыто, МСК",
        "Чем закрыто",
        "Срок вышел",
        "Дольше 24 ч",
    ]
    client, last = sheet["A2"], sheet[sheet.max_row]
    assert client.hyperlink
    assert client.hyperlink.target == CRM.format(user_id=client.value)
    assert sheet["B2"].is_date
    frame = computed.store.read(names.UNCLOSED_PROCESSES, LAST)
    [row] = frame[frame["process"] == journey.FIRST_LINE].to_dict("records")
    due, breached = int(row["due"]), int(row["breached"])
    assert [cell.value for cell in last] == ["Итого", *[None] * 5, due, breached]
    assert sheet.max_row == due + 2


def test_the_lists_of_a_day_are_those_that_its_receipt_finds(
    computed: Product, sheets_of_last: tuple[Sheet, ...]
) -> None:
    by_title = {sheet.title: sheet for sheet in sheets_of_last}
    case = ["process", "user_id", "opened_at"]
    for asset, title in (
        (names.EXPIRING_CASES, "Успеть сегодня"),
        (names.STUCK_CASES, "Ждут дольше 24 ч"),
    ):
        stored = computed.store.read(asset, LAST)[case]
        found = by_title[title].rows[case]
        assert set(stored.itertuples(index=False)) == set(found.itertuples(index=False))
        assert len(stored) == len(found) > 0


def test_whatever_a_sheet_holds_of_a_client_is_told_of_the_client(
    archive: Archive, sheets_of_last: tuple[Sheet, ...]
) -> None:
    for sheet in sheets_of_last:
        if sheet.rows.empty or sheet.title in {"Отложенные строки", "Обычно"}:
            continue
        client = str(sheet.rows["user_id"].iloc[0])
        told = archive.client(client)
        assert len(told) < 4096
        for column in sheet.figures:
            if sheet.rows[column.name].iloc[0] == 1:
                assert f"{sheet.title}: " in told
                assert column.title in told
