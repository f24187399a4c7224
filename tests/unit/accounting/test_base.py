"""What every accountant inherits: sorting of leaves, looks without noise, and what a sampler's slack costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dpsynth.accounting.base import NoCost, Parts, Unbounded, WithSlack, with_slack
from dpsynth.accounting.events import Composed, Gaussian, Laplace, NonPrivate, Repeated, Slack
from dpsynth.accounting.gdp import GaussianProfile, GDPAccountant
from dpsynth.accounting.pure import PureProfile
from dpsynth.accounting.quantities import Delta, Epsilon, Mu
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError
from tests.unit.accounting.exact import hockey_stick

ADD_REMOVE = NeighbouringRelation.ADD_REMOVE
GDP = GDPAccountant()


def test_equal_leaves_are_counted_together() -> None:
    event = Composed(
        (Gaussian(1.0), Slack(2.0**-80), Repeated(Composed((Gaussian(1.0), Slack(2.0**-80))), 3), NonPrivate("x"))
    )
    parts = Parts.of(event)
    assert dict(parts.leaves) == {Gaussian(1.0): 4}
    assert parts.slack == 2.0**-78
    assert parts.non_private


def test_a_look_without_noise_has_no_finite_epsilon() -> None:
    event = Composed((Gaussian(100.0), NonPrivate("a look")))
    assert GDP.supports(event, ADD_REMOVE)
    assert GDP.epsilon_up(event, Delta(0.5), ADD_REMOVE) == math.inf
    assert GDP.delta_up(event, Epsilon(100.0), ADD_REMOVE) == 1.0
    assert Unbounded().epsilon_up(0.9) == math.inf


def test_nothing_costs_nothing() -> None:
    assert GDP.epsilon_up(Composed(()), Delta(0.0), ADD_REMOVE) == 0.0
    assert GDP.delta_up(Composed(()), Epsilon(0.0), ADD_REMOVE) == 0.0
    nothing = NoCost()
    assert with_slack(nothing, 0.0) is nothing


def test_slack_alone() -> None:
    slack = 2.0**-20
    assert 2 * slack <= GDP.delta_up(Slack(slack), Epsilon(0.0), ADD_REMOVE) < 2 * slack * (1 + 1e-12)
    assert GDP.epsilon_up(Slack(slack), Delta(0.1), ADD_REMOVE) == 0.0
    assert GDP.epsilon_up(Slack(slack), Delta(slack), ADD_REMOVE) == math.inf
    assert GDP.epsilon_up(Slack(slack), Delta(0.0), ADD_REMOVE) == math.inf


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0, 3.0])
def test_slack_is_lost_on_both_neighbours(epsilon: float) -> None:
    """The worst pair of laws within s of (p, q) leaks (1 + e^epsilon) s more, not s more."""
    p, q, s = np.array([0.5, 0.5, 0.0]), np.array([0.3, 0.6, 0.1]), 1e-3
    worst_p = p + np.array([s, -s, 0.0])
    worst_q = q - np.array([s, -s, 0.0])
    base = hockey_stick(p, q, epsilon)
    lost = hockey_stick(worst_p, worst_q, epsilon) - base
    assert lost <= (1 + math.exp(epsilon)) * s + 1e-15
    if base > 0:
        assert lost == pytest.approx((1 + math.exp(epsilon)) * s)  # attained: adding s alone would be wrong


@pytest.mark.parametrize("delta", [1e-3, 1e-5, 1e-9])
@pytest.mark.parametrize("mu", [0.03, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("slack", [2.0**-80, 1e-20])
def test_epsilon_with_slack_satisfies_delta(mu: float, delta: float, slack: float) -> None:
    inner = GaussianProfile(Mu(mu))
    both = WithSlack(inner, slack)
    epsilon = both.epsilon_up(delta)
    assert inner.epsilon_up(delta) <= epsilon
    assert inner.delta_up(epsilon) + (1 + math.exp(epsilon)) * slack <= delta
    assert both.delta_up(epsilon) <= delta * (1 + 1e-12)
    assert epsilon == pytest.approx(both.inner.epsilon_up(delta), rel=1e-3)


def test_slack_that_takes_all_of_delta() -> None:
    both = WithSlack(GaussianProfile(Mu(1.0)), 1e-6)
    assert both.epsilon_up(1e-6) == math.inf
    assert both.epsilon_up(2e-6) == math.inf
    assert math.isfinite(WithSlack(GaussianProfile(Mu(1.0)), 1e-9).epsilon_up(1e-5))


def test_huge_epsilon_uses_a_smaller_one() -> None:
    """(1 + e^epsilon) slack passes 1 at epsilon 56; a guarantee at a smaller epsilon still holds there."""
    both = WithSlack(GaussianProfile(Mu(1.0)), 2.0**-80)
    assert both.delta_up(1000.0) <= both.delta_up(20.0) < 1e-15
    assert both.cost_up(1000.0) == math.inf
    assert WithSlack(PureProfile(100.0), 2.0**-80).epsilon_up(1e-5) == math.inf


def test_refusals() -> None:
    with pytest.raises(AccountingError) as caught:
        GDP.epsilon_up(Laplace(1.0), Delta(0.1), ADD_REMOVE)
    assert str(caught.value) == "The gdp accountant knows no bound for an event of kind laplace under add_remove."
    with pytest.raises(AccountingError, match=r"^delta must lie in \[0, 1\); found 1\.$"):
        GDP.epsilon_up(Gaussian(1.0), Delta(1), ADD_REMOVE)
    with pytest.raises(AccountingError, match=r"^epsilon must be at least 0; found -1\.$"):
        GDP.delta_up(Gaussian(1.0), Epsilon(-1), ADD_REMOVE)
    with pytest.raises(AccountingError, match=r"^delta must lie in"):
        GDP.epsilon_up(Gaussian(1.0), Delta(math.nan), ADD_REMOVE)
    with pytest.raises(AccountingError, match=r"^epsilon must be at least 0"):
        GDP.delta_up(Gaussian(1.0), Epsilon(math.nan), ADD_REMOVE)
