"""Client groups: who fares alike in the first day after a request, by KMeans, and their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np

from sales_assets.core import journey
from sales_assets.core.days import ReportDays
from sales_assets.core.journey import FIRST_LINE_EVENTS, INTRO_LESSON_EVENTS, SECOND_LINE_EVENTS
from sales_assets.core.metrics.event_log import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    NEVER,
    EventLog,
    begins_run,
    wall_clocks,
)
from sales_assets.core.windows import COHORT, FIRST_FACTS, TRAINING, Window, microseconds

MIN_ENTRANTS = 50
MIN_GROUP_SHARE = 0.05
MOST_GROUPS = 6

_REACTIONS_US = (5 * MINUTE_US, 15 * MINUTE_US, HOUR_US, 4 * HOUR_US, DAY_US)
_MOST_CALLS = 3
_MORNING_HOUR, _EVENING_HOUR = 9, 21
_FEATURES = ("reaction", "calls", "reached", "booked", "night", "repeated", "paid")
#: Each feature's number of evenly spaced levels, from 0 to its weight.
_LEVELS = (len(_REACTIONS_US) + 1, _MOST_CALLS + 1, 2, 2, 2, 2, 2)
_WEIGHTS = np.array([1, 1, 1, 1, 0.5, 0.5, 0.5])
_DECIMALS = 6
#: Scores and distances closer than this are equal: the last bits differ between machines.
_TIE_DECIMALS = 9

_ACQUAINTANCES = ("", journey.GROUP_REPEATED, journey.GROUP_FORMER_CLIENTS)
_HOURS = ("", journey.GROUP_AT_NIGHT)


@dataclass(frozen=True)
class Requests:
    """Every request of a log, by user and instant; `joined` is the user's first experiment."""

    user: np.ndarray
    at_us: np.ndarray
    joined: np.ndarray

    @classmethod
    def of(cls, log: EventLog) -> "Requests":
        """Take the requests of `log` in its order."""
        rows = log.rows_of(journey.REQUEST_CREATED)
        return cls(log.user[rows], log.at_us[rows], log.first_experiment[log.user[rows]])

    def within(self, cutoff: int, window: Window) -> np.ndarray:
        """Return the population's requests in the window at the cut-off, by position."""
        start, end = cutoff - microseconds(window.since), cutoff - microseconds(window.until)
        return np.flatnonzero((self.at_us >= start) & (self.at_us < end) & (self.joined >= cutoff))

    def first_of_users(self, positions: np.ndarray) -> np.ndarray:
        """Keep each user's first of these (sorted) positions."""
        return positions[begins_run(self.user[positions])]


@dataclass(frozen=True)
class CohortGroups:
    """One cohort's clients and the group of each.

    `users` are positions in the log's users, sorted; `group` are positions in `names`, which are
    in a fixed order and hold the groups without a client in this cohort, too.
    """

    names: tuple[str, ...]
    users: np.ndarray
    group: np.ndarray


def client_groups(log: EventLog, days: ReportDays) -> Mapping[date, CohortGroups]:
    """Divide each day's cohort into the groups learnt from the 28 days before `C − 7 d`.

    The definition is docs/metrics.md, "Conversion funnel by client group". Fewer than 50
    entrants, or no admissible number of groups, make the one group of all requests; a cohort
    without clients leaves the groups empty. Never fails; row order makes no difference.
    """
    from sklearn import config_context
    from threadpoolctl import threadpool_limits

    requests, profiles = Requests.of(log), request_profiles(log, days)
    groups = {}
    # With several threads KMeans adds up in a random order, and beside another busy process
    # its threads wait for each other: 4 s for a day instead of 0.06 s.
    with threadpool_limits(1), config_context(assume_finite=True, skip_parameter_validation=True):
        for day, cutoff in zip(days.days, days.cutoffs_us.tolist(), strict=True):
            learnt = requests.first_of_users(requests.within(cutoff, TRAINING))
            cohort = requests.first_of_users(requests.within(cutoff, COHORT))
            entrants = np.bincount(profiles[learnt], minlength=int(np.prod(_LEVELS)))
            names, group_of_profile = _named(_centroids(entrants))
            of_cohort = group_of_profile[profiles[cohort]]
            groups[day] = CohortGroups(names, requests.user[cohort], of_cohort)
    return groups


def request_profiles(log: EventLog, days: ReportDays) -> np.ndarray:
    """Number the features' levels of every request, in the log's order.

    Equal numbers are equal features, smaller numbers stand before larger ones when the features
    are sorted. Only facts of the 24 hours after the request, or from before it.
    """
    rows = log.rows_of(journey.REQUEST_CREATED)
    user, at_us = log.user[rows], log.at_us[rows]
    first_line = log.instants(log.next_of(rows, log.rows_of(*FIRST_LINE_EVENTS)))
    answered = log.instants(log.next_of(rows, log.rows_of(journey.FIRST_LINE_ANSWERED)))
    appointed = log.instants(log.next_of(rows, log.rows_of(journey.LESSON_APPOINTED)))
    soon = at_us + microseconds(FIRST_FACTS)
    tasks, hours = log.rows_of(journey.FIRST_LINE_TASK), wall_clocks(at_us, days.zone).dt.hour
    calls = [log.instants(log.next_of(rows, tasks, skip)) <= soon for skip in range(_MOST_CALLS)]
    levels = (
        _reaction(log, rows),
        np.sum(calls, axis=0),
        answered <= soon,
        (appointed <= soon) & (appointed < first_line),
        ((hours < _MORNING_HOUR) | (hours >= _EVENING_HOUR)).to_numpy(),
        log.first_event[user] < at_us,
        log.first_payment[user] < at_us,
    )
    return np.ravel_multi_index([level.astype(np.int16) for level in levels], _LEVELS)


@cache
def profile_features() -> np.ndarray:
    """Return the features of every profile: a row per number, a column per feature."""
    levels = np.array(np.unravel_index(np.arange(np.prod(_LEVELS)), _LEVELS)).T
    features = (levels / (np.array(_LEVELS) - 1) * _WEIGHTS).round(_DECIMALS)
    features.flags.writeable = False
    return features


@cache
def _profile_distances() -> np.ndarray:
    squares = np.zeros((len(profile_features()),) * 2)
    for feature in profile_features().T:
        squares += np.subtract.outer(feature, feature) ** 2
    return np.sqrt(squares)


def weighted_silhouette(distances: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Return scikit-learn's silhouette of the rows expanded by their whole `weights`.

    `distances` are between the distinct rows, `labels` count from 0 and none is without a row.
    A row that is alone in its group scores 0, as there.
    """
    members = weights[:, None] * (labels[:, None] == np.arange(labels.max() + 1))
    sizes, sums = members.sum(axis=0), distances @ members
    rows = np.arange(len(labels))
    own_size = sizes[labels]
    own = sums[rows, labels] / np.maximum(own_size - 1, 1)
    means = sums / sizes
    means[rows, labels] = np.inf
    other = means.min(axis=1)
    widest = np.maximum(own, other)
    scores = np.divide(other - own, widest, out=np.zeros(len(rows)), where=widest > 0)
    return float(np.average(np.where(own_size > 1, scores, 0), weights=weights))


def _reaction(log: EventLog, rows: np.ndarray) -> np.ndarray:
    """Return the level of the first sales event's lag.

    A sales event is what the department does or leads to: the first line's, the second line's
    and the intro lesson's. A purchase is none: it is the outcome that the funnel then counts.
    """
    answers = log.next_of(
        rows, log.rows_of(*FIRST_LINE_EVENTS, *SECOND_LINE_EVENTS, *INTRO_LESSON_EVENTS)
    )
    lag = np.where(answers >= 0, log.instants(answers) - log.at_us[rows], NEVER)
    return np.searchsorted(_REACTIONS_US, lag)


def _centroids(entrants: np.ndarray) -> np.ndarray:
    """Return the centroids of the best clustering of the profiles, none if there is none.

    `entrants` counts people by profile. The best has the largest silhouette, and of equal ones
    the fewest groups, none of them under 5 % of the people.
    """
    none = np.empty((0, len(_LEVELS)))
    if entrants.sum() < MIN_ENTRANTS:
        return none
    from sklearn.cluster import KMeans

    found = np.flatnonzero(entrants)
    points, weights = profile_features()[found], entrants[found].astype(float)
    distances = _profile_distances()[np.ix_(found, found)]
    best, best_score = none, -np.inf
    for count in range(2, min(MOST_GROUPS, len(points)) + 1):
        # The type checker reads scikit-learn's default "auto" as the only type of n_init.
        model = KMeans(count, random_state=0, n_init=20)  # pyright: ignore[reportArgumentType]
        labels = np.asarray(model.fit(points, sample_weight=weights).labels_)
        if np.bincount(labels, weights, count).min() < MIN_GROUP_SHARE * weights.sum():
            continue
        score = round(weighted_silhouette(distances, labels, weights), _TIE_DECIMALS)
        if score > best_score:
            best, best_score = model.cluster_centers_, score
    return best


def _named(centroids: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the groups' names in their fixed order, and every profile's group."""
    if not len(centroids):
        return (journey.GROUP_ALL_REQUESTS,), np.zeros(int(np.prod(_LEVELS)), dtype=np.intp)
    rounded = centroids.round(_DECIMALS) + 0.0  # no -0.0
    ordered = sorted(rounded.tolist(), key=lambda centroid: (_traits(centroid), centroid))
    gaps = profile_features()[:, None] - np.array(ordered)[None]
    distances = np.linalg.norm(gaps, axis=2).round(_TIE_DECIMALS)
    names = []
    for reaction, acquaintance, hours in map(_traits, ordered):
        parts = (_ACQUAINTANCES[acquaintance], _HOURS[hours], journey.REACTIONS[reaction])
        names.append(", ".join(filter(None, parts)))
    # Those of one name get « · 1», « · 2», in order.
    numbered = (
        f"{name} · {names[: position + 1].count(name)}" if names.count(name) > 1 else name
        for position, name in enumerate(names)
    )
    return tuple(numbered), distances.argmin(axis=1)


def _traits(centroid: Sequence[float]) -> tuple[int, int, int]:
    """Return what a centroid is called by: positions in reactions, acquaintances and hours."""
    share = dict(zip(_FEATURES, (np.array(centroid) / _WEIGHTS).tolist(), strict=True))
    half, one_call_of_two_people = 0.5, round(1 / (2 * _MOST_CALLS), _DECIMALS)
    rules = (
        share["booked"] >= half,
        share["reached"] >= half,
        share["calls"] >= one_call_of_two_people,
        True,
    )
    acquaintance = 2 if share["paid"] >= half else int(share["repeated"] >= half)
    return rules.index(True), acquaintance, int(share["night"] >= half)
