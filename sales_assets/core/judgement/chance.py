"""How probable a number is at a known mean and variance: the tails of counts and of shares."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaln, gammainc, gammaincc, xlog1py, xlogy

#: Under so little more variance the plain distribution is the more exact one in floating point.
_NO_EXCESS = 1e-8
#: At 1 all cases of a day would fall alike.
_MOST_RHO = 0.999


@dataclass(frozen=True)
class Chance:
    """The distribution of a number with that mean and variance; `of` is None for a count.

    Counts are negative binomial, or Poisson if the variance isn't above the mean. Shares of N =
    `of` cases are beta-binomial, or binomial if N = 1 or the variance isn't above the binomial's.
    """

    mean: float
    variance: float
    of: int | None = None

    def tail(self, value: int, side: int) -> float:
        """Return the probability of more than `value` (side 1) or less (-1), and half its own."""
        if self.of is None:
            return (self._beyond(value, side) + self._beyond(value - 1, side)) / 2
        outcomes = np.arange(value, self.of + 1) if side > 0 else np.arange(value, -1, -1)
        own, *_ = probabilities = np.exp(self._log_share_probability(outcomes))
        return float(probabilities.sum() - own / 2)

    def _beyond(self, value: int, side: int) -> float:
        """Return P(Y > value) of a count for side 1, P(Y <= value) for -1."""
        if value < 0:
            return 1.0 if side > 0 else 0.0
        excess = self.variance - self.mean
        if excess <= _NO_EXCESS * self.mean:
            return float((gammainc if side > 0 else gammaincc)(value + 1, self.mean))
        size, more, less = self.mean**2 / excess, excess / self.variance, self.mean / self.variance
        above = (value + 1, size, more) if side > 0 else (size, value + 1, less)
        return float(betainc(*above))

    def _log_share_probability(self, outcomes: np.ndarray) -> np.ndarray:
        """Return log P(Y = outcome) for each outcome of 0 … N."""
        n, p = self.of or 0, self.mean / (self.of or 1)
        # How far the cases of a day fall alike: 0 not at all, 1 all of them.
        alike = (self.variance / (n * p * (1 - p)) - 1) / (n - 1) if n > 1 else 0.0
        rho = min(_MOST_RHO, alike)
        combinations = -np.log(n + 1) - betaln(n - outcomes + 1, outcomes + 1)
        if rho <= _NO_EXCESS:
            return combinations + xlogy(outcomes, p) + xlog1py(n - outcomes, -p)
        both = 1 / rho - 1
        alpha, beta = p * both, (1 - p) * both
        return combinations + betaln(outcomes + alpha, n - outcomes + beta) - betaln(alpha, beta)
