"""scikit-learn's silhouette on the rows written out one by one."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.metrics import silhouette_score

#: A feature takes few values in the real thing too, so that rows coincide.
LEVELS = (0.0, 0.2, 0.333333, 0.5, 0.666667, 1.0)


def expanded_silhouette(points: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> float:
    """Return the silhouette of `points`, each repeated `weights` times, as scikit-learn sees it."""
    rows = np.repeat(points, weights, axis=0)
    # scikit-learn's own Euclidean distances put equal rows some 1e-8 apart.
    distances = cdist(rows, rows)
    return float(silhouette_score(distances, np.repeat(labels, weights), metric="precomputed"))


def random_weighted_groups(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make distinct points (n, 7), integer weights and labels, lone members among them."""
    rng = np.random.default_rng(seed)
    points = np.unique(rng.choice(LEVELS, (rng.integers(4, 40), 7)), axis=0)
    weights = rng.choice([1, 1, 2, 5, 40], len(points))
    groups = rng.integers(2, min(7, len(points)))
    labels = np.concatenate([np.arange(groups), rng.integers(0, groups, len(points) - groups)])
    return points, weights, rng.permutation(labels)
