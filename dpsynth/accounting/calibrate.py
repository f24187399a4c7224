"""The largest noise budget, or the smallest noise, that a target (epsilon, delta) allows; always re-certified."""

from __future__ import annotations

import math
from collections.abc import Callable

from dpsynth.accounting.certify import epsilon_up, fits
from dpsynth.accounting.events import AbstractEvent, Composed, GaussianFilter, Slack
from dpsynth.accounting.quantities import Budget, Delta, Mu
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError, BudgetError

__all__ = ["CALIBRATION_SLACK", "calibrate", "calibrate_mu"]

CALIBRATION_SLACK = 2.0**-80
"""Total-variation slack that `calibrate_mu` leaves for the sampler (the gate's DRAW_SLACK)."""

HEADROOM = 1.0 - 2.0**-40
"""Calibrated values stop this far below the limit, so that splitting mu^2 into many Gaussians still fits after rounding."""


def calibrate_mu(
    budget: Budget,
    *,
    extra: AbstractEvent | None = None,
    relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    slack: float = CALIBRATION_SLACK,
    low: float = 1e-9,
    high: float = 64.0,
) -> Mu:
    """The largest total mu that Gaussians may spend beside `extra` within the budget.

    Args:
        budget: the target; its delta must be above 0.
        extra: what else runs (selections, DP-SGD), or None.
        relation: the ledger's neighbouring relation.
        slack: total-variation slack to leave for the sampler.
        low: start of the bracket for mu; nothing below it is useful.
        high: first end of the bracket; it is doubled until it no longer fits.

    Returns:
        mu, such that the sum of squared_sensitivity / sigma^2 over the Gaussians may reach mu^2.

    Raises:
        BudgetError: delta is 0 or not above the slack, or nothing is left beside `extra`.
        AccountingError: the recomputed epsilon exceeds the target, or no accountant knows `extra`.

    Guarantee: `Composed(extra, GaussianFilter(mu), Slack(slack))` costs at most `budget`, recomputed at the end.
    """
    if budget.delta <= 0:
        raise BudgetError("Gaussian noise needs delta above 0; found delta 0.\nAsk for a delta well below 1 / (number of people).")
    if budget.delta <= 64 * slack:
        raise BudgetError(f"delta {budget.delta:g} is not above what the exact sampler needs.\nAsk for a delta above {64 * slack:.0e}.")

    def make(mu: float) -> AbstractEvent:
        return with_extra(GaussianFilter(mu), extra, slack)

    return Mu(calibrate(make, budget, relation, low, high, rising=True))


def with_extra(event: AbstractEvent, extra: AbstractEvent | None, slack: float) -> Composed:
    """The event beside what else runs, with the sampler's slack last."""
    parts = (event,) if extra is None else (extra, event)
    return Composed((*parts, Slack(slack)) if slack > 0 else parts)


def calibrate(
    make_event: Callable[[float], AbstractEvent],
    budget: Budget,
    relation: NeighbouringRelation,
    low: float,
    high: float,
    *,
    rising: bool = False,
    tolerance: float = 1e-9,
) -> float:
    """The best parameter of a monotone family of events that fits the budget.

    Args:
        make_event: the family; its cost falls with the parameter (a sigma), or rises with `rising=True` (a mu).
        budget: the target.
        relation: the ledger's neighbouring relation.
        low: start of the bracket, > 0.
        high: end of the bracket, > low; the end that should not bind is moved outwards (by doubling or halving, at most
            60 times) as long as it does.
        rising: whether the cost rises with the parameter.
        tolerance: relative width at which the search stops.

    Returns:
        The smallest parameter that fits (the largest with `rising=True`), moved to the safe side.

    Raises:
        BudgetError: nothing in the (widened) bracket fits.
        AccountingError: a bracket that is none, no limit within it, or a recomputed epsilon above the target.

    Guarantee: `epsilon_up(make_event(result), budget.delta, relation) <= budget.epsilon`.
    """
    if not (0 < low < high and math.isfinite(high)):
        raise AccountingError("A calibration needs a bracket 0 < low < high.")

    def fit(x: float) -> bool:
        return fits(make_event(x), budget, relation)

    # "frugal" is the end that should fit, "greedy" the one that should not.
    frugal, greedy = (low, high) if rising else (high, low)
    outwards = 2.0 if not rising else 0.5
    for _ in range(60):
        if fit(frugal):
            break
        greedy, frugal = frugal, frugal * outwards
    else:
        raise BudgetError(f"Nothing fits within {budget}: the other steps leave no room.\nAsk for a larger budget or fewer steps.")
    for _ in range(60):
        if not fit(greedy):
            break
        frugal, greedy = greedy, greedy / outwards
    else:
        raise AccountingError("The calibration found no limit: the cost does not depend on the parameter.")
    while abs(greedy - frugal) > tolerance * frugal:
        middle = math.sqrt(greedy * frugal)
        if fit(middle):
            frugal = middle
        else:
            greedy = middle
    result = frugal * HEADROOM if rising else frugal / HEADROOM
    certified = epsilon_up(make_event(result), Delta(budget.delta), relation)
    if not certified.epsilon <= budget.epsilon:
        raise AccountingError(
            f"The recomputed epsilon {certified.epsilon:.6g} exceeds the target {budget.epsilon:.6g}.\n"
            "The family of events is not monotone in its parameter."
        )
    return result
