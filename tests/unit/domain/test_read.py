from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain import Category, Domain, Integer, read_domain, read_domain_file, rows, to_dict, write_domain
from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.sdv import to_sdv
from dpsynth.domain.table_schema import to_table_schema
from dpsynth.errors import DomainError, DpsynthError, OutputError

DOMAIN = Domain((Integer(name="age", minimum=0, maximum=99), Category(name="sex", values=("F", "M"))), label="sex")


NAMES_AND_FORMATS = [
    (name, form) for name in ("d.toml", "d.json", "d.txt", "d") for form in ("toml", "table-schema", None)
]
LYING = [("d.toml", "table-schema"), ("d.json", "toml")]


@pytest.mark.parametrize(("name", "format"), [pair for pair in NAMES_AND_FORMATS if pair not in LYING])
def test_the_format_is_found(tmp_path: Path, name: str, format: str | None) -> None:
    write_domain(DOMAIN, tmp_path / name, format=format, unit=rows(3))
    read = read_domain_file(tmp_path / name)
    assert (read.domain, read.unit) == (DOMAIN, rows(3))
    assert read_domain(str(tmp_path / name)) == DOMAIN


@pytest.mark.parametrize(("name", "format"), LYING)
def test_an_ending_is_believed(tmp_path: Path, name: str, format: str) -> None:
    write_domain(DOMAIN, tmp_path / name, format=format)
    with pytest.raises(DomainError, match=f"{name}, line 1: not (TOML|JSON)"):
        read_domain(tmp_path / name)


def test_domains_and_mappings_are_taken_as_they_are() -> None:
    assert read_domain(DOMAIN) is DOMAIN
    assert read_domain(to_dict(DOMAIN)) == DOMAIN
    assert read_domain(to_table_schema(DOMAIN)) == DOMAIN
    assert read_domain(to_sdv(DOMAIN), to_dict(DOMAIN)) == DOMAIN


def test_canonical_json_is_a_domain_file(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_bytes(canonical_json(to_dict(DOMAIN)))
    assert read_domain(tmp_path / "d.json") == DOMAIN


def test_sdv_files_are_completed_by_a_second_file(tmp_path: Path) -> None:
    write_domain(DOMAIN, tmp_path / "m.json", format="sdv")
    write_domain(DOMAIN, tmp_path / "extra.toml")
    assert read_domain(tmp_path / "m.json", tmp_path / "extra.toml") == DOMAIN
    with pytest.raises(
        DomainError, match=r"m\.json: 2 columns lack public facts: age \(minimum, maximum\), sex \(values\)"
    ):
        read_domain(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("d.csv", "a,b\n1,2\n", "this looks like a table. Name its domain file; see `dpsynth domain init TABLE`."),
        ("d.parquet", "", "this looks like a table."),
        ("d.yaml", "a: 1", "YAML is not read. Write the domain as TOML or as Table Schema JSON."),
        ("d.json", '{"fields": [}', "d.json, line 1: not JSON (Expecting value)."),
        ("d.json", '{"a": 1,\n "a": 2}', 'the key "a" is given twice in one object. Keep one of them.'),
        ("d.json", '{"a": NaN}', "NaN is no JSON number. Bounds must be finite."),
        ("d.json", "[1]", "a domain file holds one JSON object"),
        ("d.json", "[" * 100_000, "not a readable JSON file."),
        ("d.json", '{"a": ' + "1" * 5000 + "}", "not a readable JSON file."),
        ("d.toml", "a,b\n1,2\n", "d.toml, line 1: not TOML"),
        ("d.txt", "a,b\n1,2\n", "d.txt, line 1: not TOML"),
        ("d.toml", "", 'there are no columns. Write a section [columns."NAME"] for each.'),
        ("d.json", "{}", 'there are no columns. Write a section [columns."NAME"] for each.'),
    ],
)
def test_messages(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DomainError) as refused:
        read_domain(tmp_path / name)
    assert words in str(refused.value)
    assert name in str(refused.value)


def test_a_table_by_mistake_shows_none_of_its_cells(tmp_path: Path) -> None:
    for name, text in (("t.txt", "7\nCanary7 = Secret\n"), ("t.json", '["Canary7"]'), ("t.toml", "'Canary7' 3\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(DomainError) as refused:
            read_domain(tmp_path / name)
        assert "Canary" not in str(refused.value)


@pytest.mark.parametrize("source", [DOMAIN, to_dict(DOMAIN)])
def test_only_sdv_metadata_takes_a_second_file(source: Any) -> None:
    with pytest.raises(DomainError, match="completes SDV metadata only"):
        read_domain(source, to_dict(DOMAIN))


def test_other_sources_and_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="A domain is a file, a mapping or a Domain; found int"):
        read_domain(3)
    with pytest.raises(DomainError, match='Unknown domain format "yaml". Formats: toml, table-schema, sdv'):
        write_domain(DOMAIN, tmp_path / "d.yaml", format="yaml")
    assert list(tmp_path.iterdir()) == []


def test_files_are_not_replaced_unasked(tmp_path: Path) -> None:
    write_domain(DOMAIN, tmp_path / "d.toml")
    with pytest.raises(OutputError, match="exists already"):
        write_domain(DOMAIN, tmp_path / "d.toml")
    write_domain(DOMAIN, tmp_path / "d.toml", overwrite=True)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["string", "integer", "date", "categorical", "numerical", "identifier", "log", "day"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.text(max_size=4)
        | st.sampled_from(
            ["fields", "name", "type", "constraints", "enum", "minimum", "maximum", "dpsynth", "kind", "grid", "columns",
             "sdtype", "tables", "schema", "resources", "missingValues", "values", "format", "categories", "trueValues"]
        ),
        inner, max_size=5,
    ),
    max_leaves=30,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["fields", "columns", "tables", "schema", "resources", "title", "unit"]), _json))
def test_only_our_errors_come_out_of_any_json(value: dict[str, Any]) -> None:
    try:
        read_domain(value)
    except DpsynthError:
        pass


@given(st.binary(max_size=200), st.sampled_from(["d.toml", "d.json", "d"]))
def test_only_our_errors_come_out_of_any_file(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    with pytest.raises(DomainError):
        read_domain(path)


@given(st.data())
def test_only_our_errors_come_out_of_a_damaged_file(data: st.DataObject) -> None:
    for value in (to_table_schema(DOMAIN), to_dict(DOMAIN), to_sdv(DOMAIN)):
        text = json.dumps(value)
        position = data.draw(st.integers(0, len(text) - 1))
        damaged = text[:position] + data.draw(st.text(max_size=3)) + text[position + data.draw(st.integers(0, 5)) :]
        try:
            parsed = json.loads(damaged)
        except ValueError:
            continue
        if isinstance(parsed, dict):
            try:
                read_domain(parsed)
            except DpsynthError:
                pass
