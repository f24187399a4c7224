"""From cliques to a junction tree: triangulation, maximal cliques, clique tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, prod

import numpy as np

from dpsynth.errors import PlanError

__all__ = ["JunctionTree", "junction_tree", "maximal_cliques", "maximum_spanning_tree", "triangulate"]


@dataclass(frozen=True, slots=True, eq=False)
class JunctionTree:
    """Maximal cliques of a chordal graph, joined so that each column's cliques hang together.

    Attributes:
        sizes: cells of each column, in the order of the model.
        cliques: one per node; parents come before children. The first axes of a node are its separator, in the order
            in which they are axes of the parent; the new columns follow, the widest last.
        parents: index of each node's parent, -1 for the root of a component.
        separators: columns that a node shares with its parent (empty for a root).
    """

    sizes: dict[str, int]
    cliques: tuple[tuple[str, ...], ...]
    parents: tuple[int, ...]
    separators: tuple[tuple[str, ...], ...]

    @property
    def cells(self) -> int:
        """Cells of all nodes together."""
        return sum(self.clique_cells(clique) for clique in self.cliques)

    def clique_cells(self, clique: Iterable[str]) -> int:
        """Cells of a table over these columns."""
        return prod(self.sizes[name] for name in clique)

    def shape(self, node: int) -> tuple[int, ...]:
        """Shape of a node's table."""
        return tuple(self.sizes[name] for name in self.cliques[node])

    def home(self, clique: Iterable[str]) -> int | None:
        """The smallest node that holds all these columns, or None."""
        wanted = set(clique)
        fitting = [node for node, columns in enumerate(self.cliques) if wanted <= set(columns)]
        return min(fitting, key=lambda node: self.clique_cells(self.cliques[node]), default=None)

    def check(self) -> None:
        """Raise ValueError unless this is a rooted forest with running intersection that covers every column."""
        if not len(self.cliques) == len(self.parents) == len(self.separators):
            raise ValueError("a junction tree has one parent and one separator per clique")
        seen: set[str] = set()
        for node, (clique, parent, separator) in enumerate(
            zip(self.cliques, self.parents, self.separators, strict=True)
        ):
            if len(set(clique)) != len(clique) or not set(clique) <= set(self.sizes):
                raise ValueError("a clique names a column twice, or one that has no size")
            if not -1 <= parent < node:
                raise ValueError("parents come before their children")
            above = self.cliques[parent] if parent >= 0 else ()
            if separator != tuple(name for name in above if name in clique) or clique[: len(separator)] != separator:
                raise ValueError("a separator is what a clique shares with its parent, first in its axes")
            if not seen.intersection(clique) <= set(separator):
                raise ValueError("a column's cliques do not hang together")
            seen.update(clique)
        if seen != set(self.sizes):
            raise ValueError("a junction tree covers every column")


def _eliminate(neighbours: list[int], weights: Sequence[float], by_fill: bool) -> list[int]:
    """Greedy elimination on bit sets; returns the clique (a bit set) of each elimination."""
    neighbours = list(neighbours)
    left = set(range(len(neighbours)))

    def members(bits: int) -> list[int]:
        found = []
        while bits:
            low = bits & -bits
            found.append(low.bit_length() - 1)
            bits ^= low
        return found

    def key(vertex: int) -> tuple[float, float, int]:
        around = neighbours[vertex]
        inside = members(around)
        fill = sum((around & ~neighbours[u]).bit_count() - 1 for u in inside) // 2
        weight = round(weights[vertex] + sum(weights[u] for u in inside), 9)
        return (fill, weight, vertex) if by_fill else (weight, fill, vertex)

    keys = {vertex: key(vertex) for vertex in left}
    cliques = []
    while left:
        vertex = min(keys.values())[2]
        around = neighbours[vertex]
        cliques.append(around | (1 << vertex))
        left.discard(vertex)
        del keys[vertex]
        stale = around
        for u in members(around):
            added = around & ~neighbours[u] & ~(1 << u)
            neighbours[u] = (neighbours[u] | added) & ~(1 << vertex)
            if added:
                stale |= neighbours[u]
        for u in members(stale):
            if u in left:
                keys[u] = key(u)
    return cliques


def maximal_cliques(cliques: Iterable[Iterable[str]]) -> list[frozenset[str]]:
    """The cliques that lie in no other one, each once, in the order of first appearance.

    Guarantee: every input is a subset of some output, and no output is a subset of another.
    """
    found = list(dict.fromkeys(frozenset(clique) for clique in cliques))
    found = [c for c in found if not any(c < other for other in found)]
    return found


def triangulate(sizes: Mapping[str, int], cliques: Iterable[Sequence[str]]) -> list[frozenset[str]]:
    """Maximal cliques of a chordal graph that holds every given clique.

    Two greedy eliminations (least table, least fill) are tried; the one with fewer cells in all wins. Ties follow the
    order of `sizes`, so equal input gives equal output.

    Args:
        sizes: cells of each column.
        cliques: sets of columns that must share a node.

    Returns:
        Maximal cliques that cover every column of `sizes`.

    Guarantee: the graph of the result is chordal; each input clique is in some result.
    """
    names = list(sizes)
    index = {name: i for i, name in enumerate(names)}
    neighbours = [0] * len(names)
    for clique in maximal_cliques(cliques):
        bits = sum(1 << index[name] for name in clique)
        for name in clique:
            neighbours[index[name]] |= bits & ~(1 << index[name])
    weights = [log(size) for size in sizes.values()]
    best: list[frozenset[str]] | None = None
    for by_fill in (False, True):
        eliminated = _eliminate(neighbours, weights, by_fill)
        found = maximal_cliques([n for i, n in enumerate(names) if bits >> i & 1] for bits in eliminated)
        if best is None or _cells(sizes, found) < _cells(sizes, best):
            best = found
    return best or []


def _cells(sizes: Mapping[str, int], cliques: Iterable[Iterable[str]]) -> int:
    return sum(prod(sizes[name] for name in clique) for clique in cliques)


def junction_tree(sizes: Mapping[str, int], cliques: Iterable[Sequence[str]]) -> JunctionTree:
    """Triangulate, and join the maximal cliques by a spanning tree of largest separators.

    Args:
        sizes: cells of each column.
        cliques: sets of columns that must share a node; columns in none of them get a node of their own.

    Returns:
        A rooted forest, checked for running intersection; the widest clique of a component is its root.

    Raises:
        PlanError: no columns, a column without cells, or a clique with an unknown column.

    Guarantee: every given clique lies in a node; post-processing.
    """
    sizes = {name: int(size) for name, size in sizes.items()}
    cliques = [tuple(clique) for clique in cliques]
    unknown = sorted({name for clique in cliques for name in clique if name not in sizes})
    empty = [name for name, size in sizes.items() if size < 1]
    if unknown or empty or not sizes:
        found = f"not in it: {unknown}" if unknown else f"without cells: {empty}" if empty else "it has no columns"
        raise PlanError(f"A model was asked for; {found}.\nGive every column of a clique a size of at least 1.")
    bags = triangulate(sizes, cliques)
    index = {name: i for i, name in enumerate(sizes)}
    member = np.zeros((len(bags), len(sizes)), dtype=np.int32)
    for row, bag in enumerate(bags):
        member[row, [index[name] for name in bag]] = 1
    shared = member @ member.T
    np.fill_diagonal(shared, 0)
    cells = [prod(sizes[name] for name in bag) for bag in bags]

    placed: list[int] = []  # bags in the order of the tree
    position: dict[int, int] = {}
    clique_list: list[tuple[str, ...]] = []
    parents: list[int] = []
    separators: list[tuple[str, ...]] = []
    strength = np.full(len(bags), -1)
    partner = np.full(len(bags), -1)
    while len(placed) < len(bags):
        waiting = [b for b in range(len(bags)) if b not in position]
        best = max(waiting, key=lambda b: (strength[b] if strength[b] > 0 else 0, -b))
        if strength[best] <= 0:  # a new component
            best = max(waiting, key=lambda b: (cells[b], -b))
        parent = position[int(partner[best])] if strength[best] > 0 else -1
        above = clique_list[parent] if parent >= 0 else ()
        separator = tuple(name for name in above if name in bags[best])
        new = sorted(bags[best] - set(separator), key=lambda name: (sizes[name], index[name]))
        position[best] = len(placed)
        placed.append(best)
        clique_list.append(separator + tuple(new))
        parents.append(parent)
        separators.append(separator)
        closer = shared[best] > strength
        strength[closer] = shared[best][closer]
        partner[closer] = best
    tree = JunctionTree(sizes, tuple(clique_list), tuple(parents), tuple(separators))
    tree.check()
    return tree


def maximum_spanning_tree(
    weights: Mapping[tuple[str, str], float], columns: Iterable[str] | None = None
) -> tuple[tuple[str, str], ...]:
    """The pairs of a spanning forest of greatest total weight.

    Args:
        weights: weight of each candidate pair of columns; any real number.
        columns: restrict the candidates to pairs of these columns (default: all).

    Returns:
        Pairs in the order in which they were taken (heaviest first); equal weights keep the order of `weights`.

    Guarantee: no cycle; every two columns that the candidates connect are connected.
    """
    allowed = None if columns is None else set(columns)
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    taken = []
    for pair in sorted(weights, key=lambda pair: -weights[pair]):
        if allowed is not None and not allowed.issuperset(pair):
            continue
        a, b = find(pair[0]), find(pair[1])
        if a != b:
            root[a] = b
            taken.append(pair)
    return tuple(taken)
