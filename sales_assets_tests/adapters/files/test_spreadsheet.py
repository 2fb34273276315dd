"""The list of stuck cases, as a spreadsheet program opens it."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from sales_assets.adapters.files import spreadsheet
from sales_assets.adapters.files.spreadsheet import workbook
from sales_assets.core import journey
from sales_assets.core.report.sheet import CellKind, Sheet, SheetColumn, Sum, stuck_sheet, summed

DAY = date(2022, 2, 12)
MOSCOW = ZoneInfo("Europe/Moscow")
TEMPLATE = "https://crm.example/clients/{user_id}?tab=1"

Case = tuple[str, str, pd.Timestamp, float, int]
CASES: tuple[Case, ...] = (
    (journey.FIRST_LINE, "0042", pd.Timestamp("2022-02-11 10:30"), 37.5, 2),
    (journey.OPEN_REQUESTS, "=1+1", pd.Timestamp("2022-02-03 09:00"), 231.0, 1),
    (journey.OPEN_REQUESTS, "клиент & Ко/7", pd.Timestamp("2022-02-11 10:30"), 37.5, 5),
    (journey.LESSON_PAYMENT, "12345678901234567890", pd.Timestamp("2022-02-10 01:02"), 70.97, 1),
)


def stuck(cases: Sequence[Case] = CASES) -> pd.DataFrame:
    columns = ["process", "user_id", "opened_at", "age_hours", "starts"]
    frame = pd.DataFrame(list(cases), columns=columns)
    return frame.astype(
        {
            "process": "category",
            "user_id": "str",
            "opened_at": "datetime64[us]",
            "age_hours": "float64",
            "starts": "int64",
        }
    )


def stuck_cases_xlsx(
    cases: pd.DataFrame, day: date, zone: ZoneInfo, before: pd.DataFrame | None, crm: str | None
) -> bytes:
    return workbook([stuck_sheet(cases, day, before)], "a title", day, zone, crm)


def opened(content: bytes) -> Worksheet:
    sheet = load_workbook(BytesIO(content)).active
    assert isinstance(sheet, Worksheet)
    return sheet


def rows_of(content: bytes) -> list[tuple[Any, ...]]:
    return list(opened(content).iter_rows(min_row=2, values_only=True))


def test_the_longest_waiting_comes_first_and_of_equals_the_one_asked_for_most() -> None:
    clients = [row[1] for row in rows_of(stuck_cases_xlsx(stuck(), DAY, MOSCOW, None, None))]
    assert clients == ["=1+1", "12345678901234567890", "клиент & Ко/7", "0042"]


def test_ids_stay_text_whatever_they_look_like() -> None:
    sheet = opened(stuck_cases_xlsx(stuck(), DAY, MOSCOW, None, None))
    cells = [sheet.cell(row, 2) for row in range(2, 6)]
    assert {cell.data_type for cell in cells} == {"s"}
    # And no program marks them for it.
    with ZipFile(BytesIO(stuck_cases_xlsx(stuck(), DAY, MOSCOW, None, None))) as parts:
        written = parts.read("xl/worksheets/sheet1.xml").decode()
    assert '<ignoredError sqref="A1:F5" numberStoredAsText="1"/>' in written


def test_times_are_dates_and_ages_are_numbers() -> None:
    sheet = opened(stuck_cases_xlsx(stuck(), DAY, MOSCOW, None, None))
    assert sheet["C2"].value == pd.Timestamp("2022-02-03 09:00")
    assert sheet["C2"].number_format == "dd.mm.yyyy hh:mm"
    assert sheet["D3"].value == pytest.approx(70.97)
    assert sheet["D3"].number_format == "#,##0.0"
    assert sheet["E2"].value == 1


def test_the_sheet_opens_ready_to_work_with() -> None:
    sheet = opened(stuck_cases_xlsx(stuck(), DAY, MOSCOW, None, None))
    assert sheet.title == "Зависшие 12.02.2022"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F5"
    assert [sheet.cell(1, column).value for column in range(1, 7)] == [
        "Процесс",
        "Клиент",
        "Открыто, МСК",
        "Ждёт, ч",
        "Обращений",
        "Новое за день",
    ]
    assert all(sheet.column_dimensions[letter].width >= 10 for letter in "ABCDEF")


def test_without_the_day_before_a_case_is_new_if_its_24_hours_ended_on_the_day() -> None:
    rows = rows_of(stuck_cases_xlsx(stuck(), DAY, MOSCOW, None, None))
    assert [row[5] for row in rows] == ["нет", "нет", "да", "да"]


def test_with_the_day_before_a_case_is_new_if_it_was_not_stuck_then() -> None:
    before = stuck(CASES[:2])
    rows = rows_of(stuck_cases_xlsx(stuck(), DAY, MOSCOW, before, None))
    assert {row[1]: row[5] for row in rows} == {
        "=1+1": "нет",
        "12345678901234567890": "да",
        "клиент & Ко/7": "да",
        "0042": "нет",
    }


def test_a_case_that_is_seen_from_a_later_start_is_not_new() -> None:
    """Its first start is 30 days old and forgotten, the client waits as before."""
    today = stuck([(journey.FIRST_LINE, "0042", pd.Timestamp("2022-01-20 10:30"), 565.5, 1)])
    before = stuck([(journey.FIRST_LINE, "0042", pd.Timestamp("2022-01-13 10:30"), 709.5, 2)])
    [row] = rows_of(stuck_cases_xlsx(today, DAY, MOSCOW, before, None))
    assert row[5] == "нет"


def test_a_case_whose_24_hours_ended_as_the_day_began_is_new() -> None:
    """It was in time still at the midnight before, to the second: nobody listed it."""
    today = stuck([(journey.FIRST_LINE, "0042", pd.Timestamp("2022-02-11"), 48.0, 1)])
    [row] = rows_of(stuck_cases_xlsx(today, DAY, MOSCOW, None, None))
    assert row[5] == "да"


def test_each_client_links_to_the_crm_if_its_address_is_known() -> None:
    sheet = opened(stuck_cases_xlsx(stuck(), DAY, MOSCOW, None, TEMPLATE))
    cells = [row[1] for row in sheet.iter_rows(min_row=2)]
    links = {cell.value: cell.hyperlink.target for cell in cells if cell.hyperlink}
    assert links["0042"] == "https://crm.example/clients/0042?tab=1"
    encoded = "%D0%BA%D0%BB%D0%B8%D0%B5%D0%BD%D1%82%20%26%20%D0%9A%D0%BE%2F7"
    assert links["клиент & Ко/7"] == f"https://crm.example/clients/{encoded}?tab=1"


def test_without_a_template_there_are_no_links() -> None:
    sheet = opened(stuck_cases_xlsx(stuck(), DAY, MOSCOW, None, None))
    assert not any(row[1].hyperlink for row in sheet.iter_rows(min_row=2))


def test_a_very_long_id_stays_a_text_without_a_link() -> None:
    case = (journey.OPEN_REQUESTS, "x" * 3000, pd.Timestamp("2022-02-03 09:00"), 231.0, 1)
    sheet = opened(stuck_cases_xlsx(stuck([case]), DAY, MOSCOW, None, TEMPLATE))
    assert sheet["B2"].value == "x" * 3000
    assert sheet["B2"].hyperlink is None


def test_an_empty_list_is_a_header_alone() -> None:
    assert rows_of(stuck_cases_xlsx(stuck([]), DAY, MOSCOW, stuck(), TEMPLATE)) == []


def test_the_same_cases_give_the_same_bytes_and_stay_unchanged() -> None:
    cases = stuck()
    one = stuck_cases_xlsx(cases, DAY, MOSCOW, None, TEMPLATE)
    assert one == stuck_cases_xlsx(cases.iloc[::-1], DAY, MOSCOW, None, TEMPLATE)
    pd.testing.assert_frame_equal(cases, stuck())


# --- Sheets with sums ----------------------------------------------------------------------------

FIGURES = (
    SheetColumn("user_id", "Клиент", CellKind.CLIENT),
    SheetColumn("said", "=Событие"),
    SheetColumn("counted", "Срок вышел", CellKind.FIGURE),
)


def counted(users: Sequence[str], said: str = "") -> Sheet:
    rows = pd.DataFrame({"user_id": list(users), "said": said or list(users), "counted": 1})
    return Sheet("Лист", FIGURES, rows, (summed("Итого", rows, {"counted": len(rows)}),))


def test_the_sum_stands_under_the_rows_and_outside_of_the_filter() -> None:
    sheet = opened(workbook([counted("abc")], "a title", DAY, MOSCOW, None))
    assert [cell.value for cell in sheet[5]] == ["Итого", None, 3]
    assert sheet["A5"].font.bold
    assert sheet.auto_filter.ref == "A1:C4"


@pytest.mark.parametrize("start", ["=1+1", "+7 999", "-1", "@now", "=cmd|' /C calc'!A0", "\t=1"])
def test_what_looks_like_a_formula_stays_text(start: str) -> None:
    sheet = opened(workbook([counted([start])], "a title", DAY, MOSCOW, TEMPLATE))
    assert [(cell.data_type, cell.value) for cell in sheet[2][:2]] == [("s", start)] * 2
    assert sheet["B1"].data_type == "s"


def test_a_number_has_its_tenth_only_as_a_mean_and_a_missing_one_no_cell() -> None:
    columns = (
        SheetColumn("day", "День", CellKind.DAY),
        *(SheetColumn(name, name) for name in ("short", "long", "longest")),
        SheetColumn("counted", "Сколько", CellKind.COUNT),
    )
    rows = pd.DataFrame(
        {"day": DAY, "short": "x", "long": "x" * 40, "longest": "x" * 90, "counted": [7, 2.5, None]}
    )
    sums = [Sum(label, {"counted": total}, {}) for label, total in (("a", 9), ("b", 9.5))]
    content = workbook([Sheet("Лист", columns, rows, tuple(sums))], "a title", DAY, MOSCOW, None)
    sheet = opened(content)
    found = [(cell.value, cell.number_format) for cell in sheet["E"][1:]]
    whole, tenths = "#,##0", "#,##0.0"
    assert found == [(7, whole), (2.5, tenths), (None, "General"), (9, whole), (9.5, tenths)]
    assert sheet["A2"].number_format == "dd.mm.yyyy"
    widths = [sheet.column_dimensions[letter].width for letter in "BCD"]
    assert [round(width - widths[0]) for width in widths] == [0, 18, 38]
    assert load_workbook(BytesIO(content)).properties.title == "a title"


def test_a_sheet_ends_after_its_most_rows_with_a_word_and_sums_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (spreadsheet.MOST_ROWS, spreadsheet.MOST_LINKS) == (100_000, 65_000)
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 1_000)
    monkeypatch.setattr(spreadsheet, "MOST_LINKS", 900)
    many = counted([str(number) for number in range(1_005)], said="x")
    sheet = opened(workbook([many], "a title", DAY, MOSCOW, TEMPLATE))
    *_, last, word, total = sheet.iter_rows(values_only=True)
    assert last == ("999", "x", 1)
    assert str(word[0]).replace("\xa0", " ") == (
        "Показаны первые 1 000 строк из 1 005; в итоге посчитаны все"
    )
    assert total == ("Итого", None, 1_005)
    assert [bool(sheet.cell(row, 1).hyperlink) for row in (901, 902)] == [True, False]
