"""What the selection mechanisms share: checked scores, gaps to the best, and exact exponential weights of gaps."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from dpsynth.errors import InputError
from dpsynth.noise.exact import exponential_of_minus

__all__ = ["checked_scores", "gap_weights"]


def checked_scores(scores: np.ndarray) -> np.ndarray:
    """The scores as int64[m].

    Raises:
        InputError: not a vector of whole numbers of at least one entry. The message holds no score.
    """
    array = np.asarray(scores)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu":
        raise InputError("Scores must be a vector of whole numbers (an integer dtype) with at least one entry.")
    if array.dtype == np.uint64:
        raise InputError("Scores must be signed 64-bit whole numbers; found an unsigned 64-bit dtype.")
    return array.astype(np.int64, copy=False)


def gap_weights(scores: np.ndarray, epsilon: float, sensitivity: int, bits: int) -> list[int]:
    """exp(-epsilon (best - score) / (2 sensitivity)) of each score, in units of 2^-bits.

    Args:
        scores: int64[m].
        epsilon: the privacy parameter.
        sensitivity: by how much one score moves between neighbours, an integer in the units of the scores.
        bits: resolution.

    Returns:
        m integers, each less than two units from the exact weight; exactly 2^bits for a best score.

    Raises:
        InputError: epsilon is not positive and finite, or sensitivity is not a positive whole number.
    """
    number = isinstance(epsilon, (int, float, np.integer, np.floating)) and not isinstance(epsilon, bool)
    if not number or not 0 < epsilon < math.inf:
        raise InputError("epsilon must be a positive finite number.")
    if isinstance(sensitivity, bool) or not isinstance(sensitivity, (int, np.integer)) or sensitivity < 1:
        raise InputError("sensitivity must be a whole number of at least 1.")
    # Python integers from here on: the gap between two int64 scores need not fit into int64.
    distinct, which = np.unique(scores, return_inverse=True)
    levels = distinct.tolist()
    rate = Fraction(float(epsilon)) / (2 * int(sensitivity))
    weights = [exponential_of_minus(rate * (levels[-1] - level), bits) for level in levels]
    return [weights[i] for i in which.tolist()]
