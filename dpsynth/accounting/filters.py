"""A privacy filter's purse in exact fractions: adaptive steps are paid from a total that was fixed beforehand.

Floats are dyadic rationals, so squared_sensitivity / sigma^2 and mu^2 are exact fractions; nothing here is rounded.
Steps may be chosen from all earlier answers; what makes that sound is in docs/proofs/composition.md.

Source: smith2022fully, koskela2023individual (GDP), whitehouse2023fully (zCDP).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import final

from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    Gaussian,
    GaussianFilter,
    Laplace,
    PureDP,
    ZCDPFilter,
    leaves,
)
from dpsynth.accounting.quantities import Sigma
from dpsynth.accounting.rounding import float_down, float_up
from dpsynth.accounting.zcdp import rho_of_pure
from dpsynth.errors import AccountingError, BudgetRefused

__all__ = ["FilterState", "sigma_up"]


def sigma_up(squared_mu: Fraction | float, squared_sensitivity: int = 1) -> Sigma:
    """The smallest float sigma whose Gaussian spends at most `squared_mu` of a filter's mu^2, exactly.

    Args:
        squared_mu: share of mu^2, above 0; `Fraction(mu) ** 2 * share` keeps a split exact.
        squared_sensitivity: squared L2 sensitivity of the query.

    Guarantee: `Fraction(squared_sensitivity) / Fraction(sigma) ** 2 <= squared_mu`, so steps whose shares sum to at
    most mu^2 always fit a `FilterState`.

    Raises:
        AccountingError: a share that is not positive.
    """
    share = Fraction(squared_mu)
    if share <= 0:
        raise AccountingError("A Gaussian step needs a share of mu^2 above 0.")
    sigma = math.sqrt(squared_sensitivity / share)

    def enough(value: float) -> bool:
        return Fraction(squared_sensitivity) <= share * Fraction(value) ** 2

    while enough(sigma):
        sigma = math.nextafter(sigma, 0.0)
    while not enough(sigma):
        sigma = math.nextafter(sigma, math.inf)
    return Sigma(sigma)


@final
class FilterState:
    """What is left of a `GaussianFilter` (in mu^2) or a `ZCDPFilter` (in rho).

    Args:
        event: the filter that the ledger has charged in full.

    Raises:
        AccountingError: the event is not a filter.
    """

    __slots__ = ("_event", "_remaining")

    def __init__(self, event: AbstractEvent) -> None:
        if isinstance(event, GaussianFilter):
            self._remaining = Fraction(event.mu) ** 2
        elif isinstance(event, ZCDPFilter):
            self._remaining = Fraction(event.rho)
        else:
            raise AccountingError(f"Only filters hold a purse; found an event of kind {event.kind or 'unknown'}.")
        self._event = event

    @property
    def event(self) -> AbstractEvent:
        """The filter that was charged."""
        return self._event

    @property
    def remaining(self) -> Fraction:
        """What is left, exact: mu^2 of a Gaussian filter, rho of a zCDP filter."""
        return self._remaining

    def cost(self, event: AbstractEvent) -> Fraction:
        """What an event would take, exact.

        Raises:
            AccountingError: the event has a step that this kind of filter cannot pay for.
        """
        return sum((self._cost_of_leaf(leaf) * count for leaf, count in leaves(event)), Fraction(0))

    def affords(self, event: AbstractEvent) -> bool:
        """Whether `take` would accept the event; nothing is taken.

        Raises:
            AccountingError: the event has a step that this kind of filter cannot pay for.
        """
        return self.cost(event) <= self._remaining

    def take(self, event: AbstractEvent) -> None:
        """Pay for an event (all of its steps or none).

        Raises:
            AccountingError: the event has a step that this kind of filter cannot pay for.
            BudgetRefused: the event costs more than is left; nothing is taken.

        Guarantee: the exact sum of all that was taken never exceeds the filter's total.
        """
        cost = self.cost(event)
        if cost > self._remaining:
            unit = "mu^2" if isinstance(self._event, GaussianFilter) else "rho"
            raise BudgetRefused(
                f"{unit} {float_up(cost):.6g}",
                f"{unit} {float_down(self._remaining):.6g}",
                f"{unit} {float_up(cost - self._remaining):.6g}",
                "The filter's total was fixed when it was reserved. Use more noise or fewer steps.",
            )
        self._remaining -= cost

    def _cost_of_leaf(self, leaf: AbstractEvent) -> Fraction:
        if isinstance(leaf, Gaussian):
            squared_mu = Fraction(leaf.squared_sensitivity) / Fraction(leaf.sigma) ** 2
            return squared_mu if isinstance(self._event, GaussianFilter) else squared_mu / 2
        if isinstance(leaf, GaussianFilter):
            squared_mu = Fraction(leaf.mu) ** 2
            return squared_mu if isinstance(self._event, GaussianFilter) else squared_mu / 2
        if isinstance(self._event, ZCDPFilter):
            if isinstance(leaf, ZCDPFilter):
                return Fraction(leaf.rho)
            if isinstance(leaf, (PureDP, BoundedRange, Laplace)):
                return rho_of_pure(leaf)
        raise AccountingError(
            f"A {self._event.kind} pays for no event of kind {leaf.kind or 'unknown'}.\n"
            "Put such steps beside the filter in the plan, where they are fixed beforehand."
        )
