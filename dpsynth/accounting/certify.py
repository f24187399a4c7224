"""The certified number: the smallest bound among all accountants that know every leaf of the event."""

from __future__ import annotations

from dataclasses import dataclass

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile
from dpsynth.accounting.events import AbstractEvent
from dpsynth.accounting.gdp import GDPAccountant
from dpsynth.accounting.quantities import Budget, Delta, Epsilon
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError

__all__ = ["ACCOUNTANTS", "Certified", "CertifiedDelta", "delta_up", "epsilon_up", "fits"]

ACCOUNTANTS: tuple[AbstractAccountant, ...] = (GDPAccountant(),)


@dataclass(frozen=True, slots=True)
class Certified:
    """An upper bound on epsilon and the accountant that gives it."""

    epsilon: Epsilon
    accountant: str


@dataclass(frozen=True, slots=True)
class CertifiedDelta:
    """An upper bound on delta and the accountant that gives it."""

    delta: Delta
    accountant: str


def _supporting(event: AbstractEvent, relation: NeighbouringRelation) -> list[AbstractAccountant]:
    able = [a for a in ACCOUNTANTS if a.supports(event, relation)]
    if not able:
        raise AccountingError(
            f"No sound accountant knows every step of this event under {relation.value}.\n"
            "Run the steps under one kind of filter, or in separate ledgers."
        )
    return able


def epsilon_up(event: AbstractEvent, delta: Delta, relation: NeighbouringRelation) -> Certified:
    """The smallest sound epsilon at delta; infinity where no accountant gives a finite one.

    Raises:
        AccountingError: no accountant knows every leaf, or delta is outside [0, 1).
    """
    figures = [Certified(a.epsilon_up(event, delta, relation), a.name) for a in _supporting(event, relation)]
    return min(figures, key=lambda figure: figure.epsilon)


def delta_up(event: AbstractEvent, epsilon: Epsilon, relation: NeighbouringRelation) -> CertifiedDelta:
    """The smallest sound delta at epsilon.

    Raises:
        AccountingError: no accountant knows every leaf, or epsilon is negative.
    """
    figures = [CertifiedDelta(a.delta_up(event, epsilon, relation), a.name) for a in _supporting(event, relation)]
    return min(figures, key=lambda figure: figure.delta)


def fits(event: AbstractEvent, budget: Budget, relation: NeighbouringRelation) -> bool:
    """Whether some accountant certifies the event within the budget.

    Raises:
        AccountingError: no accountant knows every leaf.
    """
    return any(
        a.epsilon_up(event, Delta(budget.delta), relation) <= budget.epsilon for a in _supporting(event, relation)
    )
