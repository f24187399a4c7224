"""Whole tables."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dpsynth.domain.columns import AbstractColumn, Boolean, Category, Datetime, Identifier, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.encoding.table import TableEncoder, encode_column
from dpsynth.errors import DomainError

DOMAIN = Domain(
    (
        Identifier(name="key", prefix="P"),
        Category(name="word", values=("a", "b")),
        Boolean(name="flag"),
        Integer(name="age", minimum=0, maximum=99),
        Identifier(name="number"),
        Real(name="share", minimum=0, maximum=1, decimals=3),
        Datetime(name="day", minimum=datetime(2020, 1, 1), maximum=datetime(2020, 12, 31)),
    ),
    missing_values=("?",),
)
ENCODER = TableEncoder(DOMAIN)


def test_attributes() -> None:
    assert ENCODER.names == ("word", "flag", "age", "share", "day")
    assert ENCODER.sizes == {"word": 3, "flag": 3, "age": 101, "share": 1002, "day": 1025}
    assert ENCODER.by_name("age").column.name == "age"
    assert ENCODER.domain is DOMAIN


def test_unknown_column() -> None:
    with pytest.raises(DomainError, match="There is no modelled column 'key'. Columns: word, flag, age"):
        ENCODER.by_name("key")


def test_unknown_kind() -> None:
    class Strange(AbstractColumn):
        pass

    with pytest.raises(DomainError, match="Column 'c': no encoder for Strange"):
        TableEncoder(Domain((Strange(name="c"),)))


def test_encode_takes_the_columns_that_are_there_in_the_order_of_the_domain() -> None:
    table = pa.table({"age": [1, 2], "else": ["x", "y"], "word": ["a", "?"]})
    assert [codes.tolist() for codes in ENCODER.encode(table)] == [[1, 0], [2, 3]]
    (batch,) = table.to_batches()
    assert [codes.tolist() for codes in ENCODER.encode(batch)] == [[1, 0], [2, 3]]


def test_chunks_with_dictionaries_of_their_own() -> None:
    chunks = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", "x"]).dictionary_encode()])
    assert encode_column(ENCODER.by_name("word"), chunks).tolist() == [1, 2, 2, 0]
    assert encode_column(ENCODER.by_name("word"), pa.chunked_array([], pa.string())).tolist() == []


def test_decode_types_without_missing_cells() -> None:
    frame = ENCODER.decode(np.ones((3, 5), int), np.random.default_rng(0))
    assert list(frame.columns) == list(DOMAIN.names)
    assert frame["key"].tolist() == ["P1", "P2", "P3"]
    assert frame["number"].tolist() == [1, 2, 3]
    kinds = {"flag": "bool", "age": "int64", "share": "float64", "day": "datetime64[us]"}
    assert {name: str(frame[name].dtype) for name in kinds} == kinds
    assert frame["word"].tolist() == ["a"] * 3


def test_decode_types_with_missing_cells() -> None:
    frame = ENCODER.decode(np.array([[0] * 5, [1] * 5]), np.random.default_rng(0))
    kinds = {"flag": "boolean", "age": "Int64", "share": "float64", "day": "datetime64[us]"}
    assert {name: str(frame[name].dtype) for name in kinds} == kinds
    assert frame[list(ENCODER.names)].isna().to_numpy().tolist() == [[True] * 5, [False] * 5]


def test_decode_of_no_rows() -> None:
    assert ENCODER.decode(np.empty((0, 5), int), np.random.default_rng(0)).shape == (0, 7)


def test_decode_then_encode_gives_the_same_cells() -> None:
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, size, 500) for size in ENCODER.sizes.values()], 1)
    frame = ENCODER.decode(codes, rng)
    back = ENCODER.encode(pa.Table.from_pandas(frame, preserve_index=False))
    assert np.array_equal(np.stack(back, 1), codes)


def test_decode_is_a_function_of_the_generator() -> None:
    codes = np.full((50, 5), 1000 % 3)
    one, two = (ENCODER.decode(codes, np.random.default_rng(5)) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    assert not one["share"].equals(ENCODER.decode(np.full((50, 5), 2), np.random.default_rng(6))["share"])
