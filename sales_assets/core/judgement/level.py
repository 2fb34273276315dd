"""The level of a series: what a day brings, how far days stray, how much neighbours are alike.

The names are those of docs/verdict.md, "The level": η = a + b · (days to D) / 7 + w[weekday],
dispersion φ, covariance C, neighbours r1.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sales_assets.core.judgement.history import DAYS_OF_WEEK, DailySeries

#: The last days are left out, so that what began this week doesn't raise its own yardstick.
LEFT_OUT_DAYS, LEARNED_DAYS = 7, 70
#: Under four weeks there is nothing to leave out: all days are learned from.
YOUNG_DAYS = 28
LEAST_TRAINING_DAYS = 14

#: Standard deviations of the normal priors: b a week, w Monday to Friday, w at the weekend.
_TREND_SD, _WORKDAY_SD, _WEEKEND_SD = 0.025, 0.2, 1.0
#: 1 / sd² of a (free), b, w[Monday] … w[Sunday].
PENALTY = np.array([0.0, _TREND_SD**-2, *[_WORKDAY_SD**-2] * 5, *[_WEEKEND_SD**-2] * 2])

#: So many rounds and not until stable: on series under 0.2 a day the turns run to zero.
_ROUNDS = 4
#: As if eight days had been seen that stray by 1.3.
_PRIOR_DAYS, _PRIOR_DISPERSION = 8, 1.3
#: A residual beyond it counts little: a past outage or record isn't what is usual.
_ODD = 2.58
#: Seventy days know the excess to about a fifth, and damping odd days takes some of it away.
_EXCESS_FACTOR = 1.5

#: As if 30 pairs of neighbours had been seen that agree by 0.05; the estimate is low by 0.03.
_PRIOR_PAIRS, _PRIOR_AGREEMENT, _AGREEMENT_BIAS = 30, 0.05, 0.03
_MOST_AGREEMENT = 0.5
#: How fast the likeness of days fades from one day's distance to the next.
_FADING = 0.4

_NEWTON_STEPS, _HALVINGS, _STEP_TOLERANCE, _ROUNDING = 50, 30, 1e-8, 1e-12


@dataclass(frozen=True)
class Level:
    """What the training days say of a day D, by its position: parameters (a, b, w), C, φ, r1."""

    position: int
    weekday: int
    parameters: np.ndarray
    covariance: np.ndarray
    phi: float
    r1: float
    training_days: int

    @property
    def cautious_phi(self) -> float:
        """Return φ*, the dispersion that the tests use."""
        return 1 + _EXCESS_FACTOR * (self.phi - 1)

    def neighbour_factor(self, days: int) -> float:
        """Return g(w), by which likeness of neighbours widens the sum of `days` days."""
        distance = np.arange(1, days)
        fading = (1 - distance / days) * _FADING ** (distance - 1)
        return float(1 + 2 * self.r1 * fading.sum())


@dataclass(frozen=True)
class _Training:
    """The training days in order: x (the rows of the model), y, of."""

    x: np.ndarray
    y: np.ndarray
    of: np.ndarray | None


@dataclass(frozen=True)
class _Round:
    """One round's estimate, and the φ and weights that it gives the next round."""

    parameters: np.ndarray
    covariance: np.ndarray
    residual: np.ndarray
    phi: float
    weight: np.ndarray


def is_young(position: int) -> bool:
    """Tell whether the day at `position` has under 28 calendar days before it."""
    return position < YOUNG_DAYS


def training_positions(history: DailySeries, position: int) -> np.ndarray:
    """Return the positions of the usable training days of the day at `position`, in order."""
    last = position - 1 if is_young(position) else position - LEFT_OUT_DAYS
    first = 0 if is_young(position) else max(0, last - LEARNED_DAYS + 1)
    return first + np.flatnonzero(history.is_usable[first : last + 1])


def level_at(history: DailySeries, position: int) -> Level | None:
    """Learn the level of the day at `position` from its training days; None if under 14 are usable.

    Training days: the 70 that end 7 days before, or, in a young history, all before it. The day's
    own value is not looked at.
    """
    positions = training_positions(history, position)
    if len(positions) < LEAST_TRAINING_DAYS:
        return None
    weekday, back = history.weekday(position), position - positions
    of = None if history.of is None else history.of[positions]
    training = _Training(model_rows(weekday, back), history.value[positions], of)
    # Nothing ever happened, or everything always: the estimate isn't finite.
    is_boundary = not training.y.any() or (of is not None and bool((training.y == of).all()))
    found = _boundary_round(training) if is_boundary else _last_round(training)
    agreement = _neighbours(found, back)
    return Level(
        position, weekday, found.parameters, found.covariance, found.phi, agreement, len(positions)
    )


def model_rows(weekday: int, back: np.ndarray) -> np.ndarray:
    """Return x for the days `back` days before a day D of that weekday: 1, weeks to D, weekday."""
    is_weekday = np.eye(DAYS_OF_WEEK)[(weekday - back) % DAYS_OF_WEEK]
    return np.column_stack([np.ones(len(back)), -back / DAYS_OF_WEEK, is_weekday])


def moments(eta: np.ndarray, of: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return E y and the variance of y at φ = 1, of a count or of a share."""
    if of is None:
        mean = np.exp(eta)
        return mean, mean
    p = expit(eta)
    return of * p, of * p * expit(-eta)


def _boundary_round(training: _Training) -> _Round:
    """Put the level at half an event in all training days: below what they could have shown."""
    half = 0.5 / _total(training)
    odds = half if training.of is None else half / (1 - half)
    parameters = np.zeros(len(PENALTY))
    parameters[0] = -np.log(odds) if training.y.any() else np.log(odds)
    weight = np.ones(len(training.y))
    covariance = np.linalg.inv(_curvature(training, parameters, weight))
    residual = _residual(training, parameters)
    return _Round(parameters, covariance, residual, 1.0, _weight(residual, 1.0))


def _total(training: _Training) -> float:
    """Return in how many days (of a share: cases) something could have happened."""
    return len(training.y) if training.of is None else float(training.of.sum())


def _last_round(training: _Training) -> _Round:
    start = np.zeros(len(PENALTY))
    p = training.y.sum() / _total(training)
    start[0] = np.log(p) if training.of is None else np.log(p / (1 - p))
    found = _round(training, start, 1.0, np.ones(len(training.y)))
    for _ in range(_ROUNDS - 1):
        found = _round(training, found.parameters, found.phi, found.weight)
    return found


def _round(training: _Training, start: np.ndarray, phi: float, weight: np.ndarray) -> _Round:
    """Estimate with the φ and weights of the round before; then find φ, then the weights."""
    parameters = _estimate(training, start, weight / phi)
    covariance = np.linalg.inv(_curvature(training, parameters, weight / phi))
    residual = _residual(training, parameters)
    edf = len(PENALTY) - (np.diag(covariance) * PENALTY).sum()
    strayed = _PRIOR_DAYS * _PRIOR_DISPERSION + (weight * residual**2).sum()
    new_phi = max(1.0, float(strayed / (_PRIOR_DAYS + weight.sum() - edf)))
    return _Round(parameters, covariance, residual, new_phi, _weight(residual, new_phi))


def _weight(residual: np.ndarray, phi: float) -> np.ndarray:
    border = _ODD * np.sqrt(phi)
    return (border / np.maximum(border, np.abs(residual))) ** 2


def _residual(training: _Training, parameters: np.ndarray) -> np.ndarray:
    mean, variance = moments(training.x @ parameters, training.of)
    return (training.y - mean) / np.sqrt(variance)


def _estimate(training: _Training, start: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Maximise Σ weight · loglikelihood − ½ Σ (parameter / sd)² by Newton's steps."""
    parameters, reached = start, _objective(training, start, weight)
    for _ in range(_NEWTON_STEPS):
        mean, _ = moments(training.x @ parameters, training.of)
        gradient = training.x.T @ (weight * (training.y - mean)) - PENALTY * parameters
        step = np.linalg.solve(_curvature(training, parameters, weight), gradient)
        if np.abs(step).max() < _STEP_TOLERANCE:
            return parameters + step
        parameters, reached = _climbed(training, parameters, step, weight, reached)
    return parameters


def _climbed(
    training: _Training, at: np.ndarray, step: np.ndarray, weight: np.ndarray, reached: float
) -> tuple[np.ndarray, float]:
    """Go the step, or so much of it that the objective, which is concave, doesn't fall."""
    ground = reached - _ROUNDING * (1 + abs(reached))
    for _ in range(_HALVINGS):
        height = _objective(training, at + step, weight)
        if height >= ground:
            return at + step, height
        step = step / 2
    return at, reached


def _objective(training: _Training, parameters: np.ndarray, weight: np.ndarray) -> float:
    eta, of = training.x @ parameters, training.of
    lost = np.exp(eta) if of is None else of * np.logaddexp(0, eta)
    return float(weight @ (training.y * eta - lost) - (PENALTY * parameters**2).sum() / 2)


def _curvature(training: _Training, parameters: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the negative second derivative of the objective."""
    _, variance = moments(training.x @ parameters, training.of)
    return (training.x.T * (weight * variance)) @ training.x + np.diag(PENALTY)


def _neighbours(found: _Round, back: np.ndarray) -> float:
    """Return r1, how far the day after a high day tends to be high."""
    u = found.residual * np.sqrt(found.weight / found.phi)
    products = (u[1:] * u[:-1])[np.diff(back) == -1]
    pairs, agreement = len(products), products.sum()
    known = _PRIOR_PAIRS * _PRIOR_AGREEMENT + agreement + pairs * _AGREEMENT_BIAS
    return float(np.clip(known / (_PRIOR_PAIRS + pairs), 0, _MOST_AGREEMENT))
