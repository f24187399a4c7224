"""Cell-wise thresholds for tables that are mostly empty, and a choice between estimates by splitting the noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["choose_by_fission", "keep_large_cells"]

SEED = 20260500  # public: it splits noise that was drawn already, and protects nothing


def keep_large_cells(noisy: np.ndarray, sigma: float, bar: float) -> np.ndarray:
    """Set cells below `bar` noise scales to zero and scale the others to the sum that is left.

    Right for tables with a few large cells and no others, as when one column tells the other.

    Args:
        noisy: float64 table of counts.
        sigma: its noise.
        bar: in units of sigma.

    Returns:
        A table >= 0 with the sum of `noisy` (all zero where no cell is large).

    Guarantee:
        Post-processing.
    """
    kept = np.where(noisy > bar * sigma, noisy, 0.0)
    whole = kept.sum()
    return kept * (max(float(noisy.sum()), 0.0) / whole) if whole > 0 else kept


def choose_by_fission(
    noisy: np.ndarray, sigma: float, estimators: Mapping[str, Callable[[np.ndarray, float], np.ndarray]]
) -> str:
    """The estimator with the least estimated squared error.

    With w standard normal, noisy + sigma w and noisy - sigma w are independent answers with noise sqrt(2) sigma. Each
    estimator is given one and judged by the other, both ways; the expected score is its squared error at that noise, up
    to a constant that all of them share.

    Args:
        noisy: float64 table.
        sigma: its Gaussian noise.
        estimators: functions of (table, noise) by name, in order of preference.

    Returns:
        The name of the best; the first of equals.

    Guarantee:
        Post-processing; deterministic.

    Source:
        rasines2023splitting
    """
    split = sigma * np.random.Generator(np.random.PCG64(SEED)).standard_normal(noisy.shape)
    halves = ((noisy + split, noisy - split), (noisy - split, noisy + split))

    def score(estimate: Callable[[np.ndarray, float], np.ndarray]) -> float:
        return sum(float(((estimate(given, math.sqrt(2) * sigma) - judge) ** 2).sum()) for given, judge in halves)

    return min(estimators, key=lambda name: score(estimators[name]))
