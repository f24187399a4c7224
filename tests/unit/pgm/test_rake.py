"""Iterative proportional fitting on a tree."""

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.pgm import rake
from tests.unit.pgm import exact

SIZES = {"a": 3, "b": 2, "c": 4, "d": 2, "e": 3}
STRUCTURES = [
    [("a", "b"), ("b", "c"), ("c", "d")],
    [("a", "b"), ("b", "c"), ("a", "c"), ("d",)],
    [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("a", "e")],
    [("a", "b", "c"), ("b", "c", "d"), ("a", "d"), ("e", "d")],
    [],
]


def targets_of(joint: np.ndarray, cliques) -> dict[tuple[str, ...], np.ndarray]:
    return {clique: exact.marginal_of(joint, SIZES, clique) for clique in cliques}


@pytest.mark.parametrize("cliques", STRUCTURES)
@pytest.mark.parametrize("seed", range(3))
def test_equals_fitting_on_the_joint(cliques, seed: int) -> None:
    joint = exact.random_joint(SIZES, 300, seed, concentration=1.0)
    targets = targets_of(joint, cliques)
    model = rake(SIZES, targets, tolerance=1e-10, max_iterations=3000)
    assert model.diagnostics.converged
    assert model.diagnostics.method == "rake"
    expected = exact.maximum_entropy(SIZES, {c: t / t.sum() for c, t in targets.items()})
    assert np.abs(model.project(tuple(SIZES)) / model.total - expected).max() < 1e-8


def test_a_tree_is_met_in_two_sweeps() -> None:
    joint = exact.random_joint(SIZES, 300, 1)
    model = rake(SIZES, targets_of(joint, STRUCTURES[0]))
    assert model.diagnostics.iterations <= 2
    for clique in STRUCTURES[0]:
        assert np.allclose(model.project(clique), exact.marginal_of(joint, SIZES, clique), atol=1e-9)


def test_zeros_of_a_target_stay_zero() -> None:
    joint = exact.random_joint(SIZES, 300, 2, concentration=1.0)
    joint[0, 1] = 0
    joint[:, :, 2] = 0
    model = rake(SIZES, targets_of(joint, STRUCTURES[2]), max_iterations=2000)
    assert (model.project(("a", "b"))[0, 1], model.project(("c",))[2]) == (0, 0)
    assert model.diagnostics.converged


def test_inconsistent_targets_end_in_a_compromise_and_say_so() -> None:
    targets = {("a", "b"): np.full((3, 2), 1 / 6), ("b", "c"): np.array([[2.0] * 4, [1.0] * 4]) / 12}
    model = rake(SIZES, targets, max_iterations=400)
    assert not model.diagnostics.converged
    assert 0 < model.diagnostics.residual < 0.17
    assert 0.5 < model.project(("b",))[0] / model.total < 2 / 3


def test_the_total_is_the_mean_of_the_sums_unless_given() -> None:
    targets = {("a",): np.array([1.0, 2.0, 3.0]), ("b",): np.array([4.0, 4.0])}
    assert rake(SIZES, targets).total == 7.0
    assert rake(SIZES, targets, total=50.0).total == 50.0
    assert rake(SIZES, {}).total == 1.0


def test_extra_cliques_are_held_by_a_node() -> None:
    assert rake(SIZES, {}, cliques=[("a", "e")]).tree.home(("a", "e")) is not None


@pytest.mark.parametrize(
    ("targets", "keywords", "message"),
    [
        ({("a",): np.ones(2)}, {}, r"A target over a has shape \(2,\)"),
        ({("x",): np.ones(2)}, {}, r"sizes are \(-1,\)"),
        ({("a",): np.array([1.0, -1.0, 2.0])}, {}, "has a negative cell, or no mass"),
        ({("a",): np.zeros(3)}, {}, "has a negative cell, or no mass"),
        ({("a",): np.array([1.0, np.nan, 2.0])}, {}, "has a negative cell, or no mass"),
        ({("a", "c"): np.ones((3, 4))}, {"memory_cap_bytes": 100}, "the cap is 100 bytes"),
    ],
)
def test_bad_targets_are_refused(targets: dict, keywords: dict, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        rake(SIZES, targets, **keywords)
