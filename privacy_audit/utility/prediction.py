"""Train on synthetic, test on held-out real rows, beside models that were trained on real rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.models import MODELS, Fitted, Model, auc, fit
from privacy_audit.utility.views import View

__all__ = ["Prediction", "Regression", "chances_of", "fitted_on", "positive_class"]


def fitted_on(bench: Bench, view: View, model: Model) -> Fitted:
    """The model of the label that is fitted on a table; fitted once per table."""

    def make() -> Fitted:
        assert bench.label is not None
        answers = view.codes[:, bench.label]
        return fit(model, view, bench.grid, answers, classes=True, leave_out=(bench.label,))

    return bench.once(("label model", model, id(view)), make)


def chances_of(bench: Bench, view: View, model: Model) -> NDArray[np.float64]:
    """Class probabilities of the held-out rows by the model that is fitted on `view`."""

    def make() -> NDArray[np.float64]:
        assert bench.label is not None
        return fitted_on(bench, view, model).probabilities(bench.anchor, bench.grid, int(bench.grid.sizes[bench.label]))

    return bench.once(("label chances", model, id(view)), make)


def positive_class(bench: Bench) -> int:
    """The rarer class of a label with two values, else the commonest: a code of the label."""
    assert bench.label is not None
    counts = np.bincount(bench.real.codes[:, bench.label], minlength=int(bench.grid.sizes[bench.label]))
    seen = np.flatnonzero(counts)
    return int(seen[counts[seen].argmin()] if len(seen) == 2 else counts.argmax())


def _areas(chances: NDArray[np.float64], truth: NDArray[np.int64], positive: int, binary: bool) -> tuple[float, float]:
    """AUC and its standard error: of the positive class, or the mean over classes."""
    classes = [positive] if binary else [k for k in np.unique(truth) if 0 < (truth == k).sum() < len(truth)]
    found = [auc(chances[truth == k, k], chances[truth != k, k]) for k in classes]
    if not found:
        return float("nan"), float("nan")
    return float(np.mean([area for area, _ in found])), float(np.sqrt(np.mean([error**2 for _, error in found])))


@final
class Prediction(AbstractMeasure):
    """A classifier of the label: AUC and accuracy on held-out rows, and what is lost against training on real rows."""

    name: ClassVar[str] = "prediction"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        if bench.label is None:
            return []
        truth, positive = bench.anchor.codes[:, bench.label], positive_class(bench)
        binary, label = len(np.unique(bench.real.codes[:, bench.label])) == 2, bench.grid.names[bench.label]
        found = []
        for model in MODELS:
            mine, real = chances_of(bench, candidate, model), chances_of(bench, bench.source, model)
            area, error = _areas(mine, truth, positive, binary)
            best, _ = _areas(real, truth, positive, binary)
            hits = mine.argmax(1) == truth
            accuracy, slack = float(hits.mean()), 1.96 * float(np.sqrt(hits.mean() * (1 - hits.mean()) / len(hits)))
            note = f"{label}, trained on the candidate, tested on held-out real rows; trained on real: {{:.4f}}"
            found += [
                Reading(
                    f"tstr_auc_{model}",
                    area,
                    "higher",
                    max(0.0, area - 1.96 * error),
                    min(1.0, area + 1.96 * error),
                    note.format(best),
                ),
                Reading(
                    f"tstr_accuracy_{model}",
                    accuracy,
                    "higher",
                    max(0.0, accuracy - slack),
                    min(1.0, accuracy + slack),
                    note.format(float((real.argmax(1) == truth).mean())),
                ),
                Reading(f"tstr_gap_{model}", best - area, "lower", note="AUC lost against training on real rows"),
            ]
        return found


@final
class Regression(AbstractMeasure):
    """A regression of the target: R^2 on held-out rows, and what is lost against training on real rows."""

    name: ClassVar[str] = "regression"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        if bench.target is None:
            return []
        found = []
        for model in MODELS:
            mine, real = _r_squared(bench, candidate, model), _r_squared(bench, bench.source, model)
            what = f"{bench.grid.names[bench.target]}, trained on the candidate, tested on held-out real rows"
            found += [
                Reading(f"tstr_r2_{model}", mine, "higher", note=f"R^2 of {what}; trained on real: {real:.4f}"),
                Reading(f"tstr_r2_gap_{model}", real - mine, "lower", note="R^2 lost against training on real rows"),
            ]
        return found


def _r_squared(bench: Bench, view: View, model: Model) -> float:
    def make() -> float:
        assert bench.target is not None
        column = bench.grid.numeric.index(bench.target)
        known, asked = _with_number(view, column), _with_number(bench.anchor, column)
        truth: NDArray[Any] = asked.numbers[:, column]
        if not known.rows or asked.rows < 2 or truth.std() == 0:
            return float("nan")
        fitted = fit(model, known, bench.grid, known.numbers[:, column], classes=False, leave_out=(bench.target,))
        errors = truth - fitted.numbers(asked, bench.grid)
        return float(1 - (errors @ errors) / ((truth - truth.mean()) @ (truth - truth.mean())))

    return bench.once(("r squared", model, id(view)), make)


def _with_number(view: View, column: int) -> View:
    finite = np.isfinite(view.numbers[:, column])
    return view if finite.all() else view.take(finite)
