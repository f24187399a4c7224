"""Which marginals AIM may measure in a round: those that keep the junction tree within the size paid for so far.

Source: mckenna2022aim
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np

from dpsynth.errors import PlanError
from dpsynth.generators.aim.workload import Clique
from dpsynth.pgm import GraphicalModel
from dpsynth.pgm.junction_tree import maximal_cliques, triangulate

__all__ = ["ModelSizes", "bounded_candidates", "project_all"]

LARGEST_CANDIDATE = 250_000
"""Most cells of one candidate."""
CELLS_OF_ALL = 20_000_000
"""Most cells of all candidates together: they are held at once in every round."""


def bounded_candidates(sizes: Mapping[str, int], closure: Mapping[Clique, int]) -> tuple[dict[Clique, int], int]:
    """The candidates whose tables fit in memory, small ones first, and how many were left out.

    Args:
        sizes: coarse cells by column, read off noisy one-ways.
        closure: weights by clique.

    Returns:
        Weights of the kept cliques in their old order, and the number of the others.

    Guarantee:
        Post-processing. One-ways are always kept.
    """
    cells = {clique: prod(sizes[name] for name in clique) for clique in closure}
    kept, whole = set(), 0
    for clique in sorted(closure, key=lambda clique: (len(clique) > 1, cells[clique])):
        whole += cells[clique]
        if len(clique) > 1 and (cells[clique] > LARGEST_CANDIDATE or whole > CELLS_OF_ALL):
            break
        kept.add(clique)
    found = {clique: weight for clique, weight in closure.items() if clique in kept}
    return found, len(closure) - len(found)


class ModelSizes:
    """Cells of the junction tree of some measured cliques with one more; remembered, because rounds ask again.

    The tree is the one that `estimate` builds: its size depends on which columns share a clique, and on nothing else.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = dict(sizes)
        self._known: dict[frozenset[tuple[str, str]], int] = {}

    def cells(self, cliques: Iterable[Clique]) -> int:
        """Cells of the junction tree that holds these cliques and every column."""
        cliques = [tuple(clique) for clique in cliques]
        edges = frozenset(pair for clique in cliques for pair in itertools.combinations(sorted(clique), 2))
        if edges not in self._known:
            bags = triangulate(self._sizes, [tuple(clique) for clique in maximal_cliques(cliques)])
            self._known[edges] = sum(prod(self._sizes[name] for name in bag) for bag in bags)
        return self._known[edges]

    def affordable(self, measured: Sequence[Clique], candidates: Iterable[Clique], cap: float) -> list[Clique]:
        """The candidates whose measurement leaves the junction tree within the cap, or no larger than it is.

        Args:
            measured: what has been measured; all one-ways at least.
            candidates: cliques.
            cap: most cells of the junction tree.

        Returns:
            The affordable ones in their order; measured cliques are always among them.
        """
        maximal = [tuple(sorted(clique)) for clique in maximal_cliques(measured)]
        limit = max(cap, self.cells(maximal))
        return [clique for clique in candidates if self.cells([*maximal, clique]) <= limit]


def project_all(graph: GraphicalModel, cliques: Sequence[Clique]) -> dict[Clique, np.ndarray]:
    """Expected counts of many cliques; a clique inside another one is summed down from it.

    Args:
        graph: the fitted model.
        cliques: cliques, columns in the model's order.

    Returns:
        float64 tables, in the order of `cliques`; those that would need too large a table on the way are left out.

    Guarantee:
        Post-processing.
    """
    wanted = set(cliques)
    found: dict[Clique, np.ndarray] = {}
    smaller: dict[Clique, np.ndarray] = {}
    for clique in sorted(cliques, key=len, reverse=True):
        values = smaller.pop(clique, None)
        if values is None:
            try:
                values = graph.project(clique)
            except PlanError:
                continue
        found[clique] = values
        for axis in range(len(clique) if len(clique) > 1 else 0):
            inner = clique[:axis] + clique[axis + 1 :]
            if inner in wanted and inner not in smaller:
                smaller[inner] = values.sum(axis=axis)
    return {clique: found[clique] for clique in cliques if clique in found}
