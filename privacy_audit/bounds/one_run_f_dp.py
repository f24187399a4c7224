"""One training run with many coin-flip canaries: the bound for a claimed trade-off curve."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from privacy_audit.bounds.base import ONE_RUN, EpsilonBound, freeze
from privacy_audit.bounds.checks import read_alpha, read_count, read_curve_flag, read_delta
from privacy_audit.bounds.curves import AbstractCurve, GaussianCurve, check_ladder, gdp_epsilon, last_refuted
from privacy_audit.errors import InputError

__all__ = ["one_run_f_dp", "refutes_curve"]

LARGEST_MU = 16.0


def refutes_curve(canaries: int, guesses: int, correct: int, curve: AbstractCurve, alpha: float) -> bool:
    """Whether being right so often refutes a curve, at false-alarm rate alpha.

    Args:
        canaries: m.
        guesses: c', fixed beforehand.
        correct: c.
        curve: of adding or removing one canary.
        alpha: false-alarm rate.

    Source: mahloujifar2025auditing
    """
    right = alpha * correct / canaries
    wrong = alpha * (guesses - correct) / canaries
    limit = guesses / canaries
    if isinstance(curve, GaussianCurve):
        from scipy.special import ndtr, ndtri

        mu = curve.mu

        def needed(rate: float) -> float:
            return float(ndtr(ndtri(rate) - mu))
    else:

        def needed(rate: float) -> float:
            return float(curve.needed(np.asarray(rate)))

    for i in range(correct - 1, -1, -1):
        if right + wrong > limit:
            return True
        following = max(wrong, needed(right))
        right = min(1.0, right + i / (guesses - i) * (following - wrong))
        wrong = following
    return right + wrong > limit


@lru_cache(maxsize=4096)
def _largest_mu(canaries: int, guesses: int, correct: int, alpha: float) -> float:
    """Needed rates fall as mu grows, so the recursion and the verdict are monotone in mu."""
    if not refutes_curve(canaries, guesses, correct, GaussianCurve(0.0), alpha):
        return 0.0
    low, high = 0.0, LARGEST_MU
    for _ in range(36):
        middle = (low + high) / 2
        good = refutes_curve(canaries, guesses, correct, GaussianCurve(middle), alpha)
        low, high = (middle, high) if good else (low, middle)
    return low


def one_run_f_dp(
    canaries: int,
    guesses: int,
    correct: int,
    *,
    delta: float,
    curves: AbstractCurve | Sequence[AbstractCurve] | None = None,
    gaussian_mechanism: bool = False,
    alpha: float = 0.05,
) -> EpsilonBound:
    """Bound epsilon by the curves that the guesses of one run refute.

    Args:
        canaries: m, each included by its own fair coin.
        guesses: fixed beforehand.
        correct: how many guesses were right.
        delta: at which epsilon is reported.
        curves: the mechanism's own curve (the bound is then its epsilon, if refuted, else 0) or a ladder of them of
            rising leakage, for example its accountant's curves at falling noise; None for all Gaussian curves.
        gaussian_mechanism: the caller's declaration that the mechanism's curve is Gaussian.
        alpha: false-alarm rate.

    Returns:
        The epsilon, at delta, of the leakiest curve below which all curves are refuted.

    Raises:
        InputError: a Gaussian curve for a mechanism that is not declared Gaussian, curves out of order, or from the
            checks.

    Guarantee:
        If the mechanism's curve is (at least) one of the ladder, the bound exceeds that curve's epsilon with
        probability at most alpha, whatever the canaries do to each other.

    Source: mahloujifar2025auditing
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    canaries = read_count("canaries", canaries, least=1)
    guesses = read_count("guesses", guesses, least=1, most=canaries)
    correct = read_count("correct", correct, most=guesses)
    details: dict[str, Any] = {"guesses": guesses, "correct": correct}
    if curves is None:
        read_curve_flag(gaussian_mechanism, "one_run_f_dp")
        mu = _largest_mu(canaries, guesses, correct, alpha)
        epsilon = gdp_epsilon(mu, delta)
        best = gdp_epsilon(_largest_mu(canaries, guesses, guesses, alpha), delta)
        details["mu"] = mu
    else:
        ladder = check_ladder(curves)
        if any(curve.gaussian for curve in ladder):
            read_curve_flag(gaussian_mechanism, "one_run_f_dp")
        epsilon = _climb(canaries, guesses, correct, ladder, delta, alpha)
        best = _climb(canaries, guesses, guesses, ladder, delta, alpha)
        details["curves"] = len(ladder)
    return EpsilonBound(
        epsilon=epsilon,
        delta=delta,
        confidence=1 - alpha,
        method="one_run_f_dp",
        valid=True,
        assumptions=(
            ONE_RUN,
            "the number of guesses and the rule of guessing were fixed beforehand",
            "the mechanism's trade-off curve is Gaussian (declared by the caller)"
            if curves is None
            else "the mechanism's trade-off curve is one of those given",
        ),
        samples=canaries,
        detectable=best,
        details=freeze(**details),
    )


def _climb(
    canaries: int, guesses: int, correct: int, ladder: tuple[AbstractCurve, ...], delta: float, alpha: float
) -> float:
    """Verdicts are monotone along a ladder, so the last refuted rung is found by bisection."""
    low = last_refuted(len(ladder), lambda rung: refutes_curve(canaries, guesses, correct, ladder[rung], alpha))
    epsilon = ladder[low].epsilon(delta) if low >= 0 else 0.0
    if epsilon == float("inf"):
        raise InputError("A refuted curve has no finite epsilon at this delta.\nChoose a delta the curve covers.")
    return epsilon
