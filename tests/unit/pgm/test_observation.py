"""Noisy marginals as the estimator sees them."""

import numpy as np
import pytest

from dpsynth.pgm import Observation


def test_integers_become_float64_and_one_variance_serves_all_cells() -> None:
    observation = Observation(("a",), np.array([1, -2, 3]), 4)
    assert observation.values.dtype == np.float64
    assert np.array_equal(observation.precision, [0.25, 0.25, 0.25])


def test_an_infinite_variance_is_an_unobserved_cell() -> None:
    assert np.array_equal(Observation(("a",), np.zeros(2), np.array([2.0, np.inf])).precision, [0.5, 0.0])


def test_a_total_has_no_columns() -> None:
    assert Observation((), np.array(7.0), 1.0).values.shape == ()


@pytest.mark.parametrize(
    ("clique", "values", "variance", "message"),
    [
        (("a", "a"), np.zeros((2, 2)), 1.0, "names a column twice: a, a"),
        (("a", "b"), np.zeros(2), 1.0, "of 2 columns has 1 axes"),
        (("a",), np.array([np.nan, 1.0]), 1.0, "values of an observation are finite"),
        (("a",), np.array([np.inf, 1.0]), 1.0, "values of an observation are finite"),
        (("a",), np.zeros(2), np.ones(3), "one number or has the shape of its values"),
        (("a",), np.zeros(2), 0.0, "variance of an observation is above 0"),
        (("a",), np.zeros(2), -1.0, "variance of an observation is above 0"),
        (("a",), np.zeros(2), np.array([1.0, np.nan]), "variance of an observation is above 0"),
    ],
)
def test_bad_observations_are_refused(
    clique: tuple[str, ...], values: np.ndarray, variance: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Observation(clique, values, variance)
