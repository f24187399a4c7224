"""Exact inversion of a symmetric law on the integers, with lazily drawn bits.

A draw is a sign bit and a uniform number U in [0, 1) whose bits are read only as far as they matter. The magnitude is
the number of boundaries P(|K| <= m), m = 0, 1, ..., that are at most U. Certified approximate boundaries decide almost
every draw after 15 or 63 bits; where U comes within the margin of a boundary, 128 more bits are drawn and compared with
that boundary in integer arithmetic (docs/proofs/rounded_gaussian.md, theorem 1).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import final

import numpy as np

from dpsynth.errors import InputError
from dpsynth.noise.entropy import AbstractEntropy

__all__ = ["LARGEST_SCALE", "AbstractSymmetricLaw", "checked_scale", "draw_symmetric"]

LARGEST_SCALE = 2.0**40
"""Up to here a draw and any count of rows add up within int64, and the proved error stays below 2^-140."""

_MARGIN = 1 << 16
"""Units of 2^-63 on either side of an approximate boundary inside which it decides nothing: twice its error 2^-48."""

_TOP = (1 << 63) - 1
"""The largest 63-bit uniform number."""

_EXACT_BITS = 63 + 128
"""Bits of U that are read in all."""

_FIRST = 15
_REST = 63 - _FIRST
_OPEN = np.iinfo(np.int16).min
_LONGEST_TABLE = -int(_OPEN) - 1
_BLOCK = 1 << 15
"""Draws per block: what is touched stays in the cache."""


class AbstractSymmetricLaw(ABC):
    """A law with P(k) = P(-k) and magnitudes whose probability falls from 1 on.

    It is immutable and hashable. m below is a magnitude, and its boundary is P(|K| <= m).

    Attributes:
        reach: how many boundaries `central` knows; boundary number `reach` is above 1 - 2^-48.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def reach(self) -> int:
        """Number of boundaries that `central` knows."""

    @abstractmethod
    def central(self, m: np.ndarray) -> np.ndarray:
        """P(|K| <= m) for m: float64[n], whole numbers below `reach`; each within 2^-48 and at most 1 - 2^-53."""

    @abstractmethod
    def neighbour_floor(self, m: np.ndarray) -> np.ndarray:
        """A lower bound of P(|K| = m) (m > 0) and of P(|K| = m + 1), for m as in `central` where `reach` is large."""

    @abstractmethod
    def boundary(self, m: int, bits: int) -> int:
        """P(|K| <= m) in units of 2^-bits, less than two units off, for any m >= 0."""

    @abstractmethod
    def position(self, survival: np.ndarray) -> np.ndarray:
        """Real t >= 0 with P(|K| >= t) near `survival`: float64[n]. Any answer is sound, a near one is fast."""


def checked_scale(name: str, scale: float) -> float:
    """The scale of a noise law as a float.

    Raises:
        InputError: not a number in (0, LARGEST_SCALE].
    """
    if isinstance(scale, bool) or not isinstance(scale, (int, float, np.integer, np.floating)):
        found = type(scale).__name__
    elif 0 < scale <= LARGEST_SCALE:
        return float(scale)
    else:
        found = f"{float(scale):g}" if -1e300 < scale < 1e300 else "no usable number"
    raise InputError(f"{name} must be a number above 0 and at most 2^40; found {found}.")


def _empty(shape: int | tuple[int, ...]) -> np.ndarray:
    try:
        return np.empty(shape, np.int64)
    except (TypeError, ValueError):
        raise InputError("The shape of noise must be whole numbers, none negative, in one tuple.") from None


def draw_symmetric(law: AbstractSymmetricLaw, shape: int | tuple[int, ...], entropy: AbstractEntropy) -> np.ndarray:
    """Draw int64[shape] independently from the law.

    Raises:
        InputError: shape is no shape.

    Guarantee: each draw is exactly symmetric and within (3 L + 2) 2^-191 of the law in total variation, where L is the
        number of boundaries below 1 - 2^-191 (theorem 2).
    Source: devroye1986nonuniform
    """
    out = _empty(shape)
    flat = out.reshape(-1)
    table = _table(law) if law.reach <= _LONGEST_TABLE else None
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        if table is not None:
            table.fill(block, entropy)
        else:
            _fill_by_guess(law, block, entropy)
    return out


def _invert_exactly(law: AbstractSymmetricLaw, uniform: int, entropy: AbstractEntropy) -> int:
    """The magnitude of a U whose first 63 bits are `uniform`: reads 128 more bits and compares in integers."""
    high, low = (int(word) for word in entropy.words(2))
    point = (uniform << 128) | (high << 64) | low
    top = 1 << _EXACT_BITS

    def above(m: int) -> bool:
        return m >= 0 and law.boundary(m, _EXACT_BITS) > point

    start = int(law.position(np.array([(top - point) / top]))[0])
    lower, step = start - 2, 1  # to become: not above
    while above(lower):
        lower, step = lower - step, 2 * step
    upper, step = start + 1, 1  # to become: above
    while not above(upper):
        upper, step = upper + step, 2 * step
    lower = max(lower, -1)
    while upper - lower > 1:
        middle = (lower + upper) // 2
        if above(middle):
            upper = middle
        else:
            lower = middle
    return upper


@final
class _Table:
    """The boundaries of one law, and a guide that maps the first 16 bits of most draws straight to the answer."""

    __slots__ = ("_boundaries", "_guide", "_law")

    def __init__(self, law: AbstractSymmetricLaw) -> None:
        self._law = law
        # Running maxima keep the error bound (the true boundaries increase) and make the array searchable. The last
        # entry stands for all boundaries beyond `reach`: near it, as near any other, nothing is decided.
        central = law.central(np.arange(law.reach, dtype=np.float64))
        scaled = (np.maximum.accumulate(central) * 2.0**63).astype(np.int64)
        self._boundaries = np.append(scaled, _TOP)
        open_buckets = np.zeros(1 << _FIRST, bool)
        open_buckets[np.maximum(self._boundaries - _MARGIN, 0) >> _REST] = True
        open_buckets[np.minimum(self._boundaries, _TOP - _MARGIN) + _MARGIN >> _REST] = True
        # A bucket that is not open holds no boundary, so those up to it are those below it.
        magnitude = np.cumsum(np.bincount(self._boundaries >> _REST, minlength=1 << _FIRST))
        self._guide = np.concatenate(
            [np.where(open_buckets, _OPEN, magnitude), np.where(open_buckets, _OPEN, -magnitude)]
        ).astype(np.int16)

    def fill(self, out: np.ndarray, entropy: AbstractEntropy) -> None:
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
        before = np.where(magnitude > 0, uniform - self._boundaries.take(np.maximum(magnitude - 1, 0)), _MARGIN)
        for i in np.flatnonzero((after <= _MARGIN) | (before < _MARGIN)):
            magnitude[i] = _invert_exactly(self._law, int(uniform[i]), entropy)
        return np.where(first >> _FIRST, -magnitude, magnitude)


@lru_cache(maxsize=32)
def _table(law: AbstractSymmetricLaw) -> _Table:
    return _Table(law)


def _fill_by_guess(law: AbstractSymmetricLaw, out: np.ndarray, entropy: AbstractEntropy) -> None:
    """Guess each magnitude in floating point, then prove the guess from one certified boundary, or invert exactly."""
    words = entropy.words(out.size)
    uniform = (words >> np.uint64(1)).view(np.int64)
    survival = ((_TOP - uniform) + 0.5) * 2.0**-63
    # The boundary nearest to U is that between the magnitudes m and m + 1.
    m = np.maximum(np.floor(law.position(survival) - 0.5), 0)
    inside = m < law.reach
    m = np.where(inside, m, 0)
    distance = uniform - (law.central(m) * 2.0**63).astype(np.int64)
    # U is in the cell next to the boundary if it is clear of the boundary and not as far off as the cell is wide.
    # Below the boundary of m = 0 there is no other cell.
    width = (law.neighbour_floor(m) * 2.0**63).astype(np.int64)
    proved = inside & (np.abs(distance) >= _MARGIN) & (np.abs(distance) < width - _MARGIN)
    magnitude = m.astype(np.int64) + (distance > 0)
    for i in np.flatnonzero(~proved):
        magnitude[i] = _invert_exactly(law, int(uniform[i]), entropy)
    sign = (words & np.uint64(1)).view(np.int64)
    np.subtract(magnitude ^ -sign, -sign, out=out)
