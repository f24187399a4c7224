"""Privacy loss distributions through dp-accounting: one certified number for mixed pipelines and for DP-SGD.

All Gaussians are merged into one before anything is discretised (their sum of mu^2 is exact), equal steps are composed
by a power, and only then are the distributions convolved on one pessimistic grid. Our events hold the sensitivity of
the ledger's relation already, so a Gaussian is a shift of 1 under noise 1 / mu whatever the relation; only the
subsampled kinds look at the relation.

The discrete Laplace law on a vector of L1 sensitivity s is dominated by a scalar shift of s, and any pure step by
randomised response (docs/proofs/composition.md).

Source: koskela2020computing, doroshenko2022connect (pessimistic grid), zhu2022optimal (dominating pairs).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, final

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile, Leaves, Unbounded
from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    ForeignClaim,
    Laplace,
    PoissonGaussian,
    PureDP,
    TruncatedPoissonGaussian,
)
from dpsynth.accounting.gdp import is_gaussian, squared_mu_up
from dpsynth.accounting.pure import pure_epsilon
from dpsynth.accounting.rounding import float_up, next_up, square_root_up
from dpsynth.domain.unit import NeighbouringRelation

if TYPE_CHECKING:
    from dp_accounting.pld.privacy_loss_distribution import PrivacyLossDistribution

__all__ = ["CERTIFIED_GRID", "SEARCH_GRID", "PLDAccountant"]

CERTIFIED_GRID = 1e-4
"""Step of the grid of privacy losses for certified figures."""
SEARCH_GRID = 1e-3
"""Step inside a search; pessimistic too, so what fits on it is only a little too careful."""

_WIDEST = 200.0
"""Privacy losses up to this are kept on the asked grid; beyond, the grid is coarsened in proportion to bound memory."""

_HOPELESS = 200.0
"""A single DP-SGD step that may lose more than this (noise multiplier below about 0.08) is called unbounded: no figure
that anybody could want is lost, and a search that starts there stays quick."""

_FEWEST_CELLS = 4000
"""Pipelines with tiny losses get a finer grid than was asked, of about so many cells."""

_LARGEST_SHIFT = 4096
"""Laplace events of larger sensitivity are treated as the worst pure step of their epsilon."""

_DPSGD = (PoissonGaussian, TruncatedPoissonGaussian)
_PURE = (PureDP, BoundedRange, Laplace)


@dataclass(frozen=True, slots=True)
class PLDProfile(AbstractProfile):
    """A composed privacy loss distribution and an allowance for the rounding of its Fourier transforms."""

    distribution: PrivacyLossDistribution
    allowance: float

    def delta_up(self, epsilon: float) -> float:
        return max(0.0, min(1.0, next_up(float(self.distribution.get_delta_for_epsilon(epsilon)) + self.allowance)))

    def epsilon_up(self, delta: float) -> float:
        left = delta - self.allowance
        if left <= 0:
            return math.inf
        epsilon = float(self.distribution.get_epsilon_for_delta(left))
        # Their search adds up in another order than their delta; what is returned satisfies the latter.
        step = 1e-13 * (1 + epsilon)
        while math.isfinite(epsilon) and self.delta_up(epsilon) > delta:
            epsilon += step
            step *= 2
        return epsilon


@final
class PLDAccountant(AbstractAccountant):
    """Every kind of event except zCDP filters."""

    name: ClassVar[str] = "pld"

    def __init__(self, grid: float = CERTIFIED_GRID) -> None:
        self.grid = grid

    def supports_leaf(self, leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
        return is_gaussian(leaf) or isinstance(leaf, (*_PURE, *_DPSGD, ForeignClaim))

    def profile_of_leaves(self, leaves: Leaves, relation: NeighbouringRelation) -> AbstractProfile:
        if any(isinstance(leaf, _DPSGD) and _width(leaf, relation) > _HOPELESS for leaf in leaves):
            return Unbounded()
        gaussians = {leaf: count for leaf, count in leaves.items() if is_gaussian(leaf)}
        others = frozenset((leaf, count) for leaf, count in leaves.items() if leaf not in gaussians)
        squared_mu = squared_mu_up(gaussians, relation)
        if not any(isinstance(leaf, _DPSGD) for leaf, _ in others):
            relation = NeighbouringRelation.ADD_REMOVE  # nothing below looks at it: one entry of the cache serves both
        return _composed(squared_mu, others, relation, self.grid)


@lru_cache(maxsize=16)
def _composed(
    squared_mu: float, others: frozenset[tuple[AbstractEvent, int]], relation: NeighbouringRelation, grid: float
) -> PLDProfile:
    """The composition of one Gaussian with the other leaves, smallest distributions first."""
    from dp_accounting.pld import privacy_loss_distribution

    mu = square_root_up(squared_mu)
    widths = [_width_of_gaussian(mu)] + [_width(leaf, relation) * count for leaf, count in others]
    width = math.fsum(widths)
    grid = max(min(grid, width / _FEWEST_CELLS), grid * width / _WIDEST)
    parts = []
    # Sets of events have no order of their own; a fixed one makes the figure reproducible to the last bit.
    for leaf, count in sorted(others, key=lambda item: (item[0].kind, repr(item[0]))):
        part = _distribution(leaf, relation, grid)
        parts.append(part.self_compose(count) if count > 1 else part)
    if mu > 0:
        parts.append(
            privacy_loss_distribution.from_gaussian_mechanism(1 / next_up(mu), value_discretization_interval=grid)
        )
    total = parts[0]
    for part in parts[1:]:
        total = total.compose(part)
    # Raising a spectrum to the n-th power multiplies its relative rounding error by n (measured: below 2e-16 n).
    steps = len(parts) + sum(count * (leaf.count if isinstance(leaf, _DPSGD) else 1) for leaf, count in others)
    return PLDProfile(total, 1e-13 + 1e-15 * steps)


def _width_of_gaussian(mu: float) -> float:
    """About the largest privacy loss that a Gaussian shows with probability above e^-50."""
    return mu * mu / 2 + 10 * mu


def _width(leaf: AbstractEvent, relation: NeighbouringRelation) -> float:
    """About the largest privacy loss of one leaf's distribution before it is composed."""
    if isinstance(leaf, _PURE):
        return float(pure_epsilon(leaf))
    if isinstance(leaf, ForeignClaim):
        return leaf.epsilon
    if isinstance(leaf, _DPSGD):
        doubled = relation is NeighbouringRelation.REPLACE_ONE or isinstance(leaf, TruncatedPoissonGaussian)
        return _width_of_gaussian((2 if doubled else 1) / leaf.noise_multiplier)
    raise AssertionError(leaf.kind)


def _discrete_laplace(leaf: PureDP | BoundedRange | Laplace) -> tuple[float, int]:
    """Rate and shift of a discrete Laplace law that dominates the leaf; with shift 1 it is randomised response."""
    if isinstance(leaf, Laplace) and leaf.sensitivity <= _LARGEST_SHIFT:
        return float_up(1 / Fraction(leaf.scale)), leaf.sensitivity
    return float_up(pure_epsilon(leaf)), 1


def _distribution(leaf: AbstractEvent, relation: NeighbouringRelation, grid: float) -> PrivacyLossDistribution:
    """The privacy loss distribution of one leaf (all `count` steps of a DP-SGD leaf)."""
    from dp_accounting import NeighboringRelation
    from dp_accounting.pld import common, privacy_loss_distribution

    if isinstance(leaf, ForeignClaim):
        return privacy_loss_distribution.from_privacy_parameters(
            common.DifferentialPrivacyParameters(leaf.epsilon, leaf.delta), value_discretization_interval=grid
        )
    if isinstance(leaf, _PURE):
        return privacy_loss_distribution.from_discrete_laplace_mechanism(
            *_discrete_laplace(leaf), value_discretization_interval=grid, use_connect_dots=True
        )
    theirs = (
        NeighboringRelation.ADD_OR_REMOVE_ONE
        if relation is NeighbouringRelation.ADD_REMOVE
        else NeighboringRelation.REPLACE_ONE
    )
    if isinstance(leaf, PoissonGaussian):
        step = privacy_loss_distribution.from_gaussian_mechanism(
            leaf.noise_multiplier,
            value_discretization_interval=grid,
            sampling_prob=leaf.probability,
            neighboring_relation=theirs,
        )
        return step.self_compose(leaf.count) if leaf.count > 1 else step
    if isinstance(leaf, TruncatedPoissonGaussian):
        step = privacy_loss_distribution.from_truncated_subsampled_gaussian_mechanism(
            dataset_size=leaf.records,
            sampling_probability=leaf.probability,
            truncated_batch_size=leaf.cap,
            noise_multiplier=leaf.noise_multiplier,
            value_discretization_interval=grid,
            neighboring_relation=theirs,
        )
        return step.self_compose(leaf.count) if leaf.count > 1 else step
    raise AssertionError(leaf.kind)
