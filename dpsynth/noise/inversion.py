"""Exact inversion of a symmetric law on the integers, with lazily drawn bits.

A draw is a sign bit and a uniform number U in [0, 1) whose bits are read only as far as they matter. The magnitude is the
number of boundaries P(|K| <= m), m = 0, 1, ..., that are at most U. Certified approximate boundaries decide almost every
draw after 15 or 63 bits; where U comes within the margin of a boundary, 128 more bits are drawn and compared with the
boundary in integer arithmetic (docs/proofs/rounded_gaussian.md, algorithm and theorem).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np

from dpsynth.noise.entropy import AbstractEntropy

__all__ = ["EXACT_BITS", "MARGIN", "TOP", "MagnitudeTable", "invert_exactly"]

MARGIN = 1 << 16
"""Units of 2^-63 around an approximate boundary inside which it decides nothing: twice its error of 2^-48."""

TOP = (1 << 63) - 1
"""The largest 63-bit uniform."""

EXACT_BITS = 63 + 128
"""Bits of U that are read in all; the law's error is a few units of 2^-191 per boundary."""

_FIRST = 15
_REST = 63 - _FIRST
_OPEN = np.iinfo(np.int16).min


def invert_exactly(
    uniform: int, boundary: Callable[[int, int], int], guess: Callable[[float], int], entropy: AbstractEntropy
) -> int:
    """Resolve one magnitude from 63 known bits and 128 fresh ones.

    Args:
        uniform: the first 63 bits of U.
        boundary: (m, bits) -> P(|K| <= m) in units of 2^-bits, within one unit.
        guess: survival probability -> magnitude; any answer is correct, a near one is fast.
        entropy: source of the fresh bits.

    Returns:
        The number of boundaries that are at most U.
    """
    high, low = (int(word) for word in entropy.words(2))
    point = (uniform << 128) | (high << 64) | low
    top = 1 << EXACT_BITS

    def above(m: int) -> bool:
        return m >= 0 and boundary(m, EXACT_BITS) > point

    start = guess((top - point) / top)
    low_end, step = start - 2, 1  # not above
    while above(low_end):
        low_end, step = low_end - step, 2 * step
    high_end, step = start + 1, 1  # above
    while not above(high_end):
        high_end, step = high_end + step, 2 * step
    low_end = max(low_end, -1)
    while high_end - low_end > 1:
        middle = (low_end + high_end) // 2
        if above(middle):
            high_end = middle
        else:
            low_end = middle
    return high_end


@final
class MagnitudeTable:
    """Boundaries of one law, and a guide that maps the first 16 bits of most draws straight to the answer."""

    __slots__ = ("_boundaries", "_boundary", "_guess", "_guide")

    def __init__(
        self, boundaries: np.ndarray, boundary: Callable[[int, int], int], guess: Callable[[float], int]
    ) -> None:
        """Args:
        boundaries: float64[n], P(|K| <= m) for m < n, each within 2^-48; boundary n is above 1 - 2^-48.
        boundary: as in `invert_exactly`.
        guess: as in `invert_exactly`.
        """
        self._boundary, self._guess = boundary, guess
        # Running maxima keep the error bound (the true boundaries increase) and make the array searchable. The last
        # entry stands for everything beyond: it is open like any other boundary.
        scaled = np.minimum(np.maximum.accumulate(boundaries) * 2.0**63, 2.0**63 - 1024).astype(np.int64)
        self._boundaries = np.append(scaled, TOP)
        touched = np.zeros(1 << _FIRST, bool)
        touched[np.maximum(self._boundaries - MARGIN, 0) >> _REST] = True
        touched[np.minimum(self._boundaries, TOP - MARGIN) + MARGIN >> _REST] = True
        below = np.bincount(self._boundaries >> _REST, minlength=1 << _FIRST)
        magnitude = np.cumsum(below) - below
        half = np.where(touched, _OPEN, magnitude).astype(np.int16)
        self._guide = np.concatenate([half, np.where(touched, _OPEN, -magnitude).astype(np.int16)])

    def draw(self, out: np.ndarray, entropy: AbstractEntropy) -> None:
        """Fill out: int64[n] with independent draws."""
        first = entropy.words(-(-out.size // 4)).view(np.uint16)[: out.size]
        drawn = self._guide.take(first)
        out[:] = drawn
        rest = np.flatnonzero(drawn == _OPEN)
        if rest.size:
            out[rest] = self._refine(first[rest].astype(np.int64), entropy)

    def _refine(self, first: np.ndarray, entropy: AbstractEntropy) -> np.ndarray:
        """Read 48 more bits of each open draw, and 128 more where that is not enough."""
        fresh = (entropy.words(first.size) >> np.uint64(64 - _REST)).view(np.int64)
        uniform = ((first & ((1 << _FIRST) - 1)) << _REST) | fresh
        magnitude = np.searchsorted(self._boundaries, uniform, side="right")
        after = self._boundaries.take(np.minimum(magnitude, self._boundaries.size - 1)) - uniform
        before = np.where(magnitude > 0, uniform - self._boundaries.take(np.maximum(magnitude - 1, 0)), MARGIN)
        for i in np.flatnonzero((after <= MARGIN) | (before < MARGIN)):
            magnitude[i] = invert_exactly(int(uniform[i]), self._boundary, self._guess, entropy)
        return np.where(first >> _FIRST, -magnitude, magnitude)
