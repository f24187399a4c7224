"""Claims of (epsilon, delta) by basic composition: epsilons add up, and deltas do.

A pair of laws that are (epsilon, delta)-indistinguishable is a post-processing of: with probability delta everything is
said, otherwise randomised response of epsilon. So with probability at most the sum of the deltas something is said by a
claim, and otherwise all steps together are pure with the sum of the epsilons. The sums are bounds fixed beforehand, so
this is a filter too.

Source: dwork2014algorithmic (composition), kairouz2015composition (the worst pair).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile, Leaves, Parts
from dpsynth.accounting.events import AbstractEvent, BoundedRange, ForeignClaim, Laplace, PureDP
from dpsynth.accounting.pure import PureProfile, pure_epsilon
from dpsynth.accounting.rounding import float_up, next_up, sum_up
from dpsynth.domain.unit import NeighbouringRelation

__all__ = ["ClaimsAccountant"]

_PURE = (PureDP, BoundedRange, Laplace)


@dataclass(frozen=True, slots=True)
class ClaimsProfile(AbstractProfile):
    """The profile of pure steps, shifted by the probability that a claim says everything."""

    pure: PureProfile
    lost: float

    def delta_up(self, epsilon: float) -> float:
        rest = self.pure.delta_up(epsilon)
        return self.lost if rest == 0 else min(1.0, next_up(self.lost + rest))

    def epsilon_up(self, delta: float) -> float:
        if delta < self.lost:
            return math.inf
        return self.pure.epsilon_up(max(0.0, math.nextafter(delta - self.lost, 0.0)))


@final
class ClaimsAccountant(AbstractAccountant):
    """Events that hold at least one foreign claim, beside pure steps."""

    name: ClassVar[str] = "claims"
    adaptive: ClassVar[bool] = True

    def supports_leaf(self, leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
        return isinstance(leaf, (ForeignClaim, *_PURE))

    def supports(self, event: AbstractEvent, relation: NeighbouringRelation) -> bool:
        # Without a claim the pure accountant says the same.
        return AbstractAccountant.supports(self, event, relation) and holds_claim(Parts.of(event).leaves)

    def profile_of_leaves(self, leaves: Leaves, relation: NeighbouringRelation) -> AbstractProfile:
        epsilons = (float_up(_epsilon(leaf) * count) for leaf, count in leaves.items())
        deltas = (float_up(Fraction(c.delta) * count) for c, count in leaves.items() if isinstance(c, ForeignClaim))
        return ClaimsProfile(PureProfile(sum_up(epsilons)), min(1.0, sum_up(deltas)))


def holds_claim(leaves: Mapping[AbstractEvent, int]) -> bool:
    """Whether one of the leaves is a foreign claim."""
    return any(isinstance(leaf, ForeignClaim) for leaf in leaves)


def _epsilon(leaf: AbstractEvent) -> Fraction:
    if isinstance(leaf, ForeignClaim):
        return Fraction(leaf.epsilon)
    if isinstance(leaf, _PURE):
        return pure_epsilon(leaf)
    raise AssertionError(leaf.kind)
