"""Correct attribution probability: the secret's share among synthetic rows with a target's key."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure, NotApplicable
from privacy_audit.attacks.context import Context
from privacy_audit.attacks.marginals import binned
from privacy_audit.distances import nearest

__all__ = ["Cap"]

KEYS = 3
ROUNDS = 12
TARGETS = 2000


@final
class Cap(AbstractTableAttack):
    """CAP (targets without a match left out), 0CAP (they count 0) and GCAP (the nearest keys instead).

    In each of twelve rounds a secret and three keys are drawn. The baseline is the same number on the holdout, not a
    uniform guess: a secret that 99 % share is no disclosure. The test compares the 0CAP of members and holdout rows by
    ranks, round by round, corrected for the rounds.

    Source: taub2018differential.
    """

    name = "cap"
    kind = "disclosure"

    def run(self, context: Context) -> AttackResult:
        from scipy import stats

        rng = context.rng(self.name)
        columns = (*context.tables.synthetic.numeric, *context.tables.synthetic.categorical)
        if len(columns) < 2:
            raise NotApplicable("a key and a secret are needed")
        synthetic = binned(context.tables.synthetic)
        tables = (context.tables.real, context.holdout)
        rows = [np.sort(rng.permutation(t.rows)[:TARGETS]) for t in tables]
        members, others = (t.select(r) for t, r in zip(tables, rows, strict=True))
        sides = [binned(members), binned(others)]
        found = []
        for _ in range(ROUNDS):
            drawn = rng.permutation(len(columns))[: KEYS + 1]
            secret, keys = int(drawn[0]), drawn[1:]
            shares = [_shares(side, synthetic, keys, secret) for side in sides]
            zero = [np.nan_to_num(share) for share in shares]
            p = 1.0
            if np.concatenate(zero).std() > 0:
                p = float(stats.mannwhitneyu(*zero, alternative="greater", method="asymptotic").pvalue)
            found.append((p, secret, keys, shares))
        p, secret, keys, shares = min(found, key=lambda one: one[0])
        names = [columns[i].name for i in keys]
        general = []
        for table, side in zip((members, others), sides, strict=True):
            near = nearest(table.restrict(names), context.tables.synthetic.restrict(names), 1, metric="hamming")
            general.append(float((synthetic[near.indices[:, 0], secret] == side[:, secret]).mean()))
        figures = {
            "cap": Figure(_mean(shares[0]), baseline=_mean(shares[1])),
            "0cap": Figure(float(np.nan_to_num(shares[0]).mean()), baseline=float(np.nan_to_num(shares[1]).mean())),
            "gcap": Figure(general[0], baseline=general[1]),
        }
        note = f"strongest of {ROUNDS} rounds: secret {columns[secret].name!r}, keys {', '.join(names)}"
        return AttackResult(self.name, self.kind, figures, "no leak found", note, p_value=min(1.0, ROUNDS * p))


def _mean(shares: np.ndarray) -> float:
    return float(np.nanmean(shares)) if not np.isnan(shares).all() else 0.0


def _shares(side: np.ndarray, synthetic: np.ndarray, keys: np.ndarray, secret: int) -> np.ndarray:
    """float64[n]: share of the true secret among synthetic rows with the same key; NaN without a match."""
    both = np.concatenate([side, synthetic])
    _, key = np.unique(both[:, keys], axis=0, return_inverse=True)
    key = key.reshape(-1)
    cell = key * (both[:, secret].max() + 1) + both[:, secret]
    _, cell = np.unique(cell, return_inverse=True)
    n = len(side)
    with_key = np.bincount(key[n:], minlength=key.max() + 1)[key[:n]]
    with_both = np.bincount(cell[n:], minlength=cell.max() + 1)[cell[:n]]
    return np.where(with_key > 0, with_both / np.maximum(1, with_key), np.nan)
