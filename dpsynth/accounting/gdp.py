"""Gaussian differential privacy: exact for Gaussians, fixed or under a filter.

A mechanism is mu-GDP if telling neighbours apart is no easier than telling N(0, 1) from N(mu, 1). Gaussian noise is exactly
mu = sqrt(squared sensitivity) / sigma, composition adds squares, and so does a filter over adaptively chosen Gaussians.
With t = epsilon / mu - mu / 2 and the Mills ratio M(x) = (1 - Phi(x)) / phi(x), the profile is

    delta(epsilon) = Phi(-t) - e^epsilon Phi(-t - mu) = phi(t) (M(t) - M(t + mu)),

and M is the scaled complementary error function, so neither e^epsilon nor a tail probability is ever formed.

Source: dong2022gaussian (definition, profile, composition), balle2018improving (the same closed form),
smith2022fully and koskela2023individual (filter).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

from scipy.special import erfcx, ndtr

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile, Leaves, next_up, sum_up
from dpsynth.accounting.events import AbstractEvent, Gaussian, GaussianFilter, PoissonGaussian
from dpsynth.accounting.quantities import Delta, Epsilon, Mu
from dpsynth.domain.unit import NeighbouringRelation

__all__ = ["GDPAccountant", "delta_of_mu_up", "epsilon_of_mu_up", "mu_of_down", "squared_mu_up"]

_ULP = 2.0**-52
_SQRT_HALF_PI = math.sqrt(math.pi / 2)
_LOG_SQRT_TWO_PI = 0.5 * math.log(2 * math.pi)


def delta_of_mu_up(mu: Mu, epsilon: Epsilon) -> Delta:
    """delta of a mu-GDP mechanism at epsilon, rounded up by more than the rounding errors of this function.

    Args:
        mu: GDP parameter, >= 0.
        epsilon: >= 0.

    Returns:
        A delta in [0, 1]; relative error below 1e-9 for mu >= 1e-6, deltas down to 1e-300.

    Guarantee: never below the exact value (tested against 60-digit arithmetic).
    Source: balle2018improving.
    """
    if mu <= 0:
        return Delta(0.0)
    if not math.isfinite(mu):
        return Delta(1.0)
    t = epsilon / mu - mu / 2
    far = t + mu
    # Errors of t: two roundings, relative to the larger of its two parts; phi(t) amplifies them by t.
    t_error = 2 * _ULP * (epsilon / mu + mu / 2)
    log_phi = -0.5 * t * t - _LOG_SQRT_TWO_PI
    if log_phi < -800:
        return Delta(0.0 if t < 0 else 5e-324) if t > 0 else Delta(1.0)
    phi = math.exp(log_phi)
    relative = abs(t) * t_error + 4 * _ULP * (1 + 0.5 * t * t)
    far_ratio = _SQRT_HALF_PI * float(erfcx(far / math.sqrt(2)))
    if t < -1:
        near = float(ndtr(-t))
        value = near - phi * far_ratio
        error = 16 * _ULP + phi * (t_error + far_ratio * (relative + 16 * _ULP))
        return Delta(max(0.0, min(1.0, next_up(value + error))))
    near_ratio = _SQRT_HALF_PI * float(erfcx(t / math.sqrt(2)))
    # |M'| <= 1 + |x| M(x), so an error of t moves the difference of the two ratios by at most mu sup|M''| + the rounding of far.
    difference = near_ratio - far_ratio + 16 * _ULP * (near_ratio + far_ratio) + 2 * t_error * (1 + abs(t) * near_ratio)
    return Delta(max(0.0, min(1.0, next_up(phi * difference * (1 + 2 * relative)))))


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


def squared_mu_up(leaves: Leaves, relation: NeighbouringRelation) -> float:
    """The sum of mu^2 over Gaussian leaves, rounded up; for leaves that `is_gaussian` accepts."""
    return sum_up([_squared_mu_of_leaf_up(leaf, relation) * count * (1 + 2 * _ULP) for leaf, count in leaves.items()])


def is_gaussian(leaf: AbstractEvent) -> bool:
    """Whether a leaf is exactly a Gaussian mechanism, whatever the relation."""
    return isinstance(leaf, (Gaussian, GaussianFilter)) or (isinstance(leaf, PoissonGaussian) and leaf.probability == 1)


def _squared_mu_of_leaf_up(leaf: AbstractEvent, relation: NeighbouringRelation) -> float:
    if isinstance(leaf, Gaussian):
        # Dividing twice keeps a tiny sigma from overflowing its square.
        return leaf.squared_sensitivity / leaf.sigma / leaf.sigma * (1 + 4 * _ULP)
    if isinstance(leaf, GaussianFilter):
        return leaf.mu * leaf.mu * (1 + _ULP)
    if isinstance(leaf, PoissonGaussian):
        # The sum of clipped gradients moves by one clip when a unit joins, by two when one is replaced.
        squared_sensitivity = 1 if relation is NeighbouringRelation.ADD_REMOVE else 4
        return squared_sensitivity * leaf.count / leaf.noise_multiplier / leaf.noise_multiplier * (1 + 6 * _ULP)
    raise AssertionError(leaf.kind)


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

    def supports_leaf(self, leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
        return is_gaussian(leaf)

    def profile_of_leaves(self, leaves: Leaves, relation: NeighbouringRelation) -> AbstractProfile:
        return GaussianProfile(Mu(next_up(math.sqrt(squared_mu_up(leaves, relation)))))
