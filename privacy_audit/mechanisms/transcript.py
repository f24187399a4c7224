"""What a white-box audit looks at: every answer of a mechanism with its exact value in both worlds.

A transcript is fixed by one run of the mechanism. The exact answers of both worlds are taken by replaying the *same*
transcript on the other table, so choices, cells and noise scales are those of the transcript in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from privacy_audit.errors import InputError

__all__ = ["MeasurementRelease", "SelectionRelease", "Transcript"]

NoiseLaw = Literal["gaussian", "rounded_gaussian", "laplace", "discrete_laplace"]
SelectionLaw = Literal["exponential", "permute_and_flip"]
MOST_EXACT_CANDIDATES = 18


@final
@dataclass(frozen=True, slots=True, eq=False)
class MeasurementRelease:
    """Exact counts plus noise.

    Attributes:
        exact_in: exact answers on D, of any shape.
        exact_out: exact answers on D', same shape.
        scale: sigma of Gaussian noise, or the scale of Laplace noise, of every entry.
        noisy: the answer that was given, or None (then there is no statistic, but mu_exact still).
        law: "gaussian", "rounded_gaussian", "laplace" or "discrete_laplace".
        sensitivity: declared, L2 for Gaussian and L1 for Laplace noise; NaN where unknown.
        kind: a word for tables.
    """

    exact_in: np.ndarray
    exact_out: np.ndarray
    scale: float
    noisy: np.ndarray | None = None
    law: NoiseLaw = "gaussian"
    sensitivity: float = float("nan")
    kind: str = "measurement"

    def __post_init__(self) -> None:
        if self.law not in ("gaussian", "rounded_gaussian", "laplace", "discrete_laplace"):
            raise InputError(f"The noise law {self.law!r} is not known. Use gaussian, rounded_gaussian, laplace, ...")
        if not 0 < self.scale < np.inf:
            raise InputError("A measurement needs a positive finite noise scale.")
        shapes = {np.shape(self.exact_in), np.shape(self.exact_out)}
        if self.noisy is not None:
            shapes.add(np.shape(self.noisy))
        if len(shapes) != 1:
            raise InputError("The answers of a measurement have different shapes in the two worlds.")
        for values in (self.exact_in, self.exact_out):
            if not np.isfinite(np.asarray(values, float)).all():
                raise InputError("An exact answer is not finite. Replay the mechanism first: it leaks by that.")

    @property
    def change(self) -> np.ndarray:
        """exact_in - exact_out, float64[cells]."""
        return (np.asarray(self.exact_in, float) - np.asarray(self.exact_out, float)).ravel()

    @property
    def squared_mu(self) -> float:
        """||change||^2 / sigma^2: exact for Gaussian noise, an upper bound (loose by 1 / (12 sigma^2)) if rounded.

        Raises:
            InputError: the noise is not Gaussian.
        """
        if "laplace" in self.law:
            raise InputError("Laplace noise has no mu. Use the statistic.")
        return float(self.change @ self.change) / self.scale**2

    @property
    def declared_squared_mu(self) -> float:
        """(sensitivity / sigma)^2."""
        return (self.sensitivity / self.scale) ** 2

    def log_likelihood_ratio(self) -> float:
        """log P[noisy | D] - log P[noisy | D'].

        Raises:
            InputError: there is no noisy answer.
        """
        if self.noisy is None:
            raise InputError("The transcript has no noisy answer here, so it has no statistic.")
        noisy, out = np.asarray(self.noisy, float).ravel(), np.asarray(self.exact_out, float).ravel()
        change = self.change
        moved = change != 0
        from_out, change = noisy[moved] - out[moved], change[moved]
        if self.law in ("gaussian", "rounded_gaussian"):
            # Of rounded noise this is the ratio before rounding, to 1 / (24 sigma^2): a statistic like any other.
            return float(from_out @ change - change @ change / 2) / self.scale**2
        return float((np.abs(from_out) - np.abs(from_out - change)).sum()) / self.scale


@final
@dataclass(frozen=True, slots=True, eq=False)
class SelectionRelease:
    """A choice among candidates by noisy scores.

    Attributes:
        scores_in: integer or real scores on D, [candidates].
        scores_out: on D'.
        epsilon: of the selection.
        sensitivity: declared: how far one unit moves any one score.
        chosen: the index that was chosen, or None.
        law: "exponential" (coefficient 1/2) or "permute_and_flip".
        kind: a word for tables.
    """

    scores_in: np.ndarray
    scores_out: np.ndarray
    epsilon: float
    sensitivity: float = 1.0
    chosen: int | None = None
    law: SelectionLaw = "exponential"
    kind: str = "selection"

    def __post_init__(self) -> None:
        if self.law not in ("exponential", "permute_and_flip"):
            raise InputError(f"The selection law {self.law!r} is not known. Use exponential or permute_and_flip.")
        if np.shape(self.scores_in) != np.shape(self.scores_out) or np.ndim(self.scores_in) != 1:
            raise InputError("A selection needs one score per candidate in each world.")
        if not (0 < self.epsilon < np.inf and 0 < self.sensitivity < np.inf):
            raise InputError("A selection needs a positive finite epsilon and sensitivity.")
        if self.law == "permute_and_flip" and len(self.scores_in) > MOST_EXACT_CANDIDATES:
            raise InputError(f"The law of permute-and-flip is exact up to {MOST_EXACT_CANDIDATES} candidates only.")

    def laws(self) -> tuple[np.ndarray, np.ndarray]:
        """Exact probabilities of every candidate, float64[candidates], on D and on D'."""
        inside, outside = (self._law(np.asarray(scores, float)) for scores in (self.scores_in, self.scores_out))
        return inside, outside

    def _law(self, scores: np.ndarray) -> np.ndarray:
        weights = np.exp((scores - scores.max()) * self.epsilon / (2 * self.sensitivity))
        return weights / weights.sum() if self.law == "exponential" else _permute_and_flip_law(weights)

    def log_likelihood_ratio(self) -> float:
        """log P[chosen | D] - log P[chosen | D'].

        Raises:
            InputError: it is not known what was chosen.
        """
        if self.chosen is None:
            raise InputError("The transcript does not say which candidate was chosen, so it has no statistic.")
        inside, outside = self.laws()
        return float(np.log(inside[self.chosen]) - np.log(outside[self.chosen]))


def _permute_and_flip_law(weights: np.ndarray) -> np.ndarray:
    """P[i] = weights[i] x integral over t in [0, 1] of prod over j != i of (1 - t weights[j]).

    With keys uniform on [0, 1] in place of the order, candidate i is taken if its coin is heads and every candidate
    with a smaller key had tails. The integrand is a polynomial: Gauss-Legendre quadrature is exact.
    """
    nodes, masses = np.polynomial.legendre.leggauss(len(weights) // 2 + 1)
    t, masses = (nodes + 1) / 2, masses / 2
    factors = 1 - t[:, None] * weights[None, :]
    law = np.empty(len(weights))
    for i in range(len(weights)):
        law[i] = weights[i] * float(masses @ np.prod(np.delete(factors, i, axis=1), axis=1))
    return law / law.sum()


@final
@dataclass(frozen=True, slots=True, eq=False)
class Transcript:
    """All answers of one run, in order.

    Attributes:
        releases: measurements and selections.
    """

    releases: tuple[MeasurementRelease | SelectionRelease, ...]

    def statistic(self) -> float:
        """The Neyman-Pearson statistic: the log-likelihood ratio of all answers, D against D'.

        The most powerful test of "D' was the table" rejects where it is large; see docs/proofs/white_box.md.
        """
        return float(sum(release.log_likelihood_ratio() for release in self.releases))

    def measurements(self) -> tuple[MeasurementRelease, ...]:
        """The measurements in order."""
        return tuple(release for release in self.releases if isinstance(release, MeasurementRelease))

    def selections(self) -> tuple[SelectionRelease, ...]:
        """The selections in order."""
        return tuple(release for release in self.releases if isinstance(release, SelectionRelease))

    def residuals(self) -> np.ndarray:
        """(noisy - exact_in) / scale of every measured entry, float64[entries]: of a run on D.

        Raises:
            InputError: no noisy answer, or Laplace noise.
        """
        parts = []
        for m in self.measurements():
            if m.noisy is None or "laplace" in m.law:
                raise InputError("Residuals need the noisy answers of Gaussian measurements.")
            parts.append((np.asarray(m.noisy, float) - np.asarray(m.exact_in, float)).ravel() / m.scale)
        return np.concatenate(parts) if parts else np.empty(0)

    def to_dict(self) -> dict[str, Any]:
        """What was asked, without any exact answer."""
        return {"releases": [{"kind": r.kind, "type": type(r).__name__} for r in self.releases]}
