"""Projection of a noisy pair on the tables with given non-negative margins."""

from __future__ import annotations

import numpy as np

from dpsynth.denoise.simplex import project_simplex_rows

__all__ = ["project_transport", "rake_pair"]

_DUAL_TOLERANCE = 0.01  # rows: finer than any noise that a release adds


def project_transport(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, sweeps: int = 30) -> np.ndarray:
    """Project on {x >= 0, row sums = rows, column sums = columns} in L2, then rake to the exact margins.

    Args:
        values: float64[r, c], a noisy pair.
        rows: float64[r], not negative.
        columns: float64[c], not negative, with the same sum as `rows`.
        sweeps: most sweeps of the dual coordinate ascent (each an exact simplex projection per row and column).

    Returns:
        float64[r, c], not negative, with the given margins to floating-point accuracy of the raking.

    Guarantee:
        Post-processing.

    Source:
        dykstra1983algorithm
    """
    column_shift = np.zeros(values.shape[1])
    row_shift = np.zeros(values.shape[0])
    for _ in range(sweeps):
        _, row_shift = project_simplex_rows(values - column_shift[None, :], rows)
        _, updated = project_simplex_rows((values - row_shift[:, None]).T, columns)
        done = np.abs(updated - column_shift).max() < _DUAL_TOLERANCE
        column_shift = updated
        if done:
            break
    clipped = np.maximum(values - row_shift[:, None] - column_shift[None, :], 0.0)
    return rake_pair(clipped, rows, columns)


def rake_pair(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, sweeps: int = 30) -> np.ndarray:
    """Scale rows and columns in turn until both margins hold (iterative proportional fitting).

    Args:
        values: float64[r, c], not negative.
        rows: float64[r], the margin of the first axis.
        columns: float64[c], the margin of the second axis, of equal sum.
        sweeps: number of double sweeps.

    Returns:
        float64[r, c].

    Guarantee:
        Post-processing.

    Source:
        deming1940least
    """
    table = values + 1e-9 * np.outer(rows, columns) / max(float(rows.sum()), 1.0)
    for _ in range(sweeps):
        table *= (rows / np.maximum(table.sum(axis=1), 1e-300))[:, None]
        table *= (columns / np.maximum(table.sum(axis=0), 1e-300))[None, :]
    return table
