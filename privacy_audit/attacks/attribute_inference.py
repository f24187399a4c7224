"""Attribute inference: the secret of the nearest synthetic row as a guess."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractTableAttack, AttackResult, Figure, NotApplicable
from privacy_audit.attacks.context import Context
from privacy_audit.attacks.summary import exact_rate, fisher_p, risk_ratio
from privacy_audit.distances import nearest
from privacy_audit.frames import Table

__all__ = ["AttributeInference", "guessed_right"]

TARGETS = 1500
SECRETS = 15
TOLERANCE = 0.05


@final
class AttributeInference(AbstractTableAttack):
    """Every column in turn is the secret, all others are known; the guess comes from the nearest synthetic row.

    The same guess about holdout rows is the control: what holds for them is knowledge about people in general. The
    column with the strongest excess is reported, corrected for the number of columns.

    Source: giomi2023unified.
    """

    name = "attribute inference"
    kind = "inference"

    def run(self, context: Context) -> AttackResult:
        rng = context.rng(self.name)
        names = [column.name for column in context.tables.columns]
        if len(names) < 2:
            raise NotApplicable("a secret needs another column to be guessed from")
        if len(names) > SECRETS:
            names = [names[i] for i in np.sort(rng.choice(len(names), SECRETS, replace=False))]
        chosen = [np.sort(rng.permutation(t.rows)[:TARGETS]) for t in (context.tables.real, context.holdout)]
        assert context.raw.holdout is not None
        ranked = [t.select(rows) for t, rows in zip((context.tables.real, context.holdout), chosen, strict=True)]
        raw = [t.select(rows) for t, rows in zip((context.raw.real, context.raw.holdout), chosen, strict=True)]
        found: dict[str, tuple[float, int, int]] = {}
        for secret in names:
            context.check_time()
            hits = [int(_hits(near, true, context, secret).sum()) for near, true in zip(ranked, raw, strict=True)]
            found[secret] = (fisher_p(hits[0], raw[0].rows, hits[1], raw[1].rows), hits[0], hits[1])
        secret = min(found, key=lambda name: found[name][0])
        p, hits, controls = found[secret]
        of, control_of = raw[0].rows, raw[1].rows
        rate, control = hits / of, controls / control_of
        figures = {
            "rate": Figure(rate, *exact_rate(hits, of), control),
            "risk": Figure(max(0.0, (rate - control) / max(1e-12, 1 - control)), baseline=0.0),
            "risk ratio": risk_ratio(hits, of, controls, control_of),
        }
        strata = {
            f"secret {name}": {"rate": Figure(one[1] / of, *exact_rate(one[1], of), one[2] / control_of)}
            for name, one in found.items()
        }
        note = f"strongest for the secret {secret!r} of {len(found)} tried"
        p = min(1.0, len(found) * p)
        return AttackResult(self.name, self.kind, figures, "no leak found", note, p_value=p, strata=strata)


def _hits(near: Table, true: Table, context: Context, secret: str) -> np.ndarray:
    rest = [column.name for column in near.columns if column.name != secret]
    found = nearest(near.restrict(rest), context.tables.synthetic.restrict(rest), 1, threads=context.threads)
    guess = context.raw.synthetic.restrict([secret]).select(found.indices[:, 0])
    return guessed_right(guess, true.restrict([secret]))


def guessed_right(guess: Table, truth: Table) -> np.ndarray:
    """Whether a guess is right: equal categories; numbers within 5 % of the size of the truth; missing for missing.

    Args:
        guess: one column.
        truth: the same column, as many rows.

    Returns:
        bool[n]. The tolerance is relative to |truth|, so that negative secrets are judged like positive ones.
    """
    if guess.codes.shape[1]:
        return guess.codes[:, 0] == truth.codes[:, 0]
    a, b = guess.numbers[:, 0], truth.numbers[:, 0]
    close = np.abs(a - b) <= TOLERANCE * np.abs(b)
    return np.where(np.isnan(b), np.isnan(a), close & ~np.isnan(a))
