"""The explicit joint against brute force: moments met, penalty at its optimum, degenerate tables."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dpsynth.generators.binary import explicit
from dpsynth.generators.binary.explicit import climb, posterior_mode
from dpsynth.generators.binary.sums import Sums
from dpsynth.generators.binary.walsh import all_sets
from tests.unit.generators.binary.support import bits, exact_sums, parities


def _cells(columns: int) -> np.ndarray:
    return np.array(list(itertools.product([False, True], repeat=columns)))


def _moments(probabilities: np.ndarray, columns: int, order: int) -> np.ndarray:
    signs = 1 - 2.0 * _cells(columns)
    return np.array([probabilities @ np.prod(signs[:, s], axis=1) for s in all_sets(columns, order)])


def test_without_noise_the_joint_has_the_moments_of_the_table() -> None:
    rows = bits(4000, 4)
    sums = exact_sums(rows, 3, 1.0)
    start = climb(sums, last=True)
    found = posterior_mode(sums, start)
    assert found.sum() == pytest.approx(1)
    for probabilities in (start.probabilities, found):
        for order in (1, 2, 3):
            wanted = parities(rows, all_sets(4, order)) / 4000
            assert _moments(probabilities, 4, order) == pytest.approx(wanted, abs=3e-3)


def test_it_is_the_joint_of_largest_entropy_with_its_moments() -> None:
    """Against brute force by iterative proportional fitting of all pairs."""
    rows = bits(4000, 4)
    sums = exact_sums(rows, 2, 1e-4)
    found = climb(sums, last=True).probabilities
    index = rows @ (1 << np.arange(3, -1, -1))
    table = np.bincount(index, minlength=16).reshape((2,) * 4) / 4000
    fitted = np.full((2,) * 4, 1 / 16)
    for _ in range(500):
        for pair in itertools.combinations(range(4), 2):
            others = tuple(a for a in range(4) if a not in pair)
            fitted = fitted * table.sum(axis=others, keepdims=True) / fitted.sum(axis=others, keepdims=True)
    assert found == pytest.approx(fitted.reshape(-1), abs=1e-4)


def test_the_last_order_may_be_looked_at_and_left_out() -> None:
    sums = exact_sums(bits(4000, 4), 3, 1.0)
    seen = climb(sums, last=False)
    assert set(seen.priors) == {1, 2, 3}
    assert len(seen.theta) == 4 + 6


@pytest.mark.parametrize("value", [False, True])
@pytest.mark.parametrize("variance", [1e-4, 1.0, 1e4])
def test_a_constant_table_comes_out_constant(value: bool, variance: float) -> None:
    sums = exact_sums(np.full((1000, 4), value), 4, variance)
    found = posterior_mode(sums, climb(sums, last=True))
    assert np.isfinite(found).all()
    assert found[-1 if value else 0] > (0.99 if variance <= 1 else 0.5)


def test_noise_as_large_as_the_table_gives_a_joint_that_is_nearly_even() -> None:
    sums = exact_sums(bits(50, 4), 2, 1e8)
    found = posterior_mode(sums, climb(sums, last=True))
    assert found == pytest.approx(np.full(16, 1 / 16), abs=0.01)


def test_equal_columns_stay_equal() -> None:
    rows = np.repeat(bits(2000, 1), 4, axis=1)
    sums = exact_sums(rows, 4, 4.0)
    found = posterior_mode(sums, climb(sums, last=True))
    assert found[0] + found[-1] > 0.97


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_columns_that_repeat_each_other_stay_on_their_cells_in_few_steps(share: float, monkeypatch) -> None:
    """Two columns, five copies of each: 4 of 1,024 cells hold all rows, and the covariance has rank 3."""
    rng = np.random.default_rng(0)
    two = rng.random((1000, 2)) < (share, 0.4)
    rows = np.repeat(two, 5, axis=1)
    exact = exact_sums(rows, 3, 4.0)
    values = {k: v + (rng.normal(0, 2, len(v)) if k else 0) for k, v in exact.values.items()}
    sums = Sums(10, values, exact.variances)
    plain, steps = explicit._conjugate_gradients, []

    def counted(*arguments):
        move, taken = plain(*arguments)
        steps.append(taken)
        return move, taken

    monkeypatch.setattr(explicit, "_conjugate_gradients", counted)
    found = posterior_mode(sums, climb(sums, last=True)).reshape(32, 32)
    assert sum(steps) < 1000  # the diagonal alone takes thousands
    corners = found[np.ix_([0, 31], [0, 31])]
    wanted = np.bincount(two @ (2, 1), minlength=4).reshape(2, 2) / 1000
    assert corners == pytest.approx(wanted, abs=0.01)
