"""What is taken from a reservation never costs more than what was reserved (exact fractions)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.accounting.events import Composed, Gaussian, GaussianFilter, Laplace, PureDP, Repeated, Slack, ZCDPFilter
from dpsynth.errors import AccountingError, BudgetRefused
from dpsynth.gate import with_slack
from dpsynth.gate.allowance import Allowance

G, H = Gaussian(3.0, 1), Gaussian(5.0, 2)


def test_each_leaf_is_taken_as_often_as_it_was_reserved() -> None:
    allowance = Allowance(with_slack(Repeated(G, 2), Composed((H, G))))
    allowance.take(Composed((G, H)), 2)
    allowance.take(Repeated(G, 2), 2)
    for event in (G, H, PureDP(1.0)):
        with pytest.raises(AccountingError, match=r"does not hold this \w+ event \(any more\)"):
            allowance.take(event, 1)


def test_all_or_nothing() -> None:
    allowance = Allowance(with_slack(G))
    with pytest.raises(AccountingError):
        allowance.take(Composed((G, H)), 2)
    allowance.take(G, 1)


def test_equal_means_equal() -> None:
    allowance = Allowance(with_slack(Gaussian(3.0, 1), Laplace(3.0, 1)))
    for near in (Gaussian(3.0000000000000004, 1), Gaussian(3.0, 2), Gaussian(2.9, 1)):
        with pytest.raises(AccountingError):
            allowance.take(near, 1)
    allowance.take(Laplace(3.0, 1), 1)


def test_draws_are_bounded_by_the_slack() -> None:
    allowance = Allowance(Composed((G, G, Slack(2.0**-117))))
    allowance.take(G, 6)
    with pytest.raises(AccountingError, match="slack does not cover that many draws"):
        allowance.take(G, 3)
    allowance.take(G, 2)
    with pytest.raises(AccountingError, match="slack"):
        Allowance(G).take(G, 1)


def test_a_fixed_leaf_goes_before_a_filter_and_filters_in_turn() -> None:
    allowance = Allowance(with_slack(G, GaussianFilter(1 / 3.0), ZCDPFilter(1.0)))
    allowance.take(G, 1)
    allowance.take(Gaussian(3.0, 1), 1)  # 1 / 9 of mu^2
    allowance.take(PureDP(1.0), 1)  # the GDP filter cannot pay for it
    allowance.take(G, 1)  # the GDP filter is empty
    with pytest.raises(BudgetRefused, match="requested mu"):
        allowance.take(Repeated(Gaussian(0.5, 1), 3), 1)


def test_a_composed_question_is_checked_against_one_purse_as_a_whole() -> None:
    allowance = Allowance(with_slack(GaussianFilter(1.0)))
    with pytest.raises(BudgetRefused, match=r"requested mu\^2 0\.6+7?, remaining mu\^2 0\.3+4?, short by mu\^2 0\.3"):
        allowance.take(Repeated(Gaussian(1.2247448713915890, 1), 2), 2)
    allowance.take(Gaussian(1.0, 1), 1)


SIGMAS = st.floats(0.5, 50.0)
STEPS = st.lists(st.tuples(SIGMAS, st.integers(1, 4)), max_size=30)


@given(mu=st.floats(0.05, 4.0), steps=STEPS, fixed=st.lists(st.tuples(SIGMAS, st.integers(1, 4)), max_size=4))
def test_no_order_of_questions_takes_more_than_was_reserved(mu, steps, fixed) -> None:
    reserved = [Gaussian(sigma, s) for sigma, s in fixed]
    allowance = Allowance(with_slack(*reserved, GaussianFilter(mu)))
    total = Fraction(mu) ** 2 + sum(Fraction(g.squared_sensitivity) / Fraction(g.sigma) ** 2 for g in reserved)
    taken = Fraction(0)
    for sigma, s in [*steps, *fixed, *fixed]:
        try:
            allowance.take(Gaussian(sigma, s), 1)
        except (AccountingError, BudgetRefused):
            continue
        taken += Fraction(s) / Fraction(sigma) ** 2
    assert taken <= total


def test_a_filter_that_is_used_to_its_end_is_used_exactly() -> None:
    allowance = Allowance(with_slack(GaussianFilter(1.0)))
    for _ in range(4):
        allowance.take(Gaussian(2.0, 1), 1)
    with pytest.raises(BudgetRefused):
        allowance.take(Gaussian(1e9, 1), 1)
