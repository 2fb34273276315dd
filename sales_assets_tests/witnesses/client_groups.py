"""The client groups of docs/metrics.md, client by client and feature by feature, in plain loops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from sklearn.cluster import KMeans

from sales_assets_tests.witnesses.journeys import EPOCH, MICROSECOND
from sales_assets_tests.witnesses.silhouette import expanded_silhouette
from sales_assets_tests.witnesses.vocabulary import (
    FIRST_LINE,
    INTRO_LESSON,
    PURCHASE,
    REQUEST,
    SECOND_LINE,
)

MINUTE_US = 60 * 10**6
DAY_US = 24 * 60 * MINUTE_US
#: The lag of the first sales event: a level for each limit that it exceeds.
REACTION_LIMITS = tuple(minutes * MINUTE_US for minutes in (5, 15, 60, 240, 1440))
SALES_EVENTS = {*FIRST_LINE, *SECOND_LINE, *INTRO_LESSON}
FEWEST_ENTRANTS, SMALLEST_SHARE = 50, 0.05
N_INIT: Any = 20  # scikit-learn's stubs know "auto" alone
NAMES = (
    "записались сами",
    "дозвонились",
    "звонили, не дозвонились",
    "без реакции 24 ч",
)
FORMER, REPEATED, AT_NIGHT = "прежние клиенты", "повторные", "ночные"
ALL_REQUESTS = "все заявки"
HALF = 0.5 - 1e-9


class Event(NamedTuple):
    """One of a client's events: instant in microseconds since the epoch (UTC), and type."""

    at_us: int
    type: str


@dataclass(frozen=True)
class Client:
    """What is known of a client at the cut-off; `past` reaches over all history."""

    events: Sequence[Event]
    past: Sequence[Event]


@dataclass(frozen=True)
class Group:
    """A group of the cohort: its number, and the words that its Russian name has to hold."""

    number: int
    words: frozenset[str]


ONE_GROUP = Group(0, frozenset({ALL_REQUESTS}))


def group_of_each(
    clients: Mapping[str, Client], cutoff_us: int, zone: ZoneInfo
) -> dict[str, Group]:
    """Return the group of every client of the cohort."""
    trained = _features(clients, cutoff_us - 35 * DAY_US, cutoff_us - 7 * DAY_US, zone)
    cohort = _features(clients, cutoff_us - 14 * DAY_US, cutoff_us - 7 * DAY_US, zone)
    model = _model(list(trained.values())) if len(trained) >= FEWEST_ENTRANTS else None
    if model is None or not cohort:
        return dict.fromkeys(cohort, ONE_GROUP)
    groups = [Group(i, _words(centre)) for i, centre in enumerate(model.cluster_centers_)]
    numbers = model.predict(np.array(list(cohort.values())))
    return {user_id: groups[number] for user_id, number in zip(cohort, numbers, strict=True)}


def _words(centre: Sequence[float]) -> frozenset[str]:
    """Return the name's parts; the last three features stand at half weight, hence the doubling."""
    _, calls, reached, booked, night, repeated, paid = centre
    rules = ((booked, 0.5), (reached, 0.5), (calls, 1 / 6), (1.0, 0.0))
    kind = next(
        name for name, (value, limit) in zip(NAMES, rules, strict=True) if value >= limit - 1e-9
    )
    former = [FORMER] if 2 * paid >= HALF else [REPEATED] if 2 * repeated >= HALF else []
    return frozenset({kind, *former, *([AT_NIGHT] if 2 * night >= HALF else [])})


def _features(
    clients: Mapping[str, Client], start_us: int, end_us: int, zone: ZoneInfo
) -> dict[str, tuple[float, ...]]:
    """Return the features of each client with an entry in the range, at his first entry in it."""
    found: dict[str, tuple[float, ...]] = {}
    for user_id, client in clients.items():
        entries = [e.at_us for e in client.events if e.type == REQUEST]
        entries = [at_us for at_us in entries if start_us <= at_us < end_us]
        if entries:
            found[user_id] = features_at(client, min(entries), zone)
    return found


def features_at(client: Client, entry_us: int, zone: ZoneInfo) -> tuple[float, ...]:
    """Return reaction, calls, reached, booked himself, night, repeated, paid of one entry."""
    soon = [e for e in client.events if entry_us <= e.at_us <= entry_us + DAY_US]
    lags = [e.at_us - entry_us for e in soon if e.type in SALES_EVENTS]
    level = sum(min(lags) > limit for limit in REACTION_LIMITS) if lags else len(REACTION_LIMITS)
    tasks = sum(e.type == FIRST_LINE[0] for e in soon)
    hour = (EPOCH + entry_us * MICROSECOND).astimezone(zone).hour
    before = [e for e in client.past if e.at_us < entry_us]
    values = (
        level / 5,
        min(tasks, 3) / 3,
        any(e.type == FIRST_LINE[1] for e in soon),
        _booked_himself(soon),
        0.5 * (hour < 9 or hour >= 21),
        0.5 * bool(before),
        0.5 * any(e.type == PURCHASE for e in before),
    )
    return tuple(round(float(value), 6) for value in values)


def _booked_himself(soon: Sequence[Event]) -> bool:
    lessons = [e.at_us for e in soon if e.type == INTRO_LESSON[0]]
    calls = [e.at_us for e in soon if e.type in FIRST_LINE]
    return bool(lessons) and (not calls or min(lessons) < min(calls))


def _model(rows: Sequence[tuple[float, ...]]) -> KMeans | None:
    """Return the admissible clustering with the best silhouette, None if there is none."""
    points, weights = np.unique(np.array(rows), axis=0, return_counts=True)
    best, best_score = None, -np.inf
    for k in range(2, min(6, len(points)) + 1):
        model = KMeans(k, random_state=0, n_init=N_INIT).fit(points, sample_weight=weights)
        labels = np.asarray(model.labels_)
        sizes = np.bincount(labels, weights=weights, minlength=k)
        if sizes.min() < SMALLEST_SHARE * weights.sum():
            continue
        score = expanded_silhouette(points, weights, labels)
        if score > best_score + 1e-12:
            best, best_score = model, score
    return best


def words_of(name: str) -> frozenset[str]:
    """Return the parts of a group's name, without the number that tells equal names apart."""
    plain, _, _ = name.partition(" · ")
    # The longest first: one kind ends with the words of another.
    kinds = sorted((*NAMES, ALL_REQUESTS), key=len, reverse=True)
    kind = next(kind for kind in kinds if plain.endswith(kind))
    return frozenset({kind, *(prefix for prefix in (FORMER, REPEATED, AT_NIGHT) if prefix in name)})
