"""Gaussian kernels on distances to the nearest rows."""

from __future__ import annotations

import numpy as np

from privacy_audit.attacks.context import View

__all__ = ["KERNEL", "bandwidth", "log_kernel"]

KERNEL = 10
"""Nearest rows that a kernel sums over: further ones weigh nothing at this bandwidth."""


def bandwidth(view: View) -> float:
    """The median distance of a synthetic row to its fifth other synthetic row, never 0."""
    found = view.among_synthetic().distances
    return max(float(np.median(found[:, min(4, found.shape[1] - 1)])), 1e-3)


def log_kernel(distances: np.ndarray, width: float) -> np.ndarray:
    """Log of the summed kernel.

    Args:
        distances: float64[n, k], inf where there is no neighbour.
        width: bandwidth.

    Returns:
        float64[n]; a far row keeps its order through its nearest distance.
    """
    from scipy import special

    exponents = -0.5 * (np.minimum(distances, 1e3) / width) ** 2
    return special.logsumexp(exponents, axis=1)
