from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain import Category, Datetime, Domain, Integer, read_domain_file, rows
from dpsynth.domain.toml import from_dict, parse_toml, read_toml, to_toml
from dpsynth.errors import DomainError
from tests.unit.domain.strategies import domains, texts


@given(domains(), st.none() | st.integers(1, 9).map(rows))
def test_a_written_domain_reads_back(domain: Domain, unit: object) -> None:
    read = read_domain_file(parse_toml(to_toml(domain, unit), "p.toml"))
    assert (read.domain, read.unit) == (domain, unit)


@given(st.lists(texts.map(str.strip).filter(bool), min_size=1, max_size=60, unique=True))
def test_long_lists_are_broken_and_read_back(values: list[str]) -> None:
    domain = Domain((Category(name="a", values=tuple(values)),))
    text = to_toml(domain)
    assert from_dict(tomllib.loads(text)) == domain


def test_the_written_form() -> None:
    domain = Domain(
        (
            Integer(name="age", minimum=0, maximum=99, special=(0,), required=True),
            Category(name="home country", values=("FR", 'the "rest"')),
            Datetime(name="born", minimum=datetime(1900, 1, 1), maximum=datetime(2020, 12, 31), resolution="day"),
        ),
        label="age",
        title="People",
    )
    assert to_toml(domain, rows(1)).split("\n", 3)[3] == (
        'title = "People"\nlabel = "age"\nunit = "rows(1)"\n\n'
        "[columns.age]\n"
        'kind = "integer"\nminimum = 0\nmaximum = 99\nspecial = [0]\nrequired = true\n\n'
        '[columns."home country"]\n'
        'values = ["FR", "the \\"rest\\""]\n\n'
        "[columns.born]\n"
        'kind = "datetime"\nminimum = 1900-01-01\nmaximum = 2020-12-31\n'
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[columns.a]\nvalues = ["x"]\n[columns.a]\n',
            "p.toml, line 3: this section is declared twice. Keep one of them.",
        ),
        ("[columns.a]\nminimum = 1\nminimum = 2\n", "p.toml, line 3: a key just before this place is given twice."),
        ("[columns]\na = {kind = 1, kind = 2}\n", "p.toml, line 2: a key just before this place is given twice."),
        ("[columns.a]\nminimum = \n", "p.toml, line 2: not TOML (Invalid value). Texts stand in quotes, lists in [ ]."),
        ("[columns.a]\nvalues = [yes]\n", "p.toml, line 2: not TOML"),
        ("a\x01b = 3", "p.toml, line 1: not TOML"),
        ("# a\x01b", "p.toml, line 1: not TOML (illegal character)."),
        ("a = " + "[" * 20000, "p.toml: not a readable TOML file."),
        ("a = " + "1" * 5000, "p.toml: not a readable TOML file."),
    ],
)
def test_what_is_no_toml_is_told_by_line(text: str, words: str) -> None:
    with pytest.raises(DomainError) as refused:
        parse_toml(text, "p.toml")
    assert words in str(refused.value)


def test_a_file_is_read(tmp_path: Path) -> None:
    domain = Domain((Category(name="é", values=("ü",)),))
    (tmp_path / "d.toml").write_text(to_toml(domain), encoding="utf-8")
    assert read_toml(tmp_path / "d.toml") == read_toml(str(tmp_path / "d.toml")) == domain


def test_a_message_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text('[columns.a]\nkind = "odd"\n')
    with pytest.raises(DomainError, match=r"d\.toml: columns\.a\.kind: unknown kind"):
        read_toml(tmp_path / "d.toml")


def test_windows_files_read_alike(tmp_path: Path) -> None:
    domain = Domain((Category(name="a", values=("x", "y")),))
    (tmp_path / "d.toml").write_bytes(b"\xef\xbb\xbf" + to_toml(domain).replace("\n", "\r\n").encode())
    assert read_toml(tmp_path / "d.toml") == domain
