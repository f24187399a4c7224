"""The rank test: an exact Monte-Carlo test of a claimed trade-off curve that uses the whole ranking.

The statistic adds fixed falling weights over the ranks of the "in" runs. Among all mechanisms with a given trade-off
curve it is largest, in law, for the curve's canonical pair, which can be simulated. The proof is
docs/proofs/rank_test.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from privacy_audit.bounds.base import COIN_RUNS, INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.checks import read_alpha, read_count, read_curve_flag, read_delta
from privacy_audit.bounds.curves import AbstractCurve, check_ladder, gaussian_ladder, last_refuted
from privacy_audit.bounds.design import sorted_design
from privacy_audit.errors import InputError

__all__ = ["rank_statistic", "rank_test", "rank_weights", "simulate_statistics"]

REPLICATES = 9_999
BLOCK_CELLS = 1 << 20
SCOUTS = 299
"""Replicates of the quick look that says where to compute the exact verdicts; it decides nothing."""


def rank_weights(runs: int) -> np.ndarray:
    """float64[m]: normal scores of the ranks, falling."""
    return special.ndtri(1 - (np.arange(runs) + 0.5) / runs)


def rank_statistic(labels: np.ndarray) -> np.ndarray:
    """The weights of the "in" labels, added up.

    Args:
        labels: bool[..., m], by descending score.

    Returns:
        float64[...].
    """
    return labels.astype(np.float64) @ rank_weights(labels.shape[-1])


def simulate_statistics(runs: int, curve: AbstractCurve, replicates: int, seed: int) -> np.ndarray:
    """The rank statistic of tables drawn from a curve's canonical pair, worst among all mechanisms with that curve.

    One seed gives the same coins and uniforms for every curve, so that each statistic rises with the leakage of the
    curve, replicate by replicate.

    Args:
        runs: m.
        curve: the claim.
        replicates: how many tables.
        seed: of coins and observations.

    Returns:
        float64[replicates].
    """
    weights = rank_weights(runs)
    block = max(1, BLOCK_CELLS // runs)
    found = np.empty(replicates)
    for number, start in enumerate(range(0, replicates, block)):
        generator = np.random.default_rng([seed, number])
        count = min(block, replicates - start)
        labels = generator.random((count, runs)) < 0.5
        seen = np.negative(curve.pair(labels, generator))
        # The label rides in the last bit of its observation, so that a plain sort carries it along.
        bits = seen.view(np.int64)
        bits &= ~1
        bits |= labels
        seen.sort(axis=1)
        found[start : start + count] = (seen.view(np.int64) & 1) @ weights
    return found


def rank_test(
    members: Any,
    nonmembers: Any,
    *,
    delta: float,
    curves: AbstractCurve | Sequence[AbstractCurve] | None = None,
    gaussian_mechanism: bool = False,
    alpha: float = 0.05,
    coin_labels: bool = False,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> EpsilonBound:
    """Bound epsilon by the trade-off curves that the ranking of independent runs refutes.

    Args:
        members: float64[n1], scores of runs with the record.
        nonmembers: float64[n0], scores of runs without it.
        delta: at which epsilon is reported.
        curves: the mechanism's own curve (the bound is then its epsilon, if refuted, else 0) or a ladder of them of
            rising leakage, for example its accountant's curves at falling noise; None for a ladder of Gaussian curves.
        gaussian_mechanism: the caller's declaration that the mechanism's curve is Gaussian.
        alpha: false-alarm rate.
        coin_labels: each run had its world chosen by a fair coin; False: two fixed pools.
        replicates: simulated tables per curve.
        seed: of ties, coins and tables; choose it without looking at results.

    Returns:
        The epsilon, at delta, of the leakiest curve below which all curves are refuted.

    Raises:
        InputError: a Gaussian curve for a mechanism that is not declared Gaussian, curves out of order, too few
            replicates for alpha, or from the checks.

    Guarantee:
        If the mechanism's curve is (at least) one of the ladder, the bound exceeds that curve's epsilon with
        probability at most alpha, over runs and simulated tables together.

    Source: dong2022gaussian
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    replicates = read_count("replicates", replicates, least=19)
    if curves is None:
        read_curve_flag(gaussian_mechanism, "rank_test")
        ladder: tuple[AbstractCurve, ...] = gaussian_ladder()
    else:
        ladder = check_ladder(curves)
        if any(curve.gaussian for curve in ladder):
            read_curve_flag(gaussian_mechanism, "rank_test")
    design = sorted_design(members, nonmembers, alpha=alpha, coin_labels=coin_labels, seed=seed)
    rejections = int((alpha - design.spent) * (replicates + 1))
    if rejections < 1:
        raise InputError("Too few replicates for this alpha.\nGive at least 1 / alpha of them, better 500 / alpha.")
    runs = design.labels.size
    statistic = float(rank_statistic(design.labels))
    perfect = np.sort(design.labels)[::-1]
    rung = _climb(statistic, runs, ladder, rejections, replicates, seed + 1)
    share = max(1, round(alpha * (SCOUTS + 1)))
    best = _climb(float(rank_statistic(perfect)), runs, ladder, share, SCOUTS, seed + 1)
    return EpsilonBound(
        epsilon=_epsilon(ladder, rung, delta),
        delta=delta,
        confidence=1 - alpha,
        method="rank_test",
        valid=True,
        assumptions=(
            INDEPENDENT_RUNS,
            COIN_RUNS,
            "the mechanism's trade-off curve is Gaussian (declared by the caller)"
            if curves is None
            else "the mechanism's trade-off curve is one of those given",
        ),
        samples=runs,
        detectable=_epsilon(ladder, best, delta),
        details=freeze(statistic=statistic, refuted=rung + 1, curves=len(ladder), replicates=replicates),
    )


def _epsilon(ladder: Sequence[AbstractCurve], rung: int, delta: float) -> float:
    epsilon = ladder[rung].epsilon(delta) if rung >= 0 else 0.0
    if epsilon == float("inf"):
        raise InputError("A refuted curve has no finite epsilon at this delta.\nChoose a delta the curve covers.")
    return epsilon


def _climb(
    statistic: float, runs: int, ladder: Sequence[AbstractCurve], rejections: int, replicates: int, seed: int
) -> int:
    """The last refuted rung, or -1. Verdicts are monotone along the ladder, replicate by replicate."""

    def refuted(rung: int, tables: int, allowed: int) -> bool:
        reached = simulate_statistics(runs, ladder[rung], tables, seed) >= statistic - 1e-9
        return 1 + int(reached.sum()) <= allowed

    few = max(1, round(rejections * (SCOUTS + 1) / (replicates + 1)))
    guess = last_refuted(len(ladder), lambda rung: refuted(rung, SCOUTS, few)) if replicates > SCOUTS else -1
    # Exact verdicts, walking away from the guess by doubling steps and bisecting back.
    return last_refuted(len(ladder), lambda rung: refuted(rung, replicates, rejections), start=guess)
