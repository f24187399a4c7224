"""Sets, and the change of basis against sums that are taken one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dpsynth.generators.binary.walsh import all_sets, products, shift, shift_matrix
from tests.unit.generators.binary.support import bits, parities, subsets


def test_sets_are_the_combinations_in_order() -> None:
    assert [tuple(s) for s in all_sets(5, 3)] == list(itertools.combinations(range(5), 3))
    assert all_sets(4, 0).shape == (1, 0)


def test_products_are_products() -> None:
    factors = np.array([2.0, 3.0, 5.0])
    assert products(factors, all_sets(3, 2)).tolist() == [6, 10, 15]
    assert products(factors, all_sets(3, 0)).tolist() == [1]


def test_a_shift_is_the_sum_over_subsets() -> None:
    rng = np.random.default_rng(0)
    by = rng.normal(size=5)
    sets = {k: all_sets(5, k) for k in range(5)}
    values = {k: rng.normal(size=len(s)) for k, s in sets.items()}
    known = {tuple(s): v for k in sets for s, v in zip(sets[k].tolist(), values[k], strict=True)}
    found = shift(values, sets, by)
    for k in sets:
        for s, value in zip(sets[k].tolist(), found[k], strict=True):
            wanted = sum(known[t] * np.prod([by[j] for j in s if j not in t]) for t in subsets(tuple(s)))
            assert value == pytest.approx(wanted)


def test_a_shift_to_centres_gives_sums_of_centred_products_and_back() -> None:
    rows = bits(400)
    centres = np.random.default_rng(1).uniform(-0.9, 0.9, 5)
    sets = {k: all_sets(5, k) for k in range(5)}
    plain = {k: parities(rows, s) for k, s in sets.items()}
    found = shift(plain, sets, -centres)
    for k in sets:
        assert found[k] == pytest.approx(parities(rows, sets[k], centres))
        assert shift(found, sets, centres)[k] == pytest.approx(plain[k])


def test_only_the_highest_order_may_lack_sets() -> None:
    rows, centres = bits(200), np.full(5, 0.3)
    sets = {k: all_sets(5, k) for k in range(3)} | {3: all_sets(5, 3)[[1, 7]]}
    found = shift({k: parities(rows, s) for k, s in sets.items()}, sets, -centres)
    assert found[3] == pytest.approx(parities(rows, sets[3], centres))


def test_the_matrix_is_the_shift_without_the_empty_set() -> None:
    rng = np.random.default_rng(2)
    by = rng.normal(size=4)
    sets = {k: all_sets(4, k) for k in (1, 2, 3)}
    values = {k: rng.normal(size=len(s)) for k, s in sets.items()}
    wanted = shift({0: np.zeros(1), **values}, {0: all_sets(4, 0), **sets}, by)
    found = shift_matrix(sets, by) @ np.concatenate([values[k] for k in sets])
    assert found == pytest.approx(np.concatenate([wanted[k] for k in sets]))
