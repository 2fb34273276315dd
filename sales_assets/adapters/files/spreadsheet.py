"""Sheets of clients, cases and days as an .xlsx file."""

from collections.abc import Sequence
from datetime import date, datetime, time
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core.report.sheet import CellKind, Sheet, SheetColumn, client_link
from sales_assets.core.report.wording import number, zone_name
from sales_assets.core.russian import report as ru

#: Excel takes no more links on a sheet, and no longer ones.
MOST_LINKS = 65_000
LONGEST_LINK = 2_000
#: Rows beyond it aren't written; the sums count them.
MOST_ROWS = 100_000
#: Characters of a column of text.
WIDEST = 60
_TENTHS = "#,##0.0"
_FORMATS = {
    CellKind.DAY: {"num_format": "dd.mm.yyyy", "align": "left"},
    CellKind.MOMENT: {"num_format": "dd.mm.yyyy hh:mm", "align": "left"},
    CellKind.HOURS: {"num_format": _TENTHS},
    CellKind.COUNT: {"num_format": "#,##0"},
    CellKind.FIGURE: {"num_format": "#,##0"},
}


def workbook(
    sheets: Sequence[Sheet], title: str, day: date, zone: ZoneInfo, crm_url_template: str | None
) -> bytes:
    """Return the sheets as a workbook; the same sheets give the same bytes.

    Times are wall clocks of `zone`, and `day` is the day that the sheets are about.
    Client ids and all other data stay text, whatever they look like: there is no formula.
    """
    import xlsxwriter

    target = BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.set_properties({"title": title, "created": datetime.combine(day, time())})
        clock = zone_name(datetime.combine(day, time(), tzinfo=zone))
        for sheet in sheets:
            _Writing(book, sheet, clock, crm_url_template).write()
    return target.getvalue()


class _Writing:
    """The writing of one sheet."""

    def __init__(self, book: Any, sheet: Sheet, clock: str, template: str | None) -> None:
        self._target = book.add_worksheet(sheet.title)
        self._sheet = sheet
        self._rows = sheet.rows.head(MOST_ROWS)
        self._clock = clock
        self._template = template
        self._head = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}
        )
        self._bold = book.add_format({"bold": True, "num_format": "#,##0"})
        self._bold_mean = book.add_format({"bold": True, "num_format": _TENTHS})
        self._mean = book.add_format({"num_format": _TENTHS})
        self._formats = {kind: book.add_format(form) for kind, form in _FORMATS.items()}

    def write(self) -> None:
        for position, column in enumerate(self._sheet.columns):
            width = column.kind.value
            if column.kind is CellKind.TEXT and not self._rows.empty:  # names are read whole
                longest = int(self._rows[column.name].astype("str").str.len().max())
                width = min(max(width, longest), WIDEST)
            self._target.set_column(position, position, width)
            is_moment = column.kind is CellKind.MOMENT
            title = ru.IN_ZONE.format(title=column.title, zone=self._clock)
            self._target.write_string(0, position, title if is_moment else column.title, self._head)
            self._write_column(position, column)
        self._write_sums()
        rows, columns = len(self._rows), len(self._sheet.columns)
        self._target.freeze_panes(1, 0)
        self._target.autofilter(0, 0, rows, columns - 1)
        # Ids of digits are text on purpose.
        self._target.ignore_errors({"number_stored_as_text": f"A1:{chr(64 + columns)}{rows + 1}"})
        self._target.repeat_rows(0)
        self._target.set_landscape()
        self._target.fit_to_pages(1, 0)

    def _write_column(self, position: int, column: SheetColumn) -> None:
        write = {
            CellKind.TEXT: self._target.write_string,
            CellKind.CLIENT: self._write_client,
            CellKind.DAY: self._target.write_datetime,
            CellKind.MOMENT: self._target.write_datetime,
        }.get(column.kind, self._target.write_number)
        form = self._formats.get(column.kind)
        values = self._rows[column.name]
        if column.kind in (CellKind.TEXT, CellKind.CLIENT):
            values = values.astype("str")
        for row, value in enumerate(values, start=1):
            if not pd.isna(value):
                is_mean = column.kind in (CellKind.COUNT, CellKind.FIGURE) and value % 1
                write(row, position, value, self._mean if is_mean else form)

    def _write_client(self, row: int, position: int, client: str, _form: Any) -> None:
        """Write the id as text, with a link where the CRM's address is known."""
        link = client_link(self._template, client, LONGEST_LINK) if row <= MOST_LINKS else None
        if link is None:
            self._target.write_string(row, position, client)
        else:
            self._target.write_url(row, position, link, string=client)

    def _write_sums(self) -> None:
        below = len(self._rows) + 1
        if len(self._rows) < len(self._sheet.rows):
            shown, total = number(len(self._rows)), number(len(self._sheet.rows))
            self._target.write_string(below, 0, ru.ROWS_CUT.format(shown=shown, total=total))
            below += 1
        for row, summed in enumerate(self._sheet.sums, start=below):
            self._target.write_string(row, 0, summed.label, self._bold)
            for position, column in enumerate(self._sheet.columns):
                if column.name in summed.counted:
                    value = summed.counted[column.name]
                    form = self._bold_mean if value % 1 else self._bold
                    self._target.write_number(row, position, value, form)
