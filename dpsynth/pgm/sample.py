"""Rows from a calibrated junction tree, by stratified (rounded) draws instead of independent ones.

Rows are filled in column by column along the tree. Within every group of rows that agree on the separator, the new
column takes equally spaced quantiles of its conditional, in random order; the offset of each group's grid follows the
golden ratio, so that many small groups together are stratified too. Counts then differ from the model's by about one
per cell instead of by a multinomial's standard deviation.

Only additions, multiplications, divisions and roundings of IEEE doubles are used, in a fixed order, so that equal models
and equal seeds give equal rows on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpsynth.pgm.factor import marginalize
from dpsynth.pgm.junction_tree import JunctionTree

__all__ = ["sample_rows"]

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

    Guarantee: a cell of probability 0 is never drawn; every column's counts in each group of equal separator values are
        within one of the group size times the conditional; deterministic for equal models and seeds; post-processing.
    """
    names = list(tree.sizes)
    rows = np.zeros((n, len(names)), dtype=np.int32, order="F")
    if n == 0:
        return rows
    for node, clique in enumerate(tree.cliques):
        done = list(tree.separators[node])
        for name in clique[len(done) :]:
            table = marginalize(marginals[node], clique, [*done, name])
            group, groups = _group_of_rows(rows, names, tree.sizes, done)
            rows[:, names.index(name)] = _draw_column(group, table.reshape(groups, tree.sizes[name]), n, rng)
            done.append(name)
    return rows


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


def _draw_column(group: np.ndarray | None, table: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Values of a new column.

    Args:
        group: separator code of each row, or None when all rows are one group.
        table: float64[groups, cells], proportional to the joint of separator and column.
        n: number of rows.
        rng: the generator.

    Returns:
        int32[n].
    """
    shuffled = rng.permutation(n)
    if group is None:
        present, sizes, order = np.zeros(1, dtype=np.int64), np.array([n]), shuffled
    else:
        counts = np.bincount(group, minlength=len(table))
        present = np.flatnonzero(counts)
        sizes = counts[present]
        order = shuffled[np.argsort(group[shuffled], kind="stable")]
    offset = (rng.random() + GOLDEN * np.arange(len(present))) % 1.0
    # Row r of a group of m takes the quantile (r + offset) / m, so cell k gets the r in [m F(k-1) - offset, m F(k) - offset).
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
