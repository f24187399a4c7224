"""The purse spends a filter to the last fraction and never passes it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from dpsynth.accounting.events import GaussianFilter, ZCDPFilter
from dpsynth.accounting.filters import FilterState
from dpsynth.domain.unit import rows
from dpsynth.errors import BudgetRefused
from dpsynth.gate import Distances, Exponential, Marginals, RoundedGaussian, event_of
from dpsynth.generators.aim.purse import MEASURE_SHARE, SELECT_SHARE, Purse
from tests.unit.generators.support import ADD_REMOVE, REPLACE_ONE

FILTERS = [ZCDPFilter(0.0305), GaussianFilter(0.268)]
UNITS = [(rows(1), ADD_REMOVE), (rows(3), REPLACE_ONE)]


def _scores(count: int) -> Distances:
    return Distances({(f"x{i}",): np.zeros(2, int) for i in range(count)})


@pytest.mark.parametrize("filter_", FILTERS)
@pytest.mark.parametrize(("unit", "relation"), UNITS)
@pytest.mark.parametrize("rounds", [2, 48, 241])
def test_rounds_add_up_to_the_filter_and_never_pass_it(filter_, unit, relation, rounds: int) -> None:
    purse, ours = Purse(filter_, rounds, unit, relation), FilterState(filter_)
    for number in range(1000):
        share, last = purse.next_round()
        sigma = purse.marginal_sigma(MEASURE_SHARE * share)
        if isinstance(filter_, ZCDPFilter):
            scores, noise = _scores(9), Exponential(purse.selection_epsilon(SELECT_SHARE * share))
        else:
            scores, noise = _scores(9), RoundedGaussian((purse.distances_sigma(SELECT_SHARE * share, 9),))
        for query, mechanism in ((scores, noise), (Marginals((("a",),)), RoundedGaussian((sigma,)))):
            purse.pay(query, mechanism)
            ours.take(event_of(query, mechanism, unit, relation))
        assert purse.remaining == ours.remaining >= 0
        if number % 5 == 4:
            purse.anneal()
        if last:
            break
    assert last
    assert purse.used == pytest.approx(1.0, abs=1e-12)
    with pytest.raises(BudgetRefused):
        purse.pay(Marginals((("a",),)), RoundedGaussian((sigma,)))


def test_the_published_scales() -> None:
    """T = 16 d rounds: sigma = sqrt(T / (2 x .9 rho)), epsilon = sqrt(8 x .1 rho / T)."""
    rho, rounds = 0.0305, 240
    purse = Purse(ZCDPFilter(rho), rounds, rows(1), ADD_REMOVE)
    share, last = purse.next_round()
    assert not last
    assert purse.marginal_sigma(MEASURE_SHARE * share) == pytest.approx((rounds / (2 * 0.9 * rho)) ** 0.5)
    assert purse.selection_epsilon(SELECT_SHARE * share) == pytest.approx((8 * 0.1 * rho / rounds) ** 0.5)
    assert purse.used_after(share) == pytest.approx(1 / rounds)
    purse.anneal()
    colder, _ = purse.next_round()
    assert purse.marginal_sigma(MEASURE_SHARE * colder) == pytest.approx((rounds / (2 * 0.9 * rho)) ** 0.5 / 2)
    assert purse.selection_epsilon(SELECT_SHARE * colder) == pytest.approx(2 * (8 * 0.1 * rho / rounds) ** 0.5)


def test_sensitivities_are_those_of_the_unit() -> None:
    one, three = (Purse(GaussianFilter(0.268), 48, *setting) for setting in UNITS)
    assert three.marginal_sigma(one.round) == pytest.approx(np.sqrt(9 * 2) * one.marginal_sigma(one.round))
    assert three.distances_sigma(one.round, 16) == pytest.approx(3 * 2 * one.distances_sigma(one.round, 16))


def test_less_than_two_rounds_are_the_last() -> None:
    purse = Purse(ZCDPFilter(1.0), 4, rows(1), ADD_REMOVE)
    assert purse.next_round() == (Fraction(1, 4), False)
    purse.anneal()
    assert purse.next_round() == (1, True)
    exact = Purse(ZCDPFilter(1.0), 2, rows(1), ADD_REMOVE)
    assert exact.next_round() == (Fraction(1, 2), False)  # two are left: not less


@pytest.mark.parametrize("share", [Fraction(1, 3), Fraction(1, 7) ** 5, Fraction(0.1), Fraction(2, 1)])
def test_an_epsilon_never_costs_a_float_too_much(share: Fraction) -> None:
    epsilon = Purse(ZCDPFilter(9.0), 2, rows(1), ADD_REMOVE).selection_epsilon(share)
    assert Fraction(epsilon) ** 2 / 8 <= share
    assert Fraction(np.nextafter(epsilon, 9)) ** 2 / 8 > share
