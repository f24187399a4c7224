"""Empirical Bayes for many noisy coefficients: how much of each is signal.

The residuals x_S of one order, standardised so that a unit-variance feature has unit scale, are signal plus noise of
known variance. The signal is taken as a mixture of two centred normals, a few large effects among many small ones,
fitted by expectation maximisation; separately in strata of sets whose columns are tied alike by pairs, because columns
that hardly depend on each other two by two rarely do so three by three. Each coefficient then gets the prior variance
whose linear shrinkage has its posterior mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Prior", "connections", "fit_prior"]

_LEAST = 1e-9
_FEW = 30  # too few coefficients to tell two components apart
_STRATUM = 280  # fewest coefficients that a mixture of their own is fitted to
_STRATA = 8
_ROUNDS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """Fitted mixtures and what they say of each coefficient; float64[m] each.

    Attributes:
        large: variance of the large component of its stratum.
        small: variance of the small component.
        membership: posterior probability of belonging to the large component.
        residuals: x.
        noise: the variance of its noise.
    """

    large: np.ndarray
    small: np.ndarray
    membership: np.ndarray
    residuals: np.ndarray
    noise: np.ndarray

    @classmethod
    def flat(cls, noise: np.ndarray) -> Prior:
        """Coefficients that are not shrunk."""
        one = np.ones(len(noise))
        return cls(one, one, one, np.zeros(len(noise)), noise)

    @property
    def shrinkage(self) -> np.ndarray:
        """float64[m] in [0, 1): the posterior mean is this times x."""
        keep_large = self.large / (self.large + self.noise)
        keep_small = self.small / (self.small + self.noise)
        return self.membership * keep_large + (1 - self.membership) * keep_small

    @property
    def variance(self) -> np.ndarray:
        """float64[m]: the prior variance of one normal that shrinks as much."""
        keep = self.shrinkage
        return np.maximum(self.noise * keep / (1 - keep), _LEAST)

    def error(self, more: np.ndarray | float = np.inf) -> np.ndarray:
        """float64[m]: expected squared error of each posterior mean if it is measured once more with noise `more`."""
        found = np.zeros(len(self.residuals))
        for weight, variance in ((self.membership, self.large), (1 - self.membership, self.small)):
            found += weight / (1 / variance + 1 / self.noise + 1 / more)
        gap = self.residuals * (self.large / (self.large + self.noise) - self.small / (self.small + self.noise))
        unsure = self.membership * (1 - self.membership) * gap**2
        return found + unsure / (1 + self.noise / more) ** 2


def connections(ties: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """float64[sets]: how tightly the columns of each set hang together, by their pairs.

    Args:
        ties: float64[columns, columns], symmetric, not negative: how strongly two columns depend on each other.
        sets: intp[m, order].

    Returns:
        The summed weight of all spanning trees of each set (by the matrix-tree theorem): 0 where some column is tied
        to none of the others.
    """
    weights = ties[sets[:, :, None], sets[:, None, :]]
    weights[:, np.arange(sets.shape[1]), np.arange(sets.shape[1])] = 0
    laplacian = -weights
    laplacian[:, np.arange(sets.shape[1]), np.arange(sets.shape[1])] = weights.sum(axis=2)
    return np.maximum(np.linalg.det(laplacian[:, 1:, 1:]), 0)


def fit_prior(residuals: np.ndarray, noise: np.ndarray, closeness: np.ndarray | None = None) -> Prior:
    """Fit the mixtures.

    Args:
        residuals: float64[m], standardised.
        noise: float64[m], variances.
        closeness: float64[m], by which strata are made; None: one stratum.

    Guarantee: post-processing; deterministic.
    """
    size = len(residuals)
    order = np.arange(size) if closeness is None else np.argsort(closeness, kind="stable")
    strata = 1 if closeness is None else int(np.clip(size // _STRATUM, 1, _STRATA))
    large, small, membership = np.empty(size), np.empty(size), np.empty(size)
    for members in np.array_split(order, strata):
        large[members], small[members], membership[members] = _mixture(residuals[members] ** 2, noise[members])
    return Prior(large, small, membership, residuals, noise)


def _mixture(squares: np.ndarray, noise: np.ndarray) -> tuple[float, float, np.ndarray]:
    one = _moment(squares, noise)
    if len(squares) < _FEW:
        return one, one, np.ones(len(squares))
    share, large, small = 0.1, max(4 * one, 1e-8), max(0.3 * one, _LEAST)
    membership = np.zeros(len(squares))
    for _ in range(_ROUNDS):
        odds = np.log(share / (1 - share)) + _log_density(squares, noise + large) - _log_density(squares, noise + small)
        membership = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        share = float(np.clip(membership.mean(), 1 / len(squares), 0.5))
        before = (large, small)
        large, small = _update(large, membership, squares, noise), _update(small, 1 - membership, squares, noise)
        if large < small:
            large, small, membership = small, large, 1 - membership
        if abs(large - before[0]) < 1e-4 * large and abs(small - before[1]) < 1e-4 * small:
            break
    return large, small, membership


def _moment(squares: np.ndarray, noise: np.ndarray) -> float:
    """The variance of one normal, by weighted moments."""
    variance = max(float(np.sum((squares - noise) / noise**2) / np.sum(1 / noise**2)), 0.0)
    for _ in range(5):
        weight = 1 / (noise + variance) ** 2
        variance = max(float(np.sum(weight * (squares - noise)) / np.sum(weight)), _LEAST)
    return variance


def _log_density(squares: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return -0.5 * (np.log(variance) + squares / variance)


def _update(variance: float, weight: np.ndarray, squares: np.ndarray, noise: np.ndarray) -> float:
    keep = variance / (variance + noise)
    return max(float((weight * (keep**2 * squares + keep * noise)).sum() / max(weight.sum(), 1e-300)), _LEAST)
