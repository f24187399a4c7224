"""Checks that all generators share: is there anything to model, and does delta fit the (noisy) size of the table."""

from __future__ import annotations

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import PlanError

__all__ = ["budget_warnings", "modelled_encoder"]


def modelled_encoder(domain: Domain) -> TableEncoder:
    """The encoder of a domain that has something to model.

    Raises:
        PlanError: every column is an identifier.
    """
    if not domain.modelled:
        raise PlanError("Every column of the domain is an identifier, so there is nothing to model.")
    return TableEncoder(domain)


def budget_warnings(budget: Budget, noisy_total: float) -> tuple[str, ...]:
    """Public sentences about the budget, from the noisy total that is already paid for."""
    if budget.delta * noisy_total >= 1:
        return (
            f"delta {budget.delta:g} is not below 1 / (noisy number of rows): it would allow publishing a random row. "
            "Choose a smaller delta.",
        )
    return ()
