"""Closures and their weights against the sums that define them."""

from __future__ import annotations

import itertools

import pytest

from dpsynth.errors import PlanError
from dpsynth.generators.aim.workload import CLOSURE_CAP, check_workload, closure_of, default_workload

NAMES = tuple("abcdef")


def weights_by_definition(workload) -> dict[frozenset[str], float]:
    """w_r = sum over s of c_s |r and s|, for every non-empty subset r of a clique."""
    closure = {
        frozenset(part)
        for clique in workload
        for size in range(1, len(clique) + 1)
        for part in itertools.combinations(clique, size)
    }
    return {r: sum(c * len(r & set(s)) for s, c in workload.items()) for r in closure}


@pytest.mark.parametrize(
    "workload",
    [
        default_workload(NAMES),
        {("a", "b"): 1.0, ("c", "b", "f"): 3.0, ("e",): 2.0},
        {("a", "b"): 0.5, ("b", "c"): 1.5},
        {("d", "c", "b", "a"): 1e12, ("a", "f"): 2e12},
    ],
)
def test_weights_are_proportional_to_their_definition(workload) -> None:
    found = closure_of(NAMES, workload)
    expected = weights_by_definition(workload)
    assert {frozenset(clique) for clique in found} == set(expected)
    largest, most = max(expected.values()), max(found.values())
    for clique, weight in found.items():
        assert isinstance(weight, int)
        assert weight >= 1
        assert weight / most == pytest.approx(expected[frozenset(clique)] / largest, abs=0.003)
        assert list(clique) == sorted(clique, key=NAMES.index)
    assert [len(clique) for clique in found] == sorted(len(clique) for clique in found)


def test_whole_weights_stay_exact_and_small() -> None:
    assert closure_of(NAMES, default_workload(NAMES)) == {
        clique: size for size in (1, 2, 3) for clique in itertools.combinations(NAMES, size)
    }
    assert closure_of(("x", "y"), {("x",): 2.0, ("y", "x"): 4.0}) == {("x",): 3, ("y",): 2, ("x", "y"): 5}


def test_a_weight_that_rounds_to_nothing_is_one() -> None:
    assert closure_of(("x", "y"), {("x",): 1e-9, ("y",): 1.0}) == {("x",): 1, ("y",): 1000}


@pytest.mark.parametrize(("columns", "order"), [(1, 1), (2, 2), (3, 3), (48, 3), (49, 3), (50, 2), (100, 2), (199, 2)])
def test_the_default_is_the_largest_order_that_can_be_scored(columns: int, order: int) -> None:
    names = [f"x{i}" for i in range(columns)]
    workload = default_workload(names)
    assert {len(clique) for clique in workload} == {order}
    assert set(workload.values()) == {1.0}
    assert len(closure_of(names, workload)) <= CLOSURE_CAP


def test_too_many_marginals_are_refused_with_advice() -> None:
    with pytest.raises(PlanError, match=r"more than 20,000 marginals of 200 columns(?s:.*)workload="):
        default_workload([f"x{i}" for i in range(200)])
    names = [f"x{i}" for i in range(60)]
    with pytest.raises(PlanError, match="more than 20,000"):
        closure_of(names, dict.fromkeys(itertools.combinations(names, 3), 1.0))
    with pytest.raises(PlanError, match="more than 20,000"):
        closure_of(names, {tuple(names[:15]): 1.0})


def test_unknown_columns_are_named() -> None:
    with pytest.raises(PlanError, match="not modelled: q, z"):
        closure_of(NAMES, {("a", "z"): 1.0, ("q",): 1.0})


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        ({}, "An empty workload asks for nothing"),
        ({(): 1.0}, "tuples of one or more different column names"),
        ({("a", "a"): 1.0}, "tuples of one or more different column names"),
        ({"ab": 1.0}, "tuples of one or more different column names"),
        ({("a",): 0.0}, "finite numbers above 0"),
        ({("a",): float("inf")}, "finite numbers above 0"),
        ({("a",): float("nan")}, "finite numbers above 0"),
        ({("a",): True}, "finite numbers above 0"),
        ({("a",): "1"}, "finite numbers above 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(workload, message) -> None:
    check_workload(None)
    check_workload({("a",): 2, ("b", "c"): 0.5})
    with pytest.raises(PlanError, match=message):
        check_workload(workload)
