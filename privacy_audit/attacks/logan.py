"""A network that tells synthetic rows from reference rows."""

from __future__ import annotations

from typing import final

import numpy as np

from privacy_audit.attacks.base import AbstractMembershipAttack
from privacy_audit.attacks.context import View
from privacy_audit.attacks.encoding import balanced, encoder, log_odds, quiet

__all__ = ["Logan"]

LARGEST = 5000


@final
class Logan(AbstractMembershipAttack):
    """Score: the log-odds of "synthetic" by a small network trained on synthetic against reference rows.

    Source: hayes2019logan.
    """

    name = "logan"
    uses_reference = True
    repeats = 1

    def score(self, view: View) -> np.ndarray:
        from sklearn.neural_network import MLPClassifier

        assert view.reference is not None
        encode = encoder(view.synthetic)
        rows, labels = balanced(view, LARGEST)
        network = MLPClassifier(
            (64,), batch_size=256, max_iter=15, random_state=view.seed, tol=0.0, n_iter_no_change=20
        )
        with quiet():
            network.fit(encode(rows), labels)
        return log_odds(network.predict_proba(encode(view.targets))[:, 1])
