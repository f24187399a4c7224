"""Curves against their definitions, conversions against golden values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from privacy_audit.bounds.curves import (
    AbstractCurve,
    GaussianCurve,
    PointsCurve,
    approximate_curve,
    check_ladder,
    gaussian_ladder,
    gdp_delta,
    gdp_epsilon,
    gdp_mu,
    laplace_curve,
    last_refuted,
    zcdp_rho,
)
from privacy_audit.errors import InputError

MU = {0.5: 0.14221, 1: 0.26805, 2: 0.50155, 4: 0.92493, 8: 1.66603, 10: 2.00045}
RHO = {
    (1, 1e-2): (0.1034128, 0.45478),
    (1, 1e-5): (0.0305566, 0.24721),
    (1, 1e-9): (None, 0.17305),
    (0.1, 1e-2): (None, 0.08225),
}
CURVES: list[AbstractCurve] = [
    approximate_curve(1.0),
    approximate_curve(0.0, 0.2),
    approximate_curve(2.0, 1e-3),
    laplace_curve(1.0),
    PointsCurve([(0.0, 0.3), (1.0, 0.1), (2.0, 0.01), (3.0, 0.009), (50.0, 1e-9)]),
    GaussianCurve(0.0),
    GaussianCurve(1.3),
]


@pytest.mark.parametrize(("epsilon", "mu"), MU.items())
def test_mu_is_golden(epsilon: float, mu: float) -> None:
    assert gdp_mu(epsilon, 1e-5) == pytest.approx(mu, abs=1e-5)
    assert gdp_epsilon(gdp_mu(epsilon, 1e-5), 1e-5) == pytest.approx(epsilon, abs=1e-9)


@pytest.mark.parametrize(("claim", "golden"), RHO.items())
def test_rho_is_golden(claim: tuple[float, float], golden: tuple[float | None, float]) -> None:
    rho = zcdp_rho(*claim)
    assert golden[0] is None or rho == pytest.approx(golden[0], abs=1e-6)
    assert math.sqrt(2 * rho) == pytest.approx(golden[1], abs=1e-5)


@pytest.mark.parametrize(("claim", "real"), [((1, 1e-5), 0.915), ((1, 1e-2), 0.810)])
def test_zcdp_leaves_slack(claim: tuple[float, float], real: float) -> None:
    assert gdp_epsilon(math.sqrt(2 * zcdp_rho(*claim)), claim[1]) == pytest.approx(real, abs=1e-3)


def test_gaussian_profile_is_that_of_the_densities() -> None:
    x = np.linspace(-12, 14, 400_001)
    for mu, epsilon in ((0.3, 0.2), (1.0, 1.0), (2.0, 5.0)):
        gap = np.maximum(stats.norm.pdf(x, mu) - math.exp(epsilon) * stats.norm.pdf(x), 0)
        assert gdp_delta(epsilon, mu) == pytest.approx(np.trapezoid(gap, x), rel=1e-5)
    assert gdp_delta(1.0, 0.0) == 0.0
    assert gdp_epsilon(1.0, 0.0) == math.inf


def test_points_curve_is_the_weakest_that_satisfies_its_points() -> None:
    for curve in (c for c in CURVES if isinstance(c, PointsCurve)):
        rate = np.linspace(0, 1, 401)
        expected = np.zeros(401)
        for epsilon, delta in curve.points:
            expected = np.maximum(expected, math.exp(-epsilon) * (rate - delta))
            expected = np.maximum(expected, 1 - delta - math.exp(epsilon) * (1 - rate))
        assert np.allclose(curve.needed(rate), expected, atol=1e-12)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: type(curve).__name__)
def test_reached_inverts_needed_and_is_symmetric(curve: AbstractCurve) -> None:
    rate = np.linspace(0.001, 0.999, 301)
    cost = curve.needed(rate)
    inside = (cost > 0) & (cost < 1)
    assert np.allclose(curve.reached(cost[inside]), rate[inside], atol=1e-9)
    assert np.allclose(curve.needed(1 - cost[inside]), 1 - rate[inside], atol=1e-9)
    assert (cost <= rate + 1e-12).all()
    assert (np.diff(cost, 2) >= -1e-9).all()


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: type(curve).__name__)
def test_order_probability_is_the_area(curve: AbstractCurve) -> None:
    middles = (np.arange(400_000) + 0.5) / 400_000
    assert curve.order_probability() == pytest.approx(curve.reached(middles).mean(), abs=1e-5)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: type(curve).__name__)
def test_canonical_pair_has_the_curve(curve: AbstractCurve) -> None:
    generator = np.random.default_rng(1)
    labels = np.repeat([True, False], 200_000)
    seen = curve.pair(labels, generator)
    for rate in (0.01, 0.1, 0.5, 0.9):
        cut = np.quantile(seen[~labels], 1 - rate)
        assert (seen[labels] > cut).mean() == pytest.approx(float(curve.reached(np.array(rate))), abs=0.006)


def test_epsilons_of_curves() -> None:
    assert approximate_curve(2.0, 1e-3).epsilon(1e-3) == pytest.approx(2.0)
    assert approximate_curve(2.0, 1e-3).epsilon(1e-4) == math.inf
    assert approximate_curve(1.0).epsilon(0.0) == pytest.approx(1.0)
    randomised = math.log((1 / (1 + math.exp(-1)) - 1e-5) * (1 + math.e))
    assert approximate_curve(1.0).epsilon(1e-5) == pytest.approx(randomised)
    assert laplace_curve(1.0).epsilon(1e-2) == pytest.approx(1 + 2 * math.log1p(-1e-2), abs=1e-3)
    assert GaussianCurve(gdp_mu(3.0, 1e-5)).epsilon(1e-5) == pytest.approx(3.0)


def test_ladders_are_ordered() -> None:
    ladder = gaussian_ladder()
    assert len(check_ladder(ladder[::60])) == len(ladder[::60])
    assert check_ladder(approximate_curve(1.0)) != ()
    with pytest.raises(InputError, match="not ordered by leakage"):
        check_ladder([approximate_curve(2.0), approximate_curve(1.0)])
    with pytest.raises(InputError, match="not a curve"):
        check_ladder([])
    with pytest.raises(InputError, match="at least one"):
        PointsCurve([])
    with pytest.raises(InputError, match="epsilon is -1"):
        PointsCurve([(-1.0, 0.1)])


def test_last_refuted_is_found_from_anywhere() -> None:
    for rungs in range(1, 12):
        for answer in range(-1, rungs):
            for start in (None, *range(-1, rungs + 1)):
                assert last_refuted(rungs, lambda rung, a=answer: rung <= a, start=start) == answer
