"""Calibration meets its target from below, re-certifies it, and never returns an end of its bracket."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import pytest

from dpsynth.accounting.calibrate import calibrate, calibrate_mu
from dpsynth.accounting.certify import Certified, epsilon_up, fits
from dpsynth.accounting.events import (
    AbstractEvent,
    Composed,
    Gaussian,
    GaussianFilter,
    NonPrivate,
    PoissonGaussian,
    PureDP,
    Repeated,
    Slack,
    ZCDPFilter,
)
from dpsynth.accounting.filters import sigma_up
from dpsynth.accounting.gdp import mu_of_down
from dpsynth.accounting.quantities import Budget, Delta, Epsilon, Mu
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError, BudgetError

ADD_REMOVE, REPLACE_ONE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE
SLACK = Slack(2.0**-80)
ONE = Budget(epsilon=1.0, delta=1e-5)


def _cost(mu: float, extra: AbstractEvent | None, budget: Budget, relation: NeighbouringRelation) -> float:
    parts = (GaussianFilter(mu), SLACK) if extra is None else (extra, GaussianFilter(mu), SLACK)
    return epsilon_up(Composed(parts), Delta(budget.delta), relation).epsilon


@pytest.mark.parametrize("delta", [1e-3, 1e-5, 1e-9])
@pytest.mark.parametrize("epsilon", [1e-3, 0.1, 1.0, 3.2, 10.0])
def test_mu_of_gaussians_alone_is_the_exact_one(epsilon: float, delta: float) -> None:
    budget = Budget(epsilon=epsilon, delta=delta)
    mu = calibrate_mu(budget)
    assert _cost(mu, None, budget, ADD_REMOVE) <= epsilon
    exact = mu_of_down(Epsilon(epsilon), Delta(delta))
    assert exact * (1 - 1e-7) <= mu <= exact


@pytest.mark.parametrize("relation", list(NeighbouringRelation))
@pytest.mark.parametrize(
    ("extra", "epsilon"),
    [(Repeated(PureDP(0.02), 19), 1.0), (PoissonGaussian(0.05, 6.0, 60), 0.5), (ZCDPFilter(0.01), 1.0)],
)
def test_mu_beside_other_steps(extra: AbstractEvent, epsilon: float, relation: NeighbouringRelation) -> None:
    budget = Budget(epsilon=epsilon, delta=1e-5)
    mu = calibrate_mu(budget, extra=extra, relation=relation)
    assert 0 < mu < mu_of_down(Epsilon(epsilon), Delta(1e-5))
    assert _cost(mu, extra, budget, relation) <= epsilon
    assert _cost(mu * 1.002, extra, budget, relation) > epsilon  # nothing worth having is left


def test_many_gaussians_split_exactly_still_fit() -> None:
    mu = calibrate_mu(ONE)
    shares = [Fraction(i, 5050) for i in range(1, 101)]
    parts = tuple(Gaussian(sigma_up(Fraction(mu) ** 2 * share)) for share in shares)
    assert fits(Composed((*parts, SLACK)), ONE, ADD_REMOVE)
    plain = tuple(Gaussian(1 / (mu * math.sqrt(float(share)))) for share in shares)  # rounded to nearest, not up
    assert fits(Composed((*plain, SLACK)), ONE, ADD_REMOVE)


def test_budget_without_delta() -> None:
    with pytest.raises(BudgetError) as caught:
        calibrate_mu(Budget(epsilon=1.0, delta=0.0))
    assert str(caught.value) == (
        "Gaussian noise needs a delta above 0; found delta 0.\n"
        "Ask for a delta well below 1 / (number of people), or use mechanisms with pure noise."
    )


def test_budget_whose_delta_the_sampler_needs() -> None:
    with pytest.raises(BudgetError) as caught:
        calibrate_mu(Budget(epsilon=1.0, delta=1e-23))
    assert (
        str(caught.value)
        == "delta 1e-23 is too close to the error bound of the sampler.\nAsk for a delta above 5.3e-23."
    )
    assert calibrate_mu(Budget(epsilon=1.0, delta=1e-21)) > 0


@pytest.mark.parametrize("extra", [PureDP(1.2), Repeated(Gaussian(1.0), 9), NonPrivate("a look")])
def test_nothing_left(extra: AbstractEvent) -> None:
    with pytest.raises(
        BudgetError, match=r"^The other steps cost epsilon \S+ of 1, so no Gaussian noise fits\.\nAsk for a larger"
    ):
        calibrate_mu(ONE, extra=extra)


def test_epsilon_beyond_the_slack_uses_what_can_be_certified() -> None:
    budget = Budget(epsilon=1000.0, delta=1e-5)
    mu = calibrate_mu(budget)
    assert mu > 5
    assert _cost(mu, None, budget, ADD_REMOVE) < 50


@pytest.mark.parametrize(
    "bracket", [(10.0, 40.0), pytest.param((1e-3, 2e-3), marks=pytest.mark.slow), (200.0, 1000.0), (39.0, 40.0)]
)
def test_bracket_widens_and_no_end_is_returned(bracket: tuple[float, float]) -> None:
    """A sigma search capped at 40 once returned its end, a model of epsilon .1275 for a target of .1."""
    budget = Budget(epsilon=0.1, delta=1e-5)
    sigma = calibrate(lambda s: PoissonGaussian(0.1, s, 1000), budget, ADD_REMOVE, *bracket)
    assert epsilon_up(PoissonGaussian(0.1, 40.0, 1000), Delta(1e-5), ADD_REMOVE).epsilon > 0.2
    assert sigma == pytest.approx(97.29, abs=0.1)
    assert epsilon_up(PoissonGaussian(0.1, sigma, 1000), Delta(1e-5), ADD_REMOVE).epsilon <= 0.1
    assert epsilon_up(PoissonGaussian(0.1, sigma * 0.998, 1000), Delta(1e-5), ADD_REMOVE).epsilon > 0.1


def test_rising_family_at_delta_zero() -> None:
    budget = Budget(epsilon=1.0, delta=0.0)
    epsilon = calibrate(lambda e: Repeated(PureDP(e), 20), budget, ADD_REMOVE, 1e-3, 1e-2, cost_rises=True)
    assert 0.05 * (1 - 1e-7) < epsilon <= 0.05


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, math.inf), (math.nan, 1.0)]
)
def test_brackets_that_are_none(low: float, high: float) -> None:
    with pytest.raises(AccountingError, match=r"^A calibration needs a bracket 0 < low < high\.$"):
        calibrate(Gaussian, ONE, ADD_REMOVE, low, high)


def test_family_that_never_fits() -> None:
    with pytest.raises(BudgetError) as caught:
        calibrate(lambda s: Composed((PureDP(2.0), Gaussian(s))), ONE, ADD_REMOVE, 1.0, 10.0)
    assert str(caught.value) == (
        "Nothing fits within (epsilon 1, delta 1e-05): the other steps leave no room.\n"
        "Ask for a larger budget or fewer steps."
    )


def test_family_without_a_limit() -> None:
    with pytest.raises(
        AccountingError, match=r"^The calibration found no limit: the cost does not depend on the parameter\.$"
    ):
        calibrate(lambda s: Gaussian(9.0), ONE, ADD_REMOVE, 1.0, 10.0)


def test_family_that_is_not_monotone_is_refused_not_returned() -> None:
    """The figure that was searched on says yes, the recomputed one says no: the answer must be an error."""
    calls = []

    def moody(sigma: float) -> AbstractEvent:
        calls.append(sigma)
        return Gaussian(sigma) if len(calls) < searched else Gaussian(1.0)

    searched = 10**9
    calibrate(moody, ONE, ADD_REMOVE, 1.0, 10.0)
    searched, found = len(calls) - 1, len(calls)
    calls.clear()
    with pytest.raises(AccountingError) as caught:
        calibrate(moody, ONE, ADD_REMOVE, 1.0, 10.0)
    assert len(calls) > found
    assert str(caught.value) == (
        "The recomputed epsilon 4.37718 exceeds the target 1.\n"
        "The cost of these events is not monotone in the parameter that was calibrated."
    )


def test_negative_control_a_lying_search_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the search figure is half of the truth, the certificate at the end refuses."""
    module = sys.modules["dpsynth.accounting.calibrate"]
    honest = module.profile

    class Half:
        def __init__(self, *asked):
            self.profile = honest(*asked)

        def epsilon_up(self, delta: Delta) -> Certified:
            figure = self.profile.epsilon_up(delta)
            return Certified(Epsilon(figure.epsilon / 2), figure.accountant)

    monkeypatch.setattr(module, "profile", Half)
    with pytest.raises(AccountingError, match=r"^The recomputed epsilon \S+ exceeds the target 1\."):
        calibrate_mu(ONE)


def test_mu_is_a_float_of_the_right_size() -> None:
    assert isinstance(calibrate_mu(ONE), float)
    assert calibrate_mu(ONE) == pytest.approx(Mu(0.268051), abs=1e-6)
