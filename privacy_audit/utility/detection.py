"""Can a classifier tell candidate rows from real ones? Judged on rows that it was not fitted on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, final

import numpy as np

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.models import MODELS, Model, auc, fit
from privacy_audit.utility.views import View

__all__ = ["Detection"]

MOST_ROWS = 8_000
FOLDS = 3
FEWEST_ROWS = 30


@final
class Detection(AbstractMeasure):
    """Classifier two-sample test (C2ST, .5 is best) and propensity error (pMSE, 0 is best), out of fold.

    Equal numbers of candidate rows and of real rows that the candidate was not made from.
    """

    name: ClassVar[str] = "detection"
    floor: ClassVar[Literal["bootstrap", "subset", "fresh"]] = "subset"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        rng = bench.rng("detection")
        rows = min(MOST_ROWS, bench.anchor.rows, candidate.rows)
        if rows < FEWEST_ROWS:
            why = f"undefined: fewer than {FEWEST_ROWS} rows on one side"
            return [Reading(f"{what}_{model}", float("nan"), note=why) for model in MODELS for what in ("c2st", "pmse")]
        mine, real = candidate.sample(rows, rng), bench.anchor.sample(rows, rng)
        both = View(
            np.concatenate([mine.codes, real.codes]),
            np.concatenate([mine.quantiles, real.quantiles]),
            np.concatenate([mine.numbers, real.numbers]),
        )
        truth = np.repeat(np.array([1, 0], dtype=np.int64), [rows, rows])
        fold = np.concatenate([rng.permutation(rows) % FOLDS, rng.permutation(rows) % FOLDS])
        found = []
        for model in MODELS:
            found += self._judge(model, bench, both, truth, fold)
        return found

    def _judge(self, model: Model, bench: Bench, both: View, truth: np.ndarray, fold: np.ndarray) -> list[Reading]:
        chance = np.empty(len(truth))
        for held in range(FOLDS):
            inside = fold != held
            fitted = fit(model, both.take(inside), bench.grid, truth[inside], classes=True)
            chance[~inside] = fitted.probabilities(both.take(~inside), bench.grid, 2)[:, 1]
        area, error = auc(chance[truth == 1], chance[truth == 0])
        note = "AUC of telling candidate rows from held-out real rows, out of fold; .5 is best"
        low, high = max(0.0, area - 1.96 * error), min(1.0, area + 1.96 * error)
        return [
            Reading(f"c2st_{model}", area, "lower", low, high, note),
            Reading(
                f"pmse_{model}", float(np.mean((chance - 0.5) ** 2)), note="mean (p - 1/2)^2, out of fold; at most 1/4"
            ),
        ]
