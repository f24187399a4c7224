"""The law behind rounded_gaussian: boundaries, symmetry, privacy as a rounded Gaussian mechanism; a golden draw."""

from __future__ import annotations

import sys
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy.stats import norm

from dpsynth.noise import TOTAL_VARIATION_BOUND, SeededEntropy, rounded_gaussian
from tests.unit.noise.laws import integer_law, rounded_gaussian_survival

_law = sys.modules["dpsynth.noise.rounded_gaussian"]._RoundedGaussian
WIDE = mpmath.mp.clone()
WIDE.prec = 400


@pytest.mark.parametrize("sigma", [1e-3, 0.3, 1.0, 41.5, 1e6, 2.0**40])
def test_boundaries_are_the_normal_at_half_integers(sigma) -> None:
    law = _law(sigma)
    for m in {0, 1, int(sigma), int(3 * sigma), int(15 * sigma)}:
        truth = WIDE.erf((m + WIDE.mpf(1) / 2) / WIDE.mpf(sigma) / WIDE.sqrt(2)) * 2**191
        assert abs(law.boundary(m, 191) - truth) < 2
        if m < law.reach:
            one = np.array([float(m)])
            assert abs(WIDE.mpf(float(law.central(one)[0])) * 2**191 - truth) < 2**143
    after = WIDE.erfc((law.reach + WIDE.mpf(1) / 2) / WIDE.mpf(sigma) / WIDE.sqrt(2))
    assert after < WIDE.mpf(2) ** -48


@pytest.mark.parametrize("sigma", [5000.0, 1e9, 2.0**40])
def test_neighbour_floor_is_below_both_cells(sigma) -> None:
    law = _law(sigma)
    m = np.unique(np.linspace(0, law.reach - 1, 300).astype(np.int64))
    floor = law.neighbour_floor(m.astype(float))
    for cell, low in zip(m.tolist(), floor.tolist(), strict=True):
        masses = [law.boundary(cell + 1, 300) - law.boundary(cell, 300)]
        masses += [law.boundary(cell, 300) - law.boundary(cell - 1, 300)] if cell else []
        assert Fraction(low) * 2**300 < min(masses) - 4
    inner = m < 4 * sigma
    density = 2 * norm.pdf(m[inner] / sigma) / sigma
    assert (floor[inner] > 0.7 * density).all()  # a floor of 0 would send every draw to the slow path


def test_the_error_bound_follows_from_the_number_of_boundaries() -> None:
    """(3 L + 2) 2^-191 with L <= 16.2 sigma + 1 at the largest sigma."""
    assert WIDE.erfc(WIDE.mpf("16.2") / WIDE.sqrt(2)) < WIDE.mpf(2) ** -191
    assert (3 * (16.2 * 2.0**40 + 1) + 2) * 2.0**-191 < 2.0**-145
    assert TOTAL_VARIATION_BOUND == 2.0**-120


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0])
def test_the_law_is_no_less_private_than_the_gaussian(sigma) -> None:
    """P(k) and P(k - 1): for every threshold, delta at epsilon is at most that of the continuous mechanism."""
    law = integer_law(rounded_gaussian_survival, sigma, int(12 * sigma) + 8)
    here, there = law[1:], law[:-1]
    for epsilon in (0.0, 0.3, 1.0, 2.5):
        delta = np.maximum(here - np.exp(epsilon) * there, 0).sum()
        mu = 1 / sigma
        gaussian = norm.cdf(mu / 2 - epsilon / mu) - np.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)
        assert delta <= gaussian + 1e-14
        # Two-sided: rounding does not throw much privacy budget away either.
        if sigma >= 1 and epsilon <= 1:
            assert delta > 0.5 * gaussian


def test_golden_draws() -> None:
    """What a seed gives never changes by accident: seeded tests of other rooms rest on it."""
    assert rounded_gaussian(20.0, 12, SeededEntropy(2024)).tolist() == GOLDEN_TABLE
    assert rounded_gaussian(1e6, 4, SeededEntropy(2024)).tolist() == GOLDEN_GUESS


GOLDEN_TABLE = [-20, 15, 4, -14, 32, 12, -17, -8, -14, -24, 24, -19]
GOLDEN_GUESS = [-1160005, 941699, -1373848, -1366251]
