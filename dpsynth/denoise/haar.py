"""Translation-invariant Haar thresholding of a noisy histogram over ordered cells."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["haar_threshold"]


def haar_threshold(values: np.ndarray, sigma: float, threshold: float = 3.0) -> np.ndarray:
    """Remove noise from an ordered histogram: hard-threshold the Haar coefficients of all shifts and average.

    Smooth stretches are averaged over many cells while single spikes keep their height. The transform is the
    undecimated one (all shifts at once), so the cost is cells x log(cells).

    Args:
        values: float64[cells], a histogram with independent noise of equal scale in every cell.
        sigma: standard deviation of that noise, in the units of `values`.
        threshold: coefficients below this many sigmas are set to zero.

    Returns:
        float64[cells]; the sum is not fixed (project afterwards).

    Guarantee:
        Post-processing.

    Source:
        coifman1995translation
    """
    cells = len(values)
    if cells < 2:
        return np.asarray(values, dtype=np.float64).copy()
    length = 1 << (cells - 1).bit_length()
    # Pad by reflection so that the circular wrap-around joins like with like.
    smooth = np.concatenate([values, np.asarray(values)[::-1][: length - cells]]).astype(np.float64)
    details: list[np.ndarray] = []
    for level in range(length.bit_length() - 1):
        ahead = np.roll(smooth, -(1 << level))
        detail = (smooth - ahead) / math.sqrt(2.0)
        details.append(np.where(np.abs(detail) > threshold * sigma, detail, 0.0))
        smooth = (smooth + ahead) / math.sqrt(2.0)
    for level in reversed(range(len(details))):
        low, high = smooth, details[level]
        left = (low + high) / math.sqrt(2.0)
        right = np.roll((low - high) / math.sqrt(2.0), 1 << level)
        smooth = 0.5 * (left + right)
    return smooth[:cells]
