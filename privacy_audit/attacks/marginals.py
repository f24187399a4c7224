"""Generator-aware: small marginals of the synthetic table against those of the reference."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View
from privacy_audit.frames import Table

__all__ = ["Marginals", "binned"]

BINS = 16
MOST = 300


@final
class Marginals(AbstractMembershipAttack):
    """Score: sum over cliques of log p_S(x_C) - log p_R(x_C), smoothed.

    Two more scores: the same over single columns, and the largest of a single column, in which a category that was
    taken over from a member stands out. Cliques that the generator is known to use are best; without them all pairs of
    columns are tried. Numbers are cut into 16 bins of equal rank.

    Source: golob2024mamamia.
    """

    name = "marginals"
    uses_reference = True

    def __init__(self, cliques: Sequence[tuple[str, ...]] | None = None) -> None:
        self.cliques = cliques

    def score(self, view: View) -> np.ndarray:
        assert view.reference is not None
        names = [column.name for column in (*view.synthetic.numeric, *view.synthetic.categorical)]
        place = {name: i for i, name in enumerate(names)}
        pairs = list(itertools.combinations(range(len(names)), 2))
        if self.cliques is not None:
            pairs = [tuple(place[name] for name in clique) for clique in self.cliques]
        elif len(pairs) > MOST:
            pairs = [pairs[i] for i in np.random.default_rng(view.seed).choice(len(pairs), MOST, replace=False)]
        tables = [binned(table) for table in (view.targets, view.synthetic, view.reference)]
        singles = [(i,) for i in range(len(names))]
        joint, single = _ratios(pairs or singles, *tables), _ratios(singles, *tables)
        return np.column_stack([joint.sum(axis=1), single.sum(axis=1), single.max(axis=1)])


def binned(table: Table) -> np.ndarray:
    """int64[n, columns]: numbers in bins, missing in a bin of its own, then codes."""
    scaled = table.scaled()
    bins = np.where(np.isnan(scaled), BINS, np.minimum(np.nan_to_num(scaled) * BINS, BINS - 1)).astype(np.int64)
    return np.concatenate([bins, table.codes], axis=1, dtype=np.int64)


def _ratios(cliques: Sequence[tuple[int, ...]], x: np.ndarray, s: np.ndarray, r: np.ndarray) -> np.ndarray:
    """float64[targets, cliques]: smoothed log p_S - log p_R of the targets' cells."""
    found = np.empty((len(x), len(cliques)))
    for i, clique in enumerate(cliques):
        rows = np.concatenate([table[:, clique] for table in (x, s, r)])
        cells = rows[:, 0]
        for j in range(1, rows.shape[1]):
            cells = cells * (rows[:, j].max() + 1) + rows[:, j]
        _, cells = np.unique(cells, return_inverse=True)
        mine, synthetic, reference = np.split(cells, [len(x), len(x) + len(s)])
        p = (np.bincount(synthetic, minlength=cells.max() + 1) + 0.5) / (len(s) + 1)
        q = (np.bincount(reference, minlength=cells.max() + 1) + 0.5) / (len(r) + 1)
        found[:, i] = np.log(p / q)[mine]
    return found
