"""The budget of AIM: a filter whose total is fixed beforehand, rounds that take shares of it, annealing.

All shares are exact fractions of the filter's total, so that the steps of a fit add up to it and never pass it.

Source: mckenna2022aim (split, annealing, last round), smith2022fully, whitehouse2023fully (filters)
"""

from __future__ import annotations

import math
from fractions import Fraction

from dpsynth.accounting.events import GaussianFilter, ZCDPFilter
from dpsynth.accounting.filters import FilterState, sigma_up
from dpsynth.accounting.quantities import Epsilon, Sigma
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.gate import event_of
from dpsynth.gate.mechanisms import AbstractMechanism, Query

__all__ = ["MEASURE_SHARE", "SELECT_SHARE", "Purse"]

MEASURE_SHARE = Fraction(9, 10)
"""Part of a round that pays for its measurement; the rest pays for the choice of what to measure."""
SELECT_SHARE = 1 - MEASURE_SHARE
ANNEALING = 4  # half the noise and twice the epsilon


class Purse:
    """What is left of the filter, and the budget of a round.

    Args:
        event: the filter that was reserved: in rho (ZCDPFilter) or in mu^2 (GaussianFilter).
        rounds: how many equal rounds the total would last.
        unit: the unit of protection.
        relation: the neighbouring relation.
    """

    def __init__(
        self, event: ZCDPFilter | GaussianFilter, rounds: int, unit: PrivacyUnit, relation: NeighbouringRelation
    ) -> None:
        self._state = FilterState(event)
        self._total = self._state.remaining
        self._doubled = 2 if isinstance(event, ZCDPFilter) else 1  # rho is half of mu^2
        self._unit = unit
        self._relation = relation
        self.round = self._total / rounds

    @property
    def remaining(self) -> Fraction:
        """What is left, exact."""
        return self._state.remaining

    @property
    def used(self) -> float:
        """Part of the total that is spent."""
        return float(1 - self.remaining / self._total)

    def used_after(self, share: Fraction) -> float:
        """Part of the total that is spent once `share` is."""
        return float(1 - (self.remaining - share) / self._total)

    def next_round(self) -> tuple[Fraction, bool]:
        """The budget of the next round, and whether it is the last: less than two rounds are left, so it takes all."""
        if self.remaining < 2 * self.round:
            return self.remaining, True
        return self.round, False

    def anneal(self) -> None:
        """Halve the noise of all rounds to come."""
        self.round *= ANNEALING

    def pay(self, query: Query, mechanism: AbstractMechanism) -> None:
        """Pay for a question, as the gate does.

        Raises:
            BudgetRefused: it costs more than is left.
        """
        self._state.take(event_of(query, mechanism, self._unit, self._relation))

    def marginal_sigma(self, share: Fraction) -> Sigma:
        """Noise of a marginal that costs at most `share`, in rows."""
        return sigma_up(self._doubled * share, self._unit.squared_l2(self._relation))

    def distances_sigma(self, share: Fraction, count: int) -> Sigma:
        """Noise of each of `count` distances that together cost at most `share`, in rows."""
        return sigma_up(self._doubled * share, count * self._unit.l1(self._relation) ** 2)

    def selection_epsilon(self, share: Fraction) -> Epsilon:
        """The largest epsilon of a draw of the exponential mechanism that costs at most `share` of rho.

        Guarantee: epsilon^2 / 8 <= share, exactly.
        """
        epsilon = math.sqrt(8 * share)
        while Fraction(epsilon) ** 2 > 8 * share:
            epsilon = math.nextafter(epsilon, 0.0)
        return Epsilon(epsilon)
