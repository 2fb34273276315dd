"""What is usual for each judged number of the report, and whether it stands out today."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from sales_assets.core import journey
from sales_assets.core.journey import PROCESSES
from sales_assets.core.judgement.history import history_up_to
from sales_assets.core.judgement.judging import Judgement, judge
from sales_assets.core.judgement.level import level_at, model_rows, moments, training_positions
from sales_assets.core.judgement.news import range_at
from sales_assets.core.metrics.values import APPOINTED, NEW_PAYING, OF_A_COHORT, PAID, REQUESTS
from sales_assets.core.report.inputs import ReportInputs
from sales_assets.core.report.wording import counted, number
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import CONVERSION, DRAWN_DAYS

BOTH_SIDES = (-1, 1)
#: A promise that is kept more often needs no alarm.
SIDES = {process.key: (1,) for process in PROCESSES}
#: What the chief calls them.
SERIES_NAMES = {
    NEW_PAYING: ru.NEW_PAYING_TITLE,
    REQUESTS: ru.NEW_REQUESTS,
    **{process.key: process.name for process in PROCESSES},
    APPOINTED: ru.STEP_LABELS[journey.LESSON_APPOINTED],
    PAID: ru.STEP_LABELS[journey.PURCHASE],
}
_NOTHING = Judgement()


@dataclass(frozen=True)
class Judged:
    """One number of the day (`value`, for a share of `of`) and what its judge says.

    `is_known` is False where the day has no value: nothing is said of it then.
    """

    series: str
    value: int = 0
    of: int | None = None
    found: Judgement = _NOTHING
    is_known: bool = False

    @property
    def change(self) -> int:
        """The side on which the number is news, of the sides that the report tells; else 0."""
        sides = SIDES.get(self.series, BOTH_SIDES)
        return self.found.change if self.found.change in sides else 0

    @property
    def is_back(self) -> bool:
        """Whether what was told is over as of today."""
        return self.found.back_from in SIDES.get(self.series, BOTH_SIDES)

    @property
    def rarity(self) -> float:
        """How rare the number is: the smaller, the rarer."""
        return 1.0 if self.found.over_limit is None else self.found.over_limit

    @property
    def is_compared(self) -> bool:
        """Whether there is a usual level."""
        return self.found.usual is not None

    @property
    def range(self) -> str:
        """The usual range, like 8–18, empty where there is none."""
        low, high = self.found.low, self.found.high
        if low is None or high is None:
            return ""
        return number(low) if low == high else f"{number(low)}–{number(high)}"

    @property
    def usual(self) -> str:
        """The usual range in words, empty where there is none."""
        return ru.USUALLY.format(usual=self.range) if self.range else ""

    @property
    def beside(self) -> str:
        """What stands beside the number: its usual range, or the days over which it is news."""
        if not self.change or self.found.window == 1:
            return self.usual
        return ru.OVER_DAYS.format(**self._window_words)

    @property
    def _window_words(self) -> dict[str, str]:
        return {
            "days": counted(self.found.window, ru.DAYS_FORMS),
            "value": number(self.found.window_value or 0),
            "usual": number(round(self.found.window_usual or 0)),
        }

    @property
    def usual_share(self) -> float | None:
        """The share that is usual for this day; None where there is no whole or no usual level."""
        return self.found.usual / self.of if self.found.usual is not None and self.of else None

    def window_texts(self, name: str, what: str = "") -> tuple[str, ...]:
        """Say a story of several days as a verdict, with its usual and without."""
        words = {"name": name, "what": f"{what} " if what else "", **self._window_words}
        return ru.WINDOW_VERDICT.format(**words), ru.WINDOW_SHORT.format(**words)

    def on_its_day(self, text: str) -> str:
        """Say after a text which day of its story it is, from the second on."""
        day = self.found.day_number
        return ru.STORY_DAY_LAST.format(number=day, text=text) if day > 1 else text

    def numbers(self) -> dict[str, Any]:
        """Return what a stored report says of the series."""
        found = self.found
        return {
            "value": self.value,
            "of": self.of,
            "change": self.change,
            "usual": found.usual,
            "low": found.low,
            "high": found.high,
            "is_new": bool(self.change) and found.is_new,
            "day_number": found.day_number if self.change else 0,
            "back_from": found.back_from if self.is_back else 0,
            "window": found.window if self.change else 1,
            "window_value": found.window_value if self.change else self.value,
            "window_usual": found.window_usual if self.change else found.usual,
            "training_days": found.training_days,
        }


def judged(series: str, inputs: ReportInputs) -> Judged:
    """Judge the day's number of a series; of a cut day it is shown beside no usual level."""
    history = inputs.history(series)
    today = history[history["day"] == inputs.about.day]
    if today.empty or pd.isna(today["value"].iloc[0]):
        return Judged(series)
    value, of = today["value"].iloc[0], today["of"].iloc[0]
    found = Judgement() if inputs.about.is_cut else judge(history, inputs.about.day)
    return Judged(series, int(value), None if pd.isna(of) else int(of), found, is_known=True)


def drawn_ranges(series: str, inputs: ReportInputs) -> tuple[tuple[int, int] | None, ...]:
    """Return the usual range of each of the drawn days.

    All at the level of the report's day, so that the weekdays can be told apart; None on a day
    that is not judged, and on every day where the report's day has no level.
    """
    about, rows = inputs.about, inputs.history(series)
    laid_out = None if about.is_cut else history_up_to(rows, about.day)
    level = None if laid_out is None else level_at(laid_out, laid_out.last)
    if laid_out is None or level is None:
        return (None,) * DRAWN_DAYS
    positions = range(laid_out.last - DRAWN_DAYS + 1, laid_out.last + 1)
    return tuple(range_at(level, laid_out, position) for position in positions)


def compared_days(one: Judged, inputs: ReportInputs) -> pd.DataFrame:
    """Return the days that a judged number is compared with, and the told window's own, in order.

    Columns `day` (of the funnel the entry day), `value`, `of`; `learned` is 1 on the days that the
    level was learned from, else 0; `compared` is the value of the usable days of the window, and
    `usual` what each of them brings at the level, null on all others: their sums are the window's.
    """
    day = inputs.about.day
    rows = inputs.history(one.series).sort_values("day", ignore_index=True)
    laid_out = history_up_to(rows, day)
    level = None if laid_out is None else level_at(laid_out, laid_out.last)
    assert laid_out, "a number is judged by its day's row"  # noqa: S101 - a promise of `judged`
    assert level, "a usual level was found"  # noqa: S101 - the same
    back = np.array([(day - each).days for each in rows["day"]])
    positions = laid_out.last - back
    of = None if laid_out.of is None else laid_out.of[positions]
    usual, _ = moments(model_rows(level.weekday, back) @ level.parameters, of)
    is_compared = (back < one.numbers()["window"]) & laid_out.is_usable[positions]
    learned = np.isin(positions, training_positions(laid_out, laid_out.last)).astype(int)
    compared = rows["value"].where(is_compared)
    usual = pd.Series(usual).where(is_compared)
    entry = CONVERSION if one.series in OF_A_COHORT else timedelta()
    days = pd.to_datetime(rows["day"]) - entry
    rows = rows.assign(day=days, learned=learned, compared=compared, usual=usual)
    return rows[(learned == 1) | is_compared]
