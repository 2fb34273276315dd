"""What a process's number is made of: flow and handling, and a promise broken as a rule."""

from dataclasses import dataclass
from datetime import date
from math import floor

import pandas as pd

from sales_assets.core.judgement.history import history_up_to
from sales_assets.core.judgement.level import LEAST_TRAINING_DAYS, training_positions
from sales_assets.core.judgement.news import news_at

#: Above it the promise is broken as a rule.
MOST_BROKEN_SHARE = 0.5


@dataclass(frozen=True)
class FlowAndHandling:
    """What the difference to an ordinary day is made of, in cases: it is `flow + handling`.

    Attributes:
        usual_day: what an ordinary day's flow would have brought at the usual share.
        flow: what came of more (less) falling due.
        handling: what came of a larger (smaller) share being broken.
    """

    usual_day: int
    flow: int
    handling: int


def flow_and_handling(breached: int, due: int, p: float, usual_due: float) -> FlowAndHandling:
    """Split a process's number against an ordinary day; the rounded parts add up to the rest.

    `p` is the usual share (the judgement's `usual` over `due`), `usual_due` the level of `due`.
    51 of 162 at p = 0.216 and usually 107 due: an ordinary day has 23, 12 are flow, 16 handling.
    """
    usual_day = round(p * usual_due)
    flow, handling = p * (due - usual_due), breached - p * due
    return FlowAndHandling(usual_day, *_rounded(flow, handling, total=breached - usual_day))


def usual_due(history: pd.DataFrame, day: date) -> float | None:
    """Return the level of a process's `of` as a count; None where it can't be judged.

    `history` is the process's own, as `judge` takes it. Days whose value is unknown teach nothing
    about what fell due either.
    """
    due = history["of"].where(history["value"].notna())
    series = history_up_to(history.assign(value=due, of=None), day)
    news = None if series is None else news_at(series, series.last)
    return None if news is None else news.day.usual


def broken_as_a_rule(history: pd.DataFrame, day: date) -> bool:
    """Tell whether over half of what fell due on the training days of `day` was broken.

    `history` is the process's own, as `judge` takes it. False where under 14 training days are
    usable, or `day` has no row. The report decides on which days it is said.
    """
    series = history_up_to(history, day)
    if series is None or series.of is None:
        return False
    positions = training_positions(series, series.last)
    if len(positions) < LEAST_TRAINING_DAYS:
        return False
    return bool(series.value[positions].sum() > MOST_BROKEN_SHARE * series.of[positions].sum())


def _rounded(*parts: float, total: int) -> list[int]:
    """Round the parts so that they add up to `total`, by largest remainder, the first at a tie."""
    floors = [floor(part) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda n: floors[n] - parts[n])
    raised = by_remainder[: total - sum(floors)]
    return [each + (n in raised) for n, each in enumerate(floors)]
