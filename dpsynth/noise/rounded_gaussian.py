"""The rounded Gaussian: a normal variable rounded to the nearest integer, drawn exactly from words of the OS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np
from scipy.special import ndtri

from dpsynth.noise.certified import CENTRAL_REACH, central_mass, density_floor
from dpsynth.noise.entropy import AbstractEntropy
from dpsynth.noise.exact import central_normal
from dpsynth.noise.inversion import AbstractSymmetricLaw, checked_scale, draw_symmetric

__all__ = ["TOTAL_VARIATION_BOUND", "rounded_gaussian"]

TOTAL_VARIATION_BOUND = 2.0**-120
"""No draw or selection of this room is further than this from its exact law in total variation.

What is proved is less: 2^-142 for noise, 2^-128 for a selection among up to 2^32 candidates.
"""


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
        symmetric about 0. count + draw is post-processing of count + sigma Z, hence exactly (Delta / sigma)-GDP
        (docs/proofs/rounded_gaussian.md).
    Source: dong2022gaussian
    """
    return draw_symmetric(_RoundedGaussian(checked_scale("sigma", sigma)), shape, entropy)


@final
@dataclass(frozen=True, slots=True)
class _RoundedGaussian(AbstractSymmetricLaw):
    """The boundary of m lies at x = (m + 1/2) / sigma standard deviations."""

    sigma: float

    @property
    def reach(self) -> int:
        return math.floor(CENTRAL_REACH * self.sigma + 0.5)

    def central(self, m: np.ndarray) -> np.ndarray:
        return central_mass((m + 0.5) / self.sigma)

    def neighbour_floor(self, m: np.ndarray) -> np.ndarray:
        return density_floor((m + 0.5) / self.sigma) / self.sigma

    def boundary(self, m: int, bits: int) -> int:
        return central_normal((2 * m + 1) / (2 * Fraction(self.sigma)), bits)[0]

    def position(self, survival: np.ndarray) -> np.ndarray:
        return ndtri(survival * 0.5) * -self.sigma + 0.5
