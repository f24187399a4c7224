"""Files, out of core: Parquet through duckdb, CSV through `delimited` (which says why), one batch after another."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.encoding.category import CategoryEncoder
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.base import AbstractEngine
from dpsynth.engines.delimited import DelimitedFile
from dpsynth.engines.frames import find_columns
from dpsynth.engines.kernel import compact
from dpsynth.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DuckdbEngine", "ParquetFile"]

_BATCH_ROWS = 2**17
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "400MB",
    # The reader is drained by one thread; more of them would only hold more row groups.
    "threads": 2,
    # Rows never go to a file, and nothing is fetched.
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
# Most listed values that are worth naming in SQL.
_LISTED = 2000


class DuckdbEngine(AbstractEngine):
    """CSV (plain, .gz, .bz2, .xz, .zst) and Parquet files of any size, read anew for every pass.

    The charge is bound to the rows that the first pass read. So every pass sees, before and after it reads, that inode,
    size and time of change of all files are those of when they were opened. (A program that sets the time of change
    back is not found out: this is protection against accident.)

    Raises:
        SourceError: a file is not there or not readable, or a column is missing or doubled.
    """

    def __init__(self, paths: Sequence[Path], encoder: TableEncoder) -> None:
        self.encoder = encoder
        self._stamps = {path: _stamp(path) for path in paths}
        self._files = [_open_file(path, encoder) for path in paths]

    def on_grids(self, encoder: TableEncoder) -> DuckdbEngine:
        """The same files, bound to the same stamps."""
        other = copy.copy(self)
        other.encoder = encoder
        return other

    def batches(self, names: Sequence[str] | None = None) -> Iterator[list[np.ndarray]]:
        """Codes of some hundred thousand rows at a time; other columns than the wanted ones are not read."""
        wanted = self.encoder.names if names is None else tuple(names) or self.encoder.names[:1]
        columns = [self.encoder.by_name(name) for name in wanted]
        for batch in self._arrow_batches(wanted):
            yield [compact(c.encode(batch.column(j)), c.size) for j, c in enumerate(columns)]

    def values(self) -> Iterator[Iterator[tuple[str, pa.Array | pa.ChunkedArray]]]:
        """The same batches as Arrow columns."""
        for batch in self._arrow_batches(self.encoder.names):
            yield iter(zip(batch.schema.names, batch.columns, strict=True))

    def check_unchanged(self) -> None:
        """No file was written, replaced or removed since it was opened.

        Raises:
            SourceError: a file was.
        """
        for path, stamp in self._stamps.items():
            if stamp is None or _stamp(path) != stamp:
                raise SourceError(
                    f"{path.name} is not the file any more that was opened: it was changed, replaced or removed.\n"
                    "Open the table again; what it holds now is a table of its own."
                )

    def _arrow_batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        self.check_unchanged()
        for path, file in self._files:
            yield from _shielded(file.batches(names), path)
        self.check_unchanged()


def _stamp(path: Path) -> tuple[int, int, int, int] | None:
    """Device, inode, size and time of change of a file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _shielded(batches: Iterator[pa.RecordBatch], path: Path) -> Iterator[pa.RecordBatch]:
    """The same batches; whatever a reader has to say when it fails may show cells, and is not passed on."""
    while True:
        try:
            batch = next(batches, None)
        except Exception:
            break
        if batch is None:
            return
        yield batch
    # Raised here, outside the handler, because a chained error would keep the reader's.
    raise SourceError(
        f"{path.name} cannot be read to its end: it is damaged, or the disk failed.\nWrite it again from its source."
    )


class ParquetFile:
    """One Parquet file.

    duckdb reads it, unless the schema has a type that duckdb would change on the way (float16, durations, ...), or a
    text turns out not to be UTF-8, which duckdb refuses: then pyarrow reads it (on from there).
    """

    def __init__(self, path: Path, encoder: TableEncoder) -> None:
        import pyarrow.parquet as parquet

        schema = parquet.read_schema(path)
        self._path = path
        self._places = find_columns(schema.names, encoder.names)
        self._types = {name: schema.types[place] for name, place in self._places.items()}
        self._listed = {
            column.column.name: column.values
            for column in encoder.columns
            if isinstance(column, CategoryEncoder)
            and _is_text(self._types[column.column.name])
            and column.size <= _LISTED
        }

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns."""
        if not all(_is_exact(self._types[name]) for name in names):
            yield from self._through_pyarrow(names, 0)
            return
        rows = 0
        reader = self._through_duckdb(names)
        while True:
            try:
                batch = next(reader, None)
            except Exception:
                break
            if batch is None:
                return
            yield batch
            rows += batch.num_rows
        yield from self._through_pyarrow(names, rows)

    def _through_duckdb(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        import duckdb
        import pyarrow as pa

        path = "".join(f"[{c}]" if c in "*?[" else c for c in str(self._path.absolute()))
        table = "read_parquet(?, hive_partitioning = false)"
        with duckdb.connect(":memory:", config=_CONFIG) as connection:
            # duckdb tells columns apart without case and renames doubles, so columns are taken by place.
            known = connection.sql(f"DESCRIBE SELECT * FROM {table}", params=[path]).fetchall()
            parts = [_selection(_quote(known[self._places[name]][0], '"'), self._listed.get(name)) for name in names]
            query = connection.sql(f"SELECT {', '.join(parts)} FROM {table}", params=[path])
            with query.to_arrow_reader(_BATCH_ROWS) as reader:
                for batch in reader:
                    left = iter(batch.columns)
                    columns = [_join(next(left), next(left)) if name in self._listed else next(left) for name in names]
                    yield pa.RecordBatch.from_arrays(columns, names=list(names))

    def _through_pyarrow(self, names: Sequence[str], skip: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.parquet as parquet

        with parquet.ParquetFile(self._path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=list(names)):
                dropped = min(skip, batch.num_rows)
                skip -= dropped
                rest = batch.slice(dropped)
                yield pa.RecordBatch.from_arrays([rest.column(name) for name in names], names=list(names))


def _quote(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark


def _selection(column: str, listed: Sequence[str] | None) -> str:
    """SQL that reads a column, or for a category: the listed text that a cell is to the letter, and the other texts.

    duckdb finds listed texts once per entry of a Parquet dictionary, not once per cell.
    """
    if listed is None:
        return column
    known = f"TRY_CAST({column} AS ENUM({', '.join(_quote(text, chr(39)) for text in listed)}))"
    return f"{known}, CASE WHEN {known} IS NULL THEN {column} END"


def _join(known: pa.DictionaryArray, others: pa.Array) -> pa.Array:
    """One dictionary array of what `_selection` split."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if others.null_count == len(others):
        return known
    others = others.dictionary_encode()
    shifted = pc.add(others.indices, pa.scalar(len(known.dictionary), pa.int32()))
    indices = pc.coalesce(known.indices.cast(pa.int32()), shifted)
    texts = [known.dictionary.cast(pa.large_string()), others.dictionary.cast(pa.large_string())]
    return pa.DictionaryArray.from_arrays(indices, pa.concat_arrays(texts))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_exact(kind: pa.DataType) -> bool:
    """Whether duckdb hands over the values of a type as they are."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_boolean, pa.types.is_integer, pa.types.is_float32, pa.types.is_float64, pa.types.is_date32,
        pa.types.is_timestamp, pa.types.is_decimal128,
    )  # fmt: skip
    return _is_text(kind) or any(test(kind) for test in tests)


def _open_file(path: Path, encoder: TableEncoder) -> tuple[Path, DelimitedFile | ParquetFile]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((s for s in reversed(suffixes) if s not in (".gz", ".bz2", ".xz", ".zst", ".zstd")), "")
    if kind not in (".csv", ".tsv", ".txt", ".data", ".psv", ".parquet", ".pq"):
        raise SourceError(f"Cannot tell what {path.name} is. Name it .csv (also .csv.gz, ...) or .parquet.")
    try:
        return path, ParquetFile(path, encoder) if kind in (".parquet", ".pq") else DelimitedFile(path, encoder.names)
    except SourceError:
        raise
    except Exception:
        pass
    raise SourceError(f"{path.name} cannot be opened as {kind[1:]}: no such file, no permission, or damaged.")
