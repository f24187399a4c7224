"""Inverse-variance combination."""

import numpy as np
import pytest

from dpsynth.denoise import combine, total_of


def test_equal_variances_give_the_plain_mean_and_half_the_variance() -> None:
    mean, variance = combine([(np.array([1.0, 3.0]), 2.0), (np.array([3.0, 5.0]), 2.0)])
    assert np.allclose(mean, [2.0, 4.0])
    assert np.allclose(variance, 1.0)


def test_the_more_exact_answer_counts_more() -> None:
    mean, variance = combine([(np.array([0.0]), 1.0), (np.array([10.0]), np.array([4.0]))])
    assert np.allclose(mean, 2.0)
    assert np.allclose(variance, 0.8)


def test_combination_has_the_variance_it_claims() -> None:
    rng = np.random.default_rng(0)
    answers = [(rng.normal(7.0, s, 200_000), s**2) for s in (1.0, 2.0, 5.0)]
    mean, variance = combine(answers)
    assert mean.var() == pytest.approx(variance[0], rel=0.02)


def test_no_answer_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one answer"):
        combine([])


def test_total_is_the_weighted_mean_of_the_sums_and_never_below_one() -> None:
    assert total_of([(np.array([40, 60]), 1.0)]) == pytest.approx(100.0)
    assert total_of([(np.array([40, 60]), 1.0), (np.array([130]), 2.0)]) == pytest.approx(115.0)
    assert total_of([(np.array([-5, -9]), 1.0)]) == 1.0
