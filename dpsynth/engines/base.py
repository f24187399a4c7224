"""The only code that sees rows. Everything here returns exact integers, which only the gate may hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.fingerprint import Fingerprint, digest_codes, fingerprint
from dpsynth.engines.kernel import Counter, compact
from dpsynth.engines.parity import ParityCounter

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

    @abstractmethod
    def on_grids(self, encoder: TableEncoder) -> AbstractEngine:
        """The same rows behind an encoder that differs in the grids of its columns only. No cell is read yet."""

    def check_unchanged(self) -> None:  # noqa: B027 (what is in memory has nothing to check)
        """See that later passes read what the first one read, as far as that can be told without reading.

        Raises:
            SourceError: a file is not the one that was opened.
        """

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

    def parity_sums(self, sets: Sequence[tuple[str, ...]], signs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Exact sums over rows of the product of the signs of each set's columns; the empty set counts rows.

        Args:
            sets: columns by name.
            signs: +1 or -1 per fine cell; a column without has +1 in its first cell and -1 in all others.

        Returns:
            int64[sets].

        Raises:
            DomainError: a set names a column that is not modelled.
            PlanError: too many sets of a high order.
        """
        columns = {name: self.encoder.by_name(name) for parity in sets for name in parity}
        names = sorted(columns, key=self.encoder.names.index)
        place = {name: j for j, name in enumerate(names)}
        negative = [_negative_cells(columns[name].size, signs.get(name)) for name in names]
        counter = ParityCounter(len(names), [[place[name] for name in parity] for parity in sets])
        for batch in self.batches(names):
            counter.add([table[code] for table, code in zip(negative, batch, strict=False)], rows=len(batch[0]))
        return counter.total()

    def fingerprint(self, key: bytes) -> Fingerprint:
        """Keyed identity of the rows over the modelled columns; equal for a copied, reordered or re-encoded table.

        Its `codes_digest` is of what is counted: it differs wherever a count could, and with the domain.
        """
        domain, sizes = self.encoder.domain.digest(), [self.encoder.sizes[name] for name in self.encoder.names]
        return fingerprint(self.values(), key, digest_codes(self.batches(), sizes, domain, key))


def _negative_cells(size: int, signs: np.ndarray | None) -> np.ndarray:
    """uint8[size]: 1 for the cells whose sign is -1."""
    return (np.arange(size) > 0 if signs is None else np.asarray(signs) < 0).astype(np.uint8)
