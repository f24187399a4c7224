"""The largest noise budget, or the smallest noise, that a target (epsilon, delta) allows; always re-certified."""

from __future__ import annotations

import math
from collections.abc import Callable

from dpsynth.accounting.certify import SEARCH_ACCOUNTANTS, epsilon_up, fits, profile
from dpsynth.accounting.events import AbstractEvent, Composed, GaussianFilter, Slack
from dpsynth.accounting.quantities import Budget, Delta, Mu, format_epsilon_up
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError, BudgetError

__all__ = ["CALIBRATION_SLACK", "calibrate", "calibrate_mu"]

CALIBRATION_SLACK = 2.0**-80
"""Total-variation slack that `calibrate_mu` leaves for the sampler (the gate's DRAW_SLACK)."""

_STEPS_BACK = (2.0**-40, 1e-7, 1e-5, 1e-3)
"""How far a result is moved to the safe side, relative: the first step lets mu^2 be split into many Gaussians without a
rounding error passing the limit; the others are for a figure that the finer grid puts higher than the search did."""

_WIDENINGS = 40
"""How often an end of the bracket may move outwards by a factor of 4."""


def calibrate_mu(
    budget: Budget,
    *,
    extra: AbstractEvent | None = None,
    relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    slack: float = CALIBRATION_SLACK,
    low: float = 1e-3,
    high: float = 8.0,
) -> Mu:
    """The largest total mu that Gaussians may spend beside `extra` within the budget.

    Args:
        budget: the target; its delta must be above 0.
        extra: what else runs (selections, DP-SGD), or None.
        relation: the ledger's neighbouring relation.
        slack: total-variation slack to leave for the sampler.
        low: first lower end of the bracket for mu; it moves down until it fits.
        high: first upper end of the bracket; it moves up until it does not.

    Returns:
        mu, such that the sum of squared_sensitivity / sigma^2 over the Gaussians may reach mu^2.

    Raises:
        BudgetError: delta is 0 or not above the slack, or nothing is left beside `extra`.
        AccountingError: the recomputed epsilon exceeds the target, or no accountant knows `extra`.

    Guarantee: `Composed(extra, GaussianFilter(mu), Slack(slack))` costs at most `budget`, recomputed at the end.
    """
    if budget.delta <= 0:
        raise BudgetError(
            "Gaussian noise needs a delta above 0; found delta 0.\n"
            "Ask for a delta well below 1 / (number of people), or use mechanisms with pure noise."
        )
    if budget.delta <= 64 * slack:
        raise BudgetError(
            f"delta {budget.delta:g} is too close to the error bound of the sampler.\n"
            f"Ask for a delta above {64 * slack:.1e}."
        )
    tail = (Slack(slack),) if slack > 0 else ()
    head = () if extra is None else (extra,)
    if extra is not None:
        alone = epsilon_up(Composed((*head, *tail)), Delta(budget.delta), relation).epsilon
        if alone >= budget.epsilon:
            raise BudgetError(
                f"The other steps cost epsilon {format_epsilon_up(alone)} of {format_epsilon_up(budget.epsilon)}, "
                "so no Gaussian noise fits.\nAsk for a larger budget or fewer steps."
            )
    return Mu(
        calibrate(lambda mu: Composed((*head, GaussianFilter(mu), *tail)), budget, relation, low, high, cost_rises=True)
    )


def calibrate(
    make_event: Callable[[float], AbstractEvent],
    budget: Budget,
    relation: NeighbouringRelation,
    low: float,
    high: float,
    *,
    cost_rises: bool = False,
    tolerance: float = 1e-8,
) -> float:
    """The best parameter of a monotone family of events that fits the budget.

    Args:
        make_event: the family; its cost falls with the parameter (a sigma), or rises with it (a mu).
        budget: the target.
        relation: the ledger's neighbouring relation.
        low: first lower end of the bracket, above 0.
        high: first upper end of the bracket, above `low`. An end on the wrong side of the limit moves outwards by
            factors of 4; after 40 of them the search gives up with an error, it never returns an end.
        cost_rises: whether the cost rises with the parameter.
        tolerance: the search stops when the cost is within this, relative, below the target.

    Returns:
        The smallest parameter that fits (the largest if the cost rises), moved a hair to the safe side.

    Raises:
        BudgetError: nothing in the widened bracket fits.
        AccountingError: a bracket that is none, no limit within it, or a recomputed epsilon above the target.

    Guarantee: `epsilon_up(make_event(result), budget.delta, relation) <= budget.epsilon`.
    """
    if not (0 < low < high and math.isfinite(high)):
        raise AccountingError("A calibration needs a bracket 0 < low < high.")

    def gap(x: float) -> float:
        """log(cost / target): at most 0 where x fits."""
        cost = profile(make_event(x), relation, SEARCH_ACCOUNTANTS).epsilon_up(Delta(budget.delta)).epsilon
        return math.log(cost / budget.epsilon) if cost > 0 else -math.inf

    # x = exp(direction * y) costs more as y grows.
    direction = 1.0 if cost_rises else -1.0
    fitting, failing = sorted((direction * math.log(low), direction * math.log(high)))

    def gap_at(y: float) -> float:
        return gap(math.exp(direction * y))

    fitting, failing, fitting_gap, failing_gap = _bracket(gap_at, fitting, failing, budget)
    y = _root(gap_at, fitting, failing, fitting_gap, failing_gap, tolerance)
    result = math.nan
    for step in _STEPS_BACK:
        result = math.exp(direction * y) * (1 - direction * step)
        if fits(make_event(result), budget, relation):
            return result
    certified = epsilon_up(make_event(result), Delta(budget.delta), relation).epsilon
    raise AccountingError(
        f"The recomputed epsilon {certified:.6g} exceeds the target {budget.epsilon:.6g}.\n"
        "The cost of these events is not monotone in the parameter that was calibrated."
    )


def _bracket(
    gap_at: Callable[[float], float], fitting: float, failing: float, budget: Budget
) -> tuple[float, float, float, float]:
    """Move the ends outwards until the first fits and the second does not."""
    step = math.log(4.0)
    fitting_gap = gap_at(fitting)
    failing_gap = math.nan
    for _ in range(_WIDENINGS):
        if fitting_gap <= 0:
            break
        failing, failing_gap = fitting, fitting_gap
        fitting -= step
        fitting_gap = gap_at(fitting)
    else:
        raise BudgetError(
            f"Nothing fits within {budget}: the other steps leave no room.\nAsk for a larger budget or fewer steps."
        )
    if math.isnan(failing_gap):
        failing_gap = gap_at(failing)
    for _ in range(_WIDENINGS):
        if failing_gap > 0:
            return fitting, failing, fitting_gap, failing_gap
        fitting, fitting_gap = failing, failing_gap
        failing += step
        failing_gap = gap_at(failing)
    raise AccountingError("The calibration found no limit: the cost does not depend on the parameter.")


def _root(
    gap_at: Callable[[float], float],
    fitting: float,
    failing: float,
    fitting_gap: float,
    failing_gap: float,
    tolerance: float,
) -> float:
    """A point that fits with a gap of at most `tolerance`, by the Illinois variant of false position."""
    below, above = fitting_gap, failing_gap
    last = 0
    for _ in range(200):
        if -tolerance <= fitting_gap or failing - fitting <= 1e-13:
            break
        # Aim at the middle of the accepted interval; halve where an end has no finite gap.
        span = above - below
        share = (-0.5 * tolerance - below) / span if math.isfinite(span) and span > 0 else 0.5
        y = fitting + (failing - fitting) * min(0.999, max(0.001, share))
        found = gap_at(y)
        if found <= 0:
            fitting, fitting_gap, below = y, found, found
            above = above / 2 if last == 1 else above
            last = 1
        else:
            failing, above = y, found
            below = below / 2 if last == -1 else below
            last = -1
    return fitting
