"""What HTML and Markdown share: how numbers read, which rows tables have, how utility is grouped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["attack_rows", "number", "utility_groups"]

GROUPS = (
    ("Marginals", ("k_marginal", "tvd")),
    ("Dependence and queries", ("association", "correlation", "range_", "interval_")),
    ("Models", ("tstr_", "importance_", "c2st", "pmse")),
    ("Single columns and rare values", ("wasserstein", "category_", "rare_", "novel_", "entropy_", "duplicate_")),
    ("Coverage of the real rows", ("precision", "recall", "density", "coverage")),
    ("Rules", ("violations",)),
    ("Subgroups and fairness", ("k_marginal_min", "tstr_auc_min", "parity_", "tpr_")),
)
LEADING = ("auc", "rate", "share", "exact copies of unique rows", "cap", "accuracy", "mean ratio", "repu")


def number(value: float | None) -> str:
    """A number in four digits, a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:.4g}" if abs(value) >= 1e-3 else f"{value:.1e}"


def attack_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each attack: name, kind, verdict, leading figure with interval, baseline and ceiling, p, note."""
    rows = []
    for one in summary["attacks"]:
        figures = one["figures"]
        leading = next((name for name in LEADING if name in figures), next(iter(figures), None))
        figure = figures[leading] if leading is not None else None
        low_rate = figures.get("tpr at fpr 0.001")
        rows.append(
            {
                "name": one["name"],
                "kind": one["kind"],
                "verdict": one["verdict"],
                "figure": leading or "",
                "value": _with_interval(figure),
                "baseline": None if figure is None else figure["baseline"],
                "ceiling": None if figure is None else figure["ceiling"],
                "low_rate": _with_interval(low_rate),
                "p": "< 1e-300" if one["adjusted"] == 0 else number(one["adjusted"]),
                "note": one["note"],
            }
        )
    return rows


def utility_groups(summary: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Scores under headings; a score goes where the longest start of its name is listed."""
    found: dict[str, list[Mapping[str, Any]]] = {title: [] for title, _ in GROUPS}
    found["Other"] = []
    for score in summary["utility"]:
        fits = [(len(start), title) for title, starts in GROUPS for start in starts if score["name"].startswith(start)]
        found[max(fits)[1] if fits else "Other"].append(score)
    return [(title, scores) for title, scores in found.items() if scores]


def _with_interval(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "–"
    if figure["low"] is None or figure["high"] is None:
        return number(figure["value"])
    return f"{number(figure['value'])} ({number(figure['low'])} to {number(figure['high'])})"
