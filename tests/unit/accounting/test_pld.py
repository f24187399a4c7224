"""Privacy loss distributions are never below exact figures, and close to them."""

from __future__ import annotations

import math

import pytest

from dpsynth.accounting.events import (
    BoundedRange,
    Composed,
    Gaussian,
    GaussianFilter,
    Laplace,
    PoissonGaussian,
    PureDP,
    Repeated,
    TruncatedPoissonGaussian,
    ZCDPFilter,
)
from dpsynth.accounting.gdp import GDPAccountant
from dpsynth.accounting.pld import SEARCH_GRID, PLDAccountant
from dpsynth.accounting.quantities import Delta, Epsilon
from dpsynth.domain.unit import NeighbouringRelation
from tests.unit.accounting.exact import laplace_delta, randomised_response_delta

ADD_REMOVE, REPLACE_ONE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE
PLD = PLDAccountant()
COARSE = PLDAccountant(SEARCH_GRID)


@pytest.mark.parametrize("mu", [1e-4, 0.03, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("delta", [1e-2, 1e-5, 1e-9, 1e-12])
def test_gaussians_never_below_gdp_and_close(mu: float, delta: float) -> None:
    exact = GDPAccountant().epsilon_up(GaussianFilter(mu), Delta(delta), ADD_REMOVE)
    for accountant in (PLD, COARSE):
        found = accountant.epsilon_up(GaussianFilter(mu), Delta(delta), ADD_REMOVE)
        # The allowance for rounding (1e-13) is a tenth of the smallest delta here.
        assert exact <= found <= exact * (1.0005 if delta > 1e-12 else 1.005)


@pytest.mark.parametrize("epsilons", [(0.3,), (1.0, 0.5), (0.1,) * 12, (0.05, 0.2, 0.3, 0.7, 1.1)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_pure_steps_never_below_brute_force(epsilons: tuple[float, ...], share: float) -> None:
    event = Composed(tuple(PureDP(e) for e in epsilons))
    epsilon = share * math.fsum(epsilons)
    exact = randomised_response_delta(epsilons, epsilon)
    found = PLD.delta_up(event, Epsilon(epsilon), ADD_REMOVE)
    assert exact <= found <= exact + 1e-4
    bounded = Composed(tuple(BoundedRange(e) for e in epsilons))
    assert PLD.delta_up(bounded, Epsilon(epsilon), ADD_REMOVE) == found


@pytest.mark.parametrize("scale", [0.7, 2.0, 10.0])
@pytest.mark.parametrize("sensitivity", [1, 2, 5])
@pytest.mark.parametrize("share", [0.0, 0.13, 0.5, 0.99])
def test_laplace_is_the_closed_form(scale: float, sensitivity: int, share: float) -> None:
    epsilon = share * sensitivity / scale
    exact = laplace_delta(scale, (sensitivity,), epsilon)
    found = PLD.delta_up(Laplace(scale, sensitivity), Epsilon(epsilon), ADD_REMOVE)
    assert exact <= found <= exact + 1e-4


@pytest.mark.parametrize("scale", [0.7, 2.0, 10.0])
@pytest.mark.parametrize("shifts", [(1, 1), (2, 1), (1, 1, 1), (3, 2)])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.37, 0.6, 0.95])
def test_laplace_on_a_vector_leaks_no_more_than_one_shift(scale: float, shifts: tuple[int, ...], share: float) -> None:
    """The lemma of docs/proofs/composition.md: splitting the L1 sensitivity over cells never leaks more."""
    epsilon = share * sum(shifts) / scale
    reach = 25 if len(shifts) == 3 else 120
    missing = 2 * math.exp(-reach / scale) * len(shifts)
    assert laplace_delta(scale, shifts, epsilon, reach) <= laplace_delta(scale, (sum(shifts),), epsilon) + missing


def test_laplace_of_huge_sensitivity_is_a_pure_step() -> None:
    delta = Delta(1e-5)
    assert PLD.epsilon_up(Laplace(1e6, 500_000), delta, ADD_REMOVE) == PLD.epsilon_up(PureDP(0.5), delta, ADD_REMOVE)


def test_gaussians_are_merged_before_the_grid() -> None:
    """Many small Gaussians cost what one of the same mu costs: the grid's error does not add up."""
    many = Composed((Repeated(Gaussian(30.0), 900), PureDP(0.1)))
    one = Composed((GaussianFilter(1.0), PureDP(0.1)))
    assert PLD.epsilon_up(many, Delta(1e-5), ADD_REMOVE) == pytest.approx(
        PLD.epsilon_up(one, Delta(1e-5), ADD_REMOVE), rel=1e-9
    )


def test_full_batch_is_a_gaussian_under_both_relations() -> None:
    event, delta = Composed((PoissonGaussian(1.0, 20.0, 400), PureDP(1e-3))), Delta(1e-5)
    for relation, mu in ((ADD_REMOVE, 1.0), (REPLACE_ONE, 2.0)):
        same = Composed((GaussianFilter(mu), PureDP(1e-3)))
        assert PLD.epsilon_up(event, delta, relation) == PLD.epsilon_up(same, delta, relation)


def test_sampling_helps_and_replacing_hurts() -> None:
    delta = Delta(1e-5)
    full = PLD.epsilon_up(PoissonGaussian(1.0, 2.0, 20), delta, ADD_REMOVE)
    sampled = PLD.epsilon_up(PoissonGaussian(0.1, 2.0, 20), delta, ADD_REMOVE)
    assert 0 < sampled < 0.5 * full
    assert PLD.epsilon_up(PoissonGaussian(0.1, 2.0, 20), delta, REPLACE_ONE) > 1.2 * sampled


def test_truncation_costs_a_little() -> None:
    delta = Delta(1e-5)
    plain = PLD.epsilon_up(PoissonGaussian(0.01, 3.0, 100), delta, ADD_REMOVE)
    wide = PLD.epsilon_up(TruncatedPoissonGaussian(10_000, 0.01, 200, 3.0, 100), delta, ADD_REMOVE)
    tight = PLD.epsilon_up(TruncatedPoissonGaussian(10_000, 0.01, 105, 3.0, 100), delta, ADD_REMOVE)
    assert plain <= wide * (1 + 1e-9)
    assert wide < tight


def test_order_does_not_matter() -> None:
    parts = (PureDP(0.1), Laplace(20.0), PoissonGaussian(0.05, 2.0, 50), Gaussian(10.0), PureDP(0.2))
    figures = {
        PLD.epsilon_up(Composed(order), Delta(1e-5), ADD_REMOVE)
        for order in (parts, parts[::-1], (*parts[2:], *parts[:2]))
    }
    assert len(figures) == 1


def test_delta_beyond_floats_of_the_transform_is_infinite() -> None:
    assert PLD.epsilon_up(Gaussian(1.0), Delta(0.0), ADD_REMOVE) == math.inf
    assert PLD.epsilon_up(Gaussian(1.0), Delta(1e-14), ADD_REMOVE) == math.inf
    assert PLD.epsilon_up(Gaussian(1.0), Delta(2e-13), ADD_REMOVE) < math.inf
    # Left of delta after the allowance: less than the mass that was cut off and called infinite.
    assert PLD.epsilon_up(PoissonGaussian(0.5, 3.0, 20), Delta(1.2e-13 + 1e-18), ADD_REMOVE) == math.inf


def test_hopeless_noise_is_unbounded_and_quick() -> None:
    assert PLD.epsilon_up(PoissonGaussian(0.01, 0.01, 1000), Delta(1e-5), ADD_REMOVE) == math.inf
    assert PLD.delta_up(PoissonGaussian(0.01, 0.01, 1000), Epsilon(1e3), ADD_REMOVE) == 1.0
    assert PLD.epsilon_up(PoissonGaussian(0.01, 0.6, 10), Delta(1e-5), ADD_REMOVE) < 20


def test_what_it_knows() -> None:
    assert PLD.supports(Composed((PureDP(1.0), Laplace(1.0), PoissonGaussian(0.5, 1.0, 2), Gaussian(1.0))), REPLACE_ONE)
    assert not PLD.supports(ZCDPFilter(1.0), ADD_REMOVE)


@pytest.mark.slow
def test_rounding_of_long_compositions_stays_within_the_allowance() -> None:
    """Against the exact Gaussian: q a hair below 1 goes through the n-fold power of a spectrum."""
    for steps, sigma in ((20_000, 150.0), (200_000, 450.0)):
        event = PoissonGaussian(1 - 1e-15, sigma, steps)
        mu = math.sqrt(steps) / sigma
        for delta in (1e-5, 1e-9):
            exact = GDPAccountant().epsilon_up(GaussianFilter(mu * (1 - 1e-9)), Delta(delta), ADD_REMOVE)
            assert PLD.epsilon_up(event, Delta(delta), ADD_REMOVE) >= exact * (1 - 1e-9)
