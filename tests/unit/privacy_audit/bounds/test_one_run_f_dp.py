"""Golden bounds of one run against a curve, and the refusal of a Gaussian curve that nobody declared."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from privacy_audit.bounds.curves import GaussianCurve, PointsCurve, approximate_curve, gaussian_ladder, gdp_mu
from privacy_audit.bounds.one_run_epsilon_delta import one_run_epsilon_delta, one_run_p_value
from privacy_audit.bounds.one_run_f_dp import one_run_f_dp, refutes_curve
from privacy_audit.errors import InputError

GOLDEN = {(1000, 100, 95): 3.3233, (1000, 1000, 750): 1.8189, (5000, 500, 450): 2.7761, (1000, 100, 100): 5.549}


@pytest.mark.parametrize(("case", "golden"), GOLDEN.items())
def test_bound_is_golden(case: tuple, golden: float) -> None:
    bound = one_run_f_dp(*case, delta=1e-5, gaussian_mechanism=True)
    assert bound.epsilon == pytest.approx(golden, abs=1e-3)


def test_gaussian_curve_needs_the_declaration() -> None:
    for curves in (None, GaussianCurve(1.0), gaussian_ladder()[::100]):
        with pytest.raises(InputError, match="holds for Gaussian mechanisms only"):
            one_run_f_dp(1000, 100, 95, delta=1e-5, curves=curves)


def test_own_curve_is_refuted_or_not() -> None:
    weak, strong = approximate_curve(0.5), approximate_curve(4.0)
    assert one_run_f_dp(1000, 100, 95, delta=0.0, curves=weak).epsilon == pytest.approx(0.5)
    assert one_run_f_dp(1000, 100, 95, delta=0.0, curves=strong).epsilon == 0.0
    ladder = [approximate_curve(e / 10) for e in range(1, 60)]
    climbed = one_run_f_dp(1000, 100, 95, delta=0.0, curves=ladder).epsilon
    refuted = [curve.epsilon(0.0) for curve in ladder if refutes_curve(1000, 100, 95, curve, 0.05)]
    assert climbed == pytest.approx(max(refuted))
    assert 1.0 < climbed < 3.5


def test_points_of_a_gaussian_come_near_its_curve() -> None:
    """An accountant's list stands in for the curve: the points of a Gaussian at its bound are refuted like it."""
    mu = gdp_mu(3.0, 1e-5)
    from privacy_audit.bounds.curves import gdp_delta

    points = PointsCurve([(e, gdp_delta(e, mu)) for e in np.linspace(0, 8, 300)])
    assert refutes_curve(1000, 100, 95, GaussianCurve(mu), 0.05)
    assert refutes_curve(1000, 100, 95, points, 0.05)
    higher = gdp_mu(3.6, 1e-5)
    points = PointsCurve([(e, gdp_delta(e, higher)) for e in np.linspace(0, 9, 300)])
    assert not refutes_curve(1000, 100, 95, points, 0.05)


def test_a_refuted_curve_without_an_epsilon_is_refused() -> None:
    with pytest.raises(InputError, match="no finite epsilon"):
        one_run_f_dp(1000, 100, 100, delta=0.0, curves=approximate_curve(0.1, 1e-4))


def _hull(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Vertices (misses, true outs) of the attack's ROC over all thresholds."""
    cuts = np.append(np.union1d(inside, outside), np.inf)
    points = zip(np.searchsorted(inside, cuts).tolist(), np.searchsorted(outside, cuts).tolist(), strict=True)
    kept: list[tuple[int, int]] = []
    for point in points:
        while len(kept) > 1:
            (a, b), (c, d) = kept[-2:]
            if (d - b) * (point[0] - c) > (point[1] - d) * (c - a):
                break
            kept.pop()
        kept.append(point)
    return np.array(kept)


QUANTILES = {1.0: (1.13346, 2.164749), 2.0: (2.311945, 4.7218075), 4.0: (4.395568, 9.133752)}


@pytest.mark.slow
@pytest.mark.parametrize(("mu", "golden"), QUANTILES.items())
def test_normal_quantiles_are_golden(mu: float, golden: tuple[float, float]) -> None:
    """10,000 normal quantiles per side, the best vertex of the ROC at alpha over the number of vertices."""
    outside = stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    hull = _hull(outside + mu, outside)
    alpha, best, best_curve = 0.05 / len(hull), 0.0, 0.0
    cases = [(20_000 - a - b, 10_000 - a) for a, b in hull.tolist() if 20_000 - a - b > 0]
    cases.sort(key=lambda case: -stats.beta.ppf(alpha, case[1], case[0] - case[1] + 1) if case[1] else 0.0)
    for guesses, correct in cases:
        if one_run_p_value(20_000, guesses, correct, best, 1e-6) < alpha:
            best = one_run_epsilon_delta(20_000, guesses, correct, delta=1e-6, alpha=alpha).epsilon
        if refutes_curve(20_000, guesses, correct, GaussianCurve(gdp_mu(best_curve, 1e-6)), alpha):
            found = one_run_f_dp(20_000, guesses, correct, delta=1e-6, gaussian_mechanism=True, alpha=alpha)
            best_curve = max(best_curve, found.epsilon)
    assert best == pytest.approx(golden[0], abs=1e-4)
    assert best_curve == pytest.approx(golden[1], abs=1e-4)
