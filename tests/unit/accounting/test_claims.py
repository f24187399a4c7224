"""Claims add up: epsilons, and deltas; nothing less, and for pure steps nothing more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.claims import ClaimsAccountant
from dpsynth.accounting.events import Composed, ForeignClaim, Gaussian, PureDP, Repeated, ZCDPFilter, event_from_json
from dpsynth.accounting.pure import PureAccountant
from dpsynth.accounting.quantities import Delta, Epsilon
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError

ADD_REMOVE = NeighbouringRelation.ADD_REMOVE
CLAIMS = ClaimsAccountant()


def test_a_claim_costs_itself() -> None:
    for epsilon, delta in ((1.0, 1e-5), (0.1, 1e-9), (7.0, 0.0)):
        claim = ForeignClaim(epsilon, delta)
        assert CLAIMS.epsilon_up(claim, Delta(delta), ADD_REMOVE) == epsilon
        assert CLAIMS.delta_up(claim, Epsilon(epsilon), ADD_REMOVE) == delta
        assert epsilon_up(claim, Delta(delta), ADD_REMOVE).epsilon == epsilon


def test_claims_add_up() -> None:
    event = Composed((Repeated(ForeignClaim(0.5, 1e-6), 3), PureDP(0.25)))
    assert CLAIMS.epsilon_up(event, Delta(3e-6), ADD_REMOVE) == pytest.approx(1.75, rel=1e-9)
    assert CLAIMS.epsilon_up(event, Delta(2.9e-6), ADD_REMOVE) == math.inf


def test_the_profile_is_that_of_the_worst_pair() -> None:
    # With probability delta all is said, else randomised response: P = (d, 0, (1-d)e^E/(1+e^E), (1-d)/(1+e^E)).
    total, lost = 1.0, 1e-3
    high, low = (1 - lost) * np.exp(total) / (1 + np.exp(total)), (1 - lost) / (1 + np.exp(total))
    first, second = np.array([lost, 0, high, low]), np.array([0, lost, low, high])
    for epsilon in (0.0, 0.3, 0.9, 1.0, 2.0):
        exact = np.maximum(first - np.exp(epsilon) * second, 0).sum()
        found = CLAIMS.delta_up(ForeignClaim(total, lost), Epsilon(epsilon), ADD_REMOVE)
        assert exact <= found <= exact + lost


def test_without_a_claim_it_is_not_asked() -> None:
    assert not CLAIMS.supports(PureDP(1.0), ADD_REMOVE)
    assert PureAccountant().supports(PureDP(1.0), ADD_REMOVE)
    assert not CLAIMS.supports(Composed((ForeignClaim(1.0, 0.0), Gaussian(3.0))), ADD_REMOVE)


def test_beside_gaussians_the_pld_accountant_prices_a_claim() -> None:
    found = epsilon_up(Composed((ForeignClaim(1.0, 1e-6), Gaussian(30.0))), Delta(1e-5), ADD_REMOVE)
    assert found.accountant == "pld"
    assert 1.0 < found.epsilon < 1.2


def test_no_accountant_knows_a_claim_beside_a_zcdp_filter() -> None:
    with pytest.raises(AccountingError, match="No sound accountant knows every step"):
        epsilon_up(Composed((ForeignClaim(1.0, 1e-6), ZCDPFilter(0.1))), Delta(1e-5), ADD_REMOVE)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 0.1), (-1.0, 0.1), (math.inf, 0.1), (1.0, 1.0), (1.0, -1e-9)])
def test_impossible_claims(epsilon: float, delta: float) -> None:
    with pytest.raises(AccountingError, match="An event needs"):
        ForeignClaim(epsilon, delta)
    with pytest.raises(AccountingError):
        event_from_json({"kind": "foreign_claim", "version": 1, "epsilon": epsilon, "delta": delta})
