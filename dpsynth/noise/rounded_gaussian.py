"""The rounded Gaussian: a normal variable rounded to the nearest integer, drawn exactly from OS words."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from dpsynth.errors import InputError
from dpsynth.noise.central import CENTRAL_REACH, central_mass, density_floor
from dpsynth.noise.entropy import AbstractEntropy
from dpsynth.noise.exact import central_normal
from dpsynth.noise.inversion import MARGIN, TOP, MagnitudeTable, invert_exactly

__all__ = ["LARGEST_SIGMA", "TOTAL_VARIATION_BOUND", "rounded_gaussian"]

TOTAL_VARIATION_BOUND = 2.0**-120
"""Total-variation distance of one draw from the rounded Gaussian, proved to be at most this (and in fact 2^-145)."""

LARGEST_SIGMA = 2.0**40

_LARGEST_TABLE = 4096.0
_BLOCK = 1 << 15


def rounded_gaussian(sigma: float, shape: int | tuple[int, ...], entropy: AbstractEntropy) -> np.ndarray:
    """Draw independent integers with P(k) = Phi((k + 1/2) / sigma) - Phi((k - 1/2) / sigma).

    Args:
        sigma: standard deviation before rounding, in the units of the statistic (rows); 0 < sigma <= 2^40.
        shape: shape of the result.
        entropy: source of uniform words.

    Returns:
        int64[shape].

    Raises:
        InputError: sigma or shape is out of range.

    Guarantee: the joint law of n draws is within n TOTAL_VARIATION_BOUND of the product of exact laws, and is exactly
        symmetric about 0. count + draw is post-processing of count + sigma Z: exactly (Delta / sigma)-GDP
        (docs/proofs/rounded_gaussian.md).
    Source: dong2022gaussian
    """
    sigma = _checked(sigma)
    out = np.empty(shape, np.int64)
    flat = out.reshape(-1)
    if sigma <= _LARGEST_TABLE:
        table = _table(sigma)
        for start in range(0, flat.size, _BLOCK):
            table.draw(flat[start : start + _BLOCK], entropy)
    else:
        for start in range(0, flat.size, _BLOCK):
            _draw_large(sigma, flat[start : start + _BLOCK], entropy)
    return out


def _checked(sigma: float) -> float:
    if isinstance(sigma, bool) or not isinstance(sigma, (int, float, np.integer, np.floating)):
        raise InputError("sigma must be a number above 0 and at most 2^40.")
    sigma = float(sigma)
    if not 0 < sigma <= LARGEST_SIGMA:
        raise InputError(f"sigma must lie above 0 and at most at 2^40; found {sigma:g}.")
    return sigma


@lru_cache(maxsize=32)
def _table(sigma: float) -> MagnitudeTable:
    """Boundaries P(|K| <= m) of all cells within CENTRAL_REACH standard deviations."""
    points = (np.arange(int(CENTRAL_REACH * sigma) + 1) + 0.5) / sigma
    points = points[points <= CENTRAL_REACH]
    return MagnitudeTable(central_mass(points), _boundary(sigma), _guess(sigma))


def _boundary(sigma: float) -> Callable[[int, int], int]:
    """The map (m, bits) -> P(|K| <= m) in units of 2^-bits, within one unit."""
    exact = Fraction(sigma)

    def boundary(m: int, bits: int) -> int:
        return central_normal((2 * m + 1) / (2 * exact), bits)[0]

    return boundary


def _guess(sigma: float) -> Callable[[float], int]:
    """The map survival probability -> magnitude, approximate; it only saves steps of an exact search."""

    def guess(survival: float) -> int:
        return int(-float(ndtri(survival / 2)) * sigma + 0.5)

    return guess


def _draw_large(sigma: float, out: np.ndarray, entropy: AbstractEntropy) -> None:
    """Guess each magnitude in floating point, then prove it from one certified boundary, or resolve it exactly."""
    words = entropy.words(out.size)
    uniform = (words >> np.uint64(1)).view(np.int64)
    survival = ((TOP - uniform) + 0.5) * 2.0**-63
    below = np.floor(ndtri(survival / 2) * -sigma)
    nearest = (below + 0.5) / sigma  # the boundary between the magnitudes `below` and `below + 1`
    inside = nearest <= CENTRAL_REACH
    nearest = np.where(inside, nearest, 0.0)
    distance = uniform - (central_mass(nearest) * 2.0**63).astype(np.int64)
    # Both neighbouring cells hold at least this much mass (cell 0 is only half a cell, but nothing lies below it).
    mass = (density_floor(nearest) * (2.0**63 / sigma)).astype(np.int64)
    proved = inside & (np.abs(distance) >= MARGIN) & (np.abs(distance) < mass - MARGIN)
    magnitude = below.astype(np.int64) + (distance > 0)
    for i in np.flatnonzero(~proved):
        magnitude[i] = invert_exactly(int(uniform[i]), _boundary(sigma), _guess(sigma), entropy)
    sign = (words & np.uint64(1)).view(np.int64)
    np.subtract(magnitude ^ -sign, -sign, out=out)
