"""Random client journeys in the source's own form, each made anew from its seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from sales_assets.core import journey

SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

#: user, event id, instant
Row = tuple[str | None, int | None, datetime | None]

MOSCOW, UTC_ZONE, BERLIN = "Europe/Moscow", "UTC", "Europe/Berlin"
SAO_PAULO = "America/Sao_Paulo"  # its clock skips midnight itself
KOLKATA = "Asia/Kolkata"
#: (report zone, source zone); the first is the product's own and comes up most often.
ZONES = (
    *((MOSCOW, MOSCOW),) * 4,
    *((MOSCOW, UTC_ZONE),) * 2,
    (MOSCOW, BERLIN),
    (BERLIN, BERLIN),
    (BERLIN, UTC_ZONE),
    (BERLIN, MOSCOW),
    (UTC_ZONE, BERLIN),
    (SAO_PAULO, UTC_ZONE),
    (SAO_PAULO, SAO_PAULO),
    (KOLKATA, MOSCOW),
)
#: Days on which, or soon after which, a clock above is put forward or back, and common ones.
REPORT_DAYS = {
    MOSCOW: (date(2022, 1, 30), date(2022, 3, 1), date(2014, 10, 26), date(2011, 3, 28)),
    BERLIN: (date(2021, 10, 31), date(2022, 3, 27), date(2022, 4, 2), date(2021, 11, 6)),
    UTC_ZONE: (date(2022, 1, 30), date(2021, 10, 31), date(2022, 3, 27), date(2024, 2, 29)),
    SAO_PAULO: (date(2018, 11, 4), date(2018, 2, 17), date(2018, 2, 18), date(2018, 11, 18)),
    KOLKATA: (date(2022, 1, 30), date(2022, 3, 1), date(2021, 12, 31), date(2024, 2, 29)),
}

PURCHASE_ID, SECOND_REQUEST_ID, OTHER_ID, NAMELESS_ID, UNKNOWN_ID = 50, 51, 90, 66, 777
OTHER_TYPE = "Другое событие"
EVENT_IDS = {
    name: number
    for number, name in enumerate(
        (n for n in journey.EVENT_TYPES if n != journey.PURCHASE), start=1
    )
}
USER_IDS = ("1", "01", "007", "1e3", "Ёж-1", "用户", "a b", "NULL", "x" * 300, "-5", "1.0", "nan")

EXACT_GAPS = (
    *(timedelta(),) * 5,
    *(SECOND, MICROSECOND, HOUR, timedelta(minutes=5), 4 * HOUR),
    *(DAY, DAY - SECOND, DAY + SECOND, DAY + MICROSECOND, 2 * DAY, 3 * DAY, 3 * DAY + SECOND),
    *(7 * DAY, 7 * DAY, 7 * DAY - SECOND, 7 * DAY + SECOND, 7 * DAY + MICROSECOND),
    *(28 * DAY + HOUR, 30 * DAY, -SECOND, -HOUR, -DAY),
)
BORDER_DAYS = (0, *(1,) * 5, 2, 2, 2, 3, 4, 7, 8, *(14,) * 6, 9, 10, 15, 28, 29, 30, 31, 35, 36)
BORDER_OFFSETS = (-SECOND, -MICROSECOND, timedelta(), timedelta(), MICROSECOND, SECOND)
#: Right at the limits of the reaction's levels.
REACTION_LAGS = tuple(
    timedelta(minutes=minutes) for minutes in (0, 1, 5, 5, 15, 15, 60, 60, 240, 240, 1440, 1440)
)
PARTITIONS_BEFORE = (0, 1, 6, 7, 8, 13, 27, 28, 29, 36, 63, 64, 100, 100, 100)


@dataclass(frozen=True)
class SourceLog:
    """The three tables of one small source, and what is asked of it.

    `events`: _user_id, event_id, happened_at; `events_dict`: id, _description; `payments`:
    _user_id, transaction_created_at. Times are naive, in the clock of `source_zone`, or NaT.
    `first_partition` is the first day that the product may load; older rows are history only.
    """

    seed: int
    report_zone: ZoneInfo
    source_zone: ZoneInfo
    first_partition: date
    days: tuple[date, ...]
    events: pd.DataFrame
    events_dict: pd.DataFrame
    payments: pd.DataFrame

    @property
    def history_first_day(self) -> date:
        """The later of the first partition and the report day of the source's first time."""
        times = pd.concat([self.events["happened_at"], self.payments["transaction_created_at"]])
        if times.isna().all():
            return self.first_partition
        first_at = instant_of(times.min().to_pydatetime(), self.source_zone)
        return max(self.first_partition, first_at.astimezone(self.report_zone).date())


def instant_of(source_time: datetime, source_zone: ZoneInfo) -> datetime:
    """Return the instant of a source time; one shown twice is the first of the two."""
    return source_time.replace(tzinfo=source_zone, fold=0).astimezone(UTC)


def random_log(seed: int) -> SourceLog:
    """Make the log of `seed`: a few users whose events crowd at every border of every window."""
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, not secrets
    report_name, source_name = rng.choice(ZONES)
    report_zone, source_zone = ZoneInfo(report_name), ZoneInfo(source_name)
    last_day = rng.choice(REPORT_DAYS[report_name]) + timedelta(days=rng.choice((0, 0, 1, 2, 7)))
    days = tuple(sorted({last_day, last_day - timedelta(days=rng.choice((0, 1, 1, 2, 7)))}))
    cutoff = _midnight(last_day + timedelta(days=1), report_zone)
    users = rng.sample(USER_IDS, rng.choice((1, 1, 3, 6, 9, 12)))
    rows = [row for user in users for row in _journey(rng, user, cutoff)]
    rows = _with_bad_rows(rng, rows)
    rng.shuffle(rows)
    events_dict, payments_as_events = _dictionary(rng)
    as_events = [row for row in rows if row[1] != PURCHASE_ID]
    as_payments = [(row[0], row[2]) for row in rows if row[1] == PURCHASE_ID]
    if payments_as_events:
        moved = len(as_payments) // 2
        as_events += [(user, PURCHASE_ID, at) for user, at in as_payments[:moved]]
        as_payments = as_payments[moved:]
    return SourceLog(
        seed=seed,
        report_zone=report_zone,
        source_zone=source_zone,
        first_partition=days[0] - timedelta(days=rng.choice(PARTITIONS_BEFORE)),
        days=days,
        events=_events_table(as_events, source_zone),
        events_dict=events_dict,
        payments=_payments_table(as_payments, source_zone),
    )


def crowd_log(seed: int) -> SourceLog:
    """Make a log of enough clients to form groups: requests of 35 days and what soon followed."""
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, not secrets
    report_zone, source_zone = (ZoneInfo(name) for name in rng.choice(ZONES))
    day = rng.choice(REPORT_DAYS[report_zone.key])
    cutoff = _midnight(day + timedelta(days=1), report_zone)
    users = [str(number) for number in range(rng.choice((49, 50, 60, 120, 200)))]
    rows = [row for user in users for row in _request_and_reaction(rng, user, cutoff)]
    return SourceLog(
        seed=seed,
        report_zone=report_zone,
        source_zone=source_zone,
        first_partition=day - timedelta(days=rng.choice((20, 100))),
        days=(day,),
        events=_events_table([row for row in rows if row[1] != PURCHASE_ID], source_zone),
        events_dict=_dictionary(rng)[0],
        payments=_payments_table([(u, at) for u, k, at in rows if k == PURCHASE_ID], source_zone),
    )


def _request_and_reaction(rng: random.Random, user: str, cutoff: datetime) -> list[Row]:
    """Return one client's request in the 28 days of training, sometimes on their very border."""
    at = cutoff - 7 * DAY - SECOND * rng.randint(1, 28 * 86_400)
    if rng.random() < 0.1:
        at = cutoff - DAY * rng.choice((7, 14, 35)) + rng.choice(BORDER_OFFSETS)
    rows: list[Row] = [(user, EVENT_IDS[journey.REQUEST_CREATED], at)]
    reactions = (journey.FIRST_LINE_TASK, journey.FIRST_LINE_TASK, journey.FIRST_LINE_ANSWERED)
    lessons = (journey.LESSON_APPOINTED, journey.SECOND_LINE_TASK, journey.LESSON_SUCCEEDED)
    for name in rng.choices((*reactions, *lessons), k=rng.choice((0, 0, 1, 1, 2, 3, 5))):
        lag = rng.choice(REACTION_LAGS) + rng.choice((*BORDER_OFFSETS, *(timedelta(),) * 4))
        rows.append((user, EVENT_IDS[name], at + lag))
    if rng.random() < 0.2:
        earlier = rng.choice((PURCHASE_ID, OTHER_ID, EVENT_IDS[journey.REQUEST_CREATED]))
        rows.append((user, earlier, at - rng.choice((timedelta(), SECOND, 5 * DAY, 90 * DAY))))
    if rng.random() < 0.05:
        rows.append((user, EVENT_IDS[journey.WHATSAPP_SENT], _experiment_time(rng, cutoff)))
    return rows


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _journey(rng: random.Random, user: str, cutoff: datetime) -> list[Row]:
    """Return one user's events: a few walks, each in the manner of one kind of client."""
    rows: list[Row] = []
    for _ in range(rng.choice((1, 2, 3, 5))):
        walk = _walk(rng, _kinds_of_walk(rng), _border(rng, cutoff))
        weeks = range(rng.choice((1, 1, 1, 2, 3, 5)))
        rows += [(user, kind, at - 7 * DAY * week) for week in weeks for kind, at in walk]
    if rng.random() < 0.25:
        experiment = EVENT_IDS[rng.choice(journey.EXPERIMENTS)]
        rows.append((user, experiment, _experiment_time(rng, cutoff)))
    return rows


def _kinds_of_walk(rng: random.Random) -> list[int]:
    """Return the event ids of one walk: a funnel path, a process, payments alone or anything."""
    every = [*EVENT_IDS.values(), PURCHASE_ID, SECOND_REQUEST_ID, OTHER_ID]
    manner = rng.choice(("path", "path", "process", "process", "process", "payer", "any"))
    if manner == "path":
        path = [_id_of(name) for name in rng.choice(list(journey.PATHS.values()))]
        return [kind for kind in path for _ in range(rng.choice((1, 1, 1, 2)))]
    if manner == "process":
        process = rng.choice(journey.PROCESSES)
        names = (process.start, process.start, rng.choice(process.ends))
        return [_id_of(rng.choice(names)) for _ in range(rng.randint(1, 8))]
    if manner == "payer":
        return [PURCHASE_ID] * rng.randint(1, 3)
    return [rng.choice(every) for _ in range(rng.randint(1, 8))]


def _id_of(name: str) -> int:
    return EVENT_IDS.get(name, PURCHASE_ID)


def _border(rng: random.Random, cutoff: datetime) -> datetime:
    """Return an instant at, beside or some time after a border of some report day's windows."""
    border = cutoff - timedelta(days=rng.choice(BORDER_DAYS)) - 7 * DAY * rng.choice((0, 0, 0, 1))
    if rng.random() < 0.5:
        return border + rng.choice(BORDER_OFFSETS)
    return border + SECOND * rng.randint(-90_000, 90_000)


def _walk(rng: random.Random, kinds: Sequence[int], at: datetime) -> list[tuple[int, datetime]]:
    rows: list[tuple[int, datetime]] = []
    for kind in kinds:
        rows.append((kind, at))
        at += rng.choice(EXACT_GAPS) if rng.random() < 0.6 else SECOND * rng.randint(0, 200_000)
    return rows


def _experiment_time(rng: random.Random, cutoff: datetime) -> datetime:
    far = (timedelta(), timedelta(), DAY, -DAY, -7 * DAY, -30 * DAY, -120 * DAY)
    return cutoff + rng.choice(far) + rng.choice(BORDER_OFFSETS)


def _with_bad_rows(rng: random.Random, rows: list[Row]) -> list[Row]:
    """Return `rows` and, beside them, copies of some that lack one thing, and exact copies."""
    copies: list[Row] = []
    for user, kind, at in rows:
        roll = rng.random()
        if roll < 0.03:
            copies.append((None, kind, at))
        elif roll < 0.06:
            copies.append((user, rng.choice((UNKNOWN_ID, NAMELESS_ID, None)), at))
        elif roll < 0.08:
            copies.append((user, kind, None))
        elif roll < 0.18:
            copies += [(user, kind, at)] * rng.choice((1, 1, 2))
        elif roll < 0.19:
            copies.append((None, UNKNOWN_ID, at))
    return rows + copies


def _dictionary(rng: random.Random) -> tuple[pd.DataFrame, bool]:
    """Return the dictionary, and whether the event log itself holds purchases too."""
    names = {number: name for name, number in EVENT_IDS.items()}
    names |= {OTHER_ID: OTHER_TYPE, NAMELESS_ID: None, SECOND_REQUEST_ID: journey.REQUEST_CREATED}
    payments_as_events = rng.random() < 0.2
    if payments_as_events:
        names[PURCHASE_ID] = journey.PURCHASE
    table = pd.DataFrame({"id": list(names), "_description": pd.array([*names.values()], "str")})
    return table, payments_as_events


def _events_table(rows: Sequence[Row], zone: ZoneInfo) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "_user_id": pd.array([user for user, _, _ in rows], "str"),
            "event_id": pd.array([kind for _, kind, _ in rows], "Int64"),
            "happened_at": _source_times([at for _, _, at in rows], zone),
        }
    )


def _payments_table(
    rows: Sequence[tuple[str | None, datetime | None]], zone: ZoneInfo
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "_user_id": pd.array([user for user, _ in rows], "str"),
            "transaction_created_at": _source_times([at for _, at in rows], zone),
        }
    )


def _source_times(instants: Sequence[datetime | None], zone: ZoneInfo) -> pd.Series:
    shown = [at and at.astimezone(zone).replace(tzinfo=None) for at in instants]
    return pd.Series(shown, dtype="datetime64[us]")
