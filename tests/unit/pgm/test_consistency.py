"""The closed form against a dense least-squares solver."""

import numpy as np
import pytest

from dpsynth.pgm.consistency import ConsistentTables, closed_sets

SIZES = {"a": 2, "b": 3, "c": 2, "d": 4}


def marginal_matrix(clique: tuple[str, ...]) -> np.ndarray:
    """cells of the clique x cells of the joint."""
    shape = tuple(SIZES.values())
    joint = np.indices(shape).reshape(len(shape), -1)
    names = list(SIZES)
    wide = tuple(SIZES[name] for name in clique)
    code = (
        np.ravel_multi_index([joint[names.index(n)] for n in clique], wide) if clique else np.zeros(joint.shape[1], int)
    )
    matrix = np.zeros((int(np.prod(wide)), joint.shape[1]))
    matrix[code, np.arange(joint.shape[1])] = 1
    return matrix


def solve(
    cliques: list[tuple[str, ...]], weights: list[float], targets: list[np.ndarray], total: float
) -> list[np.ndarray]:
    shared = closed_sets([frozenset(a) & frozenset(b) for i, a in enumerate(cliques) for b in cliques[:i]])
    tables = ConsistentTables(SIZES, cliques, shared, weights, total)
    found = [target.copy() for target in targets]
    accumulated = tables.accumulators()
    parts = [tables.components(i, values) for i, values in enumerate(found)]
    for i, components in enumerate(parts):
        tables.weighted(i, components, accumulated)
    means = tables.means(accumulated)
    for i, (values, components) in enumerate(zip(found, parts, strict=True)):
        tables.correct(i, values, components, means)
    return found


@pytest.mark.parametrize(
    "cliques",
    [
        [("a", "b"), ("b", "c"), ("c", "d")],
        [("a", "b", "c"), ("b", "c", "d")],
        [("a", "b", "c"), ("b", "c", "d"), ("b",), ("b", "c"), ("a", "b")],
        [("a", "b", "c", "d"), ("a", "b"), ("b", "c"), ("a", "c"), ("a", "d"), ("d",)],
        [("a", "b"), ("c", "d")],
        [("a", "b"), ("a", "b"), ("b", "d")],
        [("d",)],
    ],
)
def test_equals_the_minimiser_over_all_signed_joints(cliques: list[tuple[str, ...]]) -> None:
    rng = np.random.default_rng(len(cliques))
    weights = [float(w) for w in rng.uniform(0.1, 5, len(cliques))]
    targets = [rng.normal(5, 3, tuple(SIZES[n] for n in clique)) for clique in cliques]
    found = solve(cliques, weights, targets, 17.0)
    # min sum w/2 ||M z - b||^2 subject to sum z = 17, by the null space of the constraint.
    cells = int(np.prod(tuple(SIZES.values())))
    start = np.full(cells, 17.0 / cells)
    basis = np.linalg.svd(np.ones((1, cells)))[2][1:].T
    rows = np.vstack([np.sqrt(w) * marginal_matrix(c) for w, c in zip(weights, cliques, strict=True)])
    right = np.concatenate([np.sqrt(w) * b.ravel() for w, b in zip(weights, targets, strict=True)])
    joint = start + basis @ np.linalg.lstsq(rows @ basis, right - rows @ start, rcond=None)[0]
    for clique, values in zip(cliques, found, strict=True):
        assert np.abs(values.ravel() - marginal_matrix(clique) @ joint).max() < 1e-10


def test_a_consistent_family_is_left_alone() -> None:
    cliques = [("a", "b", "c"), ("b", "c", "d"), ("c",)]
    joint = np.random.default_rng(0).normal(size=int(np.prod(tuple(SIZES.values()))))
    targets = [(marginal_matrix(c) @ joint).reshape([SIZES[n] for n in c]) for c in cliques]
    for values, target in zip(solve(cliques, [1.0, 2.0, 3.0], targets, float(joint.sum())), targets, strict=True):
        assert np.allclose(values, target, atol=1e-12)


def test_closed_sets_hold_all_intersections_and_the_empty_set() -> None:
    found = closed_sets([frozenset("abc"), frozenset("bcd"), frozenset("ce")])
    assert found == [frozenset(s) for s in ("", "c", "bc", "ce", "abc", "bcd")]
    assert closed_sets([]) == [frozenset()]
