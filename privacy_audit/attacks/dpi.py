"""Who the neighbours of a target are."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View

__all__ = ["Dpi"]

NEAR = 20


@final
class Dpi(AbstractMembershipAttack):
    """Score: share of synthetic rows among the 20 nearest of synthetic and reference rows.

    Source: ward2024data.
    """

    name = "dpi"
    uses_reference = True

    def score(self, view: View) -> np.ndarray:
        mine, theirs = view.to_synthetic.distances[:, :NEAR], view.to_reference(NEAR)
        both = np.concatenate([mine, theirs], axis=1)
        limit = np.sort(both, axis=1)[:, min(NEAR, both.shape[1]) - 1][:, None]
        inside, edge = (mine < limit).sum(axis=1), (mine == limit).sum(axis=1)
        other, other_edge = (theirs < limit).sum(axis=1), (theirs == limit).sum(axis=1)
        return (inside + 0.5 * edge) / np.maximum(1, inside + other + 0.5 * (edge + other_edge))
