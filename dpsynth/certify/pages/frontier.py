"""The page of a frontier: each generator's curve with its band, floor and ceiling, and leakage beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dpsynth.certify.pages.render import render_template

__all__ = ["frontier_page", "series"]

_WIDTH, _HEIGHT, _LEFT, _TOP, _PLOT = 640, 320, 52, 20, 250
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 5", "4 2")


def frontier_page(setting: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The page.

    Args:
        setting: what all points share.
        rows: one for each point.
    """
    errors = series(
        rows, "error", title="Mean total variation distance of pairs of columns by epsilon", marks=_marks(rows)
    )
    leaks = None
    if any(row["leak"] is not None for row in rows):
        leaks = series(
            rows, "leak", title="Area under the curve of the strongest attack by epsilon", marks={"guessing": 0.5}
        )
    return render_template("internal_frontier.html.j2", s=setting, rows=rows, errors=errors, leaks=leaks)


def _marks(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    floors = [row["floor"] for row in rows if row["floor"] is not None]
    ceilings = [row["ceiling"] for row in rows if row["ceiling"] is not None]
    return {"a fresh sample": sum(floors) / len(floors), "independent columns": sum(ceilings) / len(ceilings)}


def series(rows: Sequence[Mapping[str, Any]], field: str, *, title: str, marks: Mapping[str, float]) -> str:
    """One curve for each generator: the mean over draws, in a band from the smallest to the largest.

    Args:
        rows: one for each point.
        field: which number.
        title: what a reader who cannot see the chart is told.
        marks: name -> height of a horizontal line.
    """
    epsilons = sorted({row["epsilon"] for row in rows})
    names = list(dict.fromkeys(row["generator"] for row in rows))
    values = [row[field] for row in rows if row[field] is not None]
    top = max([*values, *marks.values()]) * 1.05
    bottom = min([0.0, *values]) if field == "error" else min([*values, *marks.values()]) * 0.95
    wide = _WIDTH - _LEFT - 130
    low, high = math.log(epsilons[0]), math.log(epsilons[-1])

    def place(epsilon: float, value: float) -> str:
        x = 0.5 if high == low else (math.log(epsilon) - low) / (high - low)
        return f"{_LEFT + wide * x:.1f} {_TOP + _PLOT * (1 - (value - bottom) / (top - bottom)):.1f}"

    parts = [f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{wide}" height="{_PLOT}"/>']
    for epsilon in epsilons:
        x = place(epsilon, bottom).split()[0]
        parts.append(f'<text x="{x}" y="{_TOP + _PLOT + 15}" text-anchor="middle">{epsilon:g}</text>')
    for share in (0.0, 0.5, 1.0):
        value = bottom + share * (top - bottom)
        y = place(epsilons[0], value).split()[1]
        parts.append(f'<text x="{_LEFT - 5}" y="{y}" text-anchor="end">{value:.3g}</text>')
    for name, value in marks.items():
        y = place(epsilons[0], value).split()[1]
        parts.append(f'<path class="chance" d="M{_LEFT} {y}h{wide}"/>')
        parts.append(f'<text x="{_LEFT + wide + 6}" y="{y}">{escape(name)}</text>')
    for number, name in enumerate(names):
        parts += _curve(rows, field, name, epsilons, place, _DASHES[number % len(_DASHES)], _LEFT + wide + 6)
    parts.append(f'<text x="{_LEFT + wide}" y="{_HEIGHT - 8}" text-anchor="end">epsilon (log scale)</text>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _curve(
    rows: Sequence[Mapping[str, Any]],
    field: str,
    name: str,
    epsilons: Sequence[float],
    place: Any,
    dash: str,
    right: float,
) -> list[str]:
    by_epsilon = {
        e: [r[field] for r in rows if r["generator"] == name and r["epsilon"] == e and r[field] is not None]
        for e in epsilons
    }
    known = [(e, found) for e, found in by_epsilon.items() if found]
    if not known:
        return []
    upper = "L".join(place(e, max(found)) for e, found in known)
    lower = "L".join(place(e, min(found)) for e, found in reversed(known))
    means = [(e, sum(found) / len(found)) for e, found in known]
    line = "L".join(place(e, mean) for e, mean in means)
    dots = "".join('<circle class="bar" cx="{}" cy="{}" r="2.5"/>'.format(*place(e, m).split()) for e, m in means)
    y = place(*means[-1]).split()[1]
    return [
        f'<path class="band" d="M{upper}L{lower}Z"/>',
        f'<path class="line" stroke-dasharray="{dash}" d="M{line}"/>',
        dots,
        f'<text x="{right}" y="{y}">{escape(name)}</text>',
    ]
