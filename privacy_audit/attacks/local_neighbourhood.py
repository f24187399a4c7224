"""Synthetic rows near the target."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View
from privacy_audit.attacks.kernels import bandwidth

__all__ = ["LocalNeighbourhood"]


@final
class LocalNeighbourhood(AbstractMembershipAttack):
    """Score: synthetic rows within the radius that holds five synthetic rows around half of the synthetic rows.

    Source: ward2025synthmia.
    """

    name = "local neighbourhood"

    def score(self, view: View) -> np.ndarray:
        return (view.to_synthetic.distances <= bandwidth(view)).sum(axis=1).astype(float)
