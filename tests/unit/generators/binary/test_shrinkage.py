"""Priors from noisy coefficients: sparse, dense and no signal; posterior means that are better than raw answers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dpsynth.generators.binary.shrinkage import Prior, connections, fit_prior


def _signal(size: int, share: float, large: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(size) < share, rng.normal(0, large, size), 0.0)


def test_no_signal_is_shrunk_to_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 2000)
    prior = fit_prior(noise, np.full(2000, 0.01))
    assert np.mean((prior.shrinkage * noise) ** 2) < 0.05 * 0.01


def test_dense_signal_is_shrunk_as_by_the_known_variance() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 0.2, 3000) + rng.normal(0, 0.1, 3000)
    prior = fit_prior(x, np.full(3000, 0.01))
    assert prior.shrinkage.mean() == pytest.approx(0.04 / 0.05, abs=0.05)


def test_sparse_signal_is_kept_where_it_stands_out() -> None:
    signal = _signal(3000, 0.05, 1.0)
    x = signal + np.random.default_rng(2).normal(0, 0.1, 3000)
    prior = fit_prior(x, np.full(3000, 0.01))
    error = np.mean((prior.shrinkage * x - signal) ** 2)
    linear = signal.var() * 0.01 / (signal.var() + 0.01)  # what one normal prior would leave
    assert error < 0.5 * linear
    assert 0.5 < error / prior.error().mean() < 1.5
    assert ((prior.shrinkage >= 0) & (prior.shrinkage < 1)).all()


def test_the_prior_variance_gives_the_same_shrinkage() -> None:
    x = np.random.default_rng(3).normal(0, 1, 500)
    prior = fit_prior(x, np.full(500, 0.5))
    assert prior.variance / (prior.variance + prior.noise) == pytest.approx(prior.shrinkage, abs=1e-6)


def test_one_more_answer_lowers_the_expected_error() -> None:
    prior = fit_prior(_signal(400, 0.3, 1.0) + 0.01, np.full(400, 0.04))
    assert (prior.error(0.04) <= prior.error()).all()
    assert prior.error(0.04).mean() < prior.error().mean()


def test_flat_shrinks_nothing_to_speak_of() -> None:
    assert Prior.flat(np.full(3, 1e-6)).shrinkage == pytest.approx(np.ones(3), abs=1e-5)


def test_connections_are_sums_over_spanning_trees() -> None:
    rng = np.random.default_rng(4)
    ties = rng.random((4, 4))
    ties = np.triu(ties, 1) + np.triu(ties, 1).T
    triple = ties[0, 1] * ties[1, 2] + ties[0, 1] * ties[0, 2] + ties[0, 2] * ties[1, 2]
    assert connections(ties, np.array([[0, 1, 2]])) == pytest.approx([triple])
    edges = list(itertools.combinations(range(4), 2))
    four = sum(
        np.prod([ties[e] for e in tree])
        for tree in itertools.combinations(edges, 3)
        if {j for e in tree for j in e} == {0, 1, 2, 3}
    )
    assert connections(ties, np.array([[0, 1, 2, 3]])) == pytest.approx([four])
    ties[3] = ties[:, 3] = 0
    assert connections(ties, np.array([[0, 1, 2, 3]])) == pytest.approx([0])
