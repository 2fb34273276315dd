"""The receipt of a day: for every number of the picture a sheet with the clients behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sales_assets.core.metrics.cleaning import flaws
from sales_assets.core.report.inputs import DayEvents
from sales_assets.core.report.report import PARTS
from sales_assets.core.report.sheet import CellKind, Sheet, SheetColumn, Sum, summed
from sales_assets.core.russian import report as ru


@dataclass(frozen=True)
class Figure:
    """A number of the picture, as it is `shown` there and as its sheet has `counted` it."""

    sheet: str
    name: str
    shown: int | None
    counted: int

    @property
    def is_equal(self) -> bool:
        """Whether picture and sheet say the same."""
        return self.shown == self.counted


def receipt(events: DayEvents, numbers: Mapping[str, Any]) -> tuple[Sheet, ...]:
    """Return a sheet for each of the `numbers` of a stored report, a row a client or case.

    A part that the report doesn't count has none. Comparisons with earlier days have none
    either: these are the numbers of those days' reports.
    """
    sheets = [sheet for part in PARTS for sheet in part.sheets(events, numbers)]
    return (*sheets, *_set_aside(events.raw, numbers))


def figures(sheets: Sequence[Sheet]) -> list[Figure]:
    """Return the numbers that the sheets add up."""
    return [
        Figure(sheet.title, _name(column, summed_row), shown, summed_row.counted[column.name])
        for sheet in sheets
        for summed_row in sheet.sums
        for column in sheet.figures
        if column.name in summed_row.shown
        for shown in [summed_row.shown[column.name]]
    ]


def with_overview(sheets: Sequence[Sheet]) -> tuple[Sheet, ...]:
    """Put a sheet before the others that lists every number beside the picture's."""
    rows = pd.DataFrame(
        [
            (one.sheet, one.name, one.shown, one.counted, ru.YES if one.is_equal else ru.NO)
            for one in figures(sheets)
        ],
        columns=["sheet", "name", "shown", "counted", "is_equal"],
    )
    kinds = (CellKind.TEXT, CellKind.TEXT, CellKind.COUNT, CellKind.COUNT, CellKind.TEXT)
    columns = tuple(map(SheetColumn, rows.columns, ru.NUMBERS_COLUMNS, kinds))
    return (Sheet(ru.NUMBERS_SHEET, columns, rows, (Sum(ru.NUMBERS_NOTE, {}, {}),)), *sheets)


def told_of(client: str, sheets: Sequence[Sheet]) -> list[str]:
    """Say in words which numbers hold a client: a line a sheet."""
    told = []
    for sheet in sheets:
        rows = sheet.rows[sheet.rows["user_id"] == client]
        names = [column.title for column in sheet.figures if rows[column.name].any()]
        if names:
            told.append(ru.HELD_BY.format(sheet=sheet.title, figures=", ".join(names)))
    return told


def _name(column: SheetColumn, row: Sum) -> str:
    if row.label == ru.TOTAL:
        return column.title
    return ru.NUMBER_OF.format(figure=column.title, label=row.label)


def _set_aside(raw: pd.DataFrame, numbers: Mapping[str, Any]) -> Sequence[Sheet]:
    """List the rows that reached no number, if there are any."""
    counts = (numbers.get("data_quality") or {}).get("set_aside") or {}
    shown = {kind: count for kind, count in counts.items() if kind in ru.FIGURE_SET_ASIDE}
    if not any(shown.values()):
        return ()
    kinds = flaws(raw)
    rows = raw[kinds.notna()]
    rows = rows.assign(**{kind: (kinds[kinds.notna()] == kind).astype(int) for kind in shown})
    columns = (
        SheetColumn("user_id", ru.COLUMN_CLIENT, CellKind.CLIENT),
        SheetColumn("event_time", ru.COLUMN_TIME, CellKind.MOMENT),
        SheetColumn("event_type", ru.COLUMN_EVENT),
        *(SheetColumn(kind, ru.FIGURE_SET_ASIDE[kind], CellKind.FIGURE) for kind in shown),
    )
    return (Sheet(ru.SET_ASIDE_SHEET, columns, rows, (summed(ru.TOTAL, rows, shown),)),)
