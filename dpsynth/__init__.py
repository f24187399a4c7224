"""Synthetic tables under an explicit (epsilon, delta) budget.

The public names, each loaded on first use, so that `import dpsynth` costs next to nothing:

    domain       Domain, read_domain                                    what is public about the columns
    promise      Budget, NeighbouringRelation, rows, person             what is protected, and how far
    table        open                                                   the one door to the rows
    generators   Auto, Adaptive, AIM, MST, Independent, load            recipe -> plan -> fitted model
    release      release                                                from a table to a folder in one call
    errors       DpsynthError and the errors below it
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dpsynth.version import __version__

if TYPE_CHECKING:
    from dpsynth.accounting.quantities import Budget
    from dpsynth.bundle import release
    from dpsynth.domain import read_domain
    from dpsynth.domain.table import Domain
    from dpsynth.domain.unit import NeighbouringRelation, person, rows
    from dpsynth.errors import (
        AccountingError,
        BudgetError,
        BudgetRefused,
        BundleError,
        DomainError,
        DpsynthError,
        InputError,
        LedgerError,
        OpaqueError,
        OutputError,
        PlanError,
        SourceError,
    )
    from dpsynth.gate import open_table as open
    from dpsynth.generators import AIM, MST, Adaptive, Auto, Independent, load

__all__ = [
    "AIM",
    "MST",
    "AccountingError",
    "Adaptive",
    "Auto",
    "Budget",
    "BudgetError",
    "BudgetRefused",
    "BundleError",
    "Domain",
    "DomainError",
    "DpsynthError",
    "Independent",
    "InputError",
    "LedgerError",
    "NeighbouringRelation",
    "OpaqueError",
    "OutputError",
    "PlanError",
    "SourceError",
    "__version__",
    "load",
    "open",
    "person",
    "read_domain",
    "release",
    "rows",
]

_HOMES = {
    "AIM": "dpsynth.generators",
    "Adaptive": "dpsynth.generators",
    "Auto": "dpsynth.generators",
    "Budget": "dpsynth.accounting.quantities",
    "Domain": "dpsynth.domain.table",
    "Independent": "dpsynth.generators",
    "MST": "dpsynth.generators",
    "NeighbouringRelation": "dpsynth.domain.unit",
    "load": "dpsynth.generators",
    "open": "dpsynth.gate:open_table",
    "person": "dpsynth.domain.unit",
    "read_domain": "dpsynth.domain",
    "release": "dpsynth.bundle",
    "rows": "dpsynth.domain.unit",
}
"""Where each public name lives, as "module" or "module:its name there"; errors live in dpsynth.errors."""


def __getattr__(name: str) -> Any:
    if name.startswith("__") or name not in __all__:
        raise AttributeError(f"module 'dpsynth' has no attribute {name!r}")
    module, _, attribute = _HOMES.get(name, "dpsynth.errors").partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
