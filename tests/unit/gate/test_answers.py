"""Packing answers, and the arithmetic between counts and measurements."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.domain.unit import rows
from dpsynth.errors import LedgerError, PlanError
from dpsynth.gate import Distances, Exponential, Marginals, RoundedGaussian, Total
from dpsynth.gate.answers import add_noise, check_query, count_draws, describe, exact_answers, pack, unpack
from dpsynth.noise.entropy import SeededEntropy
from tests.gate.support import ADD_REMOVE, FakeEngine

SIZES = {"a": 3, "b": 4}


@pytest.mark.parametrize(
    "arrays",
    [
        [np.array(7)],
        [np.zeros((2, 3), np.int64), np.array([-5, 2**62])],
        [np.array([3])],
        [np.empty((0, 4), np.int64), np.arange(4)],
    ],
)
def test_pack_round_trip(arrays) -> None:
    facts, payload = pack([a.astype(np.int64) for a in arrays])
    found = unpack(facts, payload)
    assert [f.tolist() for f in found] == [a.tolist() for a in arrays]
    assert [f.shape for f in found] == [a.shape for a in arrays]
    assert {f.dtype for f in found} == {np.dtype(np.int64)}


def test_damaged_answers_are_refused() -> None:
    facts, payload = pack([np.arange(20)])
    for bad in (b"", payload[:-3], payload[:10] + b"\0" + payload[11:], pack([np.arange(19)])[1]):
        with pytest.raises(LedgerError, match="An answer stored in the ledger is corrupt"):
            unpack(facts, bad)
    with pytest.raises(LedgerError, match="corrupt"):
        unpack(facts | {"digest": "0"}, payload)


def test_distances_are_l1_distances_of_counts_of_100() -> None:
    query = Distances({("colour",): np.array([90, 100, 105, 100]), ("size",): np.full(6, -100)})
    (scores,) = exact_answers(FakeEngine(), query)
    assert scores.tolist() == [15, 1200]
    assert scores.dtype == np.int64


def test_offsets_are_taken_before_weighing() -> None:
    query = Distances(
        {("colour",): np.array([90, 100, 105, 100]), ("size",): np.full(6, -100)},
        offsets={("colour",): 20, ("size",): -3},
        weights={("colour",): 7},
    )
    (scores,) = exact_answers(FakeEngine(), query)
    assert scores.tolist() == [7 * (15 - 20), 1203]


def test_a_heavier_score_is_chosen_with_more_noise() -> None:
    """The sensitivity that reaches the sampler is the largest weight's: gaps are judged per unit of it."""
    exact, draws = [np.array([0, 12], np.int64)], 400
    plain = Distances({("a",): np.zeros(3, int), ("b",): np.zeros(4, int)})
    heavy = Distances(plain.references, weights={("a",): 100})
    found = [
        sum(
            add_noise(exact, query, Exponential(1.0), rows(1), ADD_REMOVE, SeededEntropy(seed))[0].item()
            for seed in range(draws)
        )
        for query in (plain, heavy)
    ]
    assert found[0] > 0.95 * draws  # 1 / (1 + e^-6)
    assert 0.35 * draws < found[1] < 0.65 * draws  # 1 / (1 + e^-.06); fixed seeds


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"offsets": {("b",): 1}}, "An offset is given for b, which has no reference"),
        ({"weights": {("b",): 1}}, "A weight is given for b, which has no reference"),
        ({"offsets": {("a",): 1.5}}, r"An offset must be a whole number \(an int\); that of a is not"),
        ({"weights": {("a",): True}}, r"A weight must be a whole number \(an int\); that of a is not"),
        ({"weights": {("a",): 0}}, "A weight must be a whole number from 1 to 1048576"),
        ({"offsets": {("a",): -(2**60)}}, "The reference of a is too large"),
        ({"offsets": {("a",): 2**41}, "weights": {("a",): 2**20}}, "The reference of a is too large"),
    ],
)
def test_impossible_offsets_and_weights_are_refused(facts, message) -> None:
    check_query(Distances({("a",): np.zeros(3, int)}, offsets={("a",): 2**40}, weights={("a",): 2**19}), SIZES)
    with pytest.raises(PlanError, match=message):
        check_query(Distances({("a",): np.zeros(3, int)}, **facts), SIZES)


def test_references_of_any_integer_type_are_read_alike() -> None:
    for dtype in (np.int8, np.uint8, np.uint64, np.int64):
        query = Distances({("colour",): np.array([90, 100, 105, 100], dtype)})
        assert exact_answers(FakeEngine(), query)[0].tolist() == [15]


@pytest.mark.parametrize(
    ("query", "mechanism", "draws"),
    [
        (Total(), RoundedGaussian((1.0,)), 1),
        (Marginals((("a",), ("a", "b"))), RoundedGaussian((1.0, 1.0)), 15),
        (Distances({("a",): np.zeros(3, int), ("b",): np.zeros(4, int)}), RoundedGaussian((1.0,)), 2),
        (Distances({("a",): np.zeros(3, int), ("b",): np.zeros(4, int)}), Exponential(1.0), 2),
    ],
)
def test_draws_are_the_noisy_numbers(query, mechanism, draws) -> None:
    assert count_draws(query, mechanism, SIZES) == draws


def test_a_description_tells_questions_apart() -> None:
    noise = RoundedGaussian((1.0,))
    seen = [
        describe(Total(), noise),
        describe(Marginals((("a",),)), noise),
        describe(Marginals((("b",),)), noise),
        describe(Marginals((("a",),)), RoundedGaussian((2.0,))),
        describe(Distances({("a",): np.zeros(3, int)}), noise),
        describe(Distances({("a",): np.ones(3, int)}, offsets={("a",): 1}), noise),
        describe(Distances({("a",): np.ones(3, int)}, weights={("a",): 2}), noise),
        describe(Distances({("a",): np.ones(3, int)}), noise),
    ]
    assert all(one != two for i, one in enumerate(seen) for two in seen[:i])
    assert describe(Distances({("a",): np.ones(3, np.int32)}), noise) == seen[-1]


def test_an_unknown_mechanism_draws_nothing() -> None:
    with pytest.raises(PlanError, match="The gate knows"):
        add_noise([np.zeros(2, np.int64)], Total(), "gaussian", rows(1), ADD_REMOVE, SeededEntropy(1))  # type: ignore[arg-type]
