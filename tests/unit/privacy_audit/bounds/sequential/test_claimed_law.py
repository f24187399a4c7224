"""The e-value of the claimed law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from privacy_audit.bounds.sequential.claimed_law import claimed_law, claimed_law_steps
from privacy_audit.errors import InputError


def test_steps_are_log_density_ratios() -> None:
    mu, scale = 0.7, 0.5
    inside, outside = np.array([0.3, -1.0]), np.array([0.1, 2.0])
    expected = sum(
        stats.norm.logpdf(x, m, scale * mu) - stats.norm.logpdf(x, m, mu)
        for x, m in ((inside, mu * mu / 2), (outside, -mu * mu / 2))
    )
    assert np.allclose(claimed_law_steps(inside, outside, mu, suspected_scale=scale), expected)


@pytest.mark.parametrize("mu", [0.268, 0.925])
def test_halved_noise_is_found_within_15_pairs(mu: float) -> None:
    generator = np.random.default_rng(0)
    first = []
    for _ in range(201):
        inside, outside = (generator.normal(sign * mu * mu / 2, mu / 2, 60) for sign in (1, -1))
        first.append(claimed_law(inside, outside, mu=mu).first_rejection or 999)
    assert np.median(first) <= 15


def test_correct_noise_passes() -> None:
    generator = np.random.default_rng(1)
    rejected = [
        claimed_law(generator.normal(0.125, 0.5, 500), generator.normal(-0.125, 0.5, 500), mu=0.5, alpha=0.05).rejected
        for _ in range(500)
    ]
    assert np.mean(rejected) < 0.08


def test_refusals() -> None:
    with pytest.raises(InputError, match="do not pair up"):
        claimed_law([1.0], [1.0, 2.0], mu=1.0)
    with pytest.raises(InputError, match="mu 0"):
        claimed_law([1.0], [1.0], mu=0.0)
    with pytest.raises(InputError, match="scale of 0 or 1"):
        claimed_law([1.0], [1.0], mu=1.0, suspected_scale=1.0)
