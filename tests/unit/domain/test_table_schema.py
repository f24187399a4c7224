from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain import Boolean, Category, Domain, Identifier, Integer, Real, Resolution, read_domain_file, rows
from dpsynth.domain.table_schema import from_table_schema, read_schema, to_table_schema, to_table_schema_text
from dpsynth.errors import DomainError
from tests.unit.domain.strategies import domains

AGE: dict[str, Any] = {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99}}


@given(domains(), st.none() | st.integers(1, 9).map(rows))
def test_a_written_schema_reads_back(domain: Domain, unit: object) -> None:
    read = read_domain_file(json.loads(to_table_schema_text(domain, unit)))
    assert (read.domain, read.unit) == (domain, unit)
    assert from_table_schema(to_table_schema(domain)) == domain


def test_the_words_of_the_standard_are_used() -> None:
    domain = Domain(
        (
            Integer(name="age", minimum=0, maximum=99, required=True, special=(0,), outside="missing"),
            Category(name="sex", values=("F", "M"), description="as registered"),
            Boolean(name="ok"),
            Identifier(name="key"),
        ),
        label="sex",
        missing_values=("", "NA"),
    )
    assert to_table_schema(domain, rows(1)) == {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": [
            {
                "name": "age",
                "type": "integer",
                "constraints": {"minimum": 0, "maximum": 99, "required": True},
                "dpsynth": {"policy": "missing", "special": [0]},
            },
            {"name": "sex", "type": "string", "description": "as registered", "constraints": {"enum": ["F", "M"]}},
            {"name": "ok", "type": "boolean"},
            {"name": "key", "type": "string", "dpsynth": {"kind": "identifier"}},
        ],
        "missingValues": ["", "NA"],
        "dpsynth": {"label": "sex", "unit": "rows(1)"},
    }


def field(**keys: Any) -> dict[str, Any]:
    return {"fields": [{"name": "a", **keys}]}


@pytest.mark.parametrize(
    ("schema", "kind", "facts"),
    [
        (field(type="integer", constraints={"enum": [1, 2]}), Category, {"values": ("1", "2")}),
        (field(type="year", constraints={"minimum": 1900, "maximum": 2020}), Integer, {"minimum": 1900}),
        (field(type="number", constraints={"minimum": 0, "maximum": 1}), Real, {"maximum": 1.0}),
        (field(constraints={"enum": ["x"], "unique": True, "minLength": 1}), Category, {"values": ("x",)}),
        (field(type="string", categories=["x", {"value": "y", "label": "Y"}]), Category, {"values": ("x", "y")}),
        (field(categories=["x", "y"], categoriesOrdered=True), Category, {"ordered": True}),
        (field(type="boolean", trueValues=["TRUE", "1"], falseValues=["no"]), Boolean, {}),
        (field(type="boolean", constraints={"enum": [True]}), Boolean, {}),
        (field(type="any", dpsynth={"kind": "identifier", "prefix": "P"}), Identifier, {"prefix": "P"}),
        (field(type="string", format="email", dpsynth={"kind": "identifier"}), Identifier, {}),
        (field(type="date", constraints={"minimum": "2020-01-01", "maximum": "2021-01-01"}), None, Resolution.DAY),
        (
            field(type="datetime", constraints={"minimum": "2020-01-01", "maximum": "2021-01-01"}),
            None,
            Resolution.SECOND,
        ),
    ],
)
def test_foreign_schemas_are_read(schema: dict[str, Any], kind: type | None, facts: Any) -> None:
    column = from_table_schema(schema)["a"]
    if kind is None:
        assert column.resolution is facts
        return
    assert type(column) is kind
    assert {key: getattr(column, key) for key in facts} == facts


@pytest.mark.parametrize(
    "wrap",
    [
        lambda schema: schema,
        lambda schema: {"name": "people", "path": "people.csv", "title": "People", "schema": schema},
        lambda schema: {"name": "p", "resources": [{"name": "people", "title": "People", "schema": schema}]},
    ],
)
def test_resources_and_packages_are_opened(wrap: Any) -> None:
    read = read_schema(wrap({"fields": [AGE]}))
    assert read.domain["age"] == Integer(name="age", minimum=0, maximum=99)
    assert read.domain.title in ("", "People")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"resources": []}, "s.json: the data package must hold exactly one resource. Split the others off."),
        ({"schema": "other.json"}, "s.json: the schema is a link. Name the schema's own file"),
        ({"fields": []}, 's.json: the schema has no "fields". List one object per column.'),
        ({"fields": [3]}, "s.json: fields, entry 1: must be a table of keys; found a whole number."),
        ({"fields": [{"type": "string"}]}, "s.json: fields, entry 1: name: must be text; found nothing."),
        ({"fields": [AGE, AGE]}, "s.json: Column 'age' is declared twice. Keep one of them."),
        ({"fields": [AGE], "missingValue": [""]}, 's.json: unknown key "missingValue". Did you mean "missingValues"?'),
        (
            {"fields": [AGE], "dpsynth": {"labels": "age"}},
            's.json: dpsynth: unknown key "labels". Did you mean "label"?',
        ),
        (
            field(type="string"),
            "s.json: fields.a: text without constraints.enum is free text, which cannot be protected",
        ),
        (field(), 'mark a key with "dpsynth": {"kind": "identifier"}, or leave the column out of the table.'),
        (
            field(type="string", dpsynth={"kind": "text"}),
            "s.json: fields.a.dpsynth.kind: free text cannot be protected.",
        ),
        (field(type="object"), 's.json: fields.a.type: "object" columns cannot be modelled.'),
        (field(type="interger"), '"interger" columns cannot be modelled. Did you mean "integer"?'),
        (
            field(type="string", constraint={}),
            's.json: fields.a: unknown key "constraint". Did you mean "constraints"?',
        ),
        (
            field(type="integer", constraints={"min": 0}),
            's.json: fields.a.constraints: unknown key "min". Did you mean "m',
        ),
        (field(dpsynth={"grids": 3}), 's.json: fields.a.dpsynth: unknown key "grids". Did you mean "grid"?'),
        (
            field(type="integer", constraints={"exclusiveMinimum": 0}),
            "s.json: fields.a.constraints.exclusiveMinimum: sta",
        ),
        (
            field(type="integer", constraints={"minimum": "0", "maximum": 1}),
            "fields.a.constraints.minimum: must be a wh",
        ),
        (
            field(type="string", constraints={"enum": "x"}),
            "s.json: fields.a.constraints.enum: must be a list; found text",
        ),
        (
            field(type="date", format="%d/%m/%Y"),
            "s.json: fields.a.format: dates are read in ISO form (2024-12-31) only.",
        ),
        (field(type="number", decimalChar=","), "s.json: fields.a: numbers are read bare, with a decimal point only."),
        (field(type="number", bareNumber=False), "s.json: fields.a: numbers are read bare, with a decimal point only."),
        (
            field(type="boolean", trueValues=["ja"]),
            "s.json: fields.a.trueValues: booleans are read as 1, t, true, y, yes",
        ),
        (
            field(type="boolean", missingValues=["-"]),
            "s.json: fields.a.missingValues: state missing values once, beside",
        ),
        (field(type="boolean", dpsynth={"policy": "clip"}), 's.json: fields.a: unknown key "outside".'),
        (
            field(type="integer", dpsynth={"policy": "clp"}),
            "s.json: 1 column lacks public facts: a (minimum, maximum).",
        ),
        (
            field(constraints={"enum": ["x"]}, dpsynth={"policy": "oter"}),
            's.json: fields.a.dpsynth.policy: "oter" is none of missing, clip, other. Did you mean "other"?',
        ),
    ],
)
def test_messages(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(DomainError) as refused:
        from_table_schema(schema, "s.json")
    assert words in str(refused.value)
    assert str(refused.value).count("\n") < 3


def test_every_gap_is_listed_at_once() -> None:
    fields = [
        {"name": "a", "type": "integer"},
        {"name": "b", "type": "string", "constraints": {"enum": []}},
        {"name": "c", "type": "FILL IN"},
    ]
    with pytest.raises(
        DomainError, match=r"3 columns lack public facts: a \(minimum, maximum\), b \(values\), c \(kind\)"
    ):
        from_table_schema({"fields": fields})


def test_further_keys_are_the_standards_right() -> None:
    schema = {"fields": [{**AGE, "unit": "years", "rdfType": "x"}], "contributors": []}
    assert from_table_schema(schema).names == ("age",)
