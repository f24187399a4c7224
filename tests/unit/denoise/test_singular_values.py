"""Singular-value shrinkage."""

import numpy as np
import pytest

from dpsynth.denoise import shrink_singular_values


def test_pure_noise_is_removed() -> None:
    noise = np.random.default_rng(0).normal(0, 2.0, (40, 60))
    assert np.abs(shrink_singular_values(noise, 2.0)).max() < 1e-9 or (
        np.linalg.norm(shrink_singular_values(noise, 2.0)) < 0.2 * np.linalg.norm(noise)
    )


def test_a_strong_rank_one_signal_comes_closer() -> None:
    rng = np.random.default_rng(1)
    truth = np.outer(rng.normal(0, 1, 30), rng.normal(0, 1, 20)) * 20
    noisy = truth + rng.normal(0, 5.0, truth.shape)
    for matrix, goal in ((noisy, truth), (noisy.T, truth.T)):
        clean = shrink_singular_values(matrix, 5.0)
        assert np.linalg.norm(clean - goal) < 0.5 * np.linalg.norm(matrix - goal)


def test_thin_matrices_are_left_alone() -> None:
    thin = np.random.default_rng(2).normal(0, 1, (2, 9))
    assert shrink_singular_values(thin, 1.0) is thin


def spiked(strength: float, rows: int = 150, columns: int = 300, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A rank-one truth whose singular value is `strength` sqrt(columns), and the truth under noise of scale 1."""
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=rows), rng.normal(size=columns)
    truth = np.outer(left / np.linalg.norm(left), right / np.linalg.norm(right)) * strength * np.sqrt(columns)
    return truth, truth + rng.normal(size=truth.shape)


@pytest.mark.parametrize("strength", [1.2, 1.6, 2.5, 5.0])
def test_no_other_size_of_the_leading_component_is_much_nearer_to_the_truth(strength: float) -> None:
    """The best size in hindsight, found by projecting the truth on the noisy component."""
    truth, noisy = spiked(strength)
    left, _, right = np.linalg.svd(noisy, full_matrices=False)
    component = np.outer(left[:, 0], right[0])
    best = np.linalg.norm(component * (component * truth).sum() - truth)
    assert np.linalg.norm(shrink_singular_values(noisy, 1.0) - truth) <= 1.03 * best
    assert np.linalg.norm(shrink_singular_values(noisy, 1.0) - truth) < 0.5 * np.linalg.norm(noisy - truth)


def test_components_that_noise_hides_are_dropped() -> None:
    """Below (rows / columns)^(1/4) a component cannot be told from noise."""
    _, noisy = spiked(0.4)
    assert np.linalg.matrix_rank(shrink_singular_values(noisy, 1.0), tol=1e-6) <= 1
    assert np.linalg.norm(shrink_singular_values(noisy, 1.0)) < 0.2 * np.linalg.norm(noisy)


def test_without_noise_nothing_changes() -> None:
    matrix = np.random.default_rng(4).normal(size=(6, 9))
    assert np.allclose(shrink_singular_values(matrix, 1e-9), matrix)


def test_a_matrix_and_its_transpose_are_treated_alike() -> None:
    _, noisy = spiked(2.0, 20, 31)
    assert np.allclose(shrink_singular_values(noisy.T, 1.0), shrink_singular_values(noisy, 1.0).T)


def test_the_scale_of_the_noise_matters() -> None:
    """Negative control: told of half the noise, it keeps noise."""
    _, noisy = spiked(0.0)
    assert np.abs(shrink_singular_values(noisy, 1.05)).max() < 1e-9
    assert np.linalg.norm(shrink_singular_values(noisy, 0.5)) > 0.3 * np.linalg.norm(noisy)
