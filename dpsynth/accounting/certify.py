"""The certified number: the smallest bound among all accountants that know every leaf of the event."""

from __future__ import annotations

from dataclasses import dataclass

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile
from dpsynth.accounting.claims import ClaimsAccountant
from dpsynth.accounting.events import AbstractEvent
from dpsynth.accounting.gdp import GDPAccountant
from dpsynth.accounting.pld import SEARCH_GRID, PLDAccountant
from dpsynth.accounting.pure import PureAccountant
from dpsynth.accounting.quantities import Budget, Delta, Epsilon
from dpsynth.accounting.zcdp import ZCDPAccountant
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError

__all__ = [
    "ACCOUNTANTS",
    "ADAPTIVE_ACCOUNTANTS",
    "SEARCH_ACCOUNTANTS",
    "Certified",
    "CertifiedDelta",
    "CertifiedProfile",
    "delta_up",
    "epsilon_up",
    "fits",
    "profile",
]

ACCOUNTANTS: tuple[AbstractAccountant, ...] = (
    GDPAccountant(),
    PureAccountant(),
    ClaimsAccountant(),
    ZCDPAccountant(),
    PLDAccountant(),
)
"""All accountants, the cheap ones first. GDP is exact: where it knows every leaf, the others are not asked."""

ADAPTIVE_ACCOUNTANTS: tuple[AbstractAccountant, ...] = tuple(a for a in ACCOUNTANTS if a.adaptive)
"""Those whose bound is also a filter: it holds where a person or a program chose later events from earlier answers."""

SEARCH_ACCOUNTANTS: tuple[AbstractAccountant, ...] = (*ACCOUNTANTS[:-1], PLDAccountant(SEARCH_GRID))
"""The same with a coarser (still sound) grid, for use inside a search."""


@dataclass(frozen=True, slots=True)
class Certified:
    """An upper bound on epsilon and the name of the accountant that gives it."""

    epsilon: Epsilon
    accountant: str


@dataclass(frozen=True, slots=True)
class CertifiedDelta:
    """An upper bound on delta and the name of the accountant that gives it."""

    delta: Delta
    accountant: str


@dataclass(frozen=True, slots=True)
class CertifiedProfile:
    """The smallest bound of all accountants that know every leaf of one event, at any number of points."""

    profiles: tuple[tuple[str, AbstractProfile], ...]

    def epsilon_up(self, delta: Delta) -> Certified:
        """The smallest sound epsilon at delta in [0, 1); infinity where no accountant gives a finite one.

        Raises:
            AccountingError: delta is outside [0, 1).
        """
        if not 0 <= delta < 1:
            raise AccountingError(f"delta must lie in [0, 1); found {delta}.")
        figures = (Certified(Epsilon(p.epsilon_up(delta)), name) for name, p in self.profiles)
        return min(figures, key=lambda figure: figure.epsilon)

    def delta_up(self, epsilon: Epsilon) -> CertifiedDelta:
        """The smallest sound delta at epsilon >= 0.

        Raises:
            AccountingError: epsilon is negative.
        """
        if not epsilon >= 0:
            raise AccountingError(f"epsilon must be at least 0; found {epsilon}.")
        figures = (CertifiedDelta(Delta(p.delta_up(epsilon)), name) for name, p in self.profiles)
        return min(figures, key=lambda figure: figure.delta)


def profile(
    event: AbstractEvent,
    relation: NeighbouringRelation,
    accountants: tuple[AbstractAccountant, ...] = ACCOUNTANTS,
) -> CertifiedProfile:
    """Epsilon and delta of one event as functions of each other.

    Raises:
        AccountingError: no accountant knows every leaf of the event under this relation.
    """
    able = [a for a in accountants if a.supports(event, relation)]
    if not able:
        raise AccountingError(
            f"No sound accountant knows every step of this event under {relation.value}.\n"
            "Run the steps under one kind of filter, or in separate ledgers."
        )
    exact = [a for a in able if a.exact]
    return CertifiedProfile(tuple((a.name, a.profile(event, relation)) for a in exact or able))


def epsilon_up(event: AbstractEvent, delta: Delta, relation: NeighbouringRelation) -> Certified:
    """The smallest sound epsilon of an event at delta; infinity where no accountant gives a finite one.

    Args:
        event: everything that ran, or that a plan will run.
        delta: in [0, 1).
        relation: the ledger's neighbouring relation.

    Raises:
        AccountingError: no accountant knows every leaf, or delta is outside [0, 1).
    """
    return profile(event, relation).epsilon_up(delta)


def delta_up(event: AbstractEvent, epsilon: Epsilon, relation: NeighbouringRelation) -> CertifiedDelta:
    """The smallest sound delta of an event at epsilon.

    Raises:
        AccountingError: no accountant knows every leaf, or epsilon is negative.
    """
    return profile(event, relation).delta_up(epsilon)


def fits(
    event: AbstractEvent,
    budget: Budget,
    relation: NeighbouringRelation,
    accountants: tuple[AbstractAccountant, ...] = ACCOUNTANTS,
) -> bool:
    """Whether the certified epsilon of an event at the budget's delta is within the budget.

    Args:
        event: everything that ran, or that a plan will run.
        budget: epsilon and delta to stay within.
        relation: the ledger's neighbouring relation.
        accountants: whom to ask.

    Raises:
        AccountingError: no accountant knows every leaf.
    """
    delta = Delta(budget.delta)
    # One accountant that says yes is enough, and the cheap ones come first.
    return any(p.epsilon_up(delta) <= budget.epsilon for _, p in profile(event, relation, accountants).profiles)
