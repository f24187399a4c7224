"""Every table of at most three rows over at most 3 x 3 cells, against every neighbour, through the code that users call.

The encoder, an engine, `exact_answers` and `event_of` are the real ones: what moves between neighbours is compared with
the sensitivity inside the event that the ledger would charge. Each bound is also reached, so none is loose.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.events import Gaussian, Laplace, leaves
from dpsynth.domain.columns import Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.encoding.grouping import Grouping
from dpsynth.engines.base import AbstractEngine
from dpsynth.engines.open import open_engine
from dpsynth.gate import DiscreteLaplace, Distances, Marginals, ParitySums, RoundedGaussian, Total, event_of
from dpsynth.gate.answers import exact_answers
from dpsynth.gate.mechanisms import sensitivity_of_score, shape_of

ADD, REPLACE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE
LONGEST = 3

Table = tuple[int, ...]
"""A table as the sorted cells of its rows."""


class World:
    """A domain of two columns (or one) and every value that a cell of it can come from, trash among them."""

    def __init__(self, name: str, domain: Domain, values: list[list[object]]) -> None:
        self.name, self.domain = name, domain
        self.records = list(itertools.product(*values))
        self._engines: dict[Table, AbstractEngine] = {}

    def engine(self, table: Table) -> AbstractEngine:
        """The table behind a real engine."""
        if table not in self._engines:
            records = [self.records[cell] for cell in table]
            frame = pd.DataFrame(records, columns=list(self.domain.names)).astype(object)
            self._engines[table] = open_engine(frame, self.domain)
        return self._engines[table]

    def __repr__(self) -> str:
        return self.name


WORLDS = [
    World(
        "3x3",  # a missing cell in one column, clipping in the other; "??" and None are out of the domain
        Domain(
            (Category(name="a", values=("x", "y")), Integer(name="b", minimum=0, maximum=2, required=True)),
        ),
        [["x", "??", None], [-7, 1, 2]],
    ),
    World(
        "2x3",
        Domain((Category(name="a", values=("x", "y"), required=True), Category(name="b", values=("u", "v")))),
        [["x", "y"], ["u", "v", ""]],
    ),
    World("1x3", Domain((Category(name="a", values=("x", "y", "z"), required=True),)), [["x", "y", "z"]]),
]


def _queries(world: World) -> list[Marginals | Distances | ParitySums | Total]:
    names = world.domain.names
    sizes = world.engine(()).encoder.sizes
    cliques = tuple(itertools.chain.from_iterable(itertools.combinations(names, k) for k in range(1, len(names) + 1)))
    halves = {names[0]: Grouping(np.minimum(np.arange(sizes[names[0]]), 1), 2)}

    def shape(clique: tuple[str, ...], grouped: bool) -> tuple[int, ...]:
        return tuple(2 if grouped and n in halves else sizes[n] for n in clique)

    def references(grouped: bool) -> dict[tuple[str, ...], np.ndarray]:
        rng = np.random.default_rng(3)
        return {c: rng.integers(-2, 4, shape(c, grouped)) for c in cliques}

    far = {c: np.full(shape(c, False), 50) for c in cliques}
    weights = {c: 2 * i + 1 for i, c in enumerate(cliques)}
    offsets = {c: 7 * i - 3 for i, c in enumerate(cliques)}
    return [
        Total(),
        Marginals(cliques),
        Marginals(cliques, halves),
        Distances(references(False)),
        Distances(references(True), halves),
        Distances(far),
        Distances(far, offsets=offsets, weights=weights),
        Distances(references(True), halves, offsets, weights),
        ParitySums(((), *cliques), {name: np.where(np.arange(sizes[name]) % 2 == 0, 1, -1) for name in names}),
    ]


def _neighbours(table: Table, cells: int, relation: NeighbouringRelation) -> Iterator[Table]:
    if relation is ADD:
        for cell in range(cells):
            yield tuple(sorted((*table, cell)))
        for i in range(len(table)):
            yield table[:i] + table[i + 1 :]
    else:
        for i in range(len(table)):
            for cell in range(cells):
                yield tuple(sorted((*table[:i], cell, *table[i + 1 :])))


def _tables(cells: int, longest: int) -> Iterator[Table]:
    for n in range(longest + 1):
        yield from itertools.combinations_with_replacement(range(cells), n)


def _largest_moves(
    world: World, query, unit: PrivacyUnit, relation: NeighbouringRelation
) -> list[tuple[int, int, int]]:
    """(L1, squared L2, L-infinity) of the largest move of each noisy vector of the query, over all neighbours."""

    @cache
    def answers(table: Table) -> tuple[np.ndarray, ...]:
        return tuple(answer.ravel() for answer in exact_answers(world.engine(table), query))

    cells = len(world.records)
    largest = [(0, 0, 0)] * len(answers(()))
    for table in _tables(cells, LONGEST + 1 - unit.size):
        reached = {table}
        for _ in range(unit.size):
            reached |= {other for one in reached for other in _neighbours(one, cells, relation)}
        for other in reached:
            for k, (one, two) in enumerate(zip(answers(table), answers(other), strict=True)):
                move = np.abs(two - one)
                figures = (int(move.sum()), int((move * move).sum()), int(move.max(initial=0)))
                largest[k] = tuple(map(max, largest[k], figures))
    return largest


@pytest.mark.parametrize("unit", [rows(1), rows(2)], ids=str)
@pytest.mark.parametrize("relation", [ADD, REPLACE], ids=lambda r: r.value)
@pytest.mark.parametrize("world", WORLDS, ids=repr)
def test_no_neighbour_moves_an_answer_further_than_its_event_says(world, relation, unit) -> None:
    for query in _queries(world):
        if isinstance(query, Total) and relation is REPLACE:
            continue  # refused: test_mechanisms
        shape = shape_of(query)
        count = shape.count if isinstance(query, Marginals) else 1
        gaussian = [leaf for leaf, _ in leaves(event_of(query, RoundedGaussian((1.0,) * count), unit, relation))]
        laplace = [leaf for leaf, _ in leaves(event_of(query, DiscreteLaplace((1.0,) * count), unit, relation))]
        moves = _largest_moves(world, query, unit, relation)
        assert len(moves) == len(gaussian) == len(laplace)
        for (l1, squared_l2, largest), normal, exponential in zip(moves, gaussian, laplace, strict=True):
            assert isinstance(normal, Gaussian)
            assert isinstance(exponential, Laplace)
            assert squared_l2 <= normal.squared_sensitivity
            assert l1 <= exponential.sensitivity
            if isinstance(query, Distances):
                assert largest <= sensitivity_of_score(query, unit, relation)
            if isinstance(query, ParitySums):
                assert largest <= unit.l1(relation)


@pytest.mark.parametrize("relation", [ADD, REPLACE], ids=lambda r: r.value)
def test_the_bounds_are_reached(relation) -> None:
    world, unit = WORLDS[0], rows(1)
    total, marginals, _, near, _, _, weighted, _, parities = _queries(world)
    for l1, squared_l2, _ in _largest_moves(world, marginals, unit, relation):
        assert (l1, squared_l2) == (unit.l1(relation), unit.squared_l2(relation))
    (moved,) = _largest_moves(world, near, unit, relation)
    assert moved[2] == unit.l1(relation)
    if relation is ADD:
        assert _largest_moves(world, total, unit, relation) == [(1, 1, 1)]
        assert moved[1] == shape_of(near).count
        assert _largest_moves(world, weighted, unit, relation) == [(1 + 3 + 5, 1 + 9 + 25, 5)]
    (moved,) = _largest_moves(world, parities, unit, relation)
    assert moved[2] == unit.l1(relation)
    if relation is ADD:
        assert moved[:2] == (shape_of(parities).count, shape_of(parities).count)


def test_a_sensitivity_that_forgets_the_relation_is_caught() -> None:
    """Negative control: the add/remove figure under replace-one."""
    world = WORLDS[2]
    marginals = _queries(world)[1]
    moves = _largest_moves(world, marginals, rows(1), REPLACE)
    assert any(squared_l2 > rows(1).squared_l2(ADD) for _, squared_l2, _ in moves)


def test_a_sensitivity_that_forgets_the_weights_is_caught() -> None:
    """Negative control: the figures of plain distances."""
    weighted = _queries(WORLDS[0])[-2]
    assert weighted.weights
    ((_, squared_l2, largest),) = _largest_moves(WORLDS[0], weighted, rows(1), REPLACE)
    assert squared_l2 > len(weighted.references) * rows(1).l1(REPLACE) ** 2
    assert largest > rows(1).l1(REPLACE)


def test_a_reference_that_depends_on_the_table_is_caught() -> None:
    """Negative control: distances to an exact margin of the same table move by more than u1."""
    world = WORLDS[0]

    def residual(table: Table) -> int:
        (exact,) = world.engine(table).counts([("a", "b")], {})
        products = exact.sum(axis=1, keepdims=True) * exact.sum(axis=0, keepdims=True)
        return int(np.abs(exact - products // max(len(table), 1)).sum())

    moved = [abs(residual(other) - residual(table)) for table in _tables(9, 2) for other in _neighbours(table, 9, ADD)]
    assert max(moved) > 1
