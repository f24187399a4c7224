"""Share of synthetic rows that are nearer to a member than to any holdout row, with a permutation test."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure
from privacy_audit.attacks.context import Context
from privacy_audit.distances import nearest
from privacy_audit.frames import stack

__all__ = ["DcrShare"]

PERMUTATIONS = 400
TIES = 8


@final
class DcrShare(AbstractTableAttack):
    """DCR share: one half without a leak; ties count one half.

    The synthetic rows are not independent trials, since they share neighbours; so the labels "member" and "holdout" are
    permuted instead. A popular number and a weak one: it averages over synthetic rows, so a leak of one person moves it
    by 1 / n. Never a gate.

    Source: yao2025dcr.
    """

    name = "dcr share"
    kind = "similarity"

    def run(self, context: Context) -> AttackResult:
        rng = context.rng(self.name)
        real, holdout = context.tables.real, context.holdout
        count = min(real.rows, holdout.rows)
        mine = real.select(np.sort(rng.permutation(real.rows)[:count]))
        theirs = holdout.select(np.sort(rng.permutation(holdout.rows)[:count]))
        found = nearest(context.tables.synthetic, stack(mine, theirs), TIES, threads=context.threads)
        first = found.distances <= found.distances[:, :1]  # itself and its ties
        labels = np.repeat([True, False], count)
        share = _share(labels[found.indices], first)
        single = first.sum(axis=1) == 1
        weight = np.bincount(found.indices[single, 0], minlength=2 * count)
        shares = np.empty(PERMUTATIONS)
        for i in range(PERMUTATIONS):
            shuffled = rng.permutation(labels)
            tied = _share(shuffled[found.indices[~single]], first[~single]) * (~single).sum() if (~single).any() else 0
            shares[i] = (weight[shuffled].sum() + tied) / len(first)
        spread = float(shares.std())
        p = _normal_tail((share - 0.5) / spread) if spread else 1.0
        low, high = (float(np.quantile(shares, q)) + share - 0.5 for q in (0.025, 0.975))
        nearest_real = nearest(context.tables.synthetic, mine, 1, threads=context.threads).distances[:, 0]
        nearest_held = nearest(context.tables.synthetic, theirs, 1, threads=context.threads).distances[:, 0]
        figures = {
            "share": Figure(share, low, high, 0.5),
            "mean distance": Figure(float(nearest_real.mean()), baseline=float(nearest_held.mean())),
            "5 % quantile of the distance": Figure(
                float(np.quantile(nearest_real, 0.05)), baseline=float(np.quantile(nearest_held, 0.05))
            ),
        }
        return AttackResult(self.name, self.kind, figures, "no leak found", "blind to leaks of few rows", p_value=p)


def _share(labels: np.ndarray, first: np.ndarray) -> float:
    mine, theirs = (labels & first).any(axis=1), (~labels & first).any(axis=1)
    return float(np.mean(np.where(mine & theirs, 0.5, mine)))


def _normal_tail(z: float) -> float:
    from scipy import special

    return float(special.ndtr(-z))
