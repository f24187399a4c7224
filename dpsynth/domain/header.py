"""Names and storage types of a table's columns: the two facts about a private table that are public by declaration.

A CSV gives names only (its first line); Parquet and Arrow files give their schema. No row, no statistic and no
dictionary is read, and no message shows any of the file's content.
"""

from __future__ import annotations

import csv
import glob
import io
from pathlib import Path

from dpsynth.errors import SourceError

__all__ = ["table_columns"]

LONGEST_HEADER = 1 << 22
CSV_SUFFIXES = (".csv", ".tsv", ".txt")


def table_columns(path: str | Path) -> list[tuple[str, str | None]]:
    """(name, storage type or None) of every column, in order.

    Args:
        path: a CSV or TSV (also .gz, .bz2, .xz), Parquet or Arrow/Feather file, or a glob of them (the first counts).

    Raises:
        SourceError: the file is absent or unreadable, has no header, or a name is empty or occurs twice.

    Guarantee: reads the header or schema only.
    """
    if not Path(path).exists() and glob.has_magic(str(path)):
        path = min(glob.glob(str(path)), default=path)
    if not Path(path).is_file():
        raise SourceError(f"{path}: there is no such file.")
    kinds = [suffix.lower() for suffix in Path(path).suffixes[-2:]]
    if kinds and kinds[-1] in (".parquet", ".pq", ".arrow", ".feather", ".ipc"):
        columns = _schema(path, kinds[-1])
    elif any(kind in CSV_SUFFIXES for kind in kinds):
        columns: list[tuple[str, str | None]] = [(name, None) for name in _header(path, kinds)]
    else:
        raise SourceError(f"{path}: not a known table. Give CSV, TSV, Parquet or Arrow (by extension).")
    names = [name for name, _ in columns]
    if not names or not all(name.strip() for name in names):
        raise SourceError(f"{path}: a column has no name. The first line of a CSV must name every column.")
    if len(set(names)) != len(names):
        raise SourceError(f"{path}: a column name occurs twice. Rename one of them in the table.")
    return columns


def _schema(path: str | Path, suffix: str) -> list[tuple[str, str | None]]:
    import pyarrow as pa

    try:
        if suffix in (".parquet", ".pq"):
            import pyarrow.parquet as pq

            schema = pq.read_schema(path)
        else:
            with pa.memory_map(str(path)) as source:
                schema = pa.ipc.open_file(source).schema
    except (pa.ArrowException, OSError, ValueError):
        raise SourceError(f"{path}: cannot be read as {suffix[1:]}. Is the file whole, and its ending right?") from None
    return [
        # A dictionary is its values' type here: nothing about the dictionary's content or size.
        (field.name, str(field.type.value_type if pa.types.is_dictionary(field.type) else field.type))
        for field in schema
        if not field.name.startswith("__index_level_")
    ]


def _header(path: str | Path, kinds: list[str]) -> list[str]:
    try:
        with _opened(path, kinds[-1]) as raw:
            line = raw.readline(LONGEST_HEADER)
    except (OSError, EOFError, ValueError, _lzma_error()):
        raise SourceError(f"{path}: cannot be read. Is the file whole, and its extension right?") from None
    text = line.decode("utf-8-sig", errors="replace")
    delimiter = "\t" if ".tsv" in kinds else ","
    try:
        # strict: a quote that stays open would take rows for names.
        names = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        raise SourceError(f"{path}: the first line is no CSV header. It must name every column on one line.") from None
    if any("\ufffd" in name for name in names):
        raise SourceError(f"{path}: the header is not UTF-8 text. Convert the file first.")
    return names


def _lzma_error() -> type[Exception]:
    import lzma

    return lzma.LZMAError


def _opened(path: str | Path, suffix: str) -> io.BufferedIOBase:
    """The bytes of a file, decompressed by its extension."""
    if suffix == ".gz":
        import gzip

        return gzip.open(path)  # type: ignore[return-value]
    if suffix == ".bz2":
        import bz2

        return bz2.open(path)
    if suffix == ".xz":
        import lzma

        return lzma.open(path)
    return open(path, "rb")
