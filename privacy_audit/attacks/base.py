"""What all attacks share: their figures, scores, verdicts, and the two kinds of attack there are.

A *membership* attack scores target rows, higher for those it takes for members; members and non-members are treated
alike, so that under "no leak" their labels are exchangeable and every test in `summary.py` is exact or nearly so.
Any other attack (similarity, singling out, linkability, inference, disclosure) makes its own figures, each with the
same attack on the holdout as its baseline, and one p-value of "members are hit no more often than the holdout".
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

if TYPE_CHECKING:
    from privacy_audit.attacks.context import Context, View

__all__ = [
    "AbstractAttack",
    "AbstractMembershipAttack",
    "AbstractTableAttack",
    "AttackResult",
    "Figure",
    "MembershipScores",
    "NotApplicable",
    "Verdict",
]

Verdict = Literal["leak", "no leak found", "inconclusive", "skipped"]


class NotApplicable(Exception):
    """An attack says why it does not apply to these tables."""


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval and what it would be without a leak.

    Attributes:
        value: the figure.
        low: lower end of its interval (95 % unless its name says otherwise), or None.
        high: upper end, or None.
        baseline: the same figure without a leak: a constant, or measured on rows that were not used; or None.
        ceiling: the most that the claimed (epsilon, delta) allows, or None.
    """

    value: float
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    ceiling: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Plain numbers; None for what is not finite, since JSON has no other."""
        return {name: _plain(getattr(self, name)) for name in ("value", "low", "high", "baseline", "ceiling")}


def _plain(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


@final
@dataclass(frozen=True, slots=True, eq=False)
class MembershipScores:
    """Scores of rows with a known label; higher means more likely a member.

    Attributes:
        members: float64[m].
        nonmembers: float64[k].
    """

    members: np.ndarray
    nonmembers: np.ndarray

    def select(self, members: np.ndarray, nonmembers: np.ndarray) -> MembershipScores:
        """The scores of some rows (masks or indices)."""
        return MembershipScores(self.members[members], self.nonmembers[nonmembers])


@final
@dataclass(frozen=True, slots=True, eq=False)
class AttackResult:
    """What an attack found.

    Attributes:
        name: of the attack.
        kind: "membership", "similarity", "singling out", "linkability", "inference", "disclosure", "shadow models" or
            "reconstruction".
        figures: its numbers, by name.
        verdict: "leak", "no leak found", "inconclusive" (too few rows to tell, or nearly significant), "skipped".
        note: in words: what was found, or why it was skipped.
        p_value: of "no leak", before the correction for several attacks; None where there is no test.
        adjusted: the p-value after Holm's correction over the battery, or None.
        strata: figures of subgroups, by the subgroup's name.
        scores: of a membership attack, for further tests and plots (not part of `to_dict`).
    """

    name: str
    kind: str
    figures: Mapping[str, Figure]
    verdict: Verdict
    note: str = ""
    p_value: float | None = None
    adjusted: float | None = None
    strata: Mapping[str, Mapping[str, Figure]] = field(default_factory=lambda: MappingProxyType({}))
    scores: MembershipScores | None = None

    def replaced(self, **changes: Any) -> AttackResult:
        """The same with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "verdict": self.verdict,
            "note": self.note,
            "p_value": _plain(self.p_value),
            "adjusted": _plain(self.adjusted),
            "figures": {name: figure.to_dict() for name, figure in self.figures.items()},
            "strata": {
                stratum: {name: figure.to_dict() for name, figure in figures.items()}
                for stratum, figures in self.strata.items()
            },
        }


class AbstractAttack(ABC):
    """One attack on a synthetic table.

    Attributes:
        name: its name in the registry and in reports.
        kind: see `AttackResult.kind`.
        needs: which of "holdout" and "reference" it cannot do without.
        least: fewest members, non-members and synthetic rows it is worth running on.
    """

    name: str
    kind: str = "membership"
    needs: frozenset[str] = frozenset({"holdout"})
    least: int = 20


class AbstractMembershipAttack(AbstractAttack):
    """Scores rows; never sees which of them are members.

    Attributes:
        uses_reference: whether it compares with a reference.
        repeats: most halvings of the holdout it is worth (costly attacks take one), or None for all.
    """

    uses_reference: bool = False
    repeats: int | None = None

    @abstractmethod
    def score(self, view: View) -> np.ndarray:
        """Score all targets of a view.

        Args:
            view: targets (members and non-members, unlabelled), the synthetic table and, if asked for, a reference.

        Returns:
            float64[targets] or float64[targets, variants], higher for more likely members; variants are corrected for.
        """


class AbstractTableAttack(AbstractAttack):
    """Makes its own figures from all tables."""

    @abstractmethod
    def run(self, context: Context) -> AttackResult:
        """Attack.

        Args:
            context: tables, seeds and shared neighbours.

        Returns:
            Figures and a p-value; the verdict is settled by the battery, after the correction for several attacks.

        Raises:
            NotApplicable: the tables do not allow it; the battery reports it as skipped.
        """
