"""The exponential mechanism: the map from words to indices, and the privacy of the law that it draws from."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from dpsynth.noise import SeededEntropy, exponential
from dpsynth.noise.scores import gap_weights
from tests.unit.noise.laws import exponential_law
from tests.unit.noise.scripted import CountingEntropy, ScriptedEntropy

SCORES = np.array([5, 3, -9, 5, 0])


def words_of(uniform: int) -> list[int]:
    return [uniform >> (64 * i) & (2**64 - 1) for i in range(8)]


def test_words_map_to_indices_in_order_and_in_proportion() -> None:
    weights = gap_weights(SCORES, 1.0, 1, 256)
    total, edge = sum(weights), 0
    for i, weight in enumerate(weights):
        first = -(-(edge << 512) // total)  # the least uniform number that belongs to i
        last = -(-((edge + weight) << 512) // total) - 1
        for uniform in (first, (first + last) // 2, last):
            drawn = exponential(SCORES, epsilon=1.0, sensitivity=1, entropy=ScriptedEntropy(words_of(uniform)))
            assert drawn == i
        edge += weight


def worst_ratio(coefficient_of_epsilon: float) -> float:
    """Largest log ratio of a choice's probability over all small score vectors and all neighbours, per epsilon."""
    worst = 0.0
    for scores in product(range(3), repeat=3):
        for moves in product((-1, 0, 1), repeat=3):
            here, there = (
                exponential_law([w / 2**256 for w in gap_weights(np.array(s), coefficient_of_epsilon, 1, 256)])
                for s in (scores, np.add(scores, moves))
            )
            worst = max(worst, float(np.abs(np.log(here / there)).max()))
    return worst


def test_the_law_is_epsilon_dp_for_scores_that_move_both_ways() -> None:
    assert worst_ratio(1.0) <= 1 + 1e-12
    assert worst_ratio(1.0) > 0.8  # and not far from the bound


def test_the_monotone_coefficient_would_not_be() -> None:
    assert worst_ratio(2.0) > 1.2


@pytest.mark.parametrize("scores", [[0], [7, 7, 7], list(range(100))])
def test_the_number_of_words_tells_nothing(scores) -> None:
    entropy = CountingEntropy(SeededEntropy(1))
    index = exponential(np.array(scores), epsilon=0.5, sensitivity=2, entropy=entropy)
    assert 0 <= index < len(scores)
    assert entropy.asked == [8]


def test_a_far_better_score_is_chosen() -> None:
    assert exponential(np.array([0, 10**15, 0]), epsilon=1.0, sensitivity=1, entropy=SeededEntropy(1)) == 1


def test_sensitivity_scales_the_scores() -> None:
    assert gap_weights(SCORES * 6, 1.0, 6, 256) == gap_weights(SCORES, 1.0, 1, 256)
