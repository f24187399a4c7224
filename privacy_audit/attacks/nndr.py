"""Nearest-neighbour distance ratio."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure, NotApplicable
from privacy_audit.attacks.context import Context
from privacy_audit.distances import Neighbours
from privacy_audit.frames import Table

__all__ = ["Nndr"]


@final
class Nndr(AbstractTableAttack):
    """Mean ratio of the distances to the nearest and second nearest real row; small where a row was memorised.

    A figure beside its baseline, without a test: the ratios of neighbouring rows depend on each other.
    """

    name = "nndr"
    kind = "similarity"

    def run(self, context: Context) -> AttackResult:
        figures = {}
        mine = _ratios(context.neighbours("synthetic real"), context.tables.real)
        theirs = _ratios(context.neighbours("synthetic holdout"), context.holdout)
        figures["mean ratio"] = Figure(float(mine.mean()), baseline=float(theirs.mean()))
        figures["1 % quantile"] = Figure(float(np.quantile(mine, 0.01)), baseline=float(np.quantile(theirs, 0.01)))
        return AttackResult(self.name, self.kind, figures, "no leak found")


def _ratios(found: Neighbours, pool: Table) -> np.ndarray:
    if pool.rows < 2:
        raise NotApplicable("a ratio of two distances needs two real rows")
    first, second = found.distances[:, 0], found.distances[:, 1]
    return np.where(second > 0, first / np.where(second > 0, second, 1.0), 1.0)
