"""Bit flips reach their targets, and do not depend on how a machine adds."""

from __future__ import annotations

import numpy as np

from dpsynth.generators.binary import flips
from dpsynth.generators.binary.flips import flip_rows
from dpsynth.generators.binary.walsh import all_sets
from tests.unit.generators.binary.support import bits, parities

WEIGHTS = {1: 4.0, 2: 1.0, 3: 0.5, 4: 0.25}


def _errors(orders: int, columns: int = 7, n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Errors before and after flips of independent rows toward the parities of dependent ones."""
    rows = bits(n, columns)
    rng = np.random.Generator(np.random.PCG64(0))
    signs = np.stack([rng.permutation(1 - 2.0 * rows[:, j]) for j in range(columns)]).astype(np.float32)
    sets = {k: all_sets(columns, k) for k in range(1, orders + 1)}
    targets = {k: parities(rows, s) for k, s in sets.items()}

    def error() -> np.ndarray:
        return np.concatenate([parities(signs.T < 0, sets[k]) - targets[k] for k in sets])

    before = error()
    flip_rows(signs, sets, targets, WEIGHTS, rng, sweeps=60)
    assert set(np.unique(signs)) == {-1, 1}
    return before, error()


def test_flips_reach_targets_that_rows_can_have() -> None:
    for orders in (2, 3, 4):
        before, after = _errors(orders)
        assert np.sqrt(np.mean(before**2)) > 40
        assert np.sqrt(np.mean(after**2)) < 6


def test_rows_that_meet_their_targets_stay() -> None:
    rows = bits(500)
    sets = {k: all_sets(5, k) for k in (1, 2)}
    signs = (1 - 2.0 * rows.T).astype(np.float32)
    before = signs.copy()
    targets = {k: parities(rows, s) for k, s in sets.items()}
    assert flip_rows(signs, sets, targets, WEIGHTS, np.random.default_rng(0), sweeps=9) == 1
    assert np.array_equal(signs, before)


def test_pulls_lie_on_a_grid_on_which_sums_are_exact() -> None:
    pull = {1: np.array([1e9 / 3]), 2: np.linspace(-1e7, 1e7, 500) + 0.1}
    found = flips._on_a_grid(pull)
    values = np.concatenate([found[1], found[2]])
    step = 2.0 ** np.ceil(np.log2(sum(np.abs(v).sum() for v in pull.values()) / flips._EXACT))
    assert np.array_equal(values % step, np.zeros(501))
    single = values.astype(np.float32)
    assert single[::-1].cumsum(dtype=np.float32)[-1] == single.cumsum(dtype=np.float32)[-1] == values.sum()
