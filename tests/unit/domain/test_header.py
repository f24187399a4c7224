from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dpsynth.domain.header import table_columns
from dpsynth.errors import SourceError

CANARY = "Canary7"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b'age,"home, city"\n1,x\n'),
        ("t.csv", b'\xef\xbb\xbfage,"home, city"\r\n1,x\r\n'),
        ("t.tsv", b"age\thome, city\n1\tx\n"),
        ("t.csv.gz", gzip.compress(b'age,"home, city"\n1,x\n')),
        ("t.csv.bz2", bz2.compress(b'age,"home, city"\n1,x\n')),
        ("t.csv.xz", lzma.compress(b'age,"home, city"\n1,x\n')),
        ("t.CSV", b'age,"home, city"'),
    ],
)
def test_a_csv_gives_names_only(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert table_columns(tmp_path / name) == [("age", None), ("home, city", None)]


def test_a_schema_gives_names_and_types(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [1, 2], "sex": pd.Categorical([CANARY, "M"]), "pay": [0.5, None]}, index=["x", CANARY])
    table = pa.Table.from_pandas(frame)
    pq.write_table(table, tmp_path / "t.parquet")
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    for name in ("t.parquet", "t.arrow"):
        found = table_columns(tmp_path / name)
        assert [column for column, _ in found] == ["age", "sex", "pay"]
        assert found[0] == ("age", "int64")
        assert found[2] == ("pay", "double")
        assert CANARY not in repr(found)


def test_the_first_file_of_a_glob_counts(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("b\n")
    (tmp_path / "a.csv").write_text("a\n")
    assert table_columns(tmp_path / "*.csv") == [("a", None)]
    with pytest.raises(SourceError, match=r"\*\.parquet: there is no such file"):
        table_columns(tmp_path / "*.parquet")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.xlsx", b"", "not a known table. Give CSV, TSV, Parquet or Arrow (by extension)."),
        ("t", b"a,b\n", "not a known table."),
        ("t.csv", b"", "a column has no name. The first line of a CSV must name every column."),
        ("t.csv", b"a,,b\n", "a column has no name."),
        ("t.csv", b"a,b,a\n", "a column name occurs twice. Rename one of them in the table."),
        (
            "t.csv",
            b'a,"Canary7\nCanary7,2\n',
            "the first line is no CSV header. It must name every column on one line.",
        ),
        ("t.csv", b'a,"b"Canary7\n', "the first line is no CSV header."),
        ("t.csv", b"Canary7\xff,b\n", "the header is not UTF-8 text. Convert the file first."),
        ("t.csv.gz", b"Canary7,b\n", "cannot be read. Is the file whole, and its extension right?"),
        ("t.csv.xz", lzma.compress(b"a,b\n")[:-40], "cannot be read."),
        ("t.csv.gz", gzip.compress(b"a,b" * 9)[:-9], "cannot be read."),
        ("t.parquet", b"Canary7", "cannot be read as parquet. Is the file whole, and its ending right?"),
        ("t.arrow", b"Canary7", "cannot be read as arrow."),
    ],
)
def test_messages_show_nothing_of_the_file(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as refused:
        table_columns(tmp_path / name)
    assert words in str(refused.value)
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.csv: there is no such file"):
        table_columns(tmp_path / "absent.csv")


def test_no_row_is_read(tmp_path: Path) -> None:
    """A first line is all that is taken, however the rows look."""
    (tmp_path / "t.csv").write_bytes(b"a,b\n" + b'\xff\x00"' * 1000)
    assert table_columns(tmp_path / "t.csv") == [("a", None), ("b", None)]
