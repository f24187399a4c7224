from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from dpsynth.cli.domain import app
from dpsynth.domain import Category, Domain, Integer, read_domain, read_domain_file, rows, to_dict, write_domain
from dpsynth.errors import DomainError, InputError, OutputError, SourceError

DOMAIN = Domain(
    (Integer(name="age", minimum=0, maximum=99, required=True), Category(name="sex", values=("F", "M"))), label="sex"
)


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("age,sex\n31,Canary7\n")
    return path


def test_init_writes_names_only(table: Path) -> None:
    result = run("init", table)
    assert result.exit_code == 0
    assert '[columns.age]\nkind = ""  # FILL IN: the kind, then values' in result.stdout
    assert "2 columns. 2 place(s) to FILL IN; then run: dpsynth domain check FILE" in result.stderr
    assert "Canary7" not in result.output
    assert "31" not in result.output


def test_init_writes_a_file_once(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "people.toml"
    result = run("init", table, "--out", out, "--json")
    assert json.loads(result.stdout) == {"written": str(out), "columns": ["age", "sex"], "to_fill_in": 2}
    with pytest.raises(DomainError, match=r"people\.toml: 2 columns lack public facts: age \(kind\), sex \(kind\)"):
        run("check", out)
    with pytest.raises(OutputError, match="exists already"):
        run("init", table, "--out", out)
    assert run("init", table, "--out", out, "--overwrite").exit_code == 0


def test_init_takes_facts_from_a_public_table(table: Path, tmp_path: Path) -> None:
    public, out = tmp_path / "public.parquet", tmp_path / "people.json"
    pd.DataFrame({"age": [0, 99], "sex": ["F", "M"]}).to_parquet(public)
    result = run("init", table, "--public", public, "--out", out, "--format", "table-schema")
    assert "2 columns. Nothing is left to fill in; then run: dpsynth domain check" in result.stderr
    assert read_domain(out)["sex"] == Category(name="sex", values=("F", "M"))
    assert read_domain(out)["age"] == Integer(name="age", minimum=0, maximum=99)


def test_init_tells_what_it_needs(table: Path) -> None:
    with pytest.raises(InputError, match="--json reports on a written file.\nName the file with --out FILE"):
        run("init", table, "--json")
    with pytest.raises(SourceError, match="there is no such file"):
        run("init", table.with_name("absent.csv"))
    assert run("init", table, "--format", "yaml").exit_code == 2


def test_check_shows_columns_and_cells(tmp_path: Path) -> None:
    write_domain(DOMAIN, tmp_path / "d.toml", unit=rows(1))
    result = run("check", tmp_path / "d.toml")
    assert result.exit_code == 0
    for words in ("age", "integer", "0 to 99; required", "100", "F, M", "rows(1)", DOMAIN.digest()):
        assert words in result.stdout
    facts = json.loads(run("check", tmp_path / "d.toml", "--json").stdout)
    assert facts["digest"] == DOMAIN.digest()
    assert facts["log10_cells"] == 2.48
    assert (facts["label"], facts["unit"], facts["missing_values"]) == ("sex", "rows(1)", [""])
    assert facts["columns"] == [
        {"name": "age", "kind": "integer", "cells": 100, "required": True, "detail": "0 to 99; required"},
        {"name": "sex", "kind": "category", "cells": 3, "required": False, "detail": "F, M"},
    ]


def test_convert_goes_round(tmp_path: Path) -> None:
    write_domain(DOMAIN, tmp_path / "d.toml", unit=rows(2))
    assert "2 columns." in run("convert", tmp_path / "d.toml", tmp_path / "d.json").stderr
    assert read_domain_file(tmp_path / "d.json").unit == rows(2)
    told = json.loads(run("convert", tmp_path / "d.json", tmp_path / "again.toml", "--json").stdout)
    assert told == {"written": str(tmp_path / "again.toml"), "columns": ["age", "sex"], "digest": DOMAIN.digest()}
    assert (tmp_path / "again.toml").read_text() == (tmp_path / "d.toml").read_text()
    with pytest.raises(OutputError, match="exists already"):
        run("convert", tmp_path / "d.json", tmp_path / "again.toml")


def test_sdv_metadata_is_completed(tmp_path: Path) -> None:
    write_domain(DOMAIN, tmp_path / "facts.toml")
    run("convert", tmp_path / "facts.toml", tmp_path / "m.json", "--format", "sdv")
    with pytest.raises(DomainError, match="2 columns lack public facts"):
        run("convert", tmp_path / "m.json", tmp_path / "d.toml")
    run("convert", tmp_path / "m.json", tmp_path / "d.toml", "--extra", tmp_path / "facts.toml")
    assert to_dict(read_domain(tmp_path / "d.toml")) == to_dict(DOMAIN)
    assert run("check", tmp_path / "m.json", "--extra", tmp_path / "facts.toml").exit_code == 0
