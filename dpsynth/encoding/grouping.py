"""Public maps from the fine cells of a column to fewer, coarser cells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

__all__ = ["Grouping"]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Which coarse cell each fine cell of a column belongs to. Built from public or paid facts only.

    Attributes:
        cells: int64[fine], values in 0 .. size-1, every coarse cell used.
        size: number of coarse cells.
    """

    cells: np.ndarray
    size: int

    def __post_init__(self) -> None:
        cells = np.ascontiguousarray(self.cells, dtype=np.int64)
        cells.setflags(write=False)
        object.__setattr__(self, "cells", cells)
        if cells.ndim != 1 or not len(cells) or cells.min() < 0 or cells.max() >= self.size:
            raise ValueError("a grouping maps every fine cell to 0 .. size-1")
        if len(np.unique(cells)) != self.size:
            raise ValueError("a grouping uses every coarse cell")

    @classmethod
    def identity(cls, size: int) -> Grouping:
        """Every fine cell on its own."""
        return cls(np.arange(size, dtype=np.int64), size)

    def aggregate(self, fine: np.ndarray) -> np.ndarray:
        """Sum a vector over fine cells into coarse cells: float64[size]."""
        return np.bincount(self.cells, weights=fine, minlength=self.size)

    def digest(self) -> str:
        """SHA-256 of the map (hex)."""
        return hashlib.sha256(self.cells.tobytes()).hexdigest()
