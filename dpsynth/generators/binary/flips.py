"""Bit flips that bring the parities of rows to their targets.

The loss is sum w_S (c_S - t_S)^2 over the measured sets, c the parity sums of the rows. Column by column, the gain of
flipping each row is a polynomial of the row; half of the improving rows are drawn, and an exact line search says how
many of them to flip, because each flip is judged as if it were alone.

Targets are rounded to whole rows and pulls to multiples of a power of two, so that sums in single precision are exact
and the rows do not depend on the order in which a machine adds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from dpsynth.generators.binary.particles import moments_of
from dpsynth.generators.binary.polynomial import Neighbours, Polynomial

__all__ = ["flip_rows"]

_BLOCK = 4096
_LEAST_MOVED = 1e-4
_EXACT = 2.0**23  # whole numbers that single precision holds, with a bit to spare


def flip_rows(
    signs: np.ndarray,
    sets: Mapping[int, np.ndarray],
    targets: Mapping[int, np.ndarray],
    weights: Mapping[int, float],
    rng: np.random.Generator,
    *,
    sweeps: int,
) -> int:
    """Flip entries of `signs` in place.

    Args:
        signs: float32[columns, rows].
        sets: intp[m, order] by order.
        targets: float64[m] parity sums by order.
        weights: weight of each order's squared errors.
        rng: draws rows among those that improve.
        sweeps: over all columns at most; stops when hardly a row moves.

    Returns:
        Sweeps taken.
    """
    columns, rows = signs.shape
    plain = np.zeros(columns, np.float32)
    counts = {order: np.rint(rows * mean) for order, mean in moments_of(signs, plain, sets).items()}
    wanted = {order: np.rint(values) for order, values in targets.items()}
    neighbours = Neighbours(columns, sets)
    sweep = 0
    for sweep in range(1, sweeps + 1):
        moved = 0
        for column in rng.permutation(columns):
            mine = {order: neighbours.places[order][column] for order in sets}
            others = {order: neighbours.others[order][column] for order in sets}
            pull = {o: weights[o] * (counts[o][mine[o]] - wanted[o][mine[o]]) for o in sets}
            gain = _gains(signs, column, neighbours.polynomial(column, _on_a_grid(pull)))
            gain -= sum(weights[order] * len(mine[order]) for order in sets)
            better = np.flatnonzero(gain > 0)
            if not len(better):
                continue
            key = gain[better] * rng.random(len(better), dtype=np.float32)
            middle = len(better) // 2
            better = better[key >= np.partition(key, middle)[middle]]
            change = _change(signs, column, others, better)
            numerator = -sum(float(pull[order] @ change[order]) for order in sets)
            denominator = sum(weights[order] * float(change[order] @ change[order]) for order in sets)
            few = round(min(1.0, numerator / denominator) * len(better)) if numerator > 0 else 0
            if few < 1:
                continue
            if few < len(better):
                better = rng.permutation(better)[:few]
                change = _change(signs, column, others, better)
            for order in sets:
                counts[order][mine[order]] += change[order]
            signs[column, better] *= -1
            moved += few
        if moved < _LEAST_MOVED * rows:
            break
    return sweep


def _on_a_grid(pull: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """The pulls as multiples of a power of two, so coarse that no sum of them leaves what single precision holds."""
    whole = sum(float(np.abs(values).sum()) for values in pull.values())
    step = 2.0 ** math.ceil(math.log2(max(whole, 1.0) / _EXACT))
    return {order: np.rint(values / step) * step for order, values in pull.items()}


def _gains(signs: np.ndarray, column: int, pull: Polynomial) -> np.ndarray:
    """float32[rows]: a fourth of what flipping each row takes off the loss, before its own square."""
    found = np.empty(signs.shape[1], np.float32)
    for low in range(0, len(found), _BLOCK):
        block = signs[:, low : low + _BLOCK]
        found[low : low + _BLOCK] = block[column] * pull.at(block)
    return found


def _change(
    signs: np.ndarray, column: int, others: Mapping[int, np.ndarray], rows: np.ndarray
) -> dict[int, np.ndarray]:
    """By how much the parity sums that hold the column change when the rows are flipped: float64 by order."""
    found = {order: np.zeros(len(sets)) for order, sets in others.items()}
    for low in range(0, len(rows), _BLOCK):
        block = signs[:, rows[low : low + _BLOCK]]
        flipped = -2 * block[column]
        for order, sets in others.items():
            if order == 1:
                found[1] += flipped.sum(dtype=np.float64)
            elif order == 2:
                found[2] += (block @ flipped)[sets[:, 0]]
            elif order == 3:
                found[3] += ((block * flipped) @ block.T)[sets[:, 0], sets[:, 1]]
            elif len(sets):
                found[4] += np.einsum("b,mb,mb,mb->m", flipped, block[sets[:, 0]], block[sets[:, 1]], block[sets[:, 2]])
    return found
