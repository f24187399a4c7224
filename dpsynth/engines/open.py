"""Which engine reads a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dpsynth.domain.table import Domain
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.base import AbstractEngine
from dpsynth.errors import DomainError, SourceError

__all__ = ["open_engine"]


def open_engine(source: Any, domain: Domain, engine: str = "auto") -> AbstractEngine:
    """A table behind the encoder of its domain. No cell is read yet.

    Args:
        source: a frame (pandas, pyarrow, polars, ...), a list of dicts, a path or glob, or a list of paths. Several
            files are one table.
        domain: the public description; columns that it does not name are never read.
        engine: "auto" (memory for frames, duckdb for files), "memory" or "duckdb".

    Raises:
        SourceError: the source is not there, not readable, or lacks a column.
        DomainError: the domain has no column to read.
    """
    from dpsynth.engines.duckdb import DuckdbEngine
    from dpsynth.engines.memory import MemoryEngine

    if engine not in ("auto", "memory", "duckdb"):
        raise SourceError(f"Unknown engine {engine!r}: use auto, memory or duckdb.")
    if not domain.modelled:
        raise DomainError("The domain has identifiers only. Declare at least one column that may be read.")
    encoder = TableEncoder(domain)
    paths = _paths(source)
    if paths is None:
        if engine == "duckdb":
            raise SourceError('The duckdb engine reads files. Pass a path, or use engine = "memory".')
        return MemoryEngine(source, encoder)
    files = DuckdbEngine(paths, encoder)
    return MemoryEngine(files, encoder) if engine == "memory" else files


def _paths(source: Any) -> list[Path] | None:
    """The files that a source names, in order; None where it is no path."""
    if isinstance(source, (str, Path)):
        return _expand(Path(source))
    if isinstance(source, Sequence) and source and all(isinstance(item, (str, Path)) for item in source):
        return [path for item in source for path in _expand(Path(item))]
    return None


def _expand(path: Path) -> list[Path]:
    if path.exists():
        if path.is_dir():
            raise SourceError(f"{path} is a folder. Name its files, for example {path / '*.parquet'}.")
        return [path]
    import glob

    found = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())
    if not found:
        raise SourceError(f"There is no file {path}.")
    return found
