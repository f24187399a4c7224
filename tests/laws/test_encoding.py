"""Laws of the encoders: total, cell by cell, equal to their plain twin, and inverted by decode."""

from __future__ import annotations

import functools
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dpsynth.domain.columns import AbstractColumn, Category, Datetime, Grid, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.frames import column_readers
from tests.laws.naive import naive_codes, some_columns

COLUMNS = some_columns()
MISSING_VALUES = ("", "-9", "?", "n/a")

texts = st.text(max_size=8) | st.sampled_from(
    ["a", " b", "b ", "True", "TRUE", "false", "1", "1.0", "01", "+1", "1e0", "2.5", "2.50", ".5", "5.", "-0", "-9", "-9.0",
     "?", " ? ", "", "  ", "nan", "NaN", "inf", "-Infinity", "1e400", "0x10", "1_000", "1,5", "٣", "x", "No", "yes", "Y",
     "2020-01-02", "2020-01-02 00:00:00", "2020-01-02T01:00:00+01:00", "2020-02-30", "2000-12-31T23:59:59.999999Z",
     "20200102", "24:00", "\x00", "a\x00", "\u00a0a\u2003", "\ufffd", "9007199254740993", "None", "1000", "99.5"]
)  # fmt: skip
instants = st.datetimes(datetime(1890, 1, 1), datetime(2040, 1, 1))
numbers = st.integers() | st.floats() | st.integers(-10, 2050) | st.floats(-2, 1002) | st.decimals(allow_nan=True).filter(
    lambda value: not value.is_snan()
)  # fmt: skip
cells = st.one_of(
    st.none(), texts, numbers, st.booleans(), st.binary(max_size=6), instants, instants.map(datetime.date),
    instants.map(lambda value: value.replace(tzinfo=timezone(timedelta(hours=5, minutes=30)))),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=1), st.integers(), max_size=1),
    st.complex_numbers(), st.sampled_from([object, ..., {1}, timedelta(1), Decimal("sNaN"), 10**400, -(10**5000)]),
)  # fmt: skip


@functools.cache
def encoder_of(column: AbstractColumn, missing_values: tuple[str, ...] = ("",)) -> AbstractColumnEncoder:
    return TableEncoder(Domain((column,), missing_values=missing_values)).columns[0]


def arrow(values: list[Any]) -> pa.Array:
    """What the memory engine makes of a column of objects."""
    read = column_readers([{"c": value} for value in values], ["c"])["c"]()
    assert isinstance(read, pa.Array)
    return read


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
@given(values=st.lists(cells, max_size=25))
@settings(max_examples=25)
def test_equals_the_plain_twin(column: AbstractColumn, values: list[Any]) -> None:
    for missing_values in (("",), MISSING_VALUES):
        encoder = encoder_of(column, missing_values)
        codes = encoder.encode(arrow(values))
        assert codes.dtype == np.int32
        plain = [None if isinstance(value, Decimal) and value.is_snan() else value for value in values]
        assert codes.tolist() == naive_codes(encoder, plain, missing_values).tolist()
        assert ((codes >= 0) & (codes < encoder.size)).all()


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
@given(values=st.lists(cells, min_size=1, max_size=10), bad=cells, place=st.integers(0, 9))
@settings(max_examples=10)
def test_one_cell_changes_no_other_code(column: AbstractColumn, values: list[Any], bad: Any, place: int) -> None:
    """Flaws F1 and F2 of the audit: a bad cell neither raises nor moves another row's code."""
    encoder, place = encoder_of(column), place % len(values)
    before = encoder.encode(arrow(values))
    after = encoder.encode(arrow([*values[:place], bad, *values[place + 1 :]]))
    assert np.delete(before, place).tolist() == np.delete(after, place).tolist()
    assert after[place] == encoder.encode(arrow([bad]))[0]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_decode_inverts_encode_on_every_cell(column: AbstractColumn) -> None:
    encoder, rng = encoder_of(column), np.random.default_rng(0)
    codes = np.repeat(np.arange(encoder.size), 3)
    back = encoder.encode(arrow(encoder.decode(codes, rng).tolist()))
    special = np.array(sorted(column.special)) if isinstance(column, (Integer, Real)) else np.array([])
    moved = np.flatnonzero(back != codes)
    # Only a grid cell that holds nothing but special values comes back as another one: that of the special value.
    assert all(back[i] - encoder.first < len(special) for i in moved)
    assert len(moved) <= 3 * len(special)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_decoded_values_lie_in_the_domain(column: AbstractColumn) -> None:
    encoder = encoder_of(column)
    ordinary = np.repeat(np.arange(encoder.first, encoder.size), 5)
    values = encoder.decode(ordinary, np.random.default_rng(1))
    if isinstance(column, (Integer, Real)):
        allowed = (values >= column.minimum) & (values <= column.maximum)
        assert (allowed | np.isin(values, column.special)).all()
        if isinstance(column, Real) and column.decimals is not None:
            assert (np.round(values, column.decimals) == values).all()
    assert len(encoder.labels()) == encoder.size
    assert len(set(encoder.labels())) == encoder.size


@given(
    st.integers(-(2**53), 2**53),
    st.integers(1, 2**53),
    st.sampled_from(["equal", "log"]),
    st.integers(1, 600) | st.none(),
)
@settings(max_examples=150)
def test_whole_grids_cover_their_bounds(low: int, width: int, kind: str, asked: int | None) -> None:
    high = min(low + width, 2**53)
    encoder = encoder_of(
        Integer(name="c", minimum=min(low, high), maximum=high, grid=Grid(kind, cells=asked), required=True)
    )
    edges = encoder.grid_edges
    assert edges is not None
    assert edges[0] == min(low, high)
    assert (np.diff(edges) >= 0).all()
    ends = encoder.encode(pa.array([min(low, high), high]))
    assert ends.tolist() == [0, encoder.size - 1]
    assert encoder.size <= (2 * asked + 4 if asked else 1026)
    drawn = encoder.decode(np.arange(encoder.size), np.random.default_rng(0))
    assert encoder.encode(pa.array(drawn)).tolist() == list(range(encoder.size))


@given(
    st.floats(-1e12, 1e12), st.floats(1e-3, 1e12), st.sampled_from(["equal", "log"]), st.integers(0, 4) | st.none(),
    st.lists(st.floats(-0.5, 1.5), max_size=20),
)  # fmt: skip
@settings(max_examples=150)
def test_real_grids_are_increasing_and_total(
    low: float, width: float, kind: str, decimals: int | None, shares: list[float]
) -> None:
    high = low + width
    assume(low < high)
    column = Real(name="c", minimum=low, maximum=high, grid=Grid(kind), decimals=decimals, required=True)
    encoder = encoder_of(column)
    edges = encoder.grid_edges
    assert edges is not None
    assert (np.diff(edges) > 0).all()
    values = np.array([low, high, *(low + share * width for share in shares)])
    codes = encoder.encode(pa.array(values))
    assert codes.tolist() == naive_codes(encoder, values.tolist()).tolist()
    assert {0, encoder.size - 1} >= set(codes[:2].tolist()) or encoder.size == 1
    order = np.argsort(values, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()


def test_dtype_of_the_same_cells_does_not_matter() -> None:
    """A Category of numbers, as integers, floats with a gap, texts, decimals, dictionaries and narrow floats."""
    encoder = encoder_of(Category(name="c", values=("0", "1", "2.5")))
    forms = [
        pa.array([0.0, 1.0, 2.5, math.nan]),
        pa.array([0.0, 1.0, 2.5, None]),
        pa.array(np.array([0, 1, 2.5, np.nan], np.float32)),
        pa.array(np.array([0, 1, 2.5, np.nan], np.float16)),
        pa.array(["0", " 1.0", "2.50", ""]),
        pa.array(["0", "1", "2.5", None]).dictionary_encode(),
        pa.array(["0", "1", "2.5", None], pa.string_view()),
        pa.array([b"0", b"1", b"2.5", None]),
        pa.array([b"0  ", b"1  ", b"2.5", None], pa.binary(3)),
        pa.array([Decimal("0.00"), Decimal("1.00"), Decimal("2.50"), None]),
        pa.array([Decimal("0.00"), Decimal("1.00"), Decimal("2.50"), None], pa.decimal256(60, 2)),
        pa.array([0.0, 1.0, 2.5, None]).dictionary_encode(),
    ]
    for form in forms:
        assert encoder.encode(form).tolist() == [1, 2, 3, 0], form.type
    assert encoder.encode(pa.array([0, 1, None], pa.int8())).tolist() == [1, 2, 0]
    assert encoder.encode(pa.array([0, 1, None], pa.uint64())).tolist() == [1, 2, 0]


def test_zone_of_the_same_instants_does_not_matter() -> None:
    column = Datetime(name="c", minimum=datetime(2020, 1, 1), maximum=datetime(2020, 1, 2, 23, 59, 59))
    encoder = encoder_of(column)
    moment = datetime(2020, 1, 1, 22, 30, tzinfo=UTC)
    wanted = encoder.encode(pa.array(["2020-01-01 22:30:00"])).tolist()
    assert wanted[0] > 1
    for unit in ("s", "ms", "us", "ns"):
        for zone in ("UTC", "Asia/Kolkata", "-03:00"):
            assert encoder.encode(pa.array([moment], pa.timestamp(unit, tz=zone))).tolist() == wanted
        assert encoder.encode(pa.array([moment.replace(tzinfo=None)], pa.timestamp(unit))).tolist() == wanted
    for text in ("2020-01-02T04:00:00+05:30", "2020-01-01T22:30Z", "2020/01/01 22:30", "2020-01-01 22:30:00.0000 UTC"):
        assert encoder.encode(pa.array([text])).tolist() == wanted, text
