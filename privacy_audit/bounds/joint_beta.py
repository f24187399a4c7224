"""A Bayesian credible interval for epsilon, from Beta posteriors of the two error rates. No verdict may rest on it."""

from __future__ import annotations

import numpy as np
from scipy import special

from privacy_audit.bounds.base import INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.checks import read_alpha, read_delta
from privacy_audit.bounds.clopper_pearson import read_errors
from privacy_audit.bounds.curves import find_root

__all__ = ["joint_beta", "private_probability"]

QUANTILES = 4001
LARGEST_EPSILON = 60.0


def joint_beta(
    false_positives: int, nonmembers: int, false_negatives: int, members: int, *, delta: float, alpha: float = 0.05
) -> EpsilonBound:
    """The lower end of an equal-tailed credible interval for epsilon under Jeffreys' prior.

    The posterior probability of the privacy region is an integral over both rates. Here the inner one is a difference
    of two Beta distribution functions, so one average over quantiles of the other posterior remains.

    Args:
        false_positives: runs without the record that were called "in".
        nonmembers: runs without the record.
        false_negatives: runs with the record that were called "out".
        members: runs with the record.
        delta: of the claim.
        alpha: mass outside the interval, half on each side.

    Returns:
        A bound with `valid=False`; `details["upper"]` is the interval's other end.

    Raises:
        InputError: from the checks of counts, delta and alpha.

    Source: zanella2023bayesian
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    wrong_in, outside, wrong_out, inside = read_errors(false_positives, nonmembers, false_negatives, members)
    low, high = _interval(wrong_in, outside, wrong_out, inside, delta, alpha)
    best, _ = _interval(0, outside, 0, inside, delta, alpha)
    return EpsilonBound(
        epsilon=low,
        delta=delta,
        confidence=1 - alpha,
        method="joint_beta",
        valid=False,
        assumptions=(
            INDEPENDENT_RUNS,
            "the threshold was fixed without these runs",
            "Jeffreys' prior: the interval is credible, with no promise on its false alarms",
        ),
        samples=inside + outside,
        detectable=best,
        details=freeze(upper=high),
    )


def private_probability(
    false_positives: int, nonmembers: int, false_negatives: int, members: int, epsilon: float, delta: float
) -> float:
    """The posterior probability that the two error rates are possible under (epsilon, delta)-DP.

    Args:
        false_positives: runs without the record that were called "in".
        nonmembers: runs without the record.
        false_negatives: runs with the record that were called "out".
        members: runs with the record.
        epsilon: of the claim.
        delta: of the claim.

    Source: zanella2023bayesian
    """
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    missed = special.betaincinv(0.5 + false_negatives, 0.5 + members - false_negatives, middles)
    return _region(missed, 0.5 + false_positives, 0.5 + nonmembers - false_positives, epsilon, delta)


def _region(missed: np.ndarray, a: float, b: float, epsilon: float, delta: float) -> float:
    """The mean, over quantiles of the false-negative rate, of the mass of the other rate that the claim allows."""
    growth = np.exp(epsilon)
    least = np.maximum(np.maximum(1 - delta - growth * missed, (1 - delta - missed) / growth), 0)
    most = np.minimum(np.minimum(delta + growth * (1 - missed), 1 + (delta - missed) / growth), 1)
    return float(np.mean(special.betainc(a, b, most) - special.betainc(a, b, np.minimum(least, most))))


def _interval(
    wrong_in: int, outside: int, wrong_out: int, inside: int, delta: float, alpha: float
) -> tuple[float, float]:
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    missed = special.betaincinv(0.5 + wrong_out, 0.5 + inside - wrong_out, middles)
    a, b = 0.5 + wrong_in, 0.5 + outside - wrong_in

    def private(epsilon: float) -> float:
        return _region(missed, a, b, epsilon, delta)

    ends = []
    for level in (alpha / 2, 1 - alpha / 2):
        if private(0.0) >= level:
            ends.append(0.0)
        elif private(LARGEST_EPSILON) <= level:
            ends.append(float("inf"))
        else:
            ends.append(find_root(lambda e, p=level: private(e) - p, 0.0, LARGEST_EPSILON))
    return ends[0], ends[1]
