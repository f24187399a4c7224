"""Belief propagation against enumeration of all cells."""

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.pgm import junction_tree
from dpsynth.pgm.factor import expand
from dpsynth.pgm.propagation import Propagation

SIZES = {"a": 3, "b": 2, "c": 4, "d": 1, "e": 3}
STRUCTURES = [
    [("a", "b"), ("b", "c"), ("c", "e")],
    [("a", "b", "c"), ("b", "c", "e"), ("e", "d")],
    [("a", "b"), ("c", "e")],
    [("a", "b"), ("b", "c"), ("c", "e"), ("e", "a")],
    [("a", "b", "c", "d", "e")],
    [],
]


def enumerate_marginals(tree, potentials) -> list[np.ndarray]:
    names = tuple(SIZES)
    total = np.zeros(tuple(SIZES.values()))
    for clique, potential in zip(tree.cliques, potentials, strict=True):
        total = total + expand(potential, clique, names)
    joint = np.exp(total - total.max())
    joint /= joint.sum()
    found = []
    for clique in tree.cliques:
        summed = joint.sum(axis=tuple(i for i, name in enumerate(names) if name not in clique))
        kept = [name for name in names if name in clique]
        found.append(summed.transpose([kept.index(name) for name in clique]))
    return found


@pytest.mark.parametrize("cliques", STRUCTURES)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
@pytest.mark.parametrize("zeros", [0.0, 0.3])
def test_marginals_equal_enumeration(cliques: list[tuple[str, ...]], scale: float, zeros: float) -> None:
    rng = np.random.default_rng(0)
    tree = junction_tree(SIZES, cliques)
    potentials = [scale * rng.normal(size=tree.shape(node)) for node in range(len(tree.cliques))]
    for potential in potentials:
        potential[rng.random(potential.shape) < zeros] = -np.inf
        potential.flat[0] = 0.0  # the first cell stays possible
    before = [potential.copy() for potential in potentials]
    found = Propagation(tree).calibrate(potentials)
    for marginal, expected in zip(found, enumerate_marginals(tree, potentials), strict=True):
        assert np.abs(marginal - expected).max() < 1e-10
    assert all(np.array_equal(a, b) for a, b in zip(before, potentials, strict=True))


def test_a_constant_on_every_potential_changes_nothing() -> None:
    tree = junction_tree(SIZES, STRUCTURES[0])
    potentials = [np.random.default_rng(1).normal(size=tree.shape(node)) for node in range(len(tree.cliques))]
    plain = Propagation(tree).calibrate(potentials)
    for offset in (-1e5, 1e5):
        moved = Propagation(tree).calibrate([p + offset for p in potentials])
        assert all(np.allclose(a, b, atol=1e-9) for a, b in zip(plain, moved, strict=True))


def test_separators_agree_from_both_sides() -> None:
    tree = junction_tree(SIZES, STRUCTURES[1])
    propagation = Propagation(tree)
    marginals = propagation.calibrate(
        [np.random.default_rng(2).normal(size=tree.shape(n)) for n in range(len(tree.cliques))]
    )
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            above, below = propagation.separator_above(node, marginals), propagation.separator_below(node, marginals)
            assert np.allclose(above, below, atol=1e-14)


def test_nothing_possible_is_an_error() -> None:
    tree = junction_tree({"a": 2, "b": 2, "c": 2}, [("a", "b"), ("b", "c")])
    with pytest.raises(PlanError, match="leave no possible row"):
        Propagation(tree).calibrate(
            [np.array([[0.0, -np.inf], [0.0, -np.inf]]), np.array([[-np.inf, -np.inf], [0.0, 0.0]])]
        )


@pytest.mark.parametrize("cliques", STRUCTURES)
@pytest.mark.parametrize("zeros", [0.0, 0.4])
def test_slack_equals_enumeration(cliques: list[tuple[str, ...]], zeros: float) -> None:
    rng = np.random.default_rng(3)
    tree = junction_tree(SIZES, cliques)
    names = tuple(SIZES)
    costs = [rng.normal(size=tree.shape(node)) for node in range(len(tree.cliques))]
    for cost in costs:
        cost[rng.random(cost.shape) < zeros] = np.inf
        cost.flat[0] = 1.0
    total = np.zeros(tuple(SIZES.values()))
    for clique, cost in zip(tree.cliques, costs, strict=True):
        total = total + expand(cost, clique, names)
    for clique, slack in zip(tree.cliques, Propagation(tree).slack(costs), strict=True):
        least = total.min(axis=tuple(i for i, name in enumerate(names) if name not in clique))
        kept = [name for name in names if name in clique]
        expected = least.transpose([kept.index(name) for name in clique]) - total.min()
        assert np.array_equal(np.isinf(slack), np.isinf(expected))
        assert np.allclose(slack[np.isfinite(slack)], expected[np.isfinite(expected)], atol=1e-12)
