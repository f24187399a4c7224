"""The cells of a few two-valued columns, and sums over them by fast transforms."""

from __future__ import annotations

import numpy as np

__all__ = ["Joint"]

_AXES_AT_ONCE = 4


class Joint:
    """All 2^d cells, column 0 most significant, and products of centred signs on them.

    A set of columns has a place: the number of the cell in which exactly its columns are negative.
    """

    def __init__(self, centres: np.ndarray) -> None:
        self.columns = len(centres)
        self._expand, self._moments = [], []
        for low in range(0, self.columns, _AXES_AT_ONCE):
            block = np.ones((1, 1))
            for centre in centres[low : low + _AXES_AT_ONCE]:
                block = np.kron(block, np.array([[1.0, 1.0 - centre], [1.0, -1.0 - centre]]))
            self._expand.append(block)
            self._moments.append(np.ascontiguousarray(block.T))

    def places_of(self, sets: np.ndarray) -> np.ndarray:
        """intp[m]: the place of each set intp[m, order]."""
        return (1 << (self.columns - 1 - sets)).sum(axis=1, dtype=np.intp)

    def expand(self, coefficients: np.ndarray) -> np.ndarray:
        """float64[2^d]: the function on cells whose coefficients are given by set."""
        return _along_axes(self._expand, coefficients)

    def moments(self, weights: np.ndarray) -> np.ndarray:
        """float64[2^d]: sum over cells of weight times product, for every set."""
        return _along_axes(self._moments, weights)


def _along_axes(blocks: list[np.ndarray], values: np.ndarray) -> np.ndarray:
    for block in blocks:  # each turn moves its axes to the end; after all of them the order is back
        values = (block @ values.reshape(len(block), -1)).T
    return values.reshape(-1)
