"""Clopper-Pearson for worlds that differ by several copies of a record."""

from __future__ import annotations

import math

from privacy_audit.bounds.base import INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.binomial import proportion_at_most
from privacy_audit.bounds.checks import read_alpha, read_count, read_delta
from privacy_audit.bounds.clopper_pearson import read_errors

__all__ = ["group_canaries", "group_delta"]

LARGEST_EPSILON = 100.0


def group_delta(epsilon: float, delta: float, copies: int) -> float:
    """The delta of a group of `copies` rows under an (epsilon, delta)-DP mechanism; infinity where it overflows.

    Source: dwork2014algorithmic
    """
    if delta == 0 or copies == 1:
        return delta
    if epsilon == 0:
        return copies * delta
    if copies * epsilon > 700:
        return math.inf
    return delta * math.expm1(copies * epsilon) / math.expm1(epsilon)


def _refuted(positive: float, negative: float, epsilon: float, delta: float, copies: int) -> bool:
    """Whether error rates at or below these limits are impossible for a group of copies."""
    slack = group_delta(epsilon, delta, copies)
    growth = math.exp(min(copies * epsilon, 700.0))
    return 1 - negative > growth * positive + slack or 1 - positive > growth * negative + slack


def _largest(positive: float, negative: float, delta: float, copies: int) -> float:
    if not _refuted(positive, negative, 0.0, delta, copies):
        return 0.0
    low, high = 0.0, LARGEST_EPSILON
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _refuted(positive, negative, middle, delta, copies) else (low, middle)
    return low


def group_canaries(
    false_positives: int,
    nonmembers: int,
    false_negatives: int,
    members: int,
    *,
    copies: int,
    delta: float,
    alpha: float = 0.05,
) -> EpsilonBound:
    """Bound the epsilon of one record from worlds that differ by several copies of it.

    Args:
        false_positives: runs without the copies that were called "in".
        nonmembers: runs without the copies.
        false_negatives: runs with the copies that were called "out".
        members: runs with the copies.
        copies: by how many rows the two worlds differ.
        delta: of the claim about one record.
        alpha: false-alarm rate.

    Returns:
        The largest epsilon whose group guarantee, (copies epsilon, delta (e^(copies epsilon) - 1) / (e^epsilon - 1)),
        the counts refute. That guarantee weakens as epsilon grows, so bisection finds it.

    Raises:
        InputError: from the checks of counts, delta and alpha.

    Guarantee:
        If the mechanism is (epsilon, delta)-DP for one record, the bound exceeds epsilon with probability at most
        alpha.

    Source: dwork2014algorithmic, clopper1934use
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    wrong_in, outside, wrong_out, inside = read_errors(false_positives, nonmembers, false_negatives, members)
    copies = read_count("copies", copies, least=1)
    limits = [
        (float(proportion_at_most(a, outside, alpha / 2)), float(proportion_at_most(b, inside, alpha / 2)))
        for a, b in ((wrong_in, wrong_out), (0, 0))
    ]
    found, best = (_largest(positive, negative, delta, copies) for positive, negative in limits)
    return EpsilonBound(
        epsilon=found,
        delta=delta,
        confidence=1 - alpha,
        method="group_canaries",
        valid=True,
        assumptions=(
            INDEPENDENT_RUNS,
            "the threshold was fixed without these runs",
            "the worlds differ by exactly that many rows, one unit of privacy each",
        ),
        samples=inside + outside,
        detectable=best,
        details=freeze(copies=copies, false_positive_limit=limits[0][0], false_negative_limit=limits[0][1]),
    )
