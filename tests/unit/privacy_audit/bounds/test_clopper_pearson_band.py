"""The band holds with the probability it states, and beats a correction for choosing."""

from __future__ import annotations

import numpy as np
import pytest

from privacy_audit.bounds.clopper_pearson_band import clopper_pearson_band, false_positive_band
from privacy_audit.bounds.curves import gdp_mu
from privacy_audit.errors import InputError


def test_band_escapes_as_often_as_it_says() -> None:
    ranks, limits = false_positive_band(200, 0.2)
    uniforms = np.sort(np.random.default_rng(0).random((20_000, 200)), axis=1)
    escaped = (uniforms[:, ranks] > limits).any(1).mean()
    assert escaped == pytest.approx(0.2, abs=0.01)


def test_band_finds_a_leak_and_holds_on_ties() -> None:
    generator = np.random.default_rng(1)
    mu = gdp_mu(4, 1e-5)
    bounds = [
        clopper_pearson_band(generator.normal(mu, 1, 500), generator.normal(0, 1, 500), delta=1e-5).epsilon
        for _ in range(30)
    ]
    assert 0.85 < np.mean(bounds) < 1.15
    assert clopper_pearson_band(np.ones(100), np.ones(100), delta=1e-5).epsilon == 0.0


def test_few_runs_are_refused() -> None:
    with pytest.raises(InputError, match="at least 40"):
        clopper_pearson_band(range(50), range(39), delta=0.0)
