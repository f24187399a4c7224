"""Exact divergences of tiny mechanisms against closed forms."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.enumeration import (
    enumerate_pairs,
    epsilon_of,
    hockey_stick,
    law_of_inversion,
    small_tables,
    trade_off,
)


def _response(bit: int, truth: Fraction) -> dict[int, Fraction]:
    """Randomized response."""
    return {bit: truth, 1 - bit: 1 - truth}


def _geometric(count: int, scale: float, most: int = 60) -> dict[int, float]:
    q = math.exp(-1 / scale)
    law = {k: (1 - q) / (1 + q) * q ** abs(k - count) for k in range(-most, most + 1)}
    rest = 1 - sum(law.values())
    law[-most] += rest / 2
    law[most] += rest / 2
    return law


def test_randomized_response_is_exact() -> None:
    p, q = _response(0, Fraction(3, 4)), _response(1, Fraction(3, 4))
    assert epsilon_of(p, q) == pytest.approx(math.log(3), abs=1e-12)
    assert hockey_stick(p, q, 0.0) == 0.5
    assert hockey_stick(p, q, math.log(2)) == pytest.approx(0.75 - 2 * 0.25)
    assert hockey_stick(p, q, 2.0) == 0


def test_epsilon_at_a_delta_inverts_the_divergence() -> None:
    p, q = _response(0, Fraction(9, 10)), _response(1, Fraction(9, 10))
    for delta in (0.01, 0.3, 0.79):
        assert hockey_stick(p, q, epsilon_of(p, q, delta)) == pytest.approx(delta, abs=1e-9)
    assert epsilon_of(p, q, 0.8) == 0.0


def test_an_outcome_that_one_world_cannot_produce() -> None:
    p, q = {"a": 9, "b": 1}, {"a": 10}
    assert hockey_stick(p, q, math.inf) == 0.1
    assert epsilon_of(p, q, 0.05) == math.inf
    assert epsilon_of(p, q, 0.1) == 0.0
    assert epsilon_of(q, p) == pytest.approx(math.log(10 / 9))


def test_integer_weights_of_another_unit_are_the_same_law() -> None:
    assert hockey_stick({"a": 3, "b": 1}, {"a": 10, "b": 30}, 0.5) == hockey_stick(
        {"a": Fraction(3, 4), "b": Fraction(1, 4)}, {"a": Fraction(1, 4), "b": Fraction(3, 4)}, 0.5
    )


def test_discrete_laplace_meets_its_claim_and_half_the_noise_does_not() -> None:
    pairs = [(0, 1), (3, 4)]
    good = enumerate_pairs(lambda n: _geometric(n, 2.0), pairs, epsilon=0.5, delta=1e-12)
    assert good.passed
    assert good.pairs == 4
    assert good.worst_epsilon == pytest.approx(0.5, abs=1e-6)
    bad = enumerate_pairs(lambda n: _geometric(n, 1.0), pairs, epsilon=0.5, delta=1e-12)
    assert not bad.passed
    assert bad.worst_epsilon == pytest.approx(1.0, abs=1e-6)
    assert json.loads(json.dumps(bad.to_dict()))["passed"] is False


def test_trade_off_of_randomized_response() -> None:
    alpha, beta = trade_off(_response(0, Fraction(3, 4)), _response(1, Fraction(3, 4)))
    assert np.allclose(alpha, [0, 0.25, 1])
    assert np.allclose(beta, [1, 0.25, 0])


def test_small_tables_are_all_neighbours() -> None:
    pairs = list(small_tables(3, 2))
    assert len(pairs) == 10 * 3
    assert all(sum(b) - sum(a) == 1 for a, b in pairs)
    assert len(set(pairs)) == len(pairs)


def test_the_law_of_a_sampler_by_all_its_words() -> None:
    edges = [5, 9, 200, 201]

    def draw(word: int) -> int:
        return int(np.searchsorted(edges, word, side="right"))

    assert law_of_inversion(draw, 8) == {0: 5, 1: 4, 2: 191, 3: 1, 4: 55}
    tried: set[int] = set()
    law_of_inversion(lambda w: tried.add(w) or draw(w >> 40), 48)
    assert len(tried) < 400


def test_equal_ends_are_not_trusted_below_the_coarse_cut() -> None:
    """A word in the middle gives another outcome; only a cut sees it."""

    def draw(word: int) -> str:
        return "odd" if word == 100 else "usual"

    assert law_of_inversion(draw, 8) == {"usual": 256}
    assert law_of_inversion(draw, 8, coarse=8) == {"usual": 255, "odd": 1}


@pytest.mark.parametrize(
    ("law", "words"),
    [({}, "needs outcomes"), ({"a": -1, "b": 2}, "at least 0"), ({"a": 0.5}, "sum to 0.5"), ({"a": 0}, "sums to 0")],
)
def test_what_is_no_law(law, words) -> None:
    with pytest.raises(InputError, match=words):
        hockey_stick(law, {"a": 1}, 1.0)


def test_other_refusals() -> None:
    with pytest.raises(InputError, match="epsilon must be at least 0"):
        hockey_stick({"a": 1}, {"a": 1}, -1.0)
    with pytest.raises(InputError, match="no pair"):
        enumerate_pairs(lambda n: {n: 1}, [], epsilon=1.0)
