"""Every error that privacy_audit raises on purpose.

AuditError
├── InputError       a table, a column, a domain or an argument is not usable        (exit code 4)
├── HoldoutError     the holdout cannot serve: absent where it is needed, or it shares rows with the members
└── ResourceError    a stated limit of time or memory would be exceeded

Messages say what is wrong and what to do, in at most three lines. They name columns and arguments, never a cell.
"""

from __future__ import annotations

__all__ = ["AuditError", "HoldoutError", "InputError", "ResourceError"]


class AuditError(Exception):
    """Root of all errors raised on purpose."""

    exit_code = 4


class InputError(AuditError):
    """A table, a column, a domain or an argument is not usable."""


class HoldoutError(AuditError):
    """The holdout cannot serve as a set of non-members."""


class ResourceError(AuditError):
    """A stated limit of time or memory would be exceeded."""
