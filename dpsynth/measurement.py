"""A noisy answer. Everything from here on is post-processing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Measurement"]


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """A noisy marginal, total, or vector of scores.

    Attributes:
        name: what was asked: "marginal", "total", "distances", "parities", "selection" or "rows".
        clique: the columns of a marginal, in the order of the axes of `values`; the chosen clique of a selection; empty
            for a total, distances and parities.
        values: int64 array, read-only: a marginal has one axis per column of its clique, a total has none, distances
            and parities are one vector in the order of the question's cliques, a selection is int64[1] with the
            chosen place; "rows" are int64[rows, columns of the clique], cells that foreign code drew.
        sigma: standard deviation of the noise of each cell, in rows (before rounding, of a rounded Gaussian); 0 for a
            selection, whose law is `mechanism`.
        mechanism: "rounded_gaussian", "discrete_laplace", "exponential", "permute_and_flip" or "claimed".
        event_id: the ledger row that was committed before the draw ("" outside a ledger, in tests only).
        private: False where a seeded test entropy drew the noise; such an answer can never be certified.
        groupings: per column of the clique, the digest of the public map from fine cells ("" = fine cells).
    """

    name: str
    clique: tuple[str, ...]
    values: np.ndarray
    sigma: float
    mechanism: str
    event_id: str
    private: bool = True
    groupings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = self.values.view()
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
