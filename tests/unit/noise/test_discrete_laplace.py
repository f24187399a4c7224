"""The law behind discrete_laplace: boundaries, and a privacy loss of exactly 1 / scale per step; a golden draw."""

from __future__ import annotations

import sys
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from dpsynth.noise import SeededEntropy, discrete_laplace
from tests.unit.noise.laws import discrete_laplace_survival, integer_law

_law = sys.modules["dpsynth.noise.discrete_laplace"]._DiscreteLaplace
WIDE = mpmath.mp.clone()
WIDE.prec = 400


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 41.5, 1e6, 2.0**40])
def test_boundaries_are_geometric(scale) -> None:
    law = _law(scale)
    q = WIDE.exp(-1 / WIDE.mpf(scale))
    for m in {0, 1, int(scale), int(3 * scale), int(100 * scale)}:
        truth = (1 - 2 * WIDE.exp(-(m + 1) / WIDE.mpf(scale)) / (1 + q)) * 2**191
        assert abs(law.boundary(m, 191) - truth) < 2
        if m < law.reach:
            one = np.array([float(m)])
            assert abs(WIDE.mpf(float(law.central(one)[0])) * 2**191 - truth) < 2**143
    assert 2 * WIDE.exp(-(law.reach + 1) / WIDE.mpf(scale)) / (1 + q) < WIDE.mpf(2) ** -48


@pytest.mark.parametrize("scale", [5000.0, 1e9, 2.0**40])
def test_neighbour_floor_is_below_both_cells(scale) -> None:
    law = _law(scale)
    m = np.unique(np.linspace(0, law.reach - 1, 300).astype(np.int64))
    floor = law.neighbour_floor(m.astype(float))
    for cell, low in zip(m.tolist(), floor.tolist(), strict=True):
        masses = [law.boundary(cell + 1, 300) - law.boundary(cell, 300)]
        masses += [law.boundary(cell, 300) - law.boundary(cell - 1, 300)] if cell else []
        assert Fraction(low) * 2**300 < min(masses) - 4
    inner = m < 20 * scale
    assert (floor[inner] > 0.9 * np.exp(-m[inner] / scale) / scale).all()


def test_the_error_bound_follows_from_the_number_of_boundaries() -> None:
    """(3 L + 2) 2^-191 with L <= 133.2 scale at the largest scale."""
    assert 2 * WIDE.exp(-WIDE.mpf("133.2")) < WIDE.mpf(2) ** -191
    assert (3 * 133.2 * 2.0**40 + 2) * 2.0**-191 < 2.0**-142


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_privacy_loss_is_one_over_scale(scale) -> None:
    law = integer_law(discrete_laplace_survival, scale, int(20 * scale) + 8)[1:-1]
    loss = np.abs(np.diff(np.log(law)))
    assert loss.max() == pytest.approx(1 / scale, rel=1e-12)
    assert loss.min() == pytest.approx(1 / scale, rel=1e-12)


def test_golden_draws() -> None:
    """What a seed gives never changes by accident: seeded tests of other rooms rest on it."""
    assert discrete_laplace(20.0, 12, SeededEntropy(2024)).tolist() == GOLDEN_TABLE
    assert discrete_laplace(1e6, 4, SeededEntropy(2024)).tolist() == GOLDEN_GUESS


GOLDEN_TABLE = [-22, 16, 3, -14, 44, 12, -19, -7, -15, -29, 29, -22]
GOLDEN_GUESS = [-1402234, 1060314, -1774968, -1761074]
