"""The discrete Laplace (two-sided geometric) law, drawn exactly from words of the OS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np

from dpsynth.noise.certified import EXPONENTIAL_REACH, exponential_of_minus_array
from dpsynth.noise.entropy import AbstractEntropy
from dpsynth.noise.exact import exponential_of_minus
from dpsynth.noise.inversion import AbstractSymmetricLaw, checked_scale, draw_symmetric

__all__ = ["discrete_laplace"]


def discrete_laplace(scale: float, shape: int | tuple[int, ...], entropy: AbstractEntropy) -> np.ndarray:
    """Draw independent integers with P(k) = (1 - q) / (1 + q) q^|k|, where q = exp(-1 / scale).

    Args:
        scale: L1 sensitivity over epsilon, in the units of the statistic (rows); 0 < scale <= 2^40.
        shape: shape of the result.
        entropy: source of uniform words.

    Returns:
        int64[shape].

    Raises:
        InputError: scale or shape is out of range.

    Guarantee: the joint law of n draws is within n TOTAL_VARIATION_BOUND of the product of exact laws, and is exactly
        symmetric about 0; the exact law is (Delta / scale)-DP for integer statistics of L1 sensitivity Delta
        (docs/proofs/discrete_laplace.md).
    Source: ghosh2012universally
    """
    return draw_symmetric(_DiscreteLaplace(checked_scale("scale", scale)), shape, entropy)


@final
@dataclass(frozen=True, slots=True)
class _DiscreteLaplace(AbstractSymmetricLaw):
    """P(|K| > m) = 2 / (1 + q) exp(-y) with y = (m + 1) / scale."""

    scale: float

    @property
    def _front(self) -> float:
        """2 / (1 + q), correctly rounded up to two units in the last place."""
        return 2 / (1 + exponential_of_minus(1 / Fraction(self.scale), 64) / 2**64)

    @property
    def reach(self) -> int:
        return math.floor(EXPONENTIAL_REACH * self.scale)

    def central(self, m: np.ndarray) -> np.ndarray:
        return np.minimum(1 - self._front * exponential_of_minus_array((m + 1) / self.scale), 1 - 2.0**-53)

    def neighbour_floor(self, m: np.ndarray) -> np.ndarray:
        # P(|K| = m + 1) is the integral of front exp(-y) over y in [(m + 1) / scale, (m + 2) / scale].
        tail = exponential_of_minus_array(np.minimum((m + 2) / self.scale, EXPONENTIAL_REACH))
        return np.maximum(tail - 2.0**-48, 0) * (self._front * (1 - 2.0**-40) / self.scale)

    def boundary(self, m: int, bits: int) -> int:
        # Eight guard bits: the quotient turns two units of its numerator and denominator into less than eight.
        fine = bits + 8
        rate = 1 / Fraction(self.scale)
        tail = exponential_of_minus((m + 1) * rate, fine)
        q = exponential_of_minus(rate, fine)
        return (1 << bits) - ((tail << (bits + 1)) // ((1 << fine) + q))

    def position(self, survival: np.ndarray) -> np.ndarray:
        return np.maximum(np.log(survival / self._front) * -self.scale, 0)
