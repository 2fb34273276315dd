"""The list of stuck cases as an .xlsx file."""

from datetime import date, datetime, time
from io import BytesIO
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.journey import PROCESSES
from sales_assets.core.report.wording import full_date, zone_name
from sales_assets.core.russian import report as ru

#: Where the client id goes in the address template of the CRM.
CLIENT_PLACEHOLDER = "{user_id}"
#: Excel takes no more links on a sheet, and no longer ones.
MOST_LINKS = 65_000
LONGEST_LINK = 2_000
WIDTHS = (22, 28, 18, 10, 12, 16)
CASE = ["process", "user_id", "opened_at"]
#: A case that became overdue on the day opened 24 to 48 hours before its end.
HOURS_WHEN_NEW = 48


def stuck_cases_xlsx(
    stuck: pd.DataFrame,
    day: date,
    zone: ZoneInfo,
    previous_day_stuck: pd.DataFrame | None,
    crm_url_template: str | None,
) -> bytes:
    """Return the stuck cases of `day` as a workbook, the longest waiting first.

    Client ids stay text, whatever they look like; times are the wall clock of `zone`. A case is
    new if it was not stuck the day before; where that day is not known, if its 24 hours ended on
    `day`. The same cases give the same bytes.

    Raises:
        SalesAssetsError: the template has no `{user_id}`.
    """
    import xlsxwriter

    _check_template(crm_url_template)
    rows = _worst_first(stuck.assign(is_new=_is_new(stuck, previous_day_stuck)))
    target = BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.set_properties(
            {
                "title": f"{ru.STUCK_SHEET} {full_date(day)}",
                "created": datetime.combine(day, time()),
            }
        )
        sheet = book.add_worksheet(f"{ru.STUCK_SHEET} {day:%d.%m.%Y}")
        _write_header(book, sheet, len(rows), _zone_of(day, zone))
        _write_rows(book, sheet, rows, crm_url_template)
    return target.getvalue()


def _check_template(template: str | None) -> None:
    if template is not None and CLIENT_PLACEHOLDER not in template:
        raise SalesAssetsError(
            f"The address template of the CRM is {template!r}. Expected an address with "
            f"{CLIENT_PLACEHOLDER} where the client's id goes, such as "
            f"https://crm.example/clients/{CLIENT_PLACEHOLDER}. Mend the setting, or remove it to "
            "have the list without links."
        )


def _is_new(stuck: pd.DataFrame, previous: pd.DataFrame | None) -> pd.Series:
    if previous is None:
        return stuck["age_hours"] < HOURS_WHEN_NEW
    known = set(previous[CASE].itertuples(index=False, name=None))
    cases = stuck[CASE].itertuples(index=False, name=None)
    return pd.Series([case not in known for case in cases], index=stuck.index, dtype=bool)


def _worst_first(rows: pd.DataFrame) -> pd.DataFrame:
    order = {process.name: position for position, process in enumerate(PROCESSES)}
    placed = rows.assign(position=rows["process"].astype("str").map(order))
    by = ["age_hours", "starts", "position", "user_id"]
    return placed.sort_values(by, ascending=[False, False, True, True], kind="stable")


def _zone_of(day: date, zone: ZoneInfo) -> str:
    return zone_name(datetime.combine(day, time(), tzinfo=zone))


def _write_header(book: Any, sheet: Any, rows: int, zone: str) -> None:
    header = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    for column, (name, width) in enumerate(zip(ru.STUCK_COLUMNS, WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name.format(zone=zone), header)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, rows, len(WIDTHS) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"B1:B{rows + 1}"})
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _write_rows(book: Any, sheet: Any, rows: pd.DataFrame, template: str | None) -> None:
    moment = book.add_format({"num_format": "dd.mm.yyyy hh:mm", "align": "left"})
    hours = book.add_format({"num_format": "#,##0.0"})
    for row, case in enumerate(rows.to_dict("records"), start=1):
        sheet.write_string(row, 0, str(case["process"]))
        _write_client(sheet, row, str(case["user_id"]), template)
        sheet.write_datetime(row, 2, case["opened_at"].to_pydatetime(), moment)
        sheet.write_number(row, 3, float(case["age_hours"]), hours)
        sheet.write_number(row, 4, int(case["starts"]))
        sheet.write_string(row, 5, ru.YES if case["is_new"] else ru.NO)


def _write_client(sheet: Any, row: int, client: str, template: str | None) -> None:
    """Write the id as text, with a link where the CRM's address is known and Excel takes it."""
    if template is None:
        sheet.write_string(row, 1, client)
        return
    link = template.replace(CLIENT_PLACEHOLDER, quote(client, safe=""))
    if row <= MOST_LINKS and len(link) <= LONGEST_LINK:
        sheet.write_url(row, 1, link, string=client)
    else:
        sheet.write_string(row, 1, client)
