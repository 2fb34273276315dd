"""A sheet of a workbook as a value: rows of clients, cases or days, the sums under them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote

import pandas as pd

from sales_assets.core.russian import report as ru

#: Where the client id goes in the address template of the CRM.
CLIENT_PLACEHOLDER = "{user_id}"


def client_link(template: str | None, client: str, longest: int) -> str | None:
    """Return the client's address in the CRM, if it is known and not over `longest` signs."""
    if template is None:
        return None
    link = template.replace(CLIENT_PLACEHOLDER, quote(client, safe=""))
    return link if len(link) <= longest else None


class CellKind(Enum):
    """What stands in a column; a FIGURE is 1 in the rows that a number of the picture counts."""

    TEXT = 22
    CLIENT = 28
    MOMENT = 18
    DAY = 13
    COUNT = 12
    HOURS = 10
    FIGURE = 14

    @property
    def width(self) -> int:
        """Return the width in characters."""
        return self.value


@dataclass(frozen=True)
class SheetColumn:
    """One column: `name` in the rows, `title` on the sheet."""

    name: str
    title: str
    kind: CellKind = CellKind.TEXT


#: A case, and what closed it.
CASE_COLUMNS = (
    SheetColumn("process", ru.COLUMN_PROCESS),
    SheetColumn("user_id", ru.COLUMN_CLIENT, CellKind.CLIENT),
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
