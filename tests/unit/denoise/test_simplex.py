"""Projection on the simplex against a brute-force check of optimality."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.denoise.simplex import project_simplex, project_simplex_rows

VALUES = st.lists(st.floats(-50, 50), min_size=1, max_size=12)


@given(VALUES, st.floats(0.1, 200))
def test_projection_is_feasible_and_satisfies_the_optimality_conditions(values: list[float], total: float) -> None:
    y = np.array(values)
    x = project_simplex(y, total)
    assert (x >= 0).all()
    assert np.isclose(x.sum(), total, rtol=1e-9)
    shift = (y - x)[x > 1e-9]
    assert np.allclose(shift, shift[0], atol=1e-6)  # active cells are all moved by the same amount
    assert (y[x <= 1e-9] <= shift[0] + 1e-6).all()  # and clipped cells would have gone below zero


def test_a_point_of_the_simplex_stays() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert np.allclose(project_simplex(x, 10.0), x)


def test_rows_are_projected_alone() -> None:
    y = np.array([[5.0, -1.0, 2.0], [0.0, 0.0, 9.0]])
    x, _ = project_simplex_rows(y, np.array([4.0, 3.0]))
    assert np.allclose(x[0], project_simplex(y[0], 4.0))
    assert np.allclose(x[1], project_simplex(y[1], 3.0))


def bisected(values: np.ndarray, total: float) -> np.ndarray:
    """A plain twin: the shift by halving an interval."""
    low, high = values.min() - total, values.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(values - middle, 0).sum() > total else (low, middle)
    return np.maximum(values - high, 0)


@given(VALUES, st.floats(0.1, 200))
def test_equals_the_plain_twin(values: list[float], total: float) -> None:
    assert np.allclose(project_simplex(np.array(values), total), bisected(np.array(values), total), atol=1e-7)


@given(VALUES, st.floats(0.1, 200), st.integers(0, 2**32 - 1))
def test_no_other_point_of_the_simplex_is_nearer(values: list[float], total: float, seed: int) -> None:
    y = np.array(values)
    others = np.random.default_rng(seed).dirichlet(np.ones(len(y)), 50) * total
    assert ((project_simplex(y, total) - y) ** 2).sum() <= ((others - y) ** 2).sum(axis=1).min() + 1e-6


def test_nothing_to_share_out() -> None:
    assert project_simplex(np.array([3.0, -1.0]), 0.0) == pytest.approx([0.0, 0.0])
