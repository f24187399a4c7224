"""Order betting: its expectation, blocks, the ladder, and pairs until halved noise is found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from privacy_audit.bounds.curves import GaussianCurve, approximate_curve, gaussian_ladder, gdp_mu
from privacy_audit.bounds.sequential.order_betting import (
    order_bets,
    order_betting,
    order_gains,
    order_process,
    order_shares,
    suggest_block,
)
from privacy_audit.bounds.sequential.process import log_wealth_path
from privacy_audit.errors import InputError


def test_shares_by_hand() -> None:
    inside, outside = np.array([3.0, 1.0, 2.0, 9.0, 0.0]), np.array([2.0, 1.0, 5.0, 4.0, 7.0])
    assert order_shares(inside, outside).tolist() == [1.0, 0.5, 0.0, 1.0, 0.0]
    assert order_shares(inside, outside, 2).tolist() == [(1 + 1 + 0 + 0.5) / 4, 0.5]


@pytest.mark.parametrize("curve", [GaussianCurve(0.9), approximate_curve(1.0)], ids=["gaussian", "approximate"])
@pytest.mark.parametrize("block", [1, 3])
def test_bets_are_fair_at_the_boundary(curve: object, block: int) -> None:
    generator = np.random.default_rng(0)
    inside = curve.pair(np.ones(600_000, dtype=bool), generator)  # type: ignore[attr-defined]
    outside = curve.pair(np.zeros(600_000, dtype=bool), generator)  # type: ignore[attr-defined]
    gains = order_gains(inside, outside, curve, block)  # type: ignore[arg-type]
    assert gains.mean() == pytest.approx(0.0, abs=0.003)
    assert (1 + order_bets(curve)[-1] * gains > 0).all()  # type: ignore[arg-type]


@pytest.mark.parametrize(("epsilon", "pairs"), [(1, 1250), (4, 210)])
def test_halved_noise_is_found_in_time(epsilon: float, pairs: int) -> None:
    mu = gdp_mu(epsilon, 1e-5)
    curve, generator = GaussianCurve(mu), np.random.default_rng(1)
    inside, outside = (generator.normal(sign * mu * mu / 2, mu / 2, (401, pairs)) for sign in (1, -1))
    path = log_wealth_path(order_gains(inside, outside, curve, suggest_block(curve)), order_bets(curve))
    assert (path.max(1) >= math.log(1e6)).mean() > 0.5


def test_bound_climbs_the_ladder() -> None:
    generator = np.random.default_rng(2)
    inside, outside = generator.normal(1.5, 1, 600), generator.normal(0, 1, 600)
    bound = order_betting(inside, outside, delta=1e-5, gaussian_mechanism=True)
    ladder = gaussian_ladder()
    rung = int(bound.details["refuted"]) - 1
    for curve, refuted in ((ladder[rung], True), (ladder[rung + 1], False)):
        assert order_process(curve).after(order_gains(inside, outside, curve)).rejects(0.05) is refuted
    assert 1.0 < ladder[rung].mu < 1.7
    assert bound.epsilon < bound.detectable


def test_refusals() -> None:
    with pytest.raises(InputError, match="do not pair up"):
        order_betting([1.0], [1.0, 2.0], delta=0.1, gaussian_mechanism=True)
    with pytest.raises(InputError, match="holds for Gaussian mechanisms only"):
        order_betting([1.0], [2.0], delta=0.1)
    with pytest.raises(InputError, match="holds for Gaussian mechanisms only"):
        order_betting([1.0], [2.0], delta=0.1, curves=GaussianCurve(1.0))
    with pytest.raises(InputError, match="block is 2"):
        order_betting([1.0], [2.0], delta=0.1, gaussian_mechanism=True, block=2)
