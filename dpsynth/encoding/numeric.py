"""Cells of integer and real columns: special values first, then a public grid."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from dpsynth.domain.columns import Integer, Outside, Real
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.lattice import Lattice, find_cells, look_up_table, real_edges, whole_edges
from dpsynth.encoding.texts import booleans_of, numbers_of
from dpsynth.encoding.values import Cells, Form, MissingPolicy

__all__ = ["IntegerEncoder", "RealEncoder"]

_EXACT = 2**53


class _NumericEncoder(AbstractColumnEncoder):
    """missing, special values in ascending order, grid cells in ascending order.

    A cell that reads as no number is missing. true and false read as 1 and 0. Special values are matched before the
    bounds are looked at; what lies outside the bounds, infinity included, is clipped to them or missing.
    """

    column: Integer | Real
    grid_edges: np.ndarray
    _table: np.ndarray | None = None

    def _place(self, column: Integer | Real, policy: MissingPolicy, edges: np.ndarray) -> None:
        self.column, self.policy = column, policy
        self.special = np.array(sorted(column.special), dtype=np.float64)
        self.missing = None if column.required else 0
        self.first = int(not column.required)
        self.ordered_from = self.first + len(self.special)
        self.grid_edges = edges
        self.size = self.ordered_from + len(edges) - 1
        self.absent = 0
        if self.missing is None:
            self.absent = int(self._codes(np.array([float(column.minimum)]))[0])

    def encode_cells(self, cells: Cells) -> np.ndarray:
        """int32[m]: the code of every canonical value."""
        if cells.form is Form.INSTANT:
            return np.full(len(cells.values), self.absent, np.int32)
        if cells.form is Form.NUMBER:
            return self._codes(cells.values)
        if cells.form is Form.BOOLEAN:
            return self._codes(cells.values.astype(np.float64))
        numbers = numbers_of(cells.values)
        unread = np.flatnonzero(np.isnan(numbers))
        if len(unread):
            truth = booleans_of(cells.values.take(pa.array(unread)))
            numbers[unread] = np.where(truth >= 0, truth, np.nan)
        return self._codes(numbers)

    def _codes(self, numbers: np.ndarray) -> np.ndarray:
        low, high = float(self.column.minimum), float(self.column.maximum)
        numbers = self._settle(numbers)
        # fmax and fmin put NaN at the minimum; its code is overwritten below.
        inside = np.fmin(np.fmax(numbers, low), high)
        if self._table is not None:
            codes = self._table[(inside - low).astype(np.int32)]
        else:
            codes = find_cells(self.grid_edges, inside)
        codes += np.int32(self.ordered_from)
        unread = np.isnan(numbers)
        if self.column.outside is Outside.MISSING:
            unread |= (numbers < low) | (numbers > high)
        if unread.any():
            codes[unread] = self.absent
        for i, value in enumerate(self.special):
            codes[numbers == value] = self.first + i
        return codes

    def _settle(self, numbers: np.ndarray) -> np.ndarray:
        return numbers

    def labels(self) -> list[str]:
        """missing, the special values, then each grid cell."""
        head = ["missing"] if self.missing is not None else []
        return [*head, *(f"{value:.15g}" for value in self.special), *self._cell_labels()]

    def _cell_labels(self) -> list[str]:
        edges = self.grid_edges
        ends = ["]" if i == len(edges) - 2 else ")" for i in range(len(edges) - 1)]
        return [f"[{a:.15g}, {b:.15g}{end}" for a, b, end in zip(edges, edges[1:], ends, strict=False)]


class IntegerEncoder(_NumericEncoder):
    """Whole numbers; a number that is not whole reads as the nearest whole one (ties to even)."""

    column: Integer

    def __init__(self, column: Integer, policy: MissingPolicy) -> None:
        edges = whole_edges(column.minimum, column.maximum, column.grid)
        self._lattice = Lattice(edges[:-1], edges[1:], np.array(sorted(column.special), dtype=np.int64))
        self._table = look_up_table(edges)
        self._place(column, policy, edges.astype(np.float64))

    def _settle(self, numbers: np.ndarray) -> np.ndarray:
        return np.rint(numbers)

    def decode_ordinary(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int64[n]: special values themselves; uniform among the other whole numbers of a grid cell."""
        values = self._lattice.draw(np.maximum(codes - self.ordered_from, 0), rng)
        for i, value in enumerate(self._lattice.excluded):
            values[codes == self.first + i] = value
        return values

    def _cell_labels(self) -> list[str]:
        pairs = zip(self._lattice.starts.tolist(), self._lattice.stops.tolist(), strict=True)
        return [str(a) if b == a + 1 else f"{a} to {b - 1}" for a, b in pairs]


class RealEncoder(_NumericEncoder):
    """Real numbers on a grid; with `decimals`, values inside a cell are the decimals that lie in it."""

    column: Real

    def __init__(self, column: Real, policy: MissingPolicy) -> None:
        edges = real_edges(float(column.minimum), float(column.maximum), column.grid)
        self._lattice = None
        if column.decimals is not None:
            self._lattice = _decimal_lattice(edges, column)
        self._place(column, policy, edges)

    def decode_ordinary(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """float64[n]: special values themselves; uniform inside a grid cell."""
        column, cells = self.column, np.maximum(codes - self.ordered_from, 0)
        if self._lattice is not None:
            values = self._lattice.draw(cells, rng) / 10.0 ** (column.decimals or 0)
        else:
            low, high = self.grid_edges[cells], self.grid_edges[cells + 1]
            share = rng.random(len(cells))
            values = np.clip(low * (1 - share) + high * share, low, np.maximum(low, np.nextafter(high, -np.inf)))
            if column.decimals is not None:
                values = np.round(values, column.decimals)
        values = np.clip(values, float(column.minimum), float(column.maximum))
        for i, value in enumerate(self.special):
            values[codes == self.first + i] = value
        return values


def _decimal_lattice(edges: np.ndarray, column: Real) -> Lattice | None:
    """Multiples of 10^-decimals in every cell, or None where they are too many for exact arithmetic."""
    scale = 10.0 ** (column.decimals or 0)
    if max(abs(column.minimum), abs(column.maximum)) * scale > _EXACT / 4:
        return None
    start = np.floor(edges * scale) - 1
    for _ in range(3):
        start += start / scale < edges
    starts = start.astype(np.int64)
    stops = starts[1:].copy()
    stops[-1] += math.isclose(stops[-1] / scale, edges[-1], rel_tol=0, abs_tol=0)
    special = np.array(sorted(column.special), dtype=np.float64)
    whole = np.rint(special * scale)
    return Lattice(starts[:-1], stops, whole[whole / scale == special].astype(np.int64))
