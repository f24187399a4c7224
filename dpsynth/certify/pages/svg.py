"""Small charts as SVG text: bars, a curve, a stacked bar; colours come from the page's classes, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["bars", "curve", "stacked"]

_WIDTH, _LEFT, _BOTTOM = 640, 46, 34


def bars(
    labels: Sequence[str], values: Sequence[float], errors: Sequence[float], *, title: str, height: int = 170
) -> str:
    """Bars with error bars.

    Args:
        labels: a text for each bar.
        values: heights, in the unit of the axis; below 0 they are drawn as 0.
        errors: half lengths of the error bars.
        title: what a reader who cannot see the chart is told.
        height: in pixels.
    """
    top = max([v + e for v, e in zip(values, errors, strict=True)] + [1.0])
    plot = height - _BOTTOM - 8
    step = (_WIDTH - _LEFT - 6) / max(len(values), 1)
    parts = [_axis(top, plot, height)]
    for place, (label, value, error) in enumerate(zip(labels, values, errors, strict=True)):
        x = _LEFT + place * step
        tall = plot * max(value, 0.0) / top
        tip = f"{label}: {value:,.0f} ± {error:,.0f}"
        parts.append(
            f'<g><title>{escape(tip)}</title><rect class="bar" x="{x + step * 0.1:.1f}" y="{8 + plot - tall:.1f}" '
            f'width="{step * 0.8:.1f}" height="{tall:.1f}"/>'
        )
        low, high = (8 + plot - plot * max(0.0, min(top, value + sign * error)) / top for sign in (-1, 1))
        parts.append(f'<path class="err" d="M{x + step / 2:.1f} {low:.1f}V{high:.1f}"/></g>')
    parts.append(_labels(labels, step, height))
    return _figure(parts, title, height)


def _axis(top: float, plot: float, height: int) -> str:
    lines = []
    for share in (0.0, 0.5, 1.0):
        y = 8 + plot * (1 - share)
        lines.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - 6}"/>')
        lines.append(f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{_short(top * share)}</text>')
    return "".join(lines)


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _labels(labels: Sequence[str], step: float, height: int) -> str:
    """Every label where there is room, else every k-th."""
    every = max(1, round(70 / step)) if step < 70 else 1
    found = []
    for place in range(0, len(labels), every):
        most = max(3, int(step * every / 6.5))
        text = labels[place] if len(labels[place]) <= most else labels[place][: most - 1] + "…"
        x = _LEFT + (place + 0.5) * step
        found.append(f'<text x="{x:.1f}" y="{height - 16}" text-anchor="middle">{escape(text)}</text>')
    return "".join(found)


def curve(
    points: Sequence[tuple[float, float]],
    *,
    title: str,
    x_name: str,
    y_name: str,
    diagonal: bool = False,
    ticks: Sequence[tuple[float, str, float, str]] = (),
) -> str:
    """A line through points in the unit square.

    Args:
        points: (x, y), each in [0, 1].
        title: what a reader who cannot see the chart is told.
        x_name: words under the axis.
        y_name: words at the top left.
        diagonal: whether to draw y = x too.
        ticks: (x, its text, y, its text) to mark; empty for 0, 0.5 and 1.
    """
    height = 300
    plot = height - _BOTTOM - 26
    wide = _WIDTH - _LEFT - 12

    def place(x: float, y: float) -> str:
        return f"{_LEFT + wide * x:.1f} {22 + plot * (1 - y):.1f}"

    parts = [f'<rect class="frame" x="{_LEFT}" y="22" width="{wide}" height="{plot}"/>']
    for x, x_text, y, y_text in ticks or [(v, f"{v:g}", v, f"{v:g}") for v in (0.0, 0.5, 1.0)]:
        parts.append(f'<path class="grid" d="M{place(0, y)}H{_LEFT + wide}"/>')
        at = 22 + plot * (1 - y) + 4
        parts.append(f'<text x="{_LEFT - 5}" y="{at:.1f}" text-anchor="end">{escape(y_text)}</text>')
        under = height - _BOTTOM + 12
        parts.append(f'<text x="{_LEFT + wide * x:.1f}" y="{under}" text-anchor="middle">{escape(x_text)}</text>')
    if diagonal:
        parts.append(f'<path class="chance" d="M{place(0, 0)}L{place(1, 1)}"/>')
    path = "L".join(place(x, y) for x, y in points)
    parts.append(f'<path class="line" d="M{path}"/>')
    parts.append(f'<text x="{_LEFT}" y="14">{escape(y_name)}</text>')
    parts.append(f'<text x="{_WIDTH - 12}" y="{height - 4}" text-anchor="end">{escape(x_name)}</text>')
    return _figure(parts, title, height)


def stacked(names: Sequence[str], shares: Sequence[float], *, title: str) -> str:
    """One bar of shares that sum to at most 1, a step lower for each: a waterfall.

    Args:
        names: of the shares.
        shares: in [0, 1].
        title: what a reader who cannot see the chart is told.
    """
    height = 16 + 26 * (len(names) + 1)
    wide = _WIDTH - 190
    parts, at = [], 0.0
    for place, (name, share) in enumerate(zip(names, shares, strict=True)):
        y = 8 + 26 * place
        x = 130 + wide * at
        parts.append(f'<text x="124" y="{y + 14}" text-anchor="end">{escape(name[:22])}</text>')
        parts.append(f'<rect class="bar" x="{x:.1f}" y="{y}" width="{max(wide * share, 1):.1f}" height="18"/>')
        parts.append(f'<text x="{x + wide * share + 5:.1f}" y="{y + 14}">{share:.1%}</text>')
        at += share
    y = 8 + 26 * len(names)
    parts.append(f'<text x="124" y="{y + 14}" text-anchor="end">all</text>')
    parts.append(f'<rect class="frame" x="130" y="{y}" width="{wide}" height="18"/>')
    parts.append(f'<rect class="bar" x="130" y="{y}" width="{wide * min(at, 1):.1f}" height="18"/>')
    parts.append(f'<text x="{130 + wide * min(at, 1) + 5:.1f}" y="{y + 14}">{at:.1%}</text>')
    return _figure(parts, title, height)


def _figure(parts: Sequence[str], title: str, height: int) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
