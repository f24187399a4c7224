from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain import (
    AbstractColumn,
    Boolean,
    Category,
    Datetime,
    Domain,
    Identifier,
    Integer,
    Real,
    Resolution,
    read_domain,
)
from dpsynth.domain.public import from_public, read_reference
from dpsynth.errors import DomainError, SourceError


def moments(*texts: str | None) -> pd.DatetimeIndex:
    return pd.to_datetime(list(texts), format="ISO8601")


def test_zoned_moments_are_utc() -> None:
    column = found(moments("2019-01-01T01:00+02:00", "2020-05-06T00:00+02:00"))
    assert column.minimum == datetime(2018, 1, 1)


def found(cells: Any, **more: Any) -> AbstractColumn | str:
    facts = from_public(pd.DataFrame({"a": pd.Series(cells, **more)}))
    return facts.columns["a"] if "a" in facts.columns else facts.refused["a"]


@pytest.mark.parametrize(
    ("cells", "minimum", "maximum"),
    [
        ([3, 17, 5], 3, 17),
        (["3", " 17 ", ""], 3, 17),
        ([3.0, 17.0, None], 3, 17),
        (["3.0", "17.0"], 3, 17),
        (["3", "NA", "17"], 3, 17),
        ([0, 99999], 0, 100000),
        ([12285, 1484705], 0, 1500000),
        ([-37, 4356], -100, 4400),
        ([7], 7, 7),
        (np.array([3, 17], dtype=np.int8), 3, 17),
        (pd.array([3, None, 17], dtype="Int64"), 3, 17),
        ([Decimal("3"), Decimal("17")], 3, 17),
        (pd.Categorical([3, 17]), 3, 17),
    ],
)
def test_whole_numbers(cells: Any, minimum: int, maximum: int) -> None:
    assert found(cells) == Integer(name="a", minimum=minimum, maximum=maximum)


@pytest.mark.parametrize(
    ("cells", "minimum", "maximum", "decimals"),
    [
        ([0.5, 9.75], 0.5, 9.8, 2),
        (["0.5", "9.75"], 0.5, 9.8, 2),
        ([0.1234567, 41.0], 0.0, 41.0, None),
        (["1e-3", "2.5"], 0.0, 2.5, 3),
        ([0.5, np.inf], 0.5, 0.51, 1),
        ([0.5, 0.5], 0.5, 0.51, 1),
        ([-1234.5, 1234.5], -1300.0, 1300.0, 1),
    ],
)
def test_numbers(cells: Any, minimum: float, maximum: float, decimals: int | None) -> None:
    assert found(cells) == Real(name="a", minimum=minimum, maximum=maximum, decimals=decimals)


@pytest.mark.parametrize(
    ("cells", "resolution", "last"),
    [
        (["2019-03-01", "2020-05-06"], Resolution.DAY, datetime(2020, 12, 31)),
        (["2019-03-01 12:00", "2020-05-06T01:00"], Resolution.HOUR, datetime(2020, 12, 31, 23)),
        (moments("2019-03-01 12:30", None, "2020-05-06"), Resolution.MINUTE, datetime(2020, 12, 31, 23, 59)),
        (moments("2019-03-01 00:00:01.5", "2020-05-06"), Resolution.SECOND, datetime(2020, 12, 31, 23, 59, 59)),
        (moments("2019-03-01T01:00+02:00", "2020-05-06T00:00+02:00"), Resolution.HOUR, datetime(2020, 12, 31, 23)),
        ([datetime(2019, 3, 1).date(), datetime(2020, 5, 6).date()], Resolution.DAY, datetime(2020, 12, 31)),
    ],
)
def test_dates_are_whole_years(cells: Any, resolution: Resolution, last: datetime) -> None:
    column = found(cells)
    assert isinstance(column, Datetime)
    assert column.resolution is resolution
    assert column.minimum == datetime(2019, 1, 1)
    assert column.maximum == last


def test_texts() -> None:
    assert found(["M", " F", None, "F", ""]) == Category(name="a", values=("F", "M"))
    assert found([True, False]) == Boolean(name="a")
    assert found(["TRUE", "false", ""]) == Boolean(name="a")
    assert found([True, None], dtype=object) == Boolean(name="a")
    assert found(["007", "010"]) == Category(name="a", values=("007", "010"))
    assert found(["2019-02-31", "2019-01-01"]) == Category(name="a", values=("2019-01-01", "2019-02-31"))
    assert found([f"k{i}" for i in range(51)]) == Identifier(name="a")
    assert isinstance(found([f"k{i}" for i in range(50)]), Category)
    assert isinstance(found([f"k{i % 1000}" for i in range(2000)]), Category)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([f"k{i % 1001}" for i in range(2002)], "free text (over 1,000 values), refused"),
        ([None, None], "the reference has no value here"),
        (["", " "], "the reference has no value here"),
        ([np.inf, np.nan], "the reference has no finite number here"),
        ([10**17, 2], "whole numbers beyond 2^52"),
        ([-1.7e308, 1.7e308, 0.5], "the numbers are too far apart"),
        ([[1], [2]], "only single values can be modelled"),
        (["x", b"\x80"], "only numbers, dates and text can be modelled"),
    ],
)
def test_what_cannot_be_declared_is_told(cells: Any, words: str) -> None:
    assert words in found(cells)


def test_texts_are_unicode() -> None:
    assert found(["x", "\ud800"], dtype=object) == "only numbers, dates and text can be modelled"


def test_keys_of_numbers_are_noted() -> None:
    facts = from_public(pd.DataFrame({"a": range(60), "b": [1, 2] * 30}))
    assert facts.notes == {"a": 'every value differs in the reference: kind = "identifier" if this is a key'}


def test_arrow_tables_are_taken_and_others_are_not() -> None:
    facts = from_public(pa.table({"a": pa.array([1, 2]), "b": pa.array(["x", "y"]).dictionary_encode()}))
    assert facts.columns == {"a": Integer(name="a", minimum=1, maximum=2), "b": Category(name="b", values=("x", "y"))}
    with pytest.raises(DomainError, match="A public reference is a pandas or pyarrow table; found list"):
        from_public([[1]])


@given(st.lists(st.integers(-(2**52), 2**52) | st.floats(-1e15, 1e15), min_size=1, max_size=20))
def test_bounds_hold_what_was_seen(cells: list[float]) -> None:
    for form in (cells, [repr(cell) for cell in cells]):
        column = found(form)
        assert isinstance(column, (Integer, Real))
        assert column.minimum <= min(cells)
        assert max(cells) <= column.maximum
        assert Domain((column,)) == read_domain({"columns": [{"name": "a", **_plain(column)}]})


def _plain(column: AbstractColumn) -> dict[str, Any]:
    from dpsynth.domain.plain import column_to_dict

    return column_to_dict(column)


@given(st.lists(st.none() | st.text(max_size=5) | st.integers() | st.floats() | st.booleans() | st.binary(max_size=2)))
def test_no_reference_makes_it_fail(cells: list[Any]) -> None:
    assert found(cells, dtype=object) is not None


def test_files_of_all_kinds_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1, 2], "t": ["NA", "x,y"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv.gz", index=False, sep="\t")
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_feather(tmp_path / "t.feather")
    for name in ("t.csv", "t.tsv.gz", "t.parquet", "t.feather"):
        facts = from_public(read_reference(tmp_path / name))
        assert facts.columns["n"] == Integer(name="n", minimum=1, maximum=2)
        assert facts.columns["t"] == Category(name="t", values=("NA", "x,y"))


@pytest.mark.parametrize(("name", "text"), [("t.csv", "a,b\n1,2,3\n"), ("t.csv", 'a,b\n"1,2\n')])
def test_broken_files_are_told(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match="cannot be read as a public table. Is the file whole"):
        read_reference(tmp_path / name)


def test_absent_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        read_reference(tmp_path / "t.csv")
