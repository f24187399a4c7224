"""Thresholds for tables that are mostly empty, and the choice between estimators."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.denoise import choose_by_fission, keep_large_cells


def test_small_cells_go_and_the_sum_stays() -> None:
    noisy = np.array([[100.0, 3.0], [-4.0, 51.0]])
    kept = keep_large_cells(noisy, 2.0, 3.0)
    assert kept.sum() == pytest.approx(150.0)
    assert kept[0, 1] == kept[1, 0] == 0
    assert kept[0, 0] / kept[1, 1] == pytest.approx(100 / 51)


def test_a_table_without_large_cells_is_empty() -> None:
    assert not keep_large_cells(np.ones((3, 3)), 1.0, 2.0).any()
    assert not keep_large_cells(np.full((2, 2), -5.0), 1.0, 2.0).any()


@pytest.mark.parametrize("seed", range(5))
def test_the_better_estimator_is_chosen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sparse, smooth = np.diag(rng.integers(200, 900, 15)).astype(float), np.full((15, 15), 40.0)
    estimators = {"smooth": lambda y, s: np.full(y.shape, y.mean()), "large": lambda y, s: keep_large_cells(y, s, 3.0)}
    for truth, best in ((sparse, "large"), (smooth, "smooth")):
        noisy = truth + 20 * rng.normal(size=truth.shape)
        assert choose_by_fission(noisy, 20.0, estimators) == best
        assert choose_by_fission(noisy, 20.0, estimators) == best  # the split is fixed


def test_of_equals_the_first_is_chosen() -> None:
    same = {"one": lambda y, s: y, "two": lambda y, s: y}
    assert choose_by_fission(np.zeros((3, 3)), 1.0, same) == "one"


def test_scores_are_unbiased_for_the_squared_error() -> None:
    """With many cells the ranking is that of the true errors at the noise of the halves."""
    rng = np.random.default_rng(3)
    truth, sigma = rng.normal(0, 30, (200, 200)), 20.0
    noisy = truth + sigma * rng.normal(size=truth.shape)
    shrink = {f"{f:.2f}": (lambda y, s, f=f: f * y) for f in np.arange(0.1, 1.0, 0.1)}
    best = 30**2 / (30**2 + 2 * sigma**2)  # the noise of a half is sqrt(2) sigma
    assert abs(float(choose_by_fission(noisy, sigma, shrink)) - best) <= 0.06
