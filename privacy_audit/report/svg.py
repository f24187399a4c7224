"""Small drawings as SVG text. Colours come from the page's style sheet, so that they follow light, dark and print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, final
from xml.sax.saxutils import escape

__all__ = ["Axis", "Curve", "bar", "plot"]

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 44
KINDS = 6


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """An axis.

    Attributes:
        title: what is drawn along it.
        low: its lower end; above 0 on a log scale.
        high: its upper end.
        log: whether its scale is logarithmic.
    """

    title: str
    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Position from 0 to 1, cut at the ends."""
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            value = math.log10(max(value, self.low))
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (value - low) / (high - low if high > low else 1.0)))

    def ticks(self) -> list[float]:
        """Powers of ten, or three to six round numbers in even steps."""
        if self.log:
            return [
                10.0**power for power in range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            ]
        if not self.high > self.low:
            return [self.low]
        rough = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(round_ * unit for round_ in (1, 2, 2.5, 5, 10) if round_ * unit >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


@final
@dataclass(frozen=True, slots=True)
class Curve:
    """Something to draw.

    Attributes:
        title: its name in the legend; empty for none.
        x: horizontal values.
        y: vertical values.
        kind: "line", "step", "dashed" (a limit), "dotted" (chance) or "points".
        low: lower ends of horizontal intervals of points, if any.
        high: upper ends.
        words: what is written beside points, if anything.
    """

    title: str
    x: Sequence[float]
    y: Sequence[float]
    kind: Literal["line", "step", "dashed", "dotted", "points"] = "line"
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    words: Sequence[str] = ()


def plot(horizontal: Axis, vertical: Axis, curves: Sequence[Curve], title: str) -> str:
    """Draw curves between two axes.

    Args:
        horizontal: the x axis.
        vertical: the y axis.
        curves: what to draw; dashed and dotted ones do not count for colours.
        title: what a screen reader says.

    Returns:
        An svg element.
    """
    parts = [_frame(horizontal, vertical)]
    colour = 0
    for number, curve in enumerate(curves):
        name = {"dashed": "limit", "dotted": "chance"}.get(curve.kind, f"c{colour % KINDS}")
        colour += curve.kind not in ("dashed", "dotted")
        parts.append(_draw(curve, horizontal, vertical, name))
        if curve.title:
            y = HEIGHT - BOTTOM - 12 - 15 * (len(curves) - 1 - number)
            parts.append(
                f'<line class="{name}" x1="{WIDTH - 190}" x2="{WIDTH - 168}" y1="{y - 4}" y2="{y - 4}"/>'
                f'<text x="{WIDTH - 162}" y="{y}">{escape(curve.title)}</text>'
            )
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )


def bar(lost: float | None, low: float | None = None, high: float | None = None) -> str:
    """A bar from floor (left) to ceiling (right) with a mark at the value.

    Args:
        lost: position of the value: 0 floor, 1 ceiling; None is not drawn.
        low: position of the lower end of an interval.
        high: position of the upper end.

    Returns:
        An svg element.
    """

    def at(position: float) -> float:
        return 16 + 128 * min(1.08, max(-0.08, position))  # the mark stays whole

    parts = ['<line class="axis" x1="16" x2="144" y1="7" y2="7"/>']
    parts += [f'<line class="axis" x1="{x}" x2="{x}" y1="3" y2="11"/>' for x in (16, 144)]
    if lost is not None and low is not None and high is not None:
        parts.append(f'<line class="c0" x1="{at(low):.1f}" x2="{at(high):.1f}" y1="7" y2="7"/>')
    if lost is not None:
        parts.append(f'<circle class="c0 mark" cx="{at(lost):.1f}" cy="7" r="4"/>')
    words = "undefined" if lost is None else f"{100 * lost:.0f} % of the way from floor to ceiling"
    return f'<svg class="bar" viewBox="0 0 160 14" role="img" aria-label="{words}">' + "".join(parts) + "</svg>"


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.at(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.at(value) * (HEIGHT - TOP - BOTTOM)


def _frame(horizontal: Axis, vertical: Axis) -> str:
    parts = []
    for value in horizontal.ticks():
        x = _x(horizontal, value)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:.6g}</text>')
    for value in vertical.ticks():
        y = _y(vertical, value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.6g}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{escape(horizontal.title)}</text>"
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(vertical.title)}</text>'
    )
    return "".join(parts)


def _draw(curve: Curve, horizontal: Axis, vertical: Axis, name: str) -> str:
    points = [(_x(horizontal, x), _y(vertical, y)) for x, y in zip(curve.x, curve.y, strict=True)]
    if curve.kind == "points":
        parts = []
        for i, (x, y) in enumerate(points):
            if curve.low and curve.high:
                left, right = _x(horizontal, curve.low[i]), _x(horizontal, curve.high[i])
                parts.append(f'<line class="{name}" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<circle class="{name} mark" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
            if curve.words:
                right = x > WIDTH * 0.6  # the words go where there is room
                place = f'x="{x - 7:.1f}" text-anchor="end"' if right else f'x="{x + 7:.1f}"'
                up = -6 if y > TOP + 16 else 16
                parts.append(f'<text {place} y="{y + up:.1f}">{escape(curve.words[i])}</text>')
        return "".join(parts)
    if curve.kind == "step":
        points = [p for a, b in pairwise(points) for p in (a, (b[0], a[1]))] + points[-1:]
    return f'<polyline class="{name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
