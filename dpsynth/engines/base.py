"""The only code that sees rows. Everything here returns exact integers, which only the gate may hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder

__all__ = ["AbstractEngine", "Fingerprint"]


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """Private identity of a table under a ledger's secret key; never printed, never leaves the ledger file.

    Attributes:
        sketch: uint64[<= 512], the smallest distinct keyed hashes of rows.
        digest: bytes[16], keyed order-free hash of the whole multiset of rows.
    """

    sketch: np.ndarray
    digest: bytes

    def __repr__(self) -> str:
        return "Fingerprint(...)"


class AbstractEngine(ABC):
    """A table behind an encoder."""

    encoder: TableEncoder

    @abstractmethod
    def batches(self) -> Iterator[list[np.ndarray]]:
        """Encoded columns (int32[n_b] each, fine cells, order of encoder.names), batch by batch, in bounded memory."""

    @abstractmethod
    def counts(
        self, cliques: Sequence[tuple[str, ...]], groupings: Mapping[str, Grouping]
    ) -> list[np.ndarray]:
        """Exact int64 histograms, one axis per column of the clique. The empty clique () counts all rows (0-d)."""

    @abstractmethod
    def fingerprint(self, key: bytes) -> Fingerprint:
        """Keyed identity of the rows over the modelled columns; equal for a copied, reordered or re-encoded table."""
