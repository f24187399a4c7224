"""Every figure is an upper bound, and for Gaussians it is the closed form."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm

from dpsynth.accounting.events import Composed, Gaussian, Laplace, NonPrivate, PureDP, Slack
from dpsynth.certify.guarantee import guarantee_of, true_positive_rate_up
from dpsynth.domain.unit import NeighbouringRelation

ADD_REMOVE = NeighbouringRelation.ADD_REMOVE


@pytest.mark.parametrize("mu", [0.25, 1.0, 3.0])
def test_a_gaussian_has_its_own_trade_off(mu: float) -> None:
    found = guarantee_of(Gaussian(1 / mu), 1e-6, ADD_REMOVE)
    for false_positive, caught in found["trade_off"]:
        exact = norm.cdf(norm.ppf(false_positive) + mu) if 0 < false_positive < 1 else false_positive
        assert exact <= caught + 1e-15
        assert caught <= exact + 2e-3 * max(exact, 1e-3) + 1e-8
    assert found["mu"] == pytest.approx(mu)
    assert found["rho"] == pytest.approx(mu * mu / 2)


@pytest.mark.parametrize("k", [2, 5, 10])
def test_groups_of_a_gaussian_multiply_mu(k: int) -> None:
    found = guarantee_of(Gaussian(5.0), 1e-6, ADD_REMOVE)
    wanted = guarantee_of(Gaussian(5.0 / k), 1e-6, ADD_REMOVE)["epsilon"]
    (group,) = [g for g in found["groups"] if g["units"] == k]
    assert wanted <= group["epsilon"] * (1 + 1e-9)
    assert group["epsilon"] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_pure_dp_is_said_without_exceptions(epsilon: float) -> None:
    found = guarantee_of(PureDP(epsilon), 0.0, ADD_REMOVE)
    assert found["epsilon"] == pytest.approx(epsilon)
    assert [g["epsilon"] for g in found["groups"]] == pytest.approx([2 * epsilon, 5 * epsilon, 10 * epsilon])
    for entry in found["posteriors"]:
        prior = entry["prior"]
        exact = prior * math.exp(epsilon) / (1 - prior + prior * math.exp(epsilon))
        assert exact <= entry["posterior"] <= exact * (1 + 1e-9)
    for entry in found["true_positive_rates"]:
        assert entry["true_positive_rate"] >= min(1, math.exp(epsilon) * entry["false_positive_rate"]) * (1 - 1e-12)


@pytest.mark.parametrize("mu", [0.2, 1.0])
def test_the_posterior_holds_but_with_the_stated_probability(mu: float) -> None:
    """The loss of a Gaussian is normal with mean mu^2 / 2 and standard deviation mu under the first table."""
    delta = 1e-5
    found = guarantee_of(Gaussian(1 / mu), delta, ADD_REMOVE)
    for entry in found["posteriors"]:
        odds = entry["posterior"] / (1 - entry["posterior"]) * (1 - entry["prior"]) / entry["prior"]
        assert norm.sf((math.log(odds) - mu * mu / 2) / mu) <= delta
        assert norm.sf((0.9 * math.log(odds) - mu * mu / 2) / mu) > delta / 10, "not far from the truth"


def test_mixed_events_and_slack_are_known() -> None:
    found = guarantee_of(Composed((Gaussian(3.0), Laplace(4.0), Slack(2.0**-80))), 1e-6, ADD_REMOVE)
    assert found["mu"] is None
    assert found["accountant"] == "pld"
    assert found["groups"][0]["epsilon"] > found["epsilon"]
    assert all(a[1] <= b[1] + 1e-12 for a, b in zip(found["trade_off"], found["trade_off"][1:], strict=False))


def test_a_look_without_noise_promises_nothing() -> None:
    found = guarantee_of(Composed((Gaussian(3.0), NonPrivate("a look"))), 1e-6, ADD_REMOVE)
    assert found["epsilon"] is None
    assert found["epsilon_text"] == "infinite"
    assert all(entry["posterior"] == 1 for entry in found["posteriors"])
    assert all(entry["true_positive_rate"] == 1 for entry in found["true_positive_rates"])


def test_no_pairs_promise_nothing() -> None:
    assert true_positive_rate_up([], 0.1) == 1
    assert true_positive_rate_up([(0.0, 0.0)], 0.1) == pytest.approx(0.1)
