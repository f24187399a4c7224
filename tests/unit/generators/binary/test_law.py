"""Laws: rows follow the probabilities, projections sum over the rest, arrays give the law back."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.generators.binary import law as module
from dpsynth.generators.binary.law import AbstractLaw, JointLaw, RowsLaw, law_from_arrays
from tests.unit.generators.binary.support import bits


def _joint(columns: int = 5) -> JointLaw:
    return JointLaw(np.random.default_rng(0).dirichlet(np.full(2**columns, 0.5)))


LAWS: list[AbstractLaw] = [_joint(), RowsLaw(bits(3000))]


def _share(rows: np.ndarray, places: tuple[int, ...]) -> np.ndarray:
    return RowsLaw(rows).project(places)


@pytest.mark.parametrize("law", LAWS, ids=["joint", "rows"])
@pytest.mark.parametrize("n", [0, 1, 7, 3000, 5000])
def test_rows_follow_the_law(law: AbstractLaw, n: int) -> None:
    rows = law.rows(n, np.random.default_rng(1))
    assert rows.shape == (n, 5)
    assert rows.dtype == bool
    if n >= 3000:
        for places in ((0,), (1, 4), (3, 0, 2)):
            assert 0.5 * np.abs(_share(rows, places) - law.project(places)).sum() < 0.005


def test_a_projection_is_a_sum_over_the_other_columns_in_the_order_asked() -> None:
    law = _joint(3)
    table = law.probabilities.reshape(2, 2, 2)
    assert law.project((2, 0)) == pytest.approx(table.sum(axis=1).T)
    assert law.project((0, 1, 2)) == pytest.approx(table)
    assert law.project(()) == pytest.approx(1)


def test_projections_of_rows_are_shares() -> None:
    rows = bits(500)
    found = RowsLaw(rows).project((3, 1))
    assert found[1, 0] == pytest.approx(np.mean(rows[:, 3] & ~rows[:, 1]))
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("law", LAWS, ids=["joint", "rows"])
def test_arrays_give_the_law_back(law: AbstractLaw) -> None:
    again = law_from_arrays(law.kind, 5, law.arrays())
    assert again.columns == 5
    assert np.array_equal(again.rows(100, np.random.default_rng(2)), law.rows(100, np.random.default_rng(2)))


@pytest.mark.parametrize(
    ("kind", "arrays"),
    [
        ("joint", {"probabilities": np.ones(16)}),
        ("joint", {"probabilities": np.full(32, -1.0)}),
        ("joint", {"probabilities": np.full(32, np.nan)}),
        ("joint", {"probabilities": np.zeros(32)}),
        ("joint", {"probabilities": np.ones(32, np.float32)}),
        ("rows", {"base": np.zeros((0, 1), np.uint8)}),
        ("rows", {"base": np.zeros((4, 2), np.uint8)}),
        ("rows", {"base": np.zeros((4, 1))}),
        ("other", {}),
    ],
)
def test_arrays_that_are_no_law_are_refused(kind: str, arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="no "):
        law_from_arrays(kind, 5, arrays)


def test_more_rows_than_are_drawn_are_an_even_resample(monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 1000)
    law = _joint()
    rows = law.rows(2500, np.random.default_rng(3))
    assert 0.5 * np.abs(_share(rows, (0, 1)) - law.project((0, 1))).sum() < 0.01
