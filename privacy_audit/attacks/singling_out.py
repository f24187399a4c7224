"""Singling out: predicates made from the synthetic table that match exactly one real row."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure, NotApplicable
from privacy_audit.attacks.context import Context
from privacy_audit.attacks.summary import exact_rate, risk_ratio
from privacy_audit.frames import Table

__all__ = ["SinglingOut"]

PREDICATES = 1000
COLUMNS = 4


@final
class SinglingOut(AbstractTableAttack):
    """Predicates on 1 to 4 columns that match one synthetic row; a hit matches one member, the control one holdout row.

    Members and holdout are cut to equal sizes, since the chance of isolating a row depends on the size. A predicate of
    several columns takes a random synthetic row: equality for categories, at least (most) its value for numbers above
    (below) the median, which is also the direction of missing. The test counts distinct isolated rows: without a leak a
    row isolated in either table lies in each with probability one half.

    Source: cohen2020towards, giomi2023unified.
    """

    name = "singling out"
    kind = "singling out"

    def run(self, context: Context) -> AttackResult:
        from scipy import stats

        rng = context.rng(self.name)
        synthetic = context.tables.synthetic
        count = min(context.tables.real.rows, context.holdout.rows)
        real, holdout = (
            t.select(np.sort(rng.permutation(t.rows)[:count])) for t in (context.tables.real, context.holdout)
        )
        sides, mine, theirs = _comparable(synthetic, real, holdout)
        found: list[tuple[int, int]] = []
        total = 0
        for i in range(PREDICATES):
            if i % 50 == 0:
                context.check_time()
            wanted = min(1 + i % COLUMNS, sides.shape[1])
            columns = rng.choice(sides.shape[1], wanted, replace=False)
            row = int(rng.integers(synthetic.rows))
            if _match(sides, columns, sides[row]).sum() != 1:
                continue
            total += 1
            hit, control = (_match(table, columns, sides[row]) for table in (mine, theirs))
            found.append((_only(hit), _only(control)))
        if total < 20:
            raise NotApplicable("hardly any predicate singles out a synthetic row")
        hits, controls = ([pair[side] for pair in found if pair[side] >= 0] for side in (0, 1))
        rows, control_rows = len(set(hits)), len(set(controls))
        p = float(stats.binom.sf(rows - 1, rows + control_rows, 0.5)) if rows else 1.0
        rate, control_rate = len(hits) / total, len(controls) / total
        figures = {
            "rate": Figure(rate, *exact_rate(len(hits), total), control_rate),
            "risk": Figure(max(0.0, (rate - control_rate) / max(1e-12, 1 - control_rate)), baseline=0.0),
            "risk ratio": risk_ratio(len(hits), total, len(controls), total),
            "rows singled out": Figure(rows, baseline=control_rows),
        }
        return AttackResult(self.name, self.kind, figures, "no leak found", f"{total} predicates", p_value=p)


def _comparable(synthetic: Table, *others: Table) -> tuple[np.ndarray, ...]:
    """Every table with signed columns: numbers turned so that a predicate reads "at least", codes kept (equality)."""
    signs, fill = [], []
    for j in range(synthetic.numbers.shape[1]):
        values = synthetic.numbers[:, j]
        fill.append(float(np.nanmedian(values)) if not np.isnan(values).all() else 0.0)
        signs.append(fill[-1])
    made = []
    for table in (synthetic, *others):
        distance = table.numbers - np.array(signs) if signs else table.numbers
        made.append(np.concatenate([np.where(np.isnan(distance), np.inf, distance), table.codes + 0.5j], axis=1))
    return tuple(made)


def _match(table: np.ndarray, columns: np.ndarray, row: np.ndarray) -> np.ndarray:
    """bool[n]: which rows satisfy the predicate. A code carries an imaginary half as its mark."""
    matched = np.ones(len(table), bool)
    for j in columns:
        value, cells = row[j], table[:, j]
        if value.imag:
            matched &= cells == value
        elif np.isinf(value.real):
            matched &= np.isinf(cells.real)
        elif value.real >= 0:
            matched &= (cells.real >= value.real) & np.isfinite(cells.real)
        else:
            matched &= cells.real <= value.real
    return matched


def _only(matched: np.ndarray) -> int:
    return int(np.argmax(matched)) if matched.sum() == 1 else -1
