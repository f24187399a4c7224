"""A whole table <-> codes, from its public domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.domain.columns import AbstractColumn, Boolean, Category, Datetime, Identifier, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.errors import DomainError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from dpsynth.encoding.values import MissingPolicy

__all__ = ["TableEncoder", "encode_column"]


class TableEncoder:
    """The encoders of all modelled columns of a domain. Fit-free: it never learns anything from rows.

    Attributes:
        domain: the public description.
        columns: one encoder per modelled column, in the order of the domain.
        names: their names.
        sizes: fine cells by name.
    """

    def __init__(self, domain: Domain) -> None:
        from dpsynth.encoding.values import MissingPolicy

        policy = MissingPolicy.of(domain.missing_values)
        self.domain = domain
        self.columns: tuple[AbstractColumnEncoder, ...] = tuple(_encoder(c, policy) for c in domain.modelled)
        self.names: tuple[str, ...] = tuple(c.column.name for c in self.columns)
        self.sizes: dict[str, int] = {c.column.name: c.size for c in self.columns}
        self._by_name = dict(zip(self.names, self.columns, strict=True))

    def by_name(self, name: str) -> AbstractColumnEncoder:
        """The encoder of one modelled column.

        Raises:
            DomainError: there is no such modelled column.
        """
        if name not in self._by_name:
            raise DomainError(f"There is no modelled column {name!r}. Columns: {', '.join(self.names[:20])}.")
        return self._by_name[name]

    def encode(self, batch: pa.RecordBatch | pa.Table) -> list[np.ndarray]:
        """Codes of the modelled columns that the batch has, in the order of `names`: int32[n] each.

        Guarantee: total; the code of a cell depends on that cell alone.
        """
        present = set(batch.schema.names)
        return [encode_column(c, batch.column(c.column.name)) for c in self.columns if c.column.name in present]

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """A table in the order of the domain, with surrogates (prefix + running number) for identifiers.

        Args:
            codes: int[n, d], fine cells in the order of `names`.
            rng: draws the place inside cells; no privacy depends on it.

        Returns:
            int64 (Int64 where a cell is missing), float64, datetime64[us], bool (boolean where missing), and texts in
            the type that pandas gives them.

        Guarantee: post-processing.
        """
        import pandas as pd

        codes = np.asarray(codes)
        by_name = {c.column.name: _to_column(c, codes[:, j], rng) for j, c in enumerate(self.columns)}
        numbers = np.arange(1, len(codes) + 1)
        for column in self.domain:
            if isinstance(column, Identifier):
                text = np.array([f"{column.prefix}{i}" for i in numbers.tolist()], dtype=object)
                by_name[column.name] = text if column.prefix else numbers
        return pd.DataFrame({name: by_name[name] for name in self.domain.names})


def encode_column(encoder: AbstractColumnEncoder, values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """int32[n]: codes of one column, whose chunks may have dictionaries of their own."""
    chunks = getattr(values, "chunks", [values])
    if not chunks:
        return np.empty(0, np.int32)
    return encoder.encode(chunks[0]) if len(chunks) == 1 else np.concatenate([encoder.encode(c) for c in chunks])


def _encoder(column: AbstractColumn, policy: MissingPolicy) -> AbstractColumnEncoder:
    from dpsynth.encoding.boolean import BooleanEncoder
    from dpsynth.encoding.category import CategoryEncoder
    from dpsynth.encoding.datetime import DatetimeEncoder
    from dpsynth.encoding.numeric import numeric_encoder

    match column:
        case Category():
            return CategoryEncoder(column, policy)
        case Boolean():
            return BooleanEncoder(column, policy)
        case Integer() | Real():
            return numeric_encoder(column, policy)
        case Datetime():
            return DatetimeEncoder(column, policy)
    raise DomainError(f"Column {column.name!r}: no encoder for {type(column).__name__}.")


def _to_column(encoder: AbstractColumnEncoder, codes: np.ndarray, rng: np.random.Generator) -> Any:
    """An array that pandas takes as it is."""
    import pandas as pd

    gone = encoder.gone(codes)
    values: Any = encoder.decode_ordinary(np.where(gone, encoder.first, codes), rng)
    if not gone.any():
        return values
    match values.dtype.kind:
        case "i":
            return pd.arrays.IntegerArray(values, gone)
        case "b":
            nullable = pd.array(values, dtype="boolean")
            nullable[gone] = pd.NA
            return nullable
        case "f":
            values[gone] = np.nan
        case "M":
            values[gone] = np.datetime64("NaT")
        case _:
            values[gone] = None
    return values
