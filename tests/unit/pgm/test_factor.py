"""Tables with named axes."""

from itertools import combinations

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.pgm.factor import AxisSum, Factor, contract, expand, marginalize


def table(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).random(shape)


def test_expand_lines_axes_up_by_name() -> None:
    values = table(2, 3)
    view = expand(values, ("a", "b"), ("b", "c", "a"))
    assert view.shape == (3, 1, 2)
    assert np.array_equal(view[:, 0, :], values.T)
    assert np.shares_memory(view, values)


def test_expand_of_a_single_number_is_all_ones_wide() -> None:
    assert expand(np.array(5.0), (), ("a", "b")).shape == (1, 1)


def test_marginalize_sums_and_reorders() -> None:
    values = table(2, 3, 4)
    assert np.allclose(marginalize(values, ("a", "b", "c"), ("c", "a")), values.sum(axis=1).T)
    assert marginalize(values, ("a", "b", "c"), ()) == pytest.approx(values.sum())


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3), (40, 2, 3), (2, 2, 2, 2, 2), (1, 5, 1, 3), (33, 4, 2, 3)])
def test_axis_sum_equals_numpy_for_every_choice_of_axes(shape: tuple[int, ...]) -> None:
    values = table(*shape)
    for count in range(len(shape) + 1):
        for drop in combinations(range(len(shape)), count):
            assert np.allclose(AxisSum(shape, drop)(values), values.sum(axis=drop), rtol=1e-13)


@pytest.mark.parametrize("keep", ["", "a", "ab", "ac", "abc", "abcd", "d", "bd"])
def test_contract_equals_the_naive_product_and_sum(keep: str) -> None:
    left, right = Factor(("a", "b", "c"), table(2, 3, 4)), Factor(("c", "d", "b"), table(4, 5, 3))
    found = contract(left, right, set(keep), 1000)
    assert set(found.clique) == set(keep)
    expected = np.einsum(f"abc,cdb->{''.join(found.clique)}", left.values, right.values)
    assert np.allclose(found.values, expected, rtol=1e-13)


def test_contract_sums_columns_that_only_one_side_has_before_the_product() -> None:
    left, right = Factor(("a", "b"), table(2, 3)), Factor(("b", "c"), table(3, 4))
    found = contract(left, right, set(), 1)
    assert found.values == pytest.approx(float((left.values.sum(0) * right.values.sum(1)).sum()))


def test_contract_refuses_a_table_above_the_cap() -> None:
    left, right = Factor(("a", "b"), table(20, 3)), Factor(("b", "c"), table(3, 30))
    with pytest.raises(PlanError, match=r"needs a table over a, c.\nThat table has 600 cells; the cap is 599."):
        contract(left, right, {"a", "c"}, 599)
    assert contract(left, right, {"a", "c"}, 600).values.shape == (20, 30)
