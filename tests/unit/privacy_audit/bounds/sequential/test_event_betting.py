"""Event betting: fair at the boundary, finds leaks, golden pairs of the table it is measured against."""

from __future__ import annotations

import math

import numpy as np
import pytest

from privacy_audit.bounds.sequential.event_betting import (
    best_event_bet,
    event_bets,
    event_betting,
    event_gains,
    event_process,
)
from privacy_audit.bounds.sequential.process import log_wealth_path
from privacy_audit.errors import InputError


@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 0.0), (1.0, 0.0), (1.0, 0.05), (4.0, 1e-5)])
def test_bets_are_fair_at_the_boundary_and_never_ruin(epsilon: float, delta: float) -> None:
    outside = 0.01
    inside = math.exp(epsilon) * outside + delta
    outcomes = [(x, y) for x in (0, 1) for y in (0, 1)]
    gains = event_gains(np.array([x for x, _ in outcomes]), np.array([y for _, y in outcomes]), epsilon, delta)
    chances = [(inside if x else 1 - inside) * (outside if y else 1 - outside) for x, y in outcomes]
    assert np.dot(gains, chances) == pytest.approx(0.0, abs=1e-12)
    for bet in (*event_bets(epsilon, delta), *best_event_bet(inside, outside / 2, epsilon, delta)):
        assert (1 + bet * gains > 0).all()


def test_process_and_bound_agree() -> None:
    generator = np.random.default_rng(0)
    hits, strays = generator.random(800) < 0.5, generator.random(800) < 0.5 * math.exp(-2)
    bound = event_betting(hits, strays, delta=0.0)
    assert 0.9 < bound.epsilon < 2.0 < bound.detectable
    below = event_process(bound.epsilon, 0.0).after(event_gains(hits, strays, bound.epsilon, 0.0))
    above = event_process(bound.epsilon + 0.05, 0.0).after(event_gains(hits, strays, bound.epsilon + 0.05, 0.0))
    assert below.rejects(0.05)
    assert not above.rejects(0.05)


@pytest.mark.parametrize(("claim", "alpha", "golden"), [(1, 0.05, (52, 129)), (1, 1e-3, (137, 241))])
def test_pairs_to_detect_are_golden(claim: float, alpha: float, golden: tuple[int, int]) -> None:
    generator = np.random.default_rng(1)
    inside, outside = 0.5, 0.5 * math.exp(-2)
    hits, strays = generator.random((3_000, 600)) < inside, generator.random((3_000, 600)) < outside
    path = log_wealth_path(event_gains(hits, strays, claim, 0.0), best_event_bet(inside, outside, claim, 0.0))
    reached = path >= -math.log(alpha)
    first = np.where(reached.any(1), reached.argmax(1) + 1.0, np.inf)
    assert np.median(first) == pytest.approx(golden[0], rel=0.15)
    assert np.quantile(first, 0.9) == pytest.approx(golden[1], rel=0.15)


def test_refusals() -> None:
    with pytest.raises(InputError, match="No pairs"):
        event_betting([], [], delta=0.0)
    with pytest.raises(InputError, match="not 3 zeros and ones"):
        event_betting([0, 1, 1], [0, 1], delta=0.0)
