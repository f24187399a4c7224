"""Betting on which of two runs scores higher: for claims of a trade-off curve, Gaussian ones above all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from privacy_audit.bounds.base import INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.checks import read_alpha, read_count, read_curve_flag, read_delta, read_scores
from privacy_audit.bounds.curves import AbstractCurve, check_ladder, gaussian_ladder, last_refuted
from privacy_audit.bounds.sequential.process import EProcess, log_wealth_path, start
from privacy_audit.errors import InputError

__all__ = ["order_bets", "order_betting", "order_gains", "order_process", "order_shares", "suggest_block"]

FRACTIONS = (0.05, 0.1, 0.2, 0.35, 0.55, 0.8, 0.95)
"""Stakes as fractions of the largest that cannot ruin."""
BLOCK_BELOW = ((0.6, 4), (0.67, 2))
"""Up to which order probability how many pairs are compared crosswise: where the claim leaves little to order."""


def suggest_block(curve: AbstractCurve) -> int:
    """How many pairs to compare crosswise per step, from the claim alone.

    A block of b pairs gives b^2 comparisons, whose mean varies less than that of b pairs; but a step can at most double
    or so the wealth, so leaky claims are better tested pair by pair.
    """
    return next((block for limit, block in BLOCK_BELOW if curve.order_probability() < limit), 1)


def order_shares(members: np.ndarray, nonmembers: np.ndarray, block: int = 1) -> np.ndarray:
    """The share of ordered comparisons in each block of pairs; ties count half, a last incomplete block is left out.

    Args:
        members: float64[..., t], scores of runs with the record.
        nonmembers: float64[..., t], scores of runs without it.
        block: pairs per block.

    Returns:
        float64[..., t // block] in [0, 1].
    """
    steps = members.shape[-1] // block
    shape = (*members.shape[:-1], steps, block)
    inside = members[..., : steps * block].reshape(shape)[..., :, None]
    outside = nonmembers[..., : steps * block].reshape(shape)[..., None, :]
    return ((inside > outside) + 0.5 * (inside == outside)).mean(axis=(-2, -1))


def order_bets(curve: AbstractCurve) -> np.ndarray:
    """float64[7]: the stakes against a curve."""
    return np.asarray(FRACTIONS) / curve.order_probability()


def order_gains(members: np.ndarray, nonmembers: np.ndarray, curve: AbstractCurve, block: int = 1) -> np.ndarray:
    """What a bet of 1 wins on each block of pairs: its share in order, less the largest probability of order.

    Args:
        members: float64[..., t], scores of runs with the record.
        nonmembers: float64[..., t], scores of runs without it, in an order fixed beforehand.
        curve: the claim.
        block: pairs per step, fixed beforehand.
    """
    return order_shares(members, nonmembers, block) - curve.order_probability()


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
    block: int = 1,
    alpha: float = 0.05,
) -> EpsilonBound:
    """Bound epsilon from scores of pairs of runs, valid at whatever moment one stops.

    Args:
        members: float64[t], scores of runs with the record.
        nonmembers: float64[t], scores of runs without it; the i-th of each are a pair.
        delta: at which epsilon is reported.
        curves: the mechanism's own curve, or a ladder of rising leakage; None for a ladder of Gaussian curves.
        gaussian_mechanism: the caller's declaration that the mechanism's curve is Gaussian.
        block: pairs compared crosswise per step, fixed beforehand; see `suggest_block`.
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
    block = read_count("block", block, least=1, most=inside.size)
    if curves is None:
        read_curve_flag(gaussian_mechanism, "order_betting")
        ladder: tuple[AbstractCurve, ...] = gaussian_ladder()
    else:
        ladder = check_ladder(curves)
        if any(curve.gaussian for curve in ladder):
            read_curve_flag(gaussian_mechanism, "order_betting")
    won = order_shares(inside, outside, block)
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
        samples=2 * inside.size,
        detectable=ladder[best].epsilon(delta) if best >= 0 else 0.0,
        details=freeze(pairs=inside.size, block=block, ordered=float(won.mean()), refuted=rung + 1, curves=len(ladder)),
    )


def _climb(won: np.ndarray, ladder: Sequence[AbstractCurve], alpha: float) -> int:
    """Wealth 1 + c (won / p - 1) falls as p rises, so verdicts are monotone along the ladder."""

    def refuted(rung: int) -> bool:
        curve = ladder[rung]
        path = log_wealth_path(won - curve.order_probability(), order_bets(curve))
        return bool(path.max() >= -math.log(alpha))

    return last_refuted(len(ladder), refuted)
