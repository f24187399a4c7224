"""One self-contained page: no script, no network, our own drawings, readable in print, light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from privacy_audit.report.plots import distance_plot, frontier_plot, roc_plot
from privacy_audit.report.svg import bar
from privacy_audit.report.words import attack_rows, number, utility_groups

__all__ = ["render_html"]

TEMPLATE = "page.html.j2"


def render_html(summaries: Sequence[Mapping[str, Any]], frontier: Sequence[Mapping[str, Any]] = ()) -> str:
    """The page.

    Args:
        summaries: of one or several audits.
        frontier: from `scorecard.frontier`, where several tables are compared.

    Returns:
        HTML below 1 MB; every text of the tables is escaped.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    cards = [
        {
            "summary": summary,
            "roc": _drawing(roc_plot(summary)),
            "distances": _drawing(distance_plot(summary)),
            "attacks": attack_rows(summary),
            "groups": [
                (title, [(one, _drawing(_bar(one))) for one in scores]) for title, scores in utility_groups(summary)
            ],
        }
        for summary in summaries
    ]
    drawn = _drawing(frontier_plot(frontier))
    return environment.get_template(TEMPLATE).render(cards=cards, frontier=frontier, frontier_plot=drawn)


def _drawing(svg: str) -> Any:
    """Our own drawing, which the template must not escape: svg.py has escaped every text in it."""
    from markupsafe import Markup

    return Markup(svg)  # noqa: S704


def _bar(score: Mapping[str, Any]) -> str:
    if score["lost"] is None or score["low"] is None or score["high"] is None:
        return bar(score["lost"])
    width = score["ceiling"] - score["floor"]
    ends = sorted((end - score["floor"]) / width for end in (score["low"], score["high"]))
    return bar(score["lost"], *ends)
