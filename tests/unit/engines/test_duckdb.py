"""The engine for files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from dpsynth.domain.columns import Category, Integer, Outside
from dpsynth.domain.table import Domain
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines import duckdb
from dpsynth.engines.duckdb import DuckdbEngine, ParquetFile
from dpsynth.engines.open import open_engine
from dpsynth.errors import SourceError


def words(*names: str, values: tuple[str, ...] = ("a", "it's", 'q"q')) -> Domain:
    return Domain(tuple(Category(name=name, values=values, outside=Outside.OTHER) for name in names))


def counts(path: Path, domain: Domain) -> dict[str, list[int]]:
    engine = DuckdbEngine([path], TableEncoder(domain))
    found = engine.counts([(name,) for name in domain.names], {})
    return {name: table.tolist() for name, table in zip(domain.names, found, strict=True)}


def store(path: Path, columns: dict[str, Any] | pa.Table, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def test_listed_unlisted_and_missing_texts(tmp_path: Path) -> None:
    path = store(tmp_path / "t.parquet", {"c": ["a", "it's", 'q"q', " a", "z", None, ""]})
    assert counts(path, words("c")) == {"c": [2, 1, 2, 1, 1]}


def test_rows_beyond_one_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb, "_BATCH_ROWS", 2048)
    cells = [["a", "x", None, "it's"][i % 4] for i in range(10_000)]
    path = store(tmp_path / "t.parquet", {"c": cells}, row_group_size=3000)
    engine = DuckdbEngine([path], TableEncoder(words("c")))
    assert len(list(engine.batches())) > 1
    assert counts(path, words("c")) == {"c": [2500, 2500, 2500, 2500, 0]}


def test_long_lists_are_not_written_into_the_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store(tmp_path / "t.parquet", {"c": ["a", "z", None]})
    wanted = counts(path, words("c"))
    monkeypatch.setattr(duckdb, "_LISTED", 2)
    assert ParquetFile(path, TableEncoder(words("c")))._listed == {}
    assert counts(path, words("c")) == wanted


@pytest.mark.parametrize("name", ["a b.parquet", "we[i]rd*.parquet", "q?'u.parquet", "year=2020/t.parquet", "ü.pq"])
def test_odd_paths(tmp_path: Path, name: str) -> None:
    assert counts(store(tmp_path / name, {"c": ["a"]}), words("c")) == {"c": [0, 0, 1, 0, 0]}


def test_odd_column_names(tmp_path: Path) -> None:
    """Names that differ in case only, dots, quotes, and a name that a folder looks like."""
    names = ["c", "C", "c.d", 'q"q', "year", "a,b", "SELECT"]
    path = store(
        tmp_path / "year=2020" / "t.parquet", {name: ["a"] * i + ["z"] * (7 - i) for i, name in enumerate(names)}
    )
    assert counts(path, words(*names)) == {name: [0, 7 - i, i, 0, 0] for i, name in enumerate(names)}


def test_types_that_duckdb_would_change_are_read_all_the_same(tmp_path: Path) -> None:
    domain = words("half", "gap", "big", values=("0.1", "00:00:01", "1"))
    columns = {
        "half": pa.array(np.array([0.1, 1], np.float16)),
        "gap": pa.array([1, None], pa.time32("s")),
        "big": pa.array([1, None], pa.decimal256(50, 0)),
    }
    path = store(tmp_path / "t.parquet", columns)
    assert counts(path, domain) == {"half": [0, 0, 1, 0, 1], "gap": [1, 0, 0, 1, 0], "big": [1, 0, 0, 0, 1]}


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_text_of_every_type_goes_through_duckdb(
    tmp_path: Path, kind: pa.DataType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ParquetFile, "_through_pyarrow", None)
    path = store(tmp_path / "t.parquet", {"c": pa.array(["a", "z", None, "a"]).cast(kind)})
    assert ParquetFile(path, TableEncoder(words("c")))._listed
    assert counts(path, words("c")) == {"c": [1, 1, 2, 0, 0]}


def test_files_of_polars(tmp_path: Path) -> None:
    import polars as pl

    frame = pl.DataFrame({"c": ["a", "z", None], "d": [0.5, None, 1]}).with_columns(e=pl.col("c").cast(pl.Categorical))
    frame.write_parquet(tmp_path / "t.parquet")
    assert counts(tmp_path / "t.parquet", words("c", "e")) == {name: [1, 1, 1, 0, 0] for name in "ce"}


def test_text_that_is_not_utf8_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """duckdb refuses it half-way; the rows before and after are counted once."""
    monkeypatch.setattr(duckdb, "_BATCH_ROWS", 2048)
    raw = pa.array([b"a"] * 9_000 + [b"canary\xff"] + [b"it's"] * 1_000, pa.binary())
    broken = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    path = store(tmp_path / "t.parquet", {"c": broken}, row_group_size=3000)
    assert counts(path, words("c")) == {"c": [0, 1, 9000, 1000, 0]}
    integer = Domain((Integer(name="c", minimum=0, maximum=1),))
    assert counts(path, integer) == {"c": [10_001, 0, 0]}


def test_several_files_of_different_make_are_one_table(tmp_path: Path) -> None:
    one = store(tmp_path / "1.parquet", {"c": ["a", "z"], "d": [1, 2]})
    two = tmp_path / "2.csv"
    two.write_text("d,x,c\n1,,a\n")
    three = store(tmp_path / "3.parquet", {"d": pa.array(["1"]), "c": pa.array([b"a"])})
    engine = DuckdbEngine([one, two, three], TableEncoder(words("c", "d", values=("a", "1"))))
    assert [table.tolist() for table in engine.counts([("c",), ("d",)], {})] == [[0, 1, 3, 0], [0, 1, 0, 3]]


def test_columns_that_are_not_asked_for_are_not_read(tmp_path: Path) -> None:
    path = store(tmp_path / "t.parquet", {"c": ["a"], "d": ["a"], "e": [{"x": 1}]})
    engine = DuckdbEngine([path], TableEncoder(words("c", "d")))
    (batch,) = engine.batches(["d"])
    assert [codes.tolist() for codes in batch] == [[2]]
    assert [[name for name, _ in columns] for columns in engine.values()] == [["c", "d"]]


def test_rows_never_go_to_a_file_of_duckdb() -> None:
    import duckdb as library

    with library.connect(":memory:", config=duckdb._CONFIG) as connection:
        (folder,) = connection.sql("SELECT current_setting('temp_directory')").fetchall()[0]
    assert folder == ""


def test_damage_is_told_without_the_reader_s_words(tmp_path: Path) -> None:
    path = store(tmp_path / "t.parquet", {"c": ["canary"] * 5000, "d": list(range(5000))}, compression="none")
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[4:middle] = b"\x5a" * (middle - 4)
    path.write_bytes(raw)
    engine = DuckdbEngine([path], TableEncoder(words("c", "d")))
    with pytest.raises(
        SourceError, match=r"t.parquet cannot be read to its end: it is damaged, or the disk failed"
    ) as caught:
        engine.counts([("c", "d")], {})
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"), [("t.parquet", b"PAR1"), ("t.csv.gz", b"canary"), ("t.csv.xz", b"canary")]
)
def test_what_cannot_be_opened_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    kind = "parquet" if "parquet" in name else "csv"
    with pytest.raises(
        SourceError, match=f"{name} cannot be opened as {kind}: no such file, no permission, or dam"
    ) as caught:
        DuckdbEngine([path], TableEncoder(words("c")))
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_truncated_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"c": rng.integers(0, 2**60, 900_000).astype(str)})
    frame.to_csv(path, index=False, compression={"method": "gzip", "compresslevel": 1})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"t.csv.gz cannot be read to its end"):
        counts(path, words("c"))


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.gz", "t.json"])
def test_unknown_endings(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(SourceError, match=f"Cannot tell what {name} is. Name it .csv"):
        DuckdbEngine([tmp_path / name], TableEncoder(words("c")))


def test_missing_and_doubled_columns_are_named(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["canary"]), pa.array(["canary"])], names=["d", "d"])
    path = store(tmp_path / "t.parquet", table)
    with pytest.raises(SourceError, match="several columns named 'd'"):
        counts(path, words("d"))
    with pytest.raises(SourceError, match="no column 'c'"):
        counts(path, words("c"))


def _append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"z\n")


def _replace(path: Path) -> None:
    """Another file of the same size and time."""
    before, other = path.stat(), path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def _touch(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1000))


@pytest.mark.parametrize("change", [_append, _replace, _touch, Path.unlink])
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize("engine", ["duckdb", "memory"])
def test_a_file_that_changed_is_not_read(tmp_path: Path, change: Any, name: str, engine: str) -> None:
    path = tmp_path / name
    other = store(tmp_path / "first.parquet", {"c": ["a"]})
    if name == "t.csv":
        path.write_bytes(b"c\na\n")
    else:
        store(path, {"c": ["a"]})
    found = open_engine([other, path], words("c"), engine)
    found.check_unchanged()
    if engine == "duckdb":  # the memory engine keeps what its first pass reads
        found.fingerprint(b"key")
    change(path)
    message = rf"^{name} is not the file any more that was opened: it was changed, replaced or removed.\nOpen the table"
    for act in (found.check_unchanged, lambda: found.counts([("c",)], {}), lambda: found.fingerprint(b"key")):
        with pytest.raises(SourceError, match=message):
            act()


def test_a_file_that_changes_while_it_is_read_gives_no_count(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"c\na\n")
    found = DuckdbEngine([path], TableEncoder(words("c")))
    passing = found.batches()
    next(passing)
    _touch(path)
    with pytest.raises(SourceError, match="is not the file any more"):
        next(passing)


def test_files_matter_no_more_when_their_codes_are_in_memory(tmp_path: Path) -> None:
    path = store(tmp_path / "t.parquet", {"c": ["a"]})
    found = open_engine(path, words("c"), "memory")
    found.fingerprint(b"key")
    wanted = found.counts([("c",)], {})[0]
    assert wanted.sum() == 1
    _append(path)
    found.check_unchanged()
    assert np.array_equal(found.counts([("c",)], {})[0], wanted)
