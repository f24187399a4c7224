"""Public fine grids of numeric columns, and the values that lie inside their cells.

A grid is a vector of increasing edges; cell i holds edges[i] <= x < edges[i + 1]. A column whose values are whole
multiples of a step (integers, reals with `decimals`, datetimes) also has a *lattice*: the whole numbers in each cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.domain.columns import Grid

__all__ = ["FEW", "Lattice", "find_cells", "look_up_table", "real_edges", "whole_edges"]

FEW = 200
EQUAL_CELLS = 1024
LOG_CELLS = 512
LOG_RANGE = 1e-5
_TABLE = 2**18


def whole_edges(minimum: int, maximum: int, grid: Grid) -> np.ndarray:
    """int64[cells + 1] edges from minimum to maximum + 1 over whole numbers, no cell empty.

    Fewer than 200 values: a cell each, unless `grid` says how many cells or where they end.
    """
    stop = maximum + 1
    if grid.edges is not None:
        inner = np.ceil(np.asarray(grid.edges[1:-1])).astype(np.int64)
    elif maximum - minimum < FEW and (grid.cells is None or grid.cells > maximum - minimum):
        return np.arange(minimum, stop + 1, dtype=np.int64)
    elif grid.kind == "log":
        return _whole_log_edges(minimum, maximum, grid.cells or LOG_CELLS)
    else:
        cells = min(grid.cells or EQUAL_CELLS, stop - minimum)
        # Exact integer arithmetic: bounds may be as large as 2^53.
        inner = np.array([minimum + (stop - minimum) * i // cells for i in range(1, cells)], dtype=np.int64)
    return np.unique(np.concatenate([[minimum], inner[(inner > minimum) & (inner < stop)], [stop]]).astype(np.int64))


def _whole_log_edges(minimum: int, maximum: int, cells: int) -> np.ndarray:
    if minimum >= 0:
        start = max(1, minimum)
        steps = np.rint(np.geomspace(start, max(maximum + 1, start + 1), cells)).astype(np.int64)
        edges = np.concatenate([[minimum, minimum + 1], steps])
    elif maximum <= 0:
        # Cell {a, ..., b - 1} of the mirrored range is {1 - b, ..., -a} here.
        edges = 1 - _whole_log_edges(-maximum, -minimum, cells)
    else:
        half = max(2, cells // 2)
        edges = np.concatenate([1 - _whole_log_edges(0, -minimum, half), _whole_log_edges(0, maximum, half)])
    return np.unique(np.clip(edges, minimum, maximum + 1))


def real_edges(minimum: float, maximum: float, grid: Grid) -> np.ndarray:
    """float64[cells + 1] edges; the last cell also holds the maximum."""
    if grid.edges is not None:
        return np.asarray(grid.edges, dtype=np.float64)
    if grid.kind == "log":
        edges = _real_log_edges(minimum, maximum, grid.cells or LOG_CELLS)
    else:
        # Convex weights cannot overflow where maximum - minimum would.
        weight = np.arange((grid.cells or EQUAL_CELLS) + 1) / (grid.cells or EQUAL_CELLS)
        edges = minimum * (1 - weight) + maximum * weight
    edges = np.clip(edges, minimum, maximum)
    return np.unique(np.concatenate([[minimum], edges, [maximum]]))


def _real_log_edges(minimum: float, maximum: float, cells: int) -> np.ndarray:
    if minimum >= 0:
        start = max(minimum, maximum * LOG_RANGE)
        own = np.nextafter(minimum, np.inf)
        return np.concatenate([[minimum, own], np.geomspace(start, maximum, cells)])
    if maximum <= 0:
        mirrored = -_real_log_edges(-maximum, -minimum, cells)
        # A cell of [maximum, maximum] alone: its lower edge is the bound itself.
        return np.where(mirrored == np.nextafter(maximum, -np.inf), maximum, mirrored)
    half = max(2, cells // 2)
    return np.concatenate([-_real_log_edges(0.0, -minimum, half), _real_log_edges(0.0, maximum, half)])


def find_cells(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    """int32[n]: the cell of every finite value within the edges; the last cell holds its upper edge too."""
    cells = len(edges) - 1
    low, high = float(edges[0]), float(edges[-1])
    if not np.isfinite(high - low) or not _is_equal(edges):
        found = np.searchsorted(edges, values, side="right").astype(np.int32)
        return np.clip(found - 1, 0, cells - 1, out=found)
    # Arithmetic finds the cell up to rounding; the edges then decide.
    found = np.minimum((values - low) * (cells / (high - low)), cells - 1).astype(np.int32)
    found -= (values < edges[found]) & (found > 0)
    found += (values >= edges[found + 1]) & (found < cells - 1)
    return found


def look_up_table(edges: np.ndarray) -> np.ndarray | None:
    """int32[values]: the cell of minimum, minimum + 1, ... for edges over whole numbers; None where it is too long."""
    if edges[-1] - edges[0] > _TABLE:
        return None
    return np.repeat(np.arange(len(edges) - 1, dtype=np.int32), np.diff(edges.astype(np.int64)))


def _is_equal(edges: np.ndarray) -> bool:
    """Whether every edge lies within half a cell of where equal cells would have it."""
    cells = len(edges) - 1
    width = (edges[-1] - edges[0]) / cells
    return bool(width > 0 and np.abs(edges - (edges[0] + width * np.arange(cells + 1))).max() < width / 2)


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Whole numbers k in every cell: starts[i] <= k < stops[i], without the excluded ones where others remain.

    Attributes:
        starts, stops: int64[cells].
        excluded: int64[few], increasing.
    """

    starts: np.ndarray
    stops: np.ndarray
    excluded: np.ndarray

    def draw(self, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int64[n]: a uniform whole number of each cell (the start of a cell that holds none)."""
        starts, stops = self.starts, np.maximum(self.stops, self.starts + 1)
        inside = (self.excluded >= starts[:, None]) & (self.excluded < stops[:, None])
        left = stops - starts - inside.sum(1)
        skipping = left > 0
        count = np.where(skipping, left, stops - starts)[cells]
        offset = np.minimum((rng.random(len(cells)) * count).astype(np.int64), count - 1)
        values = starts[cells] + offset
        for i, value in enumerate(self.excluded):
            values += (inside[:, i] & skipping)[cells] & (values >= value)
        return values
