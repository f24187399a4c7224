"""The skeleton of strong pairs, and what it says about all others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dpsynth.generators.adaptive.skeleton import forest_references, spanning_forest
from dpsynth.pgm import rake

NAMES = ("a", "b", "c", "d", "e")
PAIRS = list(itertools.combinations(NAMES, 2))
SIZES = {"a": 3, "b": 2, "c": 4, "d": 5, "e": 2}


def test_the_forest_is_the_heaviest() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        strength = dict(zip(PAIRS, rng.random(len(PAIRS)), strict=True))
        found = spanning_forest(PAIRS, strength)
        assert len(found) == len(NAMES) - 1
        best = max(
            (sum(strength[p] for p in tree) for tree in itertools.combinations(PAIRS, 4) if _spans(tree)),
        )
        assert sum(strength[p] for p in found) == pytest.approx(best)


def _spans(tree) -> bool:
    seen = {NAMES[0]}
    for _ in NAMES:
        seen |= {name for pair in tree for name in pair if seen & set(pair)}
    return seen == set(NAMES)


def test_pairs_that_do_not_join_all_columns_leave_several_trees() -> None:
    assert set(spanning_forest([("a", "b"), ("c", "d")], {("a", "b"): 1.0, ("c", "d"): 2.0})) == {
        ("a", "b"),
        ("c", "d"),
    }
    assert spanning_forest([], {}) == ()


def test_references_are_those_of_the_graphical_model() -> None:
    rng = np.random.default_rng(1)
    joint = rng.random(tuple(SIZES.values())) ** 3
    joint *= 50_000 / joint.sum()

    def margin(*names):
        return joint.sum(axis=tuple(i for i, n in enumerate(NAMES) if n not in names))

    counts = {name: margin(name) for name in NAMES}
    forest = {pair: margin(*pair) for pair in (("a", "b"), ("b", "d"), ("c", "d"))}  # e stands alone
    found = forest_references(counts, forest, PAIRS)
    observed = {(name,): values for name, values in counts.items()} | forest
    graph = rake(SIZES, observed, total=50_000.0, tolerance=1e-12, max_iterations=200)
    for pair in PAIRS:
        assert found[pair].dtype == np.int64
        assert np.abs(found[pair] - graph.project(pair)).max() <= 0.501, pair
