"""Polynomials of a column's neighbours against sums that are taken set by set."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.generators.binary.polynomial import Neighbours
from dpsynth.generators.binary.walsh import all_sets

COLUMNS = 6


@pytest.mark.parametrize("orders", [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), (2, 4)])
def test_a_polynomial_is_the_sum_over_the_sets_that_hold_the_column(orders: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    sets = {k: all_sets(COLUMNS, k)[:: 2 if k == 4 else 1] for k in orders}
    values = {k: rng.normal(size=len(s)) for k, s in sets.items()}
    rows = rng.normal(size=(COLUMNS, 7)).astype(np.float32)
    for column, polynomial in enumerate(Neighbours(COLUMNS, sets).all_polynomials(values)):
        wanted = np.zeros(7)
        for k in orders:
            for s, value in zip(sets[k].tolist(), values[k], strict=True):
                if column in s:
                    wanted += value * np.prod(rows[[j for j in s if j != column]], axis=0)
        assert polynomial.at(rows) == pytest.approx(wanted, abs=1e-4)
