"""Rows from a calibrated junction tree, by stratified (rounded) draws instead of independent ones.

Rows are filled in column by column along the tree. Within every group of rows that agree on the separator, the new
column takes equally spaced quantiles of its conditional; the offset of each group's grid follows the golden ratio, so
that many small groups together are stratified too. Counts then differ from the model's by about one per cell instead of
by a multinomial's standard deviation.

Which row of a group gets which quantile is not left to chance either: rows are walked in lexicographic order of the
columns that they have already, and the quantiles are dealt out along a golden-ratio sequence, so that every run of
similar rows gets an even sample of them. Marginals that no node holds then come out closer to the model's, too.

Only additions, multiplications, divisions and roundings of IEEE doubles and stable sorts are used, in a fixed order, so
that equal models and equal seeds give equal rows on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpsynth.errors import PlanError
from dpsynth.pgm.factor import marginalize
from dpsynth.pgm.junction_tree import JunctionTree

__all__ = ["draw_column", "order_rows", "sample_rows"]

GOLDEN = 0.6180339887498949


def sample_rows(tree: JunctionTree, marginals: Sequence[np.ndarray], n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw rows.

    Args:
        tree: structure of the model.
        marginals: calibrated float64 tables, one per node.
        n: number of rows, any integer from 0.
        rng: a seeded generator. Never used for privacy noise: the model is public.

    Returns:
        int32[n, columns], columns in the order of `tree.sizes`.

    Raises:
        PlanError: n is below 0.

    Guarantee: a cell of probability 0 is never drawn; every column's counts in each group of equal separator values are
        within one of the group size times the conditional; deterministic for equal models and seeds; post-processing.
    """
    if n < 0:
        raise PlanError(f"A sample of {n} rows was asked for.\nAsk for 0 rows or more.")
    names = list(tree.sizes)
    rows = np.zeros((n, len(names)), dtype=np.int32, order="F")
    if n == 0:
        return rows
    order = rng.permutation(n)
    for node, clique in enumerate(tree.cliques):
        done = list(tree.separators[node])
        for name in clique[len(done) :]:
            table = marginalize(marginals[node], clique, [*done, name])
            group, groups = _group_of_rows(rows, names, tree.sizes, done)
            drawn = draw_column(group, table.reshape(groups, tree.sizes[name]), order, rng)
            rows[:, names.index(name)] = drawn
            order = _sorted_by(drawn, order, tree.sizes[name])
            done.append(name)
    return rows


def order_rows(rows: np.ndarray, sizes: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """A lexicographic order of rows (the last column first), ties broken at random.

    Args:
        rows: int32[n, columns].
        sizes: cells of each column.
        rng: a seeded generator.

    Returns:
        int64[n]: row numbers in that order.

    Guarantee: post-processing.
    """
    order = rng.permutation(len(rows))
    for column, size in enumerate(sizes):
        order = _sorted_by(rows[:, column], order, size)
    return order


def _sorted_by(values: np.ndarray, order: np.ndarray, size: int) -> np.ndarray:
    """The order stably sorted by small integers (a radix sort, because their type is as small as it can be)."""
    keys = values.astype(np.min_scalar_type(max(size - 1, 0)))
    return order[np.argsort(keys[order], kind="stable")]


def _group_of_rows(
    rows: np.ndarray, names: list[str], sizes: dict[str, int], columns: list[str]
) -> tuple[np.ndarray | None, int]:
    """The joint code of some columns for each row, in the smallest unsigned type; None for no columns."""
    groups = 1
    for name in columns:
        groups *= sizes[name]
    if groups == 1:
        return None, 1
    kind = np.min_scalar_type(groups - 1)
    code = np.zeros(len(rows), dtype=kind)
    for name in columns:
        code *= kind.type(sizes[name]) if sizes[name] <= groups - 1 else kind.type(1)
        code += rows[:, names.index(name)].astype(kind)
    return code, groups


def draw_column(group: np.ndarray | None, table: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Values of a new column, stratified in every group of rows and even along `order`.

    Args:
        group: unsigned or small integer code of each row's group, or None when all rows are one group.
        table: float64[groups, cells], proportional to the joint of group and column.
        order: int64[n], all row numbers; rows that are near in it get evenly spread quantiles.
        rng: a seeded generator. Never used for privacy noise: the table is public.

    Returns:
        int32[n].

    Guarantee: in every group, each cell's count is within one of the group's size times the conditional;
        post-processing.
    """
    n = len(order)
    if group is None:
        present, sizes = np.zeros(1, dtype=np.int64), np.array([n])
    else:
        counts = np.bincount(group, minlength=len(table))
        present = np.flatnonzero(counts)
        sizes = counts[present]
        order = order[np.argsort(group[order], kind="stable")]
    order = order[_golden_deal(sizes, rng)]
    offset = (rng.random() + GOLDEN * np.arange(len(present))) % 1.0
    # The row of rank r in a group of m takes the quantile (r + offset) / m, so cell k gets the ranks in
    # [m F(k-1) - offset, m F(k) - offset).
    weights = np.maximum(table[present], 0.0)
    cumulative = np.cumsum(weights, axis=1)
    empty = cumulative[:, -1] == 0
    if empty.any():  # an underflow: fall back to the column's own marginal
        weights[empty] = np.maximum(table, 0.0).sum(axis=0)
        cumulative[empty] = np.cumsum(weights[empty], axis=1)
    edges = np.ceil(cumulative / cumulative[:, -1:] * sizes[:, None] - offset[:, None])
    edges = np.clip(edges, 0, sizes[:, None]).astype(np.int64)
    # Beyond the last cell of positive probability nothing is drawn: the quotient is exactly 1 from there on.
    edges[cumulative == cumulative[:, -1:]] = np.repeat(sizes, (cumulative == cumulative[:, -1:]).sum(axis=1))
    cells = np.diff(edges, axis=1, prepend=0)
    values = np.repeat(np.tile(np.arange(table.shape[1], dtype=np.int32), len(present)), cells.ravel())
    drawn = np.empty(n, dtype=np.int32)
    drawn[order] = values
    return drawn


def _golden_deal(sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For groups of consecutive positions: the positions of each group by rank along a golden-ratio sequence.

    Position s of a group has the key frac(start + s * golden); every run of consecutive positions has evenly spread
    keys, hence evenly spread ranks.
    """
    n = int(sizes.sum())
    group = np.repeat(np.arange(len(sizes)), sizes)
    first = np.cumsum(sizes) - sizes
    start = rng.random(len(sizes))
    keys = (start[group] + GOLDEN * (np.arange(n) - first[group])) % 1.0
    return np.argsort(group + keys, kind="stable")
