"""Dirac gradient canaries: one training run of DP-SGD audited with as many canaries as there are free coordinates.

Canary i replaces its per-row gradient by clip * e_j with a coordinate j of its own. It takes part (or not) by a fair
coin; if it does, Poisson sampling puts it into each step with the sampling rate. The noisy sum of a step at coordinate
j is then the other rows' gradient there plus clip * 1[canary sampled] plus sigma * clip * N(0, 1). The log-likelihood
ratio of "takes part" against "does not", summed over the steps, is the Neyman-Pearson statistic of the canary; the
coordinates are distinct, so the canaries of one run are independent trials.

Source: nasr2023tight, steinke2023privacy
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.white_box import ResidualTest, SampledStatistics, residual_test

__all__ = ["GradientCanaries", "GradientScores", "claimed_sample", "design_gradient_canaries", "score_gradients"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class GradientCanaries:
    """The canaries of one training run.

    Attributes:
        coordinates: int64[m], distinct coordinates of the flattened gradient.
        labels: uint8[m], 1 where the canary takes part.
        clip: the clipping norm: the length of each canary's gradient.
    """

    coordinates: np.ndarray
    labels: np.ndarray
    clip: float

    def gradient(self, canary: int, dimension: int) -> np.ndarray:
        """The gradient of one canary, float64[dimension]."""
        made = np.zeros(dimension)
        made[self.coordinates[canary]] = self.clip
        return made


def design_gradient_canaries(count: int, dimension: int, clip: float, seed: int) -> GradientCanaries:
    """Canaries at random distinct coordinates with fresh coins.

    Args:
        count: how many (m), at most `dimension`.
        dimension: number of parameters.
        clip: the clipping norm.
        seed: of the coordinates and coins.

    Returns:
        The design.

    Raises:
        InputError: more canaries than coordinates, or a clipping norm that is not positive.
    """
    if not 2 <= count <= dimension or not 0 < clip < math.inf:
        raise InputError("Gradient canaries need 2 to `dimension` coordinates and a positive clipping norm.")
    rng = np.random.default_rng(seed)
    coordinates = rng.choice(dimension, size=count, replace=False)
    return GradientCanaries(coordinates, rng.integers(0, 2, count, dtype=np.uint8), clip)


@final
@dataclass(frozen=True, slots=True, eq=False)
class GradientScores:
    """What one training run shows.

    Attributes:
        sample: labels and log-likelihood ratios, one per canary.
        residuals: conformance of the noise, over the coordinates of canaries that do not take part.
        steps: number of steps.
        rate: claimed sampling rate.
        noise_multiplier: claimed sigma / clip.
    """

    sample: SampledStatistics
    residuals: ResidualTest
    steps: int
    rate: float
    noise_multiplier: float

    @property
    def mu(self) -> float | None:
        """sqrt(steps) / noise_multiplier with full batches; None under Poisson sampling, which is not Gaussian."""
        return math.sqrt(self.steps) / self.noise_multiplier if self.rate == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "canaries": len(self.sample.labels),
            "steps": self.steps,
            "rate": self.rate,
            "noise_multiplier": self.noise_multiplier,
            "mu": self.mu,
            "residuals": self.residuals.to_dict(),
        }


def score_gradients(
    design: GradientCanaries,
    sums: np.ndarray,
    *,
    rate: float,
    noise_multiplier: float,
    background: np.ndarray | None = None,
) -> GradientScores:
    """Log-likelihood ratio of every canary over a whole training run.

    Args:
        design: the canaries.
        sums: float64[steps, dimension] or [steps, m]: the noisy *sums* of clipped gradients (not divided by any batch
            size), all coordinates or those of the canaries in order.
        rate: the claimed sampling rate, in (0, 1].
        noise_multiplier: the claimed standard deviation of the noise over the clipping norm.
        background: float64[steps, m], what the other rows add at the canaries' coordinates; 0 where left out.

    Returns:
        Scores for the bounds of privacy_audit.bounds.

    Raises:
        InputError: shapes that do not fit, values that are not finite, or parameters out of range.
    """
    sums = np.asarray(sums, float)
    if not 0 < rate <= 1 or not 0 < noise_multiplier < math.inf:
        raise InputError("The sampling rate must be in (0, 1] and the noise multiplier positive.")
    if sums.ndim != 2 or not np.isfinite(sums).all():
        raise InputError("The noisy sums must be finite, one row per step.")
    m = len(design.labels)
    if sums.shape[1] != m:
        if sums.shape[1] <= int(design.coordinates.max()):
            raise InputError("The noisy sums have fewer coordinates than the canaries need.")
        sums = sums[:, design.coordinates]
    seen = (sums - (0.0 if background is None else np.asarray(background, float))) / design.clip
    out = design.labels == 0
    if not out.any():
        raise InputError("No canary is left out. Draw the coins again.")
    scores = _ratios(seen, rate, noise_multiplier).sum(axis=0)
    return GradientScores(
        SampledStatistics(design.labels, scores),
        residual_test(seen[:, out] / noise_multiplier),
        len(sums),
        rate,
        noise_multiplier,
    )


def claimed_sample(
    labels: np.ndarray, *, steps: int, rate: float, noise_multiplier: float, rng: np.random.Generator
) -> np.ndarray:
    """Log-likelihood ratios as the claim says they fall: for tests of the claim by simulation.

    Args:
        labels: uint8[m].
        steps: number of steps.
        rate: sampling rate.
        noise_multiplier: sigma / clip.
        rng: the simulation's generator.

    Returns:
        float64[m].
    """
    scores = np.zeros(len(labels))
    for _ in range(steps):
        sampled = (labels == 1) & (rng.random(len(labels)) < rate)
        scores += _ratios(sampled + noise_multiplier * rng.standard_normal(len(labels)), rate, noise_multiplier)
    return scores


def _ratios(seen: np.ndarray, rate: float, noise_multiplier: float) -> np.ndarray:
    """log((1 - q) + q exp((y - 1/2) / s^2)) of y in units of the clipping norm."""
    inside = (seen - 0.5) / noise_multiplier**2
    return inside if rate == 1 else np.logaddexp(math.log1p(-rate), math.log(rate) + inside)
