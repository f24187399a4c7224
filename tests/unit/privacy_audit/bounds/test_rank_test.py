"""The rank test: sorting lemma, monotone ladder, search, curves. Proof: docs/proofs/rank_test.md."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from privacy_audit.bounds.curves import GaussianCurve, approximate_curve, gaussian_ladder, gdp_mu, laplace_curve
from privacy_audit.bounds.rank_test import rank_statistic, rank_test, rank_weights, simulate_statistics
from privacy_audit.errors import InputError


def _law(probabilities: tuple[float, ...]) -> dict[float, float]:
    weights, law = rank_weights(len(probabilities)), {}
    for labels in itertools.product((0, 1), repeat=len(probabilities)):
        chance = np.prod([p if b else 1 - p for p, b in zip(probabilities, labels, strict=True)])
        value = round(float(np.dot(labels, weights)), 9)
        law[value] = law.get(value, 0.0) + float(chance)
    return law


def test_sorted_posteriors_are_the_worst_order() -> None:
    probabilities = (0.9, 0.75, 0.6, 0.3, 0.05)
    best = _law(probabilities)
    for order in itertools.permutations(probabilities):
        law = _law(order)
        for cut in {*best, *law}:
            assert sum(p for v, p in law.items() if v >= cut) <= sum(p for v, p in best.items() if v >= cut) + 1e-12


@pytest.mark.parametrize("ladder", [
    [GaussianCurve(mu) for mu in (0.0, 0.1, 0.5, 0.51, 2.0, 6.0)],
    [approximate_curve(e, 1e-3) for e in (0.0, 0.1, 1.0, 1.01, 3.0)],
    [laplace_curve(e, 50) for e in (0.01, 0.5, 1.0, 4.0)],
], ids=["gaussian", "approximate", "laplace"])  # fmt: skip
def test_simulated_tables_rise_along_a_ladder(ladder: list) -> None:
    tables = [simulate_statistics(101, curve, 300, seed=4) for curve in ladder]
    assert all((after >= before - 1e-9).all() for before, after in itertools.pairwise(tables))
    assert (tables[-1] > tables[0]).mean() > 0.9


def test_simulation_is_the_plain_one() -> None:
    """The label in the last bit against an argsort of the same observations."""
    curve, runs = GaussianCurve(0.8), 64
    found = simulate_statistics(runs, curve, 50, seed=9)
    generator = np.random.default_rng([9, 0])
    labels = generator.random((50, runs)) < 0.5
    scores = curve.pair(labels, generator)
    ordered = np.take_along_axis(labels, np.argsort(-scores, axis=1), axis=1)
    assert np.allclose(found, rank_statistic(ordered))


def test_search_finds_what_a_scan_finds() -> None:
    generator = np.random.default_rng(2)
    labels = generator.random(300) < 0.5
    scores = generator.normal(0, 1, 300) + 1.5 * labels
    ladder = gaussian_ladder(0.05, 4.0, 1.05)
    bound = rank_test(
        scores[labels],
        scores[~labels],
        delta=1e-5,
        curves=ladder,
        gaussian_mechanism=True,
        coin_labels=True,
        replicates=999,
    )
    statistic = bound.details["statistic"]
    refuted = [
        (1 + (simulate_statistics(300, curve, 999, 1) >= statistic - 1e-9).sum()) / 1000 <= 0.05 for curve in ladder
    ]
    assert refuted == sorted(refuted, reverse=True)
    assert bound.details["refuted"] == sum(refuted)
    assert bound.epsilon == pytest.approx(ladder[sum(refuted) - 1].epsilon(1e-5))


def test_own_curve_of_another_mechanism() -> None:
    """Laplace noise halved: its claimed curve is refuted, and correct noise is not."""
    generator = np.random.default_rng(3)
    labels = generator.random(2000) < 0.5
    for scale, expected in ((1.0, 0.0), (0.5, laplace_curve(1.0).epsilon(1e-5))):
        scores = labels + generator.laplace(0, scale, 2000)
        bound = rank_test(
            scores[labels], scores[~labels], delta=1e-5, curves=laplace_curve(1.0), coin_labels=True, replicates=999
        )
        assert bound.epsilon == pytest.approx(expected)


def test_gaussian_mechanism_is_nearly_exhausted() -> None:
    generator, mu = np.random.default_rng(4), gdp_mu(4, 1e-5)
    labels = generator.random(2000) < 0.5
    scores = generator.normal(0, 1, 2000) + mu * labels
    bound = rank_test(
        scores[labels], scores[~labels], delta=1e-5, gaussian_mechanism=True, coin_labels=True, replicates=999
    )
    assert 3.0 < bound.epsilon < 4.0
    assert bound.detectable > 10
    pools = rank_test(
        generator.normal(mu, 1, 600), generator.normal(0, 1, 600), delta=1e-5, gaussian_mechanism=True, replicates=999
    )
    assert 2.5 < pools.epsilon < 4.5


def test_refusals() -> None:
    scores = np.arange(100.0)
    with pytest.raises(InputError, match="holds for Gaussian mechanisms only"):
        rank_test(scores, scores, delta=1e-5)
    with pytest.raises(InputError, match="holds for Gaussian mechanisms only"):
        rank_test(scores, scores, delta=1e-5, curves=[GaussianCurve(0.5)])
    with pytest.raises(InputError, match="Too few replicates"):
        rank_test(scores, scores, delta=1e-5, alpha=1e-4, gaussian_mechanism=True, replicates=99)
    with pytest.raises(InputError, match="no finite epsilon"):
        rank_test(scores + 500, scores, delta=0.0, curves=approximate_curve(0.1, 1e-3), coin_labels=True, replicates=99)
