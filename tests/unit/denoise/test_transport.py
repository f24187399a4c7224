"""Projection on tables with given margins."""

import numpy as np
import pytest
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


def random_problem(seed: int, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.full(shape[0] * shape[1], 0.5)).reshape(shape) * 1000
    return truth + rng.normal(0, 20, shape), truth.sum(1), truth.sum(0)


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (5, 2)])
@pytest.mark.parametrize("seed", range(4))
def test_no_feasible_table_is_nearer_than_a_general_solver_finds(seed: int, shape: tuple[int, int]) -> None:
    noisy, rows, columns = random_problem(seed, shape)
    margins = [{"type": "eq", "fun": lambda x, i=i: x.reshape(shape)[i].sum() - rows[i]} for i in range(shape[0])]
    margins += [
        {"type": "eq", "fun": lambda x, j=j: x.reshape(shape)[:, j].sum() - columns[j]} for j in range(shape[1] - 1)
    ]
    best = minimize(
        lambda x: ((x - noisy.ravel()) ** 2).sum(),
        (np.outer(rows, columns) / rows.sum()).ravel(),
        jac=lambda x: 2 * (x - noisy.ravel()),
        bounds=[(0, None)] * noisy.size,
        constraints=margins,
        options={"maxiter": 500},
    )
    found = project_transport(noisy, rows, columns)
    assert ((found - noisy) ** 2).sum() <= best.fun * 1.01 + 0.5


@pytest.mark.parametrize("seed", range(5))
def test_the_projection_is_nearer_to_a_truth_with_these_margins(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.full(60, 0.3)).reshape(6, 10) * 5000
    noisy = truth + rng.normal(0, 40, truth.shape)
    found = project_transport(noisy, truth.sum(1), truth.sum(0))
    assert np.linalg.norm(found - truth) < np.linalg.norm(noisy - truth)


def test_empty_rows_and_columns_stay_empty() -> None:
    rows, columns = np.array([0.0, 60.0, 40.0]), np.array([100.0, 0.0])
    table = project_transport(np.full((3, 2), 30.0), rows, columns)
    assert np.allclose(table, [[0, 0], [60, 0], [40, 0]], atol=1e-6)
    assert np.isfinite(rake_pair(np.zeros((2, 2)), np.zeros(2), np.zeros(2))).all()


def test_raking_keeps_odds_ratios() -> None:
    """Scaling rows and columns changes no odds ratio; adding to cells does."""
    table = np.array([[10.0, 20.0], [30.0, 90.0]])
    raked = rake_pair(table, np.array([70.0, 80.0]), np.array([50.0, 100.0]), sweeps=200)

    def ratio(t: np.ndarray) -> float:
        return float(t[0, 0] * t[1, 1] / (t[0, 1] * t[1, 0]))

    assert ratio(raked) == pytest.approx(ratio(table), rel=1e-6)
    assert ratio(table + 5) != pytest.approx(ratio(table), rel=1e-2)
