"""Cells of integers and reals."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from dpsynth.domain.columns import Grid, Integer, Outside, Real
from dpsynth.encoding.numeric import AbstractNumericEncoder, ContinuousEncoder, LatticeEncoder, numeric_encoder
from dpsynth.encoding.values import MissingPolicy

POLICY = MissingPolicy.of(("", "-8"))


def integer(low: int, high: int, **options: object) -> AbstractNumericEncoder:
    return numeric_encoder(Integer(name="c", minimum=low, maximum=high, **options), POLICY)  # type: ignore[arg-type]


def real(low: float, high: float, **options: object) -> AbstractNumericEncoder:
    return numeric_encoder(Real(name="c", minimum=low, maximum=high, **options), POLICY)  # type: ignore[arg-type]


def test_order_of_cells() -> None:
    column = integer(0, 3, special=(99, -1))
    assert column.labels() == ["missing", "-1 (special)", "99 (special)", "0", "1", "2", "3"]
    assert (column.missing, column.first, column.ordered_from, column.size) == (0, 1, 3, 7)
    assert column.grid_edges.tolist() == [0, 1, 2, 3, 4]
    assert real(0, 1, grid=Grid(cells=2)).labels() == ["missing", "[0, 0.5)", "[0.5, 1]"]
    assert integer(0, 9, grid=Grid(cells=2)).labels() == ["missing", "0 to 4", "5 to 9"]


def test_clip_and_missing_outside_the_bounds() -> None:
    cells = pa.array([-1.0, 0.0, 3.0, 4.0, math.inf, -math.inf, math.nan, None])
    assert integer(0, 3).encode(cells).tolist() == [1, 1, 4, 4, 4, 1, 0, 0]
    assert integer(0, 3, outside=Outside.MISSING).encode(cells).tolist() == [0, 1, 4, 0, 0, 0, 0, 0]
    assert integer(0, 3, required=True).encode(cells).tolist() == [0, 0, 3, 3, 3, 0, 0, 0]


def test_special_values_come_before_the_bounds() -> None:
    column = integer(0, 3, special=(0, 99), outside=Outside.MISSING)
    assert column.encode(pa.array([0, 99, 1, 98])).tolist() == [1, 2, 4, 0]
    assert column.encode(pa.array(["0.0", "99", "-0", "99.4"])).tolist() == [1, 2, 1, 2]
    assert integer(0, 3, special=(0,), required=True).absent == 0


def test_integers_round_to_the_nearest() -> None:
    assert integer(0, 3).encode(pa.array([0.5, 1.5, 1.4999, 2.9999999999, -0.4])).tolist() == [1, 3, 2, 4, 1]


def test_texts_and_truth_values() -> None:
    cells = pa.array(["1", " 2.0 ", "3e0", "true", "FALSE", "x", "", "-8", "1 1", "0x1", None])
    assert integer(0, 3).encode(cells).tolist() == [2, 3, 4, 2, 1, 0, 0, 0, 0, 0, 0]
    assert integer(0, 3).encode(pa.array([True, False, None])).tolist() == [2, 1, 0]
    assert integer(-10, 3).encode(pa.array([-8, -8.0, 1])).tolist() == [0, 0, 12]
    assert integer(0, 3).encode(pa.array([0], pa.timestamp("s"))).tolist() == [0]


def test_reals_with_decimals_count_steps() -> None:
    column = real(0, 1, decimals=2)
    assert isinstance(column, LatticeEncoder)
    assert column.size == 1 + 101
    assert column.encode(pa.array([0.1 + 0.2, 0.3, 0.29, 0.2999999, 1.0])).tolist() == [31, 31, 30, 31, 101]
    wide = real(0, 1000, decimals=2)
    assert wide.size == 1 + 1024
    values = wide.decode(np.arange(1, 1025), np.random.default_rng(0))
    assert (np.round(values, 2) == values).all()
    assert (wide.encode(pa.array(values)) == np.arange(1, 1025)).all()


def test_bounds_that_are_no_multiple_of_the_step() -> None:
    column = real(0.25, 0.87, decimals=1)
    assert column.grid_edges.tolist() == [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert column.encode(pa.array([0.2, 0.25, 0.3, 0.87, 0.9])).tolist() == [1, 1, 1, 6, 6]
    assert isinstance(real(0.11, 0.14, decimals=1), ContinuousEncoder)
    assert isinstance(real(0, 1e12, decimals=15), ContinuousEncoder)


def test_decimals_without_a_lattice_round_what_is_written() -> None:
    column = real(0, 1e12, decimals=6, grid=Grid(cells=4))
    assert isinstance(column, ContinuousEncoder)
    values = column.decode(np.array([1, 2, 3, 4]), np.random.default_rng(0))
    assert (np.round(values, 6) == values).all()
    inside = real(0.11, 0.14, decimals=1).decode(np.arange(1, 1025), np.random.default_rng(0))
    assert inside.min() >= 0.11
    assert inside.max() <= 0.14


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324])
def test_extremes_do_not_overflow(value: float) -> None:
    assert 1 <= real(0, 1, decimals=2).encode(pa.array([value]))[0] <= 101


def test_decode_gives_special_values_and_values_of_the_cell() -> None:
    column = integer(0, 9, special=(-1, 3), grid=Grid(cells=2))
    codes = np.array([1, 2, *[3] * 200])
    values = column.decode(codes, np.random.default_rng(0))
    assert values.dtype == np.int64
    assert values[:2].tolist() == [-1, 3]
    assert set(values[2:].tolist()) == {0, 1, 2, 4}
    assert real(0, 1).decode(np.array([1]), np.random.default_rng(0)).dtype == np.float64


@pytest.mark.parametrize("special", [9223372036854776.0, -1e300])
def test_a_special_value_far_beyond_the_grid_is_a_cell_like_any_other(special: float) -> None:
    column = real(0, 1, decimals=3, special=(special,))
    assert column.encode(pa.array([special, 1.0])).tolist() == [1, column.size - 1]
    assert column.decode(np.array([1]), np.random.default_rng(0)).tolist() == [special]


def test_numbers_too_large_to_round_are_decoded_as_they_are() -> None:
    column = real(0, 1e300, decimals=15, grid=Grid(cells=4))
    values = column.decode(np.full(100, 2), np.random.default_rng(0))
    assert (column.encode(pa.array(values)) == 2).all()


def test_decode_of_missing() -> None:
    assert integer(0, 3).decode(np.array([0, 1]), np.random.default_rng(0)).tolist() == [None, 0]


def test_integers_beyond_float_precision_keep_to_their_side() -> None:
    column = integer(-(2**53), 2**53)
    cells = pa.array([2**62, -(2**62), 2**53, 0])
    assert column.encode(cells).tolist() == [1024, 1, 1024, 1 + np.searchsorted(column.grid_edges, 0, "right") - 1]
    assert column.encode(pa.array([2**64 - 1], pa.uint64())).tolist() == [1024]
