"""Files, out of core: Parquet through duckdb, CSV through `delimited` (which says why), one batch after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.encoding.category import CategoryEncoder
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.base import AbstractEngine
from dpsynth.engines.delimited import DelimitedFile
from dpsynth.engines.frames import find_columns
from dpsynth.engines.memory import compact
from dpsynth.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DuckdbEngine", "ParquetFile"]

_BATCH_ROWS = 2**17
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "400MB",
    "autoinstall_known_extensions": "false",
}
# Most listed values that are worth naming in SQL.
_LISTED = 2000


class DuckdbEngine(AbstractEngine):
    """CSV (plain, .gz, .bz2, .xz, .zst) and Parquet files of any size, read anew for every pass.

    Raises:
        SourceError: a file is not there or not readable, or a column is missing or doubled.
    """

    def __init__(self, paths: Sequence[Path], encoder: TableEncoder) -> None:
        self.encoder = encoder
        self._files = [_open_file(path, encoder) for path in paths]

    def batches(self) -> Iterator[list[np.ndarray]]:
        """Codes of some hundred thousand rows at a time."""
        for batch in self._arrow_batches():
            codes = self.encoder.encode(batch)
            yield [compact(code, c.size) for code, c in zip(codes, self.encoder.columns, strict=True)]

    def values(self) -> Iterator[Iterator[tuple[str, pa.Array | pa.ChunkedArray]]]:
        """The same batches as Arrow columns."""
        for batch in self._arrow_batches():
            yield iter(zip(batch.schema.names, batch.columns, strict=True))

    def _arrow_batches(self) -> Iterator[pa.RecordBatch]:
        for path, file in self._files:
            batches = file.batches()
            while True:
                try:
                    batch = next(batches, None)
                except Exception:
                    # The text of a reader's error may hold cells.
                    raise SourceError(
                        f"{path.name} cannot be read to its end: it is damaged, or the disk failed.\n"
                        "Write it again from its source."
                    ) from None
                if batch is None:
                    break
                yield batch


class ParquetFile:
    """One Parquet file.

    duckdb reads it, unless the schema has a type that duckdb would change on the way (float16, durations, ...), or a
    text turns out not to be UTF-8, which duckdb refuses: then pyarrow reads it (on from there).
    """

    def __init__(self, path: Path, encoder: TableEncoder) -> None:
        import pyarrow.parquet as parquet

        schema = parquet.read_schema(path)
        self._path, self._names = path, encoder.names
        self._places = find_columns(schema.names, encoder.names)
        types = [schema.types[self._places[name]] for name in encoder.names]
        self._exact = all(_is_exact(kind) for kind in types)
        self._listed = [
            column.values if isinstance(column, CategoryEncoder) and _is_text(kind) and column.size <= _LISTED else None
            for column, kind in zip(encoder.columns, types, strict=True)
        ]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The wanted columns in the order of the encoder."""
        if not self._exact:
            yield from self._through_pyarrow(0)
            return
        import duckdb

        rows = 0
        try:
            for batch in self._through_duckdb():
                yield batch
                rows += batch.num_rows
        except duckdb.Error:
            yield from self._through_pyarrow(rows)

    def _through_duckdb(self) -> Iterator[pa.RecordBatch]:
        import duckdb
        import pyarrow as pa

        path = "".join(f"[{c}]" if c in "*?[" else c for c in str(self._path.absolute()))
        with duckdb.connect(":memory:", config=_CONFIG) as connection:
            # duckdb tells columns apart without case and renames doubles, so columns are taken by place.
            known = connection.sql("DESCRIBE SELECT * FROM read_parquet(?)", params=[path]).fetchall()
            chosen = [_quote(known[self._places[name]][0], '"') for name in self._names]
            parts = ", ".join(_selection(*pair) for pair in zip(chosen, self._listed, strict=True))
            query = connection.sql(f"SELECT {parts} FROM read_parquet(?)", params=[path])
            for batch in query.to_arrow_reader(_BATCH_ROWS):
                left = iter(batch.columns)
                columns = [next(left) if listed is None else _join(next(left), next(left)) for listed in self._listed]
                yield pa.RecordBatch.from_arrays(columns, names=list(self._names))

    def _through_pyarrow(self, skip: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.parquet as parquet

        with parquet.ParquetFile(self._path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=list(self._names)):
                batch = batch.select(list(self._names))
                dropped = min(skip, batch.num_rows)
                skip -= dropped
                yield pa.RecordBatch.from_arrays(batch.slice(dropped).columns, names=list(self._names))


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

    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_exact(kind: pa.DataType) -> bool:
    """Whether duckdb hands over the values of a type as they are."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_boolean, pa.types.is_integer, pa.types.is_float32, pa.types.is_float64, pa.types.is_string,
        pa.types.is_large_string, pa.types.is_date32, pa.types.is_timestamp, pa.types.is_decimal128,
    )  # fmt: skip
    return any(test(kind) for test in tests)


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
        raise SourceError(
            f"{path.name} cannot be opened as {kind[1:]}: no such file, no permission, or damaged."
        ) from None
