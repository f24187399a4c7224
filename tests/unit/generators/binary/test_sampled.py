"""The particle path against the explicit one on a table that both can carry."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.generators.binary.law import RowsLaw
from dpsynth.generators.binary.sampled import finish, look
from dpsynth.generators.binary.sums import Sums
from tests.unit.generators.binary.support import bits, exact_sums


def _noisy(rows: np.ndarray, orders: int, sigma: float) -> Sums:
    exact = exact_sums(rows, orders, sigma**2)
    rng = np.random.default_rng(0)
    values = {k: v + rng.normal(0, sigma, len(v)) for k, v in exact.values.items()}
    return Sums(exact.columns, values, exact.variances)


@pytest.mark.parametrize("orders", [2, 3, 4])
def test_rows_have_the_marginals_of_the_measured_orders(orders: int) -> None:
    rows = bits(4000, 6)
    sums = _noisy(rows, orders, 10.0)
    made, priors = finish(sums, look(sums))
    assert set(priors) == set(range(1, orders + 1))
    assert len(made) == pytest.approx(4000, abs=40)
    for places in ((0, 1, 2), (2, 3, 4), (1, 3, 5))[:: 1 if orders > 2 else 3]:
        if orders > 2:
            assert 0.5 * np.abs(RowsLaw(made).project(places) - RowsLaw(rows).project(places)).sum() < 0.012
    for pair in ((0, 1), (2, 4), (3, 5)):
        assert 0.5 * np.abs(RowsLaw(made).project(pair) - RowsLaw(rows).project(pair)).sum() < 0.008


def test_it_is_a_function_of_the_answers() -> None:
    sums = _noisy(bits(1000, 5), 3, 10.0)
    one, two = (finish(sums, look(sums))[0] for _ in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("sigma", [1.0, 1e6])
def test_constant_columns_and_much_noise_do_not_break_it(sigma: float) -> None:
    made, _ = finish(sums := _noisy(np.zeros((300, 5), bool), 3, sigma), look(sums))
    assert made.shape[1] == 5
    if sigma == 1.0:
        assert made.mean() < 0.02
