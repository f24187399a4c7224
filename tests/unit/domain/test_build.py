"""Every message of the plain form, and that nothing but a DomainError can come out of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain import DomainFile, Resolution, from_dict, rows
from dpsynth.domain.build import COLUMN_KEYS, TOP_KEYS, read_plain
from dpsynth.errors import DomainError

A = {"values": ["x"]}
INT = {"kind": "integer", "minimum": 0, "maximum": 9}
REAL = {"kind": "real", "minimum": 0, "maximum": 9}
DAYS = {"kind": "datetime", "minimum": "2020-01-01", "maximum": "2020-12-31"}


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({}, 'p.toml: there are no columns. Write a section [columns."NAME"] for each.'),
        ({"columns": {}}, "p.toml: A domain needs at least one column."),
        ({"columns": 3}, "p.toml: there are no columns."),
        ({"columns": {"a": 3}}, "p.toml: columns.a: must be a table of keys; found a whole number."),
        ({"columns": [{"values": ["x"]}]}, "p.toml: columns, entry 1: name: must be text; found nothing."),
        ({"columns": [{"name": "a", **A}, {"name": "a", **A}]}, "p.toml: Column 'a' is declared twice."),
        (
            {"titel": "T", "columns": {"a": A}},
            'p.toml: unknown key "titel". Did you mean "title"?\nKnown keys here: title,',
        ),
        ({"zzzz": "T", "columns": {"a": A}}, 'p.toml: unknown key "zzzz".\nKnown keys here:'),
        ({"title": 3, "columns": {"a": A}}, "p.toml: title: must be text; found a whole number."),
        ({"label": "b", "columns": {"a": A}}, "p.toml: The label 'b' is not a column of the domain."),
        ({"unit": "row", "columns": {"a": A}}, "p.toml: Cannot read the privacy unit 'row'"),
        ({"missing_values": "NA", "columns": {"a": A}}, "p.toml: missing_values: must be a list; found text."),
        ({"missing_values": [None], "columns": {"a": A}}, "p.toml: missing_values: the list holds nothing;"),
        (
            {"columns": {"a": {**INT, "minimun": 3}}},
            'p.toml: columns.a: unknown key "minimun". Did you mean "minimum"?',
        ),
        ({"columns": {"a": {**A, "minimum": 3}}}, 'p.toml: columns.a: unknown key "minimum".'),
        ({"columns": {"a b": {**A, "odd": 3}}}, 'p.toml: columns."a b": unknown key "odd". Did you mean "ordered"?'),
        (
            {"columns": {"a": {**A, "kind": "catgory"}}},
            'p.toml: columns.a.kind: unknown kind "catgory". Did you mean "cat',
        ),
        (
            {"columns": {"a": {**A, "kind": "enum"}}},
            'unknown kind "enum". Did you mean "category"?\nKinds: category, bo',
        ),
        ({"columns": {"a": {"kind": "float"}}}, 'unknown kind "float". Did you mean "real"?'),
        ({"columns": {"a": {"kind": "zzz"}}}, 'unknown kind "zzz".\nKinds: '),
        ({"columns": {"a": {"kind": 3}}}, "p.toml: columns.a.kind: must be text; found a whole number."),
        (
            {"columns": {"a": {"kind": "text"}}},
            "p.toml: columns.a.kind: free text cannot be protected. List its values",
        ),
        ({"columns": {"a": {"values": "xy"}}}, "p.toml: columns.a.values: must be a list; found text."),
        ({"columns": {"a": {"values": [["x"]]}}}, "p.toml: columns.a.values: the list holds a list; list texts or num"),
        (
            {"columns": {"a": {"values": [float("nan")]}}},
            "columns.a.values: the list holds a number; list texts or num",
        ),
        ({"columns": {"a": {"values": ["x", " x"]}}}, "p.toml: Column 'a': two values are both 'x' after trimming."),
        (
            {"columns": {"a": {**A, "outside": "othr"}}},
            'columns.a.outside: "othr" is none of missing, clip, other. Did y',
        ),
        ({"columns": {"a": {**A, "outside": "zzz"}}}, 'columns.a.outside: "zzz" is none of missing, clip, other.'),
        (
            {"columns": {"a": {**A, "required": "yes"}}},
            "p.toml: columns.a.required: must be true or false; found text.",
        ),
        ({"columns": {"a": {**INT, "minimum": 10}}}, "p.toml: Column 'a': minimum 10 is above maximum 9."),
        ({"columns": {"a": {**INT, "minimum": "1"}}}, "p.toml: columns.a.minimum: must be a whole number; found text."),
        ({"columns": {"a": {**INT, "minimum": 0.5}}}, "p.toml: columns.a.minimum: must be a whole number; found a num"),
        ({"columns": {"a": {**INT, "special": 0}}}, "p.toml: columns.a.special: must be a list, as in special = [0]."),
        ({"columns": {"a": {**INT, "special": [0.5]}}}, "p.toml: columns.a.special: must be a whole number;"),
        ({"columns": {"a": {**INT, "grid": "lgo"}}}, "p.toml: columns.a.grid: Unknown grid 'lgo'"),
        (
            {"columns": {"a": {**INT, "grid": {"knd": "log"}}}},
            'p.toml: columns.a.grid: unknown key "knd". Did you mean "k',
        ),
        (
            {"columns": {"a": {**INT, "grid": True}}},
            "p.toml: columns.a.grid: must be a whole number; found true/false.",
        ),
        ({"columns": {"a": {**INT, "grid": 0}}}, "p.toml: columns.a.grid: A grid needs between 1 and 1,000,000 cells."),
        ({"columns": {"a": {**INT, "grid": [0, "9"]}}}, "p.toml: columns.a.grid: must be a number; found text."),
        (
            {"columns": {"a": {**REAL, "minimum": True}}},
            "p.toml: columns.a.minimum: must be a number; found true/false.",
        ),
        ({"columns": {"a": {**REAL, "maximum": 10**400}}}, "p.toml: columns.a.maximum: the number is too large."),
        ({"columns": {"a": {**DAYS, "maximum": "soon"}}}, "p.toml: columns.a.maximum: write dates as 2024-12-31 or"),
        (
            {"columns": {"a": {**DAYS, "maximum": 2020}}},
            "p.toml: columns.a.maximum: must be a date or datetime; found a",
        ),
        (
            {"columns": {"a": {**DAYS, "maximum": "2020-12-31T00:00:00Z"}}},
            "p.toml: Column 'a': bounds must be dates or",
        ),
        (
            {"columns": {"a": {**DAYS, "resolution": "days"}}},
            '"days" is none of day, hour, minute, second. Did you mean',
        ),
    ],
)
def test_messages(plain: dict[str, Any], words: str) -> None:
    with pytest.raises(DomainError) as refused:
        from_dict(plain, "p.toml")
    text = str(refused.value)
    assert words in text
    assert text.startswith("p.toml: ")
    assert text.count("\n") < 3


def test_every_gap_is_listed_at_once() -> None:
    plain = {
        "columns": {
            "a": {}, "b": {"kind": "integer", "maximum": 3}, "c": {"kind": "category"}, "d": {"values": []},
            "e": {"kind": "real", "minimum": "", "maximum": "FILL IN"}, "f": {"kind": "boolean"}, "g": {"kind": ""},
        }
    }  # fmt: skip
    with pytest.raises(DomainError) as refused:
        from_dict(plain, "p.toml")
    assert str(refused.value) == (
        "p.toml: 6 columns lack public facts: a (kind), b (minimum), c (values), d (values), e (minimum, maximum), "
        "g (kind).\nFill in the lines marked FILL IN: list every value that may occur; take bounds from what is known "
        "without the data."
    )
    with pytest.raises(DomainError, match=r"^p.toml: 1 column lacks public facts: d \(values\)\."):
        from_dict({"columns": {"d": {"values": []}}}, "p.toml")


def test_numbers_stand_for_their_text() -> None:
    domain = from_dict({"columns": {"a": {"values": [1, 2.0, 0.5, True, "x"]}}, "missing_values": [-99]})
    assert domain["a"].values == ("1", "2", "0.5", "True", "x")
    assert domain.missing_values == ("-99",)


@pytest.mark.parametrize(
    ("bounds", "resolution"),
    [
        (("2020-01-01", "2020-12-31"), Resolution.DAY),
        (("2020-01-01T00:00:00", "2020-12-31"), Resolution.SECOND),
        (("2020-01-01T00:00:00", "2020-12-31T00:00:00"), Resolution.SECOND),
    ],
)
def test_dates_alone_mean_days(bounds: tuple[str, str], resolution: Resolution) -> None:
    domain = from_dict({"columns": {"a": {"kind": "datetime", "minimum": bounds[0], "maximum": bounds[1]}}})
    assert domain["a"].resolution is resolution


def test_whole_floats_are_whole_numbers() -> None:
    assert from_dict({"columns": {"a": {**INT, "minimum": 1.0}}})["a"].minimum == 1


def test_the_unit_comes_along() -> None:
    plain = {"columns": {"a": A}, "unit": "rows(2)"}
    assert read_plain(plain) == DomainFile(from_dict({"columns": {"a": A}}), rows(2))


def test_a_long_name_is_cut_in_messages() -> None:
    with pytest.raises(DomainError) as refused:
        from_dict({"columns": {"a" * 500: {"kind": "odd"}}})
    assert len(str(refused.value)) < 300


_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.datetimes()
    | st.times() | st.sampled_from([*COLUMN_KEYS, "log", "equal", "day", "clip", "other", "missing", "rows(1)", ""])
)  # fmt: skip
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2)
)
_keys = st.sampled_from(
    sorted({"kind", "required", "description", *(k for keys in COLUMN_KEYS.values() for k in keys)})
)
_columns = st.dictionaries(st.text(max_size=5), st.dictionaries(_keys, _values, max_size=6) | _values, max_size=3)


@given(st.dictionaries(st.sampled_from([*TOP_KEYS, "odd"]), _values | _columns, max_size=4), _columns)
def test_only_domain_errors_come_out(plain: dict[str, Any], columns: dict[str, Any]) -> None:
    for candidate in (plain, {"columns": columns}, {**plain, "columns": columns}):
        try:
            domain = from_dict(candidate)
        except DomainError as error:
            assert str(error).count("\n") < 3
        else:
            assert from_dict(candidate).digest() == domain.digest()
