"""Exact inference on a junction tree: one sweep up in logarithms, one sweep down in conditionals.

The sweep up turns each node into the conditional of its new columns given its separator, with the largest exponent of
every separator cell taken out first, so that neither structural zeros (-inf) nor huge potentials overflow or divide by
zero. The sweep down only multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from dpsynth.errors import PlanError
from dpsynth.pgm.factor import AxisSum
from dpsynth.pgm.junction_tree import JunctionTree

__all__ = ["Propagation"]


@dataclass(frozen=True, slots=True)
class _Node:
    """Array shapes of one node."""

    parent: int
    shape: tuple[int, ...]
    flat: tuple[int, int]  # (separator cells, cells of new columns)
    up: tuple[int, ...]  # the separator's table as it broadcasts over the parent
    shared: tuple[int, ...]  # axes of the parent that the separator is made of
    down: AxisSum  # the parent's table to the separator's marginal
    own: AxisSum  # the node's table to the separator's marginal


class Propagation:
    """Belief propagation over one junction tree.

    Args:
        tree: the structure; all tables below have the shapes of its nodes.
    """

    def __init__(self, tree: JunctionTree) -> None:
        self._nodes: list[_Node] = []
        for node, (parent, separator) in enumerate(zip(tree.parents, tree.separators, strict=True)):
            shape = tree.shape(node)
            cells = tree.clique_cells(separator)
            above = tree.cliques[parent] if parent >= 0 else ()
            shared = tuple(axis for axis, name in enumerate(above) if name in separator)
            dropped = tuple(axis for axis in range(len(above)) if axis not in shared)
            self._nodes.append(
                _Node(
                    parent,
                    shape,
                    (cells, prod(shape) // cells),
                    tuple(tree.sizes[name] if name in separator else 1 for name in above),
                    shared,
                    AxisSum(tree.shape(parent) if parent >= 0 else (), dropped),
                    AxisSum(shape, range(len(separator), len(shape))),
                )
            )

    def calibrate(self, potentials: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Marginals of the density proportional to exp(sum of potentials).

        Args:
            potentials: float64 logarithms, one table per node; -inf is a structural zero.

        Returns:
            float64 probabilities, one table per node; neighbours agree on their separators.

        Raises:
            PlanError: every cell is a structural zero.

        Guarantee: equal to enumeration up to rounding; post-processing.
        Source: lauritzen1988local
        """
        tables = [potential.copy() for potential in potentials]
        conditionals = list(tables)
        with np.errstate(divide="ignore"):
            for index in range(len(tables) - 1, -1, -1):
                node = self._nodes[index]
                table = tables[index].reshape(node.flat)
                top = np.maximum.reduce(table, axis=1)
                top[np.isneginf(top)] = 0.0
                np.subtract(table, top[:, None], out=table)
                np.exp(table, out=table)
                total = np.add.reduce(table, axis=1)
                if node.parent >= 0:
                    tables[node.parent] += (np.log(total) + top).reshape(node.up)
                elif not total[0] > 0:
                    raise PlanError(
                        "Some cells of the model were declared impossible.\nTogether they leave no possible row.\n"
                        "Declare fewer impossible cells."
                    )
                total[total == 0] = 1.0
                table /= total[:, None]
                conditionals[index] = table.reshape(node.shape)
        return self.downward(conditionals)

    def slack(self, costs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """How much more the cheapest row through a cell costs than the cheapest row of all (min-sum propagation).

        Args:
            costs: float64 tables, one per node; a row costs the sum of its cells; inf is a structural zero.

        Returns:
            float64 tables from 0, one per node; 0 in some cell of each, inf where no row passes.

        Guarantee: equal to enumeration up to rounding; post-processing.
        """
        tables = [cost.copy() for cost in costs]
        messages: list[np.ndarray] = [np.zeros(()) for _ in tables]
        for index in range(len(tables) - 1, -1, -1):
            node = self._nodes[index]
            messages[index] = np.minimum.reduce(tables[index].reshape(node.flat), axis=1)
            if node.parent >= 0:
                tables[node.parent] += messages[index].reshape(node.up)
        for index, node in enumerate(self._nodes):
            flat = tables[index].reshape(node.flat)
            if node.parent < 0:
                flat -= messages[index]
                continue
            others = tuple(axis for axis in range(len(node.up)) if axis not in node.shared)
            above = np.minimum.reduce(tables[node.parent], axis=others).reshape(-1)
            rest = np.full(above.shape, np.inf)
            np.subtract(above, messages[index], out=rest, where=np.isfinite(messages[index]))
            flat += rest[:, None]
        return tables

    def downward(self, conditionals: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Marginals of the nodes, from the conditionals of their new columns given their separators.

        Guarantee: neighbours agree on their separators exactly as far as the conditionals sum to 1; post-processing.
        """
        marginals: list[np.ndarray] = []
        for index, (node, conditional) in enumerate(zip(self._nodes, conditionals, strict=True)):
            if node.parent < 0:
                marginals.append(conditional)
                continue
            product = conditional.reshape(node.flat) * self.separator_above(index, marginals).reshape(-1, 1)
            marginals.append(product.reshape(node.shape))
        return marginals

    def separator_above(self, node: int, tables: Sequence[np.ndarray]) -> np.ndarray:
        """The parent's marginal on what it shares with a node."""
        return self._nodes[node].down(tables[self._nodes[node].parent])

    def separator_below(self, node: int, tables: Sequence[np.ndarray]) -> np.ndarray:
        """The node's own marginal on what it shares with its parent."""
        return self._nodes[node].own(tables[node])
