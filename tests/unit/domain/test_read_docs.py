"""The examples of docs/reference/domain.md are domain files, and its tables name every key."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dpsynth.domain import Outside, read_domain_file, rows
from dpsynth.domain.build import COLUMN_KEYS, COMMON_KEYS, TOP_KEYS
from dpsynth.domain.table_schema import FIELD_KEYS, TABLE_KEYS
from dpsynth.domain.toml import parse_toml


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs/reference/domain.md").read_text(encoding="utf-8")


def example(page: str, language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert len(found) == 1
    return found[0]


def test_the_toml_example_reads(page: str) -> None:
    read = read_domain_file(parse_toml(example(page, "toml"), "domain.md"))
    assert read.unit == rows(1)
    assert read.domain.label == "income"
    assert read.domain["country of birth"].outside is Outside.OTHER
    kinds = {type(column).__name__.lower() for column in read.domain}
    assert kinds == set(COLUMN_KEYS)


def test_the_schema_example_reads(page: str) -> None:
    assert read_domain_file(json.loads(example(page, "json"))).domain.names == ("age", "sex", "gain", "patient")


@pytest.mark.parametrize("key", sorted({*TOP_KEYS, *COMMON_KEYS, *(k for keys in COLUMN_KEYS.values() for k in keys)}))
def test_every_key_is_described(page: str, key: str) -> None:
    assert f"`{key}`" in page or key == "columns"


@pytest.mark.parametrize("key", sorted({*FIELD_KEYS, *TABLE_KEYS}))
def test_every_schema_key_is_described(page: str, key: str) -> None:
    assert f"dpsynth.{key}`" in page or f"`.{key}`" in page
