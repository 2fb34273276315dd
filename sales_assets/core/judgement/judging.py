"""The day's judge: is a number news, since when, and what would have been usual?"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from sales_assets.core.judgement.history import DailySeries, history_up_to
from sales_assets.core.judgement.level import is_young
from sales_assets.core.judgement.news import news_at, ordinary_range

#: How far apart news days of one episode may lie.
EPISODE_GAP_DAYS = 14
#: How far back the beginning of an episode is looked for.
EPISODE_LOOKBACK_DAYS = 28
#: A number is back to usual when it was news so many days ago and hasn't been since.
BACK_AFTER_DAYS = 3


@dataclass(frozen=True)
class Judgement:
    """What is said of one number of one day; null fields and `change` 0: nothing can be said.

    Attributes:
        change: -1 less, 1 more than usual and news, 0 ordinary or not judged.
        usual: what this weekday brings at the level of the last ten weeks.
        low: the lowest value of a single day that is no news.
        high: the highest one.
        is_new: news today, and no news on that side on the 14 days before.
        day_number: which day of its episode it is, 1 … 29; 0 without news.
        back_from: the side of the news three days ago that has been over since; else 0.
        window: over how many days it is news: 1, 3 or 7.
        window_value: the sum of that window.
        window_usual: what that window brings at the level.
        over_limit: the told window's tail probability over its limit: the smaller the rarer, at
            most 1 where the probability alone would make it news.
        training_days: how many days were learned from, 0 if nothing can be said.
        is_young: under four weeks of history.
    """

    change: int = 0
    usual: float | None = None
    low: int | None = None
    high: int | None = None
    is_new: bool = False
    day_number: int = 0
    back_from: int = 0
    window: int = 1
    window_value: int | None = None
    window_usual: float | None = None
    over_limit: float | None = None
    training_days: int = 0
    is_young: bool = False


def judge(history: pd.DataFrame, day: date) -> Judgement:
    """Say whether the number of `day` stands out, by the definition in docs/verdict.md.

    `history` is one series, a row per day in any order: `day` (date), `value` (int, null =
    unknown), `of` (int, the whole of a share; null for counts), `is_holiday` (bool: a holiday
    decided the value). Rows after `day` are ignored; a missing row is a day without value. 112
    days before `day` are enough: older ones change nothing, fewer are a younger history. The
    answer is computed from these rows alone, never from what was said before: earlier days are
    judged again as of their own day.
    """
    series = history_up_to(history, day)
    today = None if series is None else news_at(series, series.last)
    if series is None or today is None:
        return Judgement()
    low, high = ordinary_range(today.day)
    day_number = _day_number(series, today.change)
    return Judgement(
        change=today.change,
        usual=today.day.usual,
        low=low,
        high=high,
        is_new=day_number == 1,
        day_number=day_number,
        back_from=0 if today.change else _back_from(series),
        window=today.told.days,
        window_value=today.told.value,
        window_usual=today.told.usual,
        over_limit=today.over_limit,
        training_days=today.level.training_days,
        is_young=is_young(series.last),
    )


def _change_before(series: DailySeries, back: int) -> int:
    """Return the side (-1, 0, 1) on which the day `back` days before the judged one was news."""
    position = series.last - back
    news = news_at(series, position) if position >= 0 else None
    return 0 if news is None else news.change


def _day_number(series: DailySeries, side: int) -> int:
    """Count the days since the chain of news days of that side began, D included; 0 if no news."""
    if not side:
        return 0
    began = 0
    for back in range(1, EPISODE_LOOKBACK_DAYS + 1):
        if back - began > EPISODE_GAP_DAYS:
            break
        if _change_before(series, back) == side:
            began = back
    return began + 1


def _back_from(series: DailySeries) -> int:
    """Return the side of three days ago if nothing has been news since; D isn't, as known."""
    if any(_change_before(series, back) for back in range(1, BACK_AFTER_DAYS)):
        return 0
    return _change_before(series, BACK_AFTER_DAYS)
