"""Fairness gaps: does the candidate say of groups what the real table says?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, final

import numpy as np

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.prediction import chances_of, positive_class
from privacy_audit.utility.views import View

__all__ = ["Fairness"]

FEWEST_ROWS = 100


@final
class Fairness(AbstractMeasure):
    """Change of the parity gap of the label, and of the gap in true positive rates of models, per grouping.

    A gap is the largest rate of a group less the smallest. Parity: the share of the positive label in the table. True
    positives: of a model that is fitted on the table and tested on held-out real rows, against the model of real rows.
    """

    name: ClassVar[str] = "fairness"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        if bench.label is None:
            return []
        found, positive = [], positive_class(bench)
        for place in bench.groupings:
            name = bench.grid.names[place]
            groups = np.flatnonzero(np.bincount(bench.real.codes[:, place]) >= FEWEST_ROWS)
            if len(groups) < 2:
                continue
            real, mine = (
                _gap(view.codes[:, place], view.codes[:, bench.label] == positive, groups)
                for view in (bench.real, candidate)
            )
            found.append(
                Reading(f"parity_shift[{name}]", abs(mine - real), note=f"gap {mine:.4f}, in the real table {real:.4f}")
            )
            truth = bench.anchor.codes[:, bench.label] == positive
            asked = bench.anchor.codes[truth, place]
            served = groups[np.bincount(asked, minlength=int(groups.max()) + 1)[groups] >= FEWEST_ROWS // 5]
            if len(served) < 2:
                continue
            gaps = [
                _gap(asked, chances_of(bench, view, "boosting")[truth].argmax(1) == positive, served)
                for view in (bench.source, candidate)
            ]
            note = f"gap {gaps[1]:.4f}, trained on real rows {gaps[0]:.4f}"
            found.append(Reading(f"tpr_shift[{name}]", abs(gaps[1] - gaps[0]), note=note))
        return found


def _gap(codes: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> float:
    """Largest less smallest rate over the groups that occur."""
    counts = np.bincount(codes, minlength=int(groups.max()) + 1)[groups]
    hits = np.bincount(codes, weights=positive.astype(float), minlength=int(groups.max()) + 1)[groups]
    rates = hits[counts > 0] / counts[counts > 0]
    return float(rates.max() - rates.min()) if len(rates) else float("nan")
