"""Every error that dpsynth raises on purpose.

DpsynthError
├── InputError                what the caller declared or passed is not usable      (exit code 2)
│   ├── DomainError           a public description of columns is wrong; names file, line or key, and the fix
│   ├── SourceError           a table cannot be opened; never says what is in it
│   ├── BudgetError           an impossible budget (epsilon <= 0, delta >= 1, ...)
│   ├── PlanError             no plan fits (memory cap, budget too small, nothing to model)
│   └── OutputError           a folder or file cannot be written; nothing is left half-written
├── BudgetRefused             the ledger has less left than was asked for           (exit code 3)
├── AccountingError           an event that no sound accountant supports, or a recomputed epsilon above the target
├── LedgerError               a ledger that is corrupt, locked or of another version (exit code 2)
├── BridgeError               a foreign synthesizer that could not be run, or gave nothing usable
├── BundleError               a bundle or model that is corrupt or of another version (exit code 2)
└── OpaqueError               an attempt to look at a private table other than by gate.release

Messages say what was asked, what was found and what to do, in at most three lines. They never hold a data value,
a count of rows, or anything else learned from a private table; what they name is public (the domain, the arguments).
"""

from __future__ import annotations

__all__ = [
    "AccountingError",
    "BridgeError",
    "BudgetError",
    "BudgetRefused",
    "BundleError",
    "DomainError",
    "DpsynthError",
    "InputError",
    "LedgerError",
    "OpaqueError",
    "OutputError",
    "PlanError",
    "SourceError",
]


class DpsynthError(Exception):
    """Root of all errors raised on purpose."""

    exit_code = 4


class InputError(DpsynthError):
    """Something that the caller declared or passed is not usable."""

    exit_code = 2


class DomainError(InputError):
    """A public description of columns is wrong."""


class SourceError(InputError):
    """A table cannot be opened."""


class BudgetError(InputError):
    """A budget that cannot be meant."""


class PlanError(InputError):
    """No plan fits what was asked."""


class OutputError(InputError):
    """A folder or file cannot be written."""


class BudgetRefused(DpsynthError):
    """The ledger has less left than was asked for."""

    exit_code = 3

    def __init__(self, requested: str, remaining: str, short_by: str, hint: str = "") -> None:
        self.requested, self.remaining, self.short_by = requested, remaining, short_by
        text = f"Budget refused: requested {requested}, remaining {remaining}, short by {short_by}."
        super().__init__(f"{text}\n{hint}" if hint else text)


class AccountingError(DpsynthError):
    """No sound accountant gives the number that was asked for."""


class LedgerError(DpsynthError):
    """A ledger that cannot be trusted or used."""

    exit_code = 2


class BridgeError(DpsynthError):
    """A foreign synthesizer could not be run, or gave nothing usable."""


class BundleError(DpsynthError):
    """A bundle or a saved model that cannot be trusted or read."""

    exit_code = 2


class OpaqueError(DpsynthError, TypeError):
    """A private table does not show its rows."""

    exit_code = 2
