"""Attacks, epsilon bounds and utility scores for synthetic tables of any origin. It never uses dpsynth.

import privacy_audit
card = privacy_audit.audit(real, synthetic, holdout=holdout, epsilon=1.0, delta=1e-5)
card.passed, card.to_html("audit.html")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from privacy_audit.attacks.battery import attack
    from privacy_audit.collapse import collapse
    from privacy_audit.errors import AuditError, HoldoutError, InputError, ResourceError
    from privacy_audit.frames import align
    from privacy_audit.holdout import check_holdout, split_holdout
    from privacy_audit.scorecard import Scorecard, audit, frontier
    from privacy_audit.utility.registry import measure
    from privacy_audit.verdict import Policy

__all__ = [
    "AuditError",
    "HoldoutError",
    "InputError",
    "Policy",
    "ResourceError",
    "Scorecard",
    "align",
    "attack",
    "audit",
    "check_holdout",
    "collapse",
    "frontier",
    "measure",
    "split_holdout",
]

_HOMES = {
    "AuditError": "errors",
    "HoldoutError": "errors",
    "InputError": "errors",
    "ResourceError": "errors",
    "Policy": "verdict",
    "Scorecard": "scorecard",
    "align": "frames",
    "attack": "attacks.battery",
    "audit": "scorecard",
    "check_holdout": "holdout",
    "collapse": "collapse",
    "frontier": "scorecard",
    "measure": "utility.registry",
    "split_holdout": "holdout",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'privacy_audit' has no attribute {name!r}")
    value = getattr(import_module(f"privacy_audit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
