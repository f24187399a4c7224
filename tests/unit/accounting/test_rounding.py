"""Every rounding goes up, by at most one or two floats, and exact values stay."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from dpsynth.accounting.rounding import float_down, float_up, next_up, square_root_up, sum_up

POSITIVE = st.floats(1e-300, 1e300)


@given(st.fractions())
def test_float_up_is_the_smallest_float_not_below(value: Fraction) -> None:
    up = float_up(value)
    assert Fraction(up) >= value
    assert Fraction(math.nextafter(up, -math.inf)) < value


@given(st.fractions())
def test_float_down_is_the_largest_float_not_above(value: Fraction) -> None:
    down = float_down(value)
    assert Fraction(down) <= value
    assert Fraction(next_up(down)) > value


def test_beyond_floats() -> None:
    assert float_up(Fraction(10) ** 400) == math.inf
    assert float_up(-(Fraction(10) ** 400)) == -math.inf
    assert 0 < float_up(Fraction(1, 10**400)) == 5e-324
    assert sum_up([1e308, 1e308]) == math.inf
    assert sum_up([math.inf, 1.0]) == math.inf
    assert square_root_up(math.inf) == math.inf


@given(st.lists(st.floats(0, 1e200), max_size=20))
def test_sum_up_is_not_below_the_exact_sum(terms: list[float]) -> None:
    exact = sum((Fraction(term) for term in terms), Fraction(0))
    up = sum_up(terms)
    assert Fraction(up) >= exact
    assert Fraction(math.nextafter(math.nextafter(up, -math.inf), -math.inf)) < exact or up == 0


def test_exact_sums_stay_exact() -> None:
    assert sum_up([0.5, 0.5]) == 1.0
    assert sum_up([]) == 0.0
    assert sum_up(iter([0.25, 0.5])) == 0.75
    assert sum_up([0.1] * 10) > 1.0  # the float 0.1 is above one tenth, and so are ten of them


@given(POSITIVE)
def test_square_root_up(value: float) -> None:
    root = square_root_up(value)
    assert Fraction(root) ** 2 >= Fraction(value)
    assert Fraction(math.nextafter(root, 0)) ** 2 < Fraction(value)
