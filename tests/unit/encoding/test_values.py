"""Canonical cells of every Arrow type."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dpsynth.encoding.values import STRANGE, Cells, Form, MissingPolicy, read_cells

NONE = MissingPolicy.of(())
USUAL = MissingPolicy.of(("", "?", "-9", "1900-01-01", "False"))


def listed(cells: Cells) -> list[object]:
    """Each cell's value, None where missing."""
    values = cells.values.to_pylist() if isinstance(cells.values, pa.Array) else cells.values.tolist()
    index = range(len(values)) if cells.index is None else cells.index.tolist()
    nulls = np.zeros(len(index), bool) if cells.nulls is None else cells.nulls
    return [None if gone or cells.missing[i] else values[i] for i, gone in zip(index, nulls, strict=True)]


@pytest.mark.parametrize(
    ("array", "form", "values"),
    [
        (pa.array([1, None, -9], pa.int8()), Form.NUMBER, [1.0, None, -9.0]),
        (pa.array([0.1, math.nan, None, math.inf], pa.float32()), Form.NUMBER, [0.1, None, None, math.inf]),
        (pa.array(np.array([0.1, 2, np.inf], np.float16)), Form.NUMBER, [0.1, 2.0, math.inf]),
        (pa.array([2**64 - 1, None], pa.uint64()), Form.TEXT, ["18446744073709551615", None]),
        (pa.array([True, None]), Form.BOOLEAN, [True, None]),
        (pa.array([" a ", None, "\u00a0"]), Form.TEXT, ["a", None, ""]),
        (pa.array([b"a", b"\xffb", None]), Form.TEXT, ["a", "\ufffdb", None]),
        (pa.array([b"abc", b"\xff\xff\xff"], pa.binary(3)), Form.TEXT, ["abc", "\ufffd\ufffd\ufffd"]),
        (pa.array([Decimal("1.50"), None]), Form.TEXT, ["1.50", None]),
        (pa.array([date(1970, 1, 2), None]), Form.INSTANT, [86_400_000_000, None]),
        (pa.array([1, None], pa.timestamp("s")), Form.INSTANT, [1_000_000, None]),
        (pa.array([-1, 1999], pa.timestamp("ns", tz="Asia/Tokyo")), Form.INSTANT, [-1, 1]),
        (pa.array([2**62, -(2**62)], pa.int64()).cast(pa.timestamp("s")), Form.INSTANT, [2**62 // 10**6 * 10**6, -(2**62 // 10**6) * 10**6]),
        (pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), Form.INSTANT, [2**62 // 86_400_000_000 * 86_400_000_000]),
        (pa.array([0, 3600], pa.time32("s")), Form.TEXT, ["00:00:00", "01:00:00"]),
        (pa.array([500_000, 0], pa.time64("us")), Form.TEXT, ["00:00:00.500000", "00:00:00"]),
        (pa.array([1, None], pa.duration("s")), Form.TEXT, [STRANGE, None]),
        (pa.array([[1], None]), Form.TEXT, [STRANGE, None]),
        (pa.array([{"a": 1}, None]), Form.TEXT, [STRANGE, None]),
        (pa.nulls(2), Form.NUMBER, [None, None]),
        (pa.array(["a", None, "a"]).dictionary_encode(), Form.TEXT, ["a", None, "a"]),
        (pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.uint8()), pa.array(["a", None])), Form.TEXT, ["a", None, None]),
        (pc.run_end_encode(pa.array([1.5, 1.5, None])), Form.NUMBER, [1.5, 1.5, None]),
        (pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1"])), Form.TEXT, ["1"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)  # fmt: skip
def test_types(array: pa.Array, form: Form, values: list[object]) -> None:
    cells = read_cells(array, NONE)
    # 2^62 microseconds is the last instant; what lies beyond is held there.
    assert cells.form is form
    assert listed(cells) == values
    assert listed(read_cells(array[:0], NONE)) == []


def test_dictionary_of_a_dictionary() -> None:
    inner = pa.array(["a", None, "b"]).dictionary_encode()
    outer = pa.DictionaryArray.from_arrays(pa.array([2, 1, 0, None], pa.int8()), inner)
    assert listed(read_cells(outer, NONE)) == ["b", None, "a", None]


def test_empty_dictionary() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([None, None], pa.int8()), pa.array([], pa.string()))
    cells = read_cells(array, NONE)
    assert cells.spread(np.empty(0, np.int32), np.int32(7)).tolist() == [7, 7]


def test_slices_read_their_own_cells() -> None:
    assert listed(read_cells(pa.array(["a", "b", None, "c"])[1:3], NONE)) == ["b", None]
    assert listed(read_cells(pa.array([True, False, None])[1:], NONE)) == [False, None]


def test_what_means_missing_is_missing_in_every_type() -> None:
    assert listed(read_cells(pa.array(["?", " ? ", "-9", "-9.0", "", "x"]), USUAL)) == [
        None,
        None,
        None,
        None,
        None,
        "x",
    ]
    assert listed(read_cells(pa.array([-9, 9]), USUAL)) == [None, 9.0]
    assert listed(read_cells(pa.array([-9.0, 9.0]), USUAL)) == [None, 9.0]
    assert listed(read_cells(pa.array([date(1900, 1, 1)]), USUAL)) == [None]
    assert listed(read_cells(pa.array(["1900-01-01 00:00"]), USUAL)) == [None]
    assert listed(read_cells(pa.array([True, False]), USUAL)) == [True, None]
    assert listed(read_cells(pa.array(["False", "false", "True"]), USUAL)) == [None, "false", "True"]
    assert listed(read_cells(pa.array(["?", "a"]).dictionary_encode(), USUAL)) == [None, "a"]


def test_text_that_is_no_utf8_is_repaired_cell_by_cell() -> None:
    raw = pa.array([b"\xffa", b"b", None], pa.binary())
    array = pa.Array.from_buffers(pa.string(), 3, raw.buffers(), raw.null_count)
    assert listed(read_cells(array, NONE)) == ["\ufffda", "b", None]


def test_narrow_floats_read_as_their_shortest_decimal() -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(0, 1, 5000) * 10.0 ** rng.integers(-30, 30, 5000)).astype(np.float32)
    found = read_cells(pa.array(values), NONE).values
    assert found.tolist() == [float(str(value)) for value in values]
    assert (found.astype(np.float32) == values).all()
