"""What is told of one day's frame: its rows, its main numbers, a small table; no client's id."""

from collections.abc import Callable, Mapping

import pandas as pd

from sales_assets.core import names
from sales_assets.core.journey import ALL_GROUPS, MAIN_PATH

PREVIEW_ROWS = 12
ROWS = "rows"

#: By name: a number, or a table of a few rows.
Summary = Mapping[str, int | float | pd.DataFrame]


def summary_of(asset: str, frame: pd.DataFrame) -> Summary:
    """Return the rows of an asset's frame, and its day's main numbers."""
    return {ROWS: len(frame), **_SUMMARIES.get(asset, _preview)(frame)}


def _preview(frame: pd.DataFrame) -> Summary:
    return {"preview": frame.head(PREVIEW_ROWS)}


def _events(frame: pd.DataFrame) -> Summary:
    by_type = frame["event_type"].value_counts(dropna=False).rename_axis("event_type")
    counts = by_type[by_type > 0].reset_index(name="rows")
    return {"users": int(frame["user_id"].nunique()), "by_event": counts}


def _history(frame: pd.DataFrame) -> Summary:
    return {
        "in_experiments": int(frame["first_experiment_at"].notna().sum()),
        "have_paid": int(frame["first_payment_at"].notna().sum()),
    }


def _sums(*columns: str) -> Callable[[pd.DataFrame], Summary]:
    """Tell the first rows, and the sums of some columns."""
    return lambda frame: {
        **_preview(frame),
        **{name: int(frame[name].sum()) for name in columns},
    }


def _by_process(frame: pd.DataFrame) -> Summary:
    return {"by_process": frame.groupby("process", sort=False).size().reset_index(name="cases")}


def _funnel(frame: pd.DataFrame) -> Summary:
    """Tell the entries, the purchases, the conversion, and the main path by group."""
    main = frame[frame["path"] == MAIN_PATH]
    steps = main.loc[main["group"] == ALL_GROUPS]
    by_group = main.set_index("step").groupby("group", sort=False)["users"]
    return {
        "groups": int(frame["group"].nunique()) - 1,
        "entries": int(steps["users"].iloc[0]),
        "purchases": int(steps["users"].iloc[-1]),
        "conversion": float(steps["share"].iloc[-1]),
        "main_path": pd.DataFrame(dict(iter(by_group))).reset_index(),
    }


_SUMMARIES: Mapping[str, Callable[[pd.DataFrame], Summary]] = {
    names.RAW_EVENTS: _events,
    names.USER_HISTORY: _history,
    names.CLEAN_EVENTS: _events,
    names.UNCLOSED_PROCESSES: _sums("due", "breached", "opened", "closed"),
    names.STUCK_CASES: _by_process,
    names.EXPIRING_CASES: _by_process,
    names.CONVERSION_FUNNEL: _funnel,
    names.DAILY_ACTIVITY: _sums("events"),
    names.NEW_PAYING_USERS: _sums("new_paying", "new_paying_experiment", "paying", "payments"),
}
