"""Exact sums of parities: for many sets of columns, the sum over rows of the product of the columns' signs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpsynth.errors import PlanError

__all__ = ["SUM_CAP", "ParityCounter"]

SUM_CAP = 2**26
"""Public limit on the sums that are kept for the sets of one order (float64: 512 MiB)."""
_TABLE_COLUMNS = 16
_BLOCK_NUMBERS = 2**22
# Sums of at most 2^20 numbers +-1 are exact in float32, whatever the order of summation.
_BLOCK_ROWS = 2**20


class ParityCounter:
    """Sums that grow batch by batch, in memory bounded by the sets asked for.

    Few columns: all rows fold into a histogram over all 2^d patterns, and a Walsh-Hadamard transform gives every sum.
    More columns: a set is cut into two halves, and the sums are entries of the Gram matrix of the halves' products.
    Which way is taken depends on the number of columns only.
    """

    def __init__(self, columns: int, sets: Sequence[Sequence[int]]) -> None:
        """Sums for `sets` of positions below `columns`; raises PlanError where an order needs more than SUM_CAP."""
        self._columns = columns
        self._sets = [tuple(sorted(parity)) for parity in sets]
        self._patterns: np.ndarray | None = None
        self._orders: list[_Order] = []
        if columns <= _TABLE_COLUMNS:
            self._patterns = np.zeros(2**columns, np.int64)
            return
        by_order: dict[int, list[int]] = {}
        for place, parity in enumerate(self._sets):
            by_order.setdefault(len(parity), []).append(place)
        self._orders = [_Order(places, [self._sets[p] for p in places]) for _, places in sorted(by_order.items())]

    def add(self, negative: Sequence[np.ndarray], rows: int) -> None:
        """Add the rows of one batch.

        Args:
            negative: per column, uint8[rows]: 1 where the sign is -1, 0 where it is +1.
            rows: length of each.
        """
        if self._patterns is not None:
            index = np.zeros(rows, np.intp)
            for place, bits in enumerate(negative):
                index |= bits.astype(np.intp) << place
            self._patterns += np.bincount(index, minlength=len(self._patterns))
            return
        widest = max((order.width for order in self._orders), default=1) + self._columns
        step = min(_BLOCK_ROWS, max(1, _BLOCK_NUMBERS // widest))
        for low in range(0, rows, step):
            block = np.stack([bits[low : low + step] for bits in negative])
            signs = np.float32(1) - np.float32(2) * block.astype(np.float32)
            for order in self._orders:
                order.add(signs)

    def total(self) -> np.ndarray:
        """int64[sets]: the sums so far, in the order asked."""
        if self._patterns is not None:
            sums = _walsh_hadamard(self._patterns)
            return sums[[sum(1 << place for place in parity) for parity in self._sets]]
        found = np.empty(len(self._sets), np.int64)
        for order in self._orders:
            found[order.places] = order.total()
        return found


class _Order:
    """Sets of one order: products of their first halves times products of their second halves."""

    def __init__(self, places: list[int], sets: list[tuple[int, ...]]) -> None:
        half = (len(sets[0]) + 1) // 2
        self.places = places
        left, self._row = np.unique(np.array([s[:half] for s in sets], np.intp), axis=0, return_inverse=True)
        right, self._column = np.unique(np.array([s[half:] for s in sets], np.intp), axis=0, return_inverse=True)
        self.width = len(left) + len(right)
        if len(left) * len(right) > SUM_CAP:
            raise PlanError(
                f"Parity sums of order {len(sets[0])} need {len(left) * len(right):,} sums; the most is {SUM_CAP:,}.\n"
                "Ask for fewer or smaller sets."
            )
        self._left, self._right = left, right
        self._sums = np.zeros((len(left), len(right)))

    def add(self, signs: np.ndarray) -> None:
        """Add a block of signs: float32[columns, rows]."""
        if self._left.shape[1] == 0:
            self._sums += signs.shape[1]
            return
        left = _products(signs, self._left)
        if self._right.shape[1] == 0:
            self._sums += left.sum(axis=1, dtype=np.float64)[:, None]
        else:
            # Each entry is a whole number below 2^24 and so exact; float64 holds their sum exactly up to 2^53 rows.
            self._sums += left @ _products(signs, self._right).T

    def total(self) -> np.ndarray:
        """int64[sets]."""
        return np.rint(self._sums[self._row, self._column]).astype(np.int64)


def _products(signs: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """float32[sets, rows]: products of the signs of each set's columns."""
    found = signs[sets[:, 0]]
    for place in range(1, sets.shape[1]):
        found = found * signs[sets[:, place]]
    return found


def _walsh_hadamard(counts: np.ndarray) -> np.ndarray:
    """int64[2^d]: sums over patterns x of counts[x] (-1)^|x & S|, for every S."""
    sums, step = counts.copy(), 1
    while step < len(sums):
        halves = sums.reshape(-1, 2, step)
        sums = np.stack([halves[:, 0] + halves[:, 1], halves[:, 0] - halves[:, 1]], axis=1).reshape(-1)
        step *= 2
    return sums
