"""Permute-and-flip: the map from words to indices, and the privacy and utility of the law."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from dpsynth.noise import SeededEntropy, permute_and_flip
from dpsynth.noise.scores import gap_weights
from tests.unit.noise.laws import exponential_law, permute_and_flip_law
from tests.unit.noise.scripted import CountingEntropy, ScriptedEntropy

ONES = 2**64 - 1


def script(order: list[int], coins: list[int]) -> ScriptedEntropy:
    """Keys that put the candidates into this order; coins as 192-bit numbers."""
    keys = np.zeros((3, len(order)), dtype=np.uint64)
    keys[2, order] = np.arange(len(order))
    flips = [[coin >> shift & ONES for coin in coins] for shift in (128, 64, 0)]
    return ScriptedEntropy(np.concatenate([keys.ravel(), np.array(flips, dtype=np.uint64).ravel()]))


def test_the_first_heads_in_order_wins() -> None:
    scores = np.array([4, 1, 4, 0])
    weights = gap_weights(scores, 1.0, 1, 192)
    heads, tails = 0, 2**192 - 1

    def choose(order, coins):
        return permute_and_flip(scores, epsilon=1.0, sensitivity=1, entropy=script(order, coins))

    assert choose([3, 1, 0, 2], [tails, heads, tails, heads]) == 3
    assert choose([3, 1, 0, 2], [tails, heads, tails, tails]) == 1
    assert choose([3, 1, 0, 2], [tails, tails, tails, tails]) == 0  # a best candidate's coin has no tails
    assert choose([1, 2, 3, 0], [tails, tails, tails, tails]) == 2
    assert choose([1, 2, 3, 0], [tails, weights[1] - 1, tails, tails]) == 1  # the last of the 192 bits decides
    assert choose([1, 2, 3, 0], [tails, weights[1], tails, tails]) == 2


@pytest.mark.parametrize("word", [0, 1, 2])
def test_all_words_of_a_key_count(word) -> None:
    keys = np.zeros((3, 2), dtype=np.uint64)
    keys[word] = [1, 0]
    entropy = ScriptedEntropy(np.concatenate([keys.ravel(), np.zeros(6, np.uint64)]))
    assert permute_and_flip(np.array([3, 3]), epsilon=1.0, sensitivity=1, entropy=entropy) == 1


def test_the_law_is_epsilon_dp_and_no_worse_than_the_exponential_mechanism() -> None:
    worst = 0.0
    for scores in product(range(3), repeat=3):
        weights = [w / 2**192 for w in gap_weights(np.array(scores), 1.0, 1, 192)]
        here = permute_and_flip_law(weights)
        assert here @ scores >= exponential_law(weights) @ scores - 1e-12
        for moves in product((-1, 0, 1), repeat=3):
            moved = [w / 2**192 for w in gap_weights(np.add(scores, moves), 1.0, 1, 192)]
            worst = max(worst, float(np.abs(np.log(here / permute_and_flip_law(moved))).max()))
    assert 0.8 < worst <= 1 + 1e-12


def test_the_integral_of_the_proof_is_the_law() -> None:
    """P(r) = w_r times the integral over t in [0, 1] of the product of 1 - t w_s over s != r."""
    weights = [1.0, 0.3, 0.9, 0.05]
    for r, truth in enumerate(permute_and_flip_law(weights)):
        polynomial = np.polynomial.Polynomial([1.0])
        for s, weight in enumerate(weights):
            if s != r:
                polynomial *= np.polynomial.Polynomial([1.0, -weight])
        assert weights[r] * polynomial.integ()(1.0) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("scores", [[0], [7, 7, 7], list(range(100))])
def test_the_number_of_words_tells_only_how_many_candidates(scores) -> None:
    entropy = CountingEntropy(SeededEntropy(1))
    index = permute_and_flip(np.array(scores), epsilon=0.5, sensitivity=2, entropy=entropy)
    assert 0 <= index < len(scores)
    assert entropy.asked == [6 * len(scores)]


def test_a_far_better_score_is_chosen() -> None:
    for seed in range(20):
        scores = np.array([0, 10**15, 0])
        assert permute_and_flip(scores, epsilon=1.0, sensitivity=1, entropy=SeededEntropy(seed)) == 1
