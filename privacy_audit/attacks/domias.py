"""Density of the synthetic table over density of the reference."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View
from privacy_audit.attacks.kernels import KERNEL, bandwidth, log_kernel

__all__ = ["Domias"]


@final
class Domias(AbstractMembershipAttack):
    """Score: log p_S(x) - log p_R(x), both by a Gaussian kernel of one bandwidth.

    Source: vanbreugel2023membership.
    """

    name = "domias"
    uses_reference = True

    def score(self, view: View) -> np.ndarray:
        width = bandwidth(view)
        known = log_kernel(view.to_reference(KERNEL), width)
        return log_kernel(view.to_synthetic.distances[:, :KERNEL], width) - known
