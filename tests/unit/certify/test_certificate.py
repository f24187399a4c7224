"""The certificate: valid against its schema, canonical, computed, and honest about what was not done."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from dpsynth.bundle import Bundle
from dpsynth.certify.certificate import parse, render
from dpsynth.certify.exports import croissant, datasheet, registry_entry
from dpsynth.certify.papers import PAPERS, papers_of
from dpsynth.certify.schema import certificate_schema, violations
from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import BundleError


def test_it_is_canonical_and_valid(certified: Path, certificate: dict[str, Any]) -> None:
    raw = (certified / "certificate" / "certificate.json").read_bytes()
    assert raw == render(certificate) == canonical_json(certificate) + b"\n"
    assert violations(certificate) == []
    assert parse(raw, "c") == certificate


def test_it_says_what_was_not_done(certificate: dict[str, Any]) -> None:
    assert certificate["evidence"]["statistical"] == certificate["evidence"]["attacks"] == "not done"
    assert certificate["evidence"]["structural"]["record_replay"] == "not done"
    assert certificate["utility"]["paid"] == "not done"
    assert certificate["identity"]["curator"] == "not stated"
    assert certificate["identity"]["product"] == "made-up people"


def test_it_speaks_of_the_release(certificate: dict[str, Any], bundle: Bundle) -> None:
    assert certificate["identity"]["release_id"] == bundle.release_id
    assert certificate["guarantee"]["epsilon_text"] == bundle.facts["guarantee"]["certified"]["epsilon"]
    assert [c["event"] for c in certificate["accounting"]["charges"]] == [
        c["event"] for c in bundle.facts["ledger"]["charges"]
    ]
    assert [column["name"] for column in certificate["data"]["columns"]] == ["sex", "age", "town"]
    assert {column["origin"] for column in certificate["data"]["columns"]} == {"declared"}


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"schema":"dpsynth.release"}', b"\xff", b"[" * 100_000], ids=lambda raw: raw[:8]
)
def test_what_is_no_certificate(raw: bytes) -> None:
    with pytest.raises(BundleError, match="is not a certificate of dpsynth"):
        parse(raw, "c")


def test_a_certificate_must_be_as_it_was_written(certificate: dict[str, Any]) -> None:
    for raw in (
        json.dumps(certificate).encode(),
        render(certificate)[:-1],
        render({**certificate, "created": "2026-06-02"}),
    ):
        with pytest.raises(BundleError, match="its digest differs"):
            parse(raw, "c")


def test_the_schema_sees_what_is_wrong(certificate: dict[str, Any]) -> None:
    for path, value in [
        (("created",), "yesterday"),
        (("guarantee", "delta"), 2),
        (("guarantee", "delta"), True),
        (("data", "columns"), []),
        (("data", "columns", 0, "origin"), "looked up"),
        (("decision", "gates", 0, "status"), "fine"),
        (("decision", "signed"), 1),
        (("papers",), {}),
        (("accounting", "chain"), "x"),
        (("trust", "more"), 1),
    ]:
        spoiled = deepcopy(certificate)
        part: Any = spoiled
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
        assert len(violations(spoiled)) == 1, path
    for name in certificate_schema()["required"]:
        assert violations({k: v for k, v in certificate.items() if k != name}) == [f"$.{name} is missing"]


def test_the_validator_refuses_keywords_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="format"):
        violations({}, {"type": "object", "format": "x"})


def test_papers_are_those_of_the_methods(facts: dict[str, Any]) -> None:
    assert [p["key"] for p in papers_of(facts)] == ["balle2018improving", "devroye1986nonuniform", "dong2022gaussian"]
    facts["request"]["job"]["generator"] = "mst"
    facts["ledger"]["draws"][0]["mechanism"]["name"] = "exponential"
    assert {"mckenna2021winning", "mcsherry2007mechanism"} <= {p["key"] for p in papers_of(facts)}


def test_every_paper_is_in_the_bibliography(repository: Path) -> None:
    book = (repository / "docs" / "references.bib").read_text()
    assert [key for key in PAPERS if f"{{{key}," not in book] == []


def test_exports_say_the_same(certificate: dict[str, Any], bundle: Bundle) -> None:
    entry = registry_entry(certificate)
    assert entry["tier"] == 3
    assert entry["privacy_loss"]["epsilon"] == "1"
    assert entry["flavor"]["input_metric"] == "add_remove"
    assert entry["data"]["unprotected_quantities"]
    described = croissant(bundle, certificate)
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    (file,) = described["distribution"]
    assert file["sha256"] == bundle.facts["files"]["synthetic.csv"]["sha256"]
    assert [f["name"] for f in described["recordSet"][0]["field"]] == ["sex", "age", "town"]
    sheet = datasheet(certificate)
    for heading in ("Motivation", "Composition", "Privacy", "Uses", "Maintenance"):
        assert f"## {heading}" in sheet
    assert "Epsilon 1 at delta 1e-06" in sheet
