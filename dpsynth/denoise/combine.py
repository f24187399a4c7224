"""Inverse-variance combination of several unbiased noisy answers to the same question."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["combine", "total_of"]


def combine(answers: Iterable[tuple[np.ndarray, np.ndarray | float]]) -> tuple[np.ndarray, np.ndarray]:
    """Weigh answers to the same cells by the inverse of their variances.

    Args:
        answers: (values float64[cells], variance float64[cells] or scalar, above 0) pairs, at least one.

    Returns:
        The minimum-variance unbiased mean float64[cells] and its variance float64[cells].

    Raises:
        ValueError: no answer was given.

    Guarantee:
        Post-processing.
    """
    numerator: np.ndarray | None = None
    weight: np.ndarray | None = None
    for values, variance in answers:
        inverse = np.broadcast_to(1.0 / np.asarray(variance, dtype=np.float64), np.shape(values))
        part = np.asarray(values, dtype=np.float64) * inverse
        numerator = part if numerator is None else numerator + part
        weight = inverse if weight is None else weight + inverse
    if numerator is None or weight is None:
        raise ValueError("combine needs at least one answer")
    return numerator / weight, 1.0 / weight


def total_of(answers: Iterable[tuple[np.ndarray, float]]) -> float:
    """The number of rows from noisy histograms that each cover all rows.

    Args:
        answers: (noisy histogram of any shape, variance of one cell) pairs.

    Returns:
        The inverse-variance mean of the sums, at least 1.

    Guarantee:
        Post-processing.
    """
    sums = [(np.asarray(float(np.sum(values))), np.size(values) * variance) for values, variance in answers]
    return max(1.0, float(combine(sums)[0]))
