"""The normal's central mass and the exponential as float64 arrays with a proved error.

Taylor polynomials of degree 6 around anchors, one per 1/32. Their coefficients come from integer arithmetic and their
evaluation uses only + - * / on float64, so IEEE 754 alone proves the bounds (docs/proofs/rounded_gaussian.md, lemma 2;
docs/proofs/discrete_laplace.md, lemma 2). No libm function is trusted.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np

from dpsynth.noise.exact import central_normal, exponential_of_minus

__all__ = [
    "CENTRAL_REACH",
    "EXPONENTIAL_REACH",
    "central_mass",
    "density_floor",
    "exponential_of_minus_array",
]

CENTRAL_REACH = 8.0
"""Standard deviations; P(|Z| > 8) < 2^-49."""

EXPONENTIAL_REACH = 36.0
"""exp(-36) < 2^-51."""

_DENSITY = 32
_DEGREE = 6
_BITS = 128


@cache
def _coefficients() -> tuple[np.ndarray, np.ndarray]:
    """Taylor coefficients, float64[7, 257], and a lower bound of the density up to one spacing right of each anchor."""
    anchors = int(CENTRAL_REACH) * _DENSITY + 1
    coefficients = np.empty((_DEGREE + 1, anchors))
    floor = np.empty(anchors)
    for a in range(anchors + 1):
        mass, density = central_normal(Fraction(a, _DENSITY), _BITS)
        if a > 0:
            # One unit below the integer and one relative 2^-40: below the true density whatever the roundings.
            floor[a - 1] = max(density - 1, 0) / (1 << _BITS) * (1 - 2.0**-40)
        if a == anchors:
            break
        coefficients[0, a] = mass / (1 << _BITS)
        before, hermite = 0, 1  # He_{j-1}(a/32) 32^(j-1): integers by the three-term recurrence
        for j in range(1, _DEGREE + 1):
            unit = math.factorial(j) * _DENSITY ** (j - 1) << _BITS
            coefficients[j, a] = (-1) ** (j - 1) * density * hermite / unit
            before, hermite = hermite, a * hermite - (j - 1) * _DENSITY * _DENSITY * before
    return coefficients, floor


@cache
def _exponentials() -> np.ndarray:
    """exp(-a / 32), correctly rounded up to one unit in the last place: float64[1153]."""
    anchors = int(EXPONENTIAL_REACH) * _DENSITY + 1
    values = [exponential_of_minus(Fraction(a, _DENSITY), _BITS) / (1 << _BITS) for a in range(anchors)]
    return np.array(values)


def _nearest(x: np.ndarray) -> np.ndarray:
    """Index of the anchor nearest to each x: int64[n]."""
    return (x * _DENSITY + 0.5).astype(np.int64)


def central_mass(x: np.ndarray) -> np.ndarray:
    """P(|Z| <= x) for a standard normal Z.

    Args:
        x: float64[n] in [0, CENTRAL_REACH].

    Returns:
        float64[n].

    Guarantee: each entry is within 2^-48 of the true value at every real point that rounds to x, and at most
        1 - 2^-53.
    """
    coefficients, _ = _coefficients()
    nearest = _nearest(x)
    offset = x - nearest / _DENSITY
    value = coefficients[_DEGREE].take(nearest)
    for j in range(_DEGREE - 1, -1, -1):
        value *= offset
        value += coefficients[j].take(nearest)
    return np.minimum(value, 1 - 2.0**-53, out=value)


def density_floor(x: np.ndarray) -> np.ndarray:
    """A lower bound of 2 phi(t) for all t in [0, x + 1/128]: float64[n], for x in [0, CENTRAL_REACH]."""
    return _coefficients()[1].take(_nearest(x))


def exponential_of_minus_array(y: np.ndarray) -> np.ndarray:
    """exp(-y).

    Args:
        y: float64[n] in [0, EXPONENTIAL_REACH].

    Returns:
        float64[n].

    Guarantee: each entry is within 2^-50 of the true value at every real point that rounds to y.
    """
    nearest = _nearest(y)
    offset = y - nearest / _DENSITY
    value = np.full_like(offset, 1 / math.factorial(_DEGREE))
    for j in range(_DEGREE - 1, -1, -1):
        value *= offset
        value += (-1) ** j / math.factorial(j)
    return value * _exponentials().take(nearest)
