"""The smallest sound bound wins, and an event that nobody knows is refused."""

from __future__ import annotations

import math

import pytest

from dpsynth.accounting.certify import (
    ACCOUNTANTS,
    ADAPTIVE_ACCOUNTANTS,
    SEARCH_ACCOUNTANTS,
    Certified,
    delta_up,
    epsilon_up,
    fits,
    profile,
)
from dpsynth.accounting.events import (
    AbstractEvent,
    Composed,
    Gaussian,
    GaussianFilter,
    Laplace,
    NonPrivate,
    PoissonGaussian,
    PureDP,
    Repeated,
    Slack,
    ZCDPFilter,
)
from dpsynth.accounting.quantities import Budget, Delta, Epsilon
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError

ADD_REMOVE, REPLACE_ONE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE
DELTA = Delta(1e-5)


@pytest.mark.parametrize(
    ("event", "delta", "winner"),
    [
        (Gaussian(3.0), DELTA, "gdp"),
        (Composed((GaussianFilter(0.3), Slack(2.0**-80))), DELTA, "gdp"),
        (PureDP(1.0), Delta(0.0), "pure"),
        (Composed((PureDP(0.3), Laplace(2.0))), Delta(0.0), "pure"),
        (Repeated(PureDP(0.01), 500), DELTA, "pld"),
        (Composed((Gaussian(3.0), Repeated(PureDP(0.05), 10))), DELTA, "pld"),
        (Composed((ZCDPFilter(0.1), Gaussian(3.0))), DELTA, "zcdp"),
        (PoissonGaussian(0.1, 2.0, 20), DELTA, "pld"),
        (PoissonGaussian(1.0, 2.0, 20), DELTA, "gdp"),
    ],
)
def test_smallest_sound_bound_wins(event: AbstractEvent, delta: Delta, winner: str) -> None:
    certified = epsilon_up(event, delta, ADD_REMOVE)
    assert certified.accountant == winner
    everyone = [a.epsilon_up(event, delta, ADD_REMOVE) for a in ACCOUNTANTS if a.supports(event, ADD_REMOVE)]
    assert certified.epsilon == min(everyone) < math.inf


def test_delta_side() -> None:
    event = Composed((Gaussian(3.0), Repeated(PureDP(0.05), 10)))
    epsilon = epsilon_up(event, DELTA, ADD_REMOVE).epsilon
    found = delta_up(event, epsilon, ADD_REMOVE)
    assert found.accountant == "pld"
    assert DELTA * (1 - 1e-6) <= found.delta <= DELTA


def test_fits_is_the_certified_epsilon() -> None:
    event = Composed((Gaussian(3.0), PureDP(0.3)))
    epsilon = epsilon_up(event, DELTA, ADD_REMOVE).epsilon
    assert fits(event, Budget(epsilon=epsilon, delta=DELTA), ADD_REMOVE)
    assert not fits(event, Budget(epsilon=math.nextafter(epsilon, 0), delta=DELTA), ADD_REMOVE)
    assert not fits(NonPrivate("a look"), Budget(epsilon=1e300, delta=0.5), ADD_REMOVE)


def test_delta_zero_needs_pure_steps_only() -> None:
    assert epsilon_up(Composed((PureDP(0.5), Laplace(2.0))), Delta(0.0), ADD_REMOVE) == Certified(Epsilon(1.0), "pure")
    assert epsilon_up(Composed((PureDP(0.5), Gaussian(9.0))), Delta(0.0), ADD_REMOVE).epsilon == math.inf
    assert epsilon_up(Composed((PureDP(0.5), Slack(2.0**-80))), Delta(0.0), ADD_REMOVE).epsilon == math.inf


@pytest.mark.parametrize("ask", [lambda e: epsilon_up(e, DELTA, REPLACE_ONE), lambda e: profile(e, REPLACE_ONE)])
def test_event_that_nobody_knows(ask) -> None:
    with pytest.raises(AccountingError) as caught:
        ask(Composed((ZCDPFilter(0.1), PoissonGaussian(0.1, 2.0, 20))))
    assert str(caught.value) == (
        "No sound accountant knows every step of this event under replace_one.\n"
        "Run the steps under one kind of filter, or in separate ledgers."
    )


def test_bad_points() -> None:
    for delta in (-1e-9, 1.0, math.nan):
        with pytest.raises(AccountingError, match=r"^delta must lie in \[0, 1\)"):
            epsilon_up(Gaussian(1.0), Delta(delta), ADD_REMOVE)
    for epsilon in (-1e-9, math.nan):
        with pytest.raises(AccountingError, match="^epsilon must be at least 0"):
            delta_up(Gaussian(1.0), Epsilon(epsilon), ADD_REMOVE)


def test_groups_of_accountants() -> None:
    assert [a.name for a in ACCOUNTANTS] == ["gdp", "pure", "claims", "zcdp", "pld"]
    assert [a.name for a in SEARCH_ACCOUNTANTS] == ["gdp", "pure", "claims", "zcdp", "pld"]
    assert [a.name for a in ADAPTIVE_ACCOUNTANTS] == ["gdp", "pure", "claims", "zcdp"]
    mixed = Composed((Gaussian(3.0), PureDP(0.3)))
    chosen_later = profile(mixed, ADD_REMOVE, ADAPTIVE_ACCOUNTANTS).epsilon_up(DELTA)
    assert chosen_later.accountant == "zcdp"
    assert chosen_later.epsilon > epsilon_up(mixed, DELTA, ADD_REMOVE).epsilon


def test_a_ledger_of_a_thousand_events_is_quick() -> None:
    import time

    gaussians = tuple(Gaussian(50 + i / 13) for i in range(700))
    selections = tuple(PureDP(0.01 * (1 + i % 20)) for i in range(250))
    event = Composed((*gaussians, *selections, *(Laplace(50.0) for _ in range(50)), PoissonGaussian(0.02, 2.0, 200)))
    epsilon_up(PureDP(0.1), DELTA, ADD_REMOVE)  # the import is not what is measured
    start = time.process_time()
    assert 0 < epsilon_up(event, DELTA, ADD_REMOVE).epsilon < 20
    assert time.process_time() - start < 4.0
