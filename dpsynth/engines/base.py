"""The only code that sees rows. Everything here returns exact integers, which only the gate may hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.fingerprint import Fingerprint, fingerprint
from dpsynth.engines.kernel import Counter, compact

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["AbstractEngine", "Fingerprint"]


class AbstractEngine(ABC):
    """A table behind an encoder."""

    encoder: TableEncoder

    @abstractmethod
    def batches(self, names: Sequence[str] | None = None) -> Iterator[list[np.ndarray]]:
        """Encoded columns (integers[n_b] each, fine cells), batch by batch, in bounded memory.

        Args:
            names: the modelled columns wanted, in this order; None means all, in the order of encoder.names. With no
                name, the batches hold some one column, which says how many rows there are.

        The integer type is the engine's choice; the arrays must not be written to.
        """

    @abstractmethod
    def values(self) -> Iterator[Iterator[tuple[str, pa.Array | pa.ChunkedArray]]]:
        """Raw columns of every batch, by name, each read only when it is asked for."""

    def counts(self, cliques: Sequence[tuple[str, ...]], groupings: Mapping[str, Grouping]) -> list[np.ndarray]:
        """Exact int64 histograms, one axis per column of the clique. The empty clique () counts all rows (0-d).

        Raises:
            DomainError: a clique names a column that is not modelled.
            PlanError: a clique has too many cells.
            ValueError: a grouping is not one of its column.
        """
        columns = {name: self.encoder.by_name(name) for clique in cliques for name in clique}
        names = sorted(columns, key=self.encoder.names.index)
        for name in groupings.keys() & columns.keys():
            if len(groupings[name].cells) != columns[name].size:
                raise ValueError(f"the grouping of {name!r} maps another number of cells than the column has")
        maps = {name: groupings[name] for name in names if name in groupings}
        place = {name: j for j, name in enumerate(names)}
        sizes = [maps[name].size if name in maps else self.encoder.sizes[name] for name in names]
        counter = Counter(sizes, [[place[name] for name in clique] for clique in cliques])
        tables = [compact(maps[name].cells, maps[name].size) if name in maps else None for name in names]
        for batch in self.batches(names):
            codes = [code if table is None else table[code] for code, table in zip(batch, tables, strict=False)]
            counter.add(codes, rows=len(batch[0]))
        return [
            flat.reshape([sizes[place[name]] for name in clique])
            for clique, flat in zip(cliques, counter.split(), strict=True)
        ]

    def fingerprint(self, key: bytes) -> Fingerprint:
        """Keyed identity of the rows over the modelled columns; equal for a copied, reordered or re-encoded table."""
        return fingerprint(self.values(), key)
