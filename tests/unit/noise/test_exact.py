"""Integer normal and exponential against mpmath at three times the precision."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dpsynth.noise import exact

WIDE = mpmath.mp.clone()
WIDE.prec = 1400

BITS = st.sampled_from([1, 2, 17, 63, 128, 191, 256, 400])


def true_mass(x: Fraction):
    return WIDE.erf(WIDE.mpf(x.numerator) / x.denominator / WIDE.sqrt(2))


def true_density(x: Fraction):
    point = WIDE.mpf(x.numerator) / x.denominator
    return WIDE.sqrt(2 / WIDE.pi) * WIDE.exp(-point * point / 2)


@given(st.fractions(0, 30, max_denominator=2**60), BITS)
@example(Fraction(0), 191)
@example(Fraction(24), 400)
@example(Fraction(23999, 1000), 400)
@example(Fraction(1, 2**1070), 400)
@example(Fraction(10**300), 191)
def test_central_normal_is_within_two_units(x: Fraction, bits: int) -> None:
    mass, density = exact.central_normal(x, bits)
    unit = WIDE.mpf(2) ** bits
    if x < 40:
        assert abs(mass - true_mass(x) * unit) < 2
        assert abs(density - true_density(x) * unit) < 2
    else:
        assert (mass, density) == (1 << bits, 0)


@given(st.fractions(0, 500, max_denominator=2**60), BITS)
@example(Fraction(0), 191)
@example(Fraction(1, 2**1070), 400)
@example(Fraction(400), 400)
@example(Fraction(10**300), 191)
def test_exponential_is_within_two_units(y: Fraction, bits: int) -> None:
    value = exact.exponential_of_minus(y, bits)
    assert abs(value - WIDE.exp(-WIDE.mpf(y.numerator) / y.denominator) * WIDE.mpf(2) ** bits) < 2


def test_no_argument_is_exact() -> None:
    assert exact.exponential_of_minus(Fraction(0), 191) == 1 << 191
    assert exact.central_normal(Fraction(0), 191)[0] == 0


@pytest.mark.parametrize("function", [exact.central_normal, exact.exponential_of_minus])
@pytest.mark.parametrize(("argument", "bits"), [(Fraction(-1, 9), 64), (Fraction(1), 0), (Fraction(1), 401)])
def test_out_of_range_is_refused(function, argument, bits) -> None:
    with pytest.raises(ValueError, match="1 to 400 bits"):
        function(argument, bits)
