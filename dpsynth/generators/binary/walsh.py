"""Sums of parities by set of columns, and their change to the basis of centred columns.

With s_j = +1 or -1 the sign of column j and z_j = s_j - mu_j its centred sign, a product over a set S expands as

    prod z_j = sum over T in S of prod_{S-T} (-mu_j) prod_T s_j
    prod s_j = sum over T in S of prod_{S-T} mu_j prod_T z_j

so sums over rows change basis by one rule (`shift`). In skewed tables products of raw signs are far from orthogonal;
products of centred signs are nearly so, which is what makes shrinking one at a time sensible.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Values", "all_sets", "products", "shift", "shift_matrix"]

Values = Mapping[int, np.ndarray]
"""float64[sets] by order 0, 1, 2, ...; order 0 has one entry. The sets of each order are kept beside it."""


def all_sets(columns: int, order: int) -> np.ndarray:
    """intp[C(columns, order), order]: every set of that many columns, in lexicographic order."""
    sets = itertools.chain.from_iterable(itertools.combinations(range(columns), order))
    return np.fromiter(sets, np.intp, math.comb(columns, order) * order).reshape(math.comb(columns, order), order)


def products(factors: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """float64[sets]: the product of the factors of each set's columns (1 for the empty set)."""
    return np.prod(factors[sets], axis=1)


def shift(values: Values, sets: Mapping[int, np.ndarray], by: np.ndarray) -> dict[int, np.ndarray]:
    """The sums over all subsets T of S of values[T] times the product of `by` over S - T, for every S.

    Args:
        values: by order, each in the order of `sets`.
        sets: intp[m, order] by order; every order but the highest holds all sets of its size.
        by: float64[columns].

    Returns:
        As `values`.
    """
    tensors = {order: _dense(values[order], sets[order], len(by)) for order in values if order < max(values)}
    found = {}
    for order in values:
        total = values[order].astype(np.float64, copy=True)
        for size in range(order):
            for kept in itertools.combinations(range(order), size):
                left = [place for place in range(order) if place not in kept]
                columns = tuple(sets[order][:, place] for place in kept)
                total += tensors[size][columns] * products(by, sets[order][:, left])
        found[order] = total
    return found


def _dense(values: np.ndarray, sets: np.ndarray, columns: int) -> np.ndarray:
    """float64[columns, ..., columns]: the values at the increasing index of their set, zero elsewhere."""
    tensor = np.zeros((columns,) * sets.shape[1])
    tensor[tuple(sets.T)] = values if sets.shape[1] else values[0]
    return tensor


def shift_matrix(sets: Mapping[int, np.ndarray], by: np.ndarray) -> sparse.csr_matrix:
    """`shift` of orders 1 and up as a matrix, sets of all orders one after the other.

    Args:
        sets: intp[m, order] by order from 1, complete.
        by: float64[columns].

    Returns:
        A square sparse matrix. What the empty set contributes is left out: it is constant.
    """
    from scipy import sparse

    orders = sorted(sets)
    first = dict(zip(orders, np.cumsum([0] + [len(sets[order]) for order in orders])[:-1], strict=True))
    number = {o: _dense(np.arange(first[o], first[o] + len(sets[o])), sets[o], len(by)).astype(np.intp) for o in orders}
    rows, columns, values = [], [], []
    for order in orders:
        mine = sets[order]
        for size in range(1, order + 1):
            for kept in itertools.combinations(range(order), size):
                left = [place for place in range(order) if place not in kept]
                rows.append(np.arange(first[order], first[order] + len(mine)))
                columns.append(number[size][tuple(mine[:, place] for place in kept)])
                values.append(products(by, mine[:, left]))
    whole = sum(len(sets[order]) for order in orders)
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(entries, shape=(whole, whole))
