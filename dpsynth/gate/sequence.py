"""What a sequence of charges costs, where each may have been chosen after the answers of those before it.

One charge is fixed before its first answer, so every sound accountant may price it and the smallest figure holds. A
second charge may depend on the first one's answers; then only a filter whose rule was fixed beforehand is proved. The
rule is fixed by the first charge (docs/proofs/gate.md):

    every step is Gaussian, or a pure step    GDP: a pure step counts as the Gaussian that it is no worse than
    it holds a foreign claim                  basic composition of claims and pure steps
    anything else                             zCDP

Source: smith2022fully, whitehouse2023fully, dong2022gaussian
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from scipy.special import ndtri

from dpsynth.accounting.certify import ADAPTIVE_ACCOUNTANTS, epsilon_up, profile
from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    Composed,
    ForeignClaim,
    Gaussian,
    GaussianFilter,
    Laplace,
    PureDP,
    Repeated,
    Slack,
    leaves,
)
from dpsynth.accounting.quantities import Delta
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError

__all__ = ["compose", "gaussian_bound", "spent_up"]

_MARGIN = 1 + 2.0**-40
"""By how much a converted mu is raised, far beyond the rounding errors of its computation."""
_LARGEST_PURE = 700.0
_SMALL_PURE = 2.0**-6
"""Below this epsilon the linear bound of mu is taken, which is less than 2^-17 above mu there."""
_LEAST_MU = 2.0**-500
"""Smaller ones are raised to this, so that neither 1 / mu nor mu^2 leaves the range of float64."""


def compose(events: Sequence[AbstractEvent]) -> AbstractEvent:
    """All events as one; a single event is itself, so that a plan and the ledger certify the same object."""
    if len(events) == 1:
        return events[0]
    counted = Counter(events)  # equal events once: a thousand equal charges are priced as fast as one
    return Composed(tuple(event if count == 1 else Repeated(event, count) for event, count in counted.items()))


def gaussian_bound(event: AbstractEvent) -> AbstractEvent | None:
    """An event of Gaussian steps that is nowhere better than `event`; None where there is none.

    Guarantee: each epsilon-DP step is mu-GDP for mu = 2 Phi^-1(e^epsilon / (1 + e^epsilon)): its trade-off function is
        two chords of the convex G_mu, between (0, 1), the fixed point they share, and (1, 0).
    Source: dong2022gaussian
    """
    found: list[AbstractEvent] = []
    for leaf, count in leaves(event):
        bound: AbstractEvent
        match leaf:
            case Gaussian() | GaussianFilter() | Slack():
                bound = leaf
            case PureDP(epsilon=epsilon) | BoundedRange(epsilon=epsilon) if epsilon <= _LARGEST_PURE:
                bound = Gaussian(1 / _mu_of_pure_up(epsilon), 1)
            case Laplace(scale=scale, sensitivity=s) if s / scale <= _LARGEST_PURE / 2:
                bound = Gaussian(1 / _mu_of_pure_up(s / scale), 1)
            case _:
                return None
        found.append(bound if count == 1 else Repeated(bound, count))
    return Composed(tuple(found))


def _mu_of_pure_up(epsilon: float) -> float:
    if epsilon < _SMALL_PURE:
        # The exact form subtracts numbers that are almost equal; the chord of docs/proofs/gate.md is as good here.
        return max(epsilon * math.sqrt(math.pi / 2) * _MARGIN, _LEAST_MU)
    return -2 * float(ndtri(1 / (1 + math.exp(epsilon)))) * _MARGIN


def spent_up(events: Sequence[AbstractEvent], delta: float, relation: NeighbouringRelation) -> float:
    """Certified epsilon at delta of all charges together (0 for none; infinity where nothing finite is sound).

    Args:
        events: whole charges, in the order in which they were made.
        delta: where epsilon is wanted.
        relation: the ledger's neighbouring relation.

    Raises:
        AccountingError: no accountant, or for several charges no filter, knows every step.

    Guarantee: an upper bound, also where each charge was chosen after the answers of those before it.
    """
    if not events:
        return 0.0
    return _certified(compose(events), _rule(events[0]), len(events) == 1, delta, relation)


def _rule(first: AbstractEvent) -> str:
    """Name of the accountant whose filter the first charge fixes."""
    if gaussian_bound(first) is not None:
        return "gdp"
    return "claims" if any(isinstance(leaf, ForeignClaim) for leaf, _ in leaves(first)) else "zcdp"


@lru_cache(maxsize=256)
def _certified(event: AbstractEvent, rule: str, single: bool, delta: float, relation: NeighbouringRelation) -> float:
    if single:
        return float(epsilon_up(event, Delta(delta), relation).epsilon)
    wanted = gaussian_bound(event) if rule == "gdp" else event
    if wanted is not None:
        able = tuple(a for a in ADAPTIVE_ACCOUNTANTS if a.name == rule and a.supports(wanted, relation))
        if able:
            return float(profile(wanted, relation, able).epsilon_up(Delta(delta)).epsilon)
    raise AccountingError(
        "No filter composes this release with the first one that the account, or the ledger, was charged for.\n"
        "Use the same kind of mechanism as in that release, or another ledger (its budgets then add up outside)."
    )
