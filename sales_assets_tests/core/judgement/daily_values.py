"""Series as the day's judge takes them: written by hand, and the shared ones with answers."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from sales_assets_tests.shared_cases import shared_path

MONDAY = date(2026, 1, 5)
WEEK = [12, 11, 11, 10, 10, 8, 8]


def daily_values(
    values: Sequence[int | None],
    of: Sequence[int | None] | int | None = None,
    first_day: date = MONDAY,
    holidays: Collection[date] = (),
) -> pd.DataFrame:
    """Return a row a day from `first_day` on; `of` may be one number for all days."""
    days = [first_day + timedelta(days=position) for position in range(len(values))]
    wholes = of if isinstance(of, Sequence) else [of] * len(days)
    frame = pd.DataFrame({"day": days, "value": values, "of": wholes})
    return frame.assign(is_holiday=frame["day"].isin(list(holidays)))


def last_day(rows: pd.DataFrame) -> date:
    return rows["day"].max()


@dataclass(frozen=True)
class VerdictCase:
    """One shared series: its rows, the answers of the definition, and those of R."""

    name: str
    rows: pd.DataFrame
    day: date
    answer: dict[str, Any]
    must: bool
    witness: dict[str, Any]

    @property
    def value(self) -> int:
        return int(self.rows["value"].iloc[-1])


def verdict_cases() -> list[VerdictCase]:
    """Read the shared series; skip where there are none."""
    return [
        _case(case)
        for case in json.loads(shared_path("design", "cases", "verdict_series.json").read_text())[
            "cases"
        ]
    ]


def _case(case: dict[str, Any]) -> VerdictCase:
    holidays = [date.fromisoformat(day) for day in case["holidays"]]
    first_day = date.fromisoformat(case["first_day"])
    rows = daily_values(case["values"], case["of"], first_day, holidays)
    day = date.fromisoformat(case["judged"])
    return VerdictCase(case["id"], rows, day, case["prototype"], case["must"], case["witness"])
