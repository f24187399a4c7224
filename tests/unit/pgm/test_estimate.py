"""Least squares over distributions, and the maximum-entropy choice among the optima."""

import numpy as np
import pytest

from dpsynth.errors import PlanError
from dpsynth.pgm import Observation, estimate, estimate_total
from tests.unit.pgm import exact

SIZES = {"a": 3, "b": 2, "c": 4, "d": 2}
TRIANGLE = [("a", "b"), ("b", "c"), ("a", "c"), ("d",)]


def observations(cliques=TRIANGLE, sigma: float = 20.0, seed: int = 0, rows: float = 500.0) -> list[Observation]:
    return exact.observe(SIZES, exact.random_joint(SIZES, rows, seed), cliques, sigma, seed)


# ------------------------------------------------------------------------------------------------------ the optimum


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "cliques",
    [TRIANGLE, [("a",), ("a", "b"), ("b", "c"), ("c", "d")], [("a", "b", "c"), ("b", "c", "d"), ("a", "d")]],
)
def test_observed_marginals_equal_non_negative_least_squares_on_the_joint(cliques, seed: int) -> None:
    given = observations(cliques, seed=seed)
    model = estimate(SIZES, given)
    best = exact.least_squares(SIZES, given, model.total)
    assert model.diagnostics.converged
    assert model.diagnostics.method == "estimate"
    for clique in cliques:
        assert np.abs(model.project(clique) - exact.marginal_of(best, SIZES, clique)).max() < 1e-4 * model.total
    least = exact.loss(SIZES, given, lambda clique: exact.marginal_of(best, SIZES, clique))
    assert least - 1e-6 <= exact.loss(SIZES, given, model.project) < least + 0.02


def test_clipping_each_marginal_alone_is_not_the_optimum() -> None:
    """Negative control for the test above."""
    given = observations()
    model = estimate(SIZES, given)
    clipped = {o.clique: np.maximum(o.values, 0) * model.total / np.maximum(o.values, 0).sum() for o in given}
    best = exact.least_squares(SIZES, given, model.total)
    assert max(np.abs(clipped[c] - exact.marginal_of(best, SIZES, c)).max() for c in TRIANGLE) > 0.005 * model.total


def test_among_the_optima_the_one_of_greatest_entropy_is_taken() -> None:
    given = observations(sigma=2.0)  # optimum inside: the triangle's table is undecided by least squares
    model = estimate(SIZES, given, tolerance=1e-6)
    targets = {clique: model.project(clique) / model.total for clique in TRIANGLE}
    expected = exact.maximum_entropy(SIZES, targets)
    assert np.abs(model.project(tuple(SIZES)) / model.total - expected).max() < 1e-4


def test_columns_in_no_observation_are_uniform_and_independent() -> None:
    model = estimate(SIZES, observations([("a", "b")]))
    joint = model.project(("a", "b", "c", "d"))
    assert np.allclose(joint, model.project(("a", "b"))[:, :, None, None] / 8)


def test_extra_cliques_change_the_structure_but_not_the_distribution() -> None:
    given = observations([("a", "b"), ("b", "c")])
    plain, wide = estimate(SIZES, given), estimate(SIZES, given, cliques=[("a", "c", "d")])
    assert wide.tree.home(("a", "c", "d")) is not None
    assert plain.tree.home(("a", "c", "d")) is None
    assert np.abs(plain.project(tuple(SIZES)) - wide.project(tuple(SIZES))).max() < 1e-3 * plain.total


def test_exact_marginals_are_reproduced() -> None:
    joint = exact.random_joint(SIZES, 1000, 5)
    model = estimate(SIZES, exact.observe(SIZES, joint, TRIANGLE, 1e-9, 0), tolerance=10.0)
    for clique in TRIANGLE:
        assert np.abs(model.project(clique) - exact.marginal_of(joint, SIZES, clique)).sum() < 0.2


# ------------------------------------------------------------------------------------------------------- invariances


def test_order_of_observations_and_of_their_axes_does_not_matter() -> None:
    given = observations()
    turned = [Observation(o.clique[::-1], o.values.T, o.variance) for o in reversed(given)]
    plain, other = estimate(SIZES, given), estimate(SIZES, turned)
    for clique in TRIANGLE:
        assert np.abs(plain.project(clique) - other.project(clique)).max() < 1e-2


def test_a_repeated_observation_equals_one_of_half_the_variance() -> None:
    given = observations()
    halved = [Observation(o.clique, o.values, o.variance / 2) for o in given]
    twice, once = estimate(SIZES, [*given, *given]), estimate(SIZES, halved)
    assert np.allclose(twice.project(("a", "c")), once.project(("a", "c")), atol=1e-6)


def test_an_array_of_equal_variances_equals_the_number() -> None:
    given = observations()
    spread = [Observation(o.clique, o.values, np.full(o.values.shape, o.variance)) for o in given]
    assert np.array_equal(estimate(SIZES, given).project(("a", "c")), estimate(SIZES, spread).project(("a", "c")))


def test_equal_input_gives_equal_output() -> None:
    first, second = estimate(SIZES, observations()), estimate(SIZES, observations())
    assert all(np.array_equal(a, b) for a, b in zip(first.marginals, second.marginals, strict=True))


# --------------------------------------------------------------------------------------------------- uneven precision


@pytest.mark.parametrize("cliques", [TRIANGLE, [("a", "b"), ("b", "c"), ("c", "d")]])
def test_cells_may_differ_in_variance(cliques) -> None:
    rng = np.random.default_rng(7)
    given = [Observation(o.clique, o.values, rng.uniform(4, 900, o.values.shape)) for o in observations(cliques)]
    model = estimate(SIZES, given)
    best = exact.least_squares(SIZES, given, model.total)
    assert model.diagnostics.converged
    for clique in cliques:
        assert np.abs(model.project(clique) - exact.marginal_of(best, SIZES, clique)).max() < 1e-4 * model.total


def test_unobserved_cells_are_filled_from_the_rest() -> None:
    values = np.array([100.0, 200.0, 999_999.0])
    model = estimate({"a": 3}, [Observation(("a",), values, np.array([1.0, 1.0, np.inf]))], total=1000.0)
    assert np.allclose(model.project(("a",)), [100, 200, 700], atol=0.01)


def test_an_observation_of_nothing_is_ignored() -> None:
    model = estimate({"a": 3}, [Observation(("a",), np.array([5.0, 1.0, 1.0]), np.full(3, np.inf))])
    assert np.allclose(model.project(("a",)), 1 / 3)


# -------------------------------------------------------------------------------------------------- structural zeros


@pytest.mark.parametrize("seed", range(3))
def test_impossible_cells_get_no_probability_and_the_rest_is_optimal(seed: int) -> None:
    given = observations(seed=seed)
    mask = np.zeros((2, 4), dtype=bool)
    mask[0, 1] = mask[1, 3] = mask[1, 0] = True
    model = estimate(SIZES, given, impossible={("b", "c"): mask})
    assert (model.project(("b", "c"))[mask] == 0).all()
    possible = np.broadcast_to(~mask[None, :, :, None], tuple(SIZES.values()))
    best = exact.least_squares(SIZES, given, model.total, possible)
    for clique in TRIANGLE:
        assert np.abs(model.project(clique) - exact.marginal_of(best, SIZES, clique)).max() < 1e-4 * model.total


def test_zeros_of_one_clique_empty_the_cells_of_another_that_depend_on_them() -> None:
    given = observations([("a", "b"), ("b", "c")])
    mask = np.array([[True] * 4, [False] * 4])  # b = 0 has no c
    model = estimate(SIZES, given, impossible={("b", "c"): mask})
    assert (model.project(("a", "b"))[:, 0] == 0).all()
    assert model.sample(200, np.random.default_rng(0))[:, 1].min() == 1


def test_nothing_possible_is_refused() -> None:
    with pytest.raises(PlanError, match="leave no possible row"):
        estimate(SIZES, observations(), impossible={("a", "b"): np.ones((3, 2), dtype=bool)})


# ------------------------------------------------------------------------------------------------------ odd inputs


@pytest.mark.parametrize("sizes", [{"a": 1}, {"a": 5}, {"a": 1, "b": 4}, {"a": 3, "b": 1, "c": 1}])
def test_few_columns_and_columns_of_one_cell(sizes: dict[str, int]) -> None:
    shape = tuple(sizes.values())
    values = np.random.default_rng(0).normal(20, 10, shape)
    model = estimate(sizes, [Observation(tuple(sizes), values, 100.0)])
    assert model.project(tuple(sizes)).shape == shape
    assert model.project(()) == pytest.approx(model.total)
    assert model.sample(9, np.random.default_rng(0)).shape == (9, len(sizes))


def test_all_negative_values_give_a_distribution() -> None:
    given = [Observation(("a", "b"), np.full((3, 2), -50.0), 4.0), Observation(("c",), np.arange(-9.0, -5.0), 1.0)]
    model = estimate(SIZES, given)
    assert model.total == 1.0
    assert model.diagnostics.converged
    assert all((m >= 0).all() and m.sum() == pytest.approx(1) for m in model.marginals)


def test_no_observations_give_the_uniform_distribution() -> None:
    model = estimate(SIZES, [])
    assert model.total == 1.0
    assert np.allclose(model.project(("a", "d")), 1 / 6)
    assert model.diagnostics.converged


def test_huge_and_tiny_noise() -> None:
    for sigma in (1e-6, 1e6):
        model = estimate(SIZES, observations(sigma=sigma), tolerance=10.0 if sigma < 1 else 1e-3)
        assert all(np.isfinite(m).all() and m.sum() == pytest.approx(1) for m in model.marginals)


def test_one_sure_and_one_vague_observation() -> None:
    given = [
        Observation(("a",), np.array([100.0, 300.0, 600.0]), 1e-2),
        Observation(("a", "b"), np.full((3, 2), 150.0), 1e6),
    ]
    model = estimate({"a": 3, "b": 2}, given)
    assert np.allclose(model.project(("a",)), [100, 300, 600], atol=0.05)


def test_the_cap_on_iterations_shows_in_the_diagnostics() -> None:
    model = estimate(SIZES, observations(), tolerance=1e-12, max_iterations=2)
    assert not model.diagnostics.converged
    assert model.diagnostics.residual > 1e-12


# ------------------------------------------------------------------------------------------------------- the total


def test_the_total_is_the_inverse_variance_mean_of_the_sums() -> None:
    given = [Observation(("a",), np.array([40.0, 60.0]), 1.0), Observation(("b",), np.array([130.0]), 4.0)]
    assert estimate_total(given) == pytest.approx((100 / 2 + 130 / 4) / (1 / 2 + 1 / 4))
    assert estimate_total([*given, Observation((), np.array(50.0), 1e-9)]) == pytest.approx(50.0)


def test_an_observation_with_unobserved_cells_says_nothing_about_the_total() -> None:
    given = [Observation(("a",), np.array([40.0, 60.0]), np.array([1.0, np.inf]))]
    assert estimate_total(given) == 1.0
    assert estimate_total([]) == 1.0


def test_the_total_may_be_passed_or_observed() -> None:
    assert estimate(SIZES, observations(), total=77.0).total == 77.0
    assert estimate(SIZES, [*observations(), Observation((), np.array(123.0), 1e-12)]).total == pytest.approx(123.0)


# ------------------------------------------------------------------------------------------------------ a warm start


@pytest.mark.parametrize("cliques", [TRIANGLE, [("a",), ("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")]])
def test_a_start_changes_the_time_and_not_the_optimum(cliques) -> None:
    given = observations(cliques, sigma=2.0)
    cold = estimate(SIZES, given, tolerance=1e-5)
    for start in (estimate(SIZES, given[:-1]), estimate(SIZES, given[:1]), cold):
        warm = estimate(SIZES, given, tolerance=1e-5, start=start)
        assert np.abs(warm.project(tuple(SIZES)) - cold.project(tuple(SIZES))).max() < 1e-3 * cold.total
        assert warm.diagnostics.converged
    assert warm.diagnostics.iterations < 0.7 * cold.diagnostics.iterations


def test_a_start_at_the_optimum_is_left_at_once_where_the_fit_may_be_rough() -> None:
    sizes = {f"x{i}": 4 for i in range(8)}
    pairs = [(f"x{i}", f"x{i + 1}") for i in range(7)]
    given = exact.observe(sizes, exact.random_joint(sizes, 50_000.0, 1), pairs, 3.0, 1)
    near = estimate(sizes, given)
    rough = {"tolerance": 1.0, "rake_tolerance": 1e-3}
    cold, warm = estimate(sizes, given, **rough), estimate(sizes, given, **rough, start=near)
    assert warm.diagnostics.iterations < 0.3 * cold.diagnostics.iterations


def test_cells_that_a_start_rules_out_can_be_reached() -> None:
    empty = Observation(("a", "b"), np.array([[500.0, 0.0], [0.0, 0.0], [0.0, 0.0]]), 1.0)
    start = estimate(SIZES, [empty])
    assert start.project(("a", "b"))[1:].max() < 1e-6
    table = np.array([[100.0, 50.0], [100.0, 50.0], [100.0, 100.0]])
    for cliques in ([("a", "b")], [("a", "b"), ("b", "c"), ("a", "c")]):
        given = [
            Observation(("a", "b"), table, 1e-4),
            *(Observation(c, np.zeros((4, 4))[: SIZES[c[0]]], 1e6) for c in cliques[1:]),
        ]
        model = estimate(SIZES, given, start=start)
        assert np.abs(model.project(("a", "b")) - table).max() < 0.5


# -------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"total": 0.0}, "A total of 0.0 rows was asked for"),
        ({"total": float("nan")}, "A total of nan rows"),
        ({"cliques": [("a", "zz")]}, r"not in it: \['zz'\]"),
        ({"impossible": {("a",): np.zeros(2, dtype=bool)}}, r"An observation of a has shape \(2,\)"),
        ({"memory_cap_bytes": 1000}, "the cap is 1,000 bytes"),
        ({"start": estimate({"a": 3, "b": 2}, [])}, "a model over other columns or cells"),
        ({"start": estimate(SIZES | {"c": 5}, [])}, "Leave start out"),
    ],
)
def test_bad_arguments_are_refused(keywords: dict, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        estimate(SIZES, observations(), **keywords)


@pytest.mark.parametrize(("clique", "shape"), [(("a",), (2,)), (("x",), (2,)), (("a", "b"), (2, 3))])
def test_shapes_must_agree_with_sizes(clique: tuple[str, ...], shape: tuple[int, ...]) -> None:
    with pytest.raises(PlanError, match="Give sizes and values that agree"):
        estimate(SIZES, [Observation(clique, np.zeros(shape), 1.0)])
