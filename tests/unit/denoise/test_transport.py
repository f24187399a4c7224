"""Projection on tables with given margins."""

import numpy as np
from scipy.optimize import minimize

from dpsynth.denoise import project_transport
from dpsynth.denoise.transport import rake_pair


def test_margins_hold_and_nothing_is_negative() -> None:
    rng = np.random.default_rng(0)
    for shape in ((2, 2), (5, 3), (20, 31), (1, 4)):
        rows, columns = rng.random(shape[0]) + 0.1, rng.random(shape[1]) + 0.1
        rows, columns = 1000 * rows / rows.sum(), 1000 * columns / columns.sum()
        table = project_transport(rng.normal(50, 80, shape), rows, columns)
        assert (table >= 0).all()
        assert np.allclose(table.sum(0), columns, rtol=1e-9)  # columns are scaled last
        assert np.allclose(table.sum(1), rows, rtol=0.02)


def test_equals_a_general_solver_on_a_small_table() -> None:
    rng = np.random.default_rng(3)
    noisy = rng.normal(20, 25, (3, 3))
    rows, columns = np.array([60.0, 30.0, 90.0]), np.array([80.0, 50.0, 50.0])
    constraints = [{"type": "eq", "fun": lambda x, i=i: x.reshape(3, 3)[i].sum() - rows[i]} for i in range(3)]
    constraints += [{"type": "eq", "fun": lambda x, j=j: x.reshape(3, 3)[:, j].sum() - columns[j]} for j in range(2)]
    start = np.outer(rows, columns).ravel() / 180
    best = minimize(
        lambda x: ((x - noisy.ravel()) ** 2).sum(), start, bounds=[(0, None)] * 9, constraints=constraints, tol=1e-10
    )
    assert np.allclose(project_transport(noisy, rows, columns), best.x.reshape(3, 3), atol=0.1)


def test_a_table_with_the_right_margins_stays() -> None:
    table = np.array([[10.0, 20.0], [30.0, 40.0]])
    assert np.allclose(project_transport(table, table.sum(1), table.sum(0)), table, atol=1e-6)
    assert np.allclose(rake_pair(table, table.sum(1), table.sum(0)), table, atol=1e-6)
