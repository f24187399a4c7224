"""Exact nearest neighbours of mixed rows in blocked matrix passes of bounded memory.

A float32 pass knows all distances up to a proved rounding error. A row's candidates are all pool rows at or below an
upper bound of its k-th smallest distance plus twice that error; only they are measured again, in float64. So the result
is that of a float64 loop over all pairs (the unit test keeps that loop), ties by lower index.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from privacy_audit.errors import InputError
from privacy_audit.frames import Table, hash_rows

__all__ = ["Metric", "Neighbours", "nearest", "nearest_others", "pair_distances"]

Metric = Literal["gower", "hamming", "l2"]

ROWS, TILE = 32, 2048
"""Queries and pool rows of one pass: its three float32 buffers stay in a core's cache."""
GROUP = 64
FAR = np.float32(1e3)
"""Stands for a missing number: its difference to any present one is cut to 1."""
CANDIDATES = 2_000_000
"""Pairs that are measured again at a time."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The k nearest pool rows of each query.

    Attributes:
        distances: float64[n, k], ascending.
        indices: int64[n, k], rows of the pool.
    """

    distances: np.ndarray
    indices: np.ndarray


def pair_distances(
    queries: Table, pool: Table, rows: np.ndarray, others: np.ndarray, metric: Metric = "gower"
) -> np.ndarray:
    """Distances of listed pairs of rows, in float64.

    Gower: mean over the columns of |difference| / scale, and of 0 / 1 for categories. Hamming: share of columns that
    differ. L2: square root of the sum of the squares of Gower's terms. Two missing cells differ by 0, one by 1.

    Args:
        queries: one table.
        pool: the other, with the same columns.
        rows: int64[p], rows of `queries`.
        others: int64[p], rows of `pool`.
        metric: see above.

    Returns:
        float64[p].
    """
    total = np.zeros(len(rows))
    x, y = queries.scaled(), pool.scaled()
    for j in range(x.shape[1]):
        a, b = x[rows, j], y[others, j]
        if metric == "hamming":
            total += (queries.numbers[rows, j] != pool.numbers[others, j]) & ~(np.isnan(a) & np.isnan(b))
            continue
        gap = np.abs(a - b)
        gap = np.where(np.isnan(gap), np.isnan(a) != np.isnan(b), gap)
        total += gap * gap if metric == "l2" else gap
    for j in range(queries.codes.shape[1]):
        total += queries.codes[rows, j] != pool.codes[others, j]
    return np.sqrt(total) if metric == "l2" else total / max(1, len(queries.columns))


@final
class _Pass:
    """The float32 pass: unnormalised distances of a block of queries to all distinct pool rows, within `slack`."""

    def __init__(self, queries: Table, pool: Table, metric: Metric) -> None:
        x, y = queries.scaled(), pool.scaled()
        self.rows = pool.rows
        self.squared = metric == "l2"
        codes = [(queries.codes[:, j], pool.codes[:, j]) for j in range(queries.codes.shape[1])]
        whole: list[int] = []
        gappy: list[int] = []
        if metric == "hamming":
            codes += [_joint_codes(queries.numbers[:, j], pool.numbers[:, j]) for j in range(x.shape[1])]
        else:
            for j in range(x.shape[1]):
                (gappy if np.isnan(x[:, j]).any() or np.isnan(y[:, j]).any() else whole).append(j)
        self.codes = [_bytes(a, b) for a, b in codes]
        self.x, self.y = (np.ascontiguousarray(t[:, whole].T, np.float32) for t in (x, y))
        self.x_gappy, self.y_gappy = (
            np.where(np.isnan(t[:, gappy]), FAR, t[:, gappy]).T.astype(np.float32, order="C") for t in (x, y)
        )
        self.x_sum, self.y_sum = (
            (t * t if self.squared else t).sum(axis=0, dtype=np.float64).astype(np.float32) for t in (self.x, self.y)
        )
        count = len(whole) + len(gappy)
        # Each of at most 2 count + 2 operations on numbers below 2 count + codes errs by 2^-24 of its result.
        self.slack = (2 * count + 4) * 2 * (2 * count + len(codes) + 1) * 2.0**-24 if count else 0.0

    def distances(self, start: int, stop: int, out: np.ndarray) -> np.ndarray:
        """float32[stop - start, distinct pool rows], within `slack` of the float64 sums."""
        out = out[: stop - start]
        block = out.shape[0]
        width = min(TILE, self.rows)
        number, count = np.empty((block, width), np.float32), np.empty((block, width), np.uint16)
        for left in range(0, self.rows, TILE):
            right = min(left + TILE, self.rows)
            tile = out[:, left:right]
            buffer, differ = number[:, : right - left], count[:, : right - left]
            differ[...] = 0
            self._count_codes(start, stop, left, right, differ)
            tile[...] = differ
            for x, y in zip(self.x_gappy, self.y_gappy, strict=True):
                np.subtract(x[start:stop, None], y[None, left:right], out=buffer)
                np.multiply(buffer, buffer, out=buffer) if self.squared else np.abs(buffer, out=buffer)
                np.minimum(buffer, np.float32(1), out=buffer)
                tile += buffer
            if len(self.x):
                self._add_numbers(start, stop, left, right, tile, buffer)
        return out

    def _count_codes(self, start: int, stop: int, left: int, right: int, differ: np.ndarray) -> None:
        unequal, other = np.empty(differ.shape, bool), np.empty(differ.shape, bool)
        small = np.zeros(differ.shape, np.uint8)
        for i, planes in enumerate(self.codes, 1):
            for plane, (x, y) in enumerate(planes):
                np.not_equal(x[start:stop, None], y[None, left:right], out=other if plane else unequal)
                if plane:
                    np.logical_or(unequal, other, out=unequal)
            small += unequal.view(np.uint8)
            if i % 255 == 0 or i == len(self.codes):
                differ += small
                small[...] = 0

    def _add_numbers(self, start: int, stop: int, left: int, right: int, tile: np.ndarray, buffer: np.ndarray) -> None:
        if self.squared:  # |x - y|^2 = x.x + y.y - 2 x.y
            np.matmul(self.x[:, start:stop].T, self.y[:, left:right], out=buffer)
            buffer *= np.float32(-2)
        else:  # |x - y| = 2 max(x, y) - x - y: two passes a column instead of three
            total = np.zeros(buffer.shape, np.float32)
            for x, y in zip(self.x, self.y, strict=True):
                np.maximum(x[start:stop, None], y[None, left:right], out=buffer)
                total += buffer
            np.multiply(total, np.float32(2), out=buffer)
        if self.squared:
            buffer += self.x_sum[start:stop, None]
            buffer += self.y_sum[None, left:right]
        else:
            buffer -= self.x_sum[start:stop, None]
            buffer -= self.y_sum[None, left:right]
        tile += buffer


def _joint_codes(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, codes = np.unique(np.concatenate([x, y]), return_inverse=True)
    return codes[: len(x)], codes[len(x) :]


def _bytes(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same codes byte by byte, as many as they need: comparing bytes is ten times quicker than wider numbers."""
    largest = max(int(x.max(initial=0)), int(y.max(initial=0)))
    shifts = range(0, max(1, largest.bit_length()), 8)
    return [((x >> shift & 255).astype(np.uint8), (y >> shift & 255).astype(np.uint8)) for shift in shifts]


def nearest(queries: Table, pool: Table, k: int = 1, *, metric: Metric = "gower", threads: int = 1) -> Neighbours:
    """The k nearest pool rows of each query, exactly.

    Args:
        queries: n rows.
        pool: m rows with the same columns.
        k: how many; at most m are returned.
        metric: "gower", "hamming" or "l2"; see `pair_distances`.
        threads: blocks of queries worked on at a time.

    Returns:
        Distances and indices, ties by lower index.

    Raises:
        InputError: an empty pool, other columns, k below 1.

    Guarantee:
        Equal to the float64 loop over all pairs. Beside its arguments it holds O((n + m) columns + n k) numbers.
    """
    if queries.columns != pool.columns:
        raise InputError("Neighbours were asked for between tables with other columns.\nAlign them first.")
    if pool.rows == 0 or k < 1:
        raise InputError(f"{k} neighbours among {pool.rows} rows were asked for.\nBoth must be at least 1.")
    k = min(k, pool.rows)
    _, first, back = np.unique(hash_rows(pool), return_index=True, return_inverse=True)
    by_place = np.argsort(first)  # distinct rows in order of their first occurrence, so that ties fall to lower indices
    first, back = first[by_place], np.argsort(by_place)[back]
    order = np.argsort(back, kind="stable")  # pool rows, equal ones side by side
    sizes = np.bincount(back)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    distinct = pool.select(first)
    work = _Pass(queries, distinct, metric)
    distances, indices = np.empty((queries.rows, k)), np.empty((queries.rows, k), np.int64)

    def run(start: int) -> None:
        stop = min(start + ROWS, queries.rows)
        lower = work.distances(start, stop, np.empty((stop - start, distinct.rows), np.float32))
        row, column = _candidates(lower, k, work.slack, sizes)
        found = np.empty(len(row))
        block = queries.select(np.arange(start, stop))
        for left in range(0, len(row), CANDIDATES):
            part = slice(left, left + CANDIDATES)
            found[part] = pair_distances(block, distinct, row[part], column[part], metric)
        copies = np.minimum(sizes[column], k)
        row, found = np.repeat(row, copies), np.repeat(found, copies)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(copies) - copies, copies)
        index = order[np.repeat(starts[column], copies) + offset]
        by = np.lexsort((index, found, row))
        heads = np.searchsorted(row[by], np.arange(stop - start))
        chosen = by[heads[:, None] + np.arange(k)]
        distances[start:stop], indices[start:stop] = found[chosen], index[chosen]

    blocks = range(0, queries.rows, ROWS)
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool_of_threads:
            list(pool_of_threads.map(run, blocks))
    else:
        for start in blocks:
            run(start)
    return Neighbours(distances, indices)


def _candidates(lower: np.ndarray, k: int, slack: float, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns that may be among the k nearest: the k-th smallest of minima of disjoint groups bounds it."""
    rows, width = lower.shape
    wanted = min(k, width)
    group = max(1, min(GROUP, width // (4 * wanted)))
    groups = width // group
    minima = lower[:, : groups * group].reshape(rows, group, groups).min(axis=1)
    limit = minima.max(axis=1) if groups <= wanted else np.partition(minima, wanted - 1, axis=1)[:, wanted - 1]
    if groups < wanted:
        limit = lower.max(axis=1)
    inside = lower <= (limit + np.float32(2.5 * slack))[:, None]
    if slack == 0.0 and np.count_nonzero(inside) > 4 * rows * (k + GROUP):  # whole distances: many ties at the limit
        edge = lower == limit[:, None]
        inside &= ~edge | (np.cumsum(edge, axis=1, dtype=np.int32) <= k)
    row, column = np.nonzero(inside)
    if slack == 0.0 and len(row) > 4 * rows * (k + GROUP):
        return _cut_ties(lower, row, column, k)
    return row, column


def _cut_ties(lower: np.ndarray, row: np.ndarray, column: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Of exact whole distances keep, per row and distance, the k candidates that come first (twins sort by index)."""
    value = lower[row, column]
    by = np.lexsort((column, value, row))
    fresh = np.concatenate([[True], (row[by][1:] != row[by][:-1]) | (value[by][1:] != value[by][:-1])])
    runs = np.cumsum(fresh) - 1
    rank = np.arange(len(by)) - np.flatnonzero(fresh)[runs]
    kept = by[rank < k]
    return row[kept], column[kept]


def nearest_others(table: Table, k: int = 1, *, metric: Metric = "gower", threads: int = 1) -> Neighbours:
    """The k nearest *other* rows of each row of a table.

    Args:
        table: n rows, at least two.
        k: how many; at most n - 1 are returned.
        metric: see `pair_distances`.
        threads: blocks of queries worked on at a time.

    Returns:
        Distances and indices; a twin counts, the row itself does not.

    Raises:
        InputError: fewer than two rows.
    """
    if table.rows < 2:
        raise InputError("Other rows were asked for in a table of fewer than two.\nPass more rows.")
    found = nearest(table, table, min(k, table.rows - 1) + 1, metric=metric, threads=threads)
    itself = found.indices == np.arange(table.rows)[:, None]
    itself[:, -1] |= ~itself.any(axis=1)  # more than k twins came before it: all have distance 0
    shape = (table.rows, found.indices.shape[1] - 1)
    return Neighbours(found.distances[~itself].reshape(shape), found.indices[~itself].reshape(shape))
