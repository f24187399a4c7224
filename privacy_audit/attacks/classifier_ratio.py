"""Trees that tell synthetic rows from reference rows."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View
from privacy_audit.attacks.encoding import balanced, encoder, log_odds

__all__ = ["ClassifierRatio"]

LARGEST = 5000


@final
class ClassifierRatio(AbstractMembershipAttack):
    """Score: the log-odds of "synthetic" by a forest trained on synthetic against reference rows.

    Source: ward2025synthmia.
    """

    name = "classifier ratio"
    uses_reference = True
    repeats = 1

    def score(self, view: View) -> np.ndarray:
        from sklearn.ensemble import ExtraTreesClassifier

        assert view.reference is not None
        encode = encoder(view.synthetic)
        rows, labels = balanced(view, LARGEST)
        forest = ExtraTreesClassifier(60, min_samples_leaf=3, random_state=view.seed, max_features=0.3)
        forest.fit(encode(rows), labels)
        return log_odds(forest.predict_proba(encode(view.targets))[:, 1])
