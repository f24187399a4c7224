"""Which engine reads what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dpsynth.domain.columns import Category, Identifier
from dpsynth.domain.table import Domain
from dpsynth.engines.duckdb import DuckdbEngine
from dpsynth.engines.memory import MemoryEngine
from dpsynth.engines.open import open_engine
from dpsynth.errors import DomainError, SourceError

DOMAIN = Domain((Category(name="c", values=("a", "b")),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "1.csv").write_text("c\na\n")
    (tmp_path / "2.csv").write_text("c\nb\n")
    return tmp_path


def counts(source: Any, engine: str = "auto") -> list[int]:
    opened = open_engine(source, DOMAIN, engine)
    assert isinstance(opened, MemoryEngine if engine == "memory" else DuckdbEngine)
    return opened.counts([("c",)], {})[0].tolist()


def test_files(folder: Path) -> None:
    assert counts(folder / "1.csv") == [0, 1, 0]
    assert counts(str(folder / "2.csv"), "duckdb") == [0, 0, 1]
    assert counts(str(folder / "*.csv")) == [0, 1, 1]
    assert counts([folder / "1.csv", str(folder / "[12].csv")]) == [0, 2, 1]
    assert counts(folder / "*.csv", "memory") == [0, 1, 1]


def test_files_in_memory_are_read_once_and_keep_their_identity(folder: Path) -> None:
    held = open_engine(folder / "*.csv", DOMAIN, "memory")
    identity = held.fingerprint(b"key")
    assert identity.digest == open_engine(folder / "*.csv", DOMAIN).fingerprint(b"key").digest
    held.counts([("c",)], {})
    (folder / "1.csv").write_text("c\n")
    assert held.counts([("c",), ()], {})[0].tolist() == [0, 1, 1]


def test_frames() -> None:
    frame = pd.DataFrame({"c": ["a"]})
    assert isinstance(open_engine(frame, DOMAIN), MemoryEngine)
    assert isinstance(open_engine([], DOMAIN, "memory"), MemoryEngine)


def test_duckdb_takes_files_only() -> None:
    with pytest.raises(SourceError, match='The duckdb engine reads files. Pass a path, or use engine = "memory".'):
        open_engine(pd.DataFrame({"c": ["a"]}), DOMAIN, "duckdb")


def test_unknown_engine() -> None:
    with pytest.raises(SourceError, match="Unknown engine 'spark': use auto, memory or duckdb."):
        open_engine([], DOMAIN, "spark")


def test_nothing_to_read() -> None:
    with pytest.raises(DomainError, match="The domain has identifiers only. Declare at least one column"):
        open_engine([], Domain((Identifier(name="key"),)))


def test_no_such_file(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"There is no file .*3.csv."):
        open_engine(folder / "3.csv", DOMAIN)
    with pytest.raises(SourceError, match=r"There is no file .*\*.parquet."):
        open_engine(str(folder / "*.parquet"), DOMAIN)


def test_a_folder_is_not_a_file(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"is a folder. Name its files, for example .*\*.parquet."):
        open_engine(folder, DOMAIN)
