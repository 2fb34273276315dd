"""What the UI shows of an asset: its columns, and each day's numbers and a small table."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from sales_assets.core import names
from sales_assets.core.journey import ALL_GROUPS, MAIN_PATH

PREVIEW_ROWS = 12

_USER = ("user_id", "string", "the CRM's client id, as text")
_AT = "timestamp"
_WALL_CLOCK = "wall clock of the report zone"
_EVENT_COLUMNS = (
    _USER,
    ("event_time", _AT, _WALL_CLOCK),
    ("event_type", "string", "the dictionary's description; null where it knows no such id"),
)
COLUMNS: dict[str, tuple[tuple[str, str, str], ...]] = {
    names.RAW_EVENTS: _EVENT_COLUMNS,
    names.USER_HISTORY: (
        _USER,
        ("first_event_at", _AT, f"the first event over all history; {_WALL_CLOCK}"),
        ("first_experiment_at", _AT, "the first experiment event before the cut-off, or null"),
        ("first_payment_at", _AT, "the first payment before the cut-off, or null"),
    ),
    names.CLEAN_EVENTS: _EVENT_COLUMNS,
    names.UNCLOSED_PROCESSES: (
        ("process", "string", "the process, by its Russian name"),
        ("due", "int", "cases whose 24 hours ended on the day"),
        ("breached", "int", "those of them not closed in time"),
        ("opened", "int", "cases opened on the day"),
        ("closed", "int", "cases closed on the day"),
        ("in_progress", "int", "open at the cut-off, up to 24 h old"),
        ("overdue_1_3d", "int", "open, over 24 h to 3 days"),
        ("overdue_3_7d", "int", "open, over 3 to 7 days"),
        ("overdue_7_30d", "int", "open, over 7 to 30 days"),
        ("usual_breached", "float", "median of the same weekday of four weeks; null if young"),
        ("same_day_users", "int", "the old bot's number, for comparison"),
    ),
    names.STUCK_CASES: (
        ("process", "string", "the process, by its Russian name"),
        _USER,
        ("opened_at", _AT, _WALL_CLOCK),
        ("age_hours", "float", "hours open at the cut-off"),
        ("starts", "int", "how often the process was started within the case"),
    ),
    names.CONVERSION_FUNNEL: (
        ("group", "string", "all, or a group of clients by its Russian name"),
        ("path", "string", "main, or first_line: a branch"),
        ("step", "string", "the event that ends the step"),
        ("users", "int", "clients who came that far within 7 days"),
        ("share", "float", "of the entries, 0 to 1"),
    ),
    names.DAILY_ACTIVITY: (
        ("event_type", "string", "the event"),
        ("users", "int", "distinct clients on the day"),
        ("events", "int", "events on the day"),
    ),
    names.NEW_PAYING_USERS: (
        ("new_paying", "int", "first payment ever on the day, not in experiments"),
        ("new_paying_experiment", "int", "the same, in experiments"),
        ("paying", "int", "distinct payers of the day, not in experiments"),
        ("payments", "int", "their payments"),
        ("same_weekday_last_week", "int", "new_paying seven days before; null if young"),
        ("mean_7d", "float", "mean of the seven days before; null if young"),
    ),
    names.REPORT_DELIVERY: (
        ("chat", "string", "the chat's id, or outbox"),
        ("thread", "int", "the topic in the chat; 0 for none"),
        ("kind", "string", "report, continuation, edit, change, late"),
        ("state", "string", "planned, sending, sent, failed, unknown"),
        ("attempts", "int", "requests made"),
        ("message_id", "int", "the message in the chat; null if there is none"),
        ("possible_duplicate", "bool", "whether the chat may have it twice"),
        ("reason", "string", "why it was refused or is in doubt"),
    ),
}


def column_schema(asset: str) -> dict[str, Any]:
    """Return the definition metadata that shows an asset's columns."""
    columns = [
        dg.TableColumn(name, type_, description=description)
        for name, type_, description in COLUMNS[asset]
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def describe_frame(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the row count and the first rows."""
    return {
        "dagster/row_count": len(frame),
        "preview": dg.MetadataValue.md(_table(frame.head(PREVIEW_ROWS))),
    }


def describe_events(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the rows, the clients and the rows by event."""
    by_type = frame["event_type"].value_counts(dropna=False).rename_axis("event_type")
    counts = by_type[by_type > 0].reset_index(name="rows")
    return {
        "dagster/row_count": len(frame),
        "users": int(frame["user_id"].nunique()),
        "by_event": dg.MetadataValue.md(_table(counts)),
    }


def describe_history(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the day's clients and how many of them are in experiments; no ids."""
    return {
        "dagster/row_count": len(frame),
        "in_experiments": int(frame["first_experiment_at"].notna().sum()),
        "have_paid": int(frame["first_payment_at"].notna().sum()),
    }


def describe_unclosed(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the headline numbers, summed over the processes, and the whole table."""
    sums = {name: int(frame[name].sum()) for name in ("due", "breached", "opened", "closed")}
    return {**describe_frame(frame), **sums}


def describe_stuck(frame: pd.DataFrame) -> dict[str, Any]:
    """Return how many cases are stuck, by process."""
    by_process = frame.groupby("process", sort=False).size().reset_index(name="cases")
    return {
        "dagster/row_count": len(frame),
        "by_process": dg.MetadataValue.md(_table(by_process)),
    }


def describe_funnel(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the entries, the purchases, the conversion and the main path by group."""
    main = frame[frame["path"] == MAIN_PATH]
    steps = main.loc[main["group"] == ALL_GROUPS]
    by_group = main.set_index("step").groupby("group", sort=False)["users"]
    wide = pd.DataFrame(dict(iter(by_group)))
    return {
        "dagster/row_count": len(frame),
        "groups": int(frame["group"].nunique()) - 1,
        "entries": int(steps["users"].iloc[0]),
        "purchases": int(steps["users"].iloc[-1]),
        "conversion": float(steps["share"].iloc[-1]),
        "main_path": dg.MetadataValue.md(_table(wide.reset_index())),
    }


def describe_activity(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the day's events and the whole table."""
    return {**describe_frame(frame), "events": int(frame["events"].sum())}


def describe_paying(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the day's counts as numbers that the UI plots over the days."""
    row = frame.iloc[0]
    counts = ("new_paying", "new_paying_experiment", "paying", "payments")
    return {**describe_frame(frame), **{name: int(row[name]) for name in counts}}


DESCRIBE: Mapping[str, Any] = {
    names.RAW_EVENTS: describe_events,
    names.USER_HISTORY: describe_history,
    names.CLEAN_EVENTS: describe_events,
    names.UNCLOSED_PROCESSES: describe_unclosed,
    names.STUCK_CASES: describe_stuck,
    names.CONVERSION_FUNNEL: describe_funnel,
    names.DAILY_ACTIVITY: describe_activity,
    names.NEW_PAYING_USERS: describe_paying,
    names.REPORT_DELIVERY: describe_frame,
}


def _table(frame: pd.DataFrame) -> str:
    return frame.to_markdown(index=False) or ""
