"""Exact marginals of small tables give rows away; drowned ones do not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from privacy_audit.attacks.reconstruction import Marginal, reconstruct, reconstruction_attack
from privacy_audit.errors import InputError

SIZES = (6, 6, 6, 6, 6)


def rows(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 6, (n, 5))


def marginals(table: np.ndarray, sigma: float, seed: int = 0) -> list[Marginal]:
    rng = np.random.default_rng(seed)
    found = []
    for i, j in itertools.combinations(range(5), 2):
        counts = np.zeros((6, 6))
        np.add.at(counts, (table[:, i], table[:, j]), 1)
        found.append(Marginal((i, j), counts + sigma * rng.normal(size=counts.shape), max(sigma, 0.1)))
    return found


def test_exact_marginals_give_rows_away_and_noisy_ones_less() -> None:
    real, holdout = rows(40, 1), rows(40, 2)
    rates = []
    for sigma in (0.0, 1.0, 30.0):
        found = reconstruction_attack(SIZES, marginals(real, sigma), real, holdout, top=20, runs=8)
        rates.append(found.figures["rate"].value)
    assert found.verdict == "no leak found"
    assert rates[0] > 0.5
    assert rates[0] >= rates[1] >= rates[2]
    assert rates[2] <= 0.1
    exact = reconstruction_attack(SIZES, marginals(real, 0.0), real, holdout, top=20, runs=8)
    assert exact.verdict == "leak"
    assert exact.figures["rate"].baseline is not None
    assert exact.figures["rate"].baseline <= 0.1


def test_guesses_come_best_first_and_without_repeats() -> None:
    real = rows(30, 3)
    guesses, shares = reconstruct(
        SIZES, [*marginals(real, 0.0), Marginal((0,), np.bincount(real[:, 0], minlength=6))], rows=30, runs=5
    )
    assert (np.diff(shares) <= 0).all()
    assert len(np.unique(guesses, axis=0)) == len(guesses)
    assert 0 < shares.min() <= shares.max() <= 1


def test_wrong_marginals_are_refused() -> None:
    with pytest.raises(InputError, match="nothing to reconstruct"):
        reconstruct(SIZES, [], rows=10)
    with pytest.raises(InputError, match="another shape"):
        reconstruct(SIZES, [Marginal((0, 1), np.zeros((6, 5)))], rows=10)
    with pytest.raises(InputError, match="another shape"):
        reconstruct((2, 2, 2), [Marginal((0, 1, 2), np.zeros((2, 2, 2)))], rows=10)
