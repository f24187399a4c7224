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


@pytest.mark.parametrize("shift", [1, 5, 31])
def test_shifting_the_histogram_shifts_the_result(shift: int) -> None:
    values = np.random.default_rng(shift).normal(0, 3, 64) + np.repeat([0, 20, 5, 40], 16)
    assert np.allclose(haar_threshold(np.roll(values, shift), 3.0), np.roll(haar_threshold(values, 3.0), shift))


@pytest.mark.parametrize("length", [3, 37, 100, 129])
def test_lengths_that_are_no_power_of_two_are_smoothed_to_their_ends(length: int) -> None:
    rng = np.random.default_rng(length)
    noisy = 50 + rng.normal(0, 5, length)
    clean = haar_threshold(noisy, 5.0)
    assert len(clean) == length
    assert np.abs(clean - 50).max() <= np.abs(noisy - 50).max()
    if length > 30:
        ends = np.r_[0:8, length - 8 : length]
        assert np.abs(clean[ends] - 50).mean() < 0.8 * np.abs(noisy[ends] - 50).mean()


def test_a_step_is_kept() -> None:
    rng = np.random.default_rng(9)
    truth = np.repeat([10.0, 200.0], 64)
    clean = haar_threshold(truth + rng.normal(0, 10, 128), 10.0)
    assert np.abs(clean - truth).mean() < 5
    assert clean[60] < 40
    assert clean[68] > 170


def test_the_scale_of_the_noise_matters() -> None:
    """Negative control: told of a tenth of the noise, it removes hardly any."""
    noisy = np.random.default_rng(10).normal(0, 10, 128)
    assert np.abs(haar_threshold(noisy, 10.0)).mean() < 0.3 * np.abs(noisy).mean()
    assert np.abs(haar_threshold(noisy, 1.0)).mean() > 0.8 * np.abs(noisy).mean()
