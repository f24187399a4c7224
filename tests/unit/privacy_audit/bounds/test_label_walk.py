"""The label walk: its counts, its two forms, monotone sanity, and the extremal pair. Proof: docs/proofs/label_walk.md."""

from __future__ import annotations

import math

import numpy as np
import pytest

from privacy_audit.bounds.design import sorted_design
from privacy_audit.bounds.label_walk import critical_counts, label_walk, label_walk_p_value, walk_counts, walk_ranks
from privacy_audit.errors import InputError


def test_ranks_stay_in_their_quarter() -> None:
    for runs in (8, 40, 500, 4000):
        ranks = walk_ranks(runs)
        assert (np.diff(ranks) > 0).all()
        assert 1 <= ranks[0] <= ranks[-1] <= runs / 4


def test_counts_by_hand() -> None:
    labels = np.array([1, 1, 0, 1, 0, 1, 0, 0], dtype=bool)
    assert walk_counts(labels, np.array([1, 2]), two_sided=False).tolist() == [1, 2]
    assert walk_counts(labels, np.array([1, 2]), two_sided=True).tolist() == [2, 4]


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("delta", [0.0, 1e-5, 1e-3])
def test_p_value_and_critical_counts_agree(two_sided: bool, delta: float) -> None:
    runs, ranks = 400, walk_ranks(400, delta)
    generator = np.random.default_rng(0)
    critical = critical_counts(runs, 0.5, delta, two_sided=two_sided)
    odds = 1 / (1 + math.exp(-0.7))
    disagreed = 0
    for _ in range(150):
        counts = walk_counts(np.sort(generator.random(runs)) < generator.random(runs) * 1.3, ranks, two_sided=two_sided)
        counts = np.round(ranks * (2 if two_sided else 1) * np.clip(odds + generator.normal(0, 0.08, ranks.size), 0, 1))
        refuted = label_walk_p_value(counts, runs, 0.5, delta, two_sided=two_sided) <= 0.05
        disagreed += refuted != bool((counts >= critical).any())
    assert disagreed <= 2  # the table's local level is found to a thousandth, the p-value needs no level


def test_bound_is_the_scan_of_p_values() -> None:
    generator = np.random.default_rng(3)
    labels = generator.random(600) < 0.5
    scores = generator.normal(0, 1, 600) + 1.2 * labels
    bound = label_walk(scores[labels], scores[~labels], delta=1e-5, coin_labels=True)
    design = sorted_design(scores[labels], scores[~labels], alpha=0.05, coin_labels=True, seed=0)
    counts = walk_counts(design.labels, walk_ranks(600), two_sided=True)
    refuted = [label_walk_p_value(counts, 600, e / 100, 1e-5) <= 0.05 for e in range(1, 600)]
    assert bound.epsilon == pytest.approx(refuted.index(False) / 100)
    assert 1.0 < bound.epsilon < bound.detectable


def test_level_on_the_extremal_pair() -> None:
    """A label revealed with probability delta, else randomised response: the level is kept, and not by far."""
    generator, runs, trials = np.random.default_rng(5), 400, 4_000
    for epsilon, delta in ((1.0, 1e-5), (0.5, 1e-2)):
        labels = generator.random((trials, runs)) < 0.5
        odds = 1 / (1 + math.exp(-epsilon))
        shown = np.where(generator.random(labels.shape) < odds, labels, ~labels)
        scores = np.where(generator.random(labels.shape) < delta, 10.0 * labels - 5, shown) + 0.5 * generator.random(
            labels.shape
        )
        ordered = np.take_along_axis(labels, np.argsort(-scores, axis=1), axis=1)
        critical = critical_counts(runs, epsilon, delta)
        rate = (walk_counts(ordered, walk_ranks(runs, delta), two_sided=True) >= critical).any(1).mean()
        assert 0.005 < rate < 0.05 + 4 * math.sqrt(0.05 * 0.95 / trials)


def test_a_walk_that_ignored_revealed_labels_would_fail() -> None:
    """The negative control of the term in delta."""
    generator, runs, trials, delta = np.random.default_rng(6), 400, 2_000, 3e-2
    labels = generator.random((trials, runs)) < 0.5
    scores = np.where(generator.random(labels.shape) < delta, 10.0 * labels - 5, generator.random(labels.shape))
    ordered = np.take_along_axis(labels, np.argsort(-scores, axis=1), axis=1)
    counts = walk_counts(ordered, walk_ranks(runs), two_sided=True)
    assert (counts >= critical_counts(runs, 0.0, 0.0)).any(1).mean() > 0.3
    counts = walk_counts(ordered, walk_ranks(runs, delta), two_sided=True)
    assert (counts >= critical_counts(runs, 0.0, delta)).any(1).mean() < 0.06


def test_stronger_attack_larger_bound() -> None:
    generator = np.random.default_rng(1)
    noise, labels = generator.normal(0, 1, 2000), generator.random(2000) < 0.5
    found = [
        label_walk((noise + mu * labels)[labels], (noise + mu * labels)[~labels], delta=1e-5, coin_labels=True).epsilon
        for mu in (0.0, 0.5, 1.0, 2.0, 4.0, 9.0)
    ]
    assert found == sorted(found)
    assert found[0] == 0.0
    assert label_walk(np.ones(500), np.zeros(500), delta=1e-5, coin_labels=True).epsilon > 4.5


def test_hopeless_delta_gives_nothing() -> None:
    bound = label_walk(np.ones(2000), np.zeros(2000), delta=0.4, coin_labels=True)
    assert bound.epsilon == bound.detectable == 0.0


def test_pools_become_coins() -> None:
    design = sorted_design(np.ones(500), np.zeros(500), alpha=0.05, coin_labels=False, seed=0)
    assert 850 < design.labels.size < 1000
    assert 0 < design.spent <= 5e-5
    lopsided = sorted_design(np.ones(500), np.zeros(60), alpha=0.05, coin_labels=False, seed=0)
    assert lopsided.labels.size < 120
    with pytest.raises(InputError, match="Too few runs to turn"):
        label_walk(np.ones(5), np.zeros(5), delta=0.0)
