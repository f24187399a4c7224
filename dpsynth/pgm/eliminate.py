"""Marginals of cliques that no node of the junction tree holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from dpsynth.errors import PlanError
from dpsynth.pgm.factor import Factor, contract, expand
from dpsynth.pgm.junction_tree import JunctionTree

__all__ = ["CELL_CAP", "eliminate"]

CELL_CAP = 20_000_000
"""Default for the most cells of a table that a projection may make."""


def eliminate(tree: JunctionTree, marginals: Sequence[np.ndarray], clique: Sequence[str], cell_cap: int) -> np.ndarray:
    """Sum the joint down to a clique by variable elimination on the smallest subtree that holds it.

    Args:
        tree: structure of the model.
        marginals: calibrated float64 probabilities, one table per node.
        clique: columns to keep, in the order of the result's axes.
        cell_cap: most cells of any table on the way.

    Returns:
        float64 probabilities over the clique.

    Raises:
        PlanError: a table would have more cells than the cap.

    Guarantee: equal to enumeration up to rounding; the order of elimination depends on the structure only.
    """
    keep = set(clique)
    cells = tree.clique_cells(clique)
    if cells > cell_cap:
        raise PlanError(
            f"A marginal over {', '.join(clique)} was asked for.\nIt has {cells:,} cells; the cap is {cell_cap:,}.\n"
            "Ask for fewer columns, or raise cell_cap."
        )
    factors = _subtree_factors(tree, marginals, keep)
    while hidden := {name for factor in factors for name in factor.clique} - keep:
        name = min(sorted(hidden), key=lambda name: _bucket_cells(tree, factors, name))
        factors = _eliminate_one(factors, name, keep, cell_cap)
    result = Factor((), np.ones(()))
    for factor in sorted(factors, key=lambda factor: factor.values.size):
        result = contract(result, factor, keep, cell_cap)
    return result.marginal(clique).values


def _bucket_cells(tree: JunctionTree, factors: list[Factor], name: str) -> int:
    union = {other for factor in factors if name in factor.clique for other in factor.clique}
    return prod(tree.sizes[other] for other in union)


def _eliminate_one(factors: list[Factor], name: str, keep: set[str], cell_cap: int) -> list[Factor]:
    touching = sorted((f for f in factors if name in f.clique), key=lambda f: f.values.size)
    rest = [f for f in factors if name not in f.clique]
    everything = {other for factor in touching for other in factor.clique}
    product = touching[0]
    for position, factor in enumerate(touching[1:], start=2):
        stays = everything if position < len(touching) else everything - {name}
        product = contract(product, factor, stays, cell_cap)
    if name in product.clique:
        product = product.marginal([other for other in product.clique if other != name])
    return [*rest, product]


def _subtree_factors(tree: JunctionTree, marginals: Sequence[np.ndarray], keep: set[str]) -> list[Factor]:
    """Conditionals of the nodes that cannot be pruned, each summed down to what matters."""
    nodes = set(range(len(tree.cliques)))
    links = [set(tree.cliques[a]) & set(tree.cliques[b]) if b >= 0 else set() for a, b in enumerate(tree.parents)]
    neighbours: dict[int, dict[int, set[str]]] = {node: {} for node in nodes}
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            neighbours[node][parent] = neighbours[parent][node] = links[node]
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node not in nodes or len(neighbours[node]) > 1:
            continue
        wanted = keep & set(tree.cliques[node])
        shared = next(iter(neighbours[node].values()), set())
        if wanted <= shared:  # a leaf that adds nothing, or a component that holds nothing wanted
            nodes.discard(node)
            for other in neighbours.pop(node):
                del neighbours[other][node]
                stack.append(other)
    factors = []
    for node in sorted(nodes):
        columns = tree.cliques[node]
        separators = neighbours[node]
        matter = [name for name in columns if name in keep or any(name in shared for shared in separators.values())]
        factor = Factor(columns, marginals[node]).marginal(matter)
        parent = tree.parents[node]
        if parent in nodes:
            shared = list(tree.separators[node])
            below = expand(factor.marginal(shared).values, shared, matter)
            given = np.divide(factor.values, below, out=np.zeros(factor.values.shape), where=below > 0)
            factor = Factor(tuple(matter), given)
        factors.append(factor)
    return factors
