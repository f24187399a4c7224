from __future__ import annotations

import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain import (
    Boolean,
    Category,
    Datetime,
    Domain,
    Grid,
    Identifier,
    Integer,
    Real,
    from_dict,
    rows,
    to_dict,
)
from dpsynth.domain.build import COLUMN_KEYS, read_plain
from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.plain import KINDS
from tests.unit.domain.strategies import domains


@given(domains(), st.none() | st.integers(1, 9).map(rows))
def test_plain_values_read_back(domain: Domain, unit: object) -> None:
    plain = to_dict(domain, unit)
    assert read_plain(plain).domain == domain
    assert read_plain(plain).unit == unit


@given(domains())
def test_canonical_json_keeps_the_order_of_columns(domain: Domain) -> None:
    again = from_dict(json.loads(canonical_json(to_dict(domain))))
    assert again == domain
    assert again.digest() == domain.digest()


def test_defaults_are_left_out() -> None:
    domain = Domain(
        (
            Integer(name="age", minimum=0, maximum=99),
            Category(name="sex", values=("F", "M")),
            Real(name="pay", minimum=0, maximum=1),
            Datetime(name="day", minimum=datetime(2020, 1, 1), maximum=datetime(2020, 2, 1), resolution="day"),
            Boolean(name="ok"),
            Identifier(name="key"),
        )
    )
    assert to_dict(domain) == {
        "columns": [
            {"name": "age", "kind": "integer", "minimum": 0, "maximum": 99},
            {"name": "sex", "kind": "category", "values": ["F", "M"]},
            {"name": "pay", "kind": "real", "minimum": 0.0, "maximum": 1.0},
            {"name": "day", "kind": "datetime", "minimum": "2020-01-01", "maximum": "2020-02-01"},
            {"name": "ok", "kind": "boolean"},
            {"name": "key", "kind": "identifier"},
        ]
    }


def test_grids_have_a_shortest_form() -> None:
    grids = [Grid("log"), Grid(cells=512), Grid("log", cells=9), Grid("edges", edges=(0.0, 0.5, 9.0))]
    domain = Domain(tuple(Real(name=str(i), minimum=0, maximum=9, grid=grid) for i, grid in enumerate(grids)))
    found = [column["grid"] for column in to_dict(domain)["columns"]]
    assert found == ["log", 512, {"kind": "log", "cells": 9}, [0, 0.5, 9]]


def test_reader_and_writer_know_the_same_kinds() -> None:
    assert list(KINDS) == list(COLUMN_KEYS)
