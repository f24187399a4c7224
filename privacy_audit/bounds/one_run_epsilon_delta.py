"""One training run with many coin-flip canaries: the bound for a bare (epsilon, delta) claim."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from privacy_audit.bounds.base import ONE_RUN, EpsilonBound, freeze
from privacy_audit.bounds.binomial import at_least
from privacy_audit.bounds.checks import read_alpha, read_count, read_delta, read_epsilon, read_labels, read_scores
from privacy_audit.bounds.design import sort_labels

__all__ = ["count_correct", "one_run_epsilon_delta", "one_run_p_value"]

LARGEST_EPSILON = 60.0


def one_run_p_value(canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """How likely an (epsilon, delta)-DP mechanism lets an auditor be right so often, at most.

    Args:
        canaries: m, all of them coin flips, guessed or not.
        guesses: r, how many were guessed.
        correct: v, how many guesses were right.
        epsilon: of the claim.
        delta: of the claim.

    Source: steinke2023privacy
    """
    canaries, guesses, correct = _counts(canaries, guesses, correct)
    epsilon, delta = read_epsilon(epsilon), read_delta(delta)
    odds = float(special.expit(epsilon))
    tail = float(at_least(correct, guesses, odds))
    if delta > 0 and correct > 0:
        fewer = np.arange(1, correct + 1)
        # P[correct - i <= Binomial < correct], as a difference of upper tails.
        between = at_least(correct - fewer, guesses, odds) - at_least(correct, guesses, odds)
        tail += 2 * canaries * delta * float(np.max(between / fewer))
    return min(1.0, tail)


def _counts(canaries: Any, guesses: Any, correct: Any) -> tuple[int, int, int]:
    canaries = read_count("canaries", canaries, least=1)
    guesses = read_count("guesses", guesses, least=1, most=canaries)
    return canaries, guesses, read_count("correct", correct, most=guesses)


@lru_cache(maxsize=4096)
def _largest(canaries: int, guesses: int, correct: int, delta: float, alpha: float) -> float:
    if one_run_p_value(canaries, guesses, correct, 0.0, delta) > alpha:
        return 0.0
    low, high = 0.0, LARGEST_EPSILON
    for _ in range(50):
        middle = (low + high) / 2
        good = one_run_p_value(canaries, guesses, correct, middle, delta) <= alpha
        low, high = (middle, high) if good else (low, middle)
    return low


def one_run_epsilon_delta(
    canaries: int, guesses: int, correct: int, *, delta: float, alpha: float = 0.05
) -> EpsilonBound:
    """Bound epsilon from the guesses of an auditor in one run.

    Args:
        canaries: m, each included by its own fair coin.
        guesses: r, fixed beforehand; the auditor abstains from the others.
        correct: v, how many guesses were right.
        delta: of the claim; keep 2 m delta well below alpha.
        alpha: false-alarm rate.

    Raises:
        InputError: from the checks of counts, delta and alpha.

    Guarantee:
        If the mechanism is (epsilon, delta)-DP for adding or removing one canary, the bound exceeds epsilon with
        probability at most alpha, whatever the canaries do to each other.

    Source: steinke2023privacy
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    canaries, guesses, correct = _counts(canaries, guesses, correct)
    return EpsilonBound(
        epsilon=_largest(canaries, guesses, correct, delta, alpha),
        delta=delta,
        confidence=1 - alpha,
        method="one_run_epsilon_delta",
        valid=True,
        assumptions=(ONE_RUN, "the number of guesses and the rule of guessing were fixed beforehand"),
        samples=canaries,
        detectable=_largest(canaries, guesses, guesses, delta, alpha),
        details=freeze(guesses=guesses, correct=correct),
    )


def count_correct(labels: Any, scores: Any, guesses: int, *, two_sided: bool = True, seed: int = 0) -> int:
    """How many guesses are right when the highest scores are called "in" and (if two-sided) the lowest "out".

    Args:
        labels: 0 or 1 per canary.
        scores: float64[m], higher for "in".
        guesses: how many in all, fixed beforehand; half at each end if two-sided.
        two_sided: guess at both ends.
        seed: breaks ties.

    Raises:
        InputError: from the checks.
    """
    values = read_scores("scores", scores)
    known = read_labels(labels, values.size)
    guesses = read_count("guesses", guesses, least=1, most=values.size)
    order = sort_labels(known, values, np.random.default_rng(seed))
    top = guesses // 2 if two_sided else guesses
    bottom = guesses - top
    return int(order[:top].sum() + bottom - order[order.size - bottom :].sum())
