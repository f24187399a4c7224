"""Cells of true and false."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpsynth.domain.columns import Boolean
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.texts import distinct, numbers_of
from dpsynth.encoding.values import Cells, Form, MissingPolicy

__all__ = ["BooleanEncoder"]

_FALSE = ("false", "f", "no", "n")
_TRUE = ("true", "t", "yes", "y")


class BooleanEncoder(AbstractColumnEncoder):
    """missing, false, true. true/false, t/f, yes/no, y/n (any case) and 1/0 are read; all else is missing."""

    def __init__(self, column: Boolean, policy: MissingPolicy) -> None:
        self.column, self.policy = column, policy
        self.missing = None if column.required else 0
        self.first = int(not column.required)
        self.size = self.first + 2
        self.ordered_from = None
        self.grid_edges = None
        self.absent = 0

    def encode_cells(self, cells: Cells) -> np.ndarray:
        """int32[m]: the code of every canonical value."""
        if cells.form is Form.BOOLEAN:
            return cells.values.astype(np.int32) + np.int32(self.first)
        if cells.form is Form.INSTANT:
            return np.full(len(cells.values), self.absent, np.int32)
        if cells.form is Form.NUMBER:
            return self._codes(cells.values == 0, cells.values == 1)
        texts, index = distinct(cells.values)
        lowered, numbers = pc.ascii_lower(texts), numbers_of(texts)
        false, true = (
            (numbers == truth) | pc.is_in(lowered, pa.array(words, pa.large_string())).to_numpy(zero_copy_only=False)
            for truth, words in enumerate((_FALSE, _TRUE))
        )
        return self._codes(false, true)[index]

    def _codes(self, false: np.ndarray, true: np.ndarray) -> np.ndarray:
        codes = np.full(len(false), self.absent, np.int32)
        codes[false] = self.first
        codes[true] = self.first + 1
        return codes

    def decode_ordinary(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """bool[n]."""
        return codes == self.first + 1

    def labels(self) -> list[str]:
        """missing, false, true."""
        return [*(["missing"] if self.missing is not None else []), "false", "true"]
