"""Exact and near copies of unique rows."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure, NotApplicable
from privacy_audit.attacks.context import Context
from privacy_audit.attacks.summary import exact_rate, fisher_p
from privacy_audit.distances import nearest
from privacy_audit.frames import Table, hash_rows, stack

__all__ = ["Copies"]

TAIL = 0.05
"""Share of the non-members whose agreement is fitted as the tail."""
FEWEST = 20
CANDIDATES = 20
"""Synthetic rows with the most equal cells, among which the most surprising agreement is looked for."""


@final
class Copies(AbstractTableAttack):
    """Members that are unique among all real rows and occur in the synthetic table, against non-members that do.

    Fisher's test compares the counts. It cannot see one copied row among thousands, so there is a second test, on
    *surprise*: the surprise of an agreement is the sum over its equal cells of -log of the cell's frequency among the
    real rows; a row's surprise is its largest over the synthetic rows. Non-members show how it is distributed without
    a leak. Above their 95 % quantile an exponential tail is fitted, with an upper confidence bound of its scale; a
    copied member is a leak where that tail gives its surprise a tiny chance, times the number of members. The tail is
    an assumption. The test is left out where unique non-members are copied too: then copies are no surprise.
    """

    name = "copies"
    kind = "similarity"
    least = 2

    def run(self, context: Context) -> AttackResult:
        real, holdout, synthetic = context.full.real, context.full.holdout, context.full.synthetic
        if holdout is None:
            raise NotApplicable("no holdout: nothing tells a copy from a common row")
        both = stack(real, holdout)
        hashes = hash_rows(both)
        _, back, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        unique = counts[back] == 1
        copied = unique & np.isin(hashes, hash_rows(synthetic))
        m = real.rows
        hits, control = int(copied[:m].sum()), int(copied[m:].sum())
        of, control_of = int(unique[:m].sum()), int(unique[m:].sum())
        if not of:
            raise NotApplicable("no member is unique among the real rows: a copy of one says nothing")
        fisher = fisher_p(hits, of, control, control_of)
        chance = 1.0
        if hits and control == 0 and control_of * TAIL >= FEWEST:
            innocent = np.flatnonzero(unique[m:])[: context.most_rows] + m
            asked = np.concatenate([np.flatnonzero(copied[:m])[: context.most_rows], innocent])
            surprise = _surprise(both, asked, synthetic, context.threads)
            chance = _tail(surprise[-len(innocent) :], float(surprise[: -len(innocent)].max()))
        alone = min(1.0, of * chance)
        near, near_control = _near(context)
        figures = {
            "exact copies of unique rows": Figure(
                hits / max(1, of), *exact_rate(hits, of), control / max(1, control_of)
            ),
            "near copies": Figure(near, baseline=near_control),
            "chance of an innocent copy": Figure(chance),
        }
        note = f"{hits} of {of} unique members are copied, {control} of {control_of} unique non-members"
        p = min(1.0, 2 * min(fisher, alone))
        return AttackResult(self.name, self.kind, figures, "no leak found", note, p_value=p)


def _surprise(real: Table, asked: np.ndarray, synthetic: Table, threads: int) -> np.ndarray:
    """float64[asked]: the largest surprise of an agreement of each asked row with a synthetic row."""
    rows = real.select(asked)
    found = nearest(rows, synthetic, CANDIDATES, metric="hamming", threads=threads).indices
    total = np.zeros(found.shape)
    sides = (real.numbers, synthetic.numbers), (real.codes, synthetic.codes)
    for mine, theirs in ((a[:, j], b[:, j]) for a, b in sides for j in range(a.shape[1])):
        _, where, counts = np.unique(mine, return_inverse=True, return_counts=True)
        weight = np.log(len(mine) / counts)[where.reshape(-1)][asked]
        cell, other = mine[asked][:, None], theirs[found]
        total += np.where((other == cell) | ((other != other) & (cell != cell)), weight[:, None], 0.0)
    return total.max(axis=1)


def _tail(innocent: np.ndarray, surprise: float) -> float:
    """Chance that an innocent row's surprise reaches a value, by an exponential tail above the 95 % quantile."""
    from scipy import stats

    start = float(np.quantile(innocent, 1 - TAIL))
    excess = innocent[innocent >= start] - start
    # The sum of n exponential excesses over its scale is a gamma variable: a 99 % upper bound of the scale.
    scale = float(excess.sum()) / float(stats.gamma.ppf(0.01, len(excess)))
    if surprise <= start or scale <= 0.0:
        return 1.0
    return float(len(excess) / len(innocent) * np.exp(-(surprise - start) / scale))


def _near(context: Context) -> tuple[float, float]:
    """Share of members, and of non-members, whose nearest synthetic row is five times nearer than the next."""
    found = context.neighbours("targets synthetic").distances
    if found.shape[1] < 2:
        return 0.0, 0.0
    near = found[:, 0] < 0.2 * found[:, 1]
    m = context.tables.real.rows
    return float(near[:m].mean()), float(near[m:].mean())
