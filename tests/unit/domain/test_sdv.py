from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from dpsynth.domain import Category, Datetime, Domain, Identifier, Integer, Real, Resolution, rows, to_dict
from dpsynth.domain.sdv import from_sdv, is_sdv, read_sdv, to_sdv, to_sdv_text
from dpsynth.errors import DomainError
from tests.unit.domain.strategies import domains

COLUMNS: dict[str, Any] = {
    "age": {"sdtype": "numerical", "computer_representation": "Int64"},
    "pay": {"sdtype": "numerical", "computer_representation": "Float"},
    "size": {"sdtype": "numerical"},
    "sex": {"sdtype": "categorical"},
    "grade": {"sdtype": "categorical", "order_by": None, "order": ["low", "high"]},
    "ok": {"sdtype": "boolean"},
    "born": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"},
    "key": {"sdtype": "id", "regex_format": "[A-Z]{3}"},
    "mail": {"sdtype": "email", "pii": True},
}
V1 = {"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1", "primary_key": "key", "columns": COLUMNS}
V2 = {
    "METADATA_SPEC_VERSION": "V1",
    "tables": {"people": {"primary_key": "key", "columns": COLUMNS}},
    "relationships": [],
}
EXTRA: dict[str, Any] = {
    "label": "sex",
    "unit": "rows(2)",
    "columns": {
        "age": {"minimum": 0, "maximum": 99},
        "pay": {"minimum": 0, "maximum": 9},
        "size": {"kind": "integer", "minimum": 0, "maximum": 9},
        "sex": {"values": ["F", "M"]},
        "born": {"minimum": "1900-01-01", "maximum": "2020-12-31"},
    },
}


@pytest.mark.parametrize("metadata", [V1, V2])
def test_types_come_from_the_metadata_and_facts_from_beside(metadata: dict[str, Any]) -> None:
    assert is_sdv(metadata)
    read = read_sdv(metadata, EXTRA)
    assert read.unit == rows(2)
    domain = read.domain
    assert [type(domain[name]) for name in ("age", "pay", "size", "sex")] == [Integer, Real, Integer, Category]
    assert domain["grade"].values == ("low", "high")
    assert domain["grade"].ordered
    assert isinstance(domain["born"], Datetime)
    assert domain["born"].resolution is Resolution.DAY
    assert isinstance(domain["key"], Identifier)
    assert isinstance(domain["mail"], Identifier)
    assert domain.label == "sex"


def test_all_that_is_missing_is_listed_at_once() -> None:
    with pytest.raises(DomainError) as refused:
        from_sdv(V1, where="m.json")
    assert str(refused.value) == (
        "m.json: 5 columns lack public facts: age (minimum, maximum), pay (minimum, maximum), size (kind), sex (values), "
        "born (minimum, maximum).\nSDV metadata has no lists or bounds. Write them into a second file, a section "
        "[columns.NAME] each, and name it:\ndpsynth domain convert METADATA OUT.toml --extra FILE"
    )


@given(domains())
def test_types_and_facts_together_give_the_domain_back(domain: Domain) -> None:
    metadata = json.loads(to_sdv_text(domain))
    assert metadata == to_sdv(domain)
    assert is_sdv(metadata)
    assert from_sdv(metadata, to_dict(domain)) == domain


def one(**declared: Any) -> dict[str, Any]:
    return {"columns": {"a": declared}}


@pytest.mark.parametrize(
    ("metadata", "extra", "words"),
    [
        ({"tables": {}}, None, "m.json: the metadata holds 0 tables; give one table's metadata at a time."),
        ({"tables": {"a": {}, "b": {}}}, None, "m.json: the metadata holds 2 tables; give one table's metadata"),
        ({"tables": {"a": {}}}, None, "m.json: columns: must be a table of keys; found nothing."),
        (one(type="x"), None, "m.json: columns.a.sdtype: must be text; found nothing."),
        (
            one(sdtype="datetime", datetime_format="%d %b %Y"),
            None,
            "columns.a.datetime_format: dates are read in ISO fo",
        ),
        (one(sdtype="boolean"), {"columns": {"b": {}}}, 'm.json: extra: there is no column "b" in the metadata.'),
        (one(sdtype="boolean"), {"columns": {"A": {}}}, 'no column "A" in the metadata. Did you mean "a"?'),
        (one(sdtype="boolean"), {"column": {}}, 'm.json: extra: unknown key "column". Did you mean "columns"?'),
        (one(sdtype="boolean"), {"columns": {"a": {"minimum": 0}}}, 'm.json: columns.a: unknown key "minimum".'),
        (one(sdtype="numerical"), {"columns": {"a": {"kind": "text"}}}, "m.json: columns.a.kind: free text cannot be"),
    ],
)
def test_messages(metadata: dict[str, Any], extra: dict[str, Any] | None, words: str) -> None:
    with pytest.raises(DomainError) as refused:
        from_sdv(metadata, extra, "m.json")
    assert words in str(refused.value)


def test_our_own_files_are_no_metadata() -> None:
    assert not is_sdv({"columns": {"a": {"kind": "boolean"}}})
    assert not is_sdv({"columns": [{"name": "a", "kind": "boolean"}]})
    assert not is_sdv({"fields": []})
