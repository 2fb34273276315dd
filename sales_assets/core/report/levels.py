"""The one rule that says whether a number stands out from what is usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import sqrt
from statistics import median

#: 2 instead of 1 is no news, and neither is 5 instead of 1.
LEAST_DIFFERENCE = 5
#: Two counts of the same thing differ by chance by about the root of their sum.
ROOTS_OF_SUM = 2
#: Large counts stray by more than their roots: by weather, advertising and pay days.
LEAST_SHARE = 0.25
#: One odd day among the four neither makes news nor hides it.
ODD_DAYS = 1
#: Of the four compared days, so many have to be there and ordinary.
LEAST_DAYS = 2


class Change(IntEnum):
    """Where a number stands against its usual level."""

    LESS = -1
    USUAL = 0
    MORE = 1


@dataclass(frozen=True)
class Level:
    """A day's number beside its usual level; `usual` is None where nothing can be compared."""

    value: float
    usual: float | None
    change: Change


def judged(value: float, before: Sequence[float]) -> Level:
    """Say whether `value` stands out from the comparable days' values `before`.

    It stands out if it differs from their median, the usual level, by at least 5, by at least a
    quarter of the median and by at least two roots of the sum of the two; and if it lies beyond
    three of the four days (of fewer: beyond all). So 23 stands out where 11 is usual, and 22 does
    not. The median of four noisy counts is noisy itself, hence the root of the sum: on ordinary
    days about one comparison in two hundred is called news. Fewer than two comparable days say
    nothing.
    """
    if len(before) < LEAST_DAYS:
        return Level(value, None, Change.USUAL)
    usual = float(median(before))
    change = Change.MORE if value > usual else Change.LESS
    is_news = abs(value - usual) >= tolerance(value, usual) and _is_beyond(value, before, change)
    return Level(value, usual, change if is_news else Change.USUAL)


def tolerance(value: float, usual: float) -> float:
    """Return the difference from the usual level from which on a number is news."""
    by_chance = ROOTS_OF_SUM * sqrt(value + usual)
    return max(LEAST_DIFFERENCE, LEAST_SHARE * usual, by_chance)


def _is_beyond(value: float, before: Sequence[float], change: Change) -> bool:
    passed = sum((value - each) * change > 0 for each in before)
    return passed >= max(len(before) - ODD_DAYS, min(len(before), LEAST_DAYS + ODD_DAYS))
