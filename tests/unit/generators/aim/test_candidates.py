"""Sizes of junction trees, which candidates fit, and many projections at once."""

from __future__ import annotations

import itertools
from math import prod

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.generators.aim import candidates
from dpsynth.generators.aim.candidates import ModelSizes, bounded_candidates, project_all
from dpsynth.pgm import GraphicalModel, Observation, estimate, forecast

SIZES = {"a": 3, "b": 5, "c": 2, "d": 7, "e": 4, "f": 6}
CLIQUES = [c for size in (1, 2, 3) for c in itertools.combinations(SIZES, size)]
SINGLES = [(name,) for name in SIZES]


def drawn(count: int, seed: int) -> list[tuple[str, ...]]:
    rng = np.random.default_rng(seed)
    return [*SINGLES, *(CLIQUES[i] for i in rng.choice(len(CLIQUES), count))]


def model(seed: int = 0, count: int = 6) -> GraphicalModel:
    rng = np.random.default_rng(seed)
    given = [Observation(c, rng.gamma(0.5, 100.0, [SIZES[n] for n in c]), 25.0) for c in drawn(count, seed)]
    return estimate(SIZES, given, total=1000.0)


@pytest.mark.parametrize("seed", range(8))
def test_cells_are_those_of_the_tree_that_is_fitted(seed: int) -> None:
    sizes = ModelSizes(SIZES)
    measured = drawn(seed, seed)
    for clique in CLIQUES[::3]:
        assert sizes.cells([*measured, clique]) == forecast(SIZES, [*measured, clique]).cells
    assert sizes.cells(SINGLES) == sum(SIZES.values())


def test_the_sum_of_the_cliques_is_not_the_size_of_the_tree() -> None:
    """Negative control: a cycle of pairs needs larger tables than the pairs."""
    cycle = [("a", "b"), ("b", "d"), ("d", "f"), ("a", "f")]
    assert ModelSizes(SIZES).cells(cycle) > sum(prod(SIZES[n] for n in c) for c in cycle) + SIZES["c"] + SIZES["e"]


@pytest.mark.parametrize("cap", [0.0, 60.0, 200.0, 1e9])
@pytest.mark.parametrize("seed", range(4))
def test_affordable_candidates_keep_the_tree_within_the_cap_or_as_it_is(seed: int, cap: float) -> None:
    measured = drawn(4, seed)
    now = forecast(SIZES, measured).cells
    found = ModelSizes(SIZES).affordable(measured, CLIQUES, cap)
    for clique in CLIQUES:
        assert (clique in found) == (forecast(SIZES, [*measured, clique]).cells <= max(cap, now))
    assert set(measured) <= set(found)
    assert found == [clique for clique in CLIQUES if clique in found]


@pytest.mark.parametrize("seed", range(4))
def test_many_projections_equal_each_alone(seed: int) -> None:
    graph = model(seed)
    for cliques in (CLIQUES, CLIQUES[::2], CLIQUES[:10], []):
        tables = project_all(graph, cliques)
        assert list(tables) == cliques
        for clique, values in tables.items():
            assert np.allclose(values, graph.project(clique), atol=1e-9 * graph.total)


def test_what_is_too_large_to_project_is_left_out(monkeypatch) -> None:
    graph = model()
    alone = GraphicalModel.project

    def refuse(self, clique, **more):
        if clique == ("a", "d", "f"):
            raise PlanError("too large")
        return alone(self, clique, **more)

    monkeypatch.setattr(GraphicalModel, "project", refuse)
    assert set(CLIQUES) - set(project_all(graph, CLIQUES)) == {("a", "d", "f")}


def test_candidates_that_do_not_fit_in_memory_are_counted_out(monkeypatch) -> None:
    closure = dict.fromkeys(CLIQUES, 1)
    assert bounded_candidates(SIZES, closure) == (closure, 0)
    monkeypatch.setattr(candidates, "LARGEST_CANDIDATE", 100)
    kept, left_out = bounded_candidates(SIZES, closure)
    assert list(kept) == [c for c in CLIQUES if prod(SIZES[n] for n in c) <= 100]
    assert left_out == len(CLIQUES) - len(kept) > 0
    monkeypatch.setattr(candidates, "CELLS_OF_ALL", 10)
    kept, left_out = bounded_candidates(SIZES, closure)
    assert list(kept) == SINGLES  # one-ways are always kept
