"""Gaussian differential privacy: exact for Gaussians, fixed or under a filter.

A mechanism is mu-GDP if telling neighbours apart is no easier than telling N(0, 1) from N(mu, 1). Gaussian noise has
exactly mu = sqrt(squared sensitivity) / sigma; composition adds squares, as does a filter over adaptive Gaussians.
With t = epsilon / mu - mu / 2 and the Mills ratio M(x) = (1 - Phi(x)) / phi(x), the profile is

    delta(epsilon) = Phi(-t) - e^epsilon Phi(-t - mu) = phi(t) (M(t) - M(t + mu)),

and M is the scaled complementary error function, so neither e^epsilon nor a tail probability is ever formed.

Source: dong2022gaussian (definition, profile, composition), balle2018improving (the same closed form),
smith2022fully and koskela2023individual (filter).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile, Leaves
from dpsynth.accounting.events import AbstractEvent, Gaussian, GaussianFilter, PoissonGaussian
from dpsynth.accounting.quantities import Delta, Epsilon, Mu
from dpsynth.accounting.rounding import float_up, next_up, square_root_up, sum_up
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError

__all__ = ["GDPAccountant", "delta_of_mu_up", "epsilon_of_mu_up", "mu_of_down", "squared_mu_up"]

_ULP = 2.0**-52
_SQRT_HALF_PI = math.sqrt(math.pi / 2)
_SQRT_TWO_PI = math.sqrt(2 * math.pi)
_SQRT_HALF = math.sqrt(0.5)


def delta_of_mu_up(mu: Mu, epsilon: Epsilon) -> Delta:
    """delta of a mu-GDP mechanism at epsilon, rounded up by more than the rounding errors of this function.

    Args:
        mu: GDP parameter, >= 0.
        epsilon: >= 0.

    Returns:
        A delta in [0, 1].

    Guarantee: never below the exact value (tested against 60-digit arithmetic).
    Source: balle2018improving.
    """
    from scipy.special import erfcx, ndtr  # a tenth of a second to import, so only where a figure is asked for

    if mu <= 0:
        return Delta(0.0)
    if not math.isfinite(mu):
        return Delta(1.0)
    t = epsilon / mu - mu / 2
    far = t + mu
    t_error = 2 * _ULP * (epsilon / mu + mu / 2)
    phi = math.exp(-0.5 * t * t) / _SQRT_TWO_PI
    phi_error = abs(t) * t_error + 4 * _ULP * (1 + 0.5 * t * t)  # relative
    far_ratio = _SQRT_HALF_PI * float(erfcx(far * _SQRT_HALF))
    if t < -1:
        value = float(ndtr(-t)) - phi * far_ratio
        error = 16 * _ULP + phi * (t_error + far_ratio * (phi_error + 16 * _ULP))
    else:
        near_ratio = _SQRT_HALF_PI * float(erfcx(t * _SQRT_HALF))
        # |M'(x)| = 1 - x M(x) <= 1 / (1 + x^2) for x >= 0, and at most 1 + M(-1) < 5 for x in [-1, 0].
        slope = 1 / (1 + t * t) if t >= 0 else 5.0
        error = 16 * _ULP * (near_ratio + far_ratio) + 2 * t_error * slope
        value, error = phi * (near_ratio - far_ratio + error) * (1 + 2 * phi_error), 0.0
    # Two steps, not one: phi itself may be rounded to a multiple of the smallest float.
    return Delta(max(0.0, min(1.0, next_up(next_up(value + error)))))


def epsilon_of_mu_up(mu: Mu, delta: Delta) -> Epsilon:
    """The smallest epsilon of a mu-GDP mechanism at delta, rounded up; infinity at delta 0.

    Guarantee: `delta_of_mu_up(mu, result) <= delta`.
    """
    if mu <= 0 or delta >= 1:
        return Epsilon(0.0)
    if delta <= 0 or not math.isfinite(mu):
        return Epsilon(math.inf)
    if delta_of_mu_up(mu, Epsilon(0.0)) <= delta:
        return Epsilon(0.0)
    # delta(epsilon) <= exp(-t^2 / 2), so this end is high enough up to rounding.
    high = mu * (mu / 2 + math.sqrt(-2 * math.log(delta)))
    while delta_of_mu_up(mu, Epsilon(high)) > delta:
        high *= 1.5
        if not math.isfinite(high):
            return Epsilon(math.inf)
    low = 0.0
    while high - low > 1e-14 * high:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if delta_of_mu_up(mu, Epsilon(middle)) <= delta:
            high = middle
        else:
            low = middle
    return Epsilon(high)


def mu_of_down(epsilon: Epsilon, delta: Delta) -> Mu:
    """The largest mu whose mechanism is (epsilon, delta)-DP, rounded down; 0 at delta 0.

    Guarantee: `delta_of_mu_up(result, epsilon) <= delta`.
    """
    if delta <= 0:
        return Mu(0.0)
    if delta >= 1:
        return Mu(math.inf)
    high = 1.0
    while delta_of_mu_up(Mu(high), epsilon) <= delta:
        high *= 2
    low = 0.0
    while high - low > 1e-15 * high:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if delta_of_mu_up(Mu(middle), epsilon) <= delta:
            low = middle
        else:
            high = middle
    return Mu(low)


def is_gaussian(leaf: AbstractEvent) -> bool:
    """Whether a leaf is exactly a Gaussian mechanism, whatever the relation."""
    return isinstance(leaf, (Gaussian, GaussianFilter)) or (isinstance(leaf, PoissonGaussian) and leaf.probability == 1)


def squared_mu_up(leaves: Leaves, relation: NeighbouringRelation) -> float:
    """The sum of mu^2 over leaves that `is_gaussian` accepts, rounded up."""
    return sum_up(float_up(_squared_mu(leaf, relation) * count) for leaf, count in leaves.items())


def _squared_mu(leaf: AbstractEvent, relation: NeighbouringRelation) -> Fraction:
    if isinstance(leaf, Gaussian):
        return Fraction(leaf.squared_sensitivity) / Fraction(leaf.sigma) ** 2
    if isinstance(leaf, GaussianFilter):
        return Fraction(leaf.mu) ** 2
    if isinstance(leaf, PoissonGaussian):
        # The sum of clipped gradients moves by one clip when a unit joins, by two when one is replaced.
        squared_sensitivity = 1 if relation is NeighbouringRelation.ADD_REMOVE else 4
        return squared_sensitivity * leaf.count / Fraction(leaf.noise_multiplier) ** 2
    raise AccountingError(f"An event of kind {leaf.kind} is no Gaussian.")


@dataclass(frozen=True, slots=True)
class GaussianProfile(AbstractProfile):
    """The exact profile of mu-GDP."""

    mu: Mu

    def delta_up(self, epsilon: float) -> float:
        return delta_of_mu_up(self.mu, Epsilon(epsilon))

    def epsilon_up(self, delta: float) -> float:
        return epsilon_of_mu_up(self.mu, Delta(delta))


@final
class GDPAccountant(AbstractAccountant):
    """Exact for Gaussians, Gaussian filters and full-batch DP-SGD."""

    name: ClassVar[str] = "gdp"
    adaptive: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def supports_leaf(self, leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
        return is_gaussian(leaf)

    def profile_of_leaves(self, leaves: Leaves, relation: NeighbouringRelation) -> AbstractProfile:
        return GaussianProfile(Mu(square_root_up(squared_mu_up(leaves, relation))))
