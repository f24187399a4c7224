"""Checks that all generators share: what to model, whose table it is, does delta fit, how many rows to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import InputError, PlanError

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable
    from dpsynth.generators.base import AbstractPlan

__all__ = ["budget_warnings", "modelled_encoder", "require_planned_for", "start_sampling"]


def modelled_encoder(domain: Domain) -> TableEncoder:
    """The encoder of a domain that has something to model.

    Raises:
        PlanError: every column is an identifier.
    """
    if not domain.modelled:
        raise PlanError("Every column of the domain is an identifier, so there is nothing to model.")
    return TableEncoder(domain)


def require_planned_for(plan: AbstractPlan, table: PrivateTable) -> None:
    """Refuse a table that was opened as something else than the plan was made for, before anything is charged.

    Raises:
        PlanError: another domain, unit or relation.
    """
    pairs = (("unit", plan.unit, table.unit), ("relation", plan.relation.value, table.relation.value))
    found = [f"{name} {theirs} instead of {ours}" for name, ours, theirs in pairs if ours != theirs]
    found += ["another domain"] if plan.domain != table.domain else []
    if found:
        raise PlanError(
            f"The table was opened with {', '.join(found)}.\n"
            "Nothing was charged. Plan with the domain, unit and relation of the table."
        )


def budget_warnings(budget: Budget, noisy_total: float) -> tuple[str, ...]:
    """Public sentences about the budget, from the noisy total that is already paid for."""
    if budget.delta * noisy_total >= 1:
        return (
            f"delta {budget.delta:g} is not below 1 / (noisy number of rows): it would allow publishing a random row. "
            "Choose a smaller delta.",
        )
    return ()


def start_sampling(n: int | None, seed: int | None, default: int) -> tuple[int, np.random.Generator]:
    """How many rows a model shall draw, and what draws them.

    Args:
        n: number of rows; None means `default`.
        seed: a whole number >= 0; None draws a fresh one.
        default: rows without a wish.

    Raises:
        InputError: n or seed is negative or not whole.

    Guarantee:
        Post-processing.
    """
    rows = default if n is None else n
    for name, value in (("n", rows), ("seed", 0 if seed is None else seed)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise InputError(f"sample needs a whole {name} of at least 0.")
    return int(rows), np.random.Generator(np.random.PCG64(seed))
