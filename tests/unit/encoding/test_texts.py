"""What texts say: numbers, instants, truth values."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from dpsynth.encoding.texts import WHITE_SPACE, booleans_of, distinct, equals_any, instants_of, numbers_of, trim

NUMBERS = {
    "1": 1.0, "01": 1.0, "+1": 1.0, "-1": -1.0, "1.": 1.0, ".5": 0.5, "-.5e1": -5.0, "1E+2": 100.0, "1e-400": 0.0, "1e400": math.inf,
    "inf": math.inf, "-INF": -math.inf, "Infinity": math.inf, "-0": -0.0, "123456789012345678901234567890": 123456789012345678901234567890.0,
}  # fmt: skip
NO_NUMBERS = (
    "", " ", " 1", "a", "-", ".", "1e", "e5", "1_000", "1,5", "0x10", "1d", "--1", "٣", "½", "nan", "NaN", "nan(1)", "1\x00",
    "infinit", "1 2", "True", "1%",
)  # fmt: skip


def texts(*values: str) -> pa.Array:
    return pa.array(values, pa.large_string())


def test_numbers_are_read() -> None:
    assert numbers_of(texts(*NUMBERS)).tolist() == list(NUMBERS.values())


def test_what_is_no_number_is_nan_and_changes_no_other() -> None:
    """The slow path (one text is no number) reads what the fast path reads."""
    for text in NO_NUMBERS:
        found = numbers_of(texts(*NUMBERS, text))
        assert found[:-1].tolist() == list(NUMBERS.values()), text
        assert math.isnan(found[-1]), text
        assert math.isnan(numbers_of(texts(text))[0]), text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2020-02-29", datetime(2020, 2, 29)),
        ("2000/1/2", datetime(2000, 1, 2)),
        ("1969-12-31T23:59:59.5", datetime(1969, 12, 31, 23, 59, 59, 500_000)),
        ("2020-01-01 10:20", datetime(2020, 1, 1, 10, 20)),
        ("2020-01-01t10:20:30,123456789", datetime(2020, 1, 1, 10, 20, 30, 123_456)),
        ("2020-01-01 00:00:00+01:00", datetime(2019, 12, 31, 23)),
        ("2020-01-01T00:00:00-0530", datetime(2020, 1, 1, 5, 30)),
        ("2020-01-01T00:00:00 +05", datetime(2019, 12, 31, 19)),
        ("2020-01-01T00:00Z", datetime(2020, 1, 1)),
        ("2020-01-01 00:00:00 UTC", datetime(2020, 1, 1)),
        ("0001-01-01", datetime(1, 1, 1)),
        ("+2020-01-01", datetime(2020, 1, 1)),
        ("9999-12-31 23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999_999)),
    ],
)
def test_instants_are_read(text: str, instant: datetime) -> None:
    found, valid = instants_of(texts(text, "x"))
    assert valid.tolist() == [True, False]
    assert found[0].astype("datetime64[us]").item() == instant


def test_every_day_of_four_centuries_is_right() -> None:
    days = np.arange(np.datetime64("1896-01-01"), np.datetime64("2301-01-01"))
    found, valid = instants_of(pa.array(np.datetime_as_string(days).tolist(), pa.large_string()))
    assert valid.all()
    assert (found == days.astype("datetime64[us]").astype(np.int64)).all()


@pytest.mark.parametrize(
    "text",
    ["", "2020", "20200101", "2020-02-30", "2021-02-29", "2020-13-01", "2020-00-10", "2020-01-00", "2020-01-01 24:00",
     "2020-01-01 10:60", "2020-01-01 10:20:60", "2020-01-01T", "01-02-2020", "2020-01-01 00:00+25:00", "x2020-01-01", "2020-1"],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert not instants_of(texts(text))[1].any()


def test_far_years_stay_in_range() -> None:
    found, valid = instants_of(texts("999999-01-01", "-999999-01-01", "+999999-01-01", "+12020-01-01"))
    assert valid.all()
    assert found[0] > 2**61 > 0 > found[1]
    assert found[2] == found[0] > found[3] > 0


def test_truth_values() -> None:
    assert booleans_of(texts("true", "FALSE", "True", "1", "", "yes", "trüe")).tolist() == [1, 0, 1, -1, -1, -1, -1]


def test_trim_is_the_trimming_of_listed_values() -> None:
    """Cells are trimmed in Arrow, listed values by str.strip: both know the same white space."""
    assert set(WHITE_SPACE) == {c for c in map(chr, range(0x110000)) if c.isspace()}
    samples = [f"{c}a b{c}" for c in [*WHITE_SPACE, "\u200b", "\ufeff", "\x00"]]
    assert trim(texts(*samples)).to_pylist() == [sample.strip() for sample in samples]


def test_distinct_and_equals_any() -> None:
    unique, index = distinct(texts("b", "a", "b"))
    assert [unique[i].as_py() for i in index] == ["b", "a", "b"]
    assert len(unique) == 2
    assert equals_any(np.array([1.0, 3.0]), np.array([3.0, 2.0, np.nan])).tolist() == [True, False, False]
