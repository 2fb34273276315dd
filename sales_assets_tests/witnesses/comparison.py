"""Holds one set of frames against another and names every value that differs."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

import pandas as pd

Frames = Mapping[str, pd.DataFrame]

#: What identifies a row of each asset, beside its seed and day, and what is compared in it.
COLUMNS: dict[str, tuple[list[str], list[str]]] = {
    "unclosed_processes": (
        ["process"],
        [
            "due",
            "breached",
            "opened",
            "closed",
            "in_progress",
            "overdue_1_3d",
            "overdue_3_7d",
            "overdue_7_30d",
            "usual_breached",
            "same_day_users",
        ],
    ),
    "stuck_cases": (["process", "user_id", "opened_at"], ["age_hours", "starts"]),
    "expiring_cases": (["process", "user_id", "opened_at"], ["deadline"]),
    "expired_cases": (["process"], ["waiting", "met"]),
    "conversion_funnel": (["path", "step"], ["users", "share"]),
    "daily_activity": (["event_type"], ["users", "events"]),
    "new_paying_users": (
        [],
        [
            "new_paying",
            "new_paying_experiment",
            "paying",
            "payments",
            "same_weekday_last_week",
            "mean_7d",
        ],
    ),
    "daily_values": (["series"], ["value", "whole"]),
    "usual_steps": (["path", "step"], ["users", "share"]),
    "population": ([], ["active", "in_experiments"]),
    "data_quality": ([], ["rows", "without_user", "unknown_type", "duplicates"]),
    "depths": (["path", "user_id"], ["depth"]),
}


@dataclass(frozen=True)
class Disagreement:
    """One value that the two sides don't share; `absent` stands for a row that one side lacks."""

    seed: int
    day: str
    asset: str
    row: tuple
    column: str
    witnessed: object
    computed: object

    def __str__(self) -> str:
        """Say it in one line that ends with the way to see it again."""
        option = "--crowd" if self.asset == "client_groups" else "--seed"
        return (
            f"{self.asset}.{self.column} of {self.day} {self.row}: witnessed {self.witnessed!r}, "
            f"computed {self.computed!r}; `python -m sales_assets_tests.witnesses {option} "
            f"{self.seed}` shows it again"
        )


def disagreements(witnessed: Frames, computed: Frames) -> list[Disagreement]:
    """Return where the frames differ, for the assets that both sides hold.

    Frames carry `seed` and `day` (ISO text) before their own columns. Row order never matters,
    floats agree to nine digits, and a null agrees with a null only.
    """
    shared = [asset for asset in COLUMNS if asset in witnessed and asset in computed]
    return [
        difference
        for asset in shared
        for difference in _between(asset, witnessed[asset], computed[asset])
    ]


def _between(asset: str, witnessed: pd.DataFrame, computed: pd.DataFrame) -> list[Disagreement]:
    keys, columns = COLUMNS[asset]
    left, right = (_by_key(side, ["seed", "day", *keys], columns) for side in (witnessed, computed))
    absent = dict.fromkeys(columns, "absent")
    return [
        Disagreement(key[0], key[1], asset, key[2:], column, ours[column], theirs[column])
        for key in sorted(left.keys() | right.keys(), key=repr)
        for ours, theirs in [(left.get(key, absent), right.get(key, absent))]
        for column in columns
        if not _agree(ours[column], theirs[column])
    ]


def _by_key(frame: pd.DataFrame, keys: list[str], columns: list[str]) -> dict[tuple, dict]:
    """Return the rows by their keys; a key that comes twice is an error in itself."""
    rows = dict(
        zip(
            frame[keys].itertuples(index=False, name=None),
            frame[columns].to_dict("records"),
            strict=True,
        )
    )
    if len(rows) < len(frame):
        raise AssertionError(f"{len(frame) - len(rows)} rows repeat {keys} of another row")
    return rows


def _agree(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str):
        return ours == theirs
    if pd.isna(ours) or pd.isna(theirs):
        return bool(pd.isna(ours) and pd.isna(theirs))
    return isclose(ours, theirs, rel_tol=1e-9)
