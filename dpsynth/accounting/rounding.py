"""Rounding in the safe direction: exact fractions to floats that are never below them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

__all__ = ["float_down", "float_up", "next_up", "square_root_up", "sum_up"]


def next_up(value: float) -> float:
    """The next float above `value`."""
    return math.nextafter(value, math.inf)


def float_up(value: Fraction) -> float:
    """The smallest float that is not below `value`; infinity beyond the range of floats."""
    try:
        nearest = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    return next_up(nearest) if math.isfinite(nearest) and Fraction(nearest) < value else nearest


def float_down(value: Fraction) -> float:
    """The largest float that is not above `value`."""
    return 0.0 - float_up(-value)


def sum_up(terms: Iterable[float]) -> float:
    """The smallest or second smallest float that is not below the exact sum of finite terms (exact sums stay exact)."""
    terms = tuple(terms)
    if not all(math.isfinite(term) for term in terms):
        return math.inf
    try:
        total = math.fsum(terms)
    except OverflowError:
        return math.inf
    return next_up(total) if math.fsum((*terms, -total)) > 0 else total


def square_root_up(value: float) -> float:
    """A float whose exact square is not below `value` >= 0."""
    if not math.isfinite(value):
        return value
    root = math.sqrt(value)
    return next_up(root) if Fraction(root) ** 2 < Fraction(value) else root
