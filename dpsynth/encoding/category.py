"""Cells of a closed list of values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpsynth.domain.columns import Category, Outside
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.texts import booleans_of, instants_of, numbers_of
from dpsynth.encoding.values import Cells, Form, MissingPolicy

__all__ = ["CategoryEncoder"]

_PLAIN = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


class CategoryEncoder(AbstractColumnEncoder):
    """A cell finds its listed value by its trimmed text, else by the number, instant or truth value that it reads as.

    Where several listed values read alike ("1" and "1.0"), a cell that is not one of these texts takes the value whose
    text is the canonical one, else the first listed.
    """

    def __init__(self, column: Category, policy: MissingPolicy) -> None:
        self.column, self.policy = column, policy
        self.values = tuple(value.strip() for value in column.values)
        self.missing = None if column.required else 0
        other = column.outside is Outside.OTHER
        self.other = (0 if column.required else 1) if other else None
        self.first = int(not column.required) + int(other)
        self.size = self.first + len(self.values)
        self.ordered_from = None
        self.grid_edges = None
        if self.missing is not None:
            self.absent = self.missing
        else:
            self.absent = self.other if self.other is not None else self.first
        self._outside = self.other if self.other is not None else self.absent
        self._texts = pa.array(self.values, type=pa.large_string())
        self._read_listed_values()
        # What each listed text gives when a cell is that very text, and the last entry for all other cells.
        self._exact = np.arange(self.first, self.size + 1, dtype=np.int32)
        self._exact[:-1][policy.among_texts(self._texts)] = self.absent
        self._exact[-1] = -1

    def _read_listed_values(self) -> None:
        codes = range(self.first, self.size)
        numbers = numbers_of(self._texts)
        self._numbers = _first_of_each(
            (float(number), code, text == _number_text(float(number)))
            for number, code, text in zip(numbers, codes, self.values, strict=True)
            if np.isfinite(number)
        )
        instants, valid = instants_of(self._texts)
        self._instants = _first_of_each(
            (int(instant), code, False) for instant, code, ok in zip(instants, codes, valid, strict=True) if ok
        )
        self._truths = [self._outside, self._outside]
        spelled = booleans_of(self._texts)
        for truth in (0, 1):
            alike = [code for code, said in zip(codes, spelled, strict=True) if said == truth]
            exact = [code for code in alike if self.values[code - self.first] == str(bool(truth))]
            if exact or len(alike) == 1:
                self._truths[truth] = (exact or alike)[0]

    def encode(self, values: pa.Array) -> np.ndarray:
        """int32[n]: the cell of every value. Cells that are a listed text to the letter take a short way to it."""
        if not any(test(values.type) for test in _PLAIN):
            return super().encode(values)
        found = pc.index_in(values, value_set=self._texts.cast(values.type))
        codes = self._exact[(found.fill_null(-1) if found.null_count else found).to_numpy(zero_copy_only=False)]
        rest = np.flatnonzero(codes < 0)
        if len(rest):
            codes[rest] = super().encode(values.take(pa.array(rest)))
        return codes

    def encode_cells(self, cells: Cells) -> np.ndarray:
        """int32[m]: the code of every canonical value."""
        if cells.form is Form.NUMBER:
            return self._look_up(self._numbers, cells.values)
        if cells.form is Form.INSTANT:
            return self._look_up(self._instants, cells.values)
        if cells.form is Form.BOOLEAN:
            return np.array(self._truths, dtype=np.int32)[cells.values.astype(np.int8)]
        return self._encode_texts(cells.values, cells.missing)

    def _encode_texts(self, texts: pa.Array, missing: np.ndarray) -> np.ndarray:
        found = pc.index_in(texts, value_set=self._texts).fill_null(-1).to_numpy(zero_copy_only=False)
        codes = found.astype(np.int32) + self.first
        rest = np.flatnonzero((found < 0) & ~missing)
        if not len(rest):
            return codes
        unlisted = texts.take(pa.array(rest))
        said = self._look_up(self._numbers, numbers_of(unlisted))
        if len(self._instants[0]):
            instants, valid = instants_of(unlisted)
            said = np.where(valid, self._look_up(self._instants, instants), said)
        truth = booleans_of(unlisted)
        codes[rest] = np.where(truth >= 0, np.array(self._truths, dtype=np.int32)[truth], said)
        return codes

    def _look_up(self, table: tuple[np.ndarray, np.ndarray], keys: np.ndarray) -> np.ndarray:
        wanted, codes = table
        if not len(wanted):
            return np.full(len(keys), self._outside, np.int32)
        place = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
        return np.where(wanted[place] == keys, codes[place], np.int32(self._outside))

    def decode_ordinary(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """object[n] of listed values; `other` gives its label."""
        return np.array(self.labels(), dtype=object)[codes]

    def labels(self) -> list[str]:
        """missing, the label of other, then the listed values."""
        assert isinstance(self.column, Category)
        head = ["missing"] if self.missing is not None else []
        return [*head, *([self.column.other_label] if self.other is not None else []), *self.values]


def _number_text(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _first_of_each(entries: Iterable[tuple[float, int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys and their codes: per key the entry marked canonical, else the first."""
    chosen: dict[float, tuple[int, bool]] = {}
    for key, code, canonical in entries:
        if key not in chosen or (canonical and not chosen[key][1]):
            chosen[key] = (code, canonical)
    keys = sorted(chosen)
    return np.array(keys), np.array([chosen[key][0] for key in keys], dtype=np.int32)
