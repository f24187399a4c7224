"""Replicated uniques and DiSCO: keys that are unique, or that give a secret away."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure, NotApplicable
from privacy_audit.attacks.context import Context
from privacy_audit.attacks.marginals import binned
from privacy_audit.attacks.summary import exact_rate, fisher_p, risk_ratio

__all__ = ["Disco"]

KEYS = 4
ROUNDS = 12


@final
class Disco(AbstractTableAttack):
    """Unique keys that stay unique (repU), and keys whose synthetic rows agree on the true secret (DiSCO).

    Both are compared with the same count on the holdout, over twelve drawn sets of keys.

    Source: raab2024practical.
    """

    name = "disco"
    kind = "disclosure"

    def run(self, context: Context) -> AttackResult:
        rng = context.rng(self.name)
        synthetic = binned(context.tables.synthetic)
        count = min(context.tables.real.rows, context.holdout.rows)
        sides = [
            binned(t.select(np.sort(rng.permutation(t.rows)[:count]))) for t in (context.tables.real, context.holdout)
        ]
        width = synthetic.shape[1]
        if width < 2:
            raise NotApplicable("a key and a secret are needed")
        found = []
        for _ in range(ROUNDS):
            drawn = rng.permutation(width)[: KEYS + 1]
            counts = [_counts(side, synthetic, drawn[1:], int(drawn[0])) for side in sides]
            for which in (0, 1):
                hits, controls = counts[0][which], counts[1][which]
                found.append((fisher_p(hits, count, controls, count), which, hits, controls))
        figures = {}
        for which, name in enumerate(("repu", "disco")):
            _, _, hits, controls = min(one for one in found if one[1] == which)
            figures[name] = Figure(hits / count, *exact_rate(hits, count), controls / count)
            figures[f"{name} risk ratio"] = risk_ratio(hits, count, controls, count)
        p = min(1.0, len(found) * min(found)[0])
        return AttackResult(self.name, self.kind, figures, "no leak found", f"{ROUNDS} sets of keys", p_value=p)


def _counts(side: np.ndarray, synthetic: np.ndarray, keys: np.ndarray, secret: int) -> tuple[int, int]:
    both = np.concatenate([side, synthetic])
    _, key = np.unique(both[:, keys], axis=0, return_inverse=True)
    key = key.reshape(-1)
    n, top = len(side), int(key.max()) + 1
    mine, theirs = np.bincount(key[:n], minlength=top), np.bincount(key[n:], minlength=top)
    unique = int(((mine == 1) & (theirs == 1))[key[:n]].sum())
    lowest = np.full(top, np.iinfo(np.int64).max)
    highest = np.full(top, -1)
    np.minimum.at(lowest, key[n:], synthetic[:, secret])
    np.maximum.at(highest, key[n:], synthetic[:, secret])
    same = (lowest == highest)[key[:n]]
    return unique, int((same & (lowest[key[:n]] == side[:, secret])).sum())
