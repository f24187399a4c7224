"""Exact and near copies of unique rows."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure
from privacy_audit.attacks.context import Context
from privacy_audit.attacks.summary import exact_rate, fisher_p
from privacy_audit.distances import nearest
from privacy_audit.frames import hash_rows, stack

__all__ = ["Copies"]

LADDER = 3.0
"""Rungs of the ladder are trusted where at least this many non-members stand on them."""


@final
class Copies(AbstractTableAttack):
    """Members that are unique among all real rows and occur in the synthetic table, against non-members that do.

    Fisher's test compares the counts. It cannot see one copied row among thousands, so there is a second test, the
    *ladder*: for each unique row the largest number of columns in which any synthetic row agrees with it. The share of
    non-members that reach a rung falls from rung to rung; the last trusted ratio, extended to the top rung, bounds the
    chance that an innocent row agrees in all columns. One member on the top rung is a leak where that chance times the
    number of members is tiny. The extension is an assumption (ratios do not grow towards the top), and is reported.
    """

    name = "copies"
    kind = "similarity"
    least = 2

    def run(self, context: Context) -> AttackResult:
        real, holdout, synthetic = context.tables.real, context.holdout, context.tables.synthetic
        both = stack(real, holdout)
        hashes = hash_rows(both)
        _, back, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        unique = counts[back] == 1
        copied = unique & np.isin(hashes, hash_rows(synthetic))
        m = real.rows
        hits, control = int(copied[:m].sum()), int(copied[m:].sum())
        of, control_of = int(unique[:m].sum()), int(unique[m:].sum())
        fisher = fisher_p(hits, of, control, control_of)
        columns = len(real.columns)
        chosen = both.select(unique)
        differ = nearest(chosen, synthetic, 1, metric="hamming", threads=context.threads).distances[:, 0]
        agree = np.rint(columns * (1 - differ)).astype(int)
        chance = _top_rung(agree[of:], columns)
        ladder = _binomial_tail(hits, of, chance) if hits and columns > 2 and control == 0 else 1.0
        near, near_control = _near(context, unique)
        figures = {
            "exact copies of unique rows": Figure(
                hits / max(1, of), *exact_rate(hits, of), control / max(1, control_of)
            ),
            "near copies of unique rows": Figure(near, baseline=near_control),
            "chance of an innocent copy": Figure(chance),
        }
        note = f"{hits} of {of} unique members are copied, {control} of {control_of} unique non-members"
        p = min(1.0, 2 * min(fisher, ladder))
        return AttackResult(self.name, self.kind, figures, "no leak found", note, p_value=p)


def _top_rung(agree: np.ndarray, columns: int) -> float:
    """Chance that an innocent unique row agrees with some synthetic row in all columns."""
    n = len(agree)
    reach = np.array([(agree >= rung).sum() for rung in range(columns + 1)], float)
    trusted = max((rung for rung in range(columns + 1) if reach[rung] >= LADDER), default=0)
    if n == 0 or trusted < 2 or trusted == columns:
        return 1.0
    # An upper confidence bound of the last ratios, so that few rows do not make a bold claim.
    ratios = [exact_rate(int(reach[rung]), int(reach[rung - 1]), 0.98)[1] for rung in (trusted - 1, trusted)]
    return float(reach[trusted] / n * max(ratios) ** (columns - trusted))


def _binomial_tail(hits: int, of: int, chance: float) -> float:
    from scipy import stats

    return float(stats.binom.sf(hits - 1, of, min(1.0, chance)))


def _near(context: Context, unique: np.ndarray) -> tuple[float, float]:
    """Share of unique rows whose nearest synthetic row is nearer than a fifth of their second nearest."""
    found = context.neighbours("targets synthetic").distances
    if found.shape[1] < 2:
        return 0.0, 0.0
    near = found[:, 0] < 0.2 * found[:, 1]
    m = context.tables.real.rows
    return tuple(  # type: ignore[return-value]
        float(near[part][unique[part]].mean()) if unique[part].any() else 0.0 for part in (slice(m), slice(m, None))
    )
