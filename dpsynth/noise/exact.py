"""Integer arithmetic behind the samplers: the normal distribution and the exponential to any number of bits.

Nothing here touches a floating-point function, so every error bound is a theorem about integers
(docs/proofs/rounded_gaussian.md, lemma 1; docs/proofs/exponential.md, lemma 1).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

__all__ = ["central_normal", "exponential_of_minus"]

_PI_BITS = 1024
_MOST_BITS = 400
_FAR = 24
"""P(|Z| > 24) < 2^-414, below every resolution on offer."""


def _inverse_tangent(inverse: int, bits: int) -> int:
    """atan(1 / inverse) in units of 2^-bits, by its alternating series; less than two units off per term."""
    power, total, divisor, sign = (1 << bits) // inverse, 0, 1, 1
    while power:
        total += sign * (power // divisor)
        power //= inverse * inverse
        divisor, sign = divisor + 2, -sign
    return total


@cache
def _pi() -> int:
    """pi in units of 2^-1024, less than two units off (Machin's formula with 32 guard bits)."""
    bits = _PI_BITS + 32
    return (16 * _inverse_tangent(5, bits) - 4 * _inverse_tangent(239, bits)) >> 32


def central_normal(x: Fraction, bits: int) -> tuple[int, int]:
    """Mass of the standard normal in [-x, x] and its derivative in x, in units of 2^-bits.

    Args:
        x: half width, at least 0, in standard deviations.
        bits: resolution, 1 to 400.

    Returns:
        mass: P(|Z| <= x), and density: 2 phi(x), both as integers.

    Guarantee: each is less than two units from the true value.
    Source: abramowitz1964handbook
    """
    if x < 0 or not 1 <= bits <= _MOST_BITS:
        raise ValueError("central_normal needs x >= 0 and 1 to 400 bits.")
    if x >= _FAR:
        return 1 << bits, 0
    # P(|Z| <= x) = sqrt(2/pi) x sum (-1)^n z^n / (n! (2n+1)) with z = x^2/2; the terms grow to e^z before they
    # shrink, so 1.5 z more bits are carried, and 40 for the number of terms.
    z = x * x / 2
    scale = bits + 40 + 3 * (int(z) + 1) // 2
    step = (z.numerator << scale) // z.denominator
    term, mass, density, n = 1 << scale, 0, 0, 0
    while term:
        if n & 1:
            mass -= term // (2 * n + 1)
            density -= term
        else:
            mass += term // (2 * n + 1)
            density += term
        n += 1
        term = (term * step >> scale) // n
    root = math.isqrt((2 << (2 * scale + _PI_BITS)) // _pi())  # sqrt(2 / pi)
    mass = mass * x.numerator // x.denominator
    shift = scale - bits
    return (mass * root >> scale) >> shift, (density * root >> scale) >> shift


def exponential_of_minus(y: Fraction, bits: int) -> int:
    """exp(-y) in units of 2^-bits for y >= 0.

    Guarantee: less than two units from the true value; exactly 2^bits at y = 0.
    """
    if y < 0 or not 1 <= bits <= _MOST_BITS:
        raise ValueError("exponential_of_minus needs y >= 0 and 1 to 400 bits.")
    if y == 0:
        return 1 << bits
    if y > bits:  # exp(-y) < 2^-bits already
        return 0
    # exp(-y) = exp(-y / 2^h)^(2^h): the series is short for an argument below 2^-8, and each squaring loses a bit.
    halvings = max(y.numerator.bit_length() - y.denominator.bit_length() + 9, 0)
    scale = bits + halvings + 16
    step = (y.numerator << scale) // (y.denominator << halvings)
    term, total, n = 1 << scale, 0, 0
    while term:
        total += -term if n & 1 else term
        n += 1
        term = (term * step >> scale) // n
    for _ in range(halvings):
        total = total * total >> scale
    return total >> (scale - bits)
