"""Pure epsilons add up, exactly where floats allow it, and delta buys what randomised response allows."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from dpsynth.accounting.events import BoundedRange, Composed, Gaussian, Laplace, PureDP, Repeated
from dpsynth.accounting.pure import PureAccountant, PureProfile, pure_epsilon
from dpsynth.accounting.quantities import Delta, Epsilon
from dpsynth.domain.unit import NeighbouringRelation
from tests.unit.accounting.exact import randomised_response_delta

ADD_REMOVE = NeighbouringRelation.ADD_REMOVE
PURE = PureAccountant()


def test_epsilon_of_one_step() -> None:
    assert pure_epsilon(PureDP(0.5)) == Fraction(1, 2)
    assert pure_epsilon(BoundedRange(0.5)) == Fraction(1, 2)
    assert pure_epsilon(Laplace(4.0, 2)) == Fraction(1, 2)


def test_sums() -> None:
    event = Composed((Repeated(PureDP(0.25), 2), Laplace(4.0, 2)))
    assert PURE.epsilon_up(event, Delta(0.0), ADD_REMOVE) == 1.0
    assert PURE.delta_up(event, Epsilon(1.0), ADD_REMOVE) == 0.0
    # The float 0.1 is above one tenth: ten of them are above 1, and that is not rounded away.
    assert PURE.epsilon_up(Repeated(PureDP(0.1), 10), Delta(0.0), ADD_REMOVE) == math.nextafter(1.0, 2.0)


@pytest.mark.parametrize("total", [1e-6, 0.1, 1.0, 5.0, 50.0])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_profile_is_that_of_randomised_response(total: float, share: float) -> None:
    profile = PureProfile(total)
    exact = randomised_response_delta((total,), share * total)
    found = profile.delta_up(share * total)
    assert exact * (1 - 1e-13) <= found <= exact * (1 + 1e-12)
    epsilon = profile.epsilon_up(found)
    assert epsilon >= share * total * (1 - 1e-15)
    if found < 0.99:
        assert epsilon == pytest.approx(share * total, rel=1e-9, abs=2e-14)
    assert profile.delta_up(epsilon) <= found * (1 + 1e-12)


def test_ends() -> None:
    assert PureProfile(1.0).epsilon_up(0.0) == 1.0
    assert PureProfile(1.0).epsilon_up(0.9) == 0.0
    assert PureProfile(math.inf).epsilon_up(0.5) == math.inf
    assert not PURE.supports(Composed((PureDP(1.0), Gaussian(1.0))), ADD_REMOVE)
