"""Cells of a closed list."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa

from dpsynth.domain.columns import Category, Outside
from dpsynth.encoding.category import CategoryEncoder
from dpsynth.encoding.values import STRANGE, MissingPolicy

EMPTY = MissingPolicy.of(("",))


def encoder(*values: str, policy: MissingPolicy = EMPTY, **options: object) -> CategoryEncoder:
    return CategoryEncoder(Category(name="c", values=values, **options), policy)  # type: ignore[arg-type]


def test_order_of_cells() -> None:
    assert encoder("a", "b").labels() == ["missing", "a", "b"]
    plain = encoder("a", "b", outside=Outside.OTHER, other_label="rest")
    assert plain.labels() == ["missing", "rest", "a", "b"]
    assert (plain.missing, plain.first, plain.size, plain.ordered_from) == (0, 2, 4, None)
    required = encoder("a", "b", required=True)
    assert (required.missing, required.first, required.size, required.absent) == (None, 0, 2, 0)
    both = encoder("a", required=True, outside=Outside.OTHER)
    assert (both.missing, both.first, both.absent) == (None, 1, 0)


def test_text_is_compared_after_trimming() -> None:
    assert encoder(" a ", "b c").encode(pa.array(["a", " a", "a\t", "b c", "b  c", "A"])).tolist() == [1, 1, 1, 2, 0, 0]


def test_out_of_domain_goes_where_it_is_declared() -> None:
    cells = pa.array(["z", STRANGE, None, ""])
    assert encoder("a").encode(cells).tolist() == [0, 0, 0, 0]
    assert encoder("a", outside=Outside.OTHER).encode(cells).tolist() == [1, 1, 0, 0]
    assert encoder("a", "b", required=True).encode(cells).tolist() == [0, 0, 0, 0]
    assert encoder("a", required=True, outside=Outside.OTHER).encode(cells).tolist() == [0, 0, 0, 0]


def test_numbers_find_the_text_that_reads_as_them() -> None:
    column = encoder("01234", "1", "2.50", "1e3")
    assert column.encode(pa.array([1234, 1, 1000, 7])).tolist() == [1, 2, 4, 0]
    assert column.encode(pa.array([1234.0, 2.5, np.nan, np.inf])).tolist() == [1, 3, 0, 0]
    assert column.encode(pa.array(["1234", "1.0", "2.5", "1000.0"])).tolist() == [1, 2, 3, 4]


def test_a_canonical_text_wins_over_others_that_read_alike() -> None:
    assert encoder("1.0", "1").encode(pa.array([1])).tolist() == [2]
    assert encoder("1.0", "1").encode(pa.array(["1.0", "1", "01"])).tolist() == [1, 2, 2]
    assert encoder("1.0", "1.00").encode(pa.array([1])).tolist() == [1]


def test_truth_values_find_their_spelling() -> None:
    assert encoder("false", "true").encode(pa.array([True, False, None])).tolist() == [2, 1, 0]
    assert encoder("false", "true").encode(pa.array(["TRUE", "False"])).tolist() == [2, 1]
    assert encoder("TRUE", "true", "True").encode(pa.array([True])).tolist() == [3]
    assert encoder("TRUE", "true").encode(pa.array([True])).tolist() == [0]
    assert encoder("0", "1").encode(pa.array([True])).tolist() == [0]


def test_instants_find_the_date_that_reads_as_them() -> None:
    column = encoder("2020-01-02", "2020-01-02 10:00")
    assert column.encode(pa.array([date(2020, 1, 2)])).tolist() == [1]
    assert column.encode(pa.array([datetime(2020, 1, 2, 10)])).tolist() == [2]
    assert column.encode(pa.array(["2020-01-02T10:00:00Z", "2020-01-03"])).tolist() == [2, 0]
    assert encoder("a").encode(pa.array([date(2020, 1, 2)])).tolist() == [0]


def test_missing_comes_before_the_list() -> None:
    """A listed text that the domain calls missing by its number is missing on the short way too."""
    column = encoder("-9.0", "a", policy=MissingPolicy.of(("-9",)))
    assert column.encode(pa.array(["-9.0", "a", "-9"])).tolist() == [0, 2, 0]
    assert column.encode(pa.array(["-9.0", "a"]).dictionary_encode()).tolist() == [0, 2]


def test_decode() -> None:
    column = encoder("a", "b", outside=Outside.OTHER)
    assert column.decode(np.array([0, 1, 2, 3]), np.random.default_rng(0)).tolist() == [None, "other", "a", "b"]
