"""A maximum-entropy model of many two-valued columns, held by Gibbs particles.

    p(x) ~ exp(sum theta_S prod_{j in S} z_j),       z_j = s_j - mu_j the centred signs

The joint of 17 to 40 columns is too large to hold, so moments
come from particles: rows that are drawn column by column from the model's conditionals and go on from one step to the
next. Arrays are [columns, particles]; blocks of particles stay in the cache through all columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dpsynth.generators.binary.polynomial import Polynomial

__all__ = ["Particles", "moments_of"]

_BLOCK = 4096


class Particles:
    """Rows of the model. `signs` is float32[columns, particles] of +1 and -1."""

    def __init__(self, centres: np.ndarray, count: int, rng: np.random.Generator) -> None:
        """Independent columns with the given mean signs, stratified."""
        self.centres = centres.astype(np.float32)
        self.rng = rng
        self.signs = np.empty((len(centres), count), np.float32)
        for column, centre in enumerate(centres):
            points = (rng.permutation(count) + rng.random()) / count
            self.signs[column] = np.where(points < (1 + centre) / 2, 1, -1)

    def sweep(self, fields: list[Polynomial], times: int = 1) -> None:
        """Draw every column of every particle from its conditional, `times` times; fields by column."""
        columns, count = self.signs.shape
        order = self.rng.permutation(columns)
        for low in range(0, count, _BLOCK):
            block = self.signs[:, low : low + _BLOCK] - self.centres[:, None]
            for _ in range(times):
                for column in order:
                    odds = np.exp(np.clip(-2 * fields[column].at(block), -60, 60))
                    uniform = self.rng.random(block.shape[1], dtype=np.float32)
                    block[column] = np.where(uniform * (1 + odds) < 1, 1, -1) - self.centres[column]
            self.signs[:, low : low + _BLOCK] = np.sign(block + self.centres[:, None])

    def moments(self, sets: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        """float64[sets] by order: means of products of centred signs."""
        return moments_of(self.signs, self.centres, sets)


def moments_of(signs: np.ndarray, centres: np.ndarray, sets: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Means over rows of products of centred signs, by order 1..4.

    Args:
        signs: float32[columns, rows].
        centres: float32[columns].
        sets: intp[m, order] by order.
    """
    count = signs.shape[1]
    found = {order: np.zeros(len(places)) for order, places in sets.items()}
    plans = {order: _split(places) for order, places in sets.items() if order > 1 and len(places)}
    for low in range(0, count, _BLOCK):
        block = signs[:, low : low + _BLOCK] - centres[:, None]
        if 1 in found:
            found[1] += block.sum(axis=1, dtype=np.float64)[sets[1][:, 0]]
        for order, plan in plans.items():
            found[order] += plan(block)
    return {order: total / count for order, total in found.items()}


def _split(places: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function from a block of rows to the sums of the products of each set."""
    order = places.shape[1]
    half = order // 2
    left, row = np.unique(places[:, :half], axis=0, return_inverse=True)
    right, column = np.unique(places[:, half:], axis=0, return_inverse=True)
    row, column = row.reshape(-1), column.reshape(-1)
    if len(places) * 128 < len(left) * len(right):  # few sets: one by one is less work than the whole Gram matrix

        def few(block: np.ndarray) -> np.ndarray:
            one, two = _products(block, left), _products(block, right)
            return np.einsum("mb,mb->m", one[row], two[column]).astype(np.float64)

        return few

    def all_at_once(block: np.ndarray) -> np.ndarray:
        return (_products(block, left) @ _products(block, right).T)[row, column].astype(np.float64)

    return all_at_once


def _products(block: np.ndarray, sets: np.ndarray) -> np.ndarray:
    found = block[sets[:, 0]]
    for place in range(1, sets.shape[1]):
        found = found * block[sets[:, place]]
    return found
