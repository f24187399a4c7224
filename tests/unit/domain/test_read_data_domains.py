"""The public domains of the test tables read, name the tables' columns, and hold the tables' values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dpsynth.domain import Category, Domain, Identifier, Integer, Real, read_domain
from dpsynth.domain.canonical import number_text

FOLDER = Path(__file__).parents[2] / "data_domains"
TABLES = {
    "nist10": "data/nist_acs/national2019.csv",
    "national2019": "data/nist_acs/national2019.csv",
    "nltcs": "data/nltcs/nltcs.csv",
    "hmeq": "data/hmeq/hmeq.csv",
    "credit": "data/credit/modeldata__credit_data.csv.gz",
    "nafld1": "data/nafld/survival__nafld1.csv.gz",
}
WHOLE_TABLES = {"nltcs": 16, "hmeq": 13, "credit": 15, "nafld1": 10}


def test_every_domain_is_tested() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_the_domain_reads(name: str) -> None:
    domain = read_domain(FOLDER / f"{name}.toml")
    assert len(domain) == {"nist10": 10, "national2019": 19, **WHOLE_TABLES}[name]


@pytest.mark.parametrize("name", TABLES)
def test_the_table_lies_in_its_domain(name: str, shared_file: Callable[[str], Path]) -> None:
    table = pd.read_csv(shared_file(TABLES[name]), dtype=str, keep_default_na=False)
    domain: Domain = read_domain(FOLDER / f"{name}.toml")
    assert set(domain.names) <= set(table.columns)
    if name in WHOLE_TABLES:
        assert domain.names == tuple(table.columns)
    for column in domain:
        if isinstance(column, Identifier):
            continue
        distinct = [text for text in table[column.name].str.strip().unique() if text]
        if column.required:
            assert len(distinct) == table[column.name].nunique()
        if isinstance(column, Category):
            listed = set(column.values)
            assert all(text in listed or number_text(float(text)) in listed for text in distinct)
        else:
            assert isinstance(column, (Integer, Real))
            assert all(column.minimum <= float(text) <= column.maximum for text in distinct)
