"""Whether a day's number is news: on the day itself, over three days or over seven."""

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from sales_assets.core.judgement.chance import Chance
from sales_assets.core.judgement.history import DailySeries
from sales_assets.core.judgement.level import Level, is_young, level_at, model_rows, moments

#: Calendar days of a window, and the probability, of each side, at or below which it is news.
#: Seven days may be news more easily: their news come in runs, and a run is one story.
LIMITS = {1: 0.0033, 3: 0.001, 7: 0.005}
#: 2 instead of 0 is no news, however rare; nor is 1,070 instead of 1,000.
LEAST_DIFFERENCE, LEAST_SHARE = 3, 0.1
_DECIMALS = 6


@dataclass(frozen=True)
class NewsWindow:
    """The sum of the usable days of one window that ends on D: y, and what it is compared with."""

    days: int
    value: int
    chance: Chance

    @property
    def usual(self) -> float:
        """Return M, what the window brings at the level."""
        return self.chance.mean

    @property
    def side(self) -> int:
        """Return on which side of the usual the value lies: -1, 0 or 1."""
        return int(np.sign(self.difference(self.value)))

    def difference(self, value: int) -> float:
        """Return how far `value` is from the usual, without what rounding in the machine adds."""
        return round(value - self.usual, _DECIMALS)

    def over_limit(self, value: int, side: int) -> float:
        """Return the tail probability of `value` over this window's limit."""
        return self.chance.tail(value, side) / LIMITS[self.days]

    def is_news(self, value: int, side: int) -> bool:
        """Tell whether `value`, on that side of the usual, is rare enough and far enough."""
        least = max(LEAST_DIFFERENCE, round(LEAST_SHARE * self.usual, _DECIMALS))
        return abs(self.difference(value)) >= least and self.over_limit(value, side) <= 1


@dataclass(frozen=True)
class News:
    """A judged day: its level, the window that is told, and on which side it is news (0: none)."""

    level: Level
    day: NewsWindow
    told: NewsWindow
    change: int

    @property
    def over_limit(self) -> float:
        """Return the told window's tail probability over its limit; at most 1 is news."""
        return self.told.over_limit(self.told.value, self.told.side or 1)


def news_at(history: DailySeries, position: int) -> News | None:
    """Judge the day at `position` by what was known on it; None where there is no judgement.

    That is: a holiday, a day without value, a share of none, under 14 usable training days.
    """
    level = level_at(history, position) if history.is_usable[position] else None
    return None if level is None else news_against(level, history, position)


def news_against(level: Level, history: DailySeries, position: int) -> News:
    """Compare the windows that end on a usable day with its level.

    A window is news on the side of its usual on which its value lies; over several days only if D
    itself lies on that side too: last week's burst isn't today's news. So a day is news on one
    side at most. Told is, of the windows that are news, the rarest by its limit, the shortest of
    those whose probability is 0 to the machine; without news the day itself. A young history has
    the one-day window only.
    """
    lengths = [1] if is_young(position) else list(LIMITS)
    day, *longer = [_window(history, position, level, days) for days in lengths]
    together = [day, *(window for window in longer if window.side == day.side)]
    news = [window for window in together if window.is_news(window.value, window.side)]
    told = min(news, key=lambda window: window.over_limit(window.value, window.side), default=day)
    return News(level, day, told, told.side if news else 0)


def ordinary_range(day: NewsWindow) -> tuple[int, int]:
    """Return the lowest and the highest value that is no news by the one-day window."""
    below, above = range(math.floor(day.usual) + 1), range(math.ceil(day.usual), _ceiling(day) + 1)
    low = bisect_left(below, x=True, key=lambda value: not day.is_news(value, -1))
    news_from = bisect_left(above, x=True, key=lambda value: day.is_news(value, 1))
    return low, above.start + news_from - 1


def range_at(level: Level, history: DailySeries, position: int) -> tuple[int, int] | None:
    """Return the ordinary range of another day at a day's level; None where it is not usable."""
    if position < 0 or not history.is_usable[position]:
        return None
    return ordinary_range(_window(history, position, level, 1))


def _ceiling(day: NewsWindow) -> int:
    """Return a value above which none is ordinary: all cases of a share, news of a count."""
    if day.chance.of is not None:
        return day.chance.of
    ceiling = math.ceil(day.usual) + LEAST_DIFFERENCE
    while not day.is_news(ceiling, 1):
        ceiling *= 2
    return ceiling


def _window(history: DailySeries, position: int, level: Level, days: int) -> NewsWindow:
    """Sum what usable days of the window that ends at `position` brought, and usually bring."""
    first = max(0, position - days + 1)
    positions = first + np.flatnonzero(history.is_usable[first : position + 1])
    x = model_rows(level.weekday, level.position - positions)
    of = None if history.of is None else history.of[positions]
    mean, variance = moments(x @ level.parameters, of)
    unsure = variance @ x
    spread = level.cautious_phi * level.neighbour_factor(days) * variance.sum()
    total = float(spread + unsure @ level.covariance @ unsure)
    cases = None if of is None else int(of.sum())
    return NewsWindow(
        days, int(history.value[positions].sum()), Chance(float(mean.sum()), total, cases)
    )
