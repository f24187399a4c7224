"""Steps of Poisson-sampled Gaussian noise (DP-SGD) for any unit and relation, and the noise that a budget allows.

Each row joins a batch on its own with probability q; sums of rows with norms of at most 1 get noise of scale z. A unit
of k rows has J ~ Binomial(k, q) rows in the batch, so its sum has a norm of at most J. Since J is stochastically
smaller than k times a coin of probability 1 - (1 - q)^k, the step costs at most that of one row which joins with that
probability under noise z / k (docs/proofs/dp_sgd.md, lemma 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from dpsynth.accounting.calibrate import calibrate
from dpsynth.accounting.certify import epsilon_up, fits
from dpsynth.accounting.events import AbstractEvent, PoissonGaussian
from dpsynth.accounting.quantities import Budget, Delta, format_epsilon_up
from dpsynth.accounting.rounding import float_down, float_up
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.errors import BudgetError

__all__ = ["LARGEST_NOISE", "calibrate_noise", "poisson_steps"]

_TOLERANCE = 1e-4
"""Share of epsilon that a search may leave unspent."""
LARGEST_NOISE = 2.0**16
"""Noise multipliers above this are refused: nothing could be learned, and noise in grid units must stay below 2^40."""


def poisson_steps(probability: float, noise_multiplier: float, steps: int, unit: PrivacyUnit) -> PoissonGaussian:
    """The event of DP-SGD steps in which each row joins by itself.

    Args:
        probability: with which each row joins a step.
        noise_multiplier: scale of the noise over the largest change of the sum by one row of a batch.
        steps: how many.
        unit: the unit of protection: k rows.

    Returns:
        The event of one row of probability 1 - (1 - q)^k, rounded up, under noise z / k, rounded down. The relation is
        left to the accountant.

    Guarantee: docs/proofs/dp_sgd.md, lemma 3.
    """
    if unit.size == 1:
        return PoissonGaussian(float(probability), float(noise_multiplier), steps)
    joins = min(1.0, float_up(1 - (1 - Fraction(probability)) ** unit.size))
    return PoissonGaussian(joins, float_down(Fraction(noise_multiplier) / unit.size), steps)


def calibrate_noise(
    make_event: Callable[[float], AbstractEvent],
    budget: Budget,
    relation: NeighbouringRelation,
    *,
    low: float = 0.3,
    high: float = 64.0,
) -> float:
    """The smallest noise multiplier that fits a budget beside everything else that runs.

    Args:
        make_event: from a noise multiplier to the whole event of a plan.
        budget: the target.
        relation: the ledger's neighbouring relation.
        low: first lower end of the bracket.
        high: first upper end of the bracket. Both move outwards by factors of 4 where the limit lies beyond.

    Returns:
        z, such that `epsilon_up(make_event(z), budget.delta, relation) <= budget.epsilon`, recomputed.

    Raises:
        BudgetError: nothing fits beside the other steps, or only noise in which nothing can be learned; then the
            message names an epsilon that these steps can reach.
        AccountingError: the recomputed epsilon exceeds the target.

    Guarantee: depends on its arguments only.
    """
    noise = calibrate(make_event, budget, relation, low, high, tolerance=_TOLERANCE)
    if noise <= LARGEST_NOISE:
        return _sharpened(make_event, budget, relation, noise)
    reachable = epsilon_up(make_event(LARGEST_NOISE), Delta(budget.delta), relation).epsilon
    shown = format_epsilon_up(reachable) if math.isfinite(reachable) else "infinite"
    raise BudgetError(
        f"At {budget} gradients need noise of {noise:.3g} times their bound; nothing can be learned through that.\n"
        f"With these steps epsilon {shown} is within reach at most noise; ask for more, or measure marginals only."
    )


def _sharpened(
    make_event: Callable[[float], AbstractEvent], budget: Budget, relation: NeighbouringRelation, noise: float
) -> float:
    """Less noise where the certified grid leaves more of the budget than the grid of the search did."""
    spent = epsilon_up(make_event(noise), Delta(budget.delta), relation).epsilon
    if not 0.5 * budget.epsilon < spent < (1 - 10 * _TOLERANCE) * budget.epsilon:
        return noise
    wider = Budget(epsilon=budget.epsilon + 0.9 * (budget.epsilon - spent), delta=budget.delta)
    less = calibrate(make_event, wider, relation, noise / 2, noise, tolerance=_TOLERANCE)
    return less if fits(make_event(less), budget, relation) else noise
