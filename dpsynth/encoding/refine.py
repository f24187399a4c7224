"""Grids of lattice columns with cells that end where one says: how a paid search gives a value a cell of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dpsynth.domain.columns import Grid, Integer, Real
from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.numeric import LatticeEncoder

__all__ = ["lattice_edges", "with_lattice_edges"]


def lattice_edges(encoder: AbstractColumnEncoder) -> np.ndarray | None:
    """int64[cells + 1]: the ends of a column's grid cells in steps of its lattice; None where it has no lattice.

    Cell i holds the steps edges[i], ..., edges[i + 1] - 1. Public.
    """
    return encoder.lattice_edges if isinstance(encoder, LatticeEncoder) else None


def with_lattice_edges(encoder: AbstractColumnEncoder, edges: np.ndarray) -> Integer | Real:
    """The column with a grid whose cells end before the given steps.

    Args:
        encoder: of a column with a lattice.
        edges: int64[cells + 1], increasing; first and last as in `lattice_edges(encoder)`.

    Returns:
        The same column on the new grid.

    Raises:
        ValueError: no lattice, or edges that do not span it.

    Guarantee:
        Its encoder has the lattice edges `edges`.
    """
    own = lattice_edges(encoder)
    column = encoder.column
    if own is None or not isinstance(column, (Integer, Real)):
        raise ValueError("the column has no lattice")
    edges = np.asarray(edges, dtype=np.int64)
    if edges[0] != own[0] or edges[-1] != own[-1] or (np.diff(edges) < 1).any():
        raise ValueError("the edges do not span the lattice")
    scale = 1.0 if isinstance(column, Integer) else 10.0 ** (column.decimals or 0)
    # Half a step below the first value of a cell: no rounding can move a value over it.
    inner = (edges[1:-1] - 0.5) / scale
    if len(inner) == 0:
        return replace(column, grid=Grid("equal", cells=1))
    return replace(column, grid=Grid("edges", edges=(column.minimum, *inner.tolist(), column.maximum)))
