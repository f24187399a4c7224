"""The residual test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from privacy_audit.bounds.sequential.residual_chi_square import residual_chi_square
from privacy_audit.errors import InputError


def test_p_value_is_chi_squares() -> None:
    residuals, sigmas = np.array([1.0, -2.0, 0.5]), np.array([1.0, 2.0, 3.0])
    total = 1 + 1 + 0.25 / 9
    expected = 2 * min(stats.chi2.cdf(total, 3), stats.chi2.sf(total, 3))
    found = residual_chi_square(residuals, sigmas)
    assert found.p_value == pytest.approx(expected)
    assert found.to_dict()["samples"] == 3


def test_one_fit_shows_halved_noise_and_double_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 9.6, 1285)
    assert not residual_chi_square(noise, 9.6).rejected
    assert residual_chi_square(noise / 2, 9.6).p_value < 1e-50
    assert residual_chi_square(noise * 2, 9.6).rejected


def test_rounding_is_allowed_for() -> None:
    noise = np.round(np.random.default_rng(1).normal(0, 1.0, 200_000))
    assert residual_chi_square(noise, 1.0).rejected
    assert not residual_chi_square(noise, 1.0, rounded=True).rejected


def test_refusals() -> None:
    for sigmas in (0.0, [1.0], [1.0, -1.0]):
        with pytest.raises(InputError, match="do not match"):
            residual_chi_square([1.0, 2.0], sigmas)
    with pytest.raises(InputError, match="NaN"):
        residual_chi_square([1.0, float("nan")], 1.0)
