"""Tables as the measures see them: cell numbers of every column on fixed grids, and the numbers themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from privacy_audit.frames import AlignedTables, Table

__all__ = ["Grid", "View", "grid_of", "number_cells", "view_of"]

BINS = 32
QUANTILES = 20


@final
@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """How columns become cells; the same for every table of a run.

    Attributes:
        names: all columns, in the order of the tables.
        categorical: positions of categories within `names`.
        numeric: positions of numbers within `names`.
        sizes: int64[columns]: cells of a column when numbers are cut into 32 equal cells (the last one: missing or
            outside).
        quantile_sizes: int64[columns]: likewise when numbers are cut at the twentieths of the real table.
        labels: words for the cells of each category, by position within `names`; the cell after them is missing.
        lows: float64[numeric]: lower ends of the grids.
        highs: float64[numeric]: upper ends.
        whole: bool[numeric]: whether all values of a column are whole numbers.
        edges: twentieths of the real table, by numeric column.
    """

    names: tuple[str, ...]
    categorical: tuple[int, ...]
    numeric: tuple[int, ...]
    sizes: NDArray[np.int64]
    quantile_sizes: NDArray[np.int64]
    labels: dict[int, tuple[str, ...]]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    whole: NDArray[np.bool_]
    edges: tuple[NDArray[np.float64], ...]

    def position(self, name: str) -> int:
        """Where a column is in `names`; -1 if there is none of that name."""
        return self.names.index(name) if name in self.names else -1


@final
@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One table.

    Attributes:
        codes: int64[rows, columns], numbers in 32 equal cells.
        quantiles: int64[rows, columns], numbers in twentieths of the real table.
        numbers: float64[rows, numeric], NaN is missing.
    """

    codes: NDArray[np.int64]
    quantiles: NDArray[np.int64]
    numbers: NDArray[np.float64]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.codes)

    def take(self, indices: NDArray[Any]) -> View:
        """The rows at these positions (or where a mask holds)."""
        return View(self.codes[indices], self.quantiles[indices], self.numbers[indices])

    def sample(self, rows: int, rng: np.random.Generator) -> View:
        """At most that many different rows, in their order."""
        if self.rows <= rows:
            return self
        return self.take(np.sort(rng.choice(self.rows, rows, replace=False)))

    def frame(self, grid: Grid) -> pd.DataFrame:
        """As a data frame: words of categories, numbers of numbers."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for place, name in enumerate(grid.names):
            if place in grid.labels:
                words = np.array([*grid.labels[place], None], dtype=object)
                columns[name] = words[np.minimum(self.codes[:, place], len(words) - 1)]
            else:
                columns[name] = self.numbers[:, grid.numeric.index(place)]
        return pd.DataFrame(columns)


def grid_of(tables: AlignedTables) -> Grid:
    """The grid of all tables of a run, from the scales that they share; twentieths are those of the real table."""
    columns = tables.columns
    categorical = tuple(i for i, column in enumerate(columns) if column.kind == "category")
    numeric = tuple(i for i, column in enumerate(columns) if column.kind == "number")
    lows = np.array([columns[i].low for i in numeric], dtype=np.float64)
    highs = np.array([columns[i].high for i in numeric], dtype=np.float64)
    every = [t.numbers for t in (tables.real, tables.synthetic, tables.holdout) if t is not None]
    whole = np.array([all(_whole(table[:, c]) for table in every) for c in range(len(numeric))], dtype=bool)
    edges = tuple(_twentieths(tables.real.numbers[:, column]) for column in range(len(numeric)))
    sizes = np.array([column.size for column in columns], dtype=np.int64)
    quantile_sizes = sizes.copy()
    for column, place in enumerate(numeric):
        sizes[place] = _cells(lows[column], highs[column], bool(whole[column])) + 1
        quantile_sizes[place] = len(edges[column]) + 2
    labels = {place: columns[place].values for place in categorical}
    names = tuple(column.name for column in columns)
    return Grid(names, categorical, numeric, sizes, quantile_sizes, labels, lows, highs, whole, edges)


def view_of(table: Table, grid: Grid) -> View:
    """A table on the grid."""
    numbers = np.where(np.isfinite(table.numbers), table.numbers, np.nan)
    shape = (table.rows, len(grid.names))
    codes, quantiles = np.zeros(shape, dtype=np.int64, order="F"), np.zeros(shape, dtype=np.int64, order="F")
    for column, place in enumerate(grid.categorical):
        codes[:, place] = quantiles[:, place] = table.codes[:, column]
    for column, place in enumerate(grid.numeric):
        codes[:, place], quantiles[:, place] = number_cells(numbers[:, column], grid, column)
    return View(codes, quantiles, numbers)


def number_cells(values: NDArray[np.float64], grid: Grid, place: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells of a numeric column: 32 equal ones, and the twentieths of the real table; the last is missing."""
    low, high = float(grid.lows[place]), float(grid.highs[place])
    with np.errstate(invalid="ignore"):
        bad = ~((values >= low) & (values <= high))
    cells = _cells(low, high, bool(grid.whole[place]))
    start, end = (low - 0.5, high + 0.5) if grid.whole[place] else (low, high)
    inside = np.where(bad, low, values)
    width = (end - start) if end > start else 1.0
    equal = np.clip(np.floor((inside - start) / width * cells), 0, cells - 1).astype(np.int64)
    edges = grid.edges[place]
    twentieth = np.searchsorted(edges, inside, side="left").astype(np.int64)
    return np.where(bad, cells, equal), np.where(bad, len(edges) + 1, twentieth)


def _cells(low: float, high: float, whole: bool) -> int:
    return int(min(BINS, round(high - low) + 1)) if whole else BINS


def _whole(values: NDArray[np.float64]) -> bool:
    finite = values[np.isfinite(values)]
    return bool(np.all(finite == np.round(finite)))


def _twentieths(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 5 % quantiles without repetitions, so that the zero of a zero-inflated column keeps a cell of its own."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros(0)
    steps = np.arange(1, QUANTILES) / QUANTILES
    return np.unique(np.quantile(finite, steps, method="inverted_cdf"))
