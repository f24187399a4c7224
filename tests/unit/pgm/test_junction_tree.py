"""Triangulation, clique trees, spanning trees."""

import time
from itertools import combinations

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.pgm import forecast, junction_tree, maximum_spanning_tree
from dpsynth.pgm.junction_tree import JunctionTree, maximal_cliques, triangulate

SIZES = dict.fromkeys("abcdef", 2)
RING = [tuple(pair) for pair in ("ab", "bc", "cd", "de", "ef", "fa")]


def random_cliques(seed: int, d: int = 9, count: int = 12) -> tuple[dict[str, int], list[tuple[str, ...]]]:
    rng = np.random.default_rng(seed)
    sizes = {f"c{i}": int(rng.integers(1, 6)) for i in range(d)}
    names = list(sizes)
    return sizes, [tuple(rng.choice(names, size=int(rng.integers(1, 4)), replace=False)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(30))
def test_every_clique_has_a_node_and_columns_hang_together(seed: int) -> None:
    sizes, cliques = random_cliques(seed)
    tree = junction_tree(sizes, cliques)
    tree.check()
    assert all(tree.home(clique) is not None for clique in cliques)
    assert {name for clique in tree.cliques for name in clique} == set(sizes)
    assert not any(set(a) <= set(b) for a, b in combinations(tree.cliques, 2))
    for name in sizes:  # the nodes of a column, less the links between them, leave one root
        nodes = [node for node, clique in enumerate(tree.cliques) if name in clique]
        assert sum(tree.parents[node] not in nodes for node in nodes) == 1


@pytest.mark.parametrize("seed", range(10))
def test_no_spanning_tree_of_the_cliques_has_larger_separators(seed: int) -> None:
    sizes, cliques = random_cliques(seed, count=8)
    tree = junction_tree(sizes, cliques)
    shared = {
        (str(a), str(b)): len(set(tree.cliques[a]) & set(tree.cliques[b]))
        for a, b in combinations(range(len(tree.cliques)), 2)
    }
    best = maximum_spanning_tree({pair: weight for pair, weight in shared.items() if weight})
    assert sum(map(len, tree.separators)) == sum(shared[pair] for pair in best)


def test_a_tree_of_pairs_stays_as_it_is() -> None:
    pairs = [("a", "b"), ("b", "c"), ("b", "d"), ("e", "f")]
    tree = junction_tree(SIZES, pairs)
    assert {frozenset(clique) for clique in tree.cliques} == {frozenset(pair) for pair in pairs}
    assert tree.cells == 16
    assert tree.parents.count(-1) == 2


def test_a_ring_is_cut_into_triangles() -> None:
    assert sorted(map(len, triangulate(SIZES, RING))) == [3, 3, 3, 3]


def test_the_widest_column_of_a_ring_is_kept_out_of_the_chords() -> None:
    sizes = SIZES | {"d": 50}
    assert sum("d" in clique for clique in triangulate(sizes, RING)) == 1


def test_columns_in_no_clique_get_a_node() -> None:
    tree = junction_tree(SIZES, [("a", "b")])
    assert {frozenset(c) for c in tree.cliques} == {frozenset("ab"), *(frozenset(name) for name in "cdef")}


def test_the_separator_comes_first_in_the_order_of_the_parent_and_the_widest_new_column_last() -> None:
    tree = junction_tree({"a": 2, "b": 3, "c": 9, "d": 4, "e": 2}, [("a", "b", "c", "d"), ("d", "a", "e")])
    assert tree.cliques[0] == ("a", "b", "d", "c")
    assert tree.separators[1] == ("a", "d")
    assert tree.cliques[1] == ("a", "d", "e")


def test_home_is_the_smallest_node() -> None:
    tree = junction_tree({"a": 2, "b": 9, "c": 3}, [("a", "b"), ("a", "c")])
    node = tree.home(("a",))
    assert node is not None
    assert set(tree.cliques[node]) == {"a", "c"}
    assert tree.home(("b", "c")) is None


def test_equal_input_gives_equal_trees() -> None:
    sizes, cliques = random_cliques(3)
    assert junction_tree(sizes, cliques).cliques == junction_tree(sizes, cliques).cliques


def test_three_hundred_columns_take_well_under_a_second() -> None:
    rng = np.random.default_rng(0)
    sizes = {f"c{i}": int(rng.integers(2, 20)) for i in range(300)}
    names = list(sizes)
    pairs = [(names[int(rng.integers(0, i))], names[i]) for i in range(1, 300)]
    pairs += [tuple(rng.choice(names, 2, replace=False)) for _ in range(30)]
    start = time.process_time()
    tree = junction_tree(sizes, pairs)
    assert time.process_time() - start < 2.0
    assert all(tree.home(pair) is not None for pair in pairs)


def test_cells_are_exact_however_large() -> None:
    names = [f"c{i}" for i in range(40)]
    assert forecast(dict.fromkeys(names, 1000), [tuple(names)]).cells == 1000**40


@pytest.mark.parametrize(
    ("sizes", "cliques", "message"),
    [
        ({}, [], "it has no columns"),
        ({"a": 0}, [], r"without cells: \['a'\]"),
        ({"a": 2}, [("a", "x")], r"not in it: \['x'\]"),
    ],
)
def test_impossible_structures_are_refused(sizes: dict[str, int], cliques: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        junction_tree(sizes, cliques)


@pytest.mark.parametrize(
    ("cliques", "parents", "separators", "message"),
    [
        ((("a",), ("b",)), (-1,), ((), ()), "one parent and one separator per clique"),
        ((("a", "a"), ("b",)), (-1, -1), ((), ()), "names a column twice"),
        ((("a", "x"), ("b",)), (-1, -1), ((), ()), "one that has no size"),
        ((("a",), ("b",)), (1, -1), ((), ()), "parents come before"),
        ((("a", "b"), ("b",)), (-1, 0), ((), ()), "a separator is what"),
        ((("a", "b"), ("b",)), (-1, -1), ((), ()), "do not hang together"),
        ((("a",),), (-1,), ((),), "covers every column"),
    ],
)
def test_check_finds_what_is_not_a_junction_tree(
    cliques: tuple, parents: tuple, separators: tuple, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        JunctionTree({"a": 2, "b": 2}, cliques, parents, separators).check()


def test_maximal_cliques_drop_subsets_and_repeats() -> None:
    assert maximal_cliques(["ab", "a", "ba", "bc", ""]) == [frozenset("ab"), frozenset("bc")]


def test_spanning_tree_equals_the_best_of_all_subsets() -> None:
    rng = np.random.default_rng(1)
    weights = {pair: float(rng.normal()) for pair in combinations("abcde", 2)}

    def spans(pairs: tuple[tuple[str, str], ...]) -> bool:
        group = {name: name for name in "abcde"}
        for a, b in pairs:
            old, new = group[a], group[b]
            group = {name: new if g == old else g for name, g in group.items()}
        return len(set(group.values())) == 1

    best = max(sum(weights[p] for p in pairs) for pairs in combinations(weights, 4) if spans(pairs))
    found = maximum_spanning_tree(weights)
    assert len(found) == 4
    assert spans(found)
    assert sum(weights[pair] for pair in found) == pytest.approx(best)
    assert [weights[p] for p in found] == sorted((weights[p] for p in found), reverse=True)


def test_spanning_forest_of_some_columns_leaves_the_rest_out() -> None:
    weights = {("a", "b"): 1.0, ("b", "c"): 9.0, ("a", "c"): 2.0, ("d", "e"): 0.0}
    assert maximum_spanning_tree(weights, "abd") == (("a", "b"),)
    assert maximum_spanning_tree({}) == ()
