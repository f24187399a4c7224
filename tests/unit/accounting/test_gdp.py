"""GDP is exact: never below 400-bit arithmetic, and within a hair of it, from epsilon 1e-6 to 1e3 and delta to 1e-300."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from dpsynth.accounting.events import (
    Composed,
    Gaussian,
    GaussianFilter,
    Laplace,
    PoissonGaussian,
    Repeated,
)
from dpsynth.accounting.gdp import GDPAccountant, delta_of_mu_up, epsilon_of_mu_up, mu_of_down, squared_mu_up
from dpsynth.accounting.quantities import Delta, Epsilon, Mu
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError
from tests.unit.accounting.exact import gaussian_delta

ADD_REMOVE, REPLACE_ONE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE
GDP = GDPAccountant()


def _points(count: int) -> list[tuple[float, float]]:
    """mu from 1e-6 to 100 with epsilon from 1e-6 to 1e3, half of them where delta is between 1e-300 and 1."""
    rng = np.random.default_rng(20)
    points = []
    for index in range(count):
        mu = 10 ** rng.uniform(-6, 2)
        near = mu * (mu / 2 + rng.uniform(-5, 37))
        points.append((mu, max(1e-6, near) if index % 2 else 10 ** rng.uniform(-6, 3)))
    return points


def test_delta_is_never_below_and_close() -> None:
    worst = 0.0
    for mu, epsilon in _points(800):
        found, exact = delta_of_mu_up(Mu(mu), Epsilon(epsilon)), gaussian_delta(mu, epsilon)
        assert mpmath.mpf(found) >= exact, (mu, epsilon)
        if exact > 1e-300:
            # Rounding of the difference of two near tail ratios costs 1 / mu.
            worst = max(worst, float(mpmath.mpf(found) / exact - 1) * min(1.0, mu))
    assert 0 < worst < 1e-11


@pytest.mark.parametrize("delta", [0.5, 1e-2, 1e-5, 1e-9, 1e-30, 1e-100, 1e-300])
@pytest.mark.parametrize("mu", [1e-6, 1e-3, 0.03, 0.3, 1.0, 3.0, 30.0])
def test_epsilon_satisfies_its_delta_and_is_the_smallest(mu: float, delta: float) -> None:
    epsilon = epsilon_of_mu_up(Mu(mu), Delta(delta))
    assert gaussian_delta(mu, epsilon) <= mpmath.mpf(delta)
    if epsilon > 0:
        assert gaussian_delta(mu, epsilon * (1 - 1e-9)) > mpmath.mpf(delta) * (1 - 1e-6)
    else:
        assert gaussian_delta(mu, 0.0) <= mpmath.mpf(delta)


@pytest.mark.parametrize("delta", [0.5, 1e-2, 1e-5, 1e-9, 1e-100, 1e-300])
@pytest.mark.parametrize("epsilon", [1e-6, 1e-3, 0.1, 1.0, 10.0, 1e3])
def test_mu_fits_and_is_the_largest(epsilon: float, delta: float) -> None:
    mu = mu_of_down(Epsilon(epsilon), Delta(delta))
    assert gaussian_delta(mu, epsilon) <= mpmath.mpf(delta)
    assert gaussian_delta(mu * (1 + 1e-8), epsilon) > mpmath.mpf(delta)


def test_ends() -> None:
    assert delta_of_mu_up(Mu(0.0), Epsilon(1.0)) == 0.0
    assert delta_of_mu_up(Mu(math.inf), Epsilon(1.0)) == 1.0
    assert delta_of_mu_up(Mu(1e-3), Epsilon(1e3)) == 1e-323  # below every float but not 0
    assert delta_of_mu_up(Mu(1e3), Epsilon(1.0)) == 1.0
    assert epsilon_of_mu_up(Mu(0.0), Delta(0.0)) == 0.0
    assert epsilon_of_mu_up(Mu(1.0), Delta(0.0)) == math.inf
    assert epsilon_of_mu_up(Mu(math.inf), Delta(0.1)) == math.inf
    assert epsilon_of_mu_up(Mu(1.0), Delta(0.5)) == 0.0
    assert mu_of_down(Epsilon(1.0), Delta(0.0)) == 0.0
    assert mu_of_down(Epsilon(1.0), Delta(1.0)) == math.inf


def test_squares_add_up_and_never_too_low() -> None:
    events = [Gaussian(0.1 + i / 7, 1 + i % 3) for i in range(200)]
    exact = sum((Fraction(e.squared_sensitivity) / Fraction(e.sigma) ** 2 for e in events), Fraction(0))
    up = squared_mu_up(dict.fromkeys(events, 1), ADD_REMOVE)
    assert exact <= Fraction(up) <= exact * (1 + Fraction(1, 10**15))


def test_exact_totals_stay_exact() -> None:
    """Four Gaussians of sigma 2 are one of sigma 1, to the last bit."""
    one = GDP.epsilon_up(Gaussian(1.0), Delta(1e-5), ADD_REMOVE)
    assert GDP.epsilon_up(Repeated(Gaussian(2.0), 4), Delta(1e-5), ADD_REMOVE) == one
    assert GDP.epsilon_up(Gaussian(2.0, 4), Delta(1e-5), ADD_REMOVE) == one
    assert GDP.epsilon_up(GaussianFilter(1.0), Delta(1e-5), ADD_REMOVE) == one
    assert GDP.epsilon_up(PoissonGaussian(1.0, 2.0, 4), Delta(1e-5), ADD_REMOVE) == one
    assert GDP.epsilon_up(PoissonGaussian(1.0, 4.0, 4), Delta(1e-5), REPLACE_ONE) == one


def test_what_it_knows() -> None:
    assert GDP.supports(Composed((Gaussian(1.0), GaussianFilter(1.0), PoissonGaussian(1.0, 1.0, 1))), ADD_REMOVE)
    assert not GDP.supports(PoissonGaussian(0.5, 1.0, 1), ADD_REMOVE)
    assert not GDP.supports(Composed((Gaussian(1.0), Laplace(1.0))), ADD_REMOVE)
    with pytest.raises(AccountingError, match=r"^An event of kind laplace is no Gaussian\.$"):
        squared_mu_up({Laplace(1.0): 1}, ADD_REMOVE)


TABLE = [
    # delta, epsilon, mu, sigma: algorithms-and-benchmarks 2.1
    (1e-5, 0.1, 0.0325, 30.75),
    (1e-5, 0.2, 0.0613, 16.30),
    (1e-5, 0.8, 0.2187, 4.573),
    (1e-5, 1.0, 0.2681, 3.731),
    (1e-5, 3.2, 0.7611, 1.314),
    (1e-5, 10.0, 2.0004, 0.500),
    (1e-9, 1.0, 0.1820, 5.495),
    (1e-9, 10.0, 1.5379, 0.650),
]


@pytest.mark.parametrize(("delta", "epsilon", "mu", "sigma"), TABLE)
def test_published_figures(delta: float, epsilon: float, mu: float, sigma: float) -> None:
    found = mu_of_down(Epsilon(epsilon), Delta(delta))
    assert round(found, 4) == mu
    assert float(f"{1 / found:.4g}") == pytest.approx(sigma, abs=6e-4 if sigma < 1 else 0)
