"""Tables that are already in memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.encoding.table import TableEncoder, encode_column
from dpsynth.engines.base import AbstractEngine
from dpsynth.engines.frames import column_readers
from dpsynth.engines.kernel import compact
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
        self._codes: dict[str, np.ndarray] = {}

    def on_grids(self, encoder: TableEncoder) -> MemoryEngine:
        """The same frame; codes of columns whose grid stays are kept."""
        other = copy.copy(self)
        other.encoder = encoder
        if self._files is not None:
            other._files = self._files.on_grids(encoder)
        other._codes = {
            name: codes
            for name, codes in self._codes.items()
            if encoder.by_name(name).column == self.encoder.by_name(name).column
        }
        return other

    def values(self) -> Iterator[Iterator[tuple[str, pa.Array | pa.ChunkedArray]]]:
        """The whole table as one batch (that of files: as many as they have)."""
        if self._files is not None:
            yield from self._files.values()
        else:
            yield ((name, self._read(name)) for name in self.encoder.names)

    def batches(self, names: Sequence[str] | None = None) -> Iterator[list[np.ndarray]]:
        """The whole table as one batch."""
        wanted = self.encoder.names if names is None else names or self.encoder.names[:1]
        missing = [name for name in wanted if name not in self._codes]
        if missing and self._files is not None:
            missing = list(self.encoder.names)
            self._codes = dict(zip(missing, _gather(self._files, len(missing)), strict=True))
        elif missing:
            self._codes |= {name: self._encode(name) for name in missing}
        yield [self._codes[name] for name in wanted]

    def check_unchanged(self) -> None:
        """Files matter until their codes are kept."""
        if self._files is not None and not self._codes:
            self._files.check_unchanged()

    def _encode(self, name: str) -> np.ndarray:
        encoder = self.encoder.by_name(name)
        return compact(encode_column(encoder, self._read(name)), encoder.size)

    def _read(self, name: str) -> pa.Array | pa.ChunkedArray:
        try:
            return self._readers[name]()
        except KeyboardInterrupt:
            raise
        except BaseException:  # a cell may exit, and polars panics, outside Exception
            pass
        # Raised here, outside the handler: what went wrong may show a value, and a chained error keeps it.
        raise SourceError(f"Column {name!r} cannot be read from this kind of frame.\nPass a pandas or pyarrow frame.")


def _gather(files: AbstractEngine, width: int) -> list[np.ndarray]:
    """The columns of all batches."""
    batches = [[np.empty(0, np.uint8)] * width, *files.batches()]
    return [np.concatenate(column) for column in zip(*batches, strict=True)]
