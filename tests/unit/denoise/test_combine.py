"""Inverse-variance combination."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.01, 1e4)), min_size=1, max_size=6), st.integers(0, 2**32 - 1)
)
def test_no_other_unbiased_weights_have_a_smaller_variance(answers: list[tuple[float, float]], seed: int) -> None:
    mean, variance = combine([(np.array([value]), spread) for value, spread in answers])
    spreads = np.array([spread for _, spread in answers])
    others = np.random.default_rng(seed).dirichlet(np.ones(len(answers)), 30)
    assert variance[0] <= (others**2 @ spreads).min() * (1 + 1e-9)
    ours = (1 / spreads) / (1 / spreads).sum()
    assert mean[0] == pytest.approx(ours @ [value for value, _ in answers], rel=1e-9, abs=1e-9)


def test_cells_of_one_answer_may_be_of_different_exactness() -> None:
    mean, variance = combine([(np.array([0.0, 0.0]), np.array([1.0, 3.0])), (np.array([4.0, 4.0]), 1.0)])
    assert np.allclose(mean, [2.0, 3.0])
    assert np.allclose(variance, [0.5, 0.75])


def test_tables_keep_their_shape() -> None:
    mean, variance = combine([(np.ones((2, 3)), 2.0)])
    assert mean.shape == variance.shape == (2, 3)
    assert total_of([(np.ones((2, 3)), 2.0)]) == pytest.approx(6.0)
