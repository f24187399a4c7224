"""The skeleton: a spanning forest of strong pairs that is measured first, so that the rest is scored beside it.

A pair whose dependence follows from a path of stronger pairs (a code and its text, two encodings of one fact) looks as
strong as any beside independent columns. Beside the forest's own prediction it scores nothing, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dpsynth.generators.pairs import Pair

__all__ = ["forest_references", "spanning_forest"]


def spanning_forest(pairs: Sequence[Pair], strength: Mapping[Pair, float]) -> tuple[Pair, ...]:
    """The heaviest forest within some pairs (Kruskal), strongest first.

    Args:
        pairs: candidates.
        strength: what counts, by pair.

    Guarantee:
        No cycle; post-processing.
    """
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    forest = []
    for pair in sorted(pairs, key=lambda p: (-strength[p], p)):
        one, other = find(pair[0]), find(pair[1])
        if one != other:
            root[one] = other
            forest.append(pair)
    return tuple(forest)


def forest_references(
    counts: Mapping[str, np.ndarray], forest: Mapping[Pair, np.ndarray], pairs: Sequence[Pair]
) -> dict[tuple[str, ...], np.ndarray]:
    """Integer pair tables of the distribution that a forest of pairs defines: constants for the gate.

    Args:
        counts: positive one-ways by column, all with one sum.
        forest: pair tables with exactly these margins, without a cycle.
        pairs: wanted pairs.

    Returns:
        int64[a, b] by pair: rounded products along the path between the columns, or of independent columns.

    Guarantee:
        Post-processing.
    """
    total = float(next(iter(counts.values())).sum())
    steps: dict[str, list[tuple[str, np.ndarray]]] = {name: [] for name in counts}
    for (a, b), table in forest.items():
        steps[a].append((b, table / counts[a][:, None]))
        steps[b].append((a, table.T / counts[b][:, None]))
    references: dict[tuple[str, ...], np.ndarray] = {}
    for first in {a: None for a, _ in pairs}:
        joint = {first: np.diag(counts[first])}
        queue = [first]
        for name in queue:
            for other, conditional in steps[name]:
                if other not in joint:
                    joint[other] = joint[name] @ conditional
                    queue.append(other)
        for a, b in pairs:
            if a == first:
                table = joint.get(b)
                if table is None:
                    table = np.outer(counts[a], counts[b]) / total
                references[a, b] = np.rint(table).astype(np.int64)
    return references
