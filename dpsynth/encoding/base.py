"""Column values <-> integer cells, from the domain alone.

Cells of a column, in this order: missing (unless required), other (where declared), then the ordinary cells: the
listed values of a category; false, true; the special values and then the grid of a numeric column.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.domain.columns import AbstractColumn

if TYPE_CHECKING:
    import pyarrow as pa

    from dpsynth.encoding.values import Cells, MissingPolicy

__all__ = ["AbstractColumnEncoder"]


class AbstractColumnEncoder(ABC):
    """Codes of one column. Total: every cell of any Arrow array gets a code, whatever else is in the column.

    Attributes:
        column: the declared column.
        policy: what means missing in the whole table.
        size: number of fine cells.
        missing: code of the missing cell, or None where the column is required.
        first: the first ordinary cell after missing and other.
        ordered_from: the first cell of the ordered grid (numeric kinds), or None for categories and booleans; cells
            from there to the end are in increasing order.
        grid_edges: float64[cells + 1], the edges of the ordered grid (numeric kinds; microseconds since 1970 for a
            datetime), or None. Cell i holds edges[i] <= x < edges[i + 1]; an integer grid ends at maximum + 1.
        absent: the code of a cell that is missing: `missing`, or what a required column puts in its place.
    """

    column: AbstractColumn
    policy: MissingPolicy
    size: int
    missing: int | None
    first: int
    ordered_from: int | None
    grid_edges: np.ndarray | None
    absent: int

    @abstractmethod
    def encode_cells(self, cells: Cells) -> np.ndarray:
        """int32[m]: the code of every canonical value; what is said of missing ones does not matter."""

    @abstractmethod
    def decode_ordinary(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Typed array[n] of values of the domain for codes that are not `missing`."""

    @abstractmethod
    def labels(self) -> list[str]:
        """A public text for every cell, for reports."""

    def encode(self, values: pa.Array) -> np.ndarray:
        """int32[n]: the cell of every value, each decided by that value alone (never by dtype or neighbours)."""
        from dpsynth.encoding.values import read_cells

        cells = read_cells(values, self.policy)
        return cells.spread(self.encode_cells(cells), np.int32(self.absent))

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """object or typed array[n] of values of the domain (None where missing); uniform inside a cell.

        Args:
            codes: int[n], fine cells.
            rng: draws the place inside a cell.

        Guarantee: decode(encode(x)) = x for listed values, special values, and integers with a cell of their own;
            encode(decode(c)) = c for every cell that holds a value which the column can write. Post-processing.
        """
        codes = np.asarray(codes)
        gone = self.gone(codes)
        values = self.decode_ordinary(np.where(gone, self.first, codes), rng)
        if gone.any():
            values = values.astype(object)
            values[gone] = None
        return values

    def gone(self, codes: np.ndarray) -> np.ndarray:
        """bool[n]: which codes are the missing cell."""
        return np.zeros(len(codes), bool) if self.missing is None else codes == self.missing
