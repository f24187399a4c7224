"""Laws of graphical models: over random structures, sizes, noise."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.pgm import Observation, estimate, load, rake
from tests.unit.pgm import exact


@st.composite
def problems(draw: st.DrawFn) -> tuple[dict[str, int], list[Observation]]:
    """Two to five columns of one to four cells, and up to five noisy marginals of a random table."""
    sizes = {name: draw(st.integers(1, 4)) for name in "abcde"[: draw(st.integers(2, 5))]}
    clique = st.lists(st.sampled_from(list(sizes)), min_size=1, max_size=3, unique=True).map(tuple)
    cliques = draw(st.lists(clique, min_size=1, max_size=5))
    sigma = draw(st.sampled_from([0.1, 3.0, 30.0]))
    seed = draw(st.integers(0, 10**6))
    return sizes, exact.observe(sizes, exact.random_joint(sizes, 200, seed), cliques, sigma, seed)


COUNT = settings(max_examples=40)


@COUNT
@given(problems())
def test_projections_are_marginals_of_one_joint(problem) -> None:
    sizes, observations = problem
    model = estimate(sizes, observations, total=200.0)
    joint = model.project(tuple(sizes))
    assert (joint >= 0).all()
    assert abs(joint.sum() - 200) < 1e-9
    for a in sizes:
        for b in sizes:
            clique = (a,) if a == b else (a, b)
            assert np.abs(model.project(clique) - exact.marginal_of(joint, sizes, clique)).max() < 1e-9


@COUNT
@given(problems(), st.sampled_from([0.01, 7.0, 1000.0]))
def test_counting_in_other_units_changes_nothing(problem, factor: float) -> None:
    sizes, observations = problem
    scaled = [Observation(o.clique, o.values * factor, o.variance * factor**2) for o in observations]
    plain, other = estimate(sizes, observations, total=200.0), estimate(sizes, scaled, total=200.0 * factor)
    for o in observations:
        assert np.abs(plain.project(o.clique) - other.project(o.clique) / factor).max() < 0.05


@COUNT
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_columns_changes_nothing(problem, random) -> None:
    sizes, observations = problem
    names = list(sizes)
    random.shuffle(names)
    plain = estimate(sizes, observations, total=200.0)
    other = estimate({name: sizes[name] for name in names}, observations, total=200.0)
    assert other.names == tuple(names)
    for o in observations:
        assert np.abs(plain.project(o.clique) - other.project(o.clique)).max() < 0.05


@COUNT
@given(problems(), st.sampled_from([0.5, 50.0]))
def test_observing_what_was_fitted_changes_nothing(problem, sigma: float) -> None:
    sizes, observations = problem
    model = estimate(sizes, observations, total=200.0)
    again = [Observation(o.clique, model.project(o.clique), sigma**2) for o in observations[:2]]
    other = estimate(sizes, [*observations, *again], total=200.0)
    for o in observations:
        assert np.abs(model.project(o.clique) - other.project(o.clique)).max() < 0.1


@COUNT
@given(problems())
def test_raking_to_fitted_marginals_gives_the_fitted_model(problem) -> None:
    sizes, observations = problem
    model = estimate(sizes, observations, total=200.0)
    targets = {o.clique: model.project(o.clique) for o in observations}
    raked = rake(sizes, targets)
    assert np.abs(raked.project(tuple(sizes)) - model.project(tuple(sizes))).sum() < 0.01 * 200


@COUNT
@given(problems(), st.integers(0, 300), st.integers(0, 2**32 - 1))
def test_saved_models_give_the_same_rows_and_rows_follow_the_model(problem, n: int, seed: int) -> None:
    sizes, observations = problem
    model = estimate(sizes, observations)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "m")
        back = load(Path(folder) / "m")
    rows = model.sample(n, np.random.default_rng(seed))
    assert np.array_equal(rows, back.sample(n, np.random.default_rng(seed)))
    for column, (name, size) in enumerate(sizes.items()):
        allowed = model.project((name,)) > 0
        assert allowed[np.unique(rows[:, column])].all()
        assert rows[:, column].max(initial=0) < size
