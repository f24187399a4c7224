"""Clopper-Pearson at several thresholds at once: a simultaneous band instead of a correction for choosing.

The thresholds are the (k+1)-th largest scores of the runs without the record, for fixed k. The true false-positive rate
there is (at most) a uniform order statistic, so all of these rates lie below limits u_k at once with a probability that
an exact recursion over the binomial process gives. The false-negative rates are counted on the other, independent runs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from privacy_audit.bounds.base import INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.binomial import log_probabilities, proportion_at_most
from privacy_audit.bounds.checks import read_alpha, read_delta, read_scores
from privacy_audit.bounds.clopper_pearson import epsilon_of_limits
from privacy_audit.errors import InputError

__all__ = ["clopper_pearson_band", "false_positive_band"]

THRESHOLDS = 8
FALSE_POSITIVE_SHARE = 0.85
"""Of alpha: the band of false-positive rates is the costlier part."""


@lru_cache(maxsize=64)
def false_positive_band(runs: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Ranks k and limits u_k: all rates at the (k+1)-th largest scores lie below u_k, but for a probability alpha.

    Args:
        runs: runs without the record.
        alpha: probability that some rate lies above.

    Returns:
        int64[t] and float64[t].

    Guarantee:
        The probability is computed exactly, up to rounding.
    """
    ranks = np.unique(np.round(np.geomspace(max(4, 0.008 * runs), 0.2 * runs, THRESHOLDS)).astype(np.int64))
    low, high = alpha / ranks.size, alpha
    for _ in range(14):
        middle = (low + high) / 2
        limits = special.betaincinv(ranks + 1.0, runs - ranks, 1 - middle)
        low, high = (middle, high) if _escapes(ranks, limits, runs) <= alpha else (low, middle)
    return ranks, special.betaincinv(ranks + 1.0, runs - ranks, 1 - low)


def _escapes(ranks: np.ndarray, limits: np.ndarray, runs: int) -> float:
    """P[fewer than rank + 1 of n uniforms lie below its limit, for some rank]: states above the last rank are safe."""
    states = int(ranks[-1]) + 1
    law, before, escaped = np.zeros(states), 0.0, 0.0
    law[0] = 1.0
    for rank, limit in zip(ranks.tolist(), limits.tolist(), strict=True):
        step = (limit - before) / (1 - before)
        following = np.zeros(states)
        for state in np.flatnonzero(law > 1e-17).tolist():
            moved = np.exp(log_probabilities(runs - state, step)[: states - state])
            following[state:] += law[state] * moved[: states - state]
        escaped += float(following[: rank + 1].sum())
        following[: rank + 1] = 0.0
        law, before = following, limit
    return escaped


def clopper_pearson_band(members: Any, nonmembers: Any, *, delta: float, alpha: float = 0.05) -> EpsilonBound:
    """The best of eight thresholds, all paid for by one band.

    Args:
        members: float64[n1], scores of runs with the record.
        nonmembers: float64[n0], scores of runs without it, at least 40.
        delta: of the claim.
        alpha: false-alarm rate.

    Raises:
        InputError: too few runs, or from the checks of scores, delta and alpha.

    Guarantee:
        If the mechanism is (epsilon, delta)-DP, the bound exceeds epsilon with probability at most alpha. Ties only
        lower the true false-positive rates.
    """
    inside, outside = read_scores("members", members), read_scores("nonmembers", nonmembers)
    alpha, delta = read_alpha(alpha), read_delta(delta)
    if outside.size < 40:
        raise InputError("Too few runs without the record for a band.\nGive at least 40, or register a threshold.")
    ranks, limits = false_positive_band(outside.size, FALSE_POSITIVE_SHARE * alpha)
    each = (1 - FALSE_POSITIVE_SHARE) * alpha / ranks.size
    cuts = -np.sort(-outside)[ranks]
    misses = np.searchsorted(np.sort(inside), cuts, side="right")
    negative = proportion_at_most(misses, inside.size, each)
    epsilons = epsilon_of_limits(limits, negative, delta)
    best = epsilon_of_limits(limits, proportion_at_most(np.zeros(ranks.size), inside.size, each), delta)
    chosen = int(np.argmax(epsilons))
    return EpsilonBound(
        epsilon=float(epsilons[chosen]),
        delta=delta,
        confidence=1 - alpha,
        method="clopper_pearson_band",
        valid=True,
        assumptions=(INDEPENDENT_RUNS,),
        samples=inside.size + outside.size,
        detectable=float(best.max()),
        details=freeze(
            threshold=float(cuts[chosen]),
            false_positive_limit=float(limits[chosen]),
            false_negative_limit=float(negative[chosen]),
        ),
    )
