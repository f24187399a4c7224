"""The splitting against non-negative least squares on the joint."""

import numpy as np
import pytest

from dpsynth.pgm import junction_tree
from dpsynth.pgm.least_squares import LeastSquares, QuadraticTerm, history_depth
from tests.unit.pgm import exact

SIZES = {"a": 3, "b": 2, "c": 4, "d": 2}
STRUCTURES = [
    [("a",), ("b",), ("a", "b"), ("b", "c"), ("c", "d")],
    [("a", "b"), ("b", "c"), ("a", "c"), ("d",)],
    [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("a",)],
    [("a", "b", "c"), ("b", "c", "d"), ("a", "d")],
    [("a",), ("b",)],
    [("a", "b", "c", "d"), ("a", "b")],
]


def problem(cliques, sigma: float, seed: int, weights=None):
    joint = exact.random_joint(SIZES, 500, seed)
    observations = exact.observe(SIZES, joint, cliques, sigma, seed)
    tree = junction_tree(SIZES, cliques)
    nodes = [tuple(n for n in SIZES if n in clique) for clique in tree.cliques]
    terms = [QuadraticTerm(o.clique, o.values, 1 / sigma**2) for o in observations]
    return LeastSquares(SIZES, nodes, tree.separators, terms, 500.0, {}), nodes, observations


@pytest.mark.parametrize("cliques", STRUCTURES)
@pytest.mark.parametrize("sigma", [0.01, 5.0, 200.0])
def test_observed_marginals_equal_the_dense_solver(cliques, sigma: float) -> None:
    solver, nodes, observations = problem(cliques, sigma, 3)
    solution = solver.solve(1e-6, 20_000)
    assert solution.converged
    best = exact.least_squares(SIZES, observations, 500.0)
    for observation in observations:
        node = next(n for n, clique in enumerate(nodes) if set(observation.clique) <= set(clique))
        found = exact.marginalize(solution.tables[node], nodes[node], observation.clique)
        assert np.abs(found - exact.marginal_of(best, SIZES, observation.clique)).max() < 2e-4 * sigma
    assert all((table >= 0).all() for table in solution.tables)


def test_the_cap_on_iterations_shows() -> None:
    solution = problem(STRUCTURES[2], 20.0, 0)[0].solve(1e-12, 3)
    assert not solution.converged
    assert solution.iterations == 3
    assert solution.residual > 1e-12


def test_a_tighter_tolerance_comes_closer_to_the_optimum() -> None:
    def excess(tolerance: float) -> float:
        solver, nodes, observations = problem(STRUCTURES[3], 20.0, 1)
        tables = solver.solve(tolerance, 5000).tables
        best = exact.least_squares(SIZES, observations, 500.0)
        far = 0.0
        for observation in observations:
            node = next(n for n, clique in enumerate(nodes) if set(observation.clique) <= set(clique))
            found = exact.marginalize(tables[node], nodes[node], observation.clique)
            far += float(((found - exact.marginal_of(best, SIZES, observation.clique)) ** 2).sum())
        return far**0.5 / 20.0

    loose, tight = excess(1.0), excess(1e-5)
    assert tight < 1e-3
    assert loose > 10 * tight


def test_fewer_steps_are_kept_for_larger_models() -> None:
    assert [history_depth(cells) for cells in (1, 10_000, 400_000, 10**7)] == [10, 10, 5, 3]
