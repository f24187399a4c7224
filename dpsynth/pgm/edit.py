"""Row edits: move single rows so that a table agrees better with many marginals at once.

For one column at a time, the gain of moving a row to another value is a sum over the marginals that hold the column;
rows with the greatest gains move. Counts are refreshed after each column, and quotas keep the moves from overshooting:
at most half the deficit of the neediest marginal in all, and about a cell's own deficit per cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

__all__ = ["edit_rows"]

OFFSET = 2.0  # rows added to a target before its weight is taken, so that empty cells do not dominate
SLACK = 0.6  # moves beyond a cell's deficit that are let through, in square roots of its target
POOL = 4  # rows whose best move is worked out, for each row that may move


@dataclass(slots=True, eq=False)
class _Marginal:
    axes: tuple[int, ...]
    strides: tuple[int, ...]
    target: np.ndarray
    weight: np.ndarray
    counts: np.ndarray

    def codes(self, rows: np.ndarray, without: int = -1) -> np.ndarray:
        """Flat cell of every row; the part of the column `without` is left out."""
        flat = np.zeros(len(rows), dtype=np.int32)
        for axis, stride in zip(self.axes, self.strides, strict=True):
            if axis != without:
                flat += rows[:, axis] * np.int32(stride)
        return flat


def edit_rows(
    rows: np.ndarray,
    sizes: Sequence[int],
    targets: Mapping[tuple[int, ...], np.ndarray],
    rng: np.random.Generator,
    *,
    sweeps: int = 12,
    tolerance: float = 0.0005,
) -> float:
    """Edit rows in place toward target marginals.

    Minimises the sum over marginals and cells of w (count - target)^2 with w = 1 / sqrt(target + 2).

    Args:
        rows: int32[n, columns], Fortran order; changed in place.
        sizes: cells of each column.
        targets: non-negative float64 tables by tuple of column positions; scaled to n rows.
        rng: a seeded generator (the targets are public).
        sweeps: most passes over all columns.
        tolerance: share of rows below which a sweep's moves are too few to go on.

    Returns:
        Mean total variation distance between the rows and the targets at the end.

    Guarantee: post-processing; deterministic for equal arguments.
    """
    n = len(rows)
    if n == 0 or not targets:
        return 0.0
    marginals: list[_Marginal] = []
    touching: list[list[_Marginal]] = [[] for _ in sizes]
    for axes, values in targets.items():
        target = np.maximum(values, 0.0).ravel() * (n / max(float(np.maximum(values, 0.0).sum()), 1e-300))
        strides = tuple(prod(sizes[a] for a in axes[position + 1 :]) for position in range(len(axes)))
        marginal = _Marginal(axes, strides, target, 1.0 / np.sqrt(target + OFFSET), np.zeros(0))
        marginal.counts = np.bincount(marginal.codes(rows), minlength=target.size).astype(np.float64)
        marginals.append(marginal)
        for axis in axes:
            touching[axis].append(marginal)
    columns = [column for column in range(len(sizes)) if touching[column] and sizes[column] > 1]
    for _ in range(sweeps):
        moved = sum(_edit_column(rows, int(k), sizes[int(k)], touching[int(k)], rng) for k in rng.permutation(columns))
        if moved < tolerance * n:
            break
    return float(np.mean([0.5 * np.abs(m.counts - m.target).sum() / n for m in marginals]))


def _edit_column(rows: np.ndarray, column: int, size: int, marginals: list[_Marginal], rng: np.random.Generator) -> int:
    """Move rows to better values of one column; returns how many moved."""
    here = rows[:, column]
    leaving = np.zeros(len(rows), dtype=np.float32)  # what a row's place is worth where it is
    reach = np.zeros(len(rows), dtype=np.float32)  # an upper bound on what any other place could be worth
    contexts, entering, largest = [], [], 0.0
    for marginal in marginals:
        stride = marginal.strides[marginal.axes.index(column)]
        lack = marginal.target - marginal.counts
        largest = max(largest, 0.5 * float(np.abs(lack).sum()))
        # one row more in a cell changes its loss by w (1 - 2 lack), one row less by w (1 + 2 lack)
        enter = _by_context(marginal.weight * (2.0 * lack - 1.0), size, stride)
        leave = _by_context(marginal.weight * (2.0 * lack + 1.0), size, stride)
        context = _context(marginal.codes(rows, without=column), size, stride)
        leaving += leave.ravel()[context * np.int32(size) + here]
        reach += enter.max(axis=1)[context]
        contexts.append(context)
        entering.append(enter)
    limit = int(largest) + 1
    pool = np.flatnonzero(reach > leaving)
    if len(pool) > POOL * limit:
        pool = _draw(pool, reach[pool] - leaving[pool], POOL * limit, rng)
    if not len(pool):
        return 0
    value = np.zeros((len(pool), size), dtype=np.float32)
    for context, enter in zip(contexts, entering, strict=True):
        value += enter[context[pool]]
    old = here[pool]
    value[np.arange(len(pool)), old] = -np.inf
    new = value.argmax(axis=1).astype(np.int32)
    gain = value[np.arange(len(pool)), new] - leaving[pool]
    better = np.flatnonzero(gain > 0)
    if len(better) > limit:
        better = _draw(better, gain[better], limit, rng)
    better = better[np.argsort(-gain[better], kind="stable")]
    moving, old, new = pool[better], old[better], new[better]
    allowed, moves = np.ones(len(moving), dtype=bool), []
    for marginal, context in zip(marginals, contexts, strict=True):
        stride = marginal.strides[marginal.axes.index(column)]
        base = _cell_of(context[moving], size, stride)
        into, out = base + new * stride, base + old * stride
        moves.append((into, out))
        slack = SLACK * np.sqrt(marginal.target)
        lack = marginal.target - marginal.counts
        allowed &= _rank(into) < 1 + np.maximum(lack[into], 0.0) + slack[into]
        allowed &= _rank(out) < 1 + np.maximum(-lack[out], 0.0) + slack[out]
    for marginal, (into, out) in zip(marginals, moves, strict=True):
        marginal.counts += np.bincount(into[allowed], minlength=marginal.counts.size)
        marginal.counts -= np.bincount(out[allowed], minlength=marginal.counts.size)
    rows[moving[allowed], column] = new[allowed]
    return int(allowed.sum())


def _by_context(table: np.ndarray, size: int, stride: int) -> np.ndarray:
    """A flat table as float32[contexts, size]: the column last, all other columns of the marginal before it."""
    return np.ascontiguousarray(np.moveaxis(table.reshape(-1, size, stride), 1, 2), dtype=np.float32).reshape(-1, size)


def _context(codes: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Row of `_by_context` for flat cells whose own column's part is zero."""
    if stride == 1:
        return codes // np.int32(size)
    return codes // np.int32(size * stride) * np.int32(stride) + codes % np.int32(stride)


def _cell_of(context: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Inverse of `_context`: the flat cell with the column's part zero."""
    return context // stride * (stride * size) + context % stride


def _draw(candidates: np.ndarray, gains: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """About the `count` best candidates, with chance: keys are gains times squared uniforms."""
    keys = -gains * rng.random(len(candidates), dtype=np.float32) ** 2
    return candidates[np.argpartition(keys, count - 1)[:count]]


def _rank(cells: np.ndarray) -> np.ndarray:
    """For every entry, how many earlier entries hold the same cell."""
    order = np.argsort(cells.astype(np.min_scalar_type(int(cells.max(initial=0)))), kind="stable")  # small: radix sort
    ordered = cells[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(cells) else np.zeros(0, int)
    lengths = np.diff(np.append(first, len(cells)))
    rank = np.empty(len(cells), dtype=np.int64)
    rank[order] = np.arange(len(cells)) - np.repeat(first, lengths)
    return rank
