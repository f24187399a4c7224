"""Cells of datetime columns: whole steps of the resolution, counted from the minimum."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from dpsynth.domain.columns import Datetime, Outside, Resolution
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.lattice import Lattice
from dpsynth.encoding.texts import distinct, instants_of
from dpsynth.encoding.values import Cells, Form, MissingPolicy

__all__ = ["DatetimeEncoder"]

_STEP = {
    Resolution.DAY: 86_400_000_000,
    Resolution.HOUR: 3_600_000_000,
    Resolution.MINUTE: 60_000_000,
    Resolution.SECOND: 1_000_000,
}


class DatetimeEncoder(AbstractColumnEncoder):
    """missing, then grid cells in ascending order. An instant counts as the last step that began before it.

    Timestamps, dates and ISO texts are read, zoned ones as UTC; numbers are not dates and are missing.
    """

    column: Datetime
    grid_edges: np.ndarray

    def __init__(self, column: Datetime, policy: MissingPolicy) -> None:
        self.column, self.policy = column, policy
        self._step = _STEP[column.resolution]
        self._origin = _microseconds(column.minimum)
        self._last = (_microseconds(column.maximum) - self._origin) // self._step
        self._lattice = Lattice.over(0, self._last, column.grid)
        self.grid_edges = (self._origin + self._lattice.edges * self._step).astype(np.float64)
        self.missing = None if column.required else 0
        self.first = self.ordered_from = int(not column.required)
        self.size = self.first + self._lattice.cells
        self.absent = 0

    def encode_cells(self, cells: Cells) -> np.ndarray:
        """int32[m]: the code of every canonical value."""
        if cells.form is Form.INSTANT:
            instants, valid = cells.values, np.ones(len(cells.values), bool)
        elif cells.form is Form.TEXT:
            texts, index = distinct(cells.values)
            instants, valid = (said[index] for said in instants_of(texts))
        else:
            return np.full(len(cells.values), self.absent, np.int32)
        steps = (instants - self._origin) // self._step
        if self.column.outside is Outside.MISSING:
            valid = valid & (steps >= 0) & (steps <= self._last)
        codes = self._lattice.find(np.clip(steps, 0, self._last).astype(np.float64))
        codes += np.int32(self.first)
        codes[~valid] = self.absent
        return codes

    def decode_ordinary(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """datetime64[us][n]: uniform among the steps of a cell, in UTC."""
        steps = self._lattice.draw(np.maximum(codes - self.first, 0), rng)
        return (self._origin + steps * self._step).astype("datetime64[us]")

    def labels(self) -> list[str]:
        """missing, then the first step of each cell and, where it holds several, the last."""
        starts, last = (
            np.datetime_as_string((self._origin + steps * self._step).astype("datetime64[us]"), unit="s")
            for steps in (self._lattice.edges[:-1], self._lattice.edges[1:] - 1)
        )
        cells = [a if a == b else f"{a} to {b}" for a, b in zip(starts.tolist(), last.tolist(), strict=True)]
        return [*(["missing"] if self.missing is not None else []), *cells]


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1)) // timedelta(microseconds=1)
