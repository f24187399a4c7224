"""Optimal shrinkage of the singular values of a noisy residual matrix."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["shrink_singular_values"]


def shrink_singular_values(residual: np.ndarray, sigma: float) -> np.ndarray:
    """Denoise a low-rank matrix seen through independent noise of known scale.

    Args:
        residual: float64[rows, columns], for instance a noisy pair minus the product of its one-ways.
        sigma: standard deviation of the noise of each entry.

    Returns:
        float64[rows, columns] with each singular value shrunk to the asymptotically optimal one in Frobenius loss.
        Matrices with fewer than three rows or columns are returned as they are: the asymptotics say nothing there.

    Guarantee:
        Post-processing.

    Source:
        gavish2017optimal
    """
    if min(residual.shape) < 3:
        return residual
    wide = residual if residual.shape[0] <= residual.shape[1] else residual.T
    beta = wide.shape[0] / wide.shape[1]
    left, singular, right = np.linalg.svd(wide, full_matrices=False)
    scale = sigma * math.sqrt(wide.shape[1])
    y = singular / scale
    inside = np.maximum((y * y - beta - 1.0) ** 2 - 4.0 * beta, 0.0)
    kept = np.where(y > 1.0 + math.sqrt(beta), np.sqrt(inside) / np.maximum(y, 1e-12), 0.0) * scale
    clean = (left * kept) @ right
    return clean if residual.shape[0] <= residual.shape[1] else clean.T
