"""From shares of a Gaussian budget to noise scales."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dpsynth.accounting.quantities import Mu, Sigma
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit

__all__ = ["GaussianShares"]

# Shares are turned into sigmas by square roots; a relative 1e-12 keeps the exact sum of squares below the total.
_ROUND_UP = 1.0 + 1e-12


@dataclass(frozen=True, slots=True)
class GaussianShares:
    """A total mu to be split among Gaussian steps; a share is a part of mu^2, so shares add up to 1.

    Attributes:
        mu: the GDP parameter of all steps together.
        unit: the unit of protection.
        relation: the neighbouring relation.
    """

    mu: Mu
    unit: PrivacyUnit
    relation: NeighbouringRelation

    @property
    def effective_mu(self) -> float:
        """The mu at which one row under add/remove would get the same noise: what rules of thumb depend on."""
        return self.mu / math.sqrt(self.unit.squared_l2(self.relation))

    def marginal_sigma_up(self, share: float) -> Sigma:
        """Noise of one histogram that takes `share` of the budget, in rows."""
        return Sigma(math.sqrt(self.unit.squared_l2(self.relation) / share) / self.mu * _ROUND_UP)

    def distances_sigma_up(self, share: float, count: int) -> Sigma:
        """Noise of each of `count` distances that together take `share` of the budget, in rows."""
        return Sigma(math.sqrt(count / share) * self.unit.l1(self.relation) / self.mu * _ROUND_UP)
