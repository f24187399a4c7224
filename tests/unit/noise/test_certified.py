"""The float64 functions keep their proved error, between anchors, at the worst offsets and at the ends."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from dpsynth.noise import certified

WIDE = mpmath.mp.clone()
WIDE.prec = 200


def points(reach: float) -> np.ndarray:
    """Anchors, the middles between them with their neighbours in float64, tiny numbers, and a sweep."""
    anchors = np.arange(0, reach + 1 / 64, 1 / 32)
    middles = anchors[:-1] + 1 / 64
    sweep = np.linspace(0, reach, 1501)
    tiny = np.array([0.0, 5e-324, 1e-300, 1e-17, 2.0**-53])
    edges = [anchors, middles, np.nextafter(middles, 0), np.nextafter(middles, reach), sweep, tiny]
    return np.unique(np.clip(np.concatenate(edges), 0, reach))


def test_central_mass_is_within_its_error() -> None:
    x = points(certified.CENTRAL_REACH)
    truth = [WIDE.erf(WIDE.mpf(float(v)) / WIDE.sqrt(2)) for v in x]
    error = max(abs(WIDE.mpf(float(a)) - b) for a, b in zip(certified.central_mass(x), truth, strict=True))
    assert error < 2.0**-48
    assert error > 2.0**-56  # the error bound is not slack by more than a few bits; a broken comparison would be 0
    assert certified.central_mass(x).max() <= 1 - 2.0**-53


def test_beyond_the_reach_is_less_than_the_error() -> None:
    assert WIDE.erfc(WIDE.mpf(8) / WIDE.sqrt(2)) < WIDE.mpf(2) ** -49
    assert 2 * WIDE.exp(-certified.EXPONENTIAL_REACH) < WIDE.mpf(2) ** -50


def test_density_floor_is_a_floor_and_close() -> None:
    x = points(certified.CENTRAL_REACH)
    floor = certified.density_floor(x)
    right = [WIDE.sqrt(2 / WIDE.pi) * WIDE.exp(-((WIDE.mpf(float(v)) + WIDE.mpf(1) / 128) ** 2) / 2) for v in x]
    assert all(f <= r for f, r in zip(floor.tolist(), right, strict=True))
    inner = x < 4
    assert (floor[inner] > 0.8 * np.array([float(r) for r in right])[inner]).all()


def test_exponential_is_within_its_error() -> None:
    y = points(certified.EXPONENTIAL_REACH)
    truth = [WIDE.exp(-WIDE.mpf(float(v))) for v in y]
    error = max(
        abs(WIDE.mpf(float(a)) - b) for a, b in zip(certified.exponential_of_minus_array(y), truth, strict=True)
    )
    assert 0 < error < 2.0**-50


@pytest.mark.parametrize("function", [certified.central_mass, certified.exponential_of_minus_array])
def test_no_points_no_values(function) -> None:
    assert function(np.empty(0)).shape == (0,)
