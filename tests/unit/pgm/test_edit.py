"""Row edits."""

import itertools

import numpy as np
import pytest

from dpsynth.pgm.edit import edit_rows

SIZES = [5, 7, 4, 6]


def table_of(rows: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    shape = tuple(SIZES[a] for a in axes)
    flat = np.ravel_multi_index(tuple(rows[:, a] for a in axes), shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(float)


def dependent_rows(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.choice(s, n, p=rng.dirichlet(np.ones(s))) for s in SIZES]).astype(np.int32)
    copied = rng.random(n) < 0.5
    rows[copied, 1] = rows[copied, 0]
    rows[copied, 3] = rows[copied, 2]
    return rows


def distance(rows: np.ndarray, targets: dict) -> float:
    n = len(rows)
    return float(np.mean([0.5 * np.abs(table_of(rows, a) - t * n / t.sum()).sum() / n for a, t in targets.items()]))


@pytest.mark.parametrize("order", [2, 3])
def test_rows_come_close_to_every_target(order: int) -> None:
    truth = dependent_rows(4_000, 0)
    targets = {axes: table_of(truth, axes) for axes in itertools.combinations(range(4), order)}
    rng = np.random.default_rng(1)
    rows = np.asfortranarray(np.column_stack([rng.permutation(truth[:, a]) for a in range(4)]))
    before = distance(rows, targets)
    reported = edit_rows(rows, SIZES, targets, np.random.default_rng(2), sweeps=40)
    assert reported == pytest.approx(distance(rows, targets))
    assert reported < 0.25 * before


def test_rows_that_meet_their_targets_are_left_alone() -> None:
    rows = np.asfortranarray(dependent_rows(1_000, 3))
    targets = {axes: table_of(rows, axes) for axes in itertools.combinations(range(4), 2)}
    kept = rows.copy()
    assert edit_rows(rows, SIZES, targets, np.random.default_rng(0)) == 0.0
    assert (rows == kept).all()


def test_values_stay_in_range_and_equal_seeds_give_equal_rows() -> None:
    truth = dependent_rows(2_000, 4)
    targets = {(0, 1): table_of(truth, (0, 1)), (3, 2): table_of(truth, (3, 2))}
    made = []
    for _ in range(2):
        rows = np.asfortranarray(dependent_rows(900, 5))
        edit_rows(rows, SIZES, targets, np.random.default_rng(6))
        assert (rows >= 0).all()
        assert (rows < SIZES).all()
        made.append(rows)
    assert (made[0] == made[1]).all()


def test_columns_without_a_target_never_change() -> None:
    rows = np.asfortranarray(dependent_rows(800, 7))
    kept = rows.copy()
    edit_rows(rows, SIZES, {(0, 1): np.ones((5, 7))}, np.random.default_rng(0))
    assert (rows[:, 2:] == kept[:, 2:]).all()
    assert (rows[:, :2] != kept[:, :2]).any()


def test_nothing_to_do() -> None:
    empty = np.zeros((0, 4), dtype=np.int32, order="F")
    assert edit_rows(empty, SIZES, {(0, 1): np.ones((5, 7))}, np.random.default_rng(0)) == 0.0
    rows = np.asfortranarray(dependent_rows(10, 8))
    assert edit_rows(rows, SIZES, {}, np.random.default_rng(0)) == 0.0
    assert edit_rows(rows, SIZES, {(0, 1): np.zeros((5, 7))}, np.random.default_rng(0)) >= 0.0
