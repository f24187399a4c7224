"""Linkability: do two halves of a person's columns lead to the same synthetic row?"""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure, NotApplicable
from privacy_audit.attacks.context import Context
from privacy_audit.attacks.summary import exact_rate, fisher_p, risk_ratio
from privacy_audit.distances import nearest
from privacy_audit.frames import Table

__all__ = ["Linkability"]

TARGETS = 2000
NEAR = 1
HALVINGS = 2


@final
class Linkability(AbstractTableAttack):
    """A target is linked if one synthetic row is nearest to it in both halves of the columns.

    The columns are halved at random twice, the second time independently; the stronger halving counts, corrected.

    Source: giomi2023unified.
    """

    name = "linkability"
    kind = "linkability"

    def run(self, context: Context) -> AttackResult:
        rng = context.rng(self.name)
        names = [column.name for column in context.tables.columns]
        if len(names) < 2:
            raise NotApplicable("two columns are needed to link their halves")
        real, holdout = (
            t.select(np.sort(rng.permutation(t.rows)[:TARGETS])) for t in (context.tables.real, context.holdout)
        )
        found = []
        for _ in range(HALVINGS):
            context.check_time()
            order = rng.permutation(len(names))
            halves = [[names[i] for i in part] for part in np.array_split(order, 2)]
            hits, controls = (
                int(_linked(t, context.tables.synthetic, halves, context.threads)) for t in (real, holdout)
            )
            found.append((fisher_p(hits, real.rows, controls, holdout.rows), hits, controls))
        p, hits, controls = min(found)
        rate, control = hits / real.rows, controls / holdout.rows
        figures = {
            "rate": Figure(rate, *exact_rate(hits, real.rows), control),
            "risk": Figure(max(0.0, (rate - control) / max(1e-12, 1 - control)), baseline=0.0),
            "risk ratio": risk_ratio(hits, real.rows, controls, holdout.rows),
        }
        return AttackResult(self.name, self.kind, figures, "no leak found", "", p_value=min(1.0, HALVINGS * p))


def _linked(targets: Table, synthetic: Table, halves: list[list[str]], threads: int) -> int:
    first, second = (
        nearest(targets.restrict(half), synthetic.restrict(half), NEAR, threads=threads).indices for half in halves
    )
    return int((first[:, :, None] == second[:, None, :]).any(axis=(1, 2)).sum())
