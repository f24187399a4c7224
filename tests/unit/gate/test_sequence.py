"""Charges chosen one after another are priced by a filter whose rule the first charge fixes."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import (
    BoundedRange,
    Composed,
    Gaussian,
    GaussianFilter,
    Laplace,
    PoissonGaussian,
    PureDP,
    Repeated,
    Slack,
    ZCDPFilter,
    leaves,
)
from dpsynth.accounting.quantities import Delta
from dpsynth.errors import AccountingError
from dpsynth.gate.sequence import compose, gaussian_bound, spent_up
from tests.gate.support import ADD_REMOVE, EVENT, TINY

DELTA = 1e-5
MIXED = Composed((Gaussian(10.0, 1), PureDP(0.3), Slack(2.0**-80)))
SUBSAMPLED = PoissonGaussian(0.01, 1.0, 10)


def _any(event) -> float:
    return float(epsilon_up(event, Delta(DELTA), ADD_REMOVE).epsilon)


def test_one_event_is_priced_as_the_plan_priced_it() -> None:
    assert compose((EVENT,)) is EVENT
    for event in (EVENT, MIXED, SUBSAMPLED):
        assert spent_up((event,), DELTA, ADD_REMOVE) == _any(event)
    assert spent_up((), DELTA, ADD_REMOVE) == 0.0


def test_equal_charges_are_merged_and_cost_the_same() -> None:
    assert compose((EVENT, TINY, EVENT)) == Composed((Repeated(EVENT, 2), TINY))
    assert spent_up((EVENT,) * 3, DELTA, ADD_REMOVE) == pytest.approx(_any(Composed((EVENT,) * 3)), rel=1e-12)


def test_gaussian_charges_lose_nothing() -> None:
    filtered = Composed((GaussianFilter(0.2), Slack(2.0**-80)))
    assert spent_up((EVENT, filtered), DELTA, ADD_REMOVE) == pytest.approx(_any(Composed((EVENT, filtered))), rel=1e-12)


def test_several_charges_never_take_a_figure_that_only_a_fixed_plan_has() -> None:
    """PLD prices MIXED twice at less than any filter does."""
    assert _any(Composed((MIXED, MIXED))) < spent_up((MIXED, MIXED), DELTA, ADD_REMOVE)


def test_the_first_charge_fixes_the_rule() -> None:
    zcdp = Composed((ZCDPFilter(0.01), Slack(2.0**-80)))
    assert spent_up((zcdp, MIXED), DELTA, ADD_REMOVE) < math.inf
    with pytest.raises(AccountingError, match=r"No filter composes this release with the first one"):
        spent_up((MIXED, zcdp), DELTA, ADD_REMOVE)
    with pytest.raises(AccountingError, match="or another ledger"):
        spent_up((SUBSAMPLED, EVENT), DELTA, ADD_REMOVE)


def test_what_has_no_gaussian_bound() -> None:
    for event in (ZCDPFilter(0.1), SUBSAMPLED, Composed((EVENT, ZCDPFilter(0.1))), PureDP(1e4), Laplace(1e-4, 1)):
        assert gaussian_bound(event) is None
    assert [leaf for leaf, _ in leaves(gaussian_bound(EVENT))] == [leaf for leaf, _ in leaves(EVENT)]


def _mu(event) -> float:
    ((leaf, count),) = leaves(gaussian_bound(event))
    assert count == 1
    return math.sqrt(leaf.squared_mu)


@given(st.floats(1e-6, 40.0))
def test_a_pure_step_is_no_worse_than_its_gaussian(epsilon) -> None:
    """At every level the trade-off function of epsilon-DP lies above that of the Gaussian; they touch once."""
    mu = _mu(PureDP(epsilon))
    kink = 1 / (1 + math.exp(epsilon))
    level = np.concatenate([np.geomspace(1e-300, 0.5, 400), [kink]])
    pure = np.maximum(0, np.maximum(1 - np.exp(epsilon) * level, np.exp(-epsilon) * (1 - level)))
    gaussian = ndtr(-ndtri(level) - mu)
    assert np.all(gaussian <= pure * (1 + 1e-9))
    assert gaussian[-1] == pytest.approx(kink, rel=1e-6)


def test_a_smaller_gaussian_would_be_worse_somewhere() -> None:
    """Negative control: 1 % less mu is not sound."""
    for epsilon in (0.01, 0.5, 3.0):
        kink = 1 / (1 + math.exp(epsilon))
        assert ndtr(-ndtri(kink) - 0.99 * _mu(PureDP(epsilon))) > kink


def _exact_mu(epsilon: float) -> mpmath.mpf:
    """2 Phi^-1(e^epsilon / (1 + e^epsilon)), by Newton's method on erf(y) = tanh(epsilon / 2)."""
    with mpmath.workdps(60):
        lower = 1 / (1 + mpmath.exp(mpmath.mpf(epsilon)))
        y = mpmath.mpf(float(-ndtri(float(lower)))) / mpmath.sqrt(2) if epsilon > 1e-2 else mpmath.mpf(0)
        for _ in range(8):
            miss = mpmath.erf(y) - mpmath.tanh(mpmath.mpf(epsilon) / 2) if y < 1 else 2 * lower - mpmath.erfc(y)
            y -= miss * mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(y * y)
        return y * mpmath.sqrt(8)


@pytest.mark.parametrize(
    "epsilon", [*np.geomspace(1e-300, 50, 400), 2.0**-6, math.nextafter(2.0**-6, 0), 1e-16, 5e-324]
)
def test_the_gaussian_of_a_pure_step_is_never_too_small(epsilon) -> None:
    mu, exact = _mu(PureDP(float(epsilon))), _exact_mu(float(epsilon))
    assert mu >= exact
    assert mu <= max(float(exact) * (1 + 1e-5), 2.0**-499)
    # Negative control: without its margin the linear bound is the exact figure to 53 bits, and the test would see less.
    if 1e-150 < epsilon < 1e-6:
        assert mu * (1 - 2.0**-39) < exact


def test_tiny_pure_steps_are_priced() -> None:
    """Of several charges too, where the price is that of the Gaussian bounds."""
    for epsilon in (1e-300, 1e-16, 1e-8):
        tiny = Composed((PureDP(epsilon), Slack(2.0**-80)))
        assert 0 <= spent_up((tiny, tiny), DELTA, ADD_REMOVE) < 1e-6


def test_laplace_noise_counts_as_the_pure_step_that_it_is() -> None:
    assert _mu(Laplace(4.0, 2)) == _mu(PureDP(0.5)) == _mu(BoundedRange(0.5))


@given(st.lists(st.sampled_from([EVENT, TINY, MIXED]), min_size=1, max_size=8))
def test_more_charges_never_cost_less(events) -> None:
    figures = [spent_up(events[:n], DELTA, ADD_REMOVE) for n in range(len(events) + 1)]
    assert figures == sorted(figures)
