"""Nearest-neighbour adversarial accuracy, and the share of real rows that a synthetic row identifies."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure
from privacy_audit.attacks.context import Context
from privacy_audit.distances import nearest, nearest_others
from privacy_audit.frames import Table

__all__ = ["Nnaa"]


@final
class Nnaa(AbstractTableAttack):
    """How well nearest neighbours tell real from synthetic rows, for members and for the holdout, on equal sizes.

    "privacy loss" is the accuracy on the holdout minus that on the members: 0 without a leak. "identified" is the share
    of real rows with a synthetic row nearer than any other real row.

    Source: yale2020generation.
    """

    name = "nnaa"
    kind = "similarity"

    def run(self, context: Context) -> AttackResult:
        rng = context.rng(self.name)
        tables = (context.tables.real, context.holdout, context.tables.synthetic)
        count = min(table.rows for table in tables)
        real, holdout, synthetic = (t.select(np.sort(rng.permutation(t.rows)[:count])) for t in tables)
        own = nearest_others(synthetic, 1, threads=context.threads).distances[:, 0]
        members, identified = _accuracy(real, synthetic, own, context.threads)
        others, other_identified = _accuracy(holdout, synthetic, own, context.threads)
        figures = {
            "accuracy": Figure(members, baseline=others),
            "privacy loss": Figure(others - members, baseline=0.0),
            "identified": Figure(identified, baseline=other_identified),
        }
        return AttackResult(self.name, self.kind, figures, "no leak found")


def _accuracy(real: Table, synthetic: Table, own: np.ndarray, threads: int) -> tuple[float, float]:
    across = nearest(real, synthetic, 1, threads=threads).distances[:, 0]
    back = nearest(synthetic, real, 1, threads=threads).distances[:, 0]
    among = nearest_others(real, 1, threads=threads).distances[:, 0]
    # A tie says nothing: it counts one half.
    parts = (across > among) + 0.5 * (across == among), (back > own) + 0.5 * (back == own)
    return float(0.5 * (parts[0].mean() + parts[1].mean())), float((across < among).mean())
