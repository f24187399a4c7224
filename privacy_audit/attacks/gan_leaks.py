"""The nearest synthetic row."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View

__all__ = ["GanLeaks"]


@final
class GanLeaks(AbstractMembershipAttack):
    """Score: minus the distance to the nearest synthetic row.

    Source: chen2020ganleaks.
    """

    name = "gan leaks"

    def score(self, view: View) -> np.ndarray:
        return -view.to_synthetic.distances[:, 0]
