"""Synthetic rows within a small radius."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View

__all__ = ["MonteCarlo"]


@final
class MonteCarlo(AbstractMembershipAttack):
    """Score: synthetic rows within the median distance of a target to its nearest one (at most 50 are counted).

    Source: hilprecht2019monte.
    """

    name = "monte carlo"

    def score(self, view: View) -> np.ndarray:
        distances = view.to_synthetic.distances
        return (distances <= np.median(distances[:, 0])).sum(axis=1).astype(float)
