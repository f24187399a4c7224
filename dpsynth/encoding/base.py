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

__all__ = ["AbstractColumnEncoder"]


class AbstractColumnEncoder(ABC):
    """Codes of one column. Total: every cell of any Arrow array gets a code, whatever else is in the column.

    Attributes:
        column: the declared column.
        size: number of fine cells.
        missing: code of the missing cell, or None where the column is required.
        first: the first ordinary cell after missing and other.
        ordered_from: the first cell of the ordered grid (numeric kinds), or None for categories and booleans; cells
            from there to the end are in increasing order.
    """

    column: AbstractColumn
    size: int
    missing: int | None
    first: int
    ordered_from: int | None

    @abstractmethod
    def encode(self, values: pa.Array) -> np.ndarray:
        """int32[n]: the cell of every value, each decided by that value alone (never by dtype or neighbours)."""

    @abstractmethod
    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """object or typed array[n] of values of the domain (None where missing); uniform inside a cell.

        decode(encode(x)) = x for listed values, special values, and integers with a cell of their own.
        """

    @abstractmethod
    def labels(self) -> list[str]:
        """A public text for every cell, for reports."""
