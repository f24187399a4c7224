"""In-memory tables -> Arrow columns."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dpsynth.encoding.values import STRANGE
from dpsynth.engines.frames import column_readers, find_columns, object_text
from dpsynth.errors import SourceError


class Shade(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Hostile:
    """An object of which every look raises."""

    def __getattribute__(self, name: str) -> Any:
        raise ValueError("canary")

    def __str__(self) -> str:
        raise ValueError("canary")

    __hash__ = None  # type: ignore[assignment]


class Panic(BaseException):
    """As those of polars, outside Exception."""


def exits(error: BaseException) -> Any:
    """A cell of which every look raises the error."""

    class Exits:
        def __getattribute__(self, name: str) -> Any:
            raise error

    return Exits()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None), (math.nan, None), (pd.NA, None), (pd.NaT, None), (np.datetime64("NaT"), None), (np.float32("nan"), None),
        (Decimal("NaN"), None), (Decimal("sNaN"), None), (np.float64("nan"), None),
        ("a", "a"), (" ü ", " ü "), ("\ud800", "?"), (np.str_("a"), "a"), (Shade.RED, "red"),
        (b"a", "a"), (b"\xff", "\ufffd"), (bytearray(b"a"), "a"), (memoryview(b"a"), "a"), (np.bytes_(b"a"), "a"),
        (True, "True"), (np.False_, "False"), (1, "1"), (np.int8(-1), "-1"), (np.uint64(2**64 - 1), "18446744073709551615"),
        (Level.HIGH, "3"), (10**400, "inf"), (-(10**5000), "-inf"),
        (1.0, "1.0"), (0.1, "0.1"), (math.inf, "inf"), (-0.0, "-0.0"), (np.float32(0.1), "0.1"), (np.float16(0.1), "0.1"),
        (np.float64(0.1), "0.1"), (np.longdouble("0.5"), "0.5"), (Decimal("1.50"), "1.50"), (Decimal("Infinity"), "Infinity"),
        (datetime(2020, 1, 2), "2020-01-02 00:00:00"), (date(2020, 1, 2), "2020-01-02"), (time(1, 2), "01:02:00"),
        (datetime(2020, 1, 2, tzinfo=timezone(timedelta(hours=1))), "2020-01-01 23:00:00"),
        (pd.Timestamp("2020-01-02", tz="Europe/Berlin"), "2020-01-01 23:00:00"), (np.datetime64("2020-01-02"), "2020-01-02"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), STRANGE),
        (pd.Period("2020-01", "M"), "2020-01"), (pd.Interval(0, 1), "(0, 1]"), (np.array("a"), "a"),
        ([], STRANGE), ({}, STRANGE), (object(), STRANGE), (1j, STRANGE), (timedelta(1), STRANGE), (pd.Timedelta(1), STRANGE),
        (np.array([1]), STRANGE), (np.complex64(1), STRANGE), (np.timedelta64(1, "s"), STRANGE), (Hostile(), STRANGE), (int, STRANGE),
    ],
    ids=lambda _: "",
)  # fmt: skip
def test_what_objects_say(value: Any, text: str | None) -> None:
    assert object_text(value) == text


def texts(source: Any, name: str = "c") -> list[Any]:
    found = column_readers(source, [name])[name]()
    return found.to_pylist()


def test_columns_of_text_are_converted_as_a_whole_and_alike() -> None:
    plain = pd.DataFrame({"c": np.array(["a", None, math.nan, pd.NA], dtype=object)})
    mixed = pd.DataFrame({"c": np.array(["a", None, math.nan, pd.NA, 1], dtype=object)})
    assert texts(plain) == ["a", None, None, None]
    assert texts(mixed) == ["a", None, None, None, "1"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (pd.Series([1, 2], dtype="int8"), [1, 2]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Series([1.5, None], dtype="Float32"), [1.5, None]),
        (pd.Series([True, None], dtype="boolean"), [True, None]),
        (pd.Series(["a", None], dtype="string"), ["a", None]),
        (pd.Series(["a", None], dtype="str"), ["a", None]),
        (pd.Series(["a", None, "a"], dtype="category"), ["a", None, "a"]),
        (pd.Series(pd.Categorical([1, "1", True, None, 2.5], categories=[1, "1", 2.5])), ["1", "1", "1", None, "2.5"]),
        (pd.Series(["a", None], dtype=pd.ArrowDtype(pa.large_string())), ["a", None]),
        (pd.Series([1.0, 0.0], dtype="Sparse[float]"), ["1.0", "0.0"]),
        (pd.Series(pd.period_range("2020-01", periods=2, freq="M")), ["2020-01", "2020-02"]),
        (pd.Series(pd.IntervalIndex.from_breaks([0, 1])), ["(0, 1]"]),
        (pd.Series([1 + 1j]), [STRANGE]),
        (pd.Series(np.array([0.5], np.longdouble)), ["0.5"]),
        (pd.Series(["\ud800", "a"], dtype=object), ["?", "a"]),
        (pd.to_datetime(pd.Series(["2020-01-01"])).dt.tz_localize("Europe/Berlin"), [datetime(2019, 12, 31, 23)]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pd.Series) else "",
)
def test_types_of_pandas(values: pd.Series, found: list[Any]) -> None:
    assert texts(pd.DataFrame({"c": values})) == found


def test_nan_stays_nan_in_plain_floats() -> None:
    assert math.isnan(texts(pd.DataFrame({"c": [1.0, math.nan]}))[1])


def test_types_of_polars() -> None:
    frame = pl.DataFrame({"c": ["a", None]}).with_columns(
        d=pl.col("c").cast(pl.Categorical), e=pl.lit(2**70, pl.Int128)
    )
    assert texts(frame) == ["a", None]
    assert texts(frame, "d") == ["a", None]
    assert [int(value) for value in texts(frame, "e")] == [2**70] * 2
    assert texts(pl.DataFrame({"c": pl.Series([object(), "a", 1], dtype=pl.Object)})) == [STRANGE, "a", "1"]


def test_records() -> None:
    records = [{"c": 1}, {}, OrderedDict(c="a", d=2), {"c": [1, 2]}]
    assert texts(records) == ["1", None, "a", STRANGE]
    assert texts([]) == []


def test_a_record_that_is_none_is_missing_and_refuses_no_other() -> None:
    class Broken(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise SystemExit("canary")

    assert texts([{"c": 1}, None, 7, "text", Broken(c=2), exits(SystemExit("canary"))]) == ["1", *[None] * 5]
    assert texts([1, 2]) == [None, None]


@pytest.mark.parametrize(
    "error", [SystemExit("canary"), Panic("canary"), GeneratorExit("canary"), ValueError("canary")]
)
def test_a_cell_that_exits_is_strange_and_moves_no_other(error: BaseException) -> None:
    cells = ["a", exits(error), None, 1]
    wanted = ["a", STRANGE, None, "1"]
    assert texts(pd.DataFrame({"c": pd.Series(cells, dtype=object)})) == wanted
    assert texts([{"c": cell} for cell in cells]) == wanted
    assert texts(pl.DataFrame({"c": pl.Series(cells, dtype=pl.Object)})) == wanted


def test_an_interrupt_is_not_a_cell() -> None:
    with pytest.raises(KeyboardInterrupt):
        object_text(exits(KeyboardInterrupt()))


def test_only_wanted_keys_of_records_are_looked_at() -> None:
    class Spy(Mapping[str, Any]):
        asked: ClassVar[set[str]] = set()

        def __getitem__(self, key: str) -> Any:
            self.asked.add(key)
            return 1

        def __iter__(self) -> Iterator[str]:
            raise AssertionError("keys are not listed")

        def __len__(self) -> int:
            return 2

    assert texts([Spy()]) == ["1"]
    assert Spy.asked == {"c"}


def test_names_of_columns_are_read_as_text() -> None:
    assert texts(pd.DataFrame({3: ["a"]}), "3") == ["a"]


def test_missing_and_doubled_columns_are_named() -> None:
    frame = pd.DataFrame([["canary", "x", "y"]], columns=["c", "d", "d"])
    for source in (frame, pa.Table.from_arrays([pa.array(["canary"])] * 3, names=["c", "d", "d"])):
        assert texts(source) == ["canary"]
        with pytest.raises(SourceError, match="The table has several columns named 'd'.\nKeep one of them.") as caught:
            column_readers(source, ["c", "d"])
        assert "canary" not in str(caught.value)
        with pytest.raises(
            SourceError, match="The table has no column 'e', which the domain declares.\nRename it or edit"
        ):
            column_readers(source, ["e"])
    with pytest.raises(SourceError, match="no column 'e'"):
        column_readers(pl.DataFrame({"c": [1]}), ["e"])


def test_places_of_columns() -> None:
    assert find_columns(["b", "a", "x", "x"], ["a", "b"]) == {"a": 1, "b": 0}


@pytest.mark.parametrize("source", [None, 1, "text", {"c": [1]}, (1, 2), np.zeros(3), pl.LazyFrame({"c": [1]})])
def test_what_is_no_table_is_refused(source: Any) -> None:
    name = type(source).__name__
    with pytest.raises(SourceError, match=rf"Cannot read a table from a value of type {name}.\nPass a pandas"):
        column_readers(source, ["c"])
