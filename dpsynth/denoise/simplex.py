"""Euclidean projection on the scaled probability simplex."""

from __future__ import annotations

import numpy as np

__all__ = ["project_simplex", "project_simplex_rows"]


def project_simplex_rows(values: np.ndarray, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project every row on {x >= 0, sum x = total of the row} in L2.

    Args:
        values: float64[rows, cells].
        totals: float64[rows], not negative.

    Returns:
        The projections float64[rows, cells] and the shift of each row float64[rows] (x = max(values - shift, 0)).

    Guarantee:
        Post-processing.

    Source:
        duchi2008efficient
    """
    descending = -np.sort(-values, axis=1)
    shifts = (np.cumsum(descending, axis=1) - totals[:, None]) / np.arange(1, values.shape[1] + 1)
    active = np.maximum((descending > shifts).sum(axis=1) - 1, 0)
    shift = shifts[np.arange(len(values)), active]
    return np.maximum(values - shift[:, None], 0.0), shift


def project_simplex(values: np.ndarray, total: float) -> np.ndarray:
    """Project a histogram of any shape on {x >= 0, sum x = total} in L2.

    Args:
        values: float64 array.
        total: the wanted sum, not negative.

    Returns:
        float64 array of the same shape.

    Guarantee:
        Post-processing.

    Source:
        duchi2008efficient
    """
    flat = np.asarray(values, dtype=np.float64).reshape(1, -1)
    return project_simplex_rows(flat, np.asarray([total]))[0].reshape(np.shape(values))
