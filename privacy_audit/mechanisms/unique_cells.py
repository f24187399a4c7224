"""One-fit audit by unique-cell canaries: many rows, each alone in its cells, each included by a fair coin.

A public column gets m categories, one per canary, each carried by a known number of rows so that no compression merges
it; a second column that depends on the first makes the pair worth measuring. Canary i is one more row of its category
if its coin says so. In every measured table that has the column, the cells of different canaries get independent noise,
so one fit is m independent trials of mu = sqrt(sum 1 / sigma^2), as far as the noise scales do not depend on the noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.white_box import ResidualTest, SampledStatistics, residual_test

__all__ = ["CanaryAnswer", "CanaryDesign", "CanaryScores", "design_canaries", "score_canaries"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class CanaryDesign:
    """The canaries of one fit.

    Attributes:
        names: the public categories, one per canary.
        copies: rows that carry each category whatever the coin says.
        labels: uint8[m], 1 where the canary is in.
        sides: how many values the dependent column has.
    """

    names: tuple[str, ...]
    copies: int
    labels: np.ndarray
    sides: int = 3

    def side_names(self) -> tuple[str, ...]:
        """The public values of the dependent column."""
        return tuple(f"s{i}" for i in range(self.sides))

    def side_of(self) -> np.ndarray:
        """int64[m]: the value of the dependent column that goes with each canary."""
        return np.arange(len(self.names)) % self.sides

    def columns(self) -> dict[str, np.ndarray]:
        """The table as plain arrays: "canary" and "side", text[rows]."""
        which = np.repeat(np.arange(len(self.names)), self.copies + self.labels.astype(np.int64))
        return {
            "canary": np.array(self.names, dtype=object)[which],
            "side": np.array(self.side_names(), dtype=object)[self.side_of()[which]],
        }


def design_canaries(count: int, copies: int, seed: int, sides: int = 3) -> CanaryDesign:
    """Canaries with fresh coins.

    Args:
        count: how many canaries (m).
        copies: rows of each category; more than what the mechanism merges as rare.
        seed: of the coins.
        sides: values of the dependent column.

    Returns:
        The design.

    Raises:
        InputError: fewer than two canaries or one side, or negative copies.
    """
    if count < 2 or copies < 0 or sides < 1:
        raise InputError("A design needs at least two canaries, one side, and no negative number of copies.")
    labels = np.random.default_rng(seed).integers(0, 2, count, dtype=np.uint8)
    return CanaryDesign(tuple(f"c{i}" for i in range(count)), copies, labels, sides)


@final
@dataclass(frozen=True, slots=True, eq=False)
class CanaryAnswer:
    """One measured table that has the canary column.

    Attributes:
        noisy: float64[m], the noisy count of the cell of each canary.
        sigma: its noise, as the mechanism declares it.
    """

    noisy: np.ndarray
    sigma: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class CanaryScores:
    """What one fit shows.

    Attributes:
        sample: labels and log-likelihood ratios, one per canary; independent trials.
        mu: of one canary, from the declared noise: sqrt(sum 1 / sigma^2).
        residuals: conformance of the noise itself, over all canary cells.
    """

    sample: SampledStatistics
    mu: float
    residuals: ResidualTest

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "canaries": len(self.sample.labels),
            "mu": self.mu,
            "mu_hat": self.sample.mu_hat(),
            "residuals": self.residuals.to_dict(),
        }


def score_canaries(design: CanaryDesign, answers: Sequence[CanaryAnswer]) -> CanaryScores:
    """The log-likelihood ratio of every canary over all tables that were measured.

    Args:
        design: the canaries.
        answers: the noisy counts of their cells, from one fit.

    Returns:
        Scores for the bounds of privacy_audit.bounds.

    Raises:
        InputError: no answer, a wrong number of cells, or a value that is not finite.

    Guarantee:
        If the noise of different cells is independent with the declared laws, labels are independent given the scores
        and each follows the likelihood ratio of a Gaussian pair with this mu.
    """
    if not answers:
        raise InputError("No measured table has the canary column: it was merged or never asked for.")
    scores, squared_mu, residuals = np.zeros(len(design.names)), 0.0, []
    for answer in answers:
        noisy = np.asarray(answer.noisy, float)
        if noisy.shape != (len(design.names),) or not np.isfinite(noisy).all() or not 0 < answer.sigma < math.inf:
            raise InputError("An answer needs one finite noisy count per canary and a positive sigma.")
        scores += (noisy - design.copies - 0.5) / answer.sigma**2
        squared_mu += 1 / answer.sigma**2
        residuals.append((noisy - design.copies - design.labels) / answer.sigma)
    sample = SampledStatistics(design.labels, scores)
    return CanaryScores(sample, math.sqrt(squared_mu), residual_test(np.concatenate(residuals)))
