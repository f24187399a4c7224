"""How much a target helps the reference to explain the synthetic rows near it."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View
from privacy_audit.attacks.kernels import KERNEL, bandwidth, log_kernel

__all__ = ["GenLra"]


@final
class GenLra(AbstractMembershipAttack):
    """Score: gain in log-likelihood of the 50 nearest synthetic rows when the target joins the reference density.

    Source: ward2025genlra.
    """

    name = "gen lra"
    uses_reference = True

    def score(self, view: View) -> np.ndarray:
        width = bandwidth(view)
        near = view.to_synthetic
        known = log_kernel(view.synthetic_to_reference(KERNEL), width)[near.indices]
        own = -0.5 * (near.distances / width) ** 2
        return np.logaddexp(0.0, np.clip(own - known, -60, 60)).sum(axis=1)
