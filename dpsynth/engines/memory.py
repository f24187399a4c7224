"""Tables that are already in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.base import AbstractEngine
from dpsynth.engines.frames import column_readers
from dpsynth.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MemoryEngine"]


class MemoryEngine(AbstractEngine):
    """pandas, pyarrow, any eager frame that narwhals knows (polars, ...), or a list of records.

    Codes are kept after the first pass in the smallest integer type that holds them. The frame must not change while
    the engine is in use.
    """

    def __init__(self, source: Any, encoder: TableEncoder) -> None:
        self.encoder = encoder
        self._files = source if isinstance(source, AbstractEngine) else None
        self._readers = {} if self._files else column_readers(source, encoder.names)
        self._codes: list[np.ndarray] | None = None

    def values(self) -> Iterator[Iterator[tuple[str, pa.Array | pa.ChunkedArray]]]:
        """The whole table as one batch."""
        if self._files is not None:
            yield from self._files.values()
        else:
            yield ((name, self._read(name)) for name in self.encoder.names)

    def batches(self) -> Iterator[list[np.ndarray]]:
        """The whole table as one batch."""
        if self._codes is None:
            self._codes = (
                self._from_files()
                if self._files is not None
                else [compact(self._encode(c.column.name), c.size) for c in self.encoder.columns]
            )
        yield self._codes

    def _from_files(self) -> list[np.ndarray]:
        assert self._files is not None
        parts = [[np.empty(0, np.uint8)] * len(self.encoder.names), *self._files.batches()]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _encode(self, name: str) -> np.ndarray:
        import pyarrow as pa

        return self.encoder.encode(pa.table({name: self._read(name)}))[0]

    def _read(self, name: str) -> pa.Array | pa.ChunkedArray:
        try:
            return self._readers[name]()
        except Exception:
            # What went wrong may show a value; only the name of the column is public.
            raise SourceError(f"Column {name!r} cannot be read from this kind of frame.") from None


def compact(codes: np.ndarray, size: int) -> np.ndarray:
    """Codes in the smallest unsigned type that holds every cell of a column."""
    return codes.astype(np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.int32)
