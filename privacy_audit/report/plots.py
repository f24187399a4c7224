"""The plots of a report, from the summary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from privacy_audit.report.svg import Axis, Curve, plot

__all__ = ["collapse_plot", "distance_plot", "frontier_plot", "roc_plot"]

LEAST = 1e-4


def roc_plot(summary: Mapping[str, Any]) -> str:
    """ROC curves of the strongest membership attacks on log axes, chance, and the ceiling of the claim."""
    if not summary["roc"]:
        return ""
    grid = [LEAST * 10 ** (4 * step / 80) for step in range(81)]
    curves = [Curve(one["attack"], one["fpr"], one["tpr"]) for one in summary["roc"]]
    curves.append(Curve("chance", grid, grid, "dotted"))
    claim = summary["claim"]
    if claim is not None:
        growth = math.exp(min(claim["epsilon"], 700.0))
        top = [min(1.0, growth * x + claim["delta"], 1 - (1 - claim["delta"] - x) / growth) for x in grid]
        curves.append(Curve(f"most that epsilon {claim['epsilon']:g} allows", grid, top, "dashed"))
    axes = Axis("false-positive rate", LEAST, 1, True), Axis("true-positive rate", LEAST, 1, True)
    return plot(*axes, curves, "ROC curves of membership attacks on log axes")


def distance_plot(summary: Mapping[str, Any]) -> str:
    """Distances of members and of held-out rows to the nearest synthetic row, as distribution functions."""
    found = summary["distances"]
    if found is None:
        return ""
    most = max(*found["members"], *found["holdout"], 1e-6)
    curves = [
        Curve("members", found["members"], found["share"], "step"),
        Curve("held-out rows", found["holdout"], found["share"], "step"),
    ]
    axes = Axis("distance to the nearest synthetic row (Gower)", 0, most), Axis("share of rows", 0, 1)
    return plot(*axes, curves, "Distances of members and held-out rows to the nearest synthetic row")


def frontier_plot(points: Sequence[Mapping[str, Any]]) -> str:
    """Leakage against utility, one point for each table; right and down is worse for privacy, up is better utility."""
    known = [
        p for p in points if p["leakage"] is not None and p["utility"] is not None and p["utility"]["value"] is not None
    ]
    if not known:
        return ""
    utility = [p["utility"]["value"] for p in known]
    ends = [p["utility"][end] for p in known for end in ("floor", "ceiling") if p["utility"][end] is not None]
    low, high = min(*utility, *ends, math.inf), max(*utility, *ends, -math.inf)
    pad = 0.05 * (high - low) or 1.0
    leakage = [p["leakage"]["value"] for p in known]
    curve = Curve(
        "",
        leakage,
        utility,
        "points",
        [_or(p["leakage"]["low"], p["leakage"]["value"]) for p in known],
        [_or(p["leakage"]["high"], p["leakage"]["value"]) for p in known],
        [p["name"] for p in known],
    )
    left = min(0.45, *leakage)
    axes = (
        Axis("largest AUC of a membership attack (.5: no leak)", left, 1.0),
        Axis(known[0]["utility"]["name"], low - pad, high + pad),
    )
    chance = Curve("", [0.5, 0.5], [low - pad, high + pad], "dotted")
    return plot(*axes, [chance, curve], "Leakage against utility")


def collapse_plot(loops: Mapping[str, Sequence[Mapping[str, float | None]]], score: str) -> str:
    """A score over the generations of several loops.

    Args:
        loops: name of the loop -> one mapping per generation with `score` and perhaps others.
        score: which.
    """
    curves, values = [], []
    for name, generations in loops.items():
        known = [(i + 1.0, float(g[score] or 0.0)) for i, g in enumerate(generations) if g.get(score) is not None]
        values += [value for _, value in known]
        curves.append(Curve(name, [x for x, _ in known], [y for _, y in known]))
    if not values:
        return ""
    low, high = min(values), max(values)
    pad = 0.05 * (high - low) or 1.0
    last = max(len(generations) for generations in loops.values())
    axes = Axis("generation", 1, max(2, last)), Axis(score, low - pad, high + pad)
    return plot(*axes, curves, f"{score} over generations")


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
