"""From the source's rows to clean events: what is set aside, by kind, and who is left out."""

import pandas as pd

WITHOUT_USER = "without_user"
WITHOUT_TIME = "without_time"
UNKNOWN_TYPE = "unknown_type"
DUPLICATES = "duplicates"
#: The kinds of bad rows; a row counts as the first kind that fits.
KINDS = (WITHOUT_USER, WITHOUT_TIME, UNKNOWN_TYPE, DUPLICATES)


def set_aside(raw: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Split one day's source rows: the valid ones in their order, and the number of others by kind.

    A row lacks its user (an empty id names nobody), its time or a known type (null), or repeats
    an earlier row's user, type and time. Valid and set aside sum to the rows; every kind is
    there, with 0 for none. An empty day gives an empty frame.
    """
    known = raw
    counts: dict[str, int] = {}
    for kind, flaw in (
        (WITHOUT_USER, _is_without_user),
        (WITHOUT_TIME, _is_without_time),
        (UNKNOWN_TYPE, _is_of_unknown_type),
        (DUPLICATES, _is_duplicate),
    ):
        flawed = flaw(known)
        counts[kind] = int(flawed.sum())
        known = known[~flawed]
    return known.reset_index(drop=True), counts


def clean_events(valid: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """Leave out everybody in an experiment as of the day's cut-off.

    `history` is the day's own `user_history`, whose facts lie before the cut-off: whoever has a
    `first_experiment_at` there is left out, whoever joins later stays. Keeps the order and the
    columns of `valid`.
    """
    joined = history.loc[history["first_experiment_at"].notna(), "user_id"]
    return valid[~valid["user_id"].isin(joined)].reset_index(drop=True)


def _is_without_user(rows: pd.DataFrame) -> pd.Series:
    return rows["user_id"].isna() | (rows["user_id"] == "")


def _is_without_time(rows: pd.DataFrame) -> pd.Series:
    return rows["event_time"].isna()


def _is_of_unknown_type(rows: pd.DataFrame) -> pd.Series:
    return rows["event_type"].isna()


def _is_duplicate(rows: pd.DataFrame) -> pd.Series:
    return rows.duplicated([name for name in _IDENTITY if name in rows.columns])


_IDENTITY = ("user_id", "event_type", "event_time", "event_time_fold")
