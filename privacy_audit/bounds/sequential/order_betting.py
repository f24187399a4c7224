"""Betting on which of two runs scores higher: for claims of a trade-off curve, Gaussian ones above all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from privacy_audit.bounds.base import INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.checks import read_alpha, read_curve_flag, read_delta, read_scores
from privacy_audit.bounds.curves import AbstractCurve, check_ladder, gaussian_ladder, last_refuted
from privacy_audit.bounds.sequential.process import EProcess, log_wealth_path, start
from privacy_audit.errors import InputError

__all__ = ["order_bets", "order_betting", "order_gains", "order_process"]

FRACTIONS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)
"""Stakes as fractions of the largest that cannot ruin."""


def order_bets(curve: AbstractCurve) -> np.ndarray:
    """float64[7]: the stakes against a curve."""
    return np.asarray(FRACTIONS) / curve.order_probability()


def order_gains(members: np.ndarray, nonmembers: np.ndarray, curve: AbstractCurve) -> np.ndarray:
    """What a bet of 1 wins on each pair: [in above out], ties half, less the largest probability of it.

    Args:
        members: float64[...], scores of runs with the record.
        nonmembers: float64[...], scores of runs without it, paired beforehand.
        curve: the claim.
    """
    above = (members > nonmembers) + 0.5 * (members == nonmembers)
    return above - curve.order_probability()


def order_process(curve: AbstractCurve) -> EProcess:
    """The betting test of one curve, to be fed with `order_gains`."""
    return start(order_bets(curve))


def order_betting(
    members: Any,
    nonmembers: Any,
    *,
    delta: float,
    curves: AbstractCurve | Sequence[AbstractCurve] | None = None,
    gaussian_mechanism: bool = False,
    alpha: float = 0.05,
) -> EpsilonBound:
    """Bound epsilon from scores of pairs of runs, valid at whatever moment one stops.

    Args:
        members: float64[t], scores of runs with the record.
        nonmembers: float64[t], scores of runs without it; the i-th of each are a pair.
        delta: at which epsilon is reported.
        curves: the mechanism's own curve, or a ladder of rising leakage; None for a ladder of Gaussian curves.
        gaussian_mechanism: the caller's declaration that the mechanism's curve is Gaussian.
        alpha: probability of ever being wrong.

    Returns:
        The epsilon, at delta, of the leakiest curve below which all curves were refuted at some moment.

    Raises:
        InputError: scores that do not pair up, a Gaussian curve that is not declared, curves out of order, or from the
            checks.

    Guarantee:
        If the mechanism's curve is (at least) one of the ladder, the probability that the bound ever exceeds that
        curve's epsilon is at most alpha.

    Source: ville1939etude, waudbysmith2024estimating
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    inside, outside = read_scores("members", members), read_scores("nonmembers", nonmembers)
    if inside.size != outside.size:
        raise InputError("The scores do not pair up.\nGive as many runs with the record as without it, pair by pair.")
    if curves is None:
        read_curve_flag(gaussian_mechanism, "order_betting")
        ladder: tuple[AbstractCurve, ...] = gaussian_ladder()
    else:
        ladder = check_ladder(curves)
        if any(curve.gaussian for curve in ladder):
            read_curve_flag(gaussian_mechanism, "order_betting")
    won = (inside > outside) + 0.5 * (inside == outside)
    rung, best = _climb(won, ladder, alpha), _climb(np.ones(won.size), ladder, alpha)
    return EpsilonBound(
        epsilon=ladder[rung].epsilon(delta) if rung >= 0 else 0.0,
        delta=delta,
        confidence=1 - alpha,
        method="order_betting",
        valid=True,
        assumptions=(
            INDEPENDENT_RUNS,
            "the runs were paired beforehand",
            "the mechanism's trade-off curve is Gaussian (declared by the caller)"
            if curves is None
            else "the mechanism's trade-off curve is one of those given",
        ),
        samples=2 * won.size,
        detectable=ladder[best].epsilon(delta) if best >= 0 else 0.0,
        details=freeze(pairs=won.size, ordered=float(won.sum()), refuted=rung + 1, curves=len(ladder)),
    )


def _climb(won: np.ndarray, ladder: Sequence[AbstractCurve], alpha: float) -> int:
    """Wealth 1 + c (won / p - 1) falls as p rises, so verdicts are monotone along the ladder."""

    def refuted(rung: int) -> bool:
        curve = ladder[rung]
        path = log_wealth_path(won - curve.order_probability(), order_bets(curve))
        return bool(path.max() >= -math.log(alpha))

    return last_refuted(len(ladder), refuted)
