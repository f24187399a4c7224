"""Share of synthetic rows that are nearer to a member than to any holdout row, with a permutation test."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure
from privacy_audit.attacks.context import Context
from privacy_audit.distances import Neighbours, nearest
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
        synthetic = context.tables.synthetic
        to_real = nearest(synthetic, mine, 1, threads=context.threads).distances[:, 0]
        to_holdout = nearest(synthetic, theirs, 1, threads=context.threads).distances[:, 0]
        share = float(np.mean((to_real < to_holdout) + 0.5 * (to_real == to_holdout)))
        shares = _permuted(nearest(synthetic, stack(mine, theirs), TIES, threads=context.threads), count, rng)
        spread = float(shares.std())
        p = _normal_tail((share - 0.5) / spread) if spread else 1.0
        low, high = (min(1.0, max(0.0, float(np.quantile(shares, q)) + share - 0.5)) for q in (0.025, 0.975))
        figures = {
            "share": Figure(share, low, high, 0.5),
            "mean distance": Figure(float(to_real.mean()), baseline=float(to_holdout.mean())),
            "5 % quantile of the distance": Figure(
                float(np.quantile(to_real, 0.05)), baseline=float(np.quantile(to_holdout, 0.05))
            ),
        }
        return AttackResult(self.name, self.kind, figures, "no leak found", "blind to leaks of few rows", p_value=p)


def _permuted(found: Neighbours, count: int, rng: np.random.Generator) -> np.ndarray:
    """float64[PERMUTATIONS]: the share with shuffled labels.

    A synthetic row whose nearest distance is shared by TIES or more pool rows has both labels among them, near enough.
    """
    first = found.distances <= found.distances[:, :1]  # the nearest pool row and its ties
    ties = first.sum(axis=1)
    single, some = ties == 1, (ties > 1) & (ties < TIES)
    weight = np.bincount(found.indices[single, 0], minlength=2 * count)
    constant = 0.5 * float((~single & ~some).sum())
    labels = np.repeat([True, False], count)
    shares = np.empty(PERMUTATIONS)
    for i in range(PERMUTATIONS):
        shuffled = rng.permutation(labels)
        of_tied, near = shuffled[found.indices[some]], first[some]
        mine, theirs = (of_tied & near).any(axis=1), (~of_tied & near).any(axis=1)
        tied = float(np.where(mine & theirs, 0.5, mine).sum())
        shares[i] = (float(weight[shuffled].sum()) + tied + constant) / len(first)
    return shares


def _normal_tail(z: float) -> float:
    from scipy import special

    return float(special.ndtr(-z))
