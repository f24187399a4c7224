"""The one counting kernel: exact histograms of many cliques in one pass over encoded rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from dpsynth.errors import PlanError

__all__ = ["CELL_CAP", "Counter", "compact", "counts"]

# Public limit on the cells of one clique (int64: 512 MiB).
CELL_CAP = 2**26
_MERGE_CELLS = 2**20
_MERGE_CLIQUES = 16
_BLOCK = 2**15
_DENSE = 2**18


def counts(columns: Sequence[np.ndarray], sizes: Sequence[int], cliques: Sequence[Sequence[int]]) -> np.ndarray:
    """Histograms of cliques of encoded columns, flattened in C order and put end to end.

    Args:
        columns: integer codes, one array of equal length per column, 0 <= codes < size.
        sizes: cells per column.
        cliques: positions of columns; the empty clique counts rows.

    Returns:
        int64[sum of the cliques' cells].

    Raises:
        PlanError: a clique has more cells than CELL_CAP.
    """
    counter = Counter(sizes, cliques)
    counter.add(columns, rows=len(columns[0]))
    return counter.total()


class Counter:
    """Histograms that grow batch by batch, in memory bounded by the cells asked for."""

    def __init__(self, sizes: Sequence[int], cliques: Sequence[Sequence[int]]) -> None:
        self._sizes = tuple(int(size) for size in sizes)
        self._cliques = [tuple(clique) for clique in cliques]
        cells = [math.prod(self._sizes[j] for j in clique) for clique in self._cliques]
        for clique, size in zip(self._cliques, cells, strict=True):
            if size > CELL_CAP:
                raise PlanError(
                    f"A marginal over {len(clique)} columns has {size:,} cells; the most is {CELL_CAP:,}.\n"
                    "Ask for fewer columns or coarser groupings."
                )
        self._starts = np.concatenate([[0], np.cumsum(cells)]).astype(np.int64)
        self._used = sorted({j for clique in self._cliques for j in clique})
        joint = math.prod(self._sizes[j] for j in self._used)
        self._joint: np.ndarray | None = None
        self._totals: np.ndarray | None = None
        if joint <= _MERGE_CELLS and len(self._cliques) >= _MERGE_CLIQUES and self._used:
            # Equal rows fold into one weighted row. Whether to fold depends on public sizes only.
            self._joint = np.zeros(joint, np.int64)
        else:
            self._totals = np.zeros(int(self._starts[-1]), np.int64)

    def add(self, columns: Sequence[np.ndarray], rows: int) -> None:
        """Count the rows of one batch."""
        if self._joint is not None:
            self._joint += _histogram(columns, self._used, self._sizes, rows, len(self._joint))
        elif self._totals is not None:
            _add_cliques(self._totals, self._starts, columns, self._sizes, self._cliques, self._used, rows)

    def total(self) -> np.ndarray:
        """int64: what has been counted so far, all cliques end to end."""
        if self._joint is None:
            assert self._totals is not None
            return self._totals
        kept = np.flatnonzero(self._joint)
        shape = [self._sizes[j] for j in self._used]
        codes: dict[int, np.ndarray] = dict(zip(self._used, np.unravel_index(kept, shape), strict=True))
        # float64 weights are exact up to 2^53 rows.
        weights = self._joint[kept].astype(np.float64)
        totals = np.empty(int(self._starts[-1]), np.int64)
        for i, clique in enumerate(self._cliques):
            start, stop = self._starts[i], self._starts[i + 1]
            index = np.zeros(len(kept), np.intp)
            for j in clique:
                index *= self._sizes[j]
                index += codes[j]
            totals[start:stop] = np.bincount(index, weights, minlength=stop - start)
        return totals

    def split(self) -> list[np.ndarray]:
        """What has been counted so far: a flat int64 vector per clique."""
        return np.split(self.total(), self._starts[1:-1]) if self._cliques else []


def _histogram(
    columns: Sequence[np.ndarray], clique: Iterable[int], sizes: Sequence[int], rows: int, cells: int
) -> np.ndarray:
    index = np.zeros(rows, np.intp)
    for j in clique:
        index *= sizes[j]
        index += columns[j]
    return np.bincount(index, minlength=cells)


def _add_cliques(
    totals: np.ndarray,
    starts: np.ndarray,
    columns: Sequence[np.ndarray],
    sizes: Sequence[int],
    cliques: Sequence[tuple[int, ...]],
    used: Sequence[int],
    rows: int,
) -> None:
    for low in range(0, rows, _BLOCK):
        wide = {j: columns[j][low : low + _BLOCK].astype(np.intp) for j in used}
        block = min(_BLOCK, rows - low)
        for i, clique in enumerate(cliques):
            total = totals[starts[i] : starts[i + 1]]
            if not clique:
                total += block
                continue
            index = wide[clique[0]]
            for j in clique[1:]:
                index = index * sizes[j] + wide[j]
            if len(total) <= _DENSE:
                total += np.bincount(index, minlength=len(total))
            else:
                # A fresh vector of all cells would cost more than the rows of a block.
                np.add.at(total, index, 1)


def compact(codes: np.ndarray, size: int) -> np.ndarray:
    """Codes in the smallest unsigned type that holds every cell of a column."""
    return codes.astype(np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.int32)
