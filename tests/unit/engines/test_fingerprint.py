"""Keyed identities of tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dpsynth.domain.columns import Category, Datetime, Integer
from dpsynth.domain.table import Domain
from dpsynth.engines.fingerprint import SKETCH_SIZE, Fingerprint, _siphash, digest_codes, fingerprint
from dpsynth.engines.open import open_engine

KEY = bytes(range(32))


def of(*batches: dict[str, object], key: bytes = KEY) -> Fingerprint:
    def columns(batch: dict[str, object]) -> Iterator[tuple[str, pa.Array]]:
        return ((name, v if isinstance(v, pa.Array) else pa.array(v)) for name, v in batch.items())

    return fingerprint((columns(batch) for batch in batches), key, bytes(16))


def same(one: Fingerprint, other: Fingerprint) -> bool:
    assert (one.digest == other.digest) == np.array_equal(one.sketch, other.sketch)
    return one.digest == other.digest


TABLE = {"a": ["x", "y", None, "x"], "n": [1, 2, 3, 4]}


def test_published_vector_of_siphash_128() -> None:
    key, message = np.frombuffer(bytes(range(16)), "<u8"), np.frombuffer(bytes(range(8)), "<u8")
    first, second = _siphash(message, key)
    assert first.tobytes().hex() + second.tobytes().hex() == "3b62a9ba6258f5610f83e264f31497b4"


def test_order_of_rows_and_columns_and_batches_does_not_matter() -> None:
    assert same(of(TABLE), of({"n": [4, 3, 2, 1], "a": ["x", None, "y", "x"]}))
    assert same(of(TABLE), of({"a": ["x"], "n": [1]}, {"a": [], "n": []}, {"a": ["y", None, "x"], "n": [2, 3, 4]}))


def test_form_of_cells_does_not_matter() -> None:
    moment = pa.array([86_400_000_000, None], pa.timestamp("us", tz="Asia/Tokyo"))
    forms = [
        {"a": [1.0, None], "t": moment, "b": [True, False]},
        {"a": pa.array([1, None], pa.int8()), "t": ["1970-01-02", ""], "b": ["true", "False"]},
        {"a": [" 1.00", "nan"], "t": ["1970-01-02T09:00:00+09:00", "NaT"], "b": ["True", "FALSE"]},
        {
            "a": ["1", "None"],
            "t": pa.array([1, None], pa.date32()),
            "b": pa.array(["True", "False"]).dictionary_encode(),
        },
        {
            "a": pa.array([1, float("nan")], pa.float16()),
            "t": pa.array([86_400, None], pa.timestamp("s")),
            "b": [True, False],
        },
    ]
    assert all(same(of(forms[0]), of(form)) for form in forms)
    assert same(of({"a": [-0.0]}), of({"a": ["0"]}))
    assert same(of({"a": [float("inf")]}), of({"a": ["Infinity"]}))
    assert same(of({"a": pa.array([2**64 - 1], pa.uint64())}), of({"a": [float(2**64 - 1)]}))


@pytest.mark.parametrize(
    "other",
    [
        {"a": ["x", "y", None, "z"], "n": [1, 2, 3, 4]},
        {"a": ["x", "y", None, "x"], "n": [1, 2, 3, 5]},
        {"a": ["y", "x", None, "x"], "n": [1, 2, 3, 4]},
        {"a": ["x", "y", "-", "x"], "n": [1, 2, 3, 4]},
        {"A": ["x", "y", None, "x"], "n": [1, 2, 3, 4]},
        {"a": ["x", "y", None, "x"]},
        {"a": [1, 2, 3, 4], "n": ["x", "y", None, "x"]},
        {"a": ["x", "y", None], "n": [1, 2, 3]},
    ],
)
def test_other_tables_have_other_identities(other: dict[str, object]) -> None:
    assert not same(of(TABLE), of(other))


def test_times_that_a_row_occurs_are_part_of_the_digest_only() -> None:
    once, twice = of({"a": ["x", "y"]}), of({"a": ["x", "y", "y"]})
    assert np.array_equal(once.sketch, twice.sketch)
    assert once.digest != twice.digest
    thrice = of({"a": ["x"] * 2 + ["y"] * 3})
    assert len({once.digest, twice.digest, thrice.digest}) == 3


def test_another_key_gives_unrelated_hashes() -> None:
    table = {"a": list(range(2000))}
    one, other = of(table), of(table, key=b"other")
    assert not np.intersect1d(one.sketch, other.sketch).size
    assert one.digest != other.digest
    assert of(table, key=b"k" * 100).digest != of(table, key=b"k" * 64).digest


def test_sketch_holds_the_smallest_distinct_hashes() -> None:
    rows = np.arange(5000)
    whole = of({"a": rows})
    assert len(whole.sketch) == SKETCH_SIZE
    assert (np.diff(whole.sketch.astype(object)) > 0).all()
    parts = [of({"a": part}) for part in np.array_split(rows, 7)]
    smallest = np.unique(np.concatenate([part.sketch for part in parts]))[:SKETCH_SIZE]
    assert np.array_equal(whole.sketch, smallest)
    assert np.array_equal(of(*({"a": part} for part in np.array_split(rows, 7))).sketch, whole.sketch)
    assert len(of({"a": [1, 1, 2]}).sketch) == 2


def test_a_slightly_changed_table_shares_most_of_its_sketch() -> None:
    rows = np.arange(20_000)
    changed = rows.copy()
    changed[:200] += 10**6
    shared = np.intersect1d(of({"a": rows}).sketch, of({"a": changed}).sketch)
    assert len(shared) > 0.95 * SKETCH_SIZE


def test_hashes_look_uniform() -> None:
    sketch = of({"a": np.arange(100_000), "b": np.arange(100_000) % 3}).sketch
    # The 512th smallest of 100,000 uniform words lies within six standard errors of 512 / 100,000.
    assert abs(float(sketch[-1]) / 2**64 - 0.00512) < 6 * 0.00512 / np.sqrt(512)


def test_empty_tables_and_repr() -> None:
    empty = of({"a": []})
    assert len(empty.sketch) == 0
    assert len(empty.digest) == 16
    assert same(empty, of())
    assert repr(of(TABLE)) == "Fingerprint(...)"


def test_bins_of_the_domain_and_columns_outside_it_do_not_matter() -> None:
    frame = pd.DataFrame({"c": ["a", "b"], "i": [1, 999], "t": ["2020-01-01", "?"], "more": [1, 2]})
    from datetime import datetime

    def domain(values: tuple[str, ...], maximum: int, day: int, missing: str) -> Domain:
        columns = (
            Category(name="c", values=values),
            Integer(name="i", minimum=0, maximum=maximum),
            Datetime(name="t", minimum=datetime(2019, 1, 1), maximum=datetime(2020, 1, day)),
        )
        return Domain(columns, missing_values=(missing,))

    one = open_engine(frame, domain(("a",), 9, 2, "")).fingerprint(KEY)
    other = open_engine(frame.drop(columns="more"), domain(("b", "c"), 10**6, 20, "?")).fingerprint(KEY)
    assert same(one, other)
    assert one.codes_digest != other.codes_digest  # what is counted does differ


CODES = np.array([[0, 1], [0, 1], [2, 0], [1, 1]])


def _coded(
    rows: np.ndarray, parts: int = 1, domain: str = "d", key: bytes = KEY, sizes: tuple[int, int] = (3, 2)
) -> bytes:
    return digest_codes((list(part.T) for part in np.array_split(rows, parts)), sizes, domain, key)


def test_codes_are_a_multiset_of_rows() -> None:
    same_digest = {_coded(CODES), _coded(CODES[::-1]), _coded(CODES, parts=3), _coded(CODES.astype(np.uint8))}
    assert len(same_digest) == 1
    others = [
        _coded(CODES[1:]),
        _coded(np.concatenate([CODES, CODES[:1]])),
        _coded(np.concatenate([CODES[1:], CODES[2:3]])),
        _coded(np.array([[0, 0], [0, 1], [2, 1], [1, 1]])),  # equal columns, other rows
        _coded(CODES, domain="e"),
        _coded(CODES, key=b"k"),
        _coded(CODES[:0]),
    ]
    assert len({*same_digest, *others}) == 1 + len(others)
    assert all(len(digest) == 16 for digest in others)


def test_columns_of_equal_codes_are_told_apart() -> None:
    turned = CODES[:, ::-1]
    assert _coded(CODES, sizes=(3, 3)) != _coded(turned, sizes=(3, 3))


@pytest.mark.parametrize("suffix", ["csv", "parquet", None])
def test_codes_digest_of_an_engine_does_not_depend_on_the_form_of_the_table(tmp_path, suffix) -> None:
    domain = Domain((Category(name="c", values=("a", "b")), Integer(name="i", minimum=0, maximum=9)))
    frame = pd.DataFrame({"c": ["a", "b", "c", None], "i": [1, 2, 99, -5]})
    wanted = open_engine(frame, domain).fingerprint(KEY).codes_digest
    source: object = frame.iloc[::-1]
    if suffix is not None:
        source = tmp_path / f"t.{suffix}"
        frame.to_csv(source, index=False) if suffix == "csv" else frame.to_parquet(source)
    assert open_engine(source, domain).fingerprint(KEY).codes_digest == wanted
    assert open_engine(frame.iloc[1:], domain).fingerprint(KEY).codes_digest != wanted
