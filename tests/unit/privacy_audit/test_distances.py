"""Neighbours against the float64 loop over all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privacy_audit.distances import Metric, nearest, nearest_others, pair_distances
from privacy_audit.errors import InputError
from privacy_audit.frames import Table, align

METRICS: tuple[Metric, ...] = ("gower", "hamming", "l2")


def naive(queries: Table, pool: Table, k: int, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """One pair and one column at a time."""
    x, y = queries.scaled(), pool.scaled()
    columns = len(queries.columns)
    matrix = np.empty((queries.rows, pool.rows))
    for i in range(queries.rows):
        for j in range(pool.rows):
            total = float(np.sum(queries.codes[i] != pool.codes[j]))
            for c in range(x.shape[1]):
                a, b = x[i, c], y[j, c]
                if np.isnan(a) or np.isnan(b):
                    gap = float(np.isnan(a) != np.isnan(b))
                elif metric == "hamming":
                    gap = float(queries.numbers[i, c] != pool.numbers[j, c])
                else:
                    gap = abs(a - b)
                total += gap * gap if metric == "l2" else gap
            matrix[i, j] = np.sqrt(total) if metric == "l2" else total / columns
    rounded = matrix.round(12)
    order = np.argsort(rounded, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(matrix, order, 1), order


def mixed(n: int, seed: int, *, gaps: bool = True, kind: str = "mixed") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    numbers = {f"n{i}": rng.normal(size=n) * 10.0**i for i in range(4)} | {"age": rng.integers(17, 40, n).astype(float)}
    texts = {f"c{i}": rng.choice([f"v{j}" for j in range(2 + 100 * i)], n) for i in range(4)}
    data = numbers if kind == "number" else texts if kind == "category" else numbers | texts
    frame = pd.DataFrame(data)
    return frame.mask(pd.DataFrame(rng.random(frame.shape) < 0.1, columns=frame.columns)) if gaps else frame


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["mixed", "number", "category"])
@pytest.mark.parametrize("gaps", [False, True])
def test_equals_the_loop_over_all_pairs(metric: Metric, kind: str, gaps: bool) -> None:
    tables = align(mixed(13, 1, gaps=gaps, kind=kind), mixed(60, 2, gaps=gaps, kind=kind))
    for k in (1, 5, 60, 200):
        found = nearest(tables.real, tables.synthetic, k, metric=metric)
        distances, _ = naive(tables.real, tables.synthetic, min(k, 60), metric)
        np.testing.assert_allclose(found.distances, distances, atol=1e-12)
        again = pair_distances(
            tables.real, tables.synthetic, np.repeat(np.arange(13), min(k, 60)), found.indices.ravel(), metric
        )
        np.testing.assert_array_equal(again.reshape(13, -1), found.distances)
        assert all(len(set(row)) == min(k, 60) for row in found.indices.tolist())


@pytest.mark.parametrize("metric", METRICS)
def test_few_values_with_many_ties_and_twins(metric: Metric) -> None:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.choice(["a", "b"], (400, 5)), columns=list("vwxyz"))
    tables = align(rows[:30], rows[30:])
    found = nearest(tables.real, tables.synthetic, 40, metric=metric)
    distances, indices = naive(tables.real, tables.synthetic, 40, metric)
    np.testing.assert_allclose(found.distances, distances, atol=1e-12)
    np.testing.assert_array_equal(found.indices, indices)


def test_wide_binary_rows_keep_the_lowest_of_tied_indices() -> None:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(rng.choice(["a", "b"], (1010, 16)))
    tables = align(rows[:10], rows[10:])
    found = nearest(tables.real, tables.synthetic, 3, metric="hamming")
    distances, indices = naive(tables.real, tables.synthetic, 3, "hamming")
    np.testing.assert_allclose(found.distances, distances, atol=1e-12)
    np.testing.assert_array_equal(found.indices, indices)


def test_near_ties_below_single_precision_are_told_apart() -> None:
    base = 0.5 + np.arange(1, 200) * 1e-10
    pool = pd.DataFrame({"x": np.concatenate([base[::-1], [0.0, 1.0]])})
    tables = align(pd.DataFrame({"x": [0.5]}), pool)
    found = nearest(tables.real, tables.synthetic, 3)
    assert found.indices[0].tolist() == [198, 197, 196]


def test_others_leave_the_row_itself_out() -> None:
    tables = align(mixed(60, 1), mixed(5, 2))
    double = tables.real.select(np.repeat(np.arange(30), 2))
    assert (nearest_others(double, 1).distances == 0).all()
    found = nearest_others(tables.real, 3)
    assert (found.indices != np.arange(60)[:, None]).all()
    distances, _ = naive(tables.real, tables.real, 4, "gower")
    np.testing.assert_allclose(found.distances, distances[:, 1:], atol=1e-12)
    many = tables.real.select(np.zeros(20, np.int64))
    assert (nearest_others(many, 2).distances == 0).all()


def test_threads_change_nothing() -> None:
    tables = align(mixed(200, 1), mixed(300, 2))
    one, two = (nearest(tables.real, tables.synthetic, 4, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.indices, two.indices)
    np.testing.assert_array_equal(one.distances, two.distances)


def test_wrong_calls_raise() -> None:
    tables = align(mixed(20, 1), mixed(20, 2))
    with pytest.raises(InputError, match="Both must be at least 1"):
        nearest(tables.real, tables.synthetic, 0)
    with pytest.raises(InputError, match="other columns"):
        nearest(tables.real.restrict(["age"]), tables.synthetic)
    with pytest.raises(InputError, match="fewer than two"):
        nearest_others(tables.real.select(np.array([0])))


def test_rows_that_are_all_equally_far_keep_the_lowest_indices() -> None:
    rng = np.random.default_rng(5)
    tables = align(pd.DataFrame(rng.random((3, 4))), pd.DataFrame(rng.random((3000, 4))))
    twins = tables.synthetic.select(np.concatenate([[2999, 7, 7], np.arange(2999)]))
    for k in (1, 4):
        found = nearest(tables.real, twins, k, metric="hamming")
        assert (found.distances == 1.0).all()
        assert found.indices.tolist() == [list(range(k))] * 3
