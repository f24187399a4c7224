"""Selection by the largest of rounded-Gaussian noisy scores, all of which are charged and returned."""

from __future__ import annotations

import numpy as np

from dpsynth.noise.entropy import AbstractEntropy
from dpsynth.noise.rounded_gaussian import rounded_gaussian
from dpsynth.noise.scores import checked_scores

__all__ = ["noisy_argmax"]


def noisy_argmax(scores: np.ndarray, *, sigma: float, entropy: AbstractEntropy) -> tuple[int, np.ndarray]:
    """Add rounded-Gaussian noise to every score; the index of the largest is post-processing of that vector.

    Args:
        scores: int64[m], larger is better.
        sigma: standard deviation of the noise on each score, in the units of the scores.
        entropy: source of uniform words.

    Returns:
        The index of the largest noisy score (the first of equal ones), and the noisy scores: int64[m].

    Raises:
        InputError: an argument of the wrong type or range; the message holds no score.

    Guarantee: (D2 / sigma)-GDP for the pair, where D2 is the L2 sensitivity of the whole vector
        (docs/proofs/noisy_argmax.md). Addition wraps modulo 2^64, so no score can raise.
    Source: dong2022gaussian
    """
    scores = checked_scores(scores)
    noisy = scores + rounded_gaussian(sigma, scores.shape, entropy)
    return int(np.argmax(noisy)), noisy
