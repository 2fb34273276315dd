"""The lists of clients to call, as sheets: whose 24 hours run out, and who waits for longer."""

from datetime import date

import pandas as pd

from sales_assets.core.journey import PROCESSES
from sales_assets.core.report.sheet import CellKind, Sheet, SheetColumn
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import DAY

CASE = ["process", "user_id", "opened_at"]
#: A case that became overdue on the day opened 24 to 48 hours before its end.
HOURS_WHEN_NEW = 48


def expiring_sheet(expiring: pd.DataFrame, day: date) -> Sheet:
    """Return the cases whose 24 hours run out after `day`, the earliest deadline first."""
    columns = (
        SheetColumn("deadline", ru.COLUMN_DEADLINE, CellKind.MOMENT),
        SheetColumn("process", ru.COLUMN_PROCESS),
        SheetColumn("user_id", ru.COLUMN_CLIENT, CellKind.CLIENT),
        SheetColumn("opened_at", ru.COLUMN_OPENED, CellKind.MOMENT),
    )
    return Sheet(f"{ru.EXPIRING_SHEET} {day + DAY:%d.%m.%Y}", columns, expiring)


def stuck_sheet(stuck: pd.DataFrame, day: date, previous: pd.DataFrame | None) -> Sheet:
    """Return the stuck cases of `day`, the longest waiting first.

    A case is new if it was not stuck on the `previous` day; where that is not known, if its
    24 hours ended on `day`.
    """
    is_new = _is_new(stuck, previous).map({True: ru.YES, False: ru.NO})
    order = {process.name: position for position, process in enumerate(PROCESSES)}
    rows = stuck.assign(is_new=is_new, position=stuck["process"].astype("str").map(order))
    by = ["age_hours", "starts", "position", "user_id"]
    worst_first = rows.sort_values(by, ascending=[False, False, True, True], kind="stable")
    columns = (
        SheetColumn("process", ru.COLUMN_PROCESS),
        SheetColumn("user_id", ru.COLUMN_CLIENT, CellKind.CLIENT),
        SheetColumn("opened_at", ru.COLUMN_OPENED, CellKind.MOMENT),
        SheetColumn("age_hours", ru.COLUMN_AGE, CellKind.HOURS),
        SheetColumn("starts", ru.COLUMN_STARTS, CellKind.COUNT),
        SheetColumn("is_new", ru.COLUMN_NEW),
    )
    return Sheet(f"{ru.STUCK_SHEET} {day:%d.%m.%Y}", columns, worst_first)


def _is_new(stuck: pd.DataFrame, previous: pd.DataFrame | None) -> pd.Series:
    if previous is None:
        return stuck["age_hours"] < HOURS_WHEN_NEW
    known = set(previous[CASE].itertuples(index=False, name=None))
    cases = stuck[CASE].itertuples(index=False, name=None)
    return pd.Series([case not in known for case in cases], index=stuck.index, dtype=bool)
