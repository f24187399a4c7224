"""Answers joined by their variances; bounded; centred."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.generators.binary.sums import Sums
from tests.unit.generators.binary.support import bits, exact_sums, parities


def test_two_answers_are_joined_by_inverse_variance() -> None:
    sums = Sums(2, {}, {}).with_measured(1, np.arange(2), np.array([10.0, 20.0]), 4.0)
    sums = sums.with_measured(1, np.array([1]), np.array([30.0]), 1.0)
    assert sums.values[1] == pytest.approx([10, (20 / 4 + 30) / 1.25])
    assert sums.variances[1] == pytest.approx([4, 0.8])


def test_centred_sums_are_sums_of_centred_products() -> None:
    rows = bits(800)
    centred = exact_sums(rows, 3, 1e-6).centred()
    assert centred.centres == pytest.approx(1 - 2 * rows.mean(axis=0), abs=1e-6)
    for order, sums in centred.sums.items():
        assert sums == pytest.approx(parities(rows, centred.sets[order], centred.centres), abs=1e-3)
    assert centred.scale[2][0] == pytest.approx(np.prod(1 - centred.centres[:2] ** 2))


def test_noise_is_that_of_the_linear_map() -> None:
    centred = exact_sums(bits(800), 2, 9.0).centred(np.array([0.5, -0.2, 0, 0, 0]))
    assert centred.noise[2][0] == pytest.approx(9 * (1 + 0.5**2) * (1 + 0.2**2))
    assert centred.noise[1] == pytest.approx(9 * (1 + centred.centres**2))


def test_no_sum_is_larger_than_the_table() -> None:
    sums = Sums(
        2,
        {0: np.array([100.0]), 1: np.array([170.0, -300.0]), 2: np.array([-140.0])},
        {0: np.ones(1), 1: np.ones(2), 2: np.ones(1)},
    )
    bounded = sums.bounded()
    assert (np.abs(bounded[1]) < 100).all()
    assert bounded[2].tolist() == [-100]
    assert np.abs(bounded[1]) == pytest.approx([100, 100], rel=0.01)


def test_a_column_under_much_noise_is_drawn_to_even() -> None:
    loud = Sums(1, {0: np.array([10.0]), 1: np.array([9000.0])}, {0: np.ones(1), 1: np.full(1, 1e8)})
    assert abs(loud.centred().centres[0]) < 0.01


def test_a_negative_number_of_rows_counts_as_one() -> None:
    assert Sums(1, {0: np.array([-5.0])}, {0: np.ones(1)}).total == 1
