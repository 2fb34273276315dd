"""Demo data: believable journeys of a sales department's clients, the same on every machine."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd

from sales_assets.core import journey
from sales_assets.core.journey import EVENT_TYPES
from sales_assets.demo.department import (
    MEAN,
    YEARLY_GROWTH,
    Conditions,
    Incidents,
    conditions,
    incidents,
    random_of,
)

HISTORY_DAYS = 180

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

PURCHASE_ID = 0
_DICTIONARY_TYPES = (
    *(name for name in EVENT_TYPES if name != journey.PURCHASE),
    *(
        journey.CABINET_OPENED,
        journey.LESSON_MOVED,
        journey.LESSON_CANCELLED,
        journey.SUPPORT_ASKED,
    ),
)
#: What `events_dict` holds: the ids of all types but the purchase, which has a table of its own.
DICTIONARY = {name: 10 + number for number, name in enumerate(_DICTIONARY_TYPES)}
UNKNOWN_ID = 9001

#: So many days of a journey meet the department as it is, later ones the mean department.
DAYS_AHEAD = 16

#: The share of a day's requests in each hour; the department answers from 9 to 21.
HOUR_WEIGHTS = np.array(
    [
        *(1.2, 0.7, 0.4, 0.3, 0.3, 0.4, 0.6, 1.0, 1.6),
        *(4, 6, 7, 7, 7, 7, 7, 7, 7, 8, 8, 7),
        *(4.5, 3, 1.8),
    ]
)

#: How likely a call is answered against a first one, and the usual pause before the next.
CALLS = ((1.0, 2 * HOUR), (1.0, 21 * HOUR), *((0.75, 22 * HOUR),) * 6)
#: Who won't answer today hardly answers the first calls, whoever is at the telephone.
CALLS_OF_FIRST_DAY, AVERSE, AVERSE_ANSWERS = 2, 0.17, 0.05

BOOKED_THEMSELVES = 0.24
#: Of those who answer; who is hard to reach is hard to win.
AGREE, AGREE_LATER = 0.64, 0.3
#: Of the requests that nobody dealt with in time most are found on one of the next days.
FOUND_LATER = 0.985
BOUGHT_AT_ONCE, BOUGHT_BY_SECOND_LINE = 0.42, 0.5
#: Whom the second line neither gets nor reaches in time it gets and reaches later, but for few.
FOLLOWED_UP_LATER, REACHED_LATER = 0.95, 0.96
NEITHER, DEMO_LESSON, WHATSAPP = range(3)
EXPERIMENT_SHARES = (0.90, 0.05, 0.05)

BAD_SHARES = {"no_user": 0.003, "unknown_id": 0.002, "duplicate": 0.005, "no_time": 0.0002}
LATE_SHARE = 0.03


@dataclass(frozen=True)
class DemoPlan:
    """Which demo data: journeys that begin on `first_day` or later, as known on `today`.

    `hour` says how many full hours of `today` are known. `requests_per_day` is the usual number
    of new clients on the first day; each makes about eight rows. `incidents_before` plants what
    `conditions` describes; a later `today` with the same one only adds rows.
    """

    first_day: date
    today: date
    requests_per_day: int = 50
    hour: int = 0
    incidents_before: date | None = None

    @property
    def known_until(self) -> datetime:
        """Nothing is known that reached the source at this moment or later."""
        return datetime.combine(self.today, time(self.hour))

    @property
    def incidents(self) -> Incidents | None:
        """What was planted, if anything was."""
        return incidents(self.incidents_before) if self.incidents_before else None


def first_day(today: date) -> date:
    """Return the first day of the demo data: 1 January, at least 180 days before yesterday."""
    return date((today - timedelta(days=1 + HISTORY_DAYS)).year, 1, 1)


def plan_at(now: datetime) -> DemoPlan:
    """Return what `sales-assets demo` shows at `now`, a wall clock of the source."""
    today = now.date()
    return DemoPlan(first_day(today), today, hour=now.hour, incidents_before=today)


def demo_rows(plan: DemoPlan, days_per_chunk: int = 10) -> Iterator[pd.DataFrame]:
    """Yield the source's rows as they stand at `plan.known_until`, in chunks.

    Columns: user_id (str, may be missing), event_id (int32; `PURCHASE_ID` marks a payment),
    happened_at (datetime64[us], may be missing), loaded_at (datetime64[us]: when the row
    reached the source, later than `happened_at`). Clients who came on one day live the same
    journeys whatever is known of later days; a chunk holds those who came in its days.
    """
    count = (plan.known_until - datetime.combine(plan.first_day, time())) / timedelta(days=1)
    days = [plan.first_day + timedelta(days=n) for n in range(int(np.ceil(count)))]
    for start in range(0, len(days), days_per_chunk):
        chunk = [_rows_of_entry_day(day, plan) for day in days[start : start + days_per_chunk]]
        yield pd.concat(chunk, ignore_index=True)


def _rows_of_entry_day(day: date, plan: DemoPlan) -> pd.DataFrame:
    random = random_of(day, "journeys")
    growth = np.exp(YEARLY_GROWTH * (day - plan.first_day).days / 365)
    requests = conditions(day, plan.incidents_before).requests
    clients = random.poisson(plan.requests_per_day * growth * requests)
    log = _Log(random, day, plan)
    entries = _times_of_day(random, clients)
    _request(log, np.arange(clients), entries)
    _repeat_requests(log, clients, entries)
    _join_experiments(log, clients, entries)
    _visit_cabinet(log, clients, entries)
    rows = _with_flaws(log.rows(), random)
    return rows[rows["loaded_at"] < plan.known_until].sort_values("loaded_at", kind="stable")


def _times_of_day(random: np.random.Generator, count: int) -> np.ndarray:
    hours = random.choice(24, size=count, p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    return hours * HOUR + random.integers(HOUR, size=count)


class _Log:
    """The journeys of one entry day's clients while they are written; times in its seconds."""

    def __init__(self, random: np.random.Generator, day: date, plan: DemoPlan) -> None:
        self.random = random
        self.day = day
        self._incidents = plan.incidents
        self._entries: list[tuple[np.ndarray, np.ndarray, int]] = []
        ahead = [day + timedelta(days=n) for n in range(DAYS_AHEAD)]
        days = [conditions(one, plan.incidents_before) for one in ahead]
        self._conditions = {
            each.name: np.array([getattr(of_day, each.name) for of_day in (*days, MEAN)])
            for each in fields(Conditions)
        }

    def add(self, name: str, clients: np.ndarray, times: np.ndarray) -> None:
        event_id = PURCHASE_ID if name == journey.PURCHASE else DICTIONARY[name]
        self._entries.append((clients, times, event_id))

    def happens(self, share: float | np.ndarray, count: int) -> np.ndarray:
        return self.random.random(count) < share

    def delays(self, median: float, count: int, spread: float = 0.8) -> np.ndarray:
        """Return seconds, log-normal around `median`."""
        return (median * np.exp(spread * self.random.standard_normal(count))).astype("int64")

    def condition(self, name: str, times: np.ndarray) -> np.ndarray:
        """Return what the conditions say on the days of `times`; far ahead they are the mean."""
        return self._conditions[name][np.minimum(times // DAY, DAYS_AHEAD)]

    def is_lost(self, times: np.ndarray) -> np.ndarray:
        """Tell which times lie in the outage of the source."""
        if self._incidents is None:
            return np.zeros(len(times), dtype=bool)
        midnight = datetime.combine(self.day, time())
        starts, ends = ((at - midnight).total_seconds() for at in self._incidents.outage)
        return (times >= starts) & (times < ends)

    def rows(self) -> pd.DataFrame:
        clients = np.concatenate([clients for clients, _, _ in self._entries])
        seconds = np.concatenate([times for _, times, _ in self._entries])
        event_ids = np.concatenate(
            [np.full(len(times), event_id, "int32") for _, times, event_id in self._entries]
        )
        ids = self.day.toordinal() * 100_000 + clients
        times = np.datetime64(self.day, "us") + seconds.astype("timedelta64[s]")
        arrived = ~self.is_lost(seconds)
        return pd.DataFrame(
            {
                "user_id": pd.array(ids[arrived]).astype("str"),
                "event_id": event_ids[arrived],
                "happened_at": times[arrived],
            }
        )


def _in_working_hours(times: np.ndarray) -> np.ndarray:
    """Move what falls outside 9 to 21 to the next morning, spread over its first hour."""
    second = times % DAY
    morning = times - second + 9 * HOUR + second % HOUR
    return np.where(second < 9 * HOUR, morning, np.where(second >= 21 * HOUR, morning + DAY, times))


def _request(log: _Log, clients: np.ndarray, entries: np.ndarray) -> None:
    """Write a request and all that follows from it."""
    log.add(journey.REQUEST_CREATED, clients, entries)
    books_himself = log.happens(BOOKED_THEMSELVES, len(clients))
    booked_at = entries + log.delays(3 * MINUTE, len(clients), 0.5)
    _lesson(log, clients[books_himself], booked_at[books_himself])
    handled = log.happens(log.condition("handled", entries), len(clients))
    _first_line(log, clients[~books_himself & handled], entries[~books_himself & handled])
    forgotten = ~books_himself & ~handled & log.happens(FOUND_LATER, len(clients))
    found_after = 26 * HOUR + log.delays(14 * HOUR, len(clients))
    _first_line(log, clients[forgotten], (entries + found_after)[forgotten])


def _first_line(log: _Log, clients: np.ndarray, since: np.ndarray) -> None:
    """Write the calls after a request; some lead to a lesson."""
    answering, at, call = _calls(log, clients, since)
    is_early = call < CALLS_OF_FIRST_DAY
    agrees = log.happens(np.where(is_early, AGREE, AGREE_LATER), len(answering))
    booked_at = at + log.delays(6 * MINUTE, len(answering))
    _lesson(log, answering[agrees], booked_at[agrees])


def _calls(
    log: _Log, clients: np.ndarray, since: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Write calls until one is answered, each with its task.

    Return who answers, when, and how many calls came before.
    """
    task_at = _in_working_hours(since + log.delays(2 * MINUTE, len(clients), 0.4))
    is_averse = log.happens(AVERSE, len(clients))
    answered = []
    for number, (likelihood, pause) in enumerate(CALLS):
        log.add(journey.FIRST_LINE_TASK, clients, task_at)
        chance = log.condition("answered", task_at) * likelihood
        hardly = is_averse & (number < CALLS_OF_FIRST_DAY)
        answers = log.happens(np.where(hardly, AVERSE_ANSWERS, chance), len(clients))
        answered_at = task_at + log.delays(4 * MINUTE, len(clients))
        calls_before = np.full(answers.sum(), number)
        answered.append((clients[answers], answered_at[answers], calls_before))
        clients, task_at, is_averse = clients[~answers], task_at[~answers], is_averse[~answers]
        task_at = _in_working_hours(task_at + log.delays(pause, len(clients), 0.3))
    answering, at, call = (np.concatenate(parts) for parts in zip(*answered, strict=True))
    log.add(journey.FIRST_LINE_ANSWERED, answering, at)
    return answering, at, call


def _lesson(log: _Log, clients: np.ndarray, booked_at: np.ndarray) -> None:
    """Write an appointed lesson, moved, cancelled, attended or missed, and what it leads to."""
    log.add(journey.LESSON_APPOINTED, clients, booked_at)
    days_later = 1 + log.random.integers(3, size=len(clients))
    starts_at = (booked_at // DAY + days_later) * DAY
    takes_place = log.happens(log.condition("lessons", starts_at), len(clients))
    starts_at = np.where(takes_place, starts_at, starts_at + DAY)
    starts_at += (10 + log.random.integers(10, size=len(clients))) * HOUR
    moved = log.happens(0.08, len(clients))
    log.add(journey.LESSON_MOVED, clients[moved], booked_at[moved] + 3 * HOUR)
    starts_at = np.where(moved, starts_at + DAY, starts_at)
    cancelled = log.happens(0.07, len(clients))
    log.add(journey.LESSON_CANCELLED, clients[cancelled], starts_at[cancelled] - 2 * HOUR)
    attended = ~cancelled & log.happens(log.condition("attended", starts_at), len(clients))
    joined_at = starts_at + log.random.integers(6 * MINUTE, size=len(clients))
    log.add(journey.LESSON_ATTENDED, clients[attended], joined_at[attended])
    succeeded = attended & log.happens(0.84, len(clients))
    ended_at = joined_at + 50 * MINUTE + log.random.integers(15 * MINUTE, size=len(clients))
    log.add(journey.LESSON_SUCCEEDED, clients[succeeded], ended_at[succeeded])
    _decide(log, clients[succeeded], ended_at[succeeded])


def _decide(log: _Log, clients: np.ndarray, since: np.ndarray) -> None:
    """Write a purchase at once, or a second-line task, in time or too late or never."""
    buys = log.happens(BOUGHT_AT_ONCE * log.condition("buying", since), len(clients))
    bought_at = since + log.delays(40 * MINUTE, len(clients))
    _purchase(log, clients[buys], bought_at[buys])
    in_time = ~buys & log.happens(log.condition("followed_up", since), len(clients))
    task_at = _in_working_hours(since + log.delays(2 * HOUR, len(clients), 0.5))
    _second_line(log, clients[in_time], task_at[in_time])
    too_late = ~buys & ~in_time & log.happens(FOLLOWED_UP_LATER, len(clients))
    late_at = _in_working_hours(since + DAY + log.delays(12 * HOUR, len(clients)))
    _second_line(log, clients[too_late], late_at[too_late])


def _second_line(log: _Log, clients: np.ndarray, task_at: np.ndarray) -> None:
    log.add(journey.SECOND_LINE_TASK, clients, task_at)
    in_time = log.happens(log.condition("reached", task_at), len(clients))
    soon = _in_working_hours(task_at + log.delays(80 * MINUTE, len(clients)))
    later = _in_working_hours(task_at + 26 * HOUR + log.delays(12 * HOUR, len(clients)))
    reached_at = np.where(in_time, soon, later)
    again = log.happens(0.15, len(clients))
    log.add(journey.SECOND_LINE_TASK, clients[again], (task_at + reached_at)[again] // 2)
    reached = in_time | log.happens(REACHED_LATER, len(clients))
    log.add(journey.SECOND_LINE_REACHED, clients[reached], reached_at[reached])
    chance = BOUGHT_BY_SECOND_LINE * log.condition("buying", reached_at)
    buys = reached & log.happens(chance, len(clients))
    bought_at = reached_at + log.delays(3 * HOUR, len(clients))
    _purchase(log, clients[buys], bought_at[buys])


def _purchase(log: _Log, clients: np.ndarray, bought_at: np.ndarray) -> None:
    """Write a payment, the monthly ones after it, and a former client's new request."""
    log.add(journey.PURCHASE, clients, bought_at)
    # Whose first payment was lost would look new a month later.
    renewing = np.flatnonzero(~log.is_lost(bought_at))
    for month in (1, 2, 3):
        renewing = renewing[log.happens(0.55, len(renewing))]
        paid_at = bought_at[renewing] + month * 30 * DAY + log.delays(6 * HOUR, len(renewing))
        log.add(journey.PURCHASE, clients[renewing], paid_at)
    returns = log.happens(0.12, len(clients))
    back_at = bought_at[returns] + log.random.integers(30 * DAY, 120 * DAY, returns.sum())
    _return(log, clients[returns], back_at)


def _repeat_requests(log: _Log, clients: int, entries: np.ndarray) -> None:
    again = np.flatnonzero(log.happens(0.05, clients))
    pause = log.random.integers(5 * HOUR, 25 * DAY, len(again))
    _return(log, again, entries[again] + pause)


def _return(log: _Log, clients: np.ndarray, since: np.ndarray) -> None:
    """Write a second request of known clients, and the calls after it."""
    times = since // DAY * DAY + _times_of_day(log.random, len(clients))
    log.add(journey.REQUEST_CREATED, clients, times)
    _calls(log, clients, times)


def _join_experiments(log: _Log, clients: int, entries: np.ndarray) -> None:
    """Write demo lessons and WhatsApp messages of a twentieth of the clients each."""
    kind = log.random.choice(len(EXPERIMENT_SHARES), clients, p=EXPERIMENT_SHARES)
    demo, whatsapp = np.flatnonzero(kind == DEMO_LESSON), np.flatnonzero(kind == WHATSAPP)
    started_at = _in_working_hours(entries[demo] + log.delays(30 * HOUR, len(demo)))
    log.add(journey.DEMO_LESSON_STARTED, demo, started_at)
    finished = log.happens(0.8, len(demo))
    log.add(journey.DEMO_LESSON_FINISHED, demo[finished], started_at[finished] + 25 * MINUTE)
    sent_at = _in_working_hours(entries[whatsapp] + log.delays(8 * HOUR, len(whatsapp), 1.2))
    log.add(journey.WHATSAPP_SENT, whatsapp, sent_at)
    answered = log.happens(0.55, len(whatsapp))
    replied_at = sent_at + log.delays(20 * MINUTE, len(whatsapp))
    log.add(journey.WHATSAPP_ANSWERED, whatsapp[answered], replied_at[answered])


def _visit_cabinet(log: _Log, clients: int, entries: np.ndarray) -> None:
    visits = log.random.poisson(1.1, clients)
    visitors = np.repeat(np.arange(clients), visits)
    log.add(journey.CABINET_OPENED, visitors, _some_days_after(log, entries[visitors], 2 * DAY))
    asking = np.flatnonzero(log.happens(0.06, clients))
    log.add(journey.SUPPORT_ASKED, asking, _some_days_after(log, entries[asking], 4 * DAY))


def _some_days_after(log: _Log, entries: np.ndarray, median: float) -> np.ndarray:
    """Return times at which clients are awake, on later days than `entries`."""
    days = entries // DAY + 1 + log.delays(median, len(entries), 1.2) // DAY
    return days * DAY + _times_of_day(log.random, len(entries))


def _with_flaws(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Add bad rows beside the good ones, and the time at which each row reaches the source."""
    copied = {
        kind: np.flatnonzero(random.random(len(rows)) < share) for kind, share in BAD_SHARES.items()
    }
    is_event = rows["event_id"].to_numpy() != PURCHASE_ID
    copied["unknown_id"] = copied["unknown_id"][is_event[copied["unknown_id"]]]
    kind = np.repeat(["good", *copied], [len(rows), *map(len, copied.values())])
    flawed = rows.take(np.concatenate([np.arange(len(rows)), *copied.values()]))
    loaded_at = flawed["happened_at"] + _loading_delays(len(flawed), random)
    return flawed.assign(
        user_id=flawed["user_id"].where(kind != "no_user"),
        event_id=flawed["event_id"].where(kind != "unknown_id", np.int32(UNKNOWN_ID)),
        happened_at=flawed["happened_at"].where(kind != "no_time"),
        loaded_at=loaded_at,
    )


def _loading_delays(count: int, random: np.random.Generator) -> np.ndarray:
    seconds = random.integers(1, MINUTE, count)
    is_late = random.random(count) < LATE_SHARE
    seconds += np.where(is_late, random.exponential(20 * HOUR, count).astype("int64"), 0)
    return seconds.astype("timedelta64[s]")
