"""Permute-and-flip on integer scores, with exact coins."""

from __future__ import annotations

import numpy as np

from dpsynth.noise.entropy import AbstractEntropy
from dpsynth.noise.scores import checked_scores, gap_weights

__all__ = ["permute_and_flip"]

_WORDS = 3
_BITS = 64 * _WORDS


def permute_and_flip(scores: np.ndarray, *, epsilon: float, sensitivity: int, entropy: AbstractEntropy) -> int:
    """Visit the candidates in random order and take the first whose coin, exp(epsilon gap / (2 sensitivity)), is heads.

    The gap is the score minus the best score, so a best candidate is always taken. Never worse than `exponential` in
    expected score, at the same privacy.

    Args:
        scores: int64[m], larger is better.
        epsilon: the privacy parameter, above 0.
        sensitivity: by how much any one score moves between neighbours, a positive whole number.
        entropy: source of uniform words.

    Returns:
        The chosen index.

    Raises:
        InputError: an argument of the wrong type or range; the message holds no score.

    Guarantee: the exact law is epsilon-DP; the drawn law is within TOTAL_VARIATION_BOUND of it for up to 2^32
        candidates (docs/proofs/permute_and_flip.md).
    Source: mckenna2020permute
    """
    weights = gap_weights(checked_scores(scores), epsilon, sensitivity, _BITS)
    # As many words whatever the scores: one key for the order and one coin per candidate.
    keys, coins = entropy.words(2 * _WORDS * len(weights)).reshape(2, _WORDS, len(weights))
    for i in np.lexsort(keys).tolist():
        high, middle, low = (int(word) for word in coins[:, i])
        if (high << 128 | middle << 64 | low) < weights[i]:
            return i
    raise AssertionError("A best candidate's coin is always heads.")
