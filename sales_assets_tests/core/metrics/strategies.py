"""Random and hand-written journeys, and the frames that would be stored for them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
from hypothesis import strategies as st

from sales_assets.core import journey
from sales_assets.core.days import ReportDays, day_bounds, with_wall_clocks
from sales_assets.core.journey import EVENT_TYPES, EXPERIMENTS
from sales_assets.core.metrics.cleaning import clean_events, set_aside
from sales_assets.core.metrics.event_log import EventLog, encode
from sales_assets.core.metrics.groups import client_groups
from sales_assets.core.metrics.processes import unclosed_processes
from sales_assets.core.metrics.values import daily_values, values_of
from sales_assets.core.windows import same_weekdays_before

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")

#: A row of the source: who, what (None = unknown to the dictionary), when (aware).
Row = tuple[str | None, str | None, datetime]


@dataclass(frozen=True)
class Stored:
    """The frames of the days from `first` to `last`, as the assets would store them."""

    clean: dict[date, pd.DataFrame]
    history: dict[date, pd.DataFrame]
    zone: ZoneInfo

    def log(self) -> EventLog:
        return encode(self.clean.values(), self.history.values(), self.zone)


def raw_frame(rows: Iterable[Row], zone: ZoneInfo) -> pd.DataFrame:
    users, types, instants = list(zip(*rows, strict=True)) or [(), (), ()]
    frame = pd.DataFrame(
        {
            "user_id": pd.Series(users, dtype="str"),
            "event_time": pd.Series(pd.DatetimeIndex(instants, tz="UTC").as_unit("us")),
            "event_type": pd.Series(types, dtype="str").astype("category"),
        }
    )
    return with_wall_clocks(frame, ["event_time"], zone)


def history_frame(rows: Sequence[Row], day: date, zone: ZoneInfo) -> pd.DataFrame:
    """Ask all rows before the day's cut-off for the facts of the day's users."""
    start, cutoff = day_bounds(day, zone)
    by_user = defaultdict(list)
    for user, kind, when in rows:
        if user and kind and when < cutoff:
            by_user[user].append((kind, when))
    users = sorted(user for user, of_user in by_user.items() if max(of_user, key=_when)[1] >= start)
    facts = {
        "first_event_at": None,
        "first_experiment_at": EXPERIMENTS,
        "first_payment_at": (journey.PURCHASE,),
    }
    columns = {
        name: [
            min((when for kind, when in by_user[user] if not kinds or kind in kinds), default=None)
            for user in users
        ]
        for name, kinds in facts.items()
    }
    instants = {
        name: pd.Series(pd.DatetimeIndex(values, tz="UTC").as_unit("us"))
        for name, values in columns.items()
    }
    frame = pd.DataFrame({"user_id": pd.Series(users, dtype="str"), **instants})
    return with_wall_clocks(frame, list(facts), zone)


def _when(event: tuple[str, datetime]) -> datetime:
    return event[1]


def stored(rows: Sequence[Row], first: date, last: date, zone: ZoneInfo = MOSCOW) -> Stored:
    """Store each day with rows, and `last`, on its own: with what was known at its cut-off."""
    clean, history = {}, {}
    days = {row[2].astimezone(zone).date() for row in rows} | {last}
    for day in sorted(day for day in days if first <= day <= last):
        start, cutoff = day_bounds(day, zone)
        history[day] = history_frame(rows, day, zone)
        raw = raw_frame([row for row in rows if start <= row[2] < cutoff], zone)
        clean[day] = clean_events(set_aside(raw)[0], history[day])
    return Stored(clean, history, zone)


def report_days(*days: date, zone: ZoneInfo = MOSCOW) -> ReportDays:
    return ReportDays.of(days, zone)


def unclosed(
    log: EventLog, days: ReportDays, history_first_day: date
) -> Mapping[date, pd.DataFrame]:
    """Count the cases beside the values of the weekdays before, within the history."""
    before = {past for day in days.days for past in same_weekdays_before(day)}
    known = ReportDays.of([past for past in before if past >= history_first_day], days.zone)
    return unclosed_processes(log, days, values_of(daily_values(log, known)))


def at(text: str, zone: ZoneInfo = MOSCOW) -> datetime:
    """Read a wall-clock time of `zone`."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


#: Times that lie on the borders of the definitions as often as between them.
_HOURS = st.sampled_from([0, 0, 1, 2, 9, 12, 21, 23, 24, 25]) | st.integers(0, 24)
_SECONDS = st.sampled_from([-1, 0, 0, 0, 1, 1800])
USERS = st.sampled_from(["7", "007", "ж" * 300, "a b", "z", "1e5"])


@st.composite
def journeys(
    draw: st.DrawFn,
    last: date,
    zone: ZoneInfo = MOSCOW,
    *,
    types: Sequence[str] = EVENT_TYPES[:-2],
    max_size: int = 40,
) -> list[Row]:
    """Draw rows of few users with many ties and times on the borders of days and windows.

    They reach 40 days back from the end of `last`.
    """
    end = day_bounds(last, zone)[1]
    backs = st.sampled_from([0, 0, 1, 1, 2, 3, 7, 8, 14, 29, 30, 31]) | st.integers(0, 39)
    instants = st.builds(
        lambda back, hours, seconds: end - timedelta(days=back, hours=hours, seconds=seconds),
        backs,
        _HOURS,
        _SECONDS,
    )
    return draw(st.lists(st.tuples(USERS, st.sampled_from(types), instants), max_size=max_size))


def cohort_members(log: EventLog, days: ReportDays) -> Mapping[date, pd.Series]:
    """Return for each day the group name of every client of its cohort, by user id."""
    groups = client_groups(log, days)

    def members(day: date) -> pd.Series:
        names = pd.array(groups[day].names, dtype="str")
        return pd.Series(names[groups[day].group], index=log.users[groups[day].users])

    return {day: members(day) for day in days.days}
