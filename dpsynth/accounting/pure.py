"""Pure differential privacy by basic composition: epsilons add up, delta may be 0.

Source: dwork2014algorithmic (composition), kairouz2015composition (the worst pure mechanism is randomised response).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile, Leaves
from dpsynth.accounting.events import AbstractEvent, BoundedRange, Laplace, PureDP
from dpsynth.accounting.rounding import float_up, next_up, sum_up
from dpsynth.domain.unit import NeighbouringRelation

__all__ = ["PureAccountant", "pure_epsilon"]


def pure_epsilon(leaf: PureDP | BoundedRange | Laplace) -> Fraction:
    """epsilon of one pure step, exact."""
    if isinstance(leaf, (PureDP, BoundedRange)):
        return Fraction(leaf.epsilon)
    return Fraction(leaf.sensitivity) / Fraction(leaf.scale)


@dataclass(frozen=True, slots=True)
class PureProfile(AbstractProfile):
    """The profile of the worst mechanism of total epsilon E: delta = (e^E - e^epsilon) / (1 + e^E) below E, then 0."""

    total: float

    def delta_up(self, epsilon: float) -> float:
        if epsilon >= self.total:
            return 0.0
        gap = -math.expm1(epsilon - self.total)
        return min(1.0, next_up(gap / (1 + math.exp(-self.total)) * (1 + 1e-14)))

    def epsilon_up(self, delta: float) -> float:
        if delta <= 0 or not math.isfinite(self.total):
            return self.total
        kept = 1 - delta * (1 + math.exp(-self.total)) * (1 - 1e-14)
        if kept <= math.exp(-self.total):
            return 0.0
        return max(0.0, min(self.total, self.total + math.log(kept) + 1e-14 * (1 + self.total)))


@final
class PureAccountant(AbstractAccountant):
    """Laplace and other pure steps; the only accountant with a finite epsilon at delta 0."""

    name: ClassVar[str] = "pure"
    adaptive: ClassVar[bool] = True

    def supports_leaf(self, leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
        return isinstance(leaf, (PureDP, BoundedRange, Laplace))

    def profile_of_leaves(self, leaves: Leaves, relation: NeighbouringRelation) -> AbstractProfile:
        return PureProfile(
            sum_up(
                float_up(pure_epsilon(leaf) * count)
                for leaf, count in leaves.items()
                if isinstance(leaf, (PureDP, BoundedRange, Laplace))
            )
        )
