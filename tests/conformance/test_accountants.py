"""What every accountant owes: bounds that are valid, consistent, monotone, and worse for less noise.

A new accountant joins by its line in `dpsynth.accounting.certify.ACCOUNTANTS`. Accountants that lie are run through the
same checks at the end, to show that the checks see them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.accounting.base import AbstractAccountant, AbstractProfile, Leaves
from dpsynth.accounting.certify import ACCOUNTANTS, SEARCH_ACCOUNTANTS
from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    Composed,
    Gaussian,
    GaussianFilter,
    Laplace,
    NonPrivate,
    PoissonGaussian,
    PureDP,
    Repeated,
    Slack,
    TruncatedPoissonGaussian,
    ZCDPFilter,
    leaves,
)
from dpsynth.accounting.gdp import GaussianProfile, delta_of_mu_up
from dpsynth.accounting.pure import PureProfile, pure_epsilon
from dpsynth.accounting.quantities import Delta, Epsilon, Mu
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError

RELATIONS = tuple(NeighbouringRelation)
EVERY = {(a.name if a in ACCOUNTANTS else f"{a.name}-search"): a for a in (*ACCOUNTANTS, SEARCH_ACCOUNTANTS[-1])}

LEAVES: tuple[AbstractEvent, ...] = (
    Gaussian(3.0),
    Gaussian(5.0, 4),
    GaussianFilter(0.4),
    Laplace(4.0),
    Laplace(10.0, 3),
    PureDP(0.3),
    BoundedRange(0.2),
    ZCDPFilter(0.05),
    PoissonGaussian(0.2, 3.0, 20),
    PoissonGaussian(1.0, 9.0, 20),
    TruncatedPoissonGaussian(1000, 0.1, 130, 6.0, 5),
)
DELTAS = (1e-8, 1e-5, 1e-2, 0.3)
EPSILONS = (0.0, 0.3, 1.0, 4.0)

noisier: dict[type[AbstractEvent], Callable[..., AbstractEvent]] = {
    Gaussian: lambda e, f: Gaussian(e.sigma * f, e.squared_sensitivity),
    GaussianFilter: lambda e, f: GaussianFilter(e.mu / f),
    Laplace: lambda e, f: Laplace(e.scale * f, e.sensitivity),
    PureDP: lambda e, f: PureDP(e.epsilon / f),
    BoundedRange: lambda e, f: BoundedRange(e.epsilon / f),
    ZCDPFilter: lambda e, f: ZCDPFilter(e.rho / f**2),
    PoissonGaussian: lambda e, f: PoissonGaussian(e.probability, e.noise_multiplier * f, e.count),
    TruncatedPoissonGaussian: lambda e, f: TruncatedPoissonGaussian(
        e.records, e.probability, e.cap, e.noise_multiplier * f, e.count
    ),
}


def _takes_long(leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
    return leaf.kind.endswith("poisson_gaussian") and relation is NeighbouringRelation.REPLACE_ONE


pairs = pytest.mark.parametrize(
    ("name", "leaf", "relation"),
    [
        pytest.param(
            name,
            leaf,
            relation,
            id=f"{name}-{leaf.kind}{i}-{relation.value}",
            marks=[pytest.mark.slow] if name.endswith("search") or _takes_long(leaf, relation) else [],
        )
        for name, accountant in EVERY.items()
        for i, leaf in enumerate(LEAVES)
        for relation in RELATIONS
        if accountant.supports(leaf, relation)
    ],
)


def check_profile(accountant: AbstractAccountant, event: AbstractEvent, relation: NeighbouringRelation) -> None:
    """Range, monotony, and that each function is an upper bound on the inverse of the other."""
    epsilons = [accountant.epsilon_up(event, Delta(d), relation) for d in DELTAS]
    deltas = [accountant.delta_up(event, Epsilon(e), relation) for e in EPSILONS]
    assert all(e >= 0 for e in epsilons)
    assert all(0 <= d <= 1 for d in deltas)
    assert all(a >= b for a, b in itertools.pairwise(epsilons)), "a larger delta asks for a larger epsilon"
    # Below 1e-12 a Fourier transform shows its rounding, which the accountant's allowance covers.
    assert all(a >= b - 1e-14 for a, b in itertools.pairwise(deltas)), "a larger epsilon asks for a larger delta"
    for delta, epsilon in zip(DELTAS, epsilons, strict=True):
        if math.isfinite(epsilon):
            assert accountant.delta_up(event, epsilon, relation) <= delta * (1 + 1e-12)
    for epsilon, delta in zip(EPSILONS, deltas, strict=True):
        if 1e-12 < delta < 1:
            assert accountant.epsilon_up(event, delta, relation) <= epsilon * (1 + 1e-6) + 1e-6


def exact_delta(event: AbstractEvent, epsilon: float) -> float | None:
    """A lower bound on what the event can leak, where one is known in closed form."""
    flat = dict(leaves(event))
    if all(isinstance(leaf, (Gaussian, GaussianFilter)) for leaf in flat):
        squares = [c * (e.squared_mu if isinstance(e, Gaussian) else e.mu**2) for e, c in flat.items()]
        return delta_of_mu_up(Mu(math.sqrt(math.fsum(squares)) * (1 - 1e-12)), Epsilon(epsilon))
    if all(isinstance(leaf, (PureDP, Laplace)) for leaf in flat):
        # The worst of the steps alone is a lower bound on all of them.
        worst = (
            max(float(pure_epsilon(leaf)) for leaf in flat if isinstance(leaf, PureDP))
            if any(isinstance(leaf, PureDP) for leaf in flat)
            else 0.0
        )
        return PureProfile(worst).delta_up(epsilon) * (1 - 1e-9)
    return None


def check_never_below_the_exact(
    accountant: AbstractAccountant, event: AbstractEvent, relation: NeighbouringRelation
) -> None:
    """No accountant reports less than is known to leak."""
    for epsilon in EPSILONS:
        known = exact_delta(event, epsilon)
        if known is not None:
            assert accountant.delta_up(event, Epsilon(epsilon), relation) >= known * (1 - 1e-9)


def check_noise(accountant: AbstractAccountant, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    """Half the noise costs more, twice the noise costs less."""
    make = noisier[type(leaf)]
    half, full, double = (accountant.epsilon_up(make(leaf, f), Delta(1e-5), relation) for f in (0.5, 1.0, 2.0))
    assert double < full < half


def check_composition(accountant: AbstractAccountant, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    """Repeating is composing, order is nothing, and more events never cost less."""
    delta = Delta(1e-5)
    once = accountant.epsilon_up(leaf, delta, relation)
    thrice = accountant.epsilon_up(Repeated(leaf, 3), delta, relation)
    assert accountant.epsilon_up(Composed((leaf, Composed((leaf, leaf)))), delta, relation) == thrice
    assert once < thrice
    others = [e for e in LEAVES if accountant.supports(e, relation) and not isinstance(e, TruncatedPoissonGaussian)][:3]
    mixed = accountant.epsilon_up(Composed((leaf, *others)), delta, relation)
    assert accountant.epsilon_up(Composed((*others[::-1], leaf)), delta, relation) == mixed
    assert mixed >= once


def check_slack(accountant: AbstractAccountant, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    """Slack costs, more slack costs more, and slack near delta leaves nothing."""
    delta = Delta(1e-5)
    figures = [
        accountant.epsilon_up(leaf if s == 0 else Composed((leaf, Slack(s))), delta, relation)
        for s in (0, 2.0**-80, 1e-8)
    ]
    assert figures[0] <= figures[1] < figures[2] * (1 + 1e-9)
    assert accountant.epsilon_up(Composed((leaf, Slack(1e-5))), delta, relation) == math.inf
    assert accountant.epsilon_up(Composed((leaf, Slack(2.0**-80))), Delta(0.0), relation) == math.inf


@pairs
def test_profile(name: str, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    check_profile(EVERY[name], leaf, relation)


@pairs
def test_never_below_the_exact(name: str, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    check_never_below_the_exact(EVERY[name], leaf, relation)


@pairs
def test_noise(name: str, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    check_noise(EVERY[name], leaf, relation)


@pairs
def test_composition(name: str, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    check_composition(EVERY[name], leaf, relation)


@pairs
def test_slack(name: str, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    check_slack(EVERY[name], leaf, relation)


@pairs
def test_a_look_without_noise_spoils_everything(name: str, leaf: AbstractEvent, relation: NeighbouringRelation) -> None:
    assert EVERY[name].epsilon_up(Composed((leaf, NonPrivate("a look"))), Delta(0.9), relation) == math.inf


@pytest.mark.parametrize("name", EVERY)
def test_unknown_kinds_are_refused(name: str) -> None:
    for event in (AbstractEvent(), *(e for e in LEAVES if not EVERY[name].supports(e, RELATIONS[0]))):
        assert not EVERY[name].supports(event, RELATIONS[0])
        with pytest.raises(
            AccountingError, match=f"^The {EVERY[name].name} accountant knows no bound for an event of kind"
        ):
            EVERY[name].epsilon_up(Composed((Gaussian(1.0), event)), Delta(1e-5), RELATIONS[0])


@pytest.mark.parametrize("name", ["zcdp", "pld"])
def test_gaussians_never_below_gdp(name: str) -> None:
    for mu, delta in itertools.product((0.03, 0.3, 2.0), DELTAS):
        exact = ACCOUNTANTS[0].epsilon_up(GaussianFilter(mu), Delta(delta), RELATIONS[0])
        assert EVERY[name].epsilon_up(GaussianFilter(mu), Delta(delta), RELATIONS[0]) >= exact


@pytest.mark.parametrize("name", ["pure", "zcdp"])
@given(
    steps=st.lists(
        st.one_of(st.builds(PureDP, st.floats(1e-3, 2)), st.builds(Laplace, st.floats(0.5, 100))),
        min_size=1,
        max_size=6,
    ),
    delta=st.floats(1e-12, 0.5),
)
@settings(max_examples=60)
def test_more_steps_and_smaller_delta_never_cost_less(name: str, steps: list[AbstractEvent], delta: float) -> None:
    accountant = EVERY[name]
    figures = [
        accountant.epsilon_up(Composed(tuple(steps[: i + 1])), Delta(delta), RELATIONS[0]) for i in range(len(steps))
    ]
    assert all(a <= b * (1 + 1e-9) + 1e-9 for a, b in itertools.pairwise(figures))
    assert accountant.epsilon_up(Composed(tuple(steps)), Delta(delta / 3), RELATIONS[0]) >= figures[-1] * (1 - 1e-9)


@given(
    sigmas=st.lists(st.floats(0.3, 1e4), min_size=1, max_size=8),
    delta=st.floats(1e-15, 0.5),
    factor=st.floats(1.01, 3),
)
@settings(max_examples=100)
def test_gdp_is_monotone(sigmas: list[float], delta: float, factor: float) -> None:
    gdp, relation = ACCOUNTANTS[0], RELATIONS[0]
    event = Composed(tuple(Gaussian(s) for s in sigmas))
    noisier_event = Composed(tuple(Gaussian(s * factor) for s in sigmas))
    assert gdp.epsilon_up(noisier_event, Delta(delta), relation) <= gdp.epsilon_up(event, Delta(delta), relation)
    assert (
        gdp.epsilon_up(event, Delta(delta), relation) >= gdp.epsilon_up(event, Delta(delta * factor / 4), relation)
        or factor < 4
    )
    assert gdp.delta_up(event, Epsilon(0.5), relation) >= gdp.delta_up(event, Epsilon(0.5 * factor), relation)


# ------------------------------------------------------------------------------------------------- accountants that lie


class Liar(AbstractAccountant):
    """GDP with one fault, chosen by name."""

    name = "liar"

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def supports_leaf(self, leaf: AbstractEvent, relation: NeighbouringRelation) -> bool:
        return isinstance(leaf, Gaussian)

    def profile_of_leaves(self, leaves: Leaves, relation: NeighbouringRelation) -> AbstractProfile:
        total = sum(e.squared_mu * c for e, c in leaves.items() if isinstance(e, Gaussian))
        if self.fault == "twice the sigma":
            return GaussianProfile(Mu(math.sqrt(total) / 2))
        if self.fault == "largest leaf only":
            return GaussianProfile(Mu(math.sqrt(max(e.squared_mu for e in leaves if isinstance(e, Gaussian)))))
        if self.fault == "last leaf only":
            return GaussianProfile(Mu(math.sqrt([e.squared_mu for e in leaves if isinstance(e, Gaussian)][-1])))
        if self.fault == "noise ignored":
            return GaussianProfile(Mu(math.sqrt(sum(leaves.values()))))
        return Careless(Mu(math.sqrt(total)))


class Careless(GaussianProfile):
    """Its epsilon does not satisfy its delta."""

    def epsilon_up(self, delta: float) -> float:
        return GaussianProfile.epsilon_up(self, delta) * 0.99


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("twice the sigma", check_never_below_the_exact),
        ("largest leaf only", check_composition),
        ("last leaf only", check_composition),
        ("noise ignored", check_noise),
        ("epsilon too small", check_profile),
    ],
)
def test_liars_are_caught(fault: str, check: Callable[..., None]) -> None:
    with pytest.raises(AssertionError):
        check(Liar(fault), Gaussian(3.0), RELATIONS[0])


def test_an_accountant_fed_half_the_sigma_reports_more() -> None:
    for accountant in EVERY.values():
        if accountant.supports(Gaussian(1.0), RELATIONS[0]):
            honest = accountant.epsilon_up(Gaussian(4.0), Delta(1e-5), RELATIONS[0])
            assert accountant.epsilon_up(Gaussian(2.0), Delta(1e-5), RELATIONS[0]) > 1.9 * honest
