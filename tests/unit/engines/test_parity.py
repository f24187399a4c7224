"""Sums of parities against a loop over sets, in both ways of counting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dpsynth.engines import parity
from dpsynth.engines.parity import ParityCounter
from dpsynth.errors import PlanError


def naive(bits: np.ndarray, sets: list[tuple[int, ...]]) -> list[int]:
    signs = 1 - 2 * bits.astype(int)
    return [int(np.prod(signs[list(parity)], axis=0).sum()) for parity in sets]


@pytest.mark.parametrize(("columns", "rows", "highest"), [(0, 7, 0), (1, 9, 1), (5, 40, 5), (16, 30, 3), (17, 60, 4)])
def test_sums_equal_a_loop_over_sets(columns: int, rows: int, highest: int) -> None:
    bits = np.random.default_rng(columns).integers(0, 2, (columns, rows)).astype(np.uint8)
    sets = [s for k in range(highest + 1) for s in itertools.combinations(range(columns), k)]
    counter = ParityCounter(columns, sets)
    counter.add(list(bits), rows)
    assert counter.total().dtype == np.int64
    assert counter.total().tolist() == naive(bits, sets)


@pytest.mark.parametrize("columns", [6, 18])
def test_batches_blocks_and_the_order_of_sets_change_nothing(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "_BLOCK_NUMBERS", 200)
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, (columns, 57)).astype(np.uint8)
    sets = [(3, 1), (0,), (), (5, 2, 4), (1, 3), (0, 1, 2, 3, 4), (2, 4, 5)]
    counter = ParityCounter(columns, sets)
    for low, high in ((0, 20), (20, 20), (20, 57)):
        counter.add(list(bits[:, low:high]), high - low)
    assert counter.total().tolist() == naive(bits, sets)


def test_both_ways_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = np.random.default_rng(2).integers(0, 2, (9, 500)).astype(np.uint8)
    sets = [s for k in range(7) for s in itertools.combinations(range(9), k)]
    found = []
    for most in (16, 0):
        monkeypatch.setattr(parity, "_TABLE_COLUMNS", most)
        counter = ParityCounter(9, sets)
        counter.add(list(bits), 500)
        found.append(counter.total())
    assert np.array_equal(*found)


def test_a_block_of_equal_rows_is_exact() -> None:
    """Negative control of the precision: 2^20 equal rows are summed without a rounding error in float32."""
    rows = 2**20 + 3
    bits = np.zeros((17, rows), np.uint8)
    sets = [(0,), (0, 1), (0, 1, 2)]
    counter = ParityCounter(17, sets)
    counter.add(list(bits), rows)
    assert counter.total().tolist() == [rows] * 3


def test_no_rows() -> None:
    for columns in (3, 20):
        counter = ParityCounter(columns, [(), (0, 1)])
        counter.add([np.empty(0, np.uint8)] * columns, 0)
        assert counter.total().tolist() == [0, 0]


def test_too_many_sums_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "SUM_CAP", 100)
    with pytest.raises(PlanError, match="Parity sums of order 3 need 3,078 sums; the most is 100"):
        ParityCounter(20, list(itertools.combinations(range(20), 3)))
