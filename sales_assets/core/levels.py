"""The one rule that says whether a number stands out from what is usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import sqrt
from statistics import median

#: 2 instead of 1 is no news, and neither is 5 instead of 1.
LEAST_DIFFERENCE = 5
#: A count of N strays by about the root of N from day to day for no reason at all.
ROOTS = 3
#: Large counts stray by more than their root: by weather, advertising and pay days.
LEAST_SHARE = 0.2
#: Of the four compared days, so many have to be ordinary ones.
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

    It stands out if it lies beyond every one of them, and differs from their median (the usual
    level) by at least 5, by at least a fifth of the median and by at least three of its roots.
    The median of four noisy numbers is noisy itself: that is why the day has to lie beyond all
    four, and why three roots and not two. Fewer than two comparable days say nothing.
    """
    if len(before) < LEAST_DAYS:
        return Level(value, None, Change.USUAL)
    usual = float(median(before))
    if abs(value - usual) < tolerance(usual):
        return Level(value, usual, Change.USUAL)
    if value > max(before):
        return Level(value, usual, Change.MORE)
    return Level(value, usual, Change.LESS if value < min(before) else Change.USUAL)


def tolerance(usual: float) -> float:
    """Return the difference from the usual level that is news."""
    return max(LEAST_DIFFERENCE, ROOTS * sqrt(usual), LEAST_SHARE * usual)
