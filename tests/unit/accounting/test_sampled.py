"""Events and noise of DP-SGD steps."""

from __future__ import annotations

import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import AbstractEvent, Composed, Gaussian, PoissonGaussian, Repeated, Slack
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.accounting.sampled import calibrate_noise, poisson_steps
from dpsynth.domain.unit import NeighbouringRelation, rows
from dpsynth.errors import BudgetError

ADD_REMOVE, REPLACE_ONE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE


def plan(noise: float, size: int = 1) -> AbstractEvent:
    return Composed((Gaussian(30.0), Repeated(poisson_steps(0.05, noise, 20, rows(size)), 5), Slack(2.0**-80)))


def test_one_row_is_the_plain_event() -> None:
    assert poisson_steps(0.05, 2.0, 7, rows(1)) == PoissonGaussian(0.05, 2.0, 7)


def test_k_rows_join_more_often_and_move_more() -> None:
    event = poisson_steps(0.05, 2.0, 7, rows(3))
    assert event.probability == pytest.approx(1 - 0.95**3)
    assert event.noise_multiplier == pytest.approx(2 / 3)
    assert poisson_steps(1.0, 2.0, 7, rows(3)).probability == 1.0


@pytest.mark.parametrize("relation", [ADD_REMOVE, REPLACE_ONE])
def test_the_bound_for_two_rows_holds_for_the_exact_mixture(relation) -> None:
    """One dimension, half-lines: P(J + sZ >= t) - e P(-J + sZ >= t) with J ~ Binomial(2, q), against our one coin."""
    import numpy as np
    from scipy.stats import norm

    q, noise, cuts = 0.1, 1.5, np.linspace(-8, 12, 4001)
    event = poisson_steps(q, noise, 1, rows(2))

    def worst(masses: list[float], shifts: list[float], scale: float, e: float) -> float:
        ahead = sum(p * norm.sf((cuts - s) / scale) for p, s in zip(masses, shifts, strict=True))
        back = sum(
            p * norm.sf((cuts + (s if relation is REPLACE_ONE else 0)) / scale)
            for p, s in zip(masses, shifts, strict=True)
        )
        return float(np.max(ahead - e * back))

    for e in (0.3, 1.0, 1.5, 4.0):
        exact = worst([(1 - q) ** 2, 2 * q * (1 - q), q * q], [0, 1, 2], noise, e)
        ours = worst([1 - event.probability, event.probability], [0, 1], event.noise_multiplier, e)
        assert exact <= ours + 1e-12


@pytest.mark.parametrize("relation", [ADD_REMOVE, REPLACE_ONE])
@pytest.mark.parametrize(("epsilon", "size"), [(0.05, 1), (1.0, 1), (1.0, 3)])
def test_noise_fills_the_budget_and_no_more(epsilon, size, relation) -> None:
    budget = Budget(epsilon=epsilon + 0.3, delta=1e-5)
    noise = calibrate_noise(lambda z: plan(z, size), budget, relation)
    spent = epsilon_up(plan(noise, size), Delta(1e-5), relation).epsilon
    assert 0.995 * budget.epsilon <= spent <= budget.epsilon


def test_the_bracket_moves_where_the_limit_lies_outside() -> None:
    """The field's bug: a bracket capped at 40 returned a model that cost more than was asked for."""
    budget = Budget(epsilon=0.002, delta=1e-5)
    noise = calibrate_noise(lambda z: poisson_steps(0.05, z, 100, rows(1)), budget, ADD_REMOVE, low=1.0, high=2.0)
    assert noise > 40
    assert epsilon_up(poisson_steps(0.05, noise, 100, rows(1)), Delta(1e-5), ADD_REMOVE).epsilon <= 0.002


def test_noise_in_which_nothing_can_be_learned_is_refused_with_what_is_reachable(monkeypatch) -> None:
    monkeypatch.setattr("dpsynth.accounting.sampled.LARGEST_NOISE", 5.0)
    with pytest.raises(BudgetError, match=r"need noise of .*\n.*epsilon \d\.\d+ is within reach"):
        calibrate_noise(lambda z: poisson_steps(0.05, z, 100, rows(1)), Budget(epsilon=0.05, delta=1e-5), ADD_REMOVE)


def test_steps_beside_others_that_leave_nothing_are_refused() -> None:
    with pytest.raises(BudgetError, match="leave no room"):
        calibrate_noise(plan, Budget(epsilon=0.01, delta=1e-5), ADD_REMOVE)
