"""Seeded worlds of a source: the rows of simulated desks, of the demo and of a stranger's log.

A `SourceLog` is what a source holds. `without` takes rows away as an outage would, `reading` is
what the judge of completeness is given about a day when the source is read at a moment. The
worlds:

- `DESK`: about 400 rows a day, by night and on Sundays, too; payments are 21 of them;
- `SMALL_DESK`: the same with 20 rows a day;
- `WEEKDAY_DESK`: 400 rows a day, shut at night, at weekends and on holidays: no rows then;
- `NIGHT_DESK`: the same, with clients who write by night before and after an open day;
- `demo_log`: the product's own demo data at any size;
- `stranger_log`: a folder with `events.csv.gz`, `events_dict.csv` and `payments.csv.gz`.

The desks are simulated independently of the product and of its judge: clients come in clumps,
on days that are busier and quieter by themselves. All times are naive wall clock; the same seed
gives the same rows.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from sales_assets.core import journey
from sales_assets.core.judgement import Completeness, completeness
from sales_assets.demo.journeys import DICTIONARY, PURCHASE_ID, DemoPlan, demo_rows

HISTORY = timedelta(days=56)
DAY = timedelta(days=1)
HOUR_S = 3600
OTHER = "прочее"
#: Clients write at all hours, mostly by day; the desk works from 9 to 21.
BY_CLIENTS = np.array([2, 1, 1, 1, 1, 1, 1, 2, 3, *[6] * 12, 4, 3, 2], dtype=float)
BY_DESK = np.array([*[0] * 9, 5, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, *[0] * 3], dtype=float)
#: The types' shares of the rows, and the hours at which they are made.
TYPES: Mapping[str, tuple[float, np.ndarray]] = {
    journey.CABINET_OPENED: (0.17, BY_CLIENTS),
    journey.REQUEST_CREATED: (0.17, BY_CLIENTS),
    journey.PURCHASE: (0.0525, BY_CLIENTS),
    journey.FIRST_LINE_TASK: (0.25, BY_DESK),
    journey.FIRST_LINE_ANSWERED: (0.09, BY_DESK),
    journey.LESSON_APPOINTED: (0.09, BY_DESK),
    journey.LESSON_ATTENDED: (0.05, BY_DESK),
    journey.LESSON_SUCCEEDED: (0.04, BY_DESK),
    journey.SECOND_LINE_TASK: (0.03, BY_DESK),
    journey.SECOND_LINE_REACHED: (0.02, BY_DESK),
    OTHER: (0.0375, BY_DESK),
}


@dataclass(frozen=True)
class Reading:
    """What is known of `day` when the source is read, in the judge's own words."""

    counts: pd.DataFrame
    day: date
    last_at: Mapping[str, datetime]
    first_after: datetime | None
    as_of: datetime
    holidays: Collection[date]

    def judged(self) -> Completeness:
        """Ask the judge of completeness."""
        return completeness(**vars(self))


@dataclass(frozen=True)
class SourceLog:
    """The rows of a source, sorted by time: `at_s` (int64 seconds of the epoch) and `type`.

    `type` holds positions in `names`.
    """

    at_s: np.ndarray
    type: np.ndarray
    names: tuple[str, ...]
    holidays: Collection[date] = ()

    @classmethod
    def of(
        cls, at: pd.Series | pd.DatetimeIndex, types: pd.Series, holidays: Collection[date] = ()
    ) -> "SourceLog":
        """Build from times and types in any order."""
        at_s = at.to_numpy("datetime64[s]").astype(np.int64)
        codes, names = pd.factorize(types, sort=True)
        order = np.argsort(at_s, kind="stable")
        return cls(at_s[order], codes[order], tuple(names), holidays)

    def without(
        self, start: datetime, end: datetime | None = None, kind: str | None = None
    ) -> "SourceLog":
        """Lose the rows in `[start, end)`, or from `start` on, of one type or of all."""
        lost = self.at_s >= _seconds(start)
        if end is not None:
            lost &= self.at_s < _seconds(end)
        if kind is not None:
            lost &= self.type == self.names.index(kind)
        return replace(self, at_s=self.at_s[~lost], type=self.type[~lost])

    def reading(self, day: date, as_of: datetime) -> Reading:
        """Read eight weeks, the day and what came after it, as the source stands at `as_of`."""
        midnight, end = datetime.combine(day, time()), datetime.combine(day + DAY, time())
        at_s, of_type = self._between(midnight - HISTORY, as_of)
        last_at = {
            self.names[kind]: _moment(at_s[(of_type == kind) & (at_s < _seconds(end))][-1])
            for kind in np.unique(of_type[(at_s >= _seconds(midnight)) & (at_s < _seconds(end))])
        }
        after = at_s[at_s >= _seconds(end)]
        first_after = _moment(after[0]) if len(after) else None
        return Reading(self._counts(at_s, of_type), day, last_at, first_after, as_of, self.holidays)

    def _between(self, start: datetime, end: datetime) -> tuple[np.ndarray, np.ndarray]:
        rows = slice(*np.searchsorted(self.at_s, [_seconds(start), _seconds(end)]))
        return self.at_s[rows], self.type[rows]

    def _counts(self, at_s: np.ndarray, of_type: np.ndarray) -> pd.DataFrame:
        keys = at_s // HOUR_S * len(self.names) + of_type
        kept, rows = np.unique(keys, return_counts=True)
        hours, kinds = np.divmod(kept, len(self.names))
        names = np.array(self.names, dtype=object)
        return pd.DataFrame(
            {
                "hour": (hours * HOUR_S).astype("datetime64[s]"),
                "type": pd.array(names[kinds], dtype="str"),
                "rows": rows,
            }
        )


@dataclass(frozen=True)
class Desk:
    """A department that makes `rows_a_day` on an average day.

    `weekdays` are the factors of Monday to Sunday. Rows come in clumps of `clump` on average,
    minutes apart; the logarithm of a day's level varies by `swing`.
    """

    rows_a_day: float
    weekdays: tuple[float, ...] = (1.12, 1.08, 1.04, 1.02, 1.0, 0.86, 0.80)
    is_open_on_holidays: bool = True
    is_open_at_night: bool = True
    clump: float = 1.2
    swing: float = 0.12
    pause_s: float = 300.0

    def log(
        self, first_day: date, days: int, seed: int, holidays: Collection[date] = ()
    ) -> SourceLog:
        """Simulate the rows of `days` days."""
        random = np.random.default_rng([seed, first_day.toordinal()])
        dates = [first_day + n * DAY for n in range(days)]
        levels = [self._level(day, holidays) for day in dates] * random.lognormal(
            0, self.swing, days
        )
        clumps = random.poisson(levels[:, None, None] * self._shares() / self.clump)
        of_day, of_type, of_hour = (
            position.repeat(clumps.ravel()) for position in _positions(clumps)
        )
        first_s = (24 * of_day + of_hour) * HOUR_S + random.integers(HOUR_S, size=len(of_day))
        sizes = random.geometric(1 / self.clump, len(first_s))
        at_s = first_s.repeat(sizes) + _pauses(random, sizes, self.pause_s)
        names = np.array(list(TYPES), dtype=object)[of_type.repeat(sizes)]
        times = pd.Timestamp(first_day) + pd.to_timedelta(at_s, unit="s")
        return SourceLog.of(times, pd.Series(names), holidays)

    def _shares(self) -> np.ndarray:
        """Return each type's share of the day's rows in each hour."""
        open_hours = 1.0 if self.is_open_at_night else BY_DESK > 0
        made = [(share, hours * open_hours) for share, hours in TYPES.values()]
        return np.stack([share * hours / hours.sum() for share, hours in made])

    def _level(self, day: date, holidays: Collection[date]) -> float:
        is_open = self.is_open_on_holidays or day not in holidays
        return self.rows_a_day * self.weekdays[day.weekday()] * is_open


DESK = Desk(400)
SMALL_DESK = Desk(20)
NIGHT_DESK = Desk(400, (1.1, 1.05, 1, 1, 0.9, 0, 0), is_open_on_holidays=False)
WEEKDAY_DESK = replace(NIGHT_DESK, is_open_at_night=False)


def demo_log(first_day: date, today: date, requests_per_day: int) -> SourceLog:
    """Return the demo data of the days before `today`; each request makes about eight rows."""
    rows = pd.concat(demo_rows(DemoPlan(first_day, today, requests_per_day)))
    rows = rows[rows["happened_at"].notna()]
    names = {number: name for name, number in DICTIONARY.items()} | {PURCHASE_ID: journey.PURCHASE}
    types = rows["event_id"].map(names).fillna(OTHER)
    return SourceLog.of(rows["happened_at"], types)


def stranger_log(folder: Path, holidays: Collection[date]) -> SourceLog:
    """Return the log in `folder`, its payments with it."""
    events = pd.read_csv(folder / "events.csv.gz", parse_dates=["happened_at"])
    names = pd.read_csv(folder / "events_dict.csv").set_index("id")["_description"]
    payments = pd.read_csv(folder / "payments.csv.gz", parse_dates=["transaction_created_at"])
    at = pd.concat([events["happened_at"], payments["transaction_created_at"]])
    types = pd.concat(
        [events["event_id"].map(names), pd.Series([journey.PURCHASE] * len(payments))]
    )
    return SourceLog.of(at, types, holidays)


def _positions(clumps: np.ndarray) -> list[np.ndarray]:
    """Return the day, the type and the hour of each of the cells, in their order."""
    day, kind, hour = np.indices(clumps.shape)
    return [day.ravel(), kind.ravel(), hour.ravel()]


def _pauses(random: np.random.Generator, sizes: np.ndarray, pause_s: float) -> np.ndarray:
    """Return how long after its clump's first row each row comes."""
    pauses = random.exponential(pause_s, int(sizes.sum()))
    pauses[np.cumsum(sizes) - sizes] = 0
    return pauses.astype(np.int64)


def _seconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)


def _moment(seconds: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=int(seconds))
