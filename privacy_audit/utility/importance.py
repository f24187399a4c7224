"""Do models of the candidate and of the real table lean on the same columns?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.models import auc
from privacy_audit.utility.prediction import fitted_on, positive_class
from privacy_audit.utility.views import View

__all__ = ["Importance"]

MOST_ROWS = 3_000
TOP = 5
MOST_COLUMNS = 50
"""Columns beyond these count as unimportant."""


@final
class Importance(AbstractMeasure):
    """Overlap of the five most important columns, and rank correlation of all importances.

    The importance of a column is the AUC that a model loses on held-out rows when that column is shuffled.
    """

    name: ClassVar[str] = "importance"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        if bench.label is None or len(bench.grid.names) < 4:
            return []
        mine, real = self._drops(bench, candidate), self._drops(bench, bench.source)
        top = min(TOP, len(mine) - 1)
        shared = set(np.argsort(-mine, kind="stable")[:top]) & set(np.argsort(-real, kind="stable")[:top])
        names = [name for i, name in enumerate(bench.grid.names) if i != bench.label]
        first = ", ".join(names[i] for i in np.argsort(-real, kind="stable")[:top])
        return [
            Reading(
                "importance_overlap",
                len(shared) / top,
                "higher",
                note=f"of the {top} columns that matter most: {first}",
            ),
            Reading("importance_rank", _spearman(mine, real), "higher", note="rank correlation of column importances"),
        ]

    def _drops(self, bench: Bench, view: View) -> NDArray[np.float64]:
        def make() -> NDArray[np.float64]:
            assert bench.label is not None
            model, rng = fitted_on(bench, view, "boosting"), bench.rng("importance")
            rows, positive = bench.anchor.sample(MOST_ROWS, rng), positive_class(bench)
            truth, classes = rows.codes[:, bench.label] == positive, int(bench.grid.sizes[bench.label])
            order = rng.permutation(rows.rows)

            def area(shown: View) -> float:
                chances = model.probabilities(shown, bench.grid, classes)[:, positive]
                return auc(chances[truth], chances[~truth])[0]

            base, drops = area(rows), []
            for place in range(len(bench.grid.names)):
                if place == bench.label:
                    continue
                if place not in model.places[:MOST_COLUMNS]:
                    drops.append(0.0)
                    continue
                codes, numbers = rows.codes.copy(), rows.numbers.copy()
                codes[:, place] = codes[order, place]
                if place in bench.grid.numeric:
                    column = bench.grid.numeric.index(place)
                    numbers[:, column] = numbers[order, column]
                drops.append(base - area(View(codes, rows.quantiles, numbers)))
            return np.array(drops)

        return bench.once(("importance", id(view)), make)


def _spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    from scipy.stats import rankdata

    a, b = rankdata(first), rankdata(second)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else float("nan")
