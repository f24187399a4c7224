"""The exponential mechanism on integer scores, drawn by exact inversion."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

import numpy as np

from dpsynth.noise.entropy import AbstractEntropy
from dpsynth.noise.scores import checked_scores, gap_weights

__all__ = ["exponential"]

_WEIGHT_BITS = 256
_UNIFORM_WORDS = 8


def exponential(scores: np.ndarray, *, epsilon: float, sensitivity: int, entropy: AbstractEntropy) -> int:
    """Choose an index with probability proportional to exp(epsilon score / (2 sensitivity)).

    Args:
        scores: int64[m], larger is better.
        epsilon: the privacy parameter, above 0.
        sensitivity: by how much any one score moves between neighbours, a positive whole number.
        entropy: source of uniform words.

    Returns:
        The chosen index.

    Raises:
        InputError: an argument of the wrong type or range; the message holds no score.

    Guarantee: the exact law is epsilon-DP whatever the signs in which scores move (coefficient 1/2, never the monotone
        1); the drawn law is within TOTAL_VARIATION_BOUND of it for up to 2^32 candidates (docs/proofs/exponential.md).
    Source: mcsherry2007mechanism
    """
    cumulative = list(accumulate(gap_weights(checked_scores(scores), epsilon, sensitivity, _WEIGHT_BITS)))
    uniform = int.from_bytes(entropy.words(_UNIFORM_WORDS).tobytes(), "little")
    return bisect_right(cumulative, uniform * cumulative[-1] >> 64 * _UNIFORM_WORDS)
