"""noisy_argmax returns the vector it was charged for, and an index that this vector alone decides."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.errors import InputError
from dpsynth.noise import SeededEntropy, noisy_argmax, rounded_gaussian


def test_every_score_gets_its_own_noise() -> None:
    scores = np.array([100, 200, 300, 300, -50])
    index, noisy = noisy_argmax(scores, sigma=30.0, entropy=SeededEntropy(4))
    assert np.array_equal(noisy - scores, rounded_gaussian(30.0, 5, SeededEntropy(4)))
    assert noisy.dtype == np.int64
    assert index == int(np.argmax(noisy))


def test_the_index_is_that_of_the_noisy_scores() -> None:
    scores, chosen = np.array([0, 10, 20, 30]), set()
    for seed in range(40):
        index, noisy = noisy_argmax(scores, sigma=1000.0, entropy=SeededEntropy(seed))
        assert index == int(np.argmax(noisy))
        chosen.add(index)
    assert chosen == {0, 1, 2, 3}  # not that of the exact ones


def test_the_index_is_post_processing() -> None:
    """Equal noisy scores, the first of them: nothing of the exact scores decides."""
    index, noisy = noisy_argmax(np.array([3, 3, 3]), sigma=1e-3, entropy=SeededEntropy(4))
    assert noisy.tolist() == [3, 3, 3]
    assert index == 0


def test_the_scores_are_left_alone() -> None:
    scores = np.array([1, 2, 3])
    noisy_argmax(scores, sigma=9.0, entropy=SeededEntropy(4))
    assert scores.tolist() == [1, 2, 3]


def test_addition_wraps_instead_of_raising() -> None:
    _, noisy = noisy_argmax(np.array([2**63 - 1] * 64), sigma=100.0, entropy=SeededEntropy(4))
    assert (noisy < 0).any()
    assert (noisy > 0).any()


def test_a_sigma_out_of_range_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        noisy_argmax(np.array([918273645]), sigma=0.0, entropy=SeededEntropy(4))
    assert str(caught.value) == "sigma must be a number above 0 and at most 2^40; found 0."
