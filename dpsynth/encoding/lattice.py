"""Public fine grids of numeric columns, and the values that lie inside their cells.

A grid is a vector of increasing edges; cell i holds edges[i] <= x < edges[i + 1]. Where the values of a column are
whole multiples of a step (integers, reals with `decimals`, datetimes), its grid is over the whole numbers that count
the steps, its *lattice*, and no cell is without one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.domain.columns import Grid

__all__ = ["Lattice", "find_cells", "real_edges"]

_FEW = 200
_EQUAL_CELLS = 1024
_LOG_CELLS = 512
# The first logarithmic cell next to the bound's own, relative to the largest magnitude.
_LOG_START = 1e-5
_TABLE = 2**18


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Whole numbers in cells: cell i holds edges[i] <= k < edges[i + 1].

    Attributes:
        edges: int64[cells + 1], increasing.
        excluded: int64[few], increasing: whole numbers that have a cell elsewhere and are drawn only where a cell
            holds no other.
        table: int32, the cell of edges[0], edges[0] + 1, ...; None where it would be long.
    """

    edges: np.ndarray
    excluded: np.ndarray
    table: np.ndarray | None

    @classmethod
    def over(cls, minimum: int, maximum: int, grid: Grid, excluded: tuple[int, ...] = ()) -> Lattice:
        """The grid that a column declares over minimum, ..., maximum; `grid.edges` count steps.

        Fewer than 200 whole numbers: a cell each, unless the grid says how many cells, or where they end.
        """
        edges = _whole_edges(minimum, maximum, grid)
        table = np.repeat(np.arange(len(edges) - 1, dtype=np.int32), np.diff(edges)) if _is_short(edges) else None
        return cls(edges, np.array(sorted(excluded), dtype=np.int64), table)

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.edges) - 1

    def find(self, values: np.ndarray) -> np.ndarray:
        """int32[n]: the cell of every value (float64, whole, within the edges)."""
        if self.table is not None:
            return self.table[(values - self.edges[0]).astype(np.int32)]
        return find_cells(self.edges.astype(np.float64), values)

    def draw(self, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int64[n]: a uniform whole number of each cell."""
        starts, stops = self.edges[:-1], self.edges[1:]
        inside = (self.excluded >= starts[:, None]) & (self.excluded < stops[:, None])
        left = stops - starts - inside.sum(1)
        skipping = left > 0
        count = np.where(skipping, left, stops - starts)[cells]
        values = starts[cells] + np.minimum((rng.random(len(cells)) * count).astype(np.int64), count - 1)
        for i, value in enumerate(self.excluded):
            values += (inside[:, i] & skipping)[cells] & (values >= value)
        return values


def _is_short(edges: np.ndarray) -> bool:
    return bool(edges[-1] - edges[0] <= _TABLE)


def _whole_edges(minimum: int, maximum: int, grid: Grid) -> np.ndarray:
    """int64[cells + 1] from minimum to maximum + 1."""
    stop = maximum + 1
    if grid.edges is not None:
        inner = np.ceil(np.asarray(grid.edges[1:-1], dtype=np.float64)).astype(np.int64)
    elif stop - minimum <= (grid.cells or _FEW):
        return np.arange(minimum, stop + 1, dtype=np.int64)
    elif grid.kind == "log":
        inner = _whole_log_edges(minimum, maximum, grid.cells or _LOG_CELLS)
    else:
        cells = grid.cells or _EQUAL_CELLS
        # Integer arithmetic of Python: bounds may be as large as 2^53.
        inner = np.array([minimum + (stop - minimum) * i // cells for i in range(1, cells)], dtype=np.int64)
    inner = inner[(inner > minimum) & (inner < stop)]
    return np.unique(np.concatenate([[minimum], inner, [stop]]).astype(np.int64))


def _whole_log_edges(minimum: int, maximum: int, cells: int) -> np.ndarray:
    if minimum >= 0:
        start = max(1, minimum)
        steps = np.rint(np.geomspace(start, max(maximum + 1, start + 1), cells)).astype(np.int64)
        return np.concatenate([[minimum, minimum + 1], steps])
    if maximum <= 0:
        # Cell {a, ..., b - 1} of the mirrored range is {1 - b, ..., -a} here.
        return 1 - _whole_log_edges(-maximum, -minimum, cells)
    half = max(2, cells // 2)
    return np.concatenate([1 - _whole_log_edges(0, -minimum, half), _whole_log_edges(0, maximum, half)])


def real_edges(minimum: float, maximum: float, grid: Grid) -> np.ndarray:
    """float64[cells + 1] from minimum to maximum; the last cell also holds the maximum."""
    if grid.edges is not None:
        return np.asarray(grid.edges, dtype=np.float64)
    if grid.kind == "log":
        edges = _real_log_edges(minimum, maximum, grid.cells or _LOG_CELLS)
    else:
        edges = np.linspace(minimum, maximum, (grid.cells or _EQUAL_CELLS) + 1)
    return np.unique(np.concatenate([[minimum], np.clip(edges, minimum, maximum), [maximum]]))


def _real_log_edges(minimum: float, maximum: float, cells: int) -> np.ndarray:
    """Edges that grow away from zero or the bound next to it, which has a cell of its own."""
    if minimum >= 0:
        start = max(minimum, maximum * _LOG_START)
        return np.concatenate([[minimum, np.nextafter(minimum, np.inf)], np.geomspace(start, maximum, cells)])
    if maximum <= 0:
        return -_real_log_edges(-maximum, -minimum, cells)
    half = max(2, cells // 2)
    below = -_real_log_edges(0.0, -minimum, half)
    # The cell of zero lies above zero; below it there is none.
    return np.concatenate([below[below != np.nextafter(0.0, -1.0)], _real_log_edges(0.0, maximum, half)])


def find_cells(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    """int32[n]: the cell of every finite value within the edges; the last cell holds its upper edge too."""
    cells = len(edges) - 1
    low, high = float(edges[0]), float(edges[-1])
    if not _is_equal(edges):
        found = np.searchsorted(edges, values, side="right").astype(np.int32)
        return np.clip(found - 1, 0, cells - 1, out=found)
    # Arithmetic finds the cell up to rounding; the edges then decide.
    found = np.minimum((values - low) * (cells / (high - low)), cells - 1).astype(np.int32)
    found -= (values < edges[found]) & (found > 0)
    found += (values >= edges[found + 1]) & (found < cells - 1)
    return found


def _is_equal(edges: np.ndarray) -> bool:
    """Whether every edge lies within half a cell of where equal cells would have it."""
    cells = len(edges) - 1
    width = (edges[-1] - edges[0]) / cells
    return bool(width > 0 and np.abs(edges - (edges[0] + width * np.arange(cells + 1))).max() < width / 2)
