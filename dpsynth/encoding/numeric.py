"""Cells of integer and real columns: special values first, then a public grid."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import pyarrow as pa

from dpsynth.domain.columns import Grid, Integer, Outside, Real
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.lattice import Lattice, find_cells, real_edges
from dpsynth.encoding.texts import booleans_of, numbers_of
from dpsynth.encoding.values import Cells, Form, MissingPolicy

__all__ = ["ContinuousEncoder", "LatticeEncoder", "numeric_encoder"]

# More steps from zero than this, and float64 no longer tells the multiples of a decimal step apart.
_EXACT = 2**50


def numeric_encoder(column: Integer | Real, policy: MissingPolicy) -> AbstractNumericEncoder:
    """A `LatticeEncoder` for integers and for reals that declare decimals, else a `ContinuousEncoder`."""
    if isinstance(column, Integer):
        return LatticeEncoder(column, policy, 1.0)
    scale = 10.0 ** (column.decimals or 0)
    first, last = np.ceil(column.minimum * scale), np.floor(column.maximum * scale)
    if column.decimals is not None and first <= last and max(abs(first), abs(last)) < _EXACT:
        return LatticeEncoder(column, policy, scale)
    return ContinuousEncoder(column, policy)


class AbstractNumericEncoder(AbstractColumnEncoder):
    """missing, special values in ascending order, grid cells in ascending order.

    A cell that reads as no number is missing. true and false read as 1 and 0. Special values are matched before the
    bounds are looked at; what lies outside the bounds, infinity included, is clipped to them or missing.
    """

    column: Integer | Real
    grid_edges: np.ndarray

    def __init__(self, column: Integer | Real, policy: MissingPolicy, edges: np.ndarray) -> None:
        self.column, self.policy = column, policy
        self.special = np.array(sorted(column.special), dtype=np.float64)
        self.missing = None if column.required else 0
        self.first = int(not column.required)
        self._grid = self.first + len(self.special)
        self.ordered_from = self._grid
        self.grid_edges = edges
        self.size = self._grid + len(edges) - 1
        self.absent = 0
        if self.missing is None:
            self.absent = int(self._codes(np.array([float(column.minimum)]))[0])

    @abstractmethod
    def round(self, numbers: np.ndarray) -> np.ndarray:
        """float64[n]: the nearest values that the column can hold (NaN and infinity stay)."""

    @abstractmethod
    def find(self, numbers: np.ndarray) -> np.ndarray:
        """int32[n]: the grid cell of rounded numbers within the bounds, counted from 0."""

    @abstractmethod
    def draw(self, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int64[n] or float64[n]: a uniform value of each grid cell, counted from 0."""

    def encode_cells(self, cells: Cells) -> np.ndarray:
        if cells.form is Form.INSTANT:
            return np.full(len(cells.values), self.absent, np.int32)
        if cells.form is Form.NUMBER:
            return self._codes(cells.values)
        if cells.form is Form.BOOLEAN:
            return self._codes(cells.values.astype(np.float64))
        numbers = numbers_of(cells.values)
        unread = np.flatnonzero(np.isnan(numbers))
        if len(unread):
            numbers = numbers.copy()
            truth = booleans_of(cells.values.take(pa.array(unread)))
            numbers[unread] = np.where(truth >= 0, truth, np.nan)
        return self._codes(numbers)

    def _codes(self, numbers: np.ndarray) -> np.ndarray:
        low, high = float(self.column.minimum), float(self.column.maximum)
        rounded = self.round(numbers)
        unread = np.isnan(rounded)
        if self.column.outside is Outside.MISSING:
            unread |= (rounded < low) | (rounded > high)
        # fmax and fmin put NaN at a bound; its code is overwritten.
        codes = self.find(np.fmin(np.fmax(rounded, low), high))
        codes += np.int32(self._grid)
        if unread.any():
            codes[unread] = self.absent
        for i, value in enumerate(self.special):
            codes[(numbers == value) | (rounded == value)] = self.first + i
        return codes

    def decode_ordinary(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int64[n] or float64[n]: special values themselves; uniform inside a grid cell."""
        values = self.draw(np.maximum(codes - self._grid, 0), rng)
        for i, value in enumerate(self.special):
            values[codes == self.first + i] = value
        return values

    def labels(self) -> list[str]:
        head = ["missing"] if self.missing is not None else []
        return [*head, *(f"{value:.16g} (special)" for value in self.special), *self.cell_labels()]

    @abstractmethod
    def cell_labels(self) -> list[str]:
        """A text for every grid cell."""


class LatticeEncoder(AbstractNumericEncoder):
    """Multiples of 1 / scale: integers, and reals with `decimals`. Other numbers read as the nearest multiple."""

    def __init__(self, column: Integer | Real, policy: MissingPolicy, scale: float) -> None:
        self._scale = scale
        self._bounds = int(np.ceil(column.minimum * scale)), int(np.floor(column.maximum * scale))
        edges = column.grid.edges
        steps = column.grid if edges is None else Grid("edges", edges=tuple(edge * scale for edge in edges))
        inside = [value for value in column.special if column.minimum <= value <= column.maximum]
        special = tuple(step for value in inside if (step := round(value * scale)) / scale == value)
        self._lattice = Lattice.over(*self._bounds, steps, excluded=special)
        super().__init__(column, policy, self._lattice.edges / scale)

    @property
    def lattice_edges(self) -> np.ndarray:
        """int64[cells + 1]: cell i of the grid holds the multiples edges[i], ..., edges[i + 1] - 1 of the step."""
        return self._lattice.edges

    def round(self, numbers: np.ndarray) -> np.ndarray:
        if self._scale == 1:
            return np.rint(numbers)
        with np.errstate(over="ignore"):
            return np.rint(numbers * self._scale) / self._scale

    def find(self, numbers: np.ndarray) -> np.ndarray:
        if self._scale != 1:
            # Bounds that are no multiples of the step lie beyond the first or last multiple.
            numbers = np.clip(np.rint(numbers * self._scale), *self._bounds)
        return self._lattice.find(numbers)

    def draw(self, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        steps = self._lattice.draw(cells, rng)
        return steps if isinstance(self.column, Integer) else steps / self._scale

    def cell_labels(self) -> list[str]:
        first, last = self._lattice.edges[:-1] / self._scale, (self._lattice.edges[1:] - 1) / self._scale
        return [f"{a:.16g}" if a == b else f"{a:.16g} to {b:.16g}" for a, b in zip(first, last, strict=True)]


class ContinuousEncoder(AbstractNumericEncoder):
    """Real numbers without a declared step."""

    column: Real

    def __init__(self, column: Real, policy: MissingPolicy) -> None:
        super().__init__(column, policy, real_edges(float(column.minimum), float(column.maximum), column.grid))

    def round(self, numbers: np.ndarray) -> np.ndarray:
        return numbers

    def find(self, numbers: np.ndarray) -> np.ndarray:
        return find_cells(self.grid_edges, numbers)

    def draw(self, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        low, high, share = self.grid_edges[cells], self.grid_edges[cells + 1], rng.random(len(cells))
        values = np.clip(low * (1 - share) + high * share, low, np.maximum(low, np.nextafter(high, -np.inf)))
        if self.column.decimals is None:
            return values
        with np.errstate(over="ignore"):
            rounded = np.round(values, self.column.decimals)
        rounded = np.where(np.isinf(rounded), values, rounded)  # so large that it has no digits to round
        return np.clip(rounded, self.column.minimum, self.column.maximum)

    def cell_labels(self) -> list[str]:
        edges = self.grid_edges
        ends = [")"] * (len(edges) - 2) + ["]"]
        return [f"[{a:.16g}, {b:.16g}{end}" for a, b, end in zip(edges[:-1], edges[1:], ends, strict=True)]
