"""The receipt of a day: for every number of the picture a sheet with what is behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

import pandas as pd

from sales_assets.core.metrics.cleaning import flaws
from sales_assets.core.report.inputs import DayEvents, ReportInputs
from sales_assets.core.report.report import PARTS
from sales_assets.core.report.sheet import CLIENT_COLUMN, CellKind, Sheet, SheetColumn, Sum, summed
from sales_assets.core.report.usual import SERIES_NAMES, Judged, compared_days, judged
from sales_assets.core.report.wording import counted, sentence
from sales_assets.core.russian import report as ru

_USUAL = (
    SheetColumn("name", ru.COLUMN_NUMBER),
    SheetColumn("day", ru.COLUMN_DAY, CellKind.DAY),
    SheetColumn("value", ru.COLUMN_VALUE, CellKind.COUNT),
    SheetColumn("of", ru.COLUMN_OF, CellKind.COUNT),
    SheetColumn("learned", ru.FIGURE_LEARNED, CellKind.FIGURE),
    SheetColumn("compared", ru.FIGURE_COMPARED, CellKind.FIGURE),
    SheetColumn("usual", ru.FIGURE_USUAL, CellKind.FIGURE),
    SheetColumn("low", ru.FIGURE_LOW, CellKind.FIGURE),
    SheetColumn("high", ru.FIGURE_HIGH, CellKind.FIGURE),
)
#: Its figures, as a judged series has them in the stored numbers.
_SHOWN = {
    "learned": "training_days",
    "compared": "window_value",
    "usual": "window_usual",
    "low": "low",
    "high": "high",
}


@dataclass(frozen=True)
class Figure:
    """A number of the picture, as it is `shown` there and as its sheet has `counted` it."""

    sheet: str
    name: str
    shown: float | None
    counted: float

    @property
    def is_equal(self) -> bool:
        """Whether picture and sheet say the same; means are added up in another order."""
        return self.shown is not None and isclose(self.shown, self.counted, rel_tol=1e-9)


def receipt(events: DayEvents, numbers: Mapping[str, Any]) -> tuple[Sheet, ...]:
    """Return a sheet for each of the `numbers` of a stored report, a row a client or case.

    A part that the report doesn't count has none. What is usual, and what several days brought,
    is a sheet with a row a day.
    """
    sheets = [sheet for part in PARTS for sheet in part.sheets(events, numbers)]
    return (*sheets, *usual_sheet(events.inputs, numbers), *_set_aside(events.raw, numbers))


def usual_sheet(inputs: ReportInputs, numbers: Mapping[str, Any]) -> Sequence[Sheet]:
    """List the days that each judged number is compared with, if any number is.

    Under them for each number what the picture says: the sum of the told window and what is usual
    for it, the usual range of the day, and from how many days it was learned.
    """
    told = {name: numbers.get(name) or {} for name in SERIES_NAMES}
    # None where nothing is said to be usual, or in a report from before this was told.
    explained = [name for name, of_series in told.items() if of_series.get("training_days")]
    compared = [one for name in explained if (one := judged(name, inputs)).is_compared]
    if not compared:
        return ()
    rows = {one.series: compared_days(one, inputs) for one in compared}
    sums = [_usual_sum(one, rows[one.series], told[one.series]) for one in compared]
    whole = pd.concat(frame.assign(name=SERIES_NAMES[name]) for name, frame in rows.items())
    return (Sheet(ru.USUAL_SHEET, _USUAL, whole.assign(low=None, high=None), tuple(sums)),)


def _usual_sum(one: Judged, rows: pd.DataFrame, told: Mapping[str, Any]) -> Sum:
    added = {name: rows[name].sum() for name in ("learned", "compared", "usual")}
    days = counted(told["window"], ru.DAYS_FORMS)
    label = ru.USUAL_TOTAL.format(name=SERIES_NAMES[one.series], days=days)
    return Sum(
        label,
        {**added, "low": one.numbers()["low"], "high": one.numbers()["high"]},
        {name: told[key] for name, key in _SHOWN.items()},
    )


def figures(sheets: Sequence[Sheet]) -> list[Figure]:
    """Return the numbers that the sheets add up."""
    return [
        Figure(sheet.title, _name(column, row), row.shown[column.name], row.counted[column.name])
        for sheet in sheets
        for row in sheet.sums
        for column in sheet.figures
        if column.name in row.shown
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
    """Say in words which numbers count a client: a line for each sheet."""
    told = []
    for sheet in sheets:
        if "user_id" not in sheet.rows:
            continue
        rows = sheet.rows[sheet.rows["user_id"] == client]
        names = [column.title for column in sheet.figures if rows[column.name].any()]
        if names:
            told.append(f"{sheet.title}: {', '.join(names)}")
    return told


def _name(column: SheetColumn, row: Sum) -> str:
    return column.title if row.label == ru.TOTAL else f"{column.title} · {row.label}"


def _set_aside(raw: pd.DataFrame, numbers: Mapping[str, Any]) -> Sequence[Sheet]:
    """List the rows that reached no number, if there are any."""
    counts = (numbers.get("data_quality") or {}).get("set_aside") or {}
    shown = {kind: count for kind, count in counts.items() if kind in ru.SET_ASIDE_KINDS}
    if not any(shown.values()):
        return ()
    kinds = flaws(raw)
    rows = raw[kinds.notna()]
    rows = rows.assign(**{kind: (kinds[kinds.notna()] == kind).astype(int) for kind in shown})
    titles = {kind: sentence(ru.SET_ASIDE_KINDS[kind]) for kind in shown}
    columns = (
        CLIENT_COLUMN,
        SheetColumn("event_time", ru.COLUMN_TIME, CellKind.MOMENT),
        SheetColumn("event_type", ru.COLUMN_EVENT),
        *(SheetColumn(kind, title, CellKind.FIGURE) for kind, title in titles.items()),
    )
    return (Sheet(ru.SET_ASIDE_SHEET, columns, rows, (summed(ru.TOTAL, rows, shown),)),)
