"""Binomial tails and the exact probability that a walk of binomial counts meets a boundary."""

from __future__ import annotations

import numpy as np
from scipy import special

__all__ = ["at_least", "crossing", "log_probabilities", "proportion_at_most", "smallest_count"]


def at_least(count: np.ndarray | float, trials: np.ndarray | float, probability: np.ndarray | float) -> np.ndarray:
    """P[Binomial(trials, probability) >= count], elementwise."""
    count, trials, probability = np.broadcast_arrays(
        np.asarray(count, dtype=float), np.asarray(trials, dtype=float), np.asarray(probability, dtype=float)
    )
    inside = (count >= 1) & (count <= trials)
    tail = special.betainc(np.where(inside, count, 1.0), np.where(inside, trials - count + 1, 1.0), probability)
    return np.where(inside, tail, np.where(count <= 0, 1.0, 0.0))


def log_probabilities(trials: int, probability: float) -> np.ndarray:
    """float64[trials + 1]: log P[Binomial = k]."""
    k = np.arange(trials + 1.0)
    choose = special.gammaln(trials + 1.0) - special.gammaln(k + 1) - special.gammaln(trials - k + 1)
    return choose + special.xlogy(k, probability) + special.xlog1py(trials - k, -probability)


def smallest_count(tail: np.ndarray | float, trials: np.ndarray, probability: np.ndarray | float) -> np.ndarray:
    """The smallest c with P[Binomial(trials, probability) >= c] <= tail, elementwise, by bisection."""
    tail, trials, probability = np.broadcast_arrays(
        np.asarray(tail, dtype=float), np.asarray(trials), np.asarray(probability, dtype=float)
    )
    low, high = np.zeros(tail.shape, dtype=np.int64), trials.astype(np.int64) + 1  # at high the tail is 0
    while (high - low > 0).any():
        middle = (low + high) // 2
        good = at_least(middle, trials, probability) <= tail
        high, low = np.where(good, middle, high), np.where(good, low, np.minimum(middle + 1, high))
    return high


def proportion_at_most(count: np.ndarray | float, trials: np.ndarray | float, alpha: float) -> np.ndarray:
    """Clopper and Pearson's upper confidence limit of a proportion, one-sided at alpha, elementwise.

    Source: clopper1934use
    """
    count, trials = np.broadcast_arrays(np.asarray(count, dtype=float), np.asarray(trials, dtype=float))
    inside = count < trials
    limit = special.betaincinv(count + 1, np.where(inside, trials - count, 1.0), 1 - alpha)
    return np.where(inside, limit, 1.0)


def crossing(totals: np.ndarray, critical: np.ndarray, probability: float) -> float:
    """P[S_k >= c_k for some k], where S_k adds up Binomial counts with independent increments.

    Args:
        totals: int[k], rising: S_k is Binomial(totals_k, probability).
        critical: int[k], the boundary c_k.
        probability: of each single success.

    Returns:
        The exact probability (up to rounding), by convolving the increments and taking out the mass that crossed.
    """
    law, before, crossed = np.ones(1), 0, 0.0
    for total, bound in zip(totals.tolist(), critical.tolist(), strict=True):
        law = np.convolve(law, np.exp(log_probabilities(total - before, probability)))
        bound = max(bound, 0)
        if bound < law.size:
            crossed += float(law[bound:].sum())
            law = law[:bound]
        if law.size == 0:
            return 1.0
        before = total
    return min(crossed, 1.0)
