"""Demo data: believable journeys of a sales department's clients, the same on every machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from sales_assets.core import journey
from sales_assets.core.journey import EVENT_TYPES

#: Part of what makes the data the same everywhere; another number is another department.
SEED = 20220130
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

WEEKDAY_FACTORS = (1.12, 1.08, 1.04, 1.02, 1.0, 0.86, 0.80)
YEARLY_GROWTH = 0.15
#: The share of a day's requests in each hour; the department answers from 9 to 21.
HOUR_WEIGHTS = np.array(
    [
        *(0.4, 0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.4, 0.8),
        *(4, 6, 7, 7, 7, 7, 7, 7, 7, 8, 8, 7),
        *(2.5, 1.5, 0.8),
    ]
)

#: How likely a call is answered against a first one, and the usual pause before the next.
CALLS = ((1.0, 2 * HOUR), (1.0, 2 * HOUR), (0.35, 22 * HOUR), (0.35, 22 * HOUR))

AT_ONCE, IN_TIME, NOTHING, TOO_LATE = range(4)
#: What comes of a successful lesson: a purchase, the second line in time, nothing, or it too late.
DECISIONS = (0.34, 0.46, 0.13, 0.07)
NEITHER, DEMO_LESSON, WHATSAPP = range(3)
EXPERIMENT_SHARES = (0.90, 0.05, 0.05)

BAD_SHARES = {"no_user": 0.003, "unknown_id": 0.002, "duplicate": 0.005, "no_time": 0.0002}
LATE_SHARE = 0.03


@dataclass(frozen=True)
class Conditions:
    """How the department works on one day; the default is an ordinary one."""

    answered: float = 0.62
    handled: float = 0.88
    second_line_reached: float = 0.84
    requests: float = 1.0


ORDINARY = Conditions()
#: About one day in fifteen has one of these.
INCIDENTS = (
    Conditions(answered=0.25),
    Conditions(handled=0.66),
    Conditions(second_line_reached=0.35),
    Conditions(requests=1.7),
)
INCIDENT_SHARE = 1 / 15


@dataclass(frozen=True)
class DemoPlan:
    """Which demo data: journeys that begin on `first_day` or later, as known at `today`'s start.

    `requests_per_day` is the usual number of new clients; each makes about eight rows.
    """

    first_day: date
    today: date
    requests_per_day: int = 60


def first_day(today: date) -> date:
    """Return the first day of the demo data: 1 January, at least 180 days before yesterday."""
    return date((today - timedelta(days=1 + HISTORY_DAYS)).year, 1, 1)


def demo_rows(plan: DemoPlan, days_per_chunk: int = 10) -> Iterator[pd.DataFrame]:
    """Yield the source's rows as they stand at the start of `plan.today`, in chunks.

    Columns: user_id (str, may be missing), event_id (int32; `PURCHASE_ID` marks a payment),
    happened_at (datetime64[us], may be missing), loaded_at (datetime64[us]: when the row
    reached the source, later than `happened_at`). Clients who came on one day live the same
    journeys whatever the plan's other days are; a chunk holds those who came in its days.
    """
    days = [plan.first_day + timedelta(days=n) for n in range((plan.today - plan.first_day).days)]
    for start in range(0, len(days), days_per_chunk):
        chunk = [_rows_of_entry_day(day, plan) for day in days[start : start + days_per_chunk]]
        yield pd.concat(chunk, ignore_index=True)


def conditions(day: date) -> Conditions:
    """Return how the department works on `day`: ordinary, or one of `INCIDENTS`."""
    random = _random(day, "conditions")
    is_incident, which = random.random() < INCIDENT_SHARE, random.integers(len(INCIDENTS))
    return INCIDENTS[which] if is_incident else ORDINARY


def _random(day: date, purpose: str) -> np.random.Generator:
    return np.random.default_rng([SEED, day.toordinal(), *purpose.encode()])


def _rows_of_entry_day(day: date, plan: DemoPlan) -> pd.DataFrame:
    random = _random(day, "journeys")
    clients = random.poisson(_expected_requests(day, plan.requests_per_day))
    log = _Log(random, day)
    entries = _request_times(random, clients)
    _request(log, np.arange(clients), entries)
    _repeat_requests(log, clients, entries)
    _join_experiments(log, clients, entries)
    _visit_cabinet(log, clients, entries)
    return _as_known_at(_with_flaws(log.rows(), random), plan.today)


def _expected_requests(day: date, usual: int) -> float:
    growth = 1 + YEARLY_GROWTH * (day.timetuple().tm_yday / 365 - 0.5)
    return usual * growth * WEEKDAY_FACTORS[day.weekday()] * conditions(day).requests


def _request_times(random: np.random.Generator, clients: int) -> np.ndarray:
    hours = random.choice(24, size=clients, p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    return hours * HOUR + random.integers(HOUR, size=clients)


class _Log:
    """The journeys of one entry day's clients while they are written; times in its seconds."""

    def __init__(self, random: np.random.Generator, day: date) -> None:
        self.random = random
        self.day = day
        self._entries: list[tuple[np.ndarray, np.ndarray, int]] = []
        self._days = [conditions(day + timedelta(days=n)) for n in range(16)]

    def add(self, name: str, clients: np.ndarray, times: np.ndarray) -> None:
        event_id = PURCHASE_ID if name == journey.PURCHASE else DICTIONARY[name]
        self._entries.append((clients, times, event_id))

    def happens(self, share: float | np.ndarray, count: int) -> np.ndarray:
        return self.random.random(count) < share

    def delays(self, median: float, count: int, spread: float = 0.8) -> np.ndarray:
        """Return seconds, log-normal around `median`."""
        return (median * np.exp(spread * self.random.standard_normal(count))).astype("int64")

    def share(self, name: str, times: np.ndarray) -> np.ndarray:
        """Return the shares that the department's conditions have on the days of `times`."""
        shares = np.array([getattr(each, name) for each in self._days])
        ordinary = getattr(ORDINARY, name)
        day_number = times // DAY
        known = day_number < len(shares)
        return np.where(known, shares[np.where(known, day_number, 0)], ordinary)

    def rows(self) -> pd.DataFrame:
        clients = np.concatenate([clients for clients, _, _ in self._entries])
        seconds = np.concatenate([times for _, times, _ in self._entries])
        event_ids = np.concatenate(
            [np.full(len(times), event_id, "int32") for _, times, event_id in self._entries]
        )
        ids = self.day.toordinal() * 100_000 + clients
        times = np.datetime64(self.day, "us") + seconds.astype("timedelta64[s]")
        return pd.DataFrame(
            {"user_id": pd.array(ids).astype("str"), "event_id": event_ids, "happened_at": times}
        )


def _in_working_hours(times: np.ndarray) -> np.ndarray:
    """Move what falls outside 9 to 21 to the next morning, spread over its first hour."""
    second = times % DAY
    morning = times - second + 9 * HOUR + second % HOUR
    return np.where(second < 9 * HOUR, morning, np.where(second >= 21 * HOUR, morning + DAY, times))


def _request(log: _Log, clients: np.ndarray, entries: np.ndarray) -> None:
    """Write a request and all that follows from it."""
    log.add(journey.REQUEST_CREATED, clients, entries)
    books_himself = log.happens(0.24, len(clients))
    booked_at = entries + log.delays(3 * MINUTE, len(clients), 0.5)
    _lesson(log, clients[books_himself], booked_at[books_himself])
    handled = log.happens(log.share("handled", entries), len(clients))
    _first_line(log, clients[~books_himself & handled], entries[~books_himself & handled])
    forgotten = ~books_himself & ~handled & log.happens(0.6, len(clients))
    found_after = 26 * HOUR + log.delays(14 * HOUR, len(clients))
    _first_line(log, clients[forgotten], (entries + found_after)[forgotten])


def _first_line(log: _Log, clients: np.ndarray, since: np.ndarray) -> None:
    """Write up to four calls, each a task and perhaps an answer; some lead to a lesson."""
    task_at = _in_working_hours(since + log.delays(2 * MINUTE, len(clients), 0.4))
    patient = log.happens(0.82, len(clients))
    for likelihood, pause in CALLS:
        log.add(journey.FIRST_LINE_TASK, clients, task_at)
        chance = log.share("answered", task_at) * likelihood
        answers = log.happens(chance * np.where(patient, 1.0, 0.05), len(clients))
        answered_at = task_at + log.delays(4 * MINUTE, len(clients))
        log.add(journey.FIRST_LINE_ANSWERED, clients[answers], answered_at[answers])
        _book_by_operator(log, clients[answers], answered_at[answers])
        clients, task_at, patient = clients[~answers], task_at[~answers], patient[~answers]
        task_at = _in_working_hours(task_at + log.delays(pause, len(clients), 0.3))


def _book_by_operator(log: _Log, clients: np.ndarray, answered_at: np.ndarray) -> None:
    agrees = log.happens(0.58, len(clients))
    booked_at = answered_at + log.delays(6 * MINUTE, len(clients))
    _lesson(log, clients[agrees], booked_at[agrees])


def _lesson(log: _Log, clients: np.ndarray, booked_at: np.ndarray) -> None:
    """Write an appointed lesson, moved, cancelled, attended or missed, and what it leads to."""
    log.add(journey.LESSON_APPOINTED, clients, booked_at)
    days_later = 1 + log.random.integers(3, size=len(clients))
    starts_at = (booked_at // DAY + days_later) * DAY
    starts_at += (10 + log.random.integers(10, size=len(clients))) * HOUR
    moved = log.happens(0.08, len(clients))
    log.add(journey.LESSON_MOVED, clients[moved], booked_at[moved] + 3 * HOUR)
    starts_at = np.where(moved, starts_at + DAY, starts_at)
    cancelled = log.happens(0.07, len(clients))
    log.add(journey.LESSON_CANCELLED, clients[cancelled], starts_at[cancelled] - 2 * HOUR)
    attended = ~cancelled & log.happens(0.74, len(clients))
    joined_at = starts_at + log.random.integers(6 * MINUTE, size=len(clients))
    log.add(journey.LESSON_ATTENDED, clients[attended], joined_at[attended])
    succeeded = attended & log.happens(0.78, len(clients))
    ended_at = joined_at + 50 * MINUTE + log.random.integers(15 * MINUTE, size=len(clients))
    log.add(journey.LESSON_SUCCEEDED, clients[succeeded], ended_at[succeeded])
    _decide(log, clients[succeeded], ended_at[succeeded])


def _decide(log: _Log, clients: np.ndarray, since: np.ndarray) -> None:
    """Write a purchase at once, a second-line task in time or too late, or nothing."""
    decision = log.random.choice(len(DECISIONS), len(clients), p=DECISIONS)
    at_once, in_time, too_late = (decision == each for each in (AT_ONCE, IN_TIME, TOO_LATE))
    bought_at = since + log.delays(40 * MINUTE, len(clients))
    _purchase(log, clients[at_once], bought_at[at_once])
    task_at = _in_working_hours(since + log.delays(2 * HOUR, len(clients), 0.5))
    _second_line(log, clients[in_time], task_at[in_time])
    late_at = _in_working_hours(since + DAY + log.delays(9 * HOUR, len(clients)))
    _second_line(log, clients[too_late], late_at[too_late])


def _second_line(log: _Log, clients: np.ndarray, task_at: np.ndarray) -> None:
    log.add(journey.SECOND_LINE_TASK, clients, task_at)
    again = log.happens(0.15, len(clients))
    log.add(journey.SECOND_LINE_TASK, clients[again], task_at[again] + 5 * HOUR)
    in_time = log.happens(log.share("second_line_reached", task_at), len(clients))
    soon = _in_working_hours(task_at + log.delays(80 * MINUTE, len(clients)))
    later = _in_working_hours(task_at + 26 * HOUR + log.delays(12 * HOUR, len(clients)))
    reached_at = np.where(in_time, soon, later)
    reached = in_time | log.happens(0.6, len(clients))
    log.add(journey.SECOND_LINE_REACHED, clients[reached], reached_at[reached])
    buys = reached & log.happens(0.45, len(clients))
    bought_at = reached_at + log.delays(3 * HOUR, len(clients))
    _purchase(log, clients[buys], bought_at[buys])


def _purchase(log: _Log, clients: np.ndarray, bought_at: np.ndarray) -> None:
    """Write a payment, the monthly ones after it, and a former client's new request."""
    log.add(journey.PURCHASE, clients, bought_at)
    renewing = np.arange(len(clients))
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
    """Write a second request of known clients: a call, answered or not."""
    times = since // DAY * DAY + _request_times(log.random, len(clients))
    log.add(journey.REQUEST_CREATED, clients, times)
    task_at = _in_working_hours(times + log.delays(3 * MINUTE, len(clients), 0.4))
    log.add(journey.FIRST_LINE_TASK, clients, task_at)
    answers = log.happens(log.share("answered", task_at), len(clients))
    log.add(journey.FIRST_LINE_ANSWERED, clients[answers], task_at[answers] + 5 * MINUTE)


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
    visits = log.random.poisson(1.2, clients)
    visitors = np.repeat(np.arange(clients), visits)
    log.add(
        journey.CABINET_OPENED, visitors, entries[visitors] + log.delays(2 * DAY, visits.sum(), 1.5)
    )
    asking = np.flatnonzero(log.happens(0.06, clients))
    log.add(journey.SUPPORT_ASKED, asking, entries[asking] + log.delays(4 * DAY, len(asking)))


def _with_flaws(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Add bad rows beside the good ones, and the time at which each row reaches the source."""
    copied = {kind: _some(rows, share, random) for kind, share in BAD_SHARES.items()}
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


def _some(rows: pd.DataFrame, share: float, random: np.random.Generator) -> np.ndarray:
    return np.flatnonzero(random.random(len(rows)) < share)


def _loading_delays(count: int, random: np.random.Generator) -> np.ndarray:
    seconds = random.integers(1, MINUTE, count)
    is_late = random.random(count) < LATE_SHARE
    seconds += np.where(is_late, random.exponential(20 * HOUR, count).astype("int64"), 0)
    return seconds.astype("timedelta64[s]")


def _as_known_at(rows: pd.DataFrame, today: date) -> pd.DataFrame:
    return rows[rows["loaded_at"] < pd.Timestamp(today)].sort_values("loaded_at", kind="stable")
