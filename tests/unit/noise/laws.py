"""Exact laws of the mechanisms, from their definitions, by mpmath; shared by unit, statistical and oracle tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise, permutations

import mpmath
import numpy as np

Survival = Callable[[float, int], mpmath.mpf]


def rounded_gaussian_survival(sigma: float, m: int) -> mpmath.mpf:
    """P(K > m) for a whole number m >= 0."""
    return mpmath.erfc((m + mpmath.mpf(0.5)) / mpmath.mpf(float(sigma)) / mpmath.sqrt(2)) / 2


def discrete_laplace_survival(scale: float, m: int) -> mpmath.mpf:
    """P(K > m) for a whole number m >= 0."""
    rate = 1 / mpmath.mpf(float(scale))
    return mpmath.exp(-(m + 1) * rate) / (1 + mpmath.exp(-rate))


def binned_law(survival: Survival, scale: float, cuts: Sequence[int]) -> np.ndarray:
    """Law over 2 c + 1 bins: |K| <= cuts[0] in the middle, then (cuts[i], cuts[i+1]] on each side, then the tails."""
    above = [survival(scale, int(m)) for m in cuts]
    half = [a - b for a, b in pairwise(above)] + [above[-1]]
    return np.array([float(p) for p in [*half[::-1], 1 - 2 * above[0], *half]])


def integer_law(survival: Survival, scale: float, most: int) -> np.ndarray:
    """P(k) for |k| <= most: float64[2 most + 1], the two tails added to the ends."""
    return binned_law(survival, scale, range(most))


def exponential_law(weights: Sequence[float]) -> np.ndarray:
    """Probabilities of the exponential mechanism with these weights."""
    return np.array(weights) / np.sum(weights)


def permute_and_flip_law(weights: Sequence[float]) -> np.ndarray:
    """Probabilities of permute-and-flip whose coins show heads with these probabilities, by all orders."""
    law = np.zeros(len(weights))
    orders = list(permutations(range(len(weights))))
    for order in orders:
        reached = 1.0
        for i in order:
            law[i] += reached * weights[i]
            reached *= 1 - weights[i]
    return law / len(orders)
