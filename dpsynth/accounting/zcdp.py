"""Zero-concentrated differential privacy, with the tight conversion to (epsilon, delta).

A mechanism is rho-zCDP if its Renyi divergence of every order a > 1 between neighbours is at most rho a. rho adds up
under composition, also when each step's rho is chosen from earlier answers as long as the total is fixed beforehand
(a filter). For every a > 1,

    delta(epsilon) <= exp((a - 1)(a rho - epsilon)) (1 - 1/a)^a / (a - 1),

and the logarithm of the right-hand side has one minimum, where (2 a - 1) rho - epsilon + log(1 - 1/a) = 0. Any a is
valid, so an imprecise search costs tightness, never soundness.

Source: bun2016concentrated (definition, pure DP as epsilon^2 / 2), cesar2021bounding (bounded range as epsilon^2 / 8),
canonne2020discrete (conversion), whitehouse2023fully (filter).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile, Leaves
from dpsynth.accounting.events import AbstractEvent, BoundedRange, Laplace, PureDP, ZCDPFilter
from dpsynth.accounting.gdp import is_gaussian, squared_mu_up
from dpsynth.accounting.pure import pure_epsilon
from dpsynth.accounting.quantities import Budget, Delta, Epsilon, Rho
from dpsynth.accounting.rounding import float_up, next_up, sum_up
from dpsynth.domain.unit import NeighbouringRelation

__all__ = ["ZCDPAccountant", "delta_of_rho_up", "epsilon_of_rho_up", "rho_of_down"]

_ULP = 2.0**-52


def delta_of_rho_up(rho: Rho, epsilon: Epsilon) -> Delta:
    """A delta at which every rho-zCDP mechanism is (epsilon, delta)-DP, rounded up.

    Args:
        rho: zCDP parameter, >= 0.
        epsilon: >= 0.

    Guarantee: never below the best bound over all orders (up to its own rounding margin above).
    Source: canonne2020discrete.
    """
    if rho <= 0:
        return Delta(0.0)
    if not math.isfinite(rho):
        return Delta(1.0)

    def slope(excess: float) -> float:
        # excess = a - 1; log(1 - 1/a) = log(excess / a), without cancellation for a near 1.
        return (2 * excess + 1) * rho - epsilon + math.log(excess / (1 + excess))

    high = 1.0
    while slope(high) < 0:
        high *= 2
    low = high
    while slope(low) > 0:
        low /= 2
        if low < 1e-300:
            return Delta(1.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        if slope(middle) < 0:
            low = middle
        else:
            high = middle
    excess = high
    order = 1 + excess
    terms = (excess * order * rho, -excess * epsilon, order * math.log(excess / order), -math.log(excess))
    error = 8 * _ULP * sum(abs(term) for term in terms)
    log_delta = math.fsum(terms) + error
    return Delta(1.0 if log_delta >= 0 else next_up(math.exp(log_delta) * (1 + 4 * _ULP)))


def epsilon_of_rho_up(rho: Rho, delta: Delta) -> Epsilon:
    """The smallest epsilon that the conversion gives at delta, rounded up; infinity at delta 0.

    Guarantee: `delta_of_rho_up(rho, result) <= delta`.
    """
    if rho <= 0 or delta >= 1:
        return Epsilon(0.0)
    if delta <= 0 or not math.isfinite(rho):
        return Epsilon(math.inf)
    if delta_of_rho_up(rho, Epsilon(0.0)) <= delta:
        return Epsilon(0.0)
    high = rho + 2 * math.sqrt(rho * -math.log(delta))
    while delta_of_rho_up(rho, Epsilon(high)) > delta:
        high *= 1.5
        if not math.isfinite(high):
            return Epsilon(math.inf)
    low = 0.0
    while high - low > 1e-13 * high:
        middle = 0.5 * (low + high)
        if delta_of_rho_up(rho, Epsilon(middle)) <= delta:
            high = middle
        else:
            low = middle
    return Epsilon(high)


def rho_of_down(budget: Budget) -> Rho:
    """The largest rho whose conversion stays within the budget, rounded down; 0 at delta 0.

    Guarantee: `delta_of_rho_up(result, budget.epsilon) <= budget.delta`.
    """
    if budget.delta <= 0:
        return Rho(0.0)
    epsilon = Epsilon(budget.epsilon)
    high = 1.0
    while delta_of_rho_up(Rho(high), epsilon) <= budget.delta:
        high *= 2
    low = 0.0
    while high - low > 1e-14 * high:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if delta_of_rho_up(Rho(middle), epsilon) <= budget.delta:
            low = middle
        else:
            high = middle
    return Rho(low)


def rho_up(leaves: Leaves, relation: NeighbouringRelation) -> Rho:
    """The sum of rho over the leaves, rounded up: mu^2 / 2 of Gaussians, `rho_of_pure` of pure steps, filters' rho."""
    gaussians = {leaf: count for leaf, count in leaves.items() if is_gaussian(leaf)}
    terms = [squared_mu_up(gaussians, relation) / 2]
    for leaf, count in leaves.items():
        if isinstance(leaf, ZCDPFilter):
            terms.append(float_up(Fraction(leaf.rho) * count))
        elif isinstance(leaf, (PureDP, BoundedRange, Laplace)):
            terms.append(float_up(rho_of_pure(leaf) * count))
    return Rho(sum_up(terms))


def rho_of_pure(leaf: PureDP | BoundedRange | Laplace) -> Fraction:
    """rho of a pure step, exact: epsilon^2 / 2, of bounded range epsilon^2 / 8; epsilon where that is smaller.

    No divergence of a step exceeds its epsilon. An eighth is true of bounded range, not of every pure step.

    Source: cesar2021bounding.
    """
    epsilon = pure_epsilon(leaf)
    return min(epsilon, epsilon * epsilon / (8 if isinstance(leaf, BoundedRange) else 2))


@dataclass(frozen=True, slots=True)
class ZCDPProfile(AbstractProfile):
    """The profile of the tight conversion."""

    rho: Rho

    def delta_up(self, epsilon: float) -> float:
        return delta_of_rho_up(self.rho, Epsilon(epsilon))

    def epsilon_up(self, delta: float) -> float:
        return epsilon_of_rho_up(self.rho, Delta(delta))


@final
class ZCDPAccountant(AbstractAccountant):
    """Gaussians, Laplace, pure steps and both filters, by adding rho."""

    name: ClassVar[str] = "zcdp"
    adaptive: ClassVar[bool] = True

    def supports_leaf(self, leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
        return is_gaussian(leaf) or isinstance(leaf, (PureDP, BoundedRange, Laplace, ZCDPFilter))

    def profile_of_leaves(self, leaves: Leaves, relation: NeighbouringRelation) -> AbstractProfile:
        return ZCDPProfile(rho_up(leaves, relation))
