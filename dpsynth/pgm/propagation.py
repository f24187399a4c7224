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

from dpsynth.pgm.factor import AxisSum
from dpsynth.pgm.junction_tree import JunctionTree

__all__ = ["Calibration", "Propagation"]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Marginals and conditionals of a Markov random field.

    Attributes:
        marginals: one float64 table per node, each summing to 1.
        conditionals: one float64 table per node: the new columns given the separator.
        log_partition: log of the sum of the unnormalised density over all cells.
    """

    marginals: list[np.ndarray]
    conditionals: list[np.ndarray]
    log_partition: float


@dataclass(frozen=True, slots=True)
class _Node:
    """Array shapes of one node."""

    parent: int
    shape: tuple[int, ...]
    flat: tuple[int, int]  # (separator cells, cells of new columns)
    up: tuple[int, ...]  # the separator's table as it broadcasts over the parent
    down: AxisSum  # the parent's table to the separator's marginal


class Propagation:
    """Belief propagation over one junction tree.

    Args:
        tree: the structure; all tables below have the shapes of its nodes.
    """

    def __init__(self, tree: JunctionTree) -> None:
        self.tree = tree
        self._nodes: list[_Node] = []
        for node, (parent, separator) in enumerate(zip(tree.parents, tree.separators, strict=True)):
            shape = tree.shape(node)
            cells = tree.clique_cells(separator)
            above = tree.cliques[parent] if parent >= 0 else ()
            self._nodes.append(
                _Node(
                    parent,
                    shape,
                    (cells, prod(shape) // cells),
                    tuple(tree.sizes[name] if name in separator else 1 for name in above),
                    AxisSum(
                        tree.shape(parent) if parent >= 0 else (),
                        tuple(axis for axis, name in enumerate(above) if name not in separator),
                    ),
                )
            )

    def separator(self, node: int, tables: Sequence[np.ndarray]) -> np.ndarray:
        """A parent's marginal on what it shares with a node."""
        return self._nodes[node].down(tables[self._nodes[node].parent])

    def zeros(self) -> list[np.ndarray]:
        """One table of zeros per node."""
        return [np.zeros(node.shape) for node in self._nodes]

    def calibrate(self, potentials: Sequence[np.ndarray]) -> Calibration:
        """Marginals of the density proportional to exp(sum of potentials).

        Args:
            potentials: float64 log tables, one per node; -inf is a structural zero.

        Returns:
            Calibration whose neighbouring marginals agree on their separators.

        Raises:
            ZeroDivisionError: every cell is a structural zero.

        Guarantee: equal to enumeration up to rounding; post-processing.
        """
        tables: list[np.ndarray] = [potential.copy() for potential in potentials]
        conditionals: list[np.ndarray] = [*tables]
        log_partition = 0.0
        with np.errstate(divide="ignore"):
            for index in range(len(tables) - 1, -1, -1):
                node = self._nodes[index]
                table = tables[index].reshape(node.flat)
                top = np.maximum.reduce(table, axis=1)
                top[np.isneginf(top)] = 0.0
                np.subtract(table, top[:, None], out=table)
                np.exp(table, out=table)
                total = np.add.reduce(table, axis=1)
                message = np.log(total) + top
                total[total == 0] = 1.0
                table /= total[:, None]
                conditionals[index] = table.reshape(node.shape)
                if node.parent >= 0:
                    tables[node.parent] += message.reshape(node.up)
                else:
                    log_partition += float(message[0])
        if log_partition == -np.inf:
            raise ZeroDivisionError("every cell of the model is a structural zero")
        return Calibration(self.downward(conditionals), conditionals, log_partition)

    def downward(self, conditionals: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Marginals of the nodes, from the conditionals of their new columns given their separators."""
        marginals: list[np.ndarray] = []
        for node, conditional in zip(self._nodes, conditionals, strict=True):
            if node.parent < 0:
                marginals.append(conditional)
                continue
            separator = node.down(marginals[node.parent])
            product = conditional.reshape(node.flat) * separator.reshape(-1, 1)
            marginals.append(product.reshape(node.shape))
        return marginals
