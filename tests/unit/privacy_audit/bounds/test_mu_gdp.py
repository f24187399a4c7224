"""The Gaussian reading: golden, and refused where it would lie."""

from __future__ import annotations

import math

import pytest

from privacy_audit.bounds.mu_gdp import mu_gdp
from privacy_audit.errors import InputError

MISUSE = {0.5: 1.82, 1: 4.70, 2: 10.96, 4: 22.86}
"""What 1,000 runs per world of randomised response would show: far above the truth."""


@pytest.mark.parametrize(("epsilon", "shown"), MISUSE.items())
def test_misuse_would_lie_and_is_refused(epsilon: float, shown: float) -> None:
    wrong = round(1000 / (1 + math.exp(epsilon)))
    with pytest.raises(InputError, match="holds for Gaussian mechanisms only"):
        mu_gdp(wrong, 1000, wrong, 1000, gaussian_mechanism=False, delta=1e-5)
    lie = mu_gdp(wrong, 1000, wrong, 1000, gaussian_mechanism=True, delta=1e-5)
    assert lie.epsilon == pytest.approx(shown, rel=0.02)
    assert lie.epsilon > epsilon


def test_chance_gives_nothing() -> None:
    assert mu_gdp(500, 1000, 500, 1000, gaussian_mechanism=True, delta=1e-5).epsilon == 0.0
    assert mu_gdp(1000, 1000, 1000, 1000, gaussian_mechanism=True, delta=1e-5).details["mu"] == 0.0
