"""A sheet of a workbook as a value: its rows, the sums under them; the lists of clients to call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from urllib.parse import quote

import pandas as pd

from sales_assets.core.journey import PROCESSES
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import DAY

#: Where the client id goes in the address template of the CRM.
CLIENT_PLACEHOLDER = "{user_id}"


def client_link(template: str | None, client: str, longest: int) -> str | None:
    """Return the client's address in the CRM, if it is known and not over `longest` signs."""
    if template is None:
        return None
    link = template.replace(CLIENT_PLACEHOLDER, quote(client, safe=""))
    return link if len(link) <= longest else None


class CellKind(Enum):
    """What stands in a column, with its width in characters.

    A FIGURE is 1 in the rows that a number of the picture counts.
    """

    TEXT = 22
    CLIENT = 28
    MOMENT = 18
    DAY = 13
    COUNT = 12
    HOURS = 10
    FIGURE = 14


@dataclass(frozen=True)
class SheetColumn:
    """One column: `name` in the rows, `title` on the sheet."""

    name: str
    title: str
    kind: CellKind = CellKind.TEXT


CLIENT_COLUMN = SheetColumn("user_id", ru.COLUMN_CLIENT, CellKind.CLIENT)
#: A case, and what closed it.
CASE_COLUMNS = (
    SheetColumn("process", ru.COLUMN_PROCESS),
    CLIENT_COLUMN,
    SheetColumn("opened_at", ru.COLUMN_OPENED, CellKind.MOMENT),
    SheetColumn("starts", ru.COLUMN_STARTS, CellKind.COUNT),
    SheetColumn("deadline", ru.COLUMN_DEADLINE, CellKind.MOMENT),
)
ENDS = (
    SheetColumn("closed_at", ru.COLUMN_CLOSED, CellKind.MOMENT),
    SheetColumn("closed_by", ru.COLUMN_CLOSED_BY),
)


@dataclass(frozen=True)
class Sum:
    """A row under the rows: the sum of each figure, and what the picture shows in its place.

    Both are by the columns' names; `label` stands in the first column.
    """

    label: str
    counted: Mapping[str, float]
    shown: Mapping[str, float | None]


@dataclass(frozen=True)
class Sheet:
    """One sheet: a row is a client (`user_id`), a case of one, or a day."""

    title: str
    columns: tuple[SheetColumn, ...]
    rows: pd.DataFrame
    sums: tuple[Sum, ...] = ()

    @property
    def figures(self) -> tuple[SheetColumn, ...]:
        """The columns that are summed."""
        return tuple(column for column in self.columns if column.kind is CellKind.FIGURE)


def summed(label: str, rows: pd.DataFrame, shown: Mapping[str, int | None]) -> Sum:
    """Return the sums of the figures that are `shown`, over these rows."""
    return Sum(label, {name: int(rows[name].sum()) for name in shown}, shown)


#: Whose wait it is: a case seen anew from a later start, its first being 30 days old, is the same.
WAIT = ["process", "user_id"]
#: A case that became overdue on the day opened 24 to 48 hours before its end.
HOURS_WHEN_NEW = 48


def expiring_sheet(expiring: pd.DataFrame, day: date) -> Sheet:
    """Return the cases whose 24 hours run out after `day`, the earliest deadline first."""
    *case, _, deadline = CASE_COLUMNS
    return Sheet(f"{ru.EXPIRING_SHEET} {day + DAY:%d.%m.%Y}", (deadline, *case), expiring)


def stuck_sheet(stuck: pd.DataFrame, day: date, previous: pd.DataFrame | None) -> Sheet:
    """Return the stuck cases of `day`, the longest waiting first.

    A case is new if its client wasn't stuck there on the `previous` day; where that is not known,
    if its 24 hours ended on `day`.
    """
    if previous is None:
        is_new = stuck["age_hours"] <= HOURS_WHEN_NEW
    else:
        known = set(previous[WAIT].itertuples(index=False, name=None))
        waits = stuck[WAIT].itertuples(index=False, name=None)
        is_new = pd.Series([wait not in known for wait in waits], index=stuck.index, dtype=bool)
    order = {process.name: position for position, process in enumerate(PROCESSES)}
    rows = stuck.assign(
        is_new=is_new.map({True: ru.YES, False: ru.NO}),
        position=stuck["process"].astype("str").map(order),
    )
    by = ["age_hours", "starts", "position", "user_id"]
    worst_first = rows.sort_values(by, ascending=[False, False, True, True], kind="stable")
    *case, starts, _ = CASE_COLUMNS
    age = SheetColumn("age_hours", ru.COLUMN_AGE, CellKind.HOURS)
    columns = (*case, age, starts, SheetColumn("is_new", ru.COLUMN_NEW))
    return Sheet(f"{ru.STUCK_SHEET} {day:%d.%m.%Y}", columns, worst_first)
