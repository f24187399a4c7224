"""Projection of a fitted model, in and out of its cliques."""

from itertools import permutations

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.pgm import Diagnostics, GraphicalModel, junction_tree
from dpsynth.pgm.factor import expand
from dpsynth.pgm.propagation import Propagation
from tests.unit.pgm.exact import marginal_of

SIZES = {"a": 3, "b": 2, "c": 4, "d": 1, "e": 3, "f": 2}
STRUCTURES = [
    [("a", "b"), ("b", "c"), ("c", "e"), ("e", "f")],
    [("a", "b"), ("a", "c"), ("a", "e"), ("f", "d")],
    [("a", "b", "c"), ("b", "c", "e"), ("e", "d"), ("f",)],
    [("a", "b"), ("b", "c"), ("c", "e"), ("e", "f"), ("f", "a")],
    [],
]


def random_model(cliques, seed: int = 0, zeros: float = 0.0, sizes: dict[str, int] = SIZES) -> GraphicalModel:
    rng = np.random.default_rng(seed)
    tree = junction_tree(sizes, cliques)
    potentials = [2 * rng.normal(size=tree.shape(node)) for node in range(len(tree.cliques))]
    for potential in potentials:
        potential[rng.random(potential.shape) < zeros] = -np.inf
        potential.flat[0] = 0.0
    marginals = Propagation(tree).calibrate(potentials)
    return GraphicalModel(tree, tuple(marginals), 100.0, Diagnostics("estimate", 1, 0.0, True))


def joint_of(model: GraphicalModel) -> np.ndarray:
    """The product of the nodes over the product of the separators, cell by cell."""
    joint = np.full(tuple(model.sizes.values()), model.total)
    for node, clique in enumerate(model.cliques):
        joint = joint * expand(model.marginals[node], clique, model.names)
        separator = model.tree.separators[node]
        below = expand(marginal_of(model.marginals[node], dict.fromkeys(clique, 0), separator), separator, model.names)
        joint = np.divide(joint, below, out=np.zeros_like(joint), where=np.broadcast_to(below, joint.shape) > 0)
    return joint


@pytest.mark.parametrize("cliques", STRUCTURES)
@pytest.mark.parametrize("zeros", [0.0, 0.3])
def test_every_projection_equals_enumeration(cliques, zeros: float) -> None:
    model = random_model(cliques, zeros=zeros)
    joint = joint_of(model)
    for count in range(4):
        for clique in permutations(SIZES, count):
            assert np.abs(model.project(clique) - marginal_of(joint, SIZES, clique)).max() < 1e-10
    assert np.abs(model.project(tuple(SIZES)) - joint).max() < 1e-10


def test_facts() -> None:
    model = random_model(STRUCTURES[0])
    assert model.names == tuple(SIZES)
    assert model.sizes == SIZES
    assert model.memory_bytes == 8 * model.tree.cells
    assert {frozenset(clique) for clique in model.cliques} >= {frozenset("ab"), frozenset("ef")}


def test_a_projection_through_a_long_chain_stays_small() -> None:
    sizes = {f"c{i}": 30 for i in range(60)}
    names = list(sizes)
    model = random_model(list(zip(names, names[1:], strict=False)), sizes=sizes)
    far = model.project((names[0], names[-1]), cell_cap=900)
    assert far.sum() == pytest.approx(100)
    assert np.allclose(far, np.outer(model.project(names[:1]), model.project(names[-1:])) / 100, atol=1e-6)
    with pytest.raises(PlanError, match="cap is 899"):
        model.project((names[0], names[-1]), cell_cap=899)


def test_a_table_above_the_cap_is_refused_before_it_is_made() -> None:
    sizes = dict.fromkeys("abcdef", 1000)
    model = random_model([], sizes=sizes)
    with pytest.raises(PlanError, match="It has 1,000,000,000,000,000,000 cells; the cap is 20,000,000"):
        model.project(tuple("abcdef"))


def test_a_large_table_on_the_way_is_refused_too() -> None:
    sizes = {"hub": 2, **{f"c{i}": 50 for i in range(4)}}
    model = random_model([("hub", f"c{i}") for i in range(4)], sizes=sizes)
    with pytest.raises(PlanError, match="A marginal over"):
        model.project(("c0", "c1", "c2"), cell_cap=1000)
    assert model.project(("c0", "c1"), cell_cap=2500).shape == (50, 50)


@pytest.mark.parametrize(
    ("clique", "message"), [(("a", "zz"), "Not in the model: 'zz'"), (("a", "a"), "A column is named twice")]
)
def test_bad_cliques_are_refused(clique: tuple[str, ...], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        random_model([]).project(clique)
