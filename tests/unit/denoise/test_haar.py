"""Translation-invariant Haar thresholding against a naive twin that shifts, transforms and averages."""

import math

import numpy as np
import pytest

from dpsynth.denoise import haar_threshold


def naive(values: np.ndarray, sigma: float, threshold: float) -> np.ndarray:
    length = len(values)
    basis = np.ones((1, 1))
    while len(basis) < length:
        top = np.kron(basis, [1, 1])
        bottom = np.kron(np.eye(len(basis)), [1, -1])
        basis = np.vstack([top, bottom]) / math.sqrt(2)
    result = np.zeros(length)
    for shift in range(length):
        coefficients = basis @ np.roll(values, -shift)
        keep = np.abs(coefficients) > threshold * sigma
        keep[0] = True
        result += np.roll(basis.T @ (coefficients * keep), shift)
    return result / length


@pytest.mark.parametrize("length", [2, 4, 16, 64])
def test_equals_the_naive_twin(length: int) -> None:
    values = np.random.default_rng(length).normal(0, 3, length) + np.linspace(0, 20, length)
    assert np.allclose(haar_threshold(values, 2.0, 3.0), naive(values, 2.0, 3.0))


def test_without_threshold_nothing_changes() -> None:
    values = np.random.default_rng(1).normal(0, 3, 37)
    assert np.allclose(haar_threshold(values, 1.0, 0.0), values)


def test_noise_on_a_flat_histogram_shrinks_and_a_spike_stays() -> None:
    rng = np.random.default_rng(2)
    truth = np.full(128, 40.0)
    truth[77] = 900.0
    noisy = truth + rng.normal(0, 10, 128)
    clean = haar_threshold(noisy, 10.0)
    assert np.abs(clean - truth).mean() < 0.6 * np.abs(noisy - truth).mean()
    assert abs(clean[77] - 900.0) < 60.0


@pytest.mark.parametrize("length", [0, 1])
def test_nothing_to_smooth(length: int) -> None:
    assert len(haar_threshold(np.ones(length), 1.0)) == length
