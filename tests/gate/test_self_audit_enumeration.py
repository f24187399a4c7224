"""The samplers of dpsynth run on every word that matters: exact laws, exact divergences, no statistical error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from scipy import special

from dpsynth.noise import discrete_laplace, exponential, permute_and_flip, rounded_gaussian
from dpsynth.noise.entropy import AbstractEntropy
from privacy_audit.mechanisms.enumeration import enumerate_pairs, hockey_stick, law_of_inversion, small_tables
from privacy_audit.mechanisms.transcript import SelectionRelease
from privacy_audit.mechanisms.white_box import gaussian_delta

BITS = 64
"""The sampler of noise decides nearly every draw by its first 64 bits; what it reads after them is set to a half."""


class Script(AbstractEntropy):
    """Words from a list, then the middle of the range for ever."""

    private = False
    __slots__ = ("_words",)

    def __init__(self, *words: int) -> None:
        self._words = list(words)

    def words(self, count: int) -> np.ndarray:
        given = [self._words.pop(0) if self._words else 1 << 63 for _ in range(count)]
        return np.array(given, np.uint64)


def noise_law(draw, scale: float) -> dict[int, int]:
    """Weights of 2^-64: a sign bit, 15 bits of the table, 48 more bits where the table is open."""

    def at(word: int) -> int:
        first, rest = word >> 48, word & ((1 << 48) - 1)
        return int(draw(scale, 1, Script(first, rest << 16))[0])

    halves = [law_of_inversion(lambda w, s=sign: at(s << 63 | w), 63, coarse=3) for sign in (0, 1)]
    law: dict[int, int] = {}
    for half in halves:
        for value, weight in half.items():
            law[value] = law.get(value, 0) + weight
    assert sum(law.values()) == 2**BITS
    return law


def shifted(law: dict[int, int], by: int) -> dict[int, int]:
    return {value + by: weight for value, weight in law.items()}


@pytest.mark.parametrize("sigma", [0.6, 1.0, 2.5])
def test_rounded_gaussian_has_its_law_and_is_gaussian_dp(sigma) -> None:
    """Every outcome's probability, and the hockey stick at every epsilon below that of N(0, 1) against N(1 / sigma, 1)."""
    law = noise_law(rounded_gaussian, sigma)
    for k, weight in law.items():
        low, high = (abs(k) - 0.5) / sigma, (abs(k) + 0.5) / sigma
        assert weight / 2**BITS == pytest.approx(float(special.ndtr(-low) - special.ndtr(-high)), rel=1e-6, abs=2e-14)
    for epsilon in (0.0, 0.3, 1.0, 2.0, 4.0):
        exact = hockey_stick(shifted(law, 1), law, epsilon)
        assert exact <= float(gaussian_delta(epsilon, 1 / sigma)) + 1e-12
        assert exact >= 0.8 * float(gaussian_delta(epsilon, 1 / sigma)) or epsilon > 0.3 or sigma < 2  # and tight


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_discrete_laplace_is_pure(scale) -> None:
    law = noise_law(discrete_laplace, scale)
    q = math.exp(-1 / scale)
    for k, weight in law.items():
        assert weight / 2**BITS == pytest.approx((1 - q) / (1 + q) * q ** abs(k), rel=1e-6, abs=2e-14)
    assert hockey_stick(shifted(law, 1), law, 1 / scale) < 1e-14
    assert hockey_stick(shifted(law, 1), law, 0.99 / scale) > 1e-3  # control: it is tight


def exponential_law(scores, epsilon: float, sensitivity: int = 1) -> dict[int, int]:
    """The selection by one uniform number of 512 bits, of which the top 64 are run through."""

    def at(word: int) -> int:
        return exponential(
            np.array(scores), epsilon=epsilon, sensitivity=sensitivity, entropy=Script(*[1 << 63] * 7, word)
        )

    return law_of_inversion(at, BITS, coarse=3)


def score_pairs() -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Scores that all move by at most 1, in every combination of signs."""
    for base in ((0, 0, 0), (0, 1, 3)):
        for moves in np.ndindex(3, 3, 3):
            yield base, tuple(b + m - 1 for b, m in zip(base, moves, strict=True))


def test_exponential_mechanism_is_within_epsilon_and_tight() -> None:
    report = enumerate_pairs(lambda s: exponential_law(s, 1.0), score_pairs(), epsilon=1.0, delta=1e-15)
    assert report.passed
    assert report.pairs == 2 * 54
    assert 0.8 < report.worst_epsilon <= 1 + 1e-9
    assert exponential_law((0, 2), 1.0)[1] / 2**BITS == pytest.approx(math.e / (1 + math.e), rel=1e-12)
    assert not enumerate_pairs(lambda s: exponential_law(s, 2.0), score_pairs(), epsilon=1.0, delta=1e-15).passed


def flip_law(scores, epsilon: float) -> dict[int, Fraction]:
    """Permute-and-flip by all orders and, for each coin, by all of its words that matter."""
    scores = np.array(scores)
    m = len(scores)
    law: dict[int, Fraction] = {i: Fraction(0) for i in range(m)}
    thresholds = [_coin(scores, epsilon, i) for i in range(m)]
    orders = list(itertools.permutations(range(m)))
    for order in orders:
        left = Fraction(1, len(orders))
        for i in order:
            law[i] += left * thresholds[i]
            left *= 1 - thresholds[i]
        assert left == 0 or max(thresholds) < 1
    return law


def _coin(scores: np.ndarray, epsilon: float, i: int) -> Fraction:
    """P[the coin of i is heads], by running the code with i first in the order and all other coins tails."""
    m = len(scores)

    def at(word: int) -> bool:
        keys = np.full((3, m), 1 << 63, np.uint64)
        keys[2] = np.arange(1, m + 1)
        keys[2, i] = 0
        coins = np.full((3, m), 2**64 - 1, np.uint64)
        coins[0, i] = word
        flat = [int(w) for w in np.concatenate([keys.ravel(), coins.ravel()])]
        chosen = permute_and_flip(scores, epsilon=epsilon, sensitivity=1, entropy=Script(*flat))
        return chosen == i

    if scores[i] == scores.max():
        return Fraction(1)
    heads = law_of_inversion(at, BITS)
    return Fraction(heads.get(True, 0), 2**BITS)


def test_permute_and_flip_is_within_epsilon_and_has_its_law() -> None:
    report = enumerate_pairs(lambda s: flip_law(s, 1.0), score_pairs(), epsilon=1.0, delta=1e-15)
    assert report.passed
    exact = SelectionRelease(np.array([0, 1, 3]), np.array([0, 1, 3]), 1.0, law="permute_and_flip").laws()[0]
    assert [float(p) for p in flip_law((0, 1, 3), 1.0).values()] == pytest.approx(exact.tolist(), rel=1e-9)


def test_every_small_histogram_behind_the_gate(tmp_path) -> None:
    """All tables of up to 2 rows over 3 x 2 cells and every added row: exact answers move by exactly what was declared."""
    import pandas as pd

    from dpsynth.domain.unit import rows
    from dpsynth.engines.open import open_engine
    from dpsynth.gate import Distances, Marginals
    from dpsynth.gate.answers import exact_answers
    from dpsynth.generators.pairs import all_pairs
    from tests.unit.generators.support import letters

    domain = letters("ab", 2)
    queries = (
        Marginals((("a",), ("b",), ("a", "b"))),
        Distances({pair: np.ones((2, 2), np.int64) for pair in all_pairs(("a", "b"))}),
    )
    cells = list(itertools.product("01", repeat=2))
    known: dict[tuple[int, ...], list[np.ndarray]] = {}

    def answers(counts: tuple[int, ...]) -> list[np.ndarray]:
        if counts not in known:
            source = pd.DataFrame([c for c, n in zip(cells, counts, strict=True) for _ in range(n)], columns=list("ab"))
            engine = open_engine(source.astype(object), domain)
            known[counts] = [v for query in queries for v in exact_answers(engine, query)]
        return known[counts]

    assert rows(1).size == 1
    pairs = 0
    for one, other in small_tables(4, 3):
        for a, b in zip(answers(one), answers(other), strict=True):
            assert int(np.abs(a - b).sum()) == 1
        pairs += 1
    assert pairs == 35 * 4
