"""What the parities that hold a column say of it at a row: a polynomial of the other columns.

    sum over S that hold j of value_S prod_{k in S, k != j} x_k

It is the field of a Gibbs draw (values = natural parameters) and the gain of a bit flip (values = pulls on sums). Rows
are blocks float32[columns, rows]; orders 1 to 4.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["Neighbours", "Polynomial"]


class Neighbours:
    """For every column, which sets hold it, and their other columns.

    Attributes:
        places: by order, for each column the intp places of its sets.
        others: by order, for each column intp[m, order - 1].
    """

    def __init__(self, columns: int, sets: Mapping[int, np.ndarray]) -> None:
        self.columns = columns
        self.places = {
            order: [np.flatnonzero((s == j).any(axis=1)) for j in range(columns)] for order, s in sets.items()
        }
        self.others = {
            order: [s[p][s[p] != j].reshape(len(p), order - 1) for j, p in enumerate(self.places[order])]
            for order, s in sets.items()
        }

    def polynomial(self, column: int, values: Mapping[int, np.ndarray]) -> Polynomial:
        """The polynomial of a column from its own values, float64[m] by order in the order of `places`."""
        return Polynomial(self.columns, {order: self.others[order][column] for order in values}, values)

    def all_polynomials(self, values: Mapping[int, np.ndarray]) -> list[Polynomial]:
        """The polynomials of all columns from values of all sets."""
        return [
            self.polynomial(j, {order: values[order][self.places[order][j]] for order in values})
            for j in range(self.columns)
        ]


class Polynomial:
    """A polynomial of order <= 3."""

    def __init__(self, columns: int, others: Mapping[int, np.ndarray], values: Mapping[int, np.ndarray]) -> None:
        self._constant = np.float32(values[1].sum()) if 1 in values else np.float32(0)
        self._linear = np.zeros(columns, np.float32)
        self._quadratic: np.ndarray | None = None
        self._cubic: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        if 2 in values:
            self._linear[others[2][:, 0]] = values[2]
        if 3 in values and len(values[3]):
            self._quadratic = np.zeros((columns, columns), np.float32)
            self._quadratic[others[3][:, 0], others[3][:, 1]] = values[3]
        if 4 in values and len(values[4]):
            pairs, row = np.unique(others[4][:, :2], axis=0, return_inverse=True)
            forms = np.zeros((len(pairs), columns), np.float32)
            forms[row.reshape(-1), others[4][:, 2]] = values[4]
            self._cubic = pairs[:, 0], pairs[:, 1], forms

    def at(self, block: np.ndarray) -> np.ndarray:
        """float32[rows]: its value at a block of rows."""
        if self._quadratic is None:
            found = self._linear @ block
        else:
            slopes = self._quadratic @ block
            slopes += self._linear[:, None]
            found = np.einsum("ab,ab->b", slopes, block)
        if self._cubic is not None:
            one, two, forms = self._cubic
            found += np.einsum("pb,pb,pb->b", block[one], block[two], forms @ block)
        return found + self._constant
