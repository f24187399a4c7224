"""Stratified rows."""

import hashlib

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.pgm import Diagnostics, GraphicalModel, junction_tree
from dpsynth.pgm.sample import draw_column, order_rows
from tests.unit.pgm.test_model import SIZES, STRUCTURES, random_model


def counts(rows: np.ndarray, model: GraphicalModel, clique: tuple[str, ...]) -> np.ndarray:
    shape = tuple(model.sizes[name] for name in clique)
    code = np.ravel_multi_index([rows[:, model.names.index(name)] for name in clique], shape)
    return np.bincount(code, minlength=int(np.prod(shape))).reshape(shape)


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    return 0.5 * float(np.abs(found / found.sum() - expected / expected.sum()).sum())


@pytest.mark.parametrize("cliques", STRUCTURES)
@pytest.mark.parametrize("n", [0, 1, 2, 7, 1000])
def test_shape_type_and_range(cliques, n: int) -> None:
    model = random_model(cliques, zeros=0.3)
    rows = model.sample(n, np.random.default_rng(0))
    assert rows.shape == (n, len(SIZES))
    assert rows.dtype == np.int32
    assert (rows >= 0).all()
    assert (rows < np.array(list(SIZES.values()))).all()


@pytest.mark.parametrize("cliques", STRUCTURES)
def test_cells_of_probability_zero_are_never_drawn(cliques) -> None:
    model = random_model(cliques, zeros=0.4)
    rows = model.sample(20_000, np.random.default_rng(1))
    for clique in model.cliques:
        assert (counts(rows, model, clique)[model.project(clique) == 0] == 0).all()


@pytest.mark.parametrize("cliques", STRUCTURES)
def test_marginals_of_cliques_are_closer_than_independent_draws_could_be(cliques) -> None:
    model = random_model(cliques)
    rows = model.sample(5000, np.random.default_rng(2))
    for clique in model.cliques:
        expected = model.project(clique)
        found = distance(counts(rows, model, clique), expected)
        assert found < 2.0 * expected.size / 5000
        if expected.size >= 6:  # negative control: a multinomial sample is several times farther off
            draws = np.random.default_rng(3).multinomial(5000, (expected / expected.sum()).ravel())
            assert distance(draws.reshape(expected.shape), expected) > 2 * found


def test_counts_of_one_column_are_within_one_of_the_model() -> None:
    model = random_model(STRUCTURES[4])
    for n in (1, 10, 997):
        rows = model.sample(n, np.random.default_rng(n))
        for name in SIZES:
            assert np.abs(counts(rows, model, (name,)) - model.project((name,)) / model.total * n).max() < 1


def test_every_group_of_rows_gets_its_conditional_within_one() -> None:
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.full(6, 0.3), size=40) * rng.random((40, 1))
    group = rng.integers(0, 40, 3000).astype(np.uint8)
    drawn = draw_column(group, table, rng.permutation(3000), rng)
    for g in range(40):
        found = np.bincount(drawn[group == g], minlength=6)
        assert np.abs(found - found.sum() * table[g] / table[g].sum()).max() < 1 + 1e-9


def test_many_groups_of_one_row_are_stratified_together() -> None:
    table = np.tile([0.5, 0.3, 0.2], (900, 1))
    rng = np.random.default_rng(4)
    drawn = draw_column(np.arange(900, dtype=np.uint16), table, rng.permutation(900), rng)
    assert np.abs(np.bincount(drawn, minlength=3) - [450, 270, 180]).max() <= 5


def test_a_group_without_mass_falls_back_to_the_column() -> None:
    table = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    rng = np.random.default_rng(0)
    drawn = draw_column(np.zeros(100, dtype=np.uint8), table, rng.permutation(100), rng)
    assert np.bincount(drawn, minlength=3).tolist() == [0, 50, 50]


def test_columns_that_no_node_joins_are_independent_given_the_tree() -> None:
    model = random_model(STRUCTURES[0])
    rows = model.sample(200_000, np.random.default_rng(5))
    for clique in (("a", "c"), ("a", "e"), ("b", "f"), ("a", "f")):
        assert distance(counts(rows, model, clique), model.project(clique)) < 0.005


def test_rows_come_in_no_order_of_their_values() -> None:
    rows = random_model(STRUCTURES[0]).sample(20_000, np.random.default_rng(6))
    for column in range(len(SIZES)):
        ranks = rows[:, column].astype(float)
        if ranks.std():
            assert abs(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1]) < 0.03


def test_equal_seeds_give_equal_rows_and_others_do_not() -> None:
    model = random_model(STRUCTURES[1])
    first, again, other = (model.sample(500, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_seed_gives_the_same_rows_on_every_machine() -> None:
    tree = junction_tree({"a": 2, "b": 3, "c": 4}, [("a", "b"), ("b", "c")])
    values = {frozenset("ab"): np.array([[0.25, 0.125, 0.0], [0.125, 0.25, 0.25]])}
    values[frozenset("bc")] = np.array(
        [[0.125, 0.125, 0.0625, 0.0625], [0.0, 0.125, 0.125, 0.125], [0.25, 0.0, 0.0, 0.0]]
    )
    order = {"a": 0, "b": 1, "c": 2}
    marginals = []
    for clique in tree.cliques:
        table = values[frozenset(clique)]
        names = sorted(clique, key=order.__getitem__)
        marginals.append(np.ascontiguousarray(table.transpose([names.index(name) for name in clique])))
    model = GraphicalModel(tree, tuple(marginals), 8.0, Diagnostics("rake", 1, 0.0, True))
    rows = model.sample(1000, np.random.default_rng(2024))
    digest = hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
    assert digest == "6cb1211792e01928f2bef430b2d18c7e6495ada607bf49048499023cc154bcff"


def test_order_rows_sorts_by_the_last_column_first() -> None:
    rows = np.asfortranarray(np.random.default_rng(0).integers(0, 3, (200, 3)), dtype=np.int32)
    order = order_rows(rows, [3, 3, 3], np.random.default_rng(1))
    assert sorted(order.tolist()) == list(range(200))
    keys = [tuple(row[::-1]) for row in rows[order].tolist()]
    assert keys == sorted(keys)


def test_a_negative_number_of_rows_is_refused() -> None:
    with pytest.raises(PlanError, match="A sample of -1 rows was asked for"):
        random_model([]).sample(-1, np.random.default_rng(0))
