"""What every accountant can do."""

from __future__ import annotations

from abc import ABC, abstractmethod

from dpsynth.accounting.events import AbstractEvent
from dpsynth.accounting.quantities import Delta, Epsilon
from dpsynth.domain.unit import NeighbouringRelation

__all__ = ["AbstractAccountant"]


class AbstractAccountant(ABC):
    """Upper bounds on the privacy of an event. Both functions are valid upper bounds or raise; they never guess."""

    name: str

    @abstractmethod
    def supports(self, event: AbstractEvent, relation: NeighbouringRelation) -> bool:
        """Whether this accountant knows a sound bound for every leaf of the event."""

    @abstractmethod
    def epsilon_up(self, event: AbstractEvent, delta: Delta, relation: NeighbouringRelation) -> Epsilon:
        """The smallest epsilon that this accountant can certify at delta; infinity where there is none."""

    @abstractmethod
    def delta_up(self, event: AbstractEvent, epsilon: Epsilon, relation: NeighbouringRelation) -> Delta:
        """The smallest delta that this accountant can certify at epsilon."""
