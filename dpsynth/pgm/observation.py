"""A noisy marginal as the estimator sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Observation"]


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """Noisy counts of one clique, with the variance of their noise.

    Attributes:
        clique: column names, one per axis of `values`; empty for an observation of the total.
        values: float64 counts (may be negative), one axis per column.
        variance: of the noise of each cell, in rows squared: one number, or an array of the shape of `values`; an
            infinite entry says that the cell was not observed.
    """

    clique: tuple[str, ...]
    values: np.ndarray
    variance: float | np.ndarray

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        variance = np.asarray(self.variance, dtype=np.float64)
        object.__setattr__(self, "clique", tuple(self.clique))
        object.__setattr__(self, "values", values)
        if len(set(self.clique)) != len(self.clique):
            raise ValueError(f"an observation names a column twice: {', '.join(self.clique)}")
        if values.ndim != len(self.clique):
            raise ValueError(f"an observation of {len(self.clique)} columns has {values.ndim} axes")
        if not np.isfinite(values).all():
            raise ValueError("the values of an observation are finite")
        if variance.ndim and variance.shape != values.shape:
            raise ValueError("the variance of an observation is one number or has the shape of its values")
        if not (variance > 0).all():
            raise ValueError("the variance of an observation is above 0")
        object.__setattr__(self, "variance", variance if variance.ndim else float(variance))

    @property
    def precision(self) -> np.ndarray:
        """1 / variance of each cell: float64, the shape of `values`."""
        return np.broadcast_to(1.0 / np.asarray(self.variance), self.values.shape)
