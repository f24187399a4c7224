"""The nearest synthetic row, against the nearest reference row."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View

__all__ = ["GanLeaksCalibrated"]


@final
class GanLeaksCalibrated(AbstractMembershipAttack):
    """Score: how much nearer the synthetic table is than the reference.

    Source: chen2020ganleaks.
    """

    name = "gan leaks calibrated"
    uses_reference = True

    def score(self, view: View) -> np.ndarray:
        return _finite(view.to_reference(1)[:, 0]) - view.to_synthetic.distances[:, 0]


def _finite(distances: np.ndarray) -> np.ndarray:
    return np.minimum(distances, 1.0)  # Gower's distance is at most 1
