"""Density of the synthetic table at the target."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View
from privacy_audit.attacks.kernels import KERNEL, bandwidth, log_kernel

__all__ = ["Density"]


@final
class Density(AbstractMembershipAttack):
    """Score: a Gaussian kernel over the nearest synthetic rows; the bandwidth is theirs among themselves.

    Source: vanbreugel2023membership.
    """

    name = "density"

    def score(self, view: View) -> np.ndarray:
        width = bandwidth(view)
        return log_kernel(view.to_synthetic.distances[:, :KERNEL], width)
