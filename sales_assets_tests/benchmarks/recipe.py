"""Which source: how many rows, over which days, in which order."""

from datetime import date, timedelta
from typing import NamedTuple

#: Fixed days: the same rows on every machine and in every year.
TODAY = date(2025, 12, 1)
DAYS = 300
FIRST_DAY = TODAY - timedelta(days=DAYS)


class Recipe(NamedTuple):
    """A source of 0.1 million rows times `copies`, in `DAYS` days; in all `longer` times that.

    Its rows lie in the order of their times, or, `shuffled`, in a random one. Reports begin on
    `first_day`, however long the history before it is.
    """

    copies: int
    longer: int = 1
    shuffled: bool = False

    first_day = FIRST_DAY
    last_day = TODAY - timedelta(days=1)

    @property
    def database(self) -> str:
        """The name of its database."""
        order = "shuffled" if self.shuffled else "by_time"
        return f"bench_{self.copies}_times_{self.longer}_{order}"

    def __str__(self) -> str:
        """Return what a reader is told of it."""
        rows = f"{self.copies * self.longer / 10:g} M rows"
        history = f", history {self.longer} times longer" if self.longer > 1 else ""
        return f"{rows}{history}{', shuffled' if self.shuffled else ''}"
