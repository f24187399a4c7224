"""Checked scores and exact weights; no message ever holds a score or says how many there are."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.errors import InputError
from dpsynth.noise import SeededEntropy, exponential, noisy_argmax, permute_and_flip
from dpsynth.noise.scores import checked_scores, gap_weights

WIDE = mpmath.mp.clone()
WIDE.prec = 900
MECHANISMS = [
    lambda scores: exponential(scores, epsilon=1.0, sensitivity=1, entropy=SeededEntropy(1)),
    lambda scores: permute_and_flip(scores, epsilon=1.0, sensitivity=1, entropy=SeededEntropy(1)),
    lambda scores: noisy_argmax(scores, sigma=1.0, entropy=SeededEntropy(1)),
]
CANARY = 918273645


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=6),
    st.floats(1e-6, 50),
    st.integers(1, 1000),
)
def test_weights_are_exact(scores, epsilon, sensitivity) -> None:
    weights = gap_weights(np.array(scores, dtype=np.int64), epsilon, sensitivity, 256)
    for score, weight in zip(scores, weights, strict=True):
        gap = Fraction(epsilon) * (max(scores) - score) / (2 * sensitivity)
        truth = WIDE.exp(-WIDE.mpf(gap.numerator) / gap.denominator) * WIDE.mpf(2) ** 256
        assert abs(weight - truth) < 2
    assert max(weights) == 1 << 256


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    "scores",
    [
        np.array([0.5, CANARY]), np.array([[CANARY, 1]]), np.array([], dtype=np.int64), np.array(CANARY),
        [CANARY + 0.5],
        np.array([True, False]), np.array([str(CANARY)]), np.array([CANARY, None]), [1, float("nan")],
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_score_vector_is_refused(mechanism, scores) -> None:
    with pytest.raises(InputError) as caught:
        mechanism(scores)
    assert str(caught.value) == "Scores must be a vector of whole numbers (an integer dtype) with at least one entry."
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_unsigned_scores_are_refused(mechanism) -> None:
    with pytest.raises(InputError) as caught:
        mechanism(np.array([CANARY], dtype=np.uint64))
    assert str(caught.value) == "Scores must be signed 64-bit whole numbers; found an unsigned 64-bit dtype."


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    "scores",
    [
        [2**63 - 1, -(2**63)], [-(2**63)] * 3, [2**63 - 1] * 3, [0], [CANARY, -CANARY, 0],
    ],
)  # fmt: skip
def test_no_score_raises(mechanism, scores) -> None:
    mechanism(np.array(scores, dtype=np.int64))


@pytest.mark.parametrize("select", [exponential, permute_and_flip])
@pytest.mark.parametrize("epsilon", [0, -1.0, float("nan"), float("inf"), True, "1", None])
def test_an_epsilon_that_is_none_is_refused(select, epsilon) -> None:
    with pytest.raises(InputError) as caught:
        select(np.array([CANARY, 1]), epsilon=epsilon, sensitivity=1, entropy=SeededEntropy(1))
    assert str(caught.value) == "epsilon must be a positive finite number."


@pytest.mark.parametrize("select", [exponential, permute_and_flip])
@pytest.mark.parametrize("sensitivity", [0, -1, 1.0, True, "1", None])
def test_a_sensitivity_that_is_none_is_refused(select, sensitivity) -> None:
    with pytest.raises(InputError) as caught:
        select(np.array([CANARY, 1]), epsilon=1.0, sensitivity=sensitivity, entropy=SeededEntropy(1))
    assert str(caught.value) == "sensitivity must be a whole number of at least 1."


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.uint32, np.int64])
def test_narrow_scores_are_widened(dtype) -> None:
    assert checked_scores(np.array([3, 4], dtype=dtype)).dtype == np.int64
