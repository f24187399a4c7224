"""Per-column prediction: what the synthetic table teaches about one column given the others."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack, NotApplicable
from privacy_audit.attacks.context import View
from privacy_audit.attacks.encoding import ordinal

__all__ = ["ColumnPrediction"]

LARGEST = 10_000
TREES = 10
MOST = 40


@final
class ColumnPrediction(AbstractMembershipAttack):
    """Scores: for each column, minus the loss of a forest trained on synthetic rows; and their sum first.

    A generator that over-fits conditionals predicts members better than other rows though no row is near.

    Source: vector2025midst.
    """

    name = "column prediction"

    def score(self, view: View) -> np.ndarray:
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        rng = np.random.default_rng(view.seed)
        synthetic = view.synthetic
        if synthetic.rows > LARGEST:
            synthetic = synthetic.select(rng.choice(synthetic.rows, LARGEST, replace=False))
        known, asked = ordinal(synthetic), ordinal(view.targets)
        numeric = len(synthetic.numeric)
        columns = np.arange(known.shape[1])
        if len(columns) > MOST:
            columns = np.sort(rng.choice(columns, MOST, replace=False))
        losses = []
        for j in columns:
            truth, y = known[:, j], asked[:, j]
            if len(columns) < 2 or truth.min() == truth.max():
                continue
            rest = np.delete(known, j, axis=1), np.delete(asked, j, axis=1)
            if j < numeric:
                forest = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=view.seed)
                losses.append(np.minimum(np.abs(forest.fit(rest[0], truth).predict(rest[1]) - y), 1.0))
            else:
                trees = ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=view.seed)
                chances = trees.fit(rest[0], truth).predict_proba(rest[1])
                where = np.searchsorted(trees.classes_, y)
                hit = np.minimum(where, len(trees.classes_) - 1)
                seen = trees.classes_[hit] == y
                losses.append(1 - np.where(seen, chances[np.arange(len(y)), hit], 0.0))
        if not losses:
            raise NotApplicable("no column varies and has another beside it")
        matrix = np.column_stack(losses)
        spread = np.maximum(matrix.std(axis=0), 1e-12)
        return -np.column_stack([(matrix / spread).sum(axis=1), matrix])
