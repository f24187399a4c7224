"""Auto: picks a generator by a written rule of public quantities, and says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.generators.adaptive import Adaptive
from dpsynth.generators.base import AbstractGenerator, AbstractPlan
from dpsynth.generators.independent import Independent

__all__ = ["Auto", "choose"]


def choose(domain: Domain) -> tuple[AbstractGenerator, str]:
    """The generator for a domain, and the reason in one line.

    Args:
        domain: public columns.

    Returns:
        Recipe and public sentence.

    Guarantee:
        Depends on the domain only. (How much of the budget pairs are worth is decided later, from noisy answers.)
    """
    if len(domain.modelled) == 1:
        return Independent(), "independent: there is one column to model, so there are no pairs"
    return Adaptive(), "adaptive: it measures the pairs that are worth their noise, and only one-ways where none is"


@dataclass(frozen=True, slots=True)
class Auto(AbstractGenerator):
    """The default: plans with whatever generator the rule of `choose` names."""

    name = "auto"

    def parameters(self) -> dict[str, Any]:
        """No hyper-parameters."""
        return {}

    def plan(
        self,
        domain: Domain,
        *,
        budget: Budget,
        unit: PrivacyUnit = rows(1),
        relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ) -> AbstractPlan:
        """The plan of the chosen generator; it carries that generator's name.

        Args:
            domain: public columns.
            budget: target (epsilon, delta).
            unit: unit of protection.
            relation: neighbouring relation.

        Returns:
            A plan whose event costs at most the budget.

        Raises:
            PlanError: as the chosen generator does.

        Guarantee:
            Depends on public arguments only.
        """
        generator, _ = choose(domain)
        return generator.plan(domain, budget=budget, unit=unit, relation=relation)
