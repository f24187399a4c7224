"""What every accountant can do, and the one place where sampler slack enters delta.

An accountant says which leaves it knows and gives, for a list of leaves, a *profile*: two functions, delta of epsilon
and epsilon of delta, both valid upper bounds. The rest (flattening, `NonPrivate`, `Slack`) is written here once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from dpsynth.accounting.events import AbstractEvent, NonPrivate, Slack, leaves
from dpsynth.accounting.quantities import Delta, Epsilon
from dpsynth.accounting.rounding import float_up, next_up, sum_up
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError

__all__ = ["AbstractAccountant", "AbstractProfile", "Leaves", "Parts", "with_slack"]

Leaves = Mapping[AbstractEvent, int]
"""Elementary events (no slack, no look without noise) and how often each ran."""


class AbstractProfile(ABC):
    """The privacy profile of a list of leaves under one accountant, without slack."""

    @abstractmethod
    def delta_up(self, epsilon: float) -> float:
        """An upper bound in [0, 1] on delta at epsilon >= 0."""

    @abstractmethod
    def epsilon_up(self, delta: float) -> float:
        """An upper bound on epsilon at delta in [0, 1); infinity where there is none."""


class NoCost(AbstractProfile):
    """The profile of doing nothing."""

    def delta_up(self, epsilon: float) -> float:
        return 0.0

    def epsilon_up(self, delta: float) -> float:
        return 0.0


class Unbounded(AbstractProfile):
    """The profile of a look without noise."""

    def delta_up(self, epsilon: float) -> float:
        return 1.0

    def epsilon_up(self, delta: float) -> float:
        return math.inf


@dataclass(frozen=True, slots=True)
class WithSlack(AbstractProfile):
    """A profile whose outputs were drawn from laws within total variation `slack` of the ones accounted for.

    If M is (epsilon, delta)-DP and the law of M' is within s of that of M on every table, then M' is
    (epsilon, delta + (1 + e^epsilon) s)-DP: s is lost once on each of the two neighbours.
    """

    inner: AbstractProfile
    slack: float

    def cost_up(self, epsilon: float) -> float:
        """(1 + e^epsilon) slack, rounded up; infinity beyond the range of floats."""
        return math.inf if epsilon > 700 else next_up(self.slack * (1.0 + math.exp(epsilon)) * (1 + 1e-14))

    def delta_up(self, epsilon: float) -> float:
        # An (e, d) guarantee holds at every larger epsilon, so for a huge epsilon the best smaller one is looked for.
        best, at = 1.0, epsilon
        while True:
            best = min(best, next_up(self.inner.delta_up(at) + self.cost_up(at)))
            if at < 20 or self.cost_up(at) < 1e-3 * best:
                return max(0.0, min(1.0, best))
            at -= 1.0

    def epsilon_up(self, delta: float) -> float:
        # Slack may take a sixteenth of delta: the fixed point below is then a contraction, and what lies beyond
        # (epsilon above log(delta / 16 slack), about 41 for the gate's slack at delta 1e-5) is called infinite.
        epsilon = 0.0
        for _ in range(100):
            cost = self.cost_up(epsilon)
            if cost > delta / 16:
                return math.inf
            needed = self.inner.epsilon_up(math.nextafter(delta - cost, 0.0))
            if needed <= epsilon:
                return epsilon
            # A hair more than needed ends the iteration after two or three steps.
            epsilon = needed * (1 + 1e-12)
        return math.inf


def with_slack(profile: AbstractProfile, slack: float) -> AbstractProfile:
    """The profile with a total-variation error; itself where there is none."""
    return WithSlack(profile, slack) if slack > 0 else profile


@dataclass(frozen=True, slots=True)
class Parts:
    """An event, sorted for accounting.

    Attributes:
        leaves: elementary events and their counts, without slack.
        slack: the sum of all total-variation errors, rounded up.
        non_private: whether private data were looked at without noise.
    """

    leaves: Leaves
    slack: float
    non_private: bool

    @classmethod
    def of(cls, event: AbstractEvent) -> Parts:
        """Sort the leaves of an event; equal leaves are counted together."""
        counts: Counter[AbstractEvent] = Counter()
        slack: list[float] = []
        non_private = False
        for leaf, count in leaves(event):
            if isinstance(leaf, Slack):
                slack.append(float_up(Fraction(leaf.delta) * count))
            elif isinstance(leaf, NonPrivate):
                non_private = True
            else:
                counts[leaf] += count
        return cls(counts, sum_up(slack), non_private)


class AbstractAccountant(ABC):
    """Upper bounds on the privacy of an event. All functions are valid upper bounds or raise; they never guess."""

    name: ClassVar[str]
    exact: ClassVar[bool] = False
    """Whether no sound accountant can give less for the leaves that this one supports."""
    adaptive: ClassVar[bool] = False
    """Whether the bound also holds where later events were chosen from earlier answers, under a fixed budget."""

    @abstractmethod
    def supports_leaf(self, leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
        """Whether this accountant knows a sound bound for one elementary event."""

    @abstractmethod
    def profile_of_leaves(self, leaves: Leaves, relation: NeighbouringRelation) -> AbstractProfile:
        """The profile of the leaves together; called with at least one leaf, all of them supported."""

    def supports(self, event: AbstractEvent, relation: NeighbouringRelation) -> bool:
        """Whether this accountant knows a sound bound for every leaf of the event."""
        return all(self.supports_leaf(leaf, relation) for leaf in Parts.of(event).leaves)

    def profile(self, event: AbstractEvent, relation: NeighbouringRelation) -> AbstractProfile:
        """Both functions of one event; build it once to ask for many points.

        Raises:
            AccountingError: the event has a leaf that this accountant does not know.
        """
        parts = Parts.of(event)
        for leaf in parts.leaves:
            if not self.supports_leaf(leaf, relation):
                raise AccountingError(
                    f"The {self.name} accountant knows no bound for an event of kind {leaf.kind or 'unknown'} "
                    f"under {relation.value}."
                )
        if parts.non_private:
            return Unbounded()
        inner = self.profile_of_leaves(parts.leaves, relation) if parts.leaves else NoCost()
        return with_slack(inner, parts.slack)

    def epsilon_up(self, event: AbstractEvent, delta: Delta, relation: NeighbouringRelation) -> Epsilon:
        """The smallest epsilon that this accountant can certify at delta; infinity where there is none.

        Raises:
            AccountingError: a leaf that this accountant does not know, or delta outside [0, 1).
        """
        if not 0 <= delta < 1:
            raise AccountingError(f"delta must lie in [0, 1); found {delta}.")
        return Epsilon(self.profile(event, relation).epsilon_up(delta))

    def delta_up(self, event: AbstractEvent, epsilon: Epsilon, relation: NeighbouringRelation) -> Delta:
        """The smallest delta that this accountant can certify at epsilon.

        Raises:
            AccountingError: a leaf that this accountant does not know, or epsilon below 0.
        """
        if not epsilon >= 0:
            raise AccountingError(f"epsilon must be at least 0; found {epsilon}.")
        return Delta(self.profile(event, relation).delta_up(epsilon))
