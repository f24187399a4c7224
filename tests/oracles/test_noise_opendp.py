"""The noise against two independent sources: OpenDP's proven samplers, and mpmath's normal distribution."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import stats

from dpsynth.noise import SystemEntropy, discrete_laplace, rounded_gaussian
from dpsynth.noise.exact import central_normal
from tests.statistical.alarms import LEAST_EXPECTED, Verdict, chi_square_test, declare
from tests.unit.noise.laws import discrete_laplace_survival, integer_law, rounded_gaussian_survival

opendp = pytest.importorskip("opendp.prelude", reason="opendp is not installed")

ENTROPY = SystemEntropy()
SCALES = (0.7, 3.0, 25.0)

OPENDP_LAW = declare(
    "noise.opendp.law", alpha=1e-8, looks=len(SCALES), chi_square=True,
    power="100,000 draws of OpenDP's Laplace against our formula; a scale off by 5 % has a noncentrality of 250: .999",
)  # fmt: skip
TWO_SAMPLES = declare(
    "noise.opendp.two_samples", alpha=1e-8, looks=len(SCALES) + 1, chi_square=True,
    power="100,000 draws of each; a scale off by 10 % has a noncentrality of 500: .999",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _features() -> None:
    opendp.enable_features("contrib")


def opendp_laplace(scale: float, count: int) -> np.ndarray:
    space = opendp.vector_domain(opendp.atom_domain(T=int)), opendp.l1_distance(T=int)
    return np.array(opendp.m.make_laplace(*space, scale=scale)([0] * count))


def opendp_gaussian(sigma: float, count: int) -> np.ndarray:
    space = opendp.vector_domain(opendp.atom_domain(T=int)), opendp.l2_distance(T=float)
    return np.array(opendp.m.make_gaussian(*space, scale=sigma)([0] * count))


def histogram(draws: np.ndarray, most: int) -> np.ndarray:
    return np.bincount(np.clip(draws, -most, most) + most, minlength=2 * most + 1)


def two_sample_test(one: np.ndarray, other: np.ndarray, most: int, alpha: float) -> Verdict:
    """Chi-square of homogeneity for samples of equal size, on bins that hold enough of both."""
    both = histogram(one, most) + histogram(other, most)
    edges, reached = [0], 0
    for i, upto in enumerate(np.cumsum(both)):
        if upto - reached >= 2 * LEAST_EXPECTED and both.sum() - upto >= 2 * LEAST_EXPECTED:
            edges.append(i + 1)
            reached = upto
    a, b = (np.add.reduceat(histogram(x, most), edges) for x in (one, other))
    statistic = float(((a - b) ** 2 / (a + b)).sum())
    critical = float(stats.chi2.isf(alpha, a.size - 1))
    return Verdict(statistic, critical, statistic > critical)


@pytest.mark.parametrize("scale", SCALES)
def test_discrete_laplace_is_the_one_of_opendp(scale) -> None:
    most = int(8 * scale) + 3
    theirs, ours = opendp_laplace(scale, 100_000), discrete_laplace(scale, 100_000, ENTROPY)
    law = integer_law(discrete_laplace_survival, scale, most)
    assert not chi_square_test(histogram(theirs, most), law, OPENDP_LAW.spend()).rejected
    assert not two_sample_test(ours, theirs, most, TWO_SAMPLES.spend()).rejected
    wrong = discrete_laplace(1.1 * scale, 100_000, ENTROPY)
    if scale > 1:
        assert two_sample_test(wrong, theirs, most, TWO_SAMPLES.alpha).rejected


def test_the_discrete_gaussian_is_another_law_where_sigma_is_small() -> None:
    """Control: the rounded Gaussian is not the discrete one; at sigma 1/2 a histogram tells them apart."""
    theirs = opendp_gaussian(0.5, 100_000)
    law = integer_law(rounded_gaussian_survival, 0.5, 6)
    assert chi_square_test(histogram(theirs, 6), law, OPENDP_LAW.alpha).rejected


def test_at_sigma_20_the_two_laws_cannot_be_told_apart() -> None:
    """They differ by a relative 2e-4 in variance (1/12 against 0 on top of 400), far below what 50,000 draws can tell."""
    theirs, ours = opendp_gaussian(20.0, 50_000), rounded_gaussian(20.0, 50_000, ENTROPY)
    assert not two_sample_test(ours, theirs, 160, TWO_SAMPLES.spend()).rejected


@pytest.mark.parametrize("sigma", [0.05, 1.0, 20.0, 1000.0])
def test_cell_probabilities_are_those_of_mpmath(sigma) -> None:
    """Phi((k + 1/2) / sigma) - Phi((k - 1/2) / sigma), cell by cell, from boundaries of 256 bits."""
    wide = mpmath.mp.clone()
    wide.prec = 600
    for k in {0, 1, 2, int(sigma), int(5 * sigma), int(12 * sigma)}:
        ours = central_normal((2 * k + 1) / (2 * Fraction(sigma)), 256)[0]
        if k:
            ours = Fraction(ours - central_normal((2 * k - 1) / (2 * Fraction(sigma)), 256)[0], 2)
        at = [(k + wide.mpf(side)) / wide.mpf(sigma) for side in (0.5, -0.5)]
        truth = (wide.ncdf(at[0]) - wide.ncdf(at[1])) * wide.mpf(2) ** 256
        assert abs(wide.mpf(float(ours)) - truth) <= 4 + truth * wide.mpf(2) ** -50
