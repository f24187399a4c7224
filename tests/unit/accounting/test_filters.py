"""A filter's purse is exact: no float can be gained or lost, whatever the order or the number of steps."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    Composed,
    Gaussian,
    GaussianFilter,
    Laplace,
    PoissonGaussian,
    PureDP,
    Repeated,
    ZCDPFilter,
)
from dpsynth.accounting.filters import FilterState, sigma_up
from dpsynth.errors import AccountingError, BudgetRefused


def test_nine_thirds_make_one() -> None:
    """1/9 is no float; nine of them are exactly 1 all the same, and a tenth is refused."""
    state = FilterState(GaussianFilter(1.0))
    for _ in range(9):
        state.take(Gaussian(3.0))
    assert state.remaining == 0
    with pytest.raises(BudgetRefused) as caught:
        state.take(Gaussian(1e150))
    assert str(caught.value) == (
        "Budget refused: requested mu^2 1e-300, remaining mu^2 0, short by mu^2 1e-300.\n"
        "The filter's total was fixed when it was reserved. Use more noise or fewer steps."
    )


def test_one_float_too_much_is_refused() -> None:
    just_fits = math.sqrt(0.5)
    just_fits = next(s for s in (just_fits, math.nextafter(just_fits, 1)) if 1 / Fraction(s) ** 2 <= 2)
    state = FilterState(GaussianFilter(1.0))
    assert state.affords(Gaussian(1.0))
    assert not state.affords(Gaussian(math.nextafter(1.0, 0.0)))
    with pytest.raises(BudgetRefused):
        state.take(Gaussian(math.nextafter(1.0, 0.0)))
    for _ in range(8):
        state.take(Gaussian(3.0))
    with pytest.raises(BudgetRefused):
        state.take(Gaussian(math.nextafter(3.0, 0.0)))
    state.take(Gaussian(3.0))
    two = FilterState(ZCDPFilter(1.0))
    assert two.affords(Gaussian(just_fits))
    assert not two.affords(Gaussian(math.nextafter(just_fits, 0.0)))


def test_a_refused_step_takes_nothing() -> None:
    state = FilterState(GaussianFilter(1.0))
    with pytest.raises(BudgetRefused):
        state.take(Composed((Gaussian(2.0), Gaussian(0.5))))
    assert state.remaining == 1
    with pytest.raises(AccountingError):
        state.take(Composed((Gaussian(2.0), PureDP(0.1))))
    assert state.remaining == 1
    state.take(Composed((Gaussian(2.0), Repeated(Gaussian(4.0), 4))))
    assert state.remaining == Fraction(1, 2)


@pytest.mark.parametrize(
    ("event", "cost"),
    [
        (Gaussian(2.0, 3), Fraction(3, 8)),
        (GaussianFilter(0.5), Fraction(1, 8)),
        (ZCDPFilter(0.25), Fraction(1, 4)),
        (PureDP(0.5), Fraction(1, 8)),
        (BoundedRange(0.5), Fraction(1, 32)),
        (Laplace(4.0, 2), Fraction(1, 8)),
        (Repeated(Composed((PureDP(0.5), ZCDPFilter(0.25))), 2), Fraction(3, 4)),
    ],
)
def test_costs_in_rho(event: AbstractEvent, cost: Fraction) -> None:
    state = FilterState(ZCDPFilter(1.0))
    assert state.cost(event) == cost
    state.take(event)
    assert state.remaining == 1 - cost


@pytest.mark.parametrize(
    "event", [PureDP(0.1), BoundedRange(0.1), Laplace(9.0), ZCDPFilter(0.1), PoissonGaussian(0.1, 9.0, 1)]
)
def test_gaussian_filter_pays_for_gaussians_only(event: AbstractEvent) -> None:
    with pytest.raises(AccountingError) as caught:
        FilterState(GaussianFilter(9.0)).take(event)
    assert str(caught.value) == (
        f"A gaussian_filter pays for no event of kind {event.kind}.\n"
        "Put such steps beside the filter in the plan, where they are fixed beforehand."
    )


def test_zcdp_filter_does_not_pay_for_sampled_steps() -> None:
    with pytest.raises(AccountingError, match=r"^A zcdp_filter pays for no event of kind poisson_gaussian\."):
        FilterState(ZCDPFilter(9.0)).cost(PoissonGaussian(0.1, 9.0, 1))


def test_only_filters_hold_a_purse() -> None:
    with pytest.raises(AccountingError, match=r"^Only filters hold a purse; found an event of kind gaussian\.$"):
        FilterState(Gaussian(1.0))


SIGMAS = st.floats(1e-3, 1e6)


@given(st.floats(1e-3, 30), st.lists(st.tuples(SIGMAS, st.integers(1, 50)), max_size=30))
def test_what_was_taken_never_exceeds_the_total(mu: float, steps: list[tuple[float, int]]) -> None:
    state = FilterState(GaussianFilter(mu))
    taken = Fraction(0)
    for sigma, sensitivity in steps:
        cost = Fraction(sensitivity) / Fraction(sigma) ** 2
        fits = taken + cost <= Fraction(mu) ** 2
        assert state.affords(Gaussian(sigma, sensitivity)) == fits
        if fits:
            state.take(Gaussian(sigma, sensitivity))
            taken += cost
        else:
            with pytest.raises(BudgetRefused):
                state.take(Gaussian(sigma, sensitivity))
    assert state.remaining == Fraction(mu) ** 2 - taken


@given(st.floats(1e-6, 100), st.lists(st.integers(1, 1000), min_size=1, max_size=40), st.integers(1, 9))
def test_shares_by_sigma_up_always_fit(mu: float, weights: list[int], sensitivity: int) -> None:
    state = FilterState(GaussianFilter(mu))
    for weight in weights:
        share = Fraction(mu) ** 2 * weight / sum(weights)
        state.take(Gaussian(sigma_up(share, sensitivity), sensitivity))
    assert 0 <= state.remaining <= Fraction(mu) ** 2 * Fraction(1, 10**14)


@given(st.floats(1e-100, 1e100), st.integers(1, 10**6))
def test_sigma_up_is_the_smallest(share: float, sensitivity: int) -> None:
    sigma = sigma_up(share, sensitivity)
    assert Fraction(sensitivity) / Fraction(sigma) ** 2 <= Fraction(share)
    below = math.nextafter(sigma, 0.0)
    assert Fraction(sensitivity) / Fraction(below) ** 2 > Fraction(share)


def test_sigma_of_no_share() -> None:
    for share in (0, -1.0):
        with pytest.raises(AccountingError, match=r"^A Gaussian step needs a share of mu\^2 above 0\.$"):
            sigma_up(share)
