"""Exact white-box audit of marginal releases: what one transcript proves about mu, delta and the noise.

For a worst-case row the transcript alone gives the exact trade-off between D and D' of everything that was released:
Gaussian measurements give mu_exact = sqrt(sum ||change||^2 / sigma^2), selections a finite law each. It is compared
with what the accountant claims: above it the claim is broken; far below it the audit (or the row) is weak.

Source: dong2022gaussian
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy import special

from privacy_audit.bounds.sequential.residual_chi_square import residual_chi_square
from privacy_audit.errors import InputError
from privacy_audit.mechanisms.transcript import MeasurementRelease, Transcript

__all__ = [
    "ResidualTest",
    "SampledStatistics",
    "WhiteBoxReport",
    "audit_transcript",
    "exact_delta",
    "exact_mu",
    "gaussian_delta",
    "redraw_statistics",
    "residual_test",
    "sample_statistics",
]

TOLERANCE = 1e-9
MOST_ATOMS = 20_000
LATTICE = 1e-4


def gaussian_delta(epsilon: float | np.ndarray, mu: float) -> np.ndarray:
    """Hockey-stick divergence of N(mu, 1) from N(0, 1) at any real epsilon.

    Args:
        epsilon: float64 of any shape; may be negative.
        mu: at least 0.

    Returns:
        float64 of the same shape.
    """
    epsilon = np.asarray(epsilon, dtype=np.float64)
    if mu == 0:
        return np.maximum(0.0, -np.expm1(np.minimum(epsilon, 0.0)))
    tail = np.exp(epsilon + special.log_ndtr(-epsilon / mu - mu / 2))
    return np.maximum(special.ndtr(-epsilon / mu + mu / 2) - tail, 0.0)


def exact_mu(transcript: Transcript) -> float:
    """sqrt(sum ||change||^2 / sigma^2) over the Gaussian measurements: the exact mu of this transcript and this row.

    Raises:
        InputError: a measurement has Laplace noise.
    """
    return math.sqrt(math.fsum(m.squared_mu for m in transcript.measurements()))


def exact_delta(transcript: Transcript, epsilon: float) -> float:
    """The exact hockey-stick divergence of all that a transcript released, its questions held fixed: the worse way.

    Args:
        transcript: Gaussian measurements, and selections.
        epsilon: at least 0.

    Returns:
        delta(epsilon) between D and D'. Where more than 20,000 combinations of choices are possible, their losses are
        rounded down to a lattice of 1e-4, so the figure is at most the exact one.
    """
    mu = exact_mu(transcript)
    return max(
        float((mass * gaussian_delta(epsilon - loss, mu)).sum())
        for loss, mass in (_selection_losses(transcript, way) for way in (1, -1))
    )


def _selection_losses(transcript: Transcript, way: int) -> tuple[np.ndarray, np.ndarray]:
    """Atoms of the privacy loss of all selections: (loss, probability), each float64[k]."""
    loss, mass = np.zeros(1), np.ones(1)
    for selection in transcript.selections():
        p, q = selection.laws()[::way]
        more = np.log(p) - np.log(q)
        loss, mass = np.add.outer(loss, more).ravel(), np.multiply.outer(mass, p).ravel()
        if len(loss) > MOST_ATOMS:
            cells, places = np.unique(np.floor(loss / LATTICE), return_inverse=True)
            loss, mass = cells * LATTICE, np.bincount(places, weights=mass)
    return loss, mass


@final
@dataclass(frozen=True, slots=True)
class WhiteBoxReport:
    """What one transcript and one row show.

    Attributes:
        mu_exact: of the Gaussian measurements, from the exact answers of both worlds.
        mu_declared: the same from the declared sensitivities; NaN where they are not known.
        mu_claimed: the accountant's mu, or None.
        used: share of the claimed (else declared) squared mu that each kind of release used.
        declared: the same from the declared sensitivities.
        excess: the largest exact delta minus the claimed delta over the epsilons that were compared; None without a
            claimed curve.
        findings: broken claims, in words.
    """

    mu_exact: float
    mu_declared: float
    mu_claimed: float | None
    used: Mapping[str, float]
    declared: Mapping[str, float]
    excess: float | None
    findings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the transcript breaks no claim."""
        return not self.findings

    @property
    def ratio(self) -> float:
        """mu_exact / mu_claimed (or declared): 1 is tight, above 1 broken."""
        return self.mu_exact / (self.mu_claimed if self.mu_claimed is not None else self.mu_declared)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "mu_exact": self.mu_exact,
            "mu_declared": None if math.isnan(self.mu_declared) else self.mu_declared,
            "mu_claimed": self.mu_claimed,
            "ratio": None if math.isnan(self.ratio) else self.ratio,
            "used": dict(self.used),
            "declared": dict(self.declared),
            "excess": self.excess,
            "findings": list(self.findings),
            "passed": self.passed,
        }


def audit_transcript(
    transcript: Transcript,
    *,
    mu: float | None = None,
    delta: Callable[[float], float] | None = None,
    epsilons: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
) -> WhiteBoxReport:
    """Compare the exact trade-off of a transcript with the accountant's claim.

    Args:
        transcript: all answers, with their exact values in both worlds.
        mu: the accountant's mu, if it claims one for the measurements.
        delta: the accountant's curve, from epsilon to delta, for everything released.
        epsilons: where the curves are compared.

    Returns:
        The report.

    Raises:
        InputError: the transcript is empty.
    """
    if not transcript.releases:
        raise InputError("The transcript has no release: nothing was audited.")
    exact = exact_mu(transcript)
    used: dict[str, float] = {}
    declared: dict[str, float] = {}
    findings = []
    for m in transcript.measurements():
        used[m.kind] = used.get(m.kind, 0.0) + m.squared_mu
        declared[m.kind] = declared.get(m.kind, 0.0) + m.declared_squared_mu
        if not math.isnan(m.sensitivity) and not _moved(m) <= m.sensitivity * (1 + TOLERANCE):
            findings.append(f"{m.kind} moved {_moved(m) / m.sensitivity:.6g} of its declared sensitivity")
    for s in transcript.selections():
        moved = float(np.abs(np.asarray(s.scores_in, float) - np.asarray(s.scores_out, float)).max())
        if not moved <= s.sensitivity * (1 + TOLERANCE):
            findings.append(f"a score of {s.kind} moved {moved / s.sensitivity:.6g} of its declared sensitivity")
    spent = math.sqrt(math.fsum(declared.values()))
    whole = mu**2 if mu is not None else spent**2
    if mu is not None and not exact <= mu * (1 + TOLERANCE):
        findings.append(f"the measurements have mu {exact:.6g}; {mu:.6g} is claimed")
    excess = None
    if delta is not None:
        excess = max(exact_delta(transcript, epsilon) - delta(epsilon) for epsilon in epsilons)
        if not excess <= TOLERANCE:
            findings.append(f"the exact delta exceeds the claimed curve by {excess:.3g}")
    return WhiteBoxReport(
        exact,
        spent,
        mu,
        {kind: value / whole if whole else math.nan for kind, value in used.items()},
        {kind: value / whole if whole else math.nan for kind, value in declared.items()},
        excess,
        tuple(findings),
    )


def _moved(m: MeasurementRelease) -> float:
    return float(np.sqrt(m.change @ m.change)) if "gaussian" in m.law else float(np.abs(m.change).sum())


@final
@dataclass(frozen=True, slots=True, eq=False)
class SampledStatistics:
    """Neyman-Pearson statistics of independent runs with fair-coin labels: what the bounds take.

    Attributes:
        labels: uint8[m], 1 for a run on D.
        scores: float64[m], higher means D.
    """

    labels: np.ndarray
    scores: np.ndarray

    @property
    def members(self) -> np.ndarray:
        """Scores of the runs on D (for the bounds, with coin_labels=True)."""
        return self.scores[self.labels == 1]

    @property
    def nonmembers(self) -> np.ndarray:
        """Scores of the runs on D'."""
        return self.scores[self.labels == 0]

    def mu_hat(self) -> float:
        """Point estimate of mu from the two means and the pooled spread; no bound."""
        one, other = self.members, self.nonmembers
        return float((one.mean() - other.mean()) / math.sqrt((one.var() + other.var()) / 2))


def sample_statistics(run: Callable[[bool], Transcript], runs: int, seed: int) -> SampledStatistics:
    """Run the mechanism itself on a coin's choice of D or D', and take the statistic of each transcript.

    Args:
        run: from "on D?" to the transcript of a fresh run (its noise must not be seeded).
        runs: how many.
        seed: of the coins.

    Returns:
        Labels and statistics.
    """
    labels = np.random.default_rng(seed).integers(0, 2, runs, dtype=np.uint8)
    return SampledStatistics(labels, np.array([run(bool(label)).statistic() for label in labels]))


def redraw_statistics(
    transcript: Transcript, draw: Callable[[float, int], np.ndarray], runs: int, seed: int
) -> SampledStatistics:
    """Draw the noise of one transcript again and again, by the mechanism's own sampler, its questions held fixed.

    Only entries in which the worlds differ enter the statistic, so only their noise is drawn.

    Args:
        transcript: Gaussian measurements of one run; selections are left out.
        draw: the mechanism's sampler: from (sigma, how many) to float or integer noise.
        runs: how many.
        seed: of the coins.

    Returns:
        Labels and statistics.
    """
    labels = np.random.default_rng(seed).integers(0, 2, runs, dtype=np.uint8)
    scores = np.zeros(runs)
    for m in transcript.measurements():
        change = m.change[m.change != 0]
        if len(change):
            noise = np.asarray(draw(m.scale, runs * len(change)), float).reshape(runs, len(change))
            scores += (noise @ change) / m.scale**2
    scores += (labels.astype(float) - 0.5) * exact_mu(transcript) ** 2
    return SampledStatistics(labels, scores)


@final
@dataclass(frozen=True, slots=True)
class ResidualTest:
    """Whether residuals in units of the claimed sigma have variance 1. A conformance test, not a test of privacy.

    Attributes:
        entries: how many residuals.
        statistic: their sum of squares, chi-square with `entries` degrees of freedom if the noise is as claimed.
        p_value: two-sided.
        z: the same as a standard normal score; negative means too little noise.
    """

    entries: int
    statistic: float
    p_value: float
    z: float

    def to_dict(self) -> dict[str, float]:
        """Plain JSON values."""
        return {"entries": self.entries, "statistic": self.statistic, "p_value": self.p_value, "z": self.z}


def residual_test(residuals: np.ndarray, *, variance: float = 1.0) -> ResidualTest:
    """Chi-square test of (noisy - exact) / sigma.

    Args:
        residuals: float64[entries].
        variance: of one residual if the noise is right; rounding adds 1 / (12 sigma^2).

    Returns:
        The test. `p_value` is at most alpha with probability alpha (exactly for Gaussian noise) if the claim holds.

    Raises:
        InputError: no residual, or one that is not finite.
    """
    residuals = np.asarray(residuals, float).ravel()
    if not residuals.size or not np.isfinite(residuals).all():
        raise InputError("The residual test needs at least one residual, all finite.")
    found = residual_chi_square(residuals, math.sqrt(variance))
    statistic = float(residuals @ residuals) / variance
    z = -float(special.ndtri(max(found.p_value, 1e-300) / 2))
    return ResidualTest(
        int(residuals.size), statistic, found.p_value, math.copysign(z, statistic - special.chdtri(residuals.size, 0.5))
    )
