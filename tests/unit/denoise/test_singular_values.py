"""Singular-value shrinkage."""

import numpy as np

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
