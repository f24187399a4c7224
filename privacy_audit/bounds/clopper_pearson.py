"""Clopper-Pearson limits of the two error rates of one attack, turned into a bound on epsilon.

The threshold must not depend on the runs that are counted: register it beforehand, or pay for it by choosing it on
other runs (`clopper_pearson_split`) or by limits that hold at many thresholds at once (clopper_pearson_band.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from privacy_audit.bounds.base import INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.binomial import proportion_at_most
from privacy_audit.bounds.checks import read_alpha, read_count, read_delta, read_scores
from privacy_audit.errors import InputError

__all__ = ["clopper_pearson", "clopper_pearson_at", "clopper_pearson_split", "epsilon_of_limits", "read_errors"]


def epsilon_of_limits(false_positive: np.ndarray, false_negative: np.ndarray, delta: float) -> np.ndarray:
    """The largest epsilon that error rates at or below two limits refute, elementwise; at least 0.

    Args:
        false_positive: float64[...], upper limits of the false-positive rate.
        false_negative: float64[...], upper limits of the false-negative rate.
        delta: of the claim.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        forward = np.log(np.maximum(1 - delta - false_negative, 0)) - np.log(false_positive)
        backward = np.log(np.maximum(1 - delta - false_positive, 0)) - np.log(false_negative)
    return np.maximum(np.nan_to_num(np.maximum(forward, backward), nan=0.0, neginf=0.0), 0.0)


def read_errors(false_positives: Any, nonmembers: Any, false_negatives: Any, members: Any) -> tuple[int, int, int, int]:
    """The four counts of an attack, judged.

    Args:
        false_positives: non-members called members.
        nonmembers: runs without the record, at least 1.
        false_negatives: members called non-members.
        members: runs with the record, at least 1.

    Raises:
        InputError: from `read_count`.
    """
    outside = read_count("nonmembers", nonmembers, least=1)
    inside = read_count("members", members, least=1)
    return (
        read_count("false_positives", false_positives, most=outside),
        outside,
        read_count("false_negatives", false_negatives, most=inside),
        inside,
    )


def clopper_pearson(
    false_positives: int, nonmembers: int, false_negatives: int, members: int, *, delta: float, alpha: float = 0.05
) -> EpsilonBound:
    """Bound epsilon from the errors of an attack whose threshold was fixed beforehand.

    Args:
        false_positives: runs without the record that were called "in".
        nonmembers: runs without the record.
        false_negatives: runs with the record that were called "out".
        members: runs with the record.
        delta: of the claim.
        alpha: false-alarm rate, shared equally by the two limits.

    Returns:
        The larger of the two directions' bounds; both hold at once.

    Raises:
        InputError: from the checks of counts, delta and alpha.

    Guarantee:
        If the mechanism is (epsilon, delta)-DP, the bound exceeds epsilon with probability at most alpha.

    Source: clopper1934use
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    wrong_in, outside, wrong_out, inside = read_errors(false_positives, nonmembers, false_negatives, members)
    positive = proportion_at_most(wrong_in, outside, alpha / 2)
    negative = proportion_at_most(wrong_out, inside, alpha / 2)
    best = epsilon_of_limits(proportion_at_most(0, outside, alpha / 2), proportion_at_most(0, inside, alpha / 2), delta)
    return EpsilonBound(
        epsilon=float(epsilon_of_limits(positive, negative, delta)),
        delta=delta,
        confidence=1 - alpha,
        method="clopper_pearson",
        valid=True,
        assumptions=(INDEPENDENT_RUNS, "the threshold was fixed without these runs"),
        samples=inside + outside,
        detectable=float(best),
        details=freeze(false_positive_limit=float(positive), false_negative_limit=float(negative)),
    )


def clopper_pearson_at(
    members: Any, nonmembers: Any, *, threshold: float, delta: float, alpha: float = 0.05
) -> EpsilonBound:
    """`clopper_pearson` from scores: a run is called "in" when its score exceeds a threshold registered beforehand.

    Args:
        members: float64[n1], scores of runs with the record.
        nonmembers: float64[n0], scores of runs without it.
        threshold: registered before these runs were made.
        delta: of the claim.
        alpha: false-alarm rate.

    Raises:
        InputError: from the checks of scores, threshold, delta and alpha.
    """
    inside, outside = read_scores("members", members), read_scores("nonmembers", nonmembers)
    (cut,) = read_scores("threshold", [threshold])
    wrong_in, wrong_out = int((outside > cut).sum()), int((inside <= cut).sum())
    return clopper_pearson(wrong_in, outside.size, wrong_out, inside.size, delta=delta, alpha=alpha)


def clopper_pearson_split(
    members: Any, nonmembers: Any, *, delta: float, alpha: float = 0.05, share: float = 0.3, seed: int = 0
) -> EpsilonBound:
    """Choose the threshold on a random share of the runs, and count errors on the rest.

    Args:
        members: float64[n1], scores of runs with the record.
        nonmembers: float64[n0], scores of runs without it.
        delta: of the claim.
        alpha: false-alarm rate.
        share: of each world that goes into the choice.
        seed: of the split.

    Raises:
        InputError: fewer than 10 runs in a world, or from the checks.
    """
    inside, outside = read_scores("members", members), read_scores("nonmembers", nonmembers)
    alpha, delta = read_alpha(alpha), read_delta(delta)
    if min(inside.size, outside.size) < 10:
        raise InputError("Too few runs to split.\nGive at least 10 per world, or register a threshold beforehand.")
    if not 0.05 <= share <= 0.95:
        raise InputError(f"share is {share:g}.\nGive a share between 0.05 and 0.95.")
    generator = np.random.default_rng(seed)
    inside, outside = generator.permutation(inside), generator.permutation(outside)
    few_in, few_out = int(np.ceil(share * inside.size)), int(np.ceil(share * outside.size))
    cuts = np.unique(np.concatenate([inside[:few_in], outside[:few_out]]))
    # The bound that the counts of this share would give if the rest repeated them.
    rest_in, rest_out = inside.size - few_in, outside.size - few_out
    above = few_out - np.searchsorted(np.sort(outside[:few_out]), cuts, side="right")
    below = np.searchsorted(np.sort(inside[:few_in]), cuts, side="right")
    forecast = epsilon_of_limits(
        proportion_at_most(np.floor(above / few_out * rest_out), rest_out, alpha / 2),
        proportion_at_most(np.floor(below / few_in * rest_in), rest_in, alpha / 2),
        delta,
    )
    cut = float(cuts[int(np.argmax(forecast))])
    found = clopper_pearson_at(inside[few_in:], outside[few_out:], threshold=cut, delta=delta, alpha=alpha)
    return EpsilonBound(
        epsilon=found.epsilon,
        delta=delta,
        confidence=1 - alpha,
        method="clopper_pearson_split",
        valid=True,
        assumptions=(INDEPENDENT_RUNS,),
        samples=inside.size + outside.size,
        detectable=found.detectable,
        details=freeze(threshold=cut, counted=found.samples, **found.details),
    )
