"""From the source's rows to clean events: what is set aside, by kind, and who is left out."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

UNKNOWN_TYPE = "unknown_type"
DUPLICATES = "duplicates"
#: The kinds of bad rows; a row counts as the first kind that fits.
KINDS = ("without_user", "without_time", UNKNOWN_TYPE, DUPLICATES)

_IDENTITY = ("user_id", "event_type", "event_time", "event_time_fold")


def flaws(raw: pd.DataFrame) -> pd.Series:
    """Return the kind of flaw of each source row, missing for a valid row.

    A row lacks its user (an empty id names nobody), its time or a known type (null), or repeats
    an earlier row's user, type and time.
    """
    # Only rows of one instant can be equal: there are few, and ids are slow to compare.
    repeats = raw["event_time"].duplicated(keep=False).to_numpy(copy=True)
    identity = [name for name in _IDENTITY if name in raw.columns]
    repeats[repeats] = raw.loc[repeats, identity].duplicated()
    masks = [
        raw["user_id"].isna() | (raw["user_id"] == ""),
        raw["event_time"].isna(),
        raw["event_type"].isna(),
        repeats,
    ]
    valid = len(KINDS)
    found = np.select([np.asarray(mask, dtype=bool) for mask in masks], range(valid), default=valid)
    return pd.Series(pd.array([*KINDS, None], dtype="str")[found], index=raw.index)


def set_aside(raw: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Split one day's source rows: the valid ones in their order, and the number of others by kind.

    Valid and set aside sum to the rows; every kind is there, with 0 for none. An empty day gives
    an empty frame.
    """
    kinds = flaws(raw)
    counts = kinds.value_counts()
    valid = raw[kinds.isna()].reset_index(drop=True)
    return valid, {kind: int(counts.get(kind, 0)) for kind in KINDS}


def are_in_experiment(users: pd.Series, history: pd.DataFrame) -> pd.Series:
    """Tell for each user whether the day's own `user_history` knows of an experiment.

    Its facts lie before the day's cut-off: who joins later is in none.
    """
    joined = history.loc[history["first_experiment_at"].notna(), "user_id"]
    return pd.Series(_are_among(users, joined), index=users.index)


def has_all(history: pd.DataFrame, users: pd.Series) -> bool:
    """Tell whether the day's own `user_history` knows all of `users`."""
    return bool(_are_among(users, history["user_id"]).all())


def _are_among(users: pd.Series, others: pd.Series) -> np.ndarray:
    # Series.isin makes a Python object of each id, which takes twenty times as long.
    found = pc.call_function("is_in", [texts(users)], pc.SetLookupOptions(texts(others)))
    return found.to_numpy()


def texts(ids: pd.Series) -> pa.ChunkedArray:
    """Return a column of text as Arrow's, without copying it."""
    values = pa.array(ids, type=pa.large_string(), from_pandas=True)
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])


def clean_events(valid: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """Leave out everybody in an experiment as of the day's cut-off.

    `history` is the day's own `user_history`. Keeps the order and the columns of `valid`.
    """
    is_left_out = are_in_experiment(valid["user_id"], history)
    return valid[~is_left_out].reset_index(drop=True)
