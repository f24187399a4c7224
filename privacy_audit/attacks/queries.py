"""Features of a synthetic table: its size, moments and shares, and how many rows resemble a target in some columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from privacy_audit.frames import Table

__all__ = ["Queries"]

COUNT = 300
LARGEST_ORDER = 4
SHARES = 10
"""Categories of a column whose shares become features."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """Features fixed before any synthetic table is seen.

    Attributes:
        target: one row.
        masks: bool[queries, numeric + categorical columns]: the columns each query asks about.
        below: bool[queries, numeric columns]: whether it asks for at most the target's number, or at least.
        equal: bool[queries, categorical columns]: whether it asks for the target's category, or for another.
    """

    target: Table
    masks: np.ndarray
    below: np.ndarray
    equal: np.ndarray

    @staticmethod
    def draw(target: Table, population: Table, *, seed: int, count: int = COUNT) -> Queries:
        """Draw queries of one to four columns; those about one column and about all columns come first.

        Args:
            target: one row.
            population: its columns.
            seed: of the draw.
            count: how many.
        """
        rng = np.random.default_rng([seed, 7])
        p, q = population.numbers.shape[1], population.codes.shape[1]
        masks = [np.eye(p + q, dtype=bool)[i] for i in range(p + q)] + [np.ones(p + q, bool)]
        while len(masks) < count:
            mask = np.zeros(p + q, bool)
            mask[rng.choice(p + q, int(rng.integers(1, min(LARGEST_ORDER, p + q) + 1)), replace=False)] = True
            masks.append(mask)
        masks = masks[:count]
        equal = rng.random((len(masks), q)) < 0.8
        equal[: p + q + 1] = True
        return Queries(target, np.array(masks), rng.random((len(masks), p)) < 0.5, equal)

    def answer(self, table: Table) -> np.ndarray:
        """float64[features] of a table: number of rows, then moments and shares, then counts of matching rows."""
        n = table.rows
        numbers, codes = table.numbers, table.codes
        present = ~np.isnan(numbers)
        filled = np.where(present, numbers, 0.0)
        count = np.maximum(1, present.sum(axis=0))
        mean = filled.sum(axis=0) / count
        spread = np.sqrt(np.where(present, (numbers - mean) ** 2, 0.0).sum(axis=0) / count)
        ordered = np.sort(np.where(present, numbers, np.inf), axis=0)
        median = ordered[np.minimum(count // 2, n - 1), np.arange(numbers.shape[1])]
        shares = [
            np.bincount(codes[:, j], minlength=column.size)[:SHARES] / n for j, column in enumerate(table.categorical)
        ]
        parts = [np.array([n]), mean, spread, np.where(np.isfinite(median), median, 0.0), *shares, self._matches(table)]
        return np.concatenate(parts, dtype=np.float64)

    def _matches(self, table: Table) -> np.ndarray:
        """Counts of all queries in one matrix product: a row matches where no asked column fails."""
        p = table.numbers.shape[1]
        at_most = table.numbers <= self.target.numbers
        at_least = table.numbers >= self.target.numbers
        gone = np.isnan(table.numbers) & np.isnan(self.target.numbers)
        same = table.codes == self.target.codes
        fails = np.concatenate([~(at_most | gone), ~(at_least | gone), ~same, same], axis=1, dtype=np.float32)
        asked = np.concatenate(
            [
                self.masks[:, :p] & self.below,
                self.masks[:, :p] & ~self.below,
                self.masks[:, p:] & self.equal,
                self.masks[:, p:] & ~self.equal,
            ],
            axis=1,
            dtype=np.float32,
        )
        return (fails @ asked.T == 0).sum(axis=0).astype(float)
