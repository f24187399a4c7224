"""Fitted marginals against mbi 2.x, run until it stands still."""

import warnings
from itertools import combinations

import numpy as np
import pytest

from dpsynth.pgm import Observation, estimate
from tests.unit.pgm import exact

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TREE = {"a": 4, "b": 3, "c": 5, "d": 2, "e": 4}
TREE_CLIQUES = [("a",), ("b",), ("c",), ("d",), ("e",), ("a", "b"), ("b", "c"), ("b", "d"), ("d", "e")]
LOOP = {"a": 3, "b": 4, "c": 3, "d": 2}
LOOP_CLIQUES = [("a",), ("c",), *combinations(LOOP, 2)]
TRIPLES = {"a": 3, "b": 2, "c": 3, "d": 2, "e": 3}
TRIPLE_CLIQUES = [("a", "b", "c"), ("b", "c", "d"), ("d", "e"), ("a",)]


@pytest.fixture(scope="module")
def mbi():
    """The library, in double precision; imported late because that takes seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jax = pytest.importorskip("jax", reason="mbi is not installed", exc_type=ImportError)
        jax.config.update("jax_enable_x64", True)
        return pytest.importorskip("mbi", reason="mbi is not installed", exc_type=ImportError)


def fit_by_mbi(mbi, sizes: dict[str, int], observations: list[Observation], total: float, steps: int):
    domain = mbi.Domain(tuple(sizes), tuple(sizes.values()))
    measurements = [
        mbi.LinearMeasurement(o.values.ravel(), o.clique, stddev=float(np.sqrt(o.variance))) for o in observations
    ]
    return mbi.estimation.MirrorDescent().estimate(domain, measurements, known_total=total, iters=steps)


@pytest.mark.parametrize(
    ("sizes", "cliques"),
    [(TREE, TREE_CLIQUES), (LOOP, LOOP_CLIQUES), (TRIPLES, TRIPLE_CLIQUES)],
    ids=["tree", "loop", "triples"],
)
def test_fitted_marginals_agree(mbi, sizes: dict[str, int], cliques: list[tuple[str, ...]]) -> None:
    for seed in range(2):
        joint = exact.random_joint(sizes, 1000, seed)
        rng = np.random.default_rng(seed)
        given = [
            Observation(o.clique, o.values, o.variance)
            for clique in cliques
            for o in exact.observe(sizes, joint, [clique], float(rng.choice([5.0, 15.0])), seed)
        ]
        model = estimate(sizes, given)
        other = fit_by_mbi(mbi, sizes, given, model.total, 20_000)
        assert farthest(model, other, cliques) < 1e-4
        # Marginals that were not observed agree as well: both take the maximum-entropy optimum.
        assert farthest(model, other, list(combinations(sizes, 2))) < 5e-4
        # Negative control: with the variances forgotten the fit is another one.
        unweighted = estimate(sizes, [Observation(o.clique, o.values, 1.0) for o in given], total=model.total)
        assert len({o.variance for o in given}) == 1 or farthest(unweighted, other, cliques) > 5e-4


def farthest(model, other, cliques) -> float:
    """The largest difference of two probabilities."""
    return max(
        float(np.abs(model.project(c) - np.asarray(other.project(c).datavector(flatten=False))).max()) / model.total
        for c in cliques
    )
