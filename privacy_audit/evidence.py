"""What the scores of a membership attack say: its ROC curve, a lower bound on epsilon, and distances to the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from privacy_audit.attacks.base import AttackResult, MembershipScores
from privacy_audit.bounds.clopper_pearson import clopper_pearson_at
from privacy_audit.frames import AlignedTables

__all__ = ["distance_curves", "epsilon_evidence", "roc_curves"]

CONFIDENCE = 0.999
ASSUMPTIONS = (
    "members and holdout were split at random",
    "outcomes of different rows are as good as independent",
)
"""What `epsilon_evidence` cannot check; it goes wherever the bound goes."""
RATES = (0.001, 0.01, 0.1)
"""False-positive rates at which thresholds are set, on one half of the non-members."""
POINTS = 60
SHOWN = 5
MOST_QUERIES = 2_000


def epsilon_evidence(results: Sequence[AttackResult], delta: float, seed: int = 0) -> dict[str, Any] | None:
    """The largest lower bound on epsilon that any membership attack supports.

    Thresholds come from one half of the non-members, rates from the other half and the members, both with
    Clopper-Pearson limits that are corrected for all attacks and thresholds. It holds where members and holdout were
    split at random and outcomes of different rows are as good as independent; bounds without the second assumption need
    canaries (`privacy_audit.bounds`).

    Args:
        results: of the battery.
        delta: at which epsilon is bounded.
        seed: of the halving.

    Returns:
        Attack, epsilon, delta, confidence, method, assumptions; None where no attack has scores of 20 rows on both
        sides.
    """
    scored = [(one.name, one.scores) for one in results if one.scores is not None]
    scored = [(name, s) for name, s in scored if min(len(s.members), len(s.nonmembers)) >= 20]
    if not scored:
        return None
    looks = len(scored) * len(RATES)
    best, found = scored[0][0], 0.0
    for name, scores in scored:
        bound = _bound(scores, delta, (1 - CONFIDENCE) / looks, seed)
        if bound > found:
            best, found = name, bound
    return {
        "attack": best,
        "epsilon": found,
        "delta": delta,
        "confidence": CONFIDENCE,
        "method": f"Clopper-Pearson at {looks} thresholds, corrected",
        "assumptions": list(ASSUMPTIONS),
    }


def _bound(scores: MembershipScores, delta: float, alpha: float, seed: int) -> float:
    order = np.random.default_rng(seed).permutation(len(scores.nonmembers))
    half = len(order) // 2
    choosing, judging = np.sort(scores.nonmembers[order[:half]])[::-1], scores.nonmembers[order[half:]]
    best = 0.0
    for rate in RATES:
        threshold = float(choosing[min(half - 1, math.floor(rate * half))])
        found = clopper_pearson_at(scores.members, judging, threshold=threshold, delta=delta, alpha=alpha)
        best = max(best, found.epsilon)
    return best


def roc_curves(results: Sequence[AttackResult]) -> list[dict[str, Any]]:
    """ROC curves of the strongest membership attacks, at false-positive rates on a log grid.

    Returns:
        For each: attack, fpr (reached), tpr; at most 60 points.
    """
    scored = [one for one in results if one.scores is not None and len(one.scores.nonmembers)]
    scored.sort(key=lambda one: -one.figures["auc"].value if "auc" in one.figures else 0.0)
    curves = []
    for one in scored[:SHOWN]:
        assert one.scores is not None
        members, others = np.sort(one.scores.members), np.sort(one.scores.nonmembers)
        allowed = np.floor(np.geomspace(1e-4, 1, POINTS) * len(others) + 1e-9).astype(int)
        thresholds = np.concatenate([others[::-1], [-np.inf]])[np.minimum(allowed, len(others))]
        fpr = 1 - np.searchsorted(others, thresholds, "right") / len(others)
        tpr = 1 - np.searchsorted(members, thresholds, "right") / max(1, len(members))
        points = sorted({(round(float(x), 7), round(float(y), 7)) for x, y in zip(fpr, tpr, strict=True)})
        curves.append({"attack": one.name, "fpr": [x for x, _ in points], "tpr": [y for _, y in points]})
    return curves


def distance_curves(tables: AlignedTables, seed: int = 0) -> dict[str, Any] | None:
    """Distances of members and of held-out rows to their nearest synthetic row (Gower), as quantiles.

    Returns:
        share (0 to 1), members, holdout (quantiles of as many rows each); None without a holdout.
    """
    from privacy_audit.distances import nearest

    if tables.holdout is None:
        return None
    rng, rows = np.random.default_rng(seed), min(MOST_QUERIES, tables.real.rows, tables.holdout.rows)
    shares = np.linspace(0, 1, 41)
    found: dict[str, Any] = {"share": shares.round(4).tolist(), "rows": rows}
    for name, table in (("members", tables.real), ("holdout", tables.holdout)):
        chosen = table.select(np.sort(rng.choice(table.rows, rows, replace=False)))
        distances = nearest(chosen, tables.synthetic, 1).distances[:, 0]
        found[name] = np.quantile(distances, shares).round(6).tolist()
    return found
