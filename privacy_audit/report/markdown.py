"""The report as Markdown, for tickets and terminals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from privacy_audit.report.words import attack_rows, number, utility_groups

__all__ = ["render_markdown"]


def render_markdown(summaries: Sequence[Mapping[str, Any]], frontier: Sequence[Mapping[str, Any]] = ()) -> str:
    """The page.

    Args:
        summaries: of one or several audits.
        frontier: from `scorecard.frontier`, where several tables are compared.

    Returns:
        Markdown whose first line says that it is not for release.
    """
    lines = [f"**{summaries[0]['warning']}**", ""]
    if frontier:
        lines += ["# Leakage against utility", ""]
        lines += _table(
            ("table", "verdict", "claimed epsilon", "largest AUC", "utility", "floor", "ceiling"),
            (
                (
                    p["name"],
                    p["verdict"],
                    number(p["epsilon"]),
                    number((p["leakage"] or {}).get("value")),
                    *(number((p["utility"] or {}).get(key)) for key in ("value", "floor", "ceiling")),
                )
                for p in frontier
            ),
        )
    for summary in summaries:
        lines += _one(summary)
    return "\n".join(lines) + "\n"


def _one(summary: Mapping[str, Any]) -> list[str]:
    tables, claim, bound = summary["tables"], summary["claim"], summary["epsilon_lower_bound"]
    lines = [f"# Privacy audit: {_cell(summary['name'])}", "", f"Verdict: **{summary['verdict']}**", ""]
    lines += [f"- {_cell(reason)}" for reason in summary["reasons"]]
    lines += [f"- {_cell(note)}" for note in summary["notes"]]
    rows = (f"{number(tables[key])} {words}" for key, words in (("real", "real"), ("synthetic", "synthetic")))
    held = f"{number(tables['holdout'])} held-out rows"
    lines += ["", f"{', '.join(rows)}, {held}; {len(tables['columns'])} columns; seed {summary['settings']['seed']}."]
    lines.append(
        "No epsilon is claimed."
        if claim is None
        else f"Claimed: epsilon {number(claim['epsilon'])}, delta {number(claim['delta'])}."
    )
    if bound is not None:
        lines.append(
            f"Lower bound by attacks: epsilon {number(bound['epsilon'])} at delta {number(bound['delta'])} "
            f"({bound['attack']}; {bound['method']}). Assumed: {'; '.join(bound['assumptions'])}."
        )
    lines.append("")
    if summary["policy"]:
        lines += ["## Policy", ""]
        lines += _table(
            ("gate", "value", "limit", "passed"),
            (
                (g["name"], number(g["value"]), number(g["limit"]), "yes" if g["passed"] else "no")
                for g in summary["policy"]
            ),
        )
    lines += ["## Attacks", ""]
    lines += _table(
        ("attack", "kind", "verdict", "figure", "value (95 %)", "baseline", "ceiling", "p", "note"),
        (
            (r["name"], r["kind"], r["verdict"], r["figure"], r["value"], number(r["baseline"]), number(r["ceiling"]),
             r["p"], r["note"])
            for r in attack_rows(summary)
        ),
    )  # fmt: skip
    lines += ["## Utility", ""]
    for title, scores in utility_groups(summary):
        lines += [f"### {title}", ""]
        lines += _table(
            ("score", "value", "floor", "ceiling", "better", "what it is"),
            (
                (s["name"], number(s["value"]), number(s["floor"]), number(s["ceiling"]), s["better"], s["note"])
                for s in scores
            ),
        )
    return lines


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return [*lines, *("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows), ""]


def _cell(text: str) -> str:
    """Text that cannot leave its cell or start markup."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
